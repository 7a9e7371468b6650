"""What changed in the edges and networks of a spec, or of a build, compared with another one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from legonet.graph import EdgeState, ModuleGraph
from legonet.graph.difference import FieldChange, GraphDifference
from legonet.graph.state import error_of
from legonet.language import Key
from legonet.render.words import error_words

if TYPE_CHECKING:
    from legonet.building import Plan

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
"""The sign for a change where there are no colours."""


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
        """The content keys of networks, learned edges and joint paths, by their statements."""
        if self.plan is None:
            return {}
        networks: dict[Key, str] = {("network", step.name): step.key for step in self.plan.networks}
        edges: dict[Key, str] = {
            ("adapter", *step.edge.ends): step.key for step in self.plan.edges if step.key
        }
        joints: dict[Key, str] = {
            ("path", step.joint.path): step.key for step in reversed(self.plan.joints)
        }
        return {**networks, **edges, **joints}

    def state(self, key: Key) -> EdgeState | None:
        """Return how far a network, an edge or a joint path has come, if that is known."""
        if self.plan is None:
            return None
        if key[0] == "network":
            return self.plan.network_states().get(key[1])
        if key[0] == "path":
            return self.plan.joint_states().get(key[1])
        return self.plan.states().get((key[1], key[2])) if key[0] == "adapter" else None


@dataclass(frozen=True)
class Compared:
    """What became of one statement.

    Args:
        key: Its key; for a removed statement, its former key.
        change: What became of it.
        was: Its former key, if it has another name now.
        before: How far it had come and how good it was, if that is known.
        after: How far it has come and how good it is.
        fields: The fields of its statement that changed.
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
        """Return it as a JSON value."""
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
    """A comparison of two versions.

    Args:
        before: The first.
        after: The second.
    """

    before: Version
    after: Version

    @cached_property
    def difference(self) -> GraphDifference:
        """The differences between the specs."""
        return GraphDifference.between(self.before.graph.spec, self.after.graph.spec)

    @cached_property
    def compared(self) -> Mapping[Key, Compared]:
        """What became of each network, module, edge and path; removed ones come last."""
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
        """Return how many statements of a kind had each change, leaving out zeros."""
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
        """Whether a statement, or one that it depends on, has changed."""
        return any(part in self.difference.changed for part in self._parts(key))

    def _parts(self, key: Key) -> Iterator[Key]:
        """Yield a statement and those that it depends on."""
        yield key
        spec = self.after.graph.spec
        if key[0] == "adapter":
            edge = self.after.graph.edge(key[1], key[2])
            yield from self._parts(("category", key[1]))
            yield from self._parts(("task", key[2]))
            yield from self._parts(("network", edge.teacher.name))
        elif key[0] == "path" and spec.paths[key[1]].is_joint:
            for ends in spec.paths[key[1]].edges:
                yield from self._parts(("adapter", *ends))
        elif key[0] == "category":
            yield from self._parts(("network", spec.categories[key[1]].network))
        elif key[0] == "task":
            yield from self._parts(("network", spec.tasks[key[1]].network))
        elif key[0] == "network" and (init := spec.networks[key[1]].init) is not None:
            yield from self._parts(("network", init))

    def _old(self, key: Key) -> Key:
        """Return the former key of a statement."""
        names = {new: old for old, new in self.difference.renamed.items()}
        if key[0] != "adapter":
            return names.get(key, key)
        category = names.get(("category", key[1]), ("category", key[1]))
        task = names.get(("task", key[2]), ("task", key[2]))
        return "adapter", category[1], task[1]


def _error(state: EdgeState | None) -> float | None:
    """Return the error in percent as it is shown; None if it is not known."""
    found = None if state is None else error_of(state.metrics)
    return None if found is None else round(100 * found[0], 1)


def _metrics(state: EdgeState | None) -> dict[str, float]:
    return {} if state is None else dict(state.metrics)


def _plural(kind: str) -> str:
    return {"category": "categories", "adapter": "edges"}.get(kind, f"{kind}s")


_NOUNS = {"adapter": "edge"}


def to_text(comparison: Comparison) -> str:
    """Return a line for each statement that changed, and lines that count edges and networks."""
    lines = [
        line
        for kind in KINDS
        for item in comparison.of_kind(kind)
        if item.change is not Change.SAME or item.was is not None
        for line in _lines(item)
    ]
    return "\n".join([*lines, *_counts(comparison)])


def change_words(item: Compared) -> str:
    """Return what became of a statement, such as ``better: error 13.6 % → 9.7 %``."""
    before, after = (error_words(state) for state in (item.before, item.after))
    if item.change is Change.ADDED:
        figures = after
    elif item.change is Change.REMOVED:
        figures = before
    else:
        figures = f"{before} → {after.rpartition('error ')[2]}" if before and after else ""
        if before == after:
            figures = after
    if item.change is Change.SAME:
        return figures or item.change.value
    return f"{item.change.value}: {figures}" if figures else item.change.value


def _lines(item: Compared) -> Iterator[str]:
    noun = _NOUNS.get(item.key[0], item.key[0])
    was = f" (was {' -> '.join(item.was[1:])})" if item.was is not None else ""
    yield f"{SIGNS[item.change] or '='} {noun} {item.name}{was}: {change_words(item)}"
    if item.fields:
        yield f"    {', '.join(change.field for change in item.fields)}"


def _counts(comparison: Comparison) -> Iterator[str]:
    for kind in ("adapter", "network"):
        counts = comparison.counts(kind)
        number = sum(counts.values())
        noun = f"{_NOUNS.get(kind, kind)}{'s' * (number != 1)}"
        parts = ", ".join(f"{count} {change.value}" for change, count in counts.items())
        yield f"{number} {noun}" + (f": {parts}" if parts else "")
