"""An order: one step of a plan with all that is needed to fill it, in this process or another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from legonet.build.planning.plan import EdgeStep, Plan, Step
from legonet.graph import ModuleGraph
from legonet.spec import Spec


@dataclass(frozen=True)
class Order:
    """One network or edge to build. It is small and can be pickled, however large the spec is.

    Args:
        step: What to build; its `artifact` is None.
        graph: What the step needs of the plan's graph, and nothing else.
        networks: The content key of each network in the graph that has to stand.
        memory: Bytes that it may take, judged by earlier runs; None where there was none like it.
    """

    step: Step
    graph: ModuleGraph
    networks: Mapping[str, str]
    memory: int | None = None

    @classmethod
    def of(cls, plan: Plan, step: Step) -> Order:
        """Return the order for a step of a plan."""
        bare = replace(step, artifact=None)
        if isinstance(step, EdgeStep):
            graph = _around_edge(plan.graph, step)
            needed = set(graph.spec.networks)
        else:
            graph = _around_network(plan.graph, step.name)
            needed = set(graph.spec.networks) - {step.name}
        networks = {name: plan.network(name).key for name in needed}
        estimate = plan.estimates.get(step.name)
        return cls(bare, graph, networks, None if estimate is None else estimate.memory)

    @property
    def key(self) -> str:
        """The content key of what is built."""
        return self.step.key

    @property
    def task_module(self) -> tuple[str, str] | None:
        """What tells an edge's task module from others: its network's key, and the cut."""
        if not isinstance(self.step, EdgeStep):
            return None
        task = self.graph.spec.tasks[self.step.adapter.task]
        return self.networks[task.network], task.after


def _around_edge(graph: ModuleGraph, step: EdgeStep) -> ModuleGraph:
    spec, adapter = graph.spec, step.adapter
    category, task = spec.categories[adapter.category], spec.tasks[adapter.task]
    names = {category.network, task.network, graph.teacher_name(adapter) or category.network}
    part = _networks(spec, names, graph.data_name(adapter))
    return ModuleGraph(
        replace(
            part,
            categories={adapter.category: category},
            tasks={adapter.task: task},
            adapters={(adapter.category, adapter.task): adapter},
        )
    )


def _around_network(graph: ModuleGraph, name: str) -> ModuleGraph:
    ancestor = graph.spec.networks[name].init
    return ModuleGraph(_networks(graph.spec, {name, *([] if ancestor is None else [ancestor])}))


def _networks(spec: Spec, names: set[str], data: str | None = None) -> Spec:
    networks = {name: network for name, network in spec.networks.items() if name in names}
    recipes = (network.train for network in networks.values())
    used = {data, *(recipe.data for recipe in recipes if recipe is not None)}
    return Spec(
        data={name: found for name, found in spec.data.items() if name in used},
        networks=networks,
    )
