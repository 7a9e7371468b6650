"""The linear surrogate of a task module, and pseudo-gradients through it (Eq. 4b).

In the backward direction, a surrogate replaces each operation with a linear one, as listed in
`operations`: convs, batch norm, sums and the like with their own transposes, a ReLU with a given
map of ones and zeros (the paper's second kind) or the identity (its first), a max-pool with the
transpose of average-pool or of picking given positions.

So ``J'^T G'`` is the same at all points and does not depend on the biases. It is carried back
through the transposes one by one; nothing runs forward, and nothing needs a second derivative.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import torch
from torch import Tensor, fx, nn

from legonet.distill.layer_rules import NO_RULE, rule_of
from legonet.distill.pseudo_gradients.convolutional import convolutional
from legonet.distill.pseudo_gradients.operations import (
    layer_of,
    linear_graph,
    name_of,
    transposed,
    values_of,
)

COUNTS_KEPT = 4
"""Number of batch sizes for which the shapes inside a surrogate are kept."""


@dataclass(frozen=True)
class Gates:
    """What the non-linear layers of a task module let through, in running order.

    Args:
        relus: For each ReLU a map of ones and zeros that broadcasts to its input with a batch
            axis, or None for the identity.
        pools: For each max-pool the positions that it picks, int64 as returned by
            ``max_pool2d(return_indices=True)``, or None for average-pool.
    """

    relus: tuple[Tensor | None, ...] = ()
    pools: tuple[Tensor | None, ...] = ()


@dataclass(frozen=True)
class Shapes:
    """Shapes inside a surrogate, without the batch axis; for a pool, of its input and output."""

    input: tuple[int, ...]
    relus: tuple[tuple[int, ...], ...]
    pools: tuple[tuple[int, ...], ...]
    output: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Surrogate:
    """A task module in the backward direction, made linear.

    Args:
        module: The task module, in evaluation.
        shape: Shape of its input, ``(C, H, W)``.
        statistics: For each layer norm, 1 over the standard deviation of its features; default: 1.

    Raises:
        DiagnosticError: An operation has no surrogate (``LEGO601``).
    """

    module: nn.Module
    shape: tuple[int, ...]
    statistics: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        # On meta the shapes cost next to nothing, and unsupported operations are refused at once.
        _ = self.shapes

    @classmethod
    def of(cls, module: nn.Module, shape: tuple[int, ...]) -> Surrogate:
        """Return the surrogate of a module for inputs of shape ``(C, H, W)``."""
        return cls(module, shape)

    def enlarged(self, grid: int) -> Surrogate:
        """Return the surrogate for larger inputs, with a ``grid x grid`` map of outputs.

        Raises:
            DiagnosticError: The module has no such grid (``LEGO603``).
        """
        if grid == 1:
            return self
        return Surrogate(*convolutional(self.module, self.shape, grid), self.statistics)

    def measured(self, features: Callable[[], Tensor]) -> Surrogate:
        """Return the surrogate with the statistics that its layer norms have on features.

        Args:
            features: Returns them, ``(B, C, H, W)``; called only if there are layer norms.
        """
        if not self._norms:
            return self
        return replace(self, statistics=self._watched(features()).statistics)

    @property
    def is_approximate(self) -> bool:
        """Whether a layer norm or a smooth activation makes it more than a matter of gates."""
        return any(rule_of(layer).approximate for layer in self._layers.values())

    @cached_property
    def shapes(self) -> Shapes:
        """Shapes of the module's ReLUs and max-pools, in the order in which they run."""
        values = self._values(1)
        places = [(node, node.all_input_nodes[0]) for node in (*self._relus, *self._pools)]
        inner = [(tuple(values[a].shape[1:]), tuple(values[b].shape[1:])) for a, b in places]
        relus, pools = inner[: len(self._relus)], inner[len(self._relus) :]
        return Shapes(
            tuple(self.shape),
            tuple(before for _, before in relus),
            tuple((*before, *after) for after, before in pools),
            tuple(values[self._answer].shape[1:]),
        )

    @cached_property
    def relu_names(self) -> tuple[str, ...]:
        """Dotted names of the module's ReLUs, with a number from the second run on."""
        run: Counter[str] = Counter()
        names = []
        for node in self._relus:
            name = name_of(node)
            run[name] += 1
            names.append(name if run[name] == 1 else f"{name} (run {run[name]})")
        return tuple(names)

    def pseudo_gradient(self, output_gradient: Tensor, gates: Gates) -> Tensor:
        """Return ``J'^T G'``, shape ``(B, C, H, W)``, without autograd history.

        Args:
            output_gradient: G', shape ``(B, *shapes.output)``.
            gates: Maps for every ReLU and max-pool.
        """
        values = self._values(len(output_gradient))
        maps = dict(zip(self._relus, gates.relus, strict=True))
        maps |= dict(zip(self._pools, gates.pools, strict=True))
        maps |= {
            node: torch.tensor(scale)
            for node, scale in zip(self._norms, self.statistics, strict=False)
        }
        gradients = {self._answer: output_gradient.detach()}
        for node in reversed(self._graph.graph.nodes):
            given = gradients.pop(node, None)
            if given is None:
                continue
            if node.op == "placeholder":
                return given
            layer = self._layers.get(node)
            for source, part in transposed(self._graph, node, layer, values, given, maps.get(node)):
                gradients[source] = gradients[source] + part if source in gradients else part
        return output_gradient.new_zeros(len(output_gradient), *self.shape)

    def real_gates(self, features: Tensor) -> Gates:
        """Return what the module actually lets through for features ``(B, C, H, W)``."""
        watched = self._watched(features)
        return Gates(tuple(watched.relus), tuple(watched.pools))

    @torch.no_grad()
    def _watched(self, features: Tensor) -> _Watched:
        watched = _Watched(self._graph, self._layers)
        watched.run(features)
        return watched

    @cached_property
    def _graph(self) -> fx.GraphModule:
        return linear_graph(self.module)

    @cached_property
    def _answer(self) -> fx.Node:
        answer: fx.Node = next(iter(reversed(self._graph.graph.nodes))).all_input_nodes[0]
        return answer

    @cached_property
    def _layers(self) -> dict[fx.Node, nn.Module]:
        sizes = {n: v for n, v in self._values(1).items() if not isinstance(v, Tensor)}
        found = {node: layer_of(self._graph, node, sizes) for node in self._graph.graph.nodes}
        return {node: layer for node, layer in found.items() if layer is not None}

    @cached_property
    def _relus(self) -> list[fx.Node]:
        return [node for node, layer in self._layers.items() if rule_of(layer).gate == "map"]

    @cached_property
    def _pools(self) -> list[fx.Node]:
        return [node for node, layer in self._layers.items() if rule_of(layer).gate == "positions"]

    @cached_property
    def _norms(self) -> list[fx.Node]:
        return [n for n, layer in self._layers.items() if rule_of(layer).gate == "statistics"]

    @cached_property
    def _values(self) -> Any:
        return lru_cache(COUNTS_KEPT)(lambda count: values_of(self._graph, (count, *self.shape)))


class _Watched(fx.Interpreter):
    """Runs a task module on features and notes what its ReLUs and max-pools let through."""

    def __init__(self, module: fx.GraphModule, layers: dict[fx.Node, nn.Module]) -> None:
        super().__init__(module)
        self._layers = layers
        self.relus: list[Tensor] = []
        self.pools: list[Tensor] = []
        self._statistics: list[Tensor] = []

    @property
    def statistics(self) -> tuple[float, ...]:
        """What each layer norm multiplies features by, on average."""
        return tuple(map(float, self._statistics))

    def run_node(self, n: fx.Node) -> Any:
        layer = self._layers.get(n)
        rule = NO_RULE if layer is None else rule_of(layer)
        if layer is None or rule.gate is None:
            return super().run_node(n)
        output, gate = rule.opened(layer, self.env[n.all_input_nodes[0]])
        kept = {"map": self.relus, "positions": self.pools, "statistics": self._statistics}
        kept[rule.gate].append(gate)
        return output
