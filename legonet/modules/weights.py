"""Ready weights for a network: from a file, a library, a hub, or an ancestor."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from legonet.diagnostics import DiagnosticError, did_you_mean
from legonet.language.models import LibraryModel, ModelForm
from legonet.language.weights import HubWeights, Loading, WeightsFile
from legonet.modules.hub_files import hub_file, not_fetched
from legonet.modules.loading import load_tensors
from legonet.modules.weight_files import keeps_order, parts_of, read_shapes, read_weights
from legonet.modules.weight_names import Pairs, paired, random_names

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from legonet.language.declarations import Network
    from legonet.language.models import Model
    from legonet.language.weights import TorchvisionWeights, Weights
    from legonet.modules.loading import load_tensors
from legonet.modules.weight_files import Shapes


def load_weights(network: nn.Module, declaration: Network) -> None:
    """Load the ready weights that a declaration names into a network in place.

    Values are converted to the network's dtypes. If anything does not fit, nothing is changed.

    Args:
        network: The network that the declaration's model gave.
        declaration: Says which weights, and how they are matched with the network's.

    Raises:
        DiagnosticError: The weights cannot be read or fetched, or do not fit.
    """
    weights, loading = declaration.weights, declaration.loading or Loading()
    if weights is None:
        return
    state, origin, ordered = _state(weights, declaration.model, loading)
    pairs = _pairs(network, _shapes(state), declaration, origin, ordered=ordered)
    load_tensors(
        network, {**network.state_dict(), **{name: state[raw] for name, raw in pairs.items()}}
    )


def check_weights(network: nn.Module, declaration: Network) -> None:
    """Check, without reading values, that the tensors of a weights file fit a network.

    Args:
        network: The network; one on the meta device will do.
        declaration: What the spec says of the network.

    Raises:
        DiagnosticError: As for `load_weights`.
    """
    weights, loading = declaration.weights, declaration.loading or Loading()
    model = declaration.model
    if not isinstance(model, LibraryModel) and type(model).ready_state is not ModelForm.ready_state:
        return  # only its own reader knows what is in the file
    if isinstance(weights, WeightsFile):
        found = read_shapes(weights.file, loading.entry)
        ordered = keeps_order(weights.file)
        _pairs(network, found, declaration, str(weights.file), ordered=ordered)


def _state(
    weights: Weights, model: Model, loading: Loading
) -> tuple[Mapping[str, Tensor], str, bool]:
    """Return tensors, what to call their origin, and whether they have kept their order."""
    if isinstance(weights, WeightsFile):
        file, origin = weights.file, str(weights.file)
        own = None if isinstance(model, LibraryModel) else model.ready_state(file)
        if own is not None:
            return own, origin, True
    elif isinstance(weights, HubWeights):
        file, origin = _fetched(weights), f"{weights.repository}/{weights.file}"
        own = None if isinstance(model, LibraryModel) else model.ready_state(file.parent)
        if own is not None:
            return own, origin, True
    else:
        return _torchvision_state(weights, model), f"torchvision's {weights.name}", True
    return read_weights(file, loading.entry), origin, keeps_order(file)


def _pairs(
    network: nn.Module, found: Shapes, declaration: Network, origin: str, *, ordered: bool
) -> Pairs:
    expected = _shapes(network.state_dict())
    pairs = paired(expected, found, declaration.loading or Loading(), origin, ordered=ordered)
    random = random_names(expected, pairs)
    if random and declaration.train is None:
        raise DiagnosticError.of(
            "LEGO513",
            f"`except` leaves {len(random)} tensors of the network at random, such as "
            f"`{random[0]}`, and no recipe trains them",
            label="would answer at random",
            help=[
                "add `train { .. }`, or give the model no such layer, as timm's `num_classes: 0`"
            ],
        )
    return pairs


def inherit(network: nn.Module, ancestor_state: Mapping[str, Tensor]) -> tuple[str, ...]:
    """Copy every parameter and buffer of an ancestor whose name and shape match.

    Args:
        network: The network that starts from the ancestor; changed in place.
        ancestor_state: The ancestor's state dict.

    Returns:
        The names of the tensors that were copied, in the network's order.

    Raises:
        DiagnosticError: Nothing matches.
    """
    own = network.state_dict()
    fitting = [
        name
        for name, tensor in own.items()
        if name in ancestor_state and ancestor_state[name].shape == tensor.shape
    ]
    if not fitting:
        shared = sorted(set(own) & set(ancestor_state))
        raise DiagnosticError.of(
            "LEGO506",
            f"none of the {len(own)} tensors matches one of the ancestor's {len(ancestor_state)}",
            label="nothing to start from",
            help=[
                "`init` copies tensors with the same name and the same shape"
                + (f"; `{shared[0]}` has only the same name" if shared else ""),
                "use a model of the same family with the same channels",
            ],
        )
    with torch.no_grad():
        for name in fitting:
            own[name].copy_(ancestor_state[name])
    return tuple(fitting)


def _shapes(state: Mapping[str, Tensor]) -> Shapes:
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def _fetched(weights: HubWeights) -> Path:
    def fetched(file: str) -> Path:
        return hub_file(weights.repository, file, weights.revision)

    file = fetched(weights.file)
    # The files that an index names come to lie beside it.
    for part in parts_of(file)[1:] if file.suffix == ".json" else ():
        fetched(f"{weights.file.rpartition('/')[0]}/{part.name}".lstrip("/"))
    return file


def _torchvision_state(weights: TorchvisionWeights, model: Model) -> Mapping[str, Tensor]:
    if not isinstance(model, LibraryModel) or model.library != "torchvision":
        raise DiagnosticError.of(
            "LEGO507",
            f"torchvision has no weights for `{model.call}`",
            label="only for torchvision's models",
            help=["use a torchvision model, or weights from a file"],
        )
    models: Any = importlib.import_module("torchvision.models")
    known = {entry.name: entry for entry in models.get_model_weights(model.name)}
    if weights.name not in known:
        names = ", ".join(f"`{name}`" for name in known) or "none"
        raise DiagnosticError.of(
            "LEGO507",
            f"torchvision has no weights `{weights.name}` for `{model.call}`",
            label="unknown weights",
            help=[*did_you_mean(weights.name, known, "weights name"), f"there are {names}"],
        )
    try:
        state: Mapping[str, Tensor] = known[weights.name].get_state_dict(
            progress=False, check_hash=True
        )
    except (OSError, RuntimeError) as error:
        raise not_fetched(f"torchvision's {model.name} {weights.name}", error) from error
    return state
