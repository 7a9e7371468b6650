"""How the modules of a spec stand to each other."""

from __future__ import annotations

from collections.abc import Container, Iterator

from legonet.spec import Goal, Key, Spec
from legonet.spec.declarations import Adapter, Category, Network, Task
from legonet.spec.models import LibraryModel, SmallFcn, VggFcn

_SEGMENTATION_PREFIXES = ("fcn_", "deeplabv3", "lraspp")


class Relations:
    """Which networks, category modules and task modules belong together.

    Attributes:
        spec: What the files say.
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec

    def links(self) -> Iterator[tuple[Key, Key, str]]:
        """Give each two statements that belong together, and how; see `ModuleGraph`."""
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

    def ancestors_first(self) -> list[str]:
        """Return the networks' names, each behind the one that it starts from."""
        order: dict[str, None] = {}
        for name in self.spec.networks:
            line = self._ancestors(name, known=order)
            order.update(dict.fromkeys(reversed(line)))
        return list(order)

    def ancestor_circles(self) -> list[list[str]]:
        """Return the circles of networks that start from each other, which should not be.

        Each network stands in front of the one that it starts from.
        """
        circles = []
        known: set[str] = set()
        for name in self.spec.networks:
            line = self._ancestors(name, known=known)
            end = self._ancestor(line[-1]) if line else None
            if end in line:
                circles.append(line[line.index(end) :])
            known.update(line)
        return circles

    def _ancestors(self, name: str, known: Container[str]) -> list[str]:
        """Return a network and those that it starts from in turn, up to one that is known."""
        line: dict[str, None] = {}
        step: str | None = name
        while step is not None and step not in line and step not in known:
            line[step] = None
            step = self._ancestor(step)
        return list(line)

    def _ancestor(self, name: str) -> str | None:
        """Return the network that a network starts from, where it is sound."""
        ancestor = self.spec.networks[name].init
        return ancestor if ancestor in self.spec.networks else None

    def sides(self, adapter: Adapter) -> tuple[Category, Task] | None:
        """Return the category and the task that an adapter joins, where both are sound."""
        category = self.spec.categories.get(adapter.category)
        task = self.spec.tasks.get(adapter.task)
        return None if category is None or task is None else (category, task)

    def teacher_name(self, adapter: Adapter) -> str | None:
        """Return the name of the network that an adapter learns from; none for a direct edge."""
        if adapter.learning is None:
            return None
        if adapter.learning.teacher is not None:
            return adapter.learning.teacher
        category = self.spec.categories.get(adapter.category)
        return None if category is None else category.network

    def teacher(self, adapter: Adapter) -> Network | None:
        """Return the network that an adapter learns from, where it is sound."""
        return self.spec.networks.get(self.teacher_name(adapter) or "")

    def data_name(self, adapter: Adapter) -> str | None:
        """Return the name of the data with the category's pictures, if any is known."""
        if adapter.learning is not None and adapter.learning.data is not None:
            return adapter.learning.data
        teacher = self.teacher(adapter)
        return teacher.train.data if teacher is not None and teacher.train is not None else None

    def category_label(self, adapter: Adapter) -> str:
        """Return what the data call an adapter's category.

        It is the label that the teacher was trained on; a teacher with ready weights leaves the
        name of the category itself.
        """
        teacher = self.teacher(adapter)
        if teacher is not None and teacher.train is not None and teacher.train.category:
            return teacher.train.category
        return adapter.category.rpartition(".")[2]

    def goal(self, network: Network) -> Goal:
        """Return the question that a network answers: as its recipe says, else as its model."""
        if network.train is not None:
            return network.train.goal
        model = network.model
        if isinstance(model, SmallFcn | VggFcn):
            return Goal.SEGMENTATION
        if isinstance(model, LibraryModel) and model.name.startswith(_SEGMENTATION_PREFIXES):
            return Goal.SEGMENTATION
        return Goal.CLASSIFICATION
