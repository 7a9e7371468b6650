"""From pictures as all of legonet has them to those that a network was trained on."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from legonet.language.inputs import IMAGENET_DEVIATION, IMAGENET_MEAN, Input
from legonet.language.models import LibraryModel
from legonet.language.weights import TorchvisionWeights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from legonet.language.declarations import Network

CONVERSION = "input_conversion"
"""The name of the module that converts a network's pictures, if they need it."""

_HALF = (0.5, 0.5, 0.5)


class InputConversion(nn.Module):
    """Pictures ``(N, 3, H, W)`` as `legonet.data.to_tensor` makes them, to a network's own.

    Args:
        settings: What the network expects.

    Attributes:
        settings: The same.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, settings: Input) -> None:
        super().__init__()
        self.settings = settings
        order = slice(None, None, -1 if settings.channels == "bgr" else 1)
        white = settings.range
        usual = torch.tensor((IMAGENET_MEAN[order], IMAGENET_DEVIATION[order]), dtype=torch.float64)
        own = torch.tensor((settings.mean, settings.std), dtype=torch.float64)
        # In float64, so that the converted pictures are rounded once.
        scale = (white * usual[1] / own[1]).float().view(3, 1, 1)
        shift = ((white * usual[0] - own[0]) / own[1]).float().view(3, 1, 1)
        # The settings say what they are, so that they need not be among a network's weights.
        self.register_buffer("scale", scale, persistent=False)
        self.register_buffer("shift", shift, persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the pictures as the network expects them."""
        settings = self.settings
        if settings.crop < 1:
            sides = pictures.shape[-2:]
            height, width = (max(1, round(side * settings.crop)) for side in sides)
            top, left = (sides[0] - height) // 2, (sides[1] - width) // 2
            pictures = pictures[..., top : top + height, left : left + width]
        if settings.size is not None and pictures.shape[-2:] != (settings.size, settings.size):
            smooth: dict[str, Any] = (
                {}
                if settings.interpolation == "nearest"
                else {"antialias": True, "align_corners": False}
            )
            pictures = functional.interpolate(
                pictures, (settings.size, settings.size), mode=settings.interpolation, **smooth
            )
        if settings.channels == "bgr":
            pictures = pictures.flip(1)
        return pictures * self.scale.to(pictures) + self.shift.to(pictures)


def convert_input(network: nn.Module, settings: Input | None) -> nn.Module:
    """Have a network take pictures as `legonet.data.to_tensor` makes them, and return it.

    A network that expects these already, or whose settings are None, is left as it is. Otherwise it
    gets an attribute, `CONVERSION`, which is none of its layers: a chain would run it as the last.

    Args:
        network: The network; changed in place.
        settings: What it expects.
    """
    if settings is None or settings.is_default:
        return network
    # A number that is written down is known on the meta device too.
    with torch.device("cpu"):
        network.__dict__[CONVERSION] = InputConversion(settings).eval()
    network.register_forward_pre_hook(_convert)
    return network


def _convert(network: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
    return (network.__dict__[CONVERSION](given[0]), *given[1:])


def insert_conversion(network: nn.Module, graph: fx.Graph) -> None:
    """Put the conversion of a network's pictures into a graph of its forward pass, if it has one.

    Args:
        network: The network, of whose forward pass alone the graph is.
        graph: The graph; changed in place.
    """
    if not isinstance(getattr(network, CONVERSION, None), InputConversion):
        return
    pictures = next(node for node in graph.nodes if node.op == "placeholder")
    with graph.inserting_after(pictures):
        converted = graph.call_module(CONVERSION, (pictures,))
    pictures.replace_all_uses_with(converted, lambda user: user is not converted)


def input_of_half(half: nn.Module) -> Input | None:
    """Return what the network of a category module expects of its pictures; None if it says not."""
    conversion = getattr(half, CONVERSION, None)
    return conversion.settings if isinstance(conversion, InputConversion) else None


def input_of(declaration: Network, network: nn.Module, ancestor: Input | None) -> Input:
    """Return what a network expects of its pictures.

    Args:
        declaration: What the spec says of it.
        network: What its model gave, on any device.
        ancestor: What its ancestor expects; None if it has none.
    """
    own = ancestor
    if declaration.weights is not None:
        own = _expected(declaration, network)
    return (own or Input()).changed(declaration.input)


def _expected(declaration: Network, network: nn.Module) -> Input | None:
    """Return what the library of a network with ready weights says of its pictures."""
    model, weights = declaration.model, declaration.weights
    if not isinstance(model, LibraryModel):
        return model.own_input()
    if model.library == "timm":
        return _of_timm(model, network)
    return _of_torchvision(
        model, network, weights if isinstance(weights, TorchvisionWeights) else None
    )


def _of_timm(model: LibraryModel, network: nn.Module) -> Input | None:
    settings: Any = getattr(network, "pretrained_cfg", None)
    if not settings:
        return None
    size = None
    if settings.get("fixed_input_size"):
        size = model.arguments.get("img_size", settings["input_size"][-1])
    return Input(
        mean=_numbers(settings["mean"]),
        std=_numbers(settings["std"]),
        size=_side(size),
        interpolation=_interpolation(settings.get("interpolation")),
    )


def _of_torchvision(
    model: LibraryModel, network: nn.Module, weights: TorchvisionWeights | None
) -> Input | None:
    """Return what torchvision's weights expect, which their own transforms know."""
    found = Input(size=_side(getattr(network, "image_size", None)))
    own = getattr(network, "normalization", None)
    if own is not None:  # that of a detector, whatever its weights
        update = {"mean": _numbers(own[0]), "std": _numbers(own[1])}
        return found.model_copy(update=update)
    if weights is None:
        return found
    models: Any = importlib.import_module("torchvision.models")
    known = {entry.name: entry for entry in models.get_model_weights(model.name)}
    if weights.name not in known:
        return found
    transforms = known[weights.name].transforms()
    mean, std = getattr(transforms, "mean", None), getattr(transforms, "std", None)
    if getattr(network, "transform_input", True) is False:
        # torchvision itself turns the pictures of these two into what their weights expect.
        mean = std = _HALF
    if mean is None or std is None:
        return found  # a detector of two stages
    return found.model_copy(
        update={
            "mean": _numbers(mean),
            "std": _numbers(std),
            "interpolation": _interpolation(getattr(transforms, "interpolation", None)),
        }
    )


def _numbers(values: Sequence[float]) -> tuple[float, ...]:
    found = tuple(float(value) for value in values)
    return found if len(found) == 3 else found[:1] * 3


def _side(size: object) -> int | None:
    """Return one side of what a library says of a square, or None of anything else."""
    sides = set(size) if isinstance(size, tuple | list) else {size}
    only = sides.pop() if len(sides) == 1 else None
    return only if isinstance(only, int) else None


def _interpolation(word: object) -> Any:
    name = str(getattr(word, "value", word))
    return name if name in ("bilinear", "bicubic", "nearest") else "bilinear"
