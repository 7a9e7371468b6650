"""Whether a graph's modules fit each other, found on the meta device before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn

from legonet.build.planning.questions import Questions
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


def check_shapes(graph: ModuleGraph) -> list[Diagnostic]:
    """Return every misfit of models, cuts, channels and sizes; no weight is read.

    Args:
        graph: A graph without errors.
    """
    return _Checker(graph).found()


class _Checker:
    def __init__(self, graph: ModuleGraph) -> None:
        self._graph = graph
        self._spec = graph.spec
        self._questions = Questions(graph)
        self._found: list[Diagnostic] = []
        self._modules: dict[str, nn.Module] = {}
        self._cut: set[Key] = set()

    def found(self) -> list[Diagnostic]:
        for name in self._spec.networks:
            self._try(("network", name), ("model",), partial(self._network, name))
        for name, category in self._spec.categories.items():
            place = ("category", name)
            self._try(
                place, ("until",), partial(self._cuts, place, category.network, category.until)
            )
        for name, task in self._spec.tasks.items():
            place = ("task", name)
            self._try(place, ("after",), partial(self._cuts, place, task.network, task.after))
        for ends, adapter in self._spec.adapters.items():
            if {("category", ends[0]), ("task", ends[1])} <= self._cut:
                self._try(("adapter", *ends), (), partial(self._edge, adapter))
        return in_order(self._found)

    def _try(self, key: Key, field: tuple[str, ...], check: Callable[[], None]) -> None:
        try:
            check()
        except DiagnosticError as error:
            self._found += (self._spec.locate(item, key, *field) for item in error.diagnostics)

    def _network(self, name: str) -> None:
        network = self._spec.networks[name]
        module = instantiate(network.model, device="meta").eval()
        if isinstance(network.weights, WeightsFile):
            check = partial(check_weights, module, network.weights.file)
            self._try(("network", name), ("weights",), check)
        question = self._questions.of_network(name)
        if question is not None:
            check_output(module, question.goal, question.outputs, question.size)
        self._modules[name] = module

    def _cuts(self, key: Key, network: str, path: str) -> None:
        if network not in self._modules:
            return
        bottom(self._modules[network], path)
        self._cut.add(key)

    def _edge(self, adapter: Adapter) -> None:
        category, task = self._spec.categories[adapter.category], self._spec.tasks[adapter.task]
        category_module = bottom(self._modules[category.network], category.until)
        own = self._questions.of_network(task.network)
        size = self._questions.size(adapter)
        task_module = top(self._modules[task.network], task.after)
        features, joined = check_edge(
            category_module,
            bottom(self._modules[task.network], task.after),
            task_module,
            size=size,
            own_size=own.size if own else size,
            direct=adapter.learning is None,
        )
        teacher_name = self._graph.teacher_name(adapter)
        teacher = self._modules.get(teacher_name or "")
        if teacher is None:
            return
        seen = shape_at(bottom(teacher, category.until), (3, size, size))
        if seen != features:
            raise DiagnosticError.of(
                "LEGO707",
                f"the teacher `{teacher_name}` has features of {_named(seen)} behind"
                f" `{category.until}`, the category has {_named(features)}",
                label="the teacher is cut elsewhere",
                help=["a teacher is the category's own network, or one with the same bottom"],
            )
        learning = adapter.learning
        if learning is not None and _needs_pseudo_gradients(learning.method):
            teacher_module = top(teacher, category.until)
            check = partial(
                _check_surrogates, task_module, joined, teacher_module, features, learning.method
            )
            self._try(("adapter", adapter.category, adapter.task), ("method",), check)


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
