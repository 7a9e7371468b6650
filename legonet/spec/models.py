"""The forms after ``model:`` and ``weights:`` in a ``network`` block."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from legonet.spec.base import Form, Frozen, Plugin


class SmallVgg(Form):
    """A small VGG for small pictures, with torchvision's ``features`` and ``classifier``.

    Args:
        classes: Outputs; 1 for a network that knows a single category.
        channels: Channels behind the first pooling (``features.4``).
    """

    call: ClassVar[str] = "legonet.small_vgg"
    classes: int = Field(ge=1)
    channels: int = Field(default=32, ge=1)


class SmallFcn(Form):
    """A fully convolutional network over the features of ``legonet.small_vgg``: outputs per pixel.

    Args:
        classes: Output maps; 1 for a network that knows a single category.
        channels: Channels behind the first pooling (``features.4``).
        stride: Pixels between neighbouring answers before they are brought to the picture's size;
            a smaller one sees finer edges and takes longer.
    """

    call: ClassVar[str] = "legonet.small_fcn"
    classes: int = Field(ge=1)
    channels: int = Field(default=32, ge=1)
    stride: Literal[2, 4, 8] = 4


class VggFcn(Form):
    """A fully convolutional VGG with skips, FCN-8s, 16s or 32s (Long et al. 2015).

    Its ``features`` are those of torchvision's VGG without batch norm, so that a torchvision VGG
    can be its ancestor (``init``). Pictures have a size that is divisible by 32.

    Args:
        classes: Output maps; 1 for a network that knows a single category.
        depth: VGG's depth.
        stride: Pixels between neighbouring answers before they are brought to the picture's size.
    """

    call: ClassVar[str] = "legonet.vgg_fcn"
    classes: int = Field(ge=1)
    depth: Literal[11, 13, 16, 19] = 16
    stride: Literal[8, 16, 32] = 8


class LibraryModel(Frozen):
    """A model of torchvision or timm, by the name that the library lists.

    Args:
        library: ``torchvision`` or ``timm``.
        name: As in ``torchvision.models.list_models()``.
        arguments: Keyword arguments of the model's own constructor.
    """

    library: str
    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)

    @property
    def call(self) -> str:
        """The form's dotted name in a spec."""
        return f"{self.library}.{self.name}"


class PluginModel(Plugin):
    """A model that another package registers at the entry point ``legonet.models``."""


MODELS: tuple[type[Form], ...] = (SmallVgg, SmallFcn, VggFcn)

Model = SmallVgg | SmallFcn | VggFcn | LibraryModel | PluginModel


class WeightsFile(Frozen):
    """Ready weights in a safetensors file, written as its path alone.

    Args:
        file: The file; its tensors have the names and shapes of the model's own.
    """

    file: Path


class TorchvisionWeights(Form):
    """Ready weights of torchvision, for the models of torchvision.

    Args:
        name: Torchvision's own name of them, such as ``IMAGENET1K_V1``.
    """

    call: ClassVar[str] = "torchvision"
    name: str


class HubWeights(Form):
    """Ready weights from the Hugging Face hub, pinned to a revision.

    Args:
        repository: The repository, as ``organisation/name``.
        revision: A commit's hash, so that the same weights come every time; a branch or a tag may
            move.
        file: A safetensors file in the repository.
    """

    call: ClassVar[str] = "hub"
    repository: str
    revision: str
    file: str = "model.safetensors"


WEIGHTS: tuple[type[Form], ...] = (TorchvisionWeights, HubWeights)

Weights = WeightsFile | TorchvisionWeights | HubWeights
