"""Routes: the ways from pictures to answers through the built edges of a graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from legonet.building.planning.datasets import TaskDatasets
from legonet.building.storage.keys import key_of
from legonet.building.storage.store import Artifact
from legonet.graph import ModuleGraph
from legonet.graph.resolved import ResolvedNetwork, edge_name
from legonet.language.models import Model


@dataclass(frozen=True)
class ModuleRef:
    """A category module or a task module: a built network, and where it is cut.

    Args:
        key: The network's content key.
        cut: Torch's own path of the module after which the network is cut.
        artifact: The network.
        model: What it is an instance of.
    """

    key: str
    cut: str
    artifact: Artifact = field(compare=False)
    model: Model = field(compare=False)


@dataclass(frozen=True)
class Source:
    """Features of pictures of one size, which all routes from one category module share.

    Args:
        half: The category module.
        size: Pixels of the pictures, across and down.
    """

    half: ModuleRef
    size: int


@dataclass(frozen=True)
class Route:
    """The way through one edge.

    Args:
        category: Name of the category.
        task: Name of the task.
        source: The category module, and the pictures that go in.
        adapter: The learned adapter; None where both modules come from one network.
        target: The task module.
    """

    category: str
    task: str
    source: Source
    adapter: Artifact | None = field(compare=False)
    target: ModuleRef

    @property
    def name(self) -> str:
        """The name of the edge."""
        return edge_name(self.category, self.task)

    @property
    def key(self) -> str:
        """The content key: names do not count."""
        half, target = self.source.half, self.target
        return key_of(
            {
                "category": [half.key, half.cut],
                "adapter": None if self.adapter is None else self.adapter.key,
                "task": [target.key, target.cut],
                "size": self.source.size,
            }
        )

    @property
    def modules(self) -> tuple[str, ...]:
        """The content keys of all that the pictures pass through."""
        adapter = () if self.adapter is None else (self.adapter.key,)
        return tuple(dict.fromkeys((self.source.half.key, *adapter, self.target.key)))


def routes_of(
    graph: ModuleGraph,
    networks: Mapping[str, Artifact],
    adapters: Mapping[tuple[str, str], Artifact | None],
) -> list[Route]:
    """Return the routes that are built.

    Args:
        graph: The graph.
        networks: The built networks by name.
        adapters: The built adapters by category and task; None for a direct edge. An edge between
            networks that are not built is left out.
    """
    datasets = TaskDatasets(graph.spec)

    def module(network: ResolvedNetwork, cut: str) -> ModuleRef:
        artifact = networks[network.name]
        return ModuleRef(artifact.key, cut, artifact, network.model)

    routes = []
    for ends, adapter in adapters.items():
        edge = graph.edge(*ends)
        if not {edge.category_network.name, edge.task_network.name} <= networks.keys():
            continue
        source = Source(module(edge.category_network, edge.until), datasets.size(edge))
        routes.append(Route(*ends, source, adapter, module(edge.task_network, edge.after)))
    return routes
