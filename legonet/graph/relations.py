"""How the modules of a spec are related."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from legonet.diagnostics import DiagnosticError
from legonet.goals import Goal, goal_named
from legonet.language import Key, Spec
from legonet.language.declarations import Adapter, Category, Network, Task
from legonet.language.models import ModelForm


class Relations:
    """Which networks, category modules and task modules belong together.

    Attributes:
        spec: What the files say.
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec

    def links(self) -> Iterator[tuple[Key, Key, str]]:
        """Yield each pair of statements that belong together, and how; see `ModuleGraph`."""
        spec = self.spec
        for name, network in spec.networks.items():
            if network.init is not None:
                yield ("network", network.init), ("network", name), "init"
        for name, category in spec.categories.items():
            yield ("network", category.network), ("category", name), "bottom"
        for name, task in spec.tasks.items():
            yield ("network", task.network), ("task", name), "top"
        for category_name, task_name in spec.adapters:
            yield ("category", category_name), ("task", task_name), "adapter"

    def ancestor_circles(self) -> list[list[str]]:
        """Return the cycles of networks that start from each other, which are mistakes.

        Each network comes before the one that it starts from.
        """
        starts = {
            name: [network.init] if network.init in self.spec.networks else []
            for name, network in self.spec.networks.items()
        }
        try:
            TopologicalSorter(starts).prepare()
        except CycleError:
            # The import takes a while, so it happens only if there is a mistake.
            import networkx as nx

            place = {name: number for number, name in enumerate(starts)}
            circles = [list(circle) for circle in nx.simple_cycles(nx.DiGraph(starts))]
            return sorted(circles, key=lambda circle: min(place[name] for name in circle))
        return []

    def sides(self, adapter: Adapter) -> tuple[Category, Task] | None:
        """Return the category and the task that an adapter joins, if both are sound."""
        category = self.spec.categories.get(adapter.category)
        task = self.spec.tasks.get(adapter.task)
        return None if category is None or task is None else (category, task)

    def teacher_name(self, adapter: Adapter) -> str | None:
        """Return the name of the network that an adapter learns from; None for a direct edge."""
        if adapter.learning is None:
            return None
        if adapter.learning.teacher is not None:
            return adapter.learning.teacher
        category = self.spec.categories.get(adapter.category)
        return None if category is None else category.network

    def teacher(self, adapter: Adapter) -> Network | None:
        """Return the network that an adapter learns from, if it is sound."""
        return self.spec.networks.get(self.teacher_name(adapter) or "")

    def data_name(self, adapter: Adapter) -> str | None:
        """Return the name of the data with the category's pictures, if any is known."""
        if adapter.learning is not None and adapter.learning.data is not None:
            return adapter.learning.data
        teacher = self.teacher(adapter)
        return teacher.train.data if teacher is not None and teacher.train is not None else None

    def category_label(self, adapter: Adapter) -> str:
        """Return the label of an adapter's category in the data.

        This is the label that the teacher was trained on or that its only output has, or the name
        of the category itself if the teacher has pretrained weights.
        """
        teacher = self.teacher(adapter)
        if teacher is not None and teacher.train is not None and teacher.train.category:
            return teacher.train.category
        return adapter.category.rpartition(".")[2]

    def answered_labels(self, adapter: Adapter) -> tuple[str, ...]:
        """Return the labels of the data that an edge to a task with one output says yes to."""
        category = self.spec.categories.get(adapter.category)
        if category is None or category.labels:
            return () if category is None else category.labels or ()
        recipe = self.own_or_teacher(adapter)
        if adapter.learning is None and recipe is not None and recipe.train is not None:
            return (recipe.train.category or adapter.category.rpartition(".")[2],)
        return (self.category_label(adapter),)

    def own_or_teacher(self, adapter: Adapter) -> Network | None:
        """Return an edge's teacher, or the network that a direct edge is both halves of."""
        sides = self.sides(adapter)
        if adapter.learning is not None or sides is None:
            return self.teacher(adapter)
        return self.spec.networks.get(sides[0].network)

    def outputs(self, network: Network) -> int | None:
        """Return how many outputs a network has; None if its statement does not say so.

        Raises:
            DiagnosticError: Its model says so in a file that cannot be fetched.
        """
        if network.labels is not None:
            return len(network.labels)
        if network.train is not None and network.train.category is not None:
            return 1
        try:
            return network.model.outputs
        except DiagnosticError as error:
            name = next(name for name, found in self.spec.networks.items() if found is network)
            at_model = (
                self.spec.locate(item, ("network", name), "model") for item in error.diagnostics
            )
            raise DiagnosticError(*at_model) from None

    def is_single(self, network: Network) -> bool:
        """Return whether a network tells one category from all else, with a single output.

        Where its statement does not say how many outputs it has, only a model of another package
        counts as such a network: those of the libraries have as many outputs as ImageNet or COCO
        has labels, and a recipe without a category asks for all labels of its data.
        """
        outputs = self.outputs(network)
        if outputs is None and (network.train or not isinstance(network.model, ModelForm)):
            return False
        return self.goal(network).is_single(outputs or 1)

    def goal(self, network: Network) -> Goal:
        """Return the question that a network answers, by its recipe, its statement or its model."""
        if network.train is not None:
            return goal_named(network.train.goal)
        return goal_named(network.goal or network.model.goal)
