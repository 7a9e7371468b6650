"""A spec compiled to a networkx graph, with everything that its names refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from legonet.goals import Goal, goal_named
from legonet.goals.background import BACKGROUND
from legonet.graph.relations import Relations
from legonet.language import Key
from legonet.language.declarations import Adapter, Data, LayoutName, Learning, Network
from legonet.language.models import Model

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True)
class ResolvedDataset:
    """Pictures, and what is asked about each of them.

    Args:
        name: Of the ``data`` block.
        data: What the block says.
        category: Is it this category, or background? Which category is it, when None.
        goal: A label per picture, or per pixel.
        background: Without a category: background is one label more.
        only: The labels of its pictures; all of them if empty.
    """

    name: str
    data: Data
    category: str | None
    goal: Goal
    background: bool = False
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class ResolvedNetwork:
    """A specific network.

    Args:
        name: Its name.
        declaration: What its statement says.
        ancestor_model: The model of the network that it starts from, if it does.
        goal: The question that it answers.
        dataset: What it is trained on; None for one without a recipe.
        is_single: Whether its one output tells a category from all else, as far as the spec says.
    """

    name: str
    declaration: Network
    ancestor_model: Model | None
    goal: Goal
    dataset: ResolvedDataset | None
    is_single: bool

    @property
    def model(self) -> Model:
        """What it is an instance of."""
        return self.declaration.model

    @property
    def needs(self) -> dict[str, str]:
        """The networks that it cannot be built without, by their role: its ``ancestor``."""
        ancestor = self.declaration.init
        return {} if ancestor is None else {"ancestor": ancestor}


@dataclass(frozen=True)
class ResolvedEdge:
    """The way from a category module to a task module, which an adapter joins.

    Args:
        category: The category's name.
        task: The task's name.
        category_network: The network that the category module is the bottom of.
        until: The last module of that bottom.
        task_network: The network that the task module is the top of, called the donor.
        after: The last module that does not belong to that top.
        teacher: The network that the adapter learns from; that of the category by default.
        dataset: The category's pictures, with the question that the task module answers; None where
            no data are known.
        learning: How the adapter is learned; None for a direct edge, which has none.
        layouts: The layouts of the features of f and f_S by name, where the spec says them.
    """

    category: str
    task: str
    category_network: ResolvedNetwork
    until: str
    task_network: ResolvedNetwork
    after: str
    teacher: ResolvedNetwork
    dataset: ResolvedDataset | None
    learning: Learning | None
    layouts: tuple[LayoutName | None, LayoutName | None] = (None, None)

    @property
    def name(self) -> str:
        """What it is called, such as ``cat -> classify``."""
        return edge_name(self.category, self.task)

    @property
    def ends(self) -> tuple[str, str]:
        """The names of its category and its task."""
        return self.category, self.task

    @property
    def goal(self) -> Goal:
        """The question that its task module answers."""
        return self.task_network.goal

    @property
    def networks(self) -> Mapping[str, ResolvedNetwork]:
        """The networks that it is made of, by their role."""
        return {
            "category": self.category_network,
            "task": self.task_network,
            "teacher": self.teacher,
        }

    @property
    def needs(self) -> dict[str, str]:
        """The names of the networks that it cannot be built without, by their role."""
        return {role: network.name for role, network in self.networks.items()}


@dataclass(frozen=True)
class ResolvedJoint:
    """What one task answers along a joint path: one of several categories, or the background.

    Args:
        path: The name of the path.
        edges: Those from each category to the task.
        answered: The labels of the data that each category says yes to.
        alone: Whether the path leads to no other task.
    """

    path: str
    edges: tuple[ResolvedEdge, ...]
    answered: tuple[tuple[str, ...], ...]
    alone: bool = True

    @property
    def name(self) -> str:
        """What it is called, such as ``path zoo``; of several tasks, ``path pets -> classify``."""
        return f"path {self.path}" if self.alone else f"path {edge_name(self.path, self.task)}"

    @property
    def categories(self) -> tuple[str, ...]:
        """The names of its categories."""
        return tuple(edge.category for edge in self.edges)

    @property
    def labels(self) -> tuple[str, ...]:
        """What its outputs mean: the background, then each category."""
        return (BACKGROUND, *self.categories)

    @property
    def task(self) -> str:
        """The name of its task."""
        return self.edges[0].task

    @property
    def goal(self) -> Goal:
        """The question that its task module answers."""
        return self.edges[0].goal

    @property
    def networks(self) -> dict[str, ResolvedNetwork]:
        """The networks that it is made of and compared with, by name."""
        return {item.name: item for edge in self.edges for item in edge.networks.values()}


def edge_name(category: str, task: str) -> str:
    """Return what an edge is called, such as ``cat -> classify``."""
    return f"{category} -> {task}"


def compiled(relations: Relations, model: Callable[[str], Model]) -> nx.DiGraph[Key]:
    """Return the graph of a spec without errors.

    Its nodes and edges are those of `ModuleGraph.to_networkx`. A network's node carries its
    `ResolvedNetwork` as ``network``, the edge from a category to a task its `ResolvedEdge` as
    ``edge``.

    Args:
        relations: The spec.
        model: Returns the model of a network by its name, as far as its code is trusted.
    """
    import networkx as nx

    spec = relations.spec
    graph: nx.DiGraph[Key] = nx.DiGraph()
    models = {name: model(name) for name in spec.networks}
    networks = {name: _network(relations, name, models) for name in spec.networks}
    for name, network in networks.items():
        graph.add_node(("network", name), kind="network", network=network)
    graph.add_nodes_from((("category", name) for name in spec.categories), kind="category")
    graph.add_nodes_from((("task", name) for name in spec.tasks), kind="task")
    for source, target, role in relations.links():
        graph.add_edge(source, target, role=role)
    for ends, adapter in spec.adapters.items():
        joined = graph.edges[("category", ends[0]), ("task", ends[1])]
        joined["edge"] = _edge(relations, adapter, networks)
    return graph


def networks_in_order(graph: nx.DiGraph[Key]) -> list[ResolvedNetwork]:
    """Return the networks in the order of the spec, but each after the one that it starts from."""
    import networkx as nx

    networks = [node for node, kind in graph.nodes(data="kind") if kind == "network"]
    place = {node: number for number, node in enumerate(networks)}
    ordered = nx.lexicographical_topological_sort(graph.subgraph(networks), place.__getitem__)
    return [graph.nodes[node]["network"] for node in ordered]


def with_ancestors(graph: nx.DiGraph[Key], names: Iterable[str]) -> set[str]:
    """Return the names of networks and of all that they start from in turn."""
    import networkx as nx

    nodes = {("network", name) for name in names}
    return {name for node in nodes for _, name in {node, *nx.ancestors(graph, node)}}


def _network(relations: Relations, name: str, models: Mapping[str, Model]) -> ResolvedNetwork:
    spec = relations.spec
    declaration = spec.networks[name]
    if models[name] is not declaration.model:
        declaration = declaration.model_copy(update={"model": models[name]})
    recipe, ancestor = declaration.train, declaration.init
    return ResolvedNetwork(
        name,
        declaration,
        None if ancestor is None else models[ancestor],
        relations.goal(declaration),
        None
        if recipe is None
        else ResolvedDataset(
            recipe.data,
            spec.data[recipe.data],
            recipe.category,
            goal_named(recipe.goal),
            recipe.background,
        ),
        relations.is_single(declaration),
    )


def _edge(
    relations: Relations, adapter: Adapter, networks: dict[str, ResolvedNetwork]
) -> ResolvedEdge:
    spec = relations.spec
    category, task = spec.categories[adapter.category], spec.tasks[adapter.task]
    donor = networks[task.network]
    data = relations.data_name(adapter)
    asked = relations.category_label(adapter) if donor.is_single else None
    return ResolvedEdge(
        adapter.category,
        adapter.task,
        networks[category.network],
        category.until,
        donor,
        task.after,
        networks[relations.teacher_name(adapter) or category.network],
        None
        if data is None
        else ResolvedDataset(data, spec.data[data], asked, donor.goal, only=category.labels or ()),
        adapter.learning,
        (category.layout, task.layout),
    )
