"""Whether a graph's modules fit together, checked on the meta device before training."""

from __future__ import annotations

from collections.abc import Callable, Container
from contextlib import suppress
from functools import partial
from typing import TypeVar, cast

from torch import nn

from legonet.building.planning.answer_form import check_axes, check_crop, check_labels
from legonet.building.planning.datasets import TaskDatasets
from legonet.building.planning.edge_shapes import EdgeShapes
from legonet.building.planning.inputs import form_of
from legonet.building.storage.keys import Plain, key_of
from legonet.diagnostics import Diagnostic, DiagnosticError, in_order
from legonet.distill.pseudo_gradients.surrogate import Surrogate
from legonet.graph import ModuleGraph
from legonet.graph.resolved import ResolvedEdge
from legonet.language import Key
from legonet.language.inputs import Input
from legonet.language.methods import MethodForm
from legonet.language.weights import TorchvisionWeights
from legonet.modules.bridge import Bridge, leaving
from legonet.modules.cut import bottom, top
from legonet.modules.inputs import convert_input, input_of
from legonet.modules.labels import published_labels
from legonet.modules.models import instantiate
from legonet.modules.recognition import layout_of
from legonet.modules.shapes import Bottom, Fit, Shape, check_edge, check_output, shape_at
from legonet.modules.weights import check_weights

Found = TypeVar("Found")


def check_shapes(
    graph: ModuleGraph,
    networks: Container[str] | None = None,
    edges: Container[tuple[str, str]] | None = None,
) -> list[Diagnostic]:
    """Return every mismatch of models, cuts, channels and sizes; no weight is read.

    Args:
        graph: A graph without errors.
        networks: The networks to check against their recipes and weights; default: all.
        edges: The edges to check, as category and task; default: all. Categories and tasks are
            checked together with their edges; by default, all of them are.
    """
    return _Checker(graph).found(networks, edges)


def shapes_of(graph: ModuleGraph) -> tuple[list[Diagnostic], list[EdgeShapes]]:
    """Return every mismatch, as `check_shapes` does, and the shapes of the edges that fit."""
    checker = _Checker(graph)
    return checker.found(None, None), checker.edges


class _Checker:
    """Checks a graph; modules and shapes are computed once for each model and cut."""

    def __init__(self, graph: ModuleGraph) -> None:
        self._graph = graph
        self._spec = graph.spec
        self._datasets = TaskDatasets(graph.spec, published_labels)
        self._found: list[Diagnostic] = []
        self.edges: list[EdgeShapes] = []
        self._known: dict[tuple[object, ...], object] = {}
        self._unfit: set[str] = set()
        self._cut: set[Key] = set()
        networks = graph.spec.networks.items()
        self._models = {
            # Forms of equal fields may have files in other places.
            name: key_of(
                [
                    form_of(network.model),
                    repr(network.model),
                    network.output,
                    self._source_of_input(name),
                ]
            )
            for name, network in networks
        }

    def found(
        self, networks: Container[str] | None, edges: Container[tuple[str, str]] | None
    ) -> list[Diagnostic]:
        for name in self._spec.networks:
            if networks is None or name in networks:
                check = partial(self._network, name)
                if not self._try(("network", name), ("model",), check):
                    self._unfit.add(name)
        wanted = [edge for edge in self._graph.edges() if edges is None or edge.ends in edges]
        used = {
            end for edge in wanted for end in (("category", edge.category), ("task", edge.task))
        }
        for name, category in self._spec.categories.items():
            if edges is None or ("category", name) in used:
                self._check_cut(("category", name), "until", category.network, category.until)
        for name, task in self._spec.tasks.items():
            if edges is None or ("task", name) in used:
                self._check_cut(("task", name), "after", task.network, task.after)
        for edge in wanted:
            if {("category", edge.category), ("task", edge.task)} <= self._cut:
                self._try(("adapter", *edge.ends), (), partial(self._edge, edge))
        return in_order(self._found)

    def _try(self, key: Key, field: tuple[str, ...], check: Callable[[], object]) -> bool:
        """Run a check, record what it finds, and return whether it found nothing."""
        try:
            check()
        except DiagnosticError as error:
            self._found += (self._spec.locate(item, key, *field) for item in error.diagnostics)
            return False
        return True

    def _once(self, make: Callable[[], Found], *key: object) -> Found:
        """Return what was made for a key, or raise the error of making it."""
        if key not in self._known:
            try:
                self._known[key] = make()
            except DiagnosticError as error:
                self._known[key] = error
        found = self._known[key]
        if isinstance(found, DiagnosticError):
            raise DiagnosticError(*found.diagnostics)
        return cast("Found", found)

    def _module(self, name: str) -> nn.Module:
        return self._made(name)[0]

    def _made(self, name: str) -> tuple[nn.Module, Input]:
        """Return a network without weights, and what it expects of its pictures."""
        declaration = self._graph.network(name).declaration

        def make() -> tuple[nn.Module, Input]:
            module = instantiate(declaration.model, device="meta").eval()
            ancestor: Input | None = None
            if declaration.init is not None:
                # A mistake in the ancestor is reported at the ancestor.
                with suppress(DiagnosticError):
                    ancestor = self._made(declaration.init)[1]
            expected = input_of(declaration, module, ancestor)
            return convert_input(module, expected), expected

        return self._once(make, "module", self._models[name])

    def _source_of_input(self, name: str) -> Plain:
        """Return what determines the pictures that a network expects."""
        network = self._spec.networks[name]
        given = None if network.input is None else network.input.model_dump(exclude_unset=True)
        weights = network.weights
        before: Plain = None
        if isinstance(weights, TorchvisionWeights):
            before = [form_of(network.model), weights.name]
        elif weights is not None:
            before = [form_of(network.model)]
        elif network.init is not None:
            before = self._source_of_input(network.init)
        return before if given is None else [given, before]

    def _bottom(self, name: str, path: str) -> nn.Module:
        module = self._module(name)
        return self._once(partial(bottom, module, path), "bottom", self._models[name], path)

    def _top(self, name: str, path: str) -> nn.Module:
        module = self._module(name)
        return self._once(partial(top, module, path), "top", self._models[name], path)

    def _network(self, name: str) -> None:
        network = self._spec.networks[name]
        module = self._module(name)
        self._try(("network", name), ("weights",), partial(check_weights, module, network))
        dataset = self._datasets.of_network(self._graph.network(name))
        if dataset is not None:
            asked = (dataset.goal, dataset.outputs, dataset.size)
            self._once(partial(check_output, module, *asked), "output", self._models[name], *asked)

    def _check_cut(self, key: Key, field: str, network: str, path: str) -> None:
        if network in self._unfit:
            return
        fits = self._try(("network", network), ("model",), partial(self._module, network))
        if fits and self._try(key, (field,), partial(self._bottom, network, path)):
            self._cut.add(key)

    def _edge(self, edge: ResolvedEdge) -> None:
        below, above = edge.category_network.name, edge.task_network.name
        own = self._datasets.of_network(edge.task_network)
        size = self._datasets.size(edge)
        own_size = own.size if own else size
        learning = edge.learning
        category, task = edge.layouts
        modules = (self._models[below], edge.until, self._models[above], edge.after)
        asked = None if learning is None else (learning.layers, learning.resize)
        fit = (*modules, category, task, size, own_size, asked, edge.goal.full_size)
        found = self._once(
            lambda: check_edge(
                Bottom(self._module(below), self._bottom(below, edge.until), category),
                Bottom(self._module(above), self._bottom(above, edge.after), task),
                self._top(above, edge.after),
                size=size,
                own_size=own_size,
                kernels=None if learning is None else learning.layers,
                resize=None if learning is None else learning.resize,
                full_size=edge.goal.full_size,
            ),
            "edge",
            *fit,
        )
        self._add(edge, found, size)
        answer = self._answer(above, own_size)
        self._check_answer(edge, answer)
        teacher = edge.teacher.name
        if learning is None or found.bridge is None or teacher in self._unfit:
            return
        if not self._try(("network", teacher), ("model",), partial(self._module, teacher)):
            return
        self._check_outputs(edge, answer, size)
        self._check_teacher(teacher, edge.until, size, found.features)
        if learning.method.needs_pseudo_gradients:
            check = partial(
                _check_surrogates,
                self._top(above, edge.after),
                self._top(teacher, edge.until),
                found.bridge,
                learning.method,
            )
            key = ("surrogates", *fit, self._models[teacher], key_of(form_of(learning.method)))
            place = ("adapter", *edge.ends)
            self._try(place, ("method",), partial(self._once, check, *key))

    def _add(self, edge: ResolvedEdge, fit: Fit, size: int) -> None:
        """Add the shapes of an edge that fits."""
        name, bridge = edge.category_network.name, fit.bridge
        takes = None if bridge is None else bridge.writes
        if bridge is not None:
            gives = bridge.reads
        else:
            asked = (self._models[name], edge.until, size, edge.layouts[0])
            below = self._module(name), self._bottom(name, edge.until)
            # The features of a direct edge flow on, whatever their axes mean.
            try:
                gives = self._once(
                    lambda: layout_of(*below, size, edge.layouts[0]), "layout", *asked
                )
            except DiagnosticError:
                return
        resized = None if bridge is None else bridge.resized_how
        words = self._made(name)[1].words
        self.edges.append(EdgeShapes(*edge.ends, gives, takes, resized, size, words))

    def _answer(self, name: str, size: int) -> Shape:
        """Return the shape of a network's answers about pictures of a size."""
        module = self._module(name)
        return self._once(
            lambda: shape_at(module, (3, size, size)), "answer", self._models[name], size
        )

    def _check_answer(self, edge: ResolvedEdge, answer: Shape) -> None:
        """Check that the answers of an edge have the form that they should have."""
        task, category = edge.task_network, edge.category_network
        place = ("network", task.name), ("model",)
        try:
            check_axes(task, answer)
            check_labels(task, answer[0], self._datasets.labels(task))
            place = ("network", category.name), ("input",)
            check_crop(edge, self._made(category.name)[1].crop)
        except DiagnosticError as error:
            raise self._datasets.located(error, *place) from None

    def _check_outputs(self, edge: ResolvedEdge, answer: Shape, size: int) -> None:
        """Check that a teacher answers with as many numbers as the task module."""
        self._datasets.of_edge(edge)
        teacher = edge.teacher.name
        found = self._answer(teacher, size)
        if (len(found), found[0]) != (len(answer), answer[0]):
            raise DiagnosticError.of(
                "LEGO313",
                f"the teacher `{teacher}` answers with {_named(found)}, and the task "
                f"`{edge.task}` with {_named(answer)}",
                label="they cannot answer the same question",
                help=["name a teacher that tells apart the labels of the task"],
            )

    def _check_teacher(self, name: str, until: str, size: int, features: Shape) -> None:
        """Check that a teacher's features are those of the category."""
        seen = self._once(
            lambda: shape_at(self._bottom(name, until), (3, size, size)),
            "features",
            self._models[name],
            until,
            size,
        )
        if seen != features:
            raise DiagnosticError.of(
                "LEGO707",
                f"the teacher `{name}` has features of {_named(seen)} after"
                f" `{until}`, the category has {_named(features)}",
                label="the teacher is cut elsewhere",
                help=["a teacher is the category's own network, or one with the same bottom"],
            )


def _check_surrogates(
    task_module: nn.Module, teacher_module: nn.Module, bridge: Bridge, method: MethodForm
) -> None:
    """Check that pseudo-gradients can be computed as a method requires."""
    channels, *size = bridge.reads.channels, *bridge.joined[1:]
    student = Surrogate.of(leaving(task_module, bridge.own), bridge.joined)
    teacher = Surrogate.of(leaving(teacher_module, bridge.inverse), (channels, *size))
    method.check_surrogates(student, teacher)


def _named(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
