"""The built graph as a network that answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from legonet.build import Listener, Plan, Report, Workspace, edge_name
from legonet.build.events import unheard
from legonet.build.execution.resources import Resources
from legonet.diagnostics import DiagnosticError
from legonet.graph import ModuleGraph, load
from legonet.modules.shapes import shape_at
from legonet.network.answering import answers, check_size, told_in_words
from legonet.network.given import check_pictures, default_device, usable_device
from legonet.network.loaded import LoadedModules, Way
from legonet.network.route import Route
from legonet.network.routes import Ends, Names, Routes, check_known, listed

if TYPE_CHECKING:
    from legonet.network.export import Export, Format
    from legonet.network.prediction import Prediction
    from legonet.network.prediction.pictures import Given


class TransplantNetwork:
    """Frozen modules joined by learned adapters.

    Nothing is loaded before it is needed, and nothing twice. It is safe to use from several
    threads.

    Example:
        >>> network = TransplantNetwork.open("animals.lego")  # doctest: +SKIP
        >>> logits = network(pictures, category="cat", task="classify")  # doctest: +SKIP

    Args:
        plan: Of the graph; what it says to build and is not built cannot be asked.
        workspace: Where the built things are.
        device: Where to compute.
        report: Of the build that made it, if one did.

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
    ) -> TransplantNetwork:
        """Open what was built of a spec, without reading any weights.

        Args:
            spec: The ``.lego`` file.
            store: Where built things live; ``.legonet`` beside the spec unless said.
            device: Where to compute.

        Raises:
            DiagnosticError: The spec has errors, or weights or pictures cannot be found.
        """
        workspace = Workspace(Path(spec), store)
        return cls(workspace.plan(load(spec)), workspace, device=device)

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
    ) -> TransplantNetwork:
        """Build what is missing or changed, as ``legonet build`` does, and open all of it.

        A network or an edge that fails leaves the others as they are: `report` says what failed,
        and a route through it raises when it is asked for.

        Args:
            spec: The ``.lego`` file.
            store: Where built things live: a folder, or a URL such as ``s3://bucket/store``;
                ``.legonet`` beside the spec unless said.
            device: Where to compute, ``cpu``, ``cuda`` or ``cuda:1``; a GPU where there is one
                unless said.
            jobs: Networks and edges at once; as many as the device takes unless said.
            progress: Hears of every step, in this thread.
            strict: Raise as soon as the build is through if anything failed; what is built is kept.

        Raises:
            DiagnosticError: The spec has errors, its modules do not fit each other, weights or
                pictures cannot be found, or the store cannot be written.
        """
        device = device or default_device()
        usable_device(device)
        graph = load(spec)
        workspace = Workspace(Path(spec), store)
        workspace.fetch(graph)
        plan = workspace.plan(graph)
        report = workspace.build(plan, progress, Resources.of_machine(device, jobs))
        failures = [item for result in report.failed for item in result.diagnostics]
        if strict and failures:
            raise DiagnosticError(*failures)
        # Planned anew, so that it says of what was just built that it stands.
        planned = workspace.plan(graph) if plan.to_build else plan
        return cls(planned, workspace, device=device, report=report)

    @property
    def graph(self) -> ModuleGraph:
        """What it was built of."""
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
                may differ from those of the data, as far as the modules can take it.
            category: Name of the category module that they go through.
            task: Name of the task module that answers.

        Returns:
            Logits, ``(N, K)`` for classification and ``(N, K, H, W)`` for segmentation.

        Raises:
            DiagnosticError: No edge joins the two, it is not built, or the pictures are no such
                batch.
        """
        return self.answers([(category, task)], pictures)[category, task]

    def run(
        self, pictures: Tensor, *, categories: Names | None = None, tasks: Names | None = None
    ) -> dict[Ends, Tensor]:
        """Answer along many routes at once; what they share is computed once.

        Args:
            pictures: ``(N, 3, H, W)``, float32, as `legonet.data.to_tensor` makes them.
            categories: As for `routes`.
            tasks: As for `routes`.

        Returns:
            Logits by category and task. As the features of several categories go through a task
            module in one batch, they may differ in the last bits from those of one route alone.

        Raises:
            DiagnosticError: As for `routes`, or the pictures are no such batch.
        """
        return self.answers(self.routes(categories, tasks), pictures)

    def answers(self, routes: Iterable[Ends], pictures: Tensor) -> dict[Ends, Tensor]:
        """Answer along some routes at once; what they share is computed once.

        Args:
            routes: The category and the task of each.
            pictures: ``(N, 3, H, W)``, float32, as `legonet.data.to_tensor` makes them.

        Returns:
            Logits by category and task.

        Raises:
            DiagnosticError: An edge does not exist or is not built, or the pictures are no such
                batch.
        """
        check_pictures(pictures)
        # Held on to, as another thread may move the network to another device meanwhile.
        known, loaded = self._routes, self._loaded
        ways = {ends: _way(known, loaded, ends) for ends in routes}
        if not ways:
            return {}
        sizes = {ends: partial(known.size, ends) for ends in ways}
        names = ", ".join(edge_name(*ends) for ends in ways)
        with torch.inference_mode(), told_in_words(names, pictures, next(iter(sizes.values()))):
            found = answers(ways, pictures.to(loaded.device))
        for ends, answer in found.items():
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

        Each picture is turned upright, brought to the size that a route was learned on, and
        normalised; masks are brought back to the picture's own size.

        Args:
            pictures: One or several: a file, a folder of pictures, a pattern such as
                ``photos/*.jpg``, a PIL picture, or an array ``(H, W)`` or ``(H, W, 3)``, uint8,
                RGB.
            paths: As for `routes`.
            categories: As for `routes`.
            tasks: As for `routes`.

        Returns:
            Picture by picture, an answer along each route.

        Raises:
            DiagnosticError: A picture cannot be read, or as for `routes`.
        """
        from legonet.network.prediction import predictions

        routes = self.routes(categories, tasks, paths=paths)
        return list(predictions(self, pictures, routes))

    def path(self, name: str) -> Route:
        """Return a named application as an ordinary frozen module.

        Raises:
            DiagnosticError: The spec has no such path, or its edge is not built.
        """
        return self.route(*self._routes.of_path(name))

    def route(self, category: str, task: str) -> Route:
        """Return the way from pictures to answers through one edge, as an ordinary frozen module.

        Raises:
            DiagnosticError: No edge joins the two, or it is not built.
        """
        way = _way(self._routes, self._loaded, (category, task))
        return Route(edge_name(category, task), *way)

    def export(
        self,
        route: str | Ends,
        file: Path | str,
        *,
        format: Format | str | None = None,  # noqa: A002 - what everybody calls it
        dynamic_size: bool = False,
    ) -> Export:
        """Write one route to a file that opens without the spec.

        Args:
            route: The name of an application, or a category and a task.
            file: Where to: ``.pt2``, ``.onnx`` or ``.safetensors``.
            format: ``program``, ``onnx`` or ``bundle``, where the ending does not say it.
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
    ) -> tuple[Ends, ...]:
        """Return the routes that can be asked: all that are built, or some of them.

        Args:
            categories: Names of category modules; all unless given.
            tasks: Names of task modules; all unless given. Where both are given, each edge between
                them has to be built; where one is left out, those that are not are passed over.
            paths: Names of applications, whose routes come first; alone unless categories or tasks
                are given, too.

        Raises:
            DiagnosticError: There is no such name, or no edge at it (``LEGO708``); or nothing of
                what was asked for is built (``LEGO709``).
        """
        named = tuple(self._routes.of_path(name) for name in listed(paths) or ())
        if named and categories is None and tasks is None:
            return tuple(dict.fromkeys(named))
        return tuple(dict.fromkeys((*named, *self._routes.between(categories, tasks))))

    def labels(self, category: str, task: str) -> tuple[str, ...]:
        """Return what the outputs of a route stand for.

        Args:
            category: The category's name.
            task: The task's name.

        Returns:
            The category's name for a single output, whose logit is above 0 for the category and
            below for all else. Else the labels of the data that the task's network was trained on;
            numbers where it has no recipe.

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
        """Return the pixels, across and down, of the pictures that a route was learned on.

        Raises:
            DiagnosticError: No edge joins the two, or its data cannot be found.
        """
        return self._routes.size((category, task))

    def unload(self, *names: str) -> None:
        """Give memory back; what is asked for again is loaded again.

        A route that a program holds on to keeps its modules.

        Args:
            names: Of categories and tasks: what is needed for them alone is dropped. All is
                dropped unless some are given.

        Raises:
            DiagnosticError: There is no such category or task.
        """
        known = {**self.graph.spec.categories, **self.graph.spec.tasks}
        check_known("category or task", names, known)
        self._loaded.drop(names or None)

    def to(self, device: torch.device | str) -> TransplantNetwork:
        """Compute on another device from now on, and return the network.

        Modules are loaded there when they are needed next; a route that a program holds on to
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
        """Take up another plan; what did not change stays loaded.

        Args:
            plan: Of a graph that has the same networks under the same names, and maybe more.
        """
        self._routes = Routes(plan, self._workspace.store, self._workspace.spec, self.report)


def _way(routes: Routes, loaded: LoadedModules, ends: Ends) -> Way:
    """Return the modules of a route, and load those that are missing."""

    def load() -> Way:
        category, adapter, task = routes.parts(ends)
        middle = () if adapter is None else (loaded.adapter(adapter),)
        return (loaded.category_module(category), *middle, loaded.task_module(task))

    return loaded.way(ends, routes.identity(ends), load)
