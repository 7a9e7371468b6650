"""Turns statements into a Spec: binds names and checks fields."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from pydantic import BaseModel

from legonet.diagnostics import Diagnostic, Span
from legonet.language.declarations import (
    STATEMENTS,
    Adapter,
    Learning,
    Path,
    noun_of,
)
from legonet.language.expand import Expanded
from legonet.language.growth import Growth
from legonet.language.reader import Reader
from legonet.language.spec import PARTS, Key, Origin, Spec
from legonet.language.values import Body, Ends, Statement, Target

MOST_SHOWN = 8
"""Names that a help line lists."""

BLOCKS: Mapping[str, type[BaseModel]] = {
    kind: row.fields for kind, row in STATEMENTS.items() if row.fields is not None
}
"""The model for the fields of each kind of statement."""


def bind(expanded: Expanded, report: Callable[[Diagnostic], None]) -> Spec:
    """Return the statements as a Spec, leaving out those with mistakes.

    Args:
        expanded: What the text says.
        report: Called with each diagnostic.
    """
    return _Binder(expanded, report).spec()


class _Binder:
    def __init__(self, expanded: Expanded, report: Callable[[Diagnostic], None]) -> None:
        self.expanded = expanded
        self.report = report
        self.names: dict[str, dict[str, Statement]] = {
            kind: {} for kind in PARTS if kind != "adapter"
        }

    def spec(self) -> Spec:
        for statement in self.expanded.statements:
            if statement.name:
                self._enter(statement)
        found: dict[Key, Any] = {}
        origins: dict[Key, Origin] = {}
        for statement in self.expanded.statements:
            key, value = self._read(statement)
            if key in origins:
                if statement.kind == "adapter":
                    self._duplicate(statement, f"adapter `{key[1]} -> {key[2]}`", origins[key].span)
                continue
            origins[key] = Origin(statement.span, places_of(statement.body), statement.trace)
            if value is not None:
                found[key] = value
        parts: dict[str, dict[Any, Any]] = {part: {} for part in PARTS.values()}
        for (kind, *name), value in found.items():
            parts[PARTS[kind]][tuple(name) if kind == "adapter" else name[0]] = value
        return Spec(
            **parts,
            origins=origins,
            whole=not (self.expanded.damaged or self.expanded.unread or self.expanded.lost),
        )

    def _enter(self, statement: Statement) -> None:
        names = self.names[statement.kind]
        if statement.name in names:
            what = f"{noun_of(statement.kind)} `{statement.name}`"
            self._duplicate(statement, what, names[statement.name].span)
        else:
            names[statement.name] = statement

    def _duplicate(self, statement: Statement, what: str, first: Span) -> None:
        where = f"the first one is at {first.source.path}:{first.line}"
        if first == statement.span:
            if self.expanded.damaged:
                return  # an unclosed loop may have swallowed the statement
            where = "put the loop's variable into the name, as in `${animal}_net`"
        self.report(
            Diagnostic(
                "LEGO204",
                f"{what} is declared twice",
                statement.span,
                "declared again here",
                (where,),
                statement.trace,
            )
        )

    def _read(self, statement: Statement) -> tuple[Key, Any]:
        """Return the statement's key, and its value or None if it has mistakes."""
        reader = Reader(
            lambda kind, located: self._resolve(kind, str(located.value), located.span, statement),
            lambda item: self.report(_traced(item, statement)),
        )
        whole = statement.body is None or not self._damaged(statement.body)
        if statement.ends is not None:
            return self._joined(statement, statement.ends, reader, whole)
        body = statement.body or Body((), statement.span)
        value = reader.block(BLOCKS[statement.kind], body, statement.kind, whole=whole)
        return (statement.kind, statement.name), value if whole else None

    def _joined(
        self, statement: Statement, ends: Ends, reader: Reader, whole: bool
    ) -> tuple[Key, Any]:
        names: dict[str, list[str]] = {"category": [], "task": []}
        mistakes: list[Diagnostic] = []
        for kind, targets in zip(names, ends, strict=True):
            for target in targets:
                resolved = self._resolve(kind, target.name, target.span, statement)
                if isinstance(resolved, Diagnostic):
                    mistakes.append(resolved)
                    resolved = target.name
                elif resolved in names[kind]:
                    mistakes.append(_twice(kind, target))
                names[kind].append(resolved)
        if len(mistakes) > 1 and self._backwards(ends, statement):
            mistakes = [_turned(ends[0][0], ends[1][0])]
        for mistake in mistakes:
            self.report(_traced(mistake, statement))
        sound = not mistakes
        learning = None
        if statement.body is not None:
            learning = reader.block(Learning, statement.body, "adapter", whole=whole)
            sound = sound and whole and learning is not None
        if statement.kind == "path":
            path = Path(categories=tuple(names["category"]), tasks=tuple(names["task"]))
            return ("path", statement.name), path if sound else None
        (category,), (task,) = names.values()
        adapter = Adapter(category=category, task=task, learning=learning)
        return ("adapter", category, task), adapter if sound else None

    def _backwards(self, ends: Ends, statement: Statement) -> bool:
        return not any(
            isinstance(self._resolve(kind, end.name, end.span, statement), Diagnostic)
            for kind, side in zip(("task", "category"), ends, strict=True)
            for end in side
        )

    def _resolve(self, kind: str, name: str, span: Span, statement: Statement) -> str | Diagnostic:
        full = f"{statement.prefix}.{name}" if statement.prefix else name
        if full in self.names.get(kind, ()) or self.expanded.may_declare(full):
            return full
        return unknown(kind, name, span, self.names, statement.prefix, self.expanded.growth)

    def _damaged(self, body: Body) -> bool:
        span = body.span
        return any(
            place.source is span.source and span.start <= place.start <= span.end
            for place in self.expanded.damaged
        )


def unknown(
    kind: str,
    name: str,
    span: Span,
    names: Mapping[str, Collection[str]],
    prefix: str = "",
    growth: Growth | None = None,
) -> Diagnostic:
    """Return the diagnostic for a name that no statement of its kind has.

    Args:
        kind: The kind of statement that the name should refer to.
        name: The name as written.
        span: Its place.
        names: The full names that exist, by kind.
        prefix: The aliases that come before the name as written.
        growth: Counts the names that are compared. Default: a new count.
    """
    full = f"{prefix}.{name}" if prefix else name
    others = [other for other, found in names.items() if full in found and other != "path"]
    if others:
        return Diagnostic(
            "LEGO218",
            f"expected a {noun_of(kind)}, and `{name}` is a {noun_of(others[0])}",
            span,
            f"expected the name of a {noun_of(kind)}",
        )
    known = [item.removeprefix(f"{prefix}.") for item in names.get(kind, ())]
    similar = (growth or Growth()).similar(name, known, noun_of(kind))
    return Diagnostic(
        "LEGO202",
        f"unknown {noun_of(kind)} `{name}`",
        span,
        f"no {noun_of(kind)} has this name",
        similar or _known(kind, known),
    )


def _twice(kind: str, target: Target) -> Diagnostic:
    return Diagnostic(
        "LEGO319",
        f"the {noun_of(kind)} `{target.name}` is in the path twice",
        target.span,
        "named before",
        ("name each of them once",),
    )


def _turned(category: Target, task: Target) -> Diagnostic:
    return Diagnostic(
        "LEGO218",
        f"expected a category and a task, found the task `{category.name}` first",
        category.span.to(task.span),
        "expected CATEGORY -> TASK",
        (f"swap the two: `{task.name} -> {category.name}`",),
    )


def _known(kind: str, names: list[str]) -> tuple[str, ...]:
    """Return a help line that lists the declared names, if there are only a few."""
    if not names:
        return (f"no {noun_of(kind)} is declared",)
    if len(names) > MOST_SHOWN:
        return ()
    return ("declared: " + ", ".join(f"`{name}`" for name in names),)


def _traced(item: Diagnostic, statement: Statement) -> Diagnostic:
    return Diagnostic(
        item.code, item.message, item.span, item.label, item.help, statement.trace, item.severity
    )


def places_of(body: Body | None, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Span]:
    """Return the places of a block's values; those in nested blocks have both names as the key."""
    places: dict[tuple[str, ...], Span] = {}
    for item in body.fields if body else ():
        places[(*path, item.name)] = item.value.span
        if isinstance(item.value, Body):
            places.update(places_of(item.value, (*path, item.name)))
    return places
