"""Category modules with reordered channels, for experiments (section 4 of the paper).

Reordering the filters of the top conv of f, and the input channels of g_T with them, changes
nothing but the order of the channels between the two. To leave both networks untouched, a 1x1 conv
of zeros and ones is placed after f, and its inverse before g_T.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from legonet.distill.randomness import generator
from legonet.modules.freeze import freeze

if TYPE_CHECKING:
    from legonet.distill.edges.edge import Edge
    from legonet.modules.adapter import Adapter


def random_order(channels: int, seed: int) -> Tensor:
    """Return the order that a seed gives: which channel of f comes at which place."""
    return torch.randperm(channels, generator=generator(seed, "order of the channels"))


def reordered(edge: Edge, order: Tensor, device: torch.device) -> Edge:
    """Return an edge whose category module outputs its channels in a different order.

    Args:
        edge: The edge; it is not changed.
        order: The channel at each place, ``(C,)``.
        device: Where its modules are.
    """
    forth, back = (_permuting(places).to(device) for places in (order, order.argsort()))
    return replace(
        edge,
        category_module=freeze(nn.Sequential(edge.category_module, forth)),
        teacher_top=freeze(nn.Sequential(back, edge.teacher_top)),
    )


@torch.no_grad()
def undone(adapter: Adapter, order: Tensor) -> Adapter:
    """Make an adapter that was learned on reordered channels fit the category module itself.

    Args:
        adapter: Changed in place: the input channels of its first conv.
        order: As for `reordered`.
    """
    weight = adapter.convolutions[0].weight
    weight.copy_(weight[:, order.argsort().to(weight.device)].clone())
    return adapter


def _permuting(order: Tensor) -> nn.Conv2d:
    conv = nn.Conv2d(len(order), len(order), 1, bias=False, device="meta")
    rows = torch.eye(len(order))[order]
    conv.weight = nn.Parameter(rows[:, :, None, None], requires_grad=False)
    return freeze(conv)
