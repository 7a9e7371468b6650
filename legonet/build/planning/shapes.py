"""Whether a graph's modules fit each other, found on the meta device before anything is trained."""

from __future__ import annotations

from collections.abc import Callable, Container
from functools import partial
from typing import TypeVar, cast

from torch import nn

from legonet.build.planning.inputs import form_of
from legonet.build.planning.questions import Questions
from legonet.build.storage.keys import key_of
from legonet.diagnostics import Diagnostic, DiagnosticError, in_order
from legonet.distill.convolutional import convolutional
from legonet.distill.gates import check_partners
from legonet.distill.surrogate import Surrogate
from legonet.graph import ModuleGraph
from legonet.modules.cut import bottom, top
from legonet.modules.models import instantiate
from legonet.modules.shapes import Shape, check_edge, check_output, shape_at
from legonet.modules.weights import check_weights
from legonet.spec import Key
from legonet.spec.declarations import Adapter
from legonet.spec.methods import BackDistillation, Method, Training
from legonet.spec.models import WeightsFile

FROM_PSEUDO_GRADIENTS = {"solve", "least_squares", "assignment", "iterated_assignment", "blend"}
"""Starts that pseudo-gradients are drawn for."""

Found = TypeVar("Found")


def check_shapes(
    graph: ModuleGraph,
    networks: Container[str] | None = None,
    edges: Container[tuple[str, str]] | None = None,
) -> list[Diagnostic]:
    """Return every misfit of models, cuts, channels and sizes; no weight is read.

    Args:
        graph: A graph without errors.
        networks: The networks that are checked against their recipes and weights, all unless given.
        edges: The edges that are checked, as category and task, all unless given. Categories and
            tasks are checked with their edges, or all of them too.
    """
    return _Checker(graph).found(networks, edges)


class _Checker:
    """Modules, halves and shapes are found once for all that have the same model and cut."""

    def __init__(self, graph: ModuleGraph) -> None:
        self._graph = graph
        self._spec = graph.spec
        self._questions = Questions(graph)
        self._found: list[Diagnostic] = []
        self._known: dict[tuple[object, ...], object] = {}
        self._unfit: set[str] = set()
        self._cut: set[Key] = set()
        networks = graph.spec.networks.items()
        self._models = {name: key_of(form_of(network.model)) for name, network in networks}

    def found(
        self, networks: Container[str] | None, edges: Container[tuple[str, str]] | None
    ) -> list[Diagnostic]:
        for name in self._spec.networks:
            if networks is None or name in networks:
                check = partial(self._network, name)
                if not self._try(("network", name), ("model",), check):
                    self._unfit.add(name)
        wanted = {
            ends: adapter
            for ends, adapter in self._spec.adapters.items()
            if edges is None or ends in edges
        }
        used = {end for ends in wanted for end in (("category", ends[0]), ("task", ends[1]))}
        for name, category in self._spec.categories.items():
            if edges is None or ("category", name) in used:
                self._check_cut(("category", name), "until", category.network, category.until)
        for name, task in self._spec.tasks.items():
            if edges is None or ("task", name) in used:
                self._check_cut(("task", name), "after", task.network, task.after)
        for ends, adapter in wanted.items():
            if {("category", ends[0]), ("task", ends[1])} <= self._cut:
                self._try(("adapter", *ends), (), partial(self._edge, adapter))
        return in_order(self._found)

    def _try(self, key: Key, field: tuple[str, ...], check: Callable[[], object]) -> bool:
        """Do a check, take down what it finds, and say whether it found nothing."""
        try:
            check()
        except DiagnosticError as error:
            self._found += (self._spec.locate(item, key, *field) for item in error.diagnostics)
            return False
        return True

    def _once(self, make: Callable[[], Found], *key: object) -> Found:
        """Return what was made for a key, or raise what was raised."""
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
        model = self._spec.networks[name].model
        make = partial(instantiate, model, device="meta")
        return self._once(lambda: make().eval(), "module", self._models[name])

    def _bottom(self, name: str, path: str) -> nn.Module:
        module = self._module(name)
        return self._once(partial(bottom, module, path), "bottom", self._models[name], path)

    def _top(self, name: str, path: str) -> nn.Module:
        module = self._module(name)
        return self._once(partial(top, module, path), "top", self._models[name], path)

    def _network(self, name: str) -> None:
        network = self._spec.networks[name]
        module = self._module(name)
        if isinstance(network.weights, WeightsFile):
            check = partial(check_weights, module, network.weights.file)
            self._try(("network", name), ("weights",), check)
        question = self._questions.of_network(name)
        if question is not None:
            asked = (question.goal, question.outputs, question.size)
            self._once(partial(check_output, module, *asked), "output", self._models[name], *asked)

    def _check_cut(self, key: Key, field: str, network: str, path: str) -> None:
        if network in self._unfit:
            return
        fits = self._try(("network", network), ("model",), partial(self._module, network))
        if fits and self._try(key, (field,), partial(self._bottom, network, path)):
            self._cut.add(key)

    def _edge(self, adapter: Adapter) -> None:
        category, task = self._spec.categories[adapter.category], self._spec.tasks[adapter.task]
        own = self._questions.of_network(task.network)
        size = self._questions.size(adapter)
        own_size = own.size if own else size
        direct = adapter.learning is None
        halves = (self._models[category.network], category.until, self._models[task.network])
        fit = (*halves, task.after, size, own_size, direct)
        features, joined = self._once(
            lambda: check_edge(
                self._bottom(category.network, category.until),
                self._bottom(task.network, task.after),
                self._top(task.network, task.after),
                size=size,
                own_size=own_size,
                direct=direct,
            ),
            "edge",
            *fit,
        )
        teacher = self._graph.teacher_name(adapter)
        if teacher is None or teacher in self._unfit:
            return
        if not self._try(("network", teacher), ("model",), partial(self._module, teacher)):
            return
        self._check_teacher(teacher, category.until, size, features)
        learning = adapter.learning
        if learning is not None and _needs_pseudo_gradients(learning.method):
            check = partial(
                _check_surrogates,
                self._top(task.network, task.after),
                joined,
                self._top(teacher, category.until),
                features,
                learning.method,
            )
            key = ("surrogates", *fit, self._models[teacher], key_of(form_of(learning.method)))
            place = ("adapter", adapter.category, adapter.task)
            self._try(place, ("method",), partial(self._once, check, *key))

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
                f"the teacher `{name}` has features of {_named(seen)} behind"
                f" `{until}`, the category has {_named(features)}",
                label="the teacher is cut elsewhere",
                help=["a teacher is the category's own network, or one with the same bottom"],
            )


def _needs_pseudo_gradients(method: Method) -> bool:
    if isinstance(method, BackDistillation):
        return True
    return isinstance(method, Training) and method.init in FROM_PSEUDO_GRADIENTS


def _check_surrogates(
    task_module: nn.Module,
    joined: Shape,
    teacher_module: nn.Module,
    features: Shape,
    method: Method,
) -> None:
    """Check that pseudo-gradients can be drawn as a method says."""
    sides = [(task_module, joined), (teacher_module, features)]
    surrogates = [Surrogate.of(module, shape) for module, shape in sides]
    if not isinstance(method, BackDistillation):
        return
    if method.output_grid > 1:
        grids = (convolutional(module, shape, method.output_grid) for module, shape in sides)
        surrogates = [Surrogate.of(module, shape) for module, shape in grids]
    check_partners(
        *surrogates,
        places=method.relu_places,
        channel_shared=method.channel_shared and method.relu_maps != "teacher",
    )


def _named(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
