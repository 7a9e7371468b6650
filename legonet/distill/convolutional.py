"""Fully connected layers read as convs, so that a larger input gives a grid of outputs.

Experiment 2 of the paper enlarges the output gradient of a single output to an S x S map; the
gradient map at the input grows with it.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import torch
from torch import nn

from legonet.diagnostics import DiagnosticError

if TYPE_CHECKING:
    from collections.abc import Sequence


def convolutional(
    layers: Sequence[nn.Module], shape: tuple[int, int, int], grid: int
) -> tuple[list[nn.Module], tuple[int, int, int]]:
    """Return layers that give a ``grid x grid`` map of outputs, and their input's shape.

    For ``grid = 1`` they give the same output as the layers did, as a map of one position.

    Args:
        layers: A chain that flattens its maps and ends in linear layers; all on one device.
        shape: Shape ``(C, H, W)`` of its usual input.
        grid: S, positions along each side of the output.

    Raises:
        DiagnosticError: The chain has no fully connected layers, or pools to a size that does not
            divide its input's (``LEGO603``).
    """
    read: list[nn.Module] = []
    parameter = next((p for layer in layers for p in layer.parameters()), torch.zeros(()))
    values = torch.zeros(1, *shape, dtype=parameter.dtype, device=parameter.device)
    window: torch.Size | None = None
    with torch.no_grad():
        for layer in layers:
            read.append(_read(layer, values.shape[1:], window))
            if isinstance(layer, nn.Flatten):
                window = values.shape[2:]
            elif isinstance(layer, nn.Linear):
                window = torch.Size((1, 1))
            values = layer(values)
    if window is None:
        raise _refusal("the task module has no fully connected layers")
    growth = (grid - 1) * prod(_stride(layer) for layer in read)
    return read, (shape[0], shape[1] + growth, shape[2] + growth)


def _read(layer: nn.Module, shape: torch.Size, window: torch.Size | None) -> nn.Module:
    if isinstance(layer, nn.Flatten):
        return nn.Identity()
    if isinstance(layer, nn.AdaptiveAvgPool2d):
        return _pool(layer, shape)
    if isinstance(layer, nn.Linear):
        if window is None:
            raise _refusal("a fully connected layer stands in front of the flattening")
        height, width = window
        weight = layer.weight.detach().reshape(len(layer.weight), -1, height, width)
        conv = nn.Conv2d(weight.shape[1], len(weight), (height, width), device="meta")
        conv.weight = nn.Parameter(weight, requires_grad=False)
        conv.bias = None if layer.bias is None else nn.Parameter(layer.bias.detach(), False)
        return conv
    if isinstance(layer, nn.Upsample | nn.Unflatten | nn.BatchNorm1d):
        raise _refusal(f"a layer of kind {type(layer).__name__} has no grid of outputs")
    return layer


def _pool(layer: nn.AdaptiveAvgPool2d, shape: torch.Size) -> nn.Module:
    given = layer.output_size
    sides = given if isinstance(given, tuple) else (given, given)
    wanted = [
        side if side is not None else full for side, full in zip(sides, shape[1:], strict=True)
    ]
    if any(full % side for side, full in zip(wanted, shape[1:], strict=True)):
        raise _refusal(f"adaptive pooling to {wanted} does not divide {list(shape[1:])}")
    kernel = (shape[1] // wanted[0], shape[2] // wanted[1])
    return nn.Identity() if kernel == (1, 1) else nn.AvgPool2d(kernel)


def _stride(layer: nn.Module) -> int:
    if not isinstance(layer, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
        return 1
    stride = layer.stride if isinstance(layer.stride, tuple) else (layer.stride, layer.stride)
    if len(set(stride)) > 1:
        raise _refusal(f"a layer of kind {type(layer).__name__} strides unevenly")
    return int(stride[0])


def _refusal(reason: str) -> DiagnosticError:
    return DiagnosticError.of(
        "LEGO603",
        f"no grid of outputs: {reason}",
        label="`output_grid` above 1",
        help=["leave `output_grid` at 1"],
    )
