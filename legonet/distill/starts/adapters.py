"""Adapters without training: empty ones, and ones whose first conv is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from legonet.distill.randomness import generator
from legonet.modules.adapter import Adapter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from legonet.distill.edges.edge_context import EdgeContext


def empty_adapter(context: EdgeContext, kernels: Sequence[int]) -> Adapter:
    """Return an adapter with torch's own random start, drawn from the edge's seed."""
    channels_in, channels_out = (shape[0] for shape in context.shapes)
    random = generator(context.seed, "default start")
    adapter = Adapter(
        channels_in, channels_out, kernels, context.beta, random, activation=context.activation
    )
    return adapter.to(context.device)


@torch.no_grad()
def solved_adapter(
    context: EdgeContext, kernels: Sequence[int], weight: Tensor, bias: Tensor | None = None
) -> Adapter:
    """Return an adapter whose first conv is given and whose other convs change nothing.

    After a ReLU, features are nowhere negative, so identities change nothing; neither do residual
    branches that are zero.

    Args:
        context: The edge.
        kernels: Kernel sizes.
        weight: ``(C_S, C_T, k, k)``; a smaller kernel is put at the middle of the conv's.
        bias: ``(C_S,)``; default: zero.
    """
    adapter = empty_adapter(context, kernels).dirac_()
    first = adapter.convolutions[0]
    margin = (kernels[0] - weight.shape[-1]) // 2
    padded = functional.pad(weight, (margin,) * 4)
    first.weight.copy_(padded)
    if bias is not None and first.bias is not None:
        first.bias.copy_(bias)
    return adapter
