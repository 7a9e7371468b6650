"""The networks that stand beside what is built, and whether they still have the same weights.

A content key holds the recipes of those networks. A network that was lost and built again, on
another machine for instance, has the same recipe and can have other bits; what was learned beside
the old ones is then out of date.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from legonet.build.planning.plan import EdgeStep, Step
from legonet.build.storage.store import Artifact
from legonet.graph import ModuleGraph
from legonet.spec.declarations import Adapter


def neighbours(graph: ModuleGraph, step: Step) -> dict[str, str]:
    """Return the names of the networks that a step needs, by their role.

    Args:
        graph: The graph that the step belongs to.
        step: A network or an edge.
    """
    if isinstance(step, EdgeStep):
        return neighbours_of_edge(graph, step.adapter)
    return neighbours_of_network(graph, step.name)


def neighbours_of_network(graph: ModuleGraph, name: str) -> dict[str, str]:
    """Return the ``ancestor`` of a network, if it starts from one."""
    ancestor = graph.spec.networks[name].init
    return {} if ancestor is None else {"ancestor": ancestor}


def neighbours_of_edge(graph: ModuleGraph, adapter: Adapter) -> dict[str, str]:
    """Return the ``category``'s network of an edge, the ``task``'s and the ``teacher``."""
    category = graph.spec.categories[adapter.category].network
    return {
        "category": category,
        "task": graph.spec.tasks[adapter.task].network,
        "teacher": graph.teacher_name(adapter) or category,
    }


def with_other_weights(
    artifact: Artifact, networks: Mapping[str, str], digests: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the networks that no longer have the weights beside which an artifact was built.

    Args:
        artifact: What was built.
        networks: The networks' names by role, as `neighbours` gives them.
        digests: The digest of each network's weights by its name, as far as it stands.

    Returns:
        Their names, each once; none for an artifact that is up to date. A network that does not
        stand, or whose digest the certificate does not hold, is not among them.
    """
    then = artifact.certificate.get("neighbours", {})
    changed = (
        name
        for role, name in networks.items()
        if role in then and name in digests and then[role] != digests[name]
    )
    return tuple(dict.fromkeys(changed))


def beside_other_weights(names: Sequence[str]) -> str:
    """Return the reason why a step is built again whose networks have other weights now."""
    return f"made beside other weights of {' and '.join(f'`{name}`' for name in names)}"
