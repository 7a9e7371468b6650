"""The linear surrogate of a task module, and pseudo-gradients through it (Eq. 4b).

In the backward direction a surrogate replaces each operation by a linear one, as `operations`
lists them: convs, batch norm, sums and the like by their own transposes, a ReLU by a given map of
ones and zeros (the paper's second kind) or the identity (its first), a max-pool by the transpose
of average-pool or of picking given positions.

So ``J'^T G'`` is the same at all points and does not see the biases. It is carried back through
the transposes one by one; nothing runs forward, and nothing needs a second derivative.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import torch
from torch import Tensor, fx, nn

from legonet.distill.operations import POOLS, RELUS, layer_of, linear_graph
from legonet.distill.transposes import max_pool, passed, relu, transposed, values_of

COUNTS_KEPT = 4
"""Batch sizes for which the shapes inside of a surrogate are kept."""


@dataclass(frozen=True)
class Gates:
    """What the non-linear layers of a task module let through, in the order in which they run.

    Args:
        relus: For each ReLU a map of ones and zeros that broadcasts to its input with a batch
            axis, or None for the identity.
        pools: For each max-pool the positions that it picks, int64 as
            ``max_pool2d(return_indices=True)`` gives them, or None for average-pool.
    """

    relus: tuple[Tensor | None, ...] = ()
    pools: tuple[Tensor | None, ...] = ()


@dataclass(frozen=True)
class Shapes:
    """Shapes inside a surrogate, without the batch axis; for a pool its input's and output's."""

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

    Raises:
        DiagnosticError: An operation has no surrogate (``LEGO601``).
    """

    module: nn.Module
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        # On meta the shapes cost next to nothing, and what is refused is refused at once.
        _ = self.shapes

    @classmethod
    def of(cls, module: nn.Module, shape: tuple[int, ...]) -> Surrogate:
        """Return the surrogate of a module for inputs of shape ``(C, H, W)``."""
        return cls(module, shape)

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
            tuple((*before, *behind) for behind, before in pools),
            tuple(values[self._answer].shape[1:]),
        )

    @cached_property
    def relu_names(self) -> tuple[str, ...]:
        """Dotted names of the module's ReLUs, with a number from their second run on."""
        run: Counter[str] = Counter()
        names = []
        for node in self._relus:
            name = str(node.target) if node.op == "call_module" else node.name
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

    @torch.no_grad()
    def real_gates(self, features: Tensor) -> Gates:
        """Return what the module really lets through for features ``(B, C, H, W)``."""
        watched = _Watched(self._graph, self._layers)
        watched.run(features)
        return Gates(tuple(watched.relus), tuple(watched.pools))

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
        return [node for node, layer in self._layers.items() if isinstance(layer, RELUS)]

    @cached_property
    def _pools(self) -> list[fx.Node]:
        return [node for node, layer in self._layers.items() if isinstance(layer, POOLS)]

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

    def run_node(self, n: fx.Node) -> Any:
        layer = self._layers.get(n)
        if not isinstance(layer, (*RELUS, *POOLS)):
            return super().run_node(n)
        values = self.env[n.all_input_nodes[0]]
        if isinstance(layer, RELUS):
            self.relus.append(passed(layer, values))
            return relu(layer, values)
        largest, picked = max_pool(layer, values)
        self.pools.append(picked)
        return largest
