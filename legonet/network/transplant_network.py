"""The built graph as a network that answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from legonet.building import Listener, Plan, Report, Workspace
from legonet.building.events import unheard
from legonet.building.execution.executor import default_resources
from legonet.diagnostics import Diagnostic, DiagnosticError
from legonet.graph import ModuleGraph, load
from legonet.graph.resolved import edge_name
from legonet.modules.shapes import shape_at
from legonet.network.module_cache import LoadedModules, RouteModules
from legonet.network.route import JointRoute, Route, answers, check_size, told_in_words
from legonet.network.routes import (
    EdgeKey,
    Names,
    RouteKey,
    Routes,
    check_known,
    edges_of,
    listed,
)
from legonet.network.validation import check_pictures, default_device, usable_device

if TYPE_CHECKING:
    from legonet.network.export import Export
    from legonet.network.prediction import Given, Prediction


class TransplantNetwork:
    """Frozen modules joined by learned adapters.

    Nothing is loaded before it is needed, and nothing is loaded twice. It is safe to use from
    several threads.

    Example:
        >>> network = TransplantNetwork.open("animals.lego")  # doctest: +SKIP
        >>> logits = network(pictures, category="cat", task="classify")  # doctest: +SKIP

    Args:
        plan: The plan of the graph; what is not built yet gives no answers.
        workspace: Where the built things are.
        device: Where to compute.
        report: The report of the build that made it, if there was one.

    Raises:
        DiagnosticError: Torch cannot compute on the device (``LEGO745``).
    """

    def __init__(
        self,
        plan: Plan,
        workspace: Workspace,
        *,
        device: torch.device | str = "cpu",
        report: Report | None = None,
    ) -> None:
        self.report = report
        self._workspace = workspace
        self._routes = Routes(plan, workspace.store, workspace.spec, report)
        self._loaded = LoadedModules(workspace.store, usable_device(device))

    @classmethod
    def open(
        cls,
        spec: Path | str,
        *,
        store: Path | str | None = None,
        device: torch.device | str = "cpu",
        trust: Sequence[Path | str] = (),
    ) -> TransplantNetwork:
        """Open what was built from a spec, without reading any weights.

        Args:
            spec: The ``.lego`` file.
            store: Where built things are stored; default: ``.legonet`` beside the spec.
            device: Where to compute.
            trust: Files whose code may run, besides those that the spec's project lists.

        Raises:
            DiagnosticError: The spec has errors, or weights or pictures cannot be found.
        """
        workspace = Workspace(Path(spec), store)
        return cls(workspace.plan(load(spec, trust=trust)), workspace, device=device)

    @classmethod
    def build(
        cls,
        spec: Path | str,
        *,
        store: Path | str | None = None,
        device: str | None = None,
        jobs: int | None = None,
        progress: Listener = unheard,
        strict: bool = False,
        trust: Sequence[Path | str] = (),
    ) -> TransplantNetwork:
        """Build what is missing or changed, as ``legonet build`` does, and open all of it.

        A network or an edge that fails does not affect the others: `report` says what failed, and
        a route through it raises when it is used.

        Args:
            spec: The ``.lego`` file.
            store: Where built things are stored: a folder, or a URL such as
                ``s3://bucket/store``; default: ``.legonet`` beside the spec.
            device: Where to compute, ``cpu``, ``cuda`` or ``cuda:1``; default: a GPU if there is
                one.
            jobs: How many networks and edges to build at once; default: as many as the device
                takes.
            progress: Is told about every step, in this thread.
            strict: Raise after the build if anything failed; what is built is kept.
            trust: Files whose code may run, besides those that the spec's project lists.

        Raises:
            DiagnosticError: The spec has errors, its modules do not fit each other, weights or
                pictures cannot be found, or the store cannot be written.
        """
        device = device or default_device()
        usable_device(device)
        graph = load(spec, trust=trust)
        workspace = Workspace(Path(spec), store)
        workspace.fetch(graph)
        plan = workspace.plan(graph)
        report = workspace.build(plan, progress, default_resources(device, jobs))
        failures = [item for result in report.failed for item in result.diagnostics]
        if strict and failures:
            raise DiagnosticError(*failures)
        # Planned again, so that the plan knows what was just built.
        planned = workspace.plan(graph) if plan.to_build else plan
        return cls(planned, workspace, device=device, report=report)

    @property
    def graph(self) -> ModuleGraph:
        """The graph it was built from."""
        return self.plan.graph

    @property
    def plan(self) -> Plan:
        """What is built of it, and what is not."""
        return self._routes.plan

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self._loaded.device

    @property
    def memory(self) -> int:
        """Bytes that the tensors of all loaded modules take."""
        return self._loaded.bytes

    def __repr__(self) -> str:
        spec = self.graph.spec
        sides = f"categories: {len(spec.categories)}, tasks: {len(spec.tasks)}"
        return f"<TransplantNetwork: {sides}, edges: {len(spec.adapters)}, on {self.device}>"

    def __call__(self, pictures: Tensor, *, category: str, task: str) -> Tensor:
        """Answer for pictures.

        Args:
            pictures: ``(N, 3, H, W)``, float32, as `legonet.data.to_tensor` makes them. H and W
                may differ from those of the data, as far as the modules allow.
            category: Name of the category module that they go through.
            task: Name of the task module that answers.

        Returns:
            Logits, ``(N, K)`` for classification and ``(N, K, H, W)`` for segmentation.

        Raises:
            DiagnosticError: No edge joins the two, it is not built, or the pictures are not such a
                batch.
        """
        return self.answers([(category, task)], pictures)[category, task]

    def run(
        self, pictures: Tensor, *, categories: Names | None = None, tasks: Names | None = None
    ) -> dict[EdgeKey, Tensor]:
        """Answer along many routes at once; what they share is computed once.

        Args:
            pictures: ``(N, 3, H, W)``, float32, as `legonet.data.to_tensor` makes them.
            categories: As for `routes`.
            tasks: As for `routes`.

        Returns:
            Logits by category and task. As the features of several categories go through a task
            module in one batch, they may differ in the last bits from those of one route alone.

        Raises:
            DiagnosticError: As for `routes`, or the pictures are not such a batch.
        """
        return self.answers(edges_of(self.routes(categories, tasks)), pictures)

    def answers(self, routes: Iterable[EdgeKey], pictures: Tensor) -> dict[EdgeKey, Tensor]:
        """Answer along some routes at once; what they share is computed once.

        Args:
            routes: The category and the task of each.
            pictures: ``(N, 3, H, W)``, float32, as `legonet.data.to_tensor` makes them.

        Returns:
            Logits by category and task.

        Raises:
            DiagnosticError: An edge does not exist or is not built, or the pictures are not such a
                batch.
        """
        check_pictures(pictures)
        # Kept here, because another thread may move the network to another device meanwhile.
        known, loaded = self._routes, self._loaded
        ways = {ends: _way(known, loaded, ends) for ends in routes}
        if not ways:
            return {}
        sizes = {ends: partial(known.size, ends) for ends in ways}
        names = ", ".join(edge_name(*ends) for ends in ways)
        with torch.inference_mode(), told_in_words(names, pictures, next(iter(sizes.values()))):
            found = answers(ways, pictures.to(loaded.device))
        for ends, answer in found.items():
            if known.step(ends).edge.goal.full_size:
                check_size(edge_name(*ends), answer, pictures, sizes[ends])
        return found

    def predict(
        self,
        pictures: Given | Sequence[Given],
        *,
        paths: Names | None = None,
        categories: Names | None = None,
        tasks: Names | None = None,
    ) -> list[Prediction]:
        """Answer for picture files, PIL pictures or arrays.

        Each picture is turned upright, resized to the size that a route was learned on, and
        normalised; masks are resized back to the picture's own size.

        Args:
            pictures: One or several: a file, a folder of pictures, a pattern such as
                ``photos/*.jpg``, a PIL picture, or an array ``(H, W)`` or ``(H, W, 3)``, uint8,
                RGB.
            paths: As for `routes`.
            categories: As for `routes`.
            tasks: As for `routes`.

        Returns:
            For each picture in turn, an answer along each route.

        Raises:
            DiagnosticError: A picture cannot be read, or as for `routes`.
        """
        from legonet.network.prediction import predictions

        routes = self.routes(categories, tasks, paths=paths)
        return list(predictions(self, pictures, routes))

    @property
    def paths(self) -> tuple[str, ...]:
        """The names of its applications, in the order of the spec."""
        return tuple(self.graph.spec.paths)

    def path(self, name: str) -> Route | JointRoute:
        """Return a named application as a normal frozen module.

        Raises:
            DiagnosticError: The spec has no such path, or one of its edges is not built.
        """
        routes = self._routes.of_path(name)
        if self.graph.spec.paths[name].is_plain:
            return self.route(*edges_of(routes)[0])
        ways = {ends: _way(self._routes, self._loaded, ends) for ends in edges_of(routes)}
        return JointRoute(name, ways)

    def route(self, category: str, task: str) -> Route:
        """Return the route from pictures to answers through one edge, as a normal frozen module.

        Raises:
            DiagnosticError: No edge joins the two, or it is not built.
        """
        way = _way(self._routes, self._loaded, (category, task))
        return Route(edge_name(category, task), *way.modules)

    def export(
        self,
        route: str | EdgeKey,
        file: Path | str,
        *,
        format: str | None = None,  # noqa: A002 - what everybody calls it
        dynamic_size: bool = False,
    ) -> Export:
        """Write one route to a file that opens without the spec.

        Args:
            route: The name of an application, or a category and a task.
            file: The file to write: ``.pt2``, ``.onnx`` or ``.safetensors``.
            format: ``program``, ``onnx`` or ``bundle``; default: what the file's suffix says.
            dynamic_size: Leave the height and width of the pictures open; the batch always is.

        Raises:
            DiagnosticError: As `legonet.network.export.export` says.
        """
        from legonet.network.export import export

        named: dict[str, str] = (
            {"path": route}
            if isinstance(route, str)
            else dict(zip(("category", "task"), route, strict=True))
        )
        return export(self, file, format=format, dynamic_size=dynamic_size, **named)

    def routes(
        self,
        categories: Names | None = None,
        tasks: Names | None = None,
        *,
        paths: Names | None = None,
    ) -> tuple[RouteKey, ...]:
        """Return the routes that can answer: all that are built, or some of them.

        Args:
            categories: Names of category modules; default: all.
            tasks: Names of task modules; default: all. If both are given, every edge between them
                has to be built; if one is left out, edges that are not built are skipped.
            paths: Names of applications, whose routes come first; they are the only ones if
                neither categories nor tasks are given. A joint path gives a `JointKey` for each of
                its tasks instead of a category and a task.

        Raises:
            DiagnosticError: There is no such name, or it has no edge (``LEGO708``); or nothing of
                what was requested is built (``LEGO709``).
        """
        named = [key for name in listed(paths) or () for key in self._routes.of_path(name)]
        if named and categories is None and tasks is None:
            return tuple(dict.fromkeys(named))
        return tuple(dict.fromkeys((*named, *self._routes.between(categories, tasks))))

    def failures(self, routes: Iterable[RouteKey]) -> tuple[Diagnostic, ...]:
        """Return a warning for each edge of some routes that is no better than chance.

        Args:
            routes: The routes, as `routes` returns them.

        Raises:
            DiagnosticError: There is no such edge, or it is not built.
        """
        found = (self._routes.failure(ends) for ends in edges_of(routes))
        return tuple(failure for failure in found if failure is not None)

    def labels(self, category: str, task: str) -> tuple[str, ...]:
        """Return what the outputs of a route mean.

        Args:
            category: The category's name.
            task: The task's name.

        Returns:
            The category's name for a single output, whose logit is above 0 for the category and
            below 0 for everything else. Otherwise the labels of the data that the task's network
            was trained on, or those that the spec or the library that publishes its weights says;
            numbers if nobody says so.

        Raises:
            DiagnosticError: No edge joins the two, its data cannot be found, or it is not built.
        """
        known = self._routes.labels((category, task))
        if known is not None:
            return known
        size = self.size(category, task)
        outputs = shape_at(self.route(category, task), (3, size, size))[0]
        return (category,) if outputs == 1 else tuple(map(str, range(outputs)))

    def size(self, category: str, task: str) -> int:
        """Return the width and height in pixels of the pictures that a route was learned on.

        Raises:
            DiagnosticError: No edge joins the two, or its data cannot be found.
        """
        return self._routes.size((category, task))

    def unload(self, *names: str) -> None:
        """Free memory; what is needed again is loaded again.

        A route that a program still holds keeps its modules.

        Args:
            names: Names of categories and tasks: what only they need is dropped; default: all.

        Raises:
            DiagnosticError: There is no such category or task.
        """
        known = {**self.graph.spec.categories, **self.graph.spec.tasks}
        check_known("category or task", names, known)
        self._loaded.drop(names or None)

    def to(self, device: torch.device | str) -> TransplantNetwork:
        """Compute on another device from now on, and return the network.

        Modules are loaded there when they are next needed; a route that a program still holds
        stays where it is.

        Raises:
            DiagnosticError: Torch cannot compute there (``LEGO745``).
        """
        left, self._loaded = (
            self._loaded,
            LoadedModules(self._workspace.store, usable_device(device)),
        )
        left.drop(None)
        return self

    def follow(self, plan: Plan) -> None:
        """Switch to another plan; what did not change stays loaded.

        Args:
            plan: The plan of a graph that has the same networks under the same names, and perhaps
                more.
        """
        self._routes = Routes(plan, self._workspace.store, self._workspace.spec, self.report)


def _way(routes: Routes, loaded: LoadedModules, ends: EdgeKey) -> RouteModules:
    """Return the modules of a route, loading any that are missing."""

    def load() -> RouteModules:
        category, adapter, task = routes.parts(ends)
        join, calibration = (None, None) if adapter is None else loaded.learned(adapter)
        bottom, top = loaded.category_module(category), loaded.task_module(task)
        return RouteModules(bottom, join, top, calibration)

    return loaded.way(ends, routes.identity(ends), load)
