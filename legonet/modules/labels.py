"""What libraries say of the outputs of the networks whose weights they publish."""

from __future__ import annotations

import importlib
from contextlib import suppress
from typing import Any

from legonet.language.models import LibraryModel, Model
from legonet.language.weights import TorchvisionWeights, Weights


def published_labels(model: Model, weights: Weights | None) -> tuple[str, ...] | None:
    """Return the names of a ready network's outputs, in their order; None if no library says so.

    - torchvision: the categories that it publishes along with the weights that are named;
    - timm: those of the ImageNet that its weights of the model were trained on, each by the first
      of its names, where the model has as many outputs.

    Args:
        model: What the spec says after ``model:``.
        weights: What it says after ``weights:``.
    """
    if not isinstance(model, LibraryModel) or weights is None:
        return None
    # Whatever a library does not know of a model, the model's outputs then have numbers.
    with suppress(Exception):
        found = _PUBLISHED[model.library](model, weights)
        if found and model.outputs in (None, len(found)):
            return tuple(found)
    return None


def _torchvision(model: LibraryModel, weights: Weights) -> list[str] | None:
    if not isinstance(weights, TorchvisionWeights):
        return None
    models: Any = importlib.import_module("torchvision.models")
    found: list[str] = models.get_model_weights(model.name)[weights.name].meta["categories"]
    return found[1:] if model.goal == "detection" else found  # the first is background


def _timm(model: LibraryModel, _: Weights) -> list[str] | None:
    models: Any = importlib.import_module("timm.models")
    data: Any = importlib.import_module("timm.data")
    published = models.get_pretrained_cfg(model.name)
    subset = data.infer_imagenet_subset(published.to_dict())
    if subset is None:
        return None
    info = data.ImageNetInfo(subset)
    if info.num_classes() != published.num_classes:
        return None
    names = (info.index_to_description(number) for number in range(info.num_classes()))
    return [name.partition(",")[0] for name in names]


_PUBLISHED = {"torchvision": _torchvision, "timm": _timm}
