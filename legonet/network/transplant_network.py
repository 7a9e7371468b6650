"""The built graph as a network that answers."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from legonet.build import Artifact, EdgeStep, Plan, Workspace, edge_name
from legonet.build.execution.networks import FrozenNetworks
from legonet.diagnostics import DiagnosticError, did_you_mean
from legonet.graph import ModuleGraph, load
from legonet.modules.adapter import Adapter
from legonet.modules.cut import bottom, top
from legonet.modules.freeze import freeze


class TransplantNetwork:
    """Frozen modules joined by learned adapters; every network and adapter is loaded once.

    Example:
        >>> network = TransplantNetwork.open("animals.lego")  # doctest: +SKIP
        >>> logits = network(pictures, category="cat", task="classify")  # doctest: +SKIP

    Args:
        plan: Of the graph; what it says to build and is not built cannot be asked.
        workspace: Where the built things are.
        device: Where to compute.
    """

    def __init__(
        self, plan: Plan, workspace: Workspace, *, device: torch.device | str = "cpu"
    ) -> None:
        self.graph = plan.graph
        self.device = torch.device(device)
        self._plan = plan
        self._store = workspace.store
        self._networks = FrozenNetworks(workspace.store, str(device))
        self._routes: dict[tuple[str, str], tuple[str, nn.Module]] = {}

    @classmethod
    def open(
        cls, spec: Path | str, *, store: Path | None = None, device: torch.device | str = "cpu"
    ) -> TransplantNetwork:
        """Open what was built of a spec.

        Raises:
            DiagnosticError: The spec has errors.
        """
        graph: ModuleGraph = load(spec)
        workspace = Workspace(Path(spec), store)
        return cls(workspace.plan(graph), workspace, device=device)

    def __call__(self, pictures: Tensor, *, category: str, task: str) -> Tensor:
        """Answer for pictures.

        Args:
            pictures: ``(N, 3, H, W)``, float32, as `legonet.data.to_tensor` makes them.
            category: Name of the category module that they go through.
            task: Name of the task module that answers.

        Returns:
            Logits, ``(N, K)`` for classification and ``(N, K, H, W)`` for segmentation.

        Raises:
            DiagnosticError: No edge joins the two, or it is not built.
        """
        with torch.inference_mode():
            answer: Tensor = self.route(category, task)(pictures.to(self.device))
        return answer

    def path(self, name: str) -> nn.Module:
        """Return a named application as an ordinary frozen module.

        Raises:
            DiagnosticError: The spec has no such path, or its edge is not built.
        """
        path = self.graph.spec.paths.get(name)
        if path is None:
            raise DiagnosticError.of(
                "LEGO708",
                f"unknown path `{name}`",
                help=did_you_mean(name, self.graph.spec.paths, "path"),
            )
        return self.route(path.category, path.task)

    def route(self, category: str, task: str) -> nn.Module:
        """Return the way from pictures to answers through one edge, as a frozen module.

        Raises:
            DiagnosticError: No edge joins the two, or it is not built.
        """
        step = self._edge(category, task)
        key, route = self._routes.get((category, task), ("", None))
        if route is None or key != step.key:
            spec = self.graph.spec
            below, above = spec.categories[category], spec.tasks[task]
            modules = [
                bottom(self._network(below.network), below.until),
                *([] if step.action == "direct" else [self._adapter(step)]),
                top(self._network(above.network), above.after),
            ]
            route = freeze(nn.Sequential(*modules))
            self._routes[category, task] = (step.key, route)
        return route

    def follow(self, plan: Plan) -> None:
        """Take up another plan; what did not change stays loaded.

        Args:
            plan: Of a graph that has the same networks under the same names, and maybe more.
        """
        self.graph = plan.graph
        self._plan = plan

    def _edge(self, category: str, task: str) -> EdgeStep:
        step = self._plan.edge(category, task)
        if step is None:
            names = [edge_name(*ends) for ends in self.graph.spec.adapters]
            raise DiagnosticError.of(
                "LEGO708",
                f"no edge `{edge_name(category, task)}`",
                help=did_you_mean(edge_name(category, task), names, "edge"),
            )
        return step

    def _adapter(self, step: EdgeStep) -> Adapter:
        artifact = self._built("adapter", step.key, f"the edge `{step.name}`", step.artifact)
        shape = artifact.certificate["adapter"]
        adapter = Adapter(shape["channels_in"], shape["channels_out"], shape["kernels"])
        adapter.load_state_dict(self._store.tensors(artifact))
        return adapter.to(self.device)

    def _network(self, name: str) -> nn.Module:
        step = self._plan.network(name)
        self._built("network", step.key, f"the network `{name}`", step.artifact)
        return self._networks.get(step.key, name, self.graph.spec.networks[name].model).module

    def _built(self, kind: str, key: str, what: str, artifact: Artifact | None) -> Artifact:
        found = artifact or self._store.find("adapter" if kind == "adapter" else "network", key)
        if found is None:
            raise DiagnosticError.of(
                "LEGO709", f"{what} is not built", help=["run `legonet build` first"]
            )
        return found
