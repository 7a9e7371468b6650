"""The paper's section 3.2 in plain autograd, slow and obviously right, written apart from legonet.

A forward pass is run as it stands while torch's own functions are intercepted: what is no linear
function is replaced with its surrogate by the name under which torch knows it. The gradient of
that pass is D', and autograd goes through the gradient a second time for its derivative.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

RELUS = {
    torch.relu: 0.0,
    Tensor.relu: 0.0,
    functional.relu: 0.0,
    functional.relu6: 0.0,
    functional.hardtanh: 0.0,
    functional.leaky_relu: "slope",
    functional.prelu: "weight",
}
POOLS = {functional.max_pool2d, torch.max_pool2d, functional.adaptive_max_pool2d}


@dataclass
class Linear(TorchFunctionMode):
    """Replaces ReLUs and max-pools while it is on.

    Args:
        relus: For each ReLU a map, or None for the identity; identities where there are no more.
        pools: For each max-pool the positions to pick, or None for average-pool.
    """

    relus: tuple = ()
    pools: tuple = ()
    relu_shapes: list = field(default_factory=list)
    pool_shapes: list = field(default_factory=list)

    def __post_init__(self):
        super().__init__()
        self._next_relu, self._next_pool = count(), count()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in RELUS:
            values = args[0]
            self.relu_shapes.append(tuple(values.shape[1:]))
            return self._gated(values, RELUS[func], args, kwargs)
        if func in POOLS or getattr(func, "__name__", "") in ("_max_pool2d", "boolean_dispatch"):
            pooled = self._pooled(func, args, kwargs)
            self.pool_shapes.append((*args[0].shape[1:], *pooled.shape[1:]))
            return pooled
        return func(*args, **kwargs)

    def _gated(self, values, slope, args, kwargs):
        place = next(self._next_relu)
        gate = self.relus[place] if place < len(self.relus) else None
        if gate is None:
            return values * 1
        if slope == "slope":
            slope = kwargs["negative_slope"] if "negative_slope" in kwargs else args[1]
        elif slope == "weight":
            slope = args[1].reshape(-1, *[1] * (values.dim() - 2))
        return torch.where(gate.bool(), values, values * slope)

    def _pooled(self, func, args, kwargs):
        place = next(self._next_pool)
        values = args[0]
        picked = self.pools[place] if place < len(self.pools) else None
        if picked is not None:
            rows = values.flatten(2)
            lines = [
                torch.stack([row[spots.flatten()] for row, spots in zip(maps, one, strict=True)])
                for maps, one in zip(rows, picked, strict=True)
            ]
            return torch.stack(lines).view(*picked.shape)
        if func is functional.adaptive_max_pool2d:
            return functional.adaptive_avg_pool2d(values, args[1])
        names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
        given = dict(zip(names, args[1:], strict=False)) | kwargs
        given = {name: given[name] for name in names if name in given and name != "dilation"}
        return functional.avg_pool2d(values, **given)


def shapes(module: nn.Module, shape: tuple) -> tuple[list, list]:
    """Shapes of ReLUs and max-pools in the order in which they run."""
    mode = Linear()
    with torch.no_grad(), mode:
        module(torch.zeros(1, *shape, dtype=torch.float64))
    return mode.relu_shapes, mode.pool_shapes


def pseudo_gradient(module: nn.Module, shape, given: Tensor, relus=(), pools=()) -> Tensor:
    """D' of a task module alone."""
    return through_adapter(module, [], shape, given, relus, pools).detach()


def through_adapter(
    module: nn.Module, kernels, shape, given: Tensor, relus=(), pools=(), adapter_relus=()
) -> Tensor:
    """D' of a task module after an adapter's convs, with history by their kernels.

    Args:
        module: g_S.
        kernels: Weights of the adapter's convs, bottom first; a ReLU follows each.
        shape: Shape of the adapter's input.
        given: G'.
        relus: Maps of the task module's ReLUs.
        pools: Positions of its max-pools.
        adapter_relus: Maps of the adapter's ReLUs, the identity where there are none.
    """
    start = torch.zeros(len(given), *shape, dtype=given.dtype, requires_grad=True)
    values = start
    for place, weight in enumerate(kernels):
        values = functional.conv2d(values, weight, padding=weight.shape[-1] // 2)
        if place < len(adapter_relus) and adapter_relus[place] is not None:
            values = values * adapter_relus[place]
    with Linear(tuple(relus), tuple(pools)):
        end = module(values)
    (gradient,) = torch.autograd.grad(end, start, given, create_graph=True)
    return gradient


def loss(gradient: Tensor, target: Tensor, alpha: float) -> Tensor:
    """The relative residual."""
    return (alpha * gradient - target).square().sum() / target.square().sum()
