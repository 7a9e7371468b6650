"""Which layout the features at a cut have, found by running two pictures."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import torch
from torch import nn

from legonet.diagnostics import DiagnosticError
from legonet.modules.layout import Layout, tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from legonet.language.declarations import LayoutName

PREFIX_TOKENS = {
    *("cls_token", "class_token", "dist_token", "distillation_token"),
    *("reg_token", "register_tokens", "storage_tokens"),
}
"""Names of parameters ``(1, tokens, C)`` that networks put before their grids of tokens."""


def layout_of(
    network: nn.Module,
    category_module: nn.Module,
    size: int,
    said: LayoutName | None = None,
) -> Layout:
    """Return the layout of a category module's features.

    Their number of axes tells vectors and tokens. For four axes, it is the two whose sizes are
    equal, or that grow with the picture, or otherwise what the layers that read the features
    expect.

    Args:
        network: The network; what it puts before a grid of tokens is found by the names of its
            parameters.
        category_module: Its bottom, on any device; it is not changed. On the meta device this
            computes nothing; elsewhere it is two pictures, which take less time than the import of
            what torch needs for that device.
        size: Height and width of the pictures.
        said: The layout by its name, where the spec says it.

    Raises:
        DiagnosticError: The features have no such layout, or it is not clear which
            (``LEGO524``).
    """
    shape = _shape(category_module, size)
    if shape is None:
        raise _unknown(f"the features of two pictures of {size}x{size} have no shape", shape)
    if shape[:1] != (2,):
        raise _unknown("the first axis of the features does not count pictures", shape)
    kind = said or _kind(category_module, size, shape)
    if kind is None:
        raise _unknown("it is not clear which axes are height and width", shape)
    match kind, shape[1:]:
        case "maps", (channels, height, width):
            return Layout("maps", channels, height, width)
        case "channels_last", (height, width, channels):
            return Layout("channels_last", channels, height, width)
        case "tokens", (length, channels):
            ordered = not any(hasattr(item, "reroll") for item in network.modules())
            return tokens(length, channels, _prefix(network), ordered=ordered)
        case "vectors", (channels,):
            return Layout("vectors", channels)
    raise _unknown(f"they are not {kind}", shape)


def _kind(module: nn.Module, size: int, shape: Sequence[int]) -> LayoutName | None:
    match shape[1:]:
        case (_,):
            return "vectors"
        case (_, _):
            return "tokens"
        case (first, second, third):
            # Pictures are squares.
            if (first == second) != (second == third):
                return "channels_last" if first == second else "maps"
            return _growing(module, size, shape)
    return None


def _growing(module: nn.Module, size: int, shape: Sequence[int]) -> LayoutName | None:
    """Return which layout has the axes that follow the size of the picture."""
    for other in (2 * size, size // 2, size + 32):
        found = _shape(module, other)
        if found is None or len(found) != len(shape):
            continue
        changed = [axis for axis in (1, 2, 3) if found[axis] != shape[axis]]
        if changed == [2, 3]:
            return "maps"
        if changed == [1, 2]:
            return "channels_last"
    return _made(module, shape[-1])


def _made(module: nn.Module, channels: int) -> LayoutName | None:
    """Return the layout that the last layer of a kind that has only one makes."""
    found: LayoutName | None = None
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.BatchNorm2d | nn.MaxPool2d | nn.AvgPool2d):
            found = "maps"
        elif isinstance(layer, nn.Linear) and layer.out_features == channels:
            found = "channels_last"
    return found


def _prefix(network: nn.Module) -> int | None:
    """Return the number of tokens that a network puts before a grid; None if it has no names."""
    known = getattr(network, "num_prefix_tokens", None)
    if isinstance(known, int):
        return known
    found = {
        name.rpartition(".")[2]: parameter
        for name, parameter in network.named_parameters()
        if name.rpartition(".")[2] in PREFIX_TOKENS
    }
    if not found:
        return None
    return sum(item.shape[1] if item.dim() == 3 else 1 for item in found.values())


def _shape(module: nn.Module, size: int) -> tuple[int, ...] | None:
    """Return the shape of the features of two pictures; None where the module cannot take them."""
    weight = next(chain(module.parameters(), module.buffers()), None)
    device = "meta" if weight is None else weight.device
    try:
        with torch.no_grad():
            features = module(torch.zeros(2, 3, size, size, device=device))
    except Exception:
        # This runs the network's own code, which may raise anything at all.
        return None
    return tuple(features.shape) if isinstance(features, torch.Tensor) else None


def _unknown(reason: str, shape: Sequence[int] | None) -> DiagnosticError:
    found = "" if shape is None else f": two pictures have {'x'.join(map(str, shape))}"
    return DiagnosticError.of(
        "LEGO524",
        f"{reason}{found}",
        label="no layout that an adapter can read",
        help=[
            "cut between blocks, where features are maps, tokens or vectors of each picture",
            "or say it: `layout: maps`, `channels_last`, `tokens` or `vectors`",
        ],
    )
