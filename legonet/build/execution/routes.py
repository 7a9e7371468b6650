"""Routes: the ways from pictures to answers through the edges of a graph that stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from legonet.build.planning.plan import edge_name
from legonet.build.planning.questions import Questions
from legonet.build.storage.keys import key_of
from legonet.build.storage.store import Artifact
from legonet.graph import ModuleGraph
from legonet.spec.models import Model


@dataclass(frozen=True)
class Half:
    """A category module or a task module: a built network, and where it is cut.

    Args:
        key: The network's content key.
        cut: Torch's own path of the module behind which it is cut.
        artifact: The network.
        model: What it is an instance of.
    """

    key: str
    cut: str
    artifact: Artifact = field(compare=False)
    model: Model = field(compare=False)


@dataclass(frozen=True)
class Source:
    """Features of pictures of one size: what all routes from one category module share.

    Args:
        half: The category module.
        size: Pixels of the pictures, across and down.
    """

    half: Half
    size: int


@dataclass(frozen=True)
class Route:
    """The way through one edge.

    Args:
        category: Name of the category.
        task: Name of the task.
        source: The category module, and the pictures that go in.
        adapter: The learned adapter; None where two halves of one network meet.
        target: The task module.
    """

    category: str
    task: str
    source: Source
    adapter: Artifact | None = field(compare=False)
    target: Half

    @property
    def name(self) -> str:
        """What the edge is called."""
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
    """Return the routes that stand.

    Args:
        graph: The graph.
        networks: The built networks by name.
        adapters: The built adapters by category and task; None for a direct edge. An edge between
            networks that are not built is passed over.
    """
    spec, questions = graph.spec, Questions(graph)

    def half(name: str, cut: str) -> Half:
        artifact = networks[name]
        return Half(artifact.key, cut, artifact, spec.networks[name].model)

    routes = []
    for ends, adapter in adapters.items():
        category, task = spec.categories[ends[0]], spec.tasks[ends[1]]
        if not {category.network, task.network} <= networks.keys():
            continue
        size = questions.size(spec.adapters[ends])
        source = Source(half(category.network, category.until), size)
        routes.append(Route(*ends, source, adapter, half(task.network, task.after)))
    return routes
