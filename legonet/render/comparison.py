"""What became of the edges and networks of a spec, or of a build, in another one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from legonet.graph import EdgeState, ModuleGraph
from legonet.graph.difference import FieldChange, GraphDifference
from legonet.spec import Key

if TYPE_CHECKING:
    from legonet.build import Plan

KINDS = ("network", "category", "task", "adapter", "path")
"""The kinds of statements that are compared."""


class Change(StrEnum):
    """What became of a statement."""

    ADDED = "added"
    REMOVED = "removed"
    BETTER = "better"
    WORSE = "worse"
    REBUILT = "rebuilt"
    SAME = "unchanged"


SIGNS: Mapping[Change, str] = {
    Change.ADDED: "+",
    Change.REMOVED: "−",
    Change.BETTER: "▲",
    Change.WORSE: "▼",
    Change.REBUILT: "↻",
    Change.SAME: "",
}
"""What stands for a change where there are no colours."""


@dataclass(frozen=True)
class Version:
    """A spec at one time.

    Args:
        graph: What it says.
        plan: What is built of it; None where that is not known.
    """

    graph: ModuleGraph
    plan: Plan | None = None

    @cached_property
    def keys(self) -> Mapping[Key, str]:
        """The content keys of networks and learned edges, by what they are known by."""
        if self.plan is None:
            return {}
        networks: dict[Key, str] = {("network", step.name): step.key for step in self.plan.networks}
        edges: dict[Key, str] = {
            ("adapter", step.adapter.category, step.adapter.task): step.key
            for step in self.plan.edges
            if step.key
        }
        return {**networks, **edges}

    def state(self, key: Key) -> EdgeState | None:
        """Return how far a network or an edge has come, if that is known."""
        if self.plan is None:
            return None
        if key[0] == "network":
            return self.plan.network_states().get(key[1])
        return self.plan.states().get((key[1], key[2])) if key[0] == "adapter" else None


@dataclass(frozen=True)
class Compared:
    """What became of one statement.

    Args:
        key: What it is known by; of a removed one, what it was known by.
        change: What became of it.
        was: What it was known by before, where it has another name now.
        before: How far it had come and how good it was, if that is known.
        after: How far it has come and how good it is.
        fields: What its statement says now that it did not say before.
    """

    key: Key
    change: Change
    was: Key | None = None
    before: EdgeState | None = None
    after: EdgeState | None = None
    fields: tuple[FieldChange, ...] = ()

    @property
    def name(self) -> str:
        """Its name, such as ``cat -> classify``."""
        return " -> ".join(self.key[1:])

    def to_json(self) -> dict[str, Any]:
        """Return it as a value of JSON."""
        return {
            "name": list(self.key[1:]) if self.key[0] == "adapter" else self.key[1],
            "change": self.change.value,
            "was": None if self.was is None else list(self.was[1:]),
            "metrics_before": _metrics(self.before),
            "metrics": _metrics(self.after),
            "fields": [item.field for item in self.fields],
        }


@dataclass(frozen=True)
class Comparison:
    """Two versions beside each other.

    Args:
        before: The first.
        after: The second.
    """

    before: Version
    after: Version

    @cached_property
    def difference(self) -> GraphDifference:
        """What the specs do not have in common."""
        return GraphDifference.between(self.before.graph.spec, self.after.graph.spec)

    @cached_property
    def compared(self) -> Mapping[Key, Compared]:
        """What became of each network, module, edge and path; what was removed comes last."""
        found = [self._compared(key) for key, _ in self.after.graph.spec.items() if key[0] in KINDS]
        found += [
            Compared(key, Change.REMOVED, before=self.before.state(self._old(key)))
            for key in self.difference.removed
            if key[0] in KINDS
        ]
        return {item.key: item for item in found}

    def of_kind(self, kind: str) -> tuple[Compared, ...]:
        """Return what became of the statements of a kind."""
        return tuple(item for key, item in self.compared.items() if key[0] == kind)

    def counts(self, kind: str) -> dict[Change, int]:
        """Return how many statements of a kind had which change; those that some had."""
        found = Counter(item.change for item in self.of_kind(kind))
        return {change: found[change] for change in Change if found[change]}

    def to_json(self) -> dict[str, Any]:
        """Return the document of ``legonet diff --json``."""
        return {
            **{_plural(kind): [item.to_json() for item in self.of_kind(kind)] for kind in KINDS},
            "counts": {
                _plural(kind): {change.value: n for change, n in self.counts(kind).items()}
                for kind in KINDS
            },
        }

    def _compared(self, key: Key) -> Compared:
        if key in self.difference.added:
            return Compared(key, Change.ADDED, after=self.after.state(key))
        old = self._old(key)
        before, after = self.before.state(old), self.after.state(key)
        return Compared(
            key,
            self._change(key, old, before, after),
            None if old == key else old,
            before,
            after,
            tuple(self.difference.changed.get(key, ())),
        )

    def _change(
        self, key: Key, old: Key, before: EdgeState | None, after: EdgeState | None
    ) -> Change:
        errors = [_error(state) for state in (before, after)]
        if None not in errors and errors[0] != errors[1]:
            return Change.BETTER if errors[1] < errors[0] else Change.WORSE  # type: ignore[operator]
        keys = self.before.keys.get(old), self.after.keys.get(key)
        if None not in keys:
            return Change.SAME if keys[0] == keys[1] else Change.REBUILT
        return Change.REBUILT if self._is_touched(key) else Change.SAME

    def _is_touched(self, key: Key) -> bool:
        """Whether a statement says something else, or one that it is made of."""
        return any(part in self.difference.changed for part in self._parts(key))

    def _parts(self, key: Key) -> Iterator[Key]:
        """Give a statement and those that it is made of."""
        yield key
        spec = self.after.graph.spec
        if key[0] == "adapter":
            adapter = spec.adapters[key[1], key[2]]
            yield from self._parts(("category", key[1]))
            yield from self._parts(("task", key[2]))
            teacher = self.after.graph.teacher_name(adapter)
            if teacher is not None:
                yield from self._parts(("network", teacher))
        elif key[0] == "category":
            yield from self._parts(("network", spec.categories[key[1]].network))
        elif key[0] == "task":
            yield from self._parts(("network", spec.tasks[key[1]].network))
        elif key[0] == "network" and (init := spec.networks[key[1]].init) is not None:
            yield from self._parts(("network", init))

    def _old(self, key: Key) -> Key:
        """Return what a statement was known by before."""
        names = {new: old for old, new in self.difference.renamed.items()}
        if key[0] != "adapter":
            return names.get(key, key)
        category = names.get(("category", key[1]), ("category", key[1]))
        task = names.get(("task", key[2]), ("task", key[2]))
        return "adapter", category[1], task[1]


def _error(state: EdgeState | None) -> float | None:
    """Return the error in percent as it is shown; None where it is not known."""
    metrics = {} if state is None else state.metrics
    if "error_rate" in metrics:
        return round(100 * metrics["error_rate"], 1)
    if "pixel_accuracy" in metrics:
        return round(100 - 100 * metrics["pixel_accuracy"], 1)
    return None


def _metrics(state: EdgeState | None) -> dict[str, float]:
    return {} if state is None else dict(state.metrics)


def _plural(kind: str) -> str:
    return {"category": "categories", "adapter": "edges"}.get(kind, f"{kind}s")
