"""The texts of a spec, changed so that they say what another spec says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from legonet.diagnostics import Diagnostic, DiagnosticError, SourceText
from legonet.graph.document import Document
from legonet.graph.rewriting.insertion import inserted
from legonet.graph.rewriting.loops import Constants, without_turns
from legonet.graph.rewriting.places import Change, begins_line, changed, ends_line, removal
from legonet.graph.rewriting.statement import statement_changes
from legonet.spec import Key, Loaded, Spec, read_spec
from legonet.spec.values import Statement
from legonet.spec.writing import Writer
from legonet.syntax import ast, format_text

Changes = dict[Path, list[Change]]


def rewritten(document: Document, spec: Spec) -> dict[Path, SourceText]:
    """Return the texts of a document, with the smallest change that makes them say a spec.

    What is the same in every turn of a loop is changed in the loop; a turn that shall say something
    of its own is written out behind it. New statements stand in the spec's own file. A file in
    canonical layout stays in canonical layout.

    Args:
        document: The texts, and what they say.
        spec: What they shall say.

    Raises:
        DiagnosticError: No change of the texts says it (``LEGO721``).
    """
    texts = dict(document.texts)
    if spec == document.spec:
        return texts
    matched = _Matched.of(document.spec, spec)
    while True:
        loaded = read_spec(document.path, texts, document.overrides)
        step = _Step(document, loaded, spec, matched)
        changes = step.turns_to_write_out() or step.changes()
        for path, items in changes.items():
            texts[path] = _with(texts[path], items)
        if not step.conflicts:
            break
    for path in {path for path in texts if texts[path] != document.texts[path]}:
        texts[path] = _as_tidy_as(document.texts[path], texts[path])
    read = read_spec(document.path, texts, document.overrides)
    if read.spec != spec:
        raise _unsaid(document, read)
    return texts


@dataclass(frozen=True)
class _Matched:
    """Which statements of two specs are the same one.

    Args:
        now: What the statements of the first are known by in the second; those that are gone are
            missing.
        added: The others of the second.
    """

    now: Mapping[Key, Key]
    added: tuple[Key, ...]

    @classmethod
    def of(cls, before: Spec, after: Spec) -> _Matched:
        """Match statements by where they come from, and else by their names."""
        stood = {id(origin): key for key, origin in before.origins.items()}
        now: dict[Key, Key] = {}
        others: list[Key] = []
        for key, _ in after.items():
            origin = stood.get(id(after.origins.get(key)))
            if origin is None:
                others.append(key)
            else:
                now[origin] = key
        back = {key for key in others if key not in now and before.get(key) is not None}
        now.update((key, key) for key in back)
        return cls(now, tuple(key for key in others if key not in back))


@dataclass(frozen=True)
class _Place:
    """One way in which a statement of the text comes to stand in the spec.

    Args:
        statement: The statement with its loops and imports worked in.
        changes: What changes in its text; None if it goes.
    """

    statement: Statement
    changes: tuple[Change, ...] | None


class _Step:
    """What has to change in some texts.

    Attributes:
        conflicts: Statements that shall say different things in different turns of a loop.
    """

    def __init__(self, document: Document, loaded: Loaded, spec: Spec, matched: _Matched) -> None:
        self._document = document
        self._loaded = loaded
        self._spec = spec
        self._matched = matched
        self._paths = {id(text): path for path, text in loaded.texts.items()}
        self._constants = {
            name for tree in loaded.trees.values() for name in _constants(tree.statements)
        }
        self._places: dict[int, list[_Place]] = defaultdict(list)
        for statement in loaded.statements:
            self._places[id(statement.node)].append(self._place(statement))
        self.conflicts = [
            places for places in self._places.values() if len({p.changes for p in places}) > 1
        ]

    def _place(self, statement: Statement) -> _Place:
        key = key_of(statement)
        before, now = self._loaded.spec.get(key), self._matched.now.get(key)
        after = None if now is None else self._spec.get(now)
        if before is None or statement.node is None:
            return _Place(statement, ())  # a mistake is in it, and nothing is known of it
        if now is None or after is None:
            return _Place(statement, None)
        folder = self._path(statement).parent
        writer = Writer(folder, statement.prefix, self._constants)
        try:
            found = statement_changes(statement.node, writer, (key, before), (now, after))
            return _Place(statement, tuple(found))
        except DiagnosticError as error:
            raise DiagnosticError(
                *(item.at(statement.span, statement.trace) for item in error.diagnostics)
            ) from None

    def _path(self, statement: Statement) -> Path:
        return self._paths[id(statement.span.source)]

    def turns_to_write_out(self) -> Changes:
        """Return the changes that write turns of loops out, so that no conflict is left there."""
        loops: dict[int, tuple[Path, ast.For]] = {}
        taken: dict[int, set[int]] = defaultdict(set)
        for places in self.conflicts:
            wanted = [place.statement for place in places if place.changes != ()]
            if not any(statement.turns for statement in wanted):
                raise _imported_twice(wanted[0])
            for statement in wanted:
                turn = statement.turns[-1]
                loops[id(turn.loop)] = (self._path(statement), turn.loop)
                taken[id(turn.loop)].add(turn.number)
        turns, kept = self._turns()
        changes: Changes = defaultdict(list)
        for number, (path, loop) in loops.items():
            gone = taken[number] - kept[number]
            text = loop.span.source.text
            changes[path] += without_turns(text, loop, turns[number], taken[number], gone)
        return changes

    def _turns(self) -> tuple[dict[int, dict[int, Constants]], dict[int, set[int]]]:
        """Return the turns of all loops that stand in no other, and of which something stays."""
        turns: dict[int, dict[int, Constants]] = defaultdict(dict)
        kept: dict[int, set[int]] = defaultdict(set)
        for place in chain.from_iterable(self._places.values()):
            if place.statement.turns:
                turn = place.statement.turns[-1]
                turns[id(turn.loop)][turn.number] = turn.constants
                if place.changes is not None:
                    kept[id(turn.loop)].add(turn.number)
        return turns, kept

    def changes(self) -> Changes:
        """Return the changes of all texts, where no statement has a conflict."""
        changes: Changes = defaultdict(list)
        gone: set[int] = set()
        for node, places in self._places.items():
            if places[0].changes is None:
                gone.add(node)
            else:
                changes[self._path(places[0].statement)] += places[0].changes
        for path, tree in self._loaded.trees.items():
            changes[path] += _removals(tree.source.text, tree.statements, gone)
        tree = self._loaded.trees[self._document.path]
        kept = [node for node in tree.statements if not _is_gone(node, gone)]
        writer = Writer(self._document.path.parent, "", self._constants)
        added = [(key, value) for key, value in self._spec.items() if key in self._matched.added]
        changes[self._document.path] += inserted(tree.source.text, kept, added, writer)
        return changes


def key_of(statement: Statement) -> Key:
    """Return what a statement is known by."""
    if statement.kind == "adapter" and statement.ends is not None:
        prefix = f"{statement.prefix}." if statement.prefix else ""
        return ("adapter", *(prefix + end.name for end in statement.ends))
    return (statement.kind, statement.name)


def _constants(statements: Iterable[ast.Statement]) -> Iterator[str]:
    """Give the names that stand for something else in a text."""
    for node in statements:
        if isinstance(node, ast.Let):
            yield node.name.text
        elif isinstance(node, ast.For):
            yield node.variable.text
            yield from _constants(node.body)


def _is_gone(node: ast.Statement, gone: set[int]) -> bool:
    """Whether a statement goes; a loop does when all that it declares does."""
    if isinstance(node, ast.For):
        inside = [item for item in node.body if not isinstance(item, ast.Let | ast.Import)]
        return bool(inside) and all(_is_gone(item, gone) for item in inside)
    return id(node) in gone


def _removals(text: str, siblings: tuple[ast.Statement, ...], gone: set[int]) -> Iterator[Change]:
    """Give the changes that take statements out, those on neighbouring lines at once."""
    run: list[ast.Statement] = []
    for position, node in enumerate(siblings):
        following = siblings[position + 1] if position + 1 < len(siblings) else None
        goes_on = following is not None and _is_gone(following, gone)
        if _is_gone(node, gone):
            run.append(node)
            if following is None or not (goes_on and _touch(text, node, following)):
                yield _removal(text, run[0], node, following)
                run = []
        elif isinstance(node, ast.For):
            yield from _removals(text, node.body, gone)


def _removal(
    text: str, first: ast.Statement, last: ast.Statement, following: ast.Statement | None
) -> Change:
    start, end = first.span.start, last.span.end
    if not begins_line(text, start) or not ends_line(text, end):
        return Change(start, end, "")
    shared = following is not None and _touch(text, last, following)
    return removal(text, start, end, with_comments=not shared)


def _touch(text: str, node: ast.Statement, following: ast.Statement) -> bool:
    """Whether a statement stands on the line below another."""
    return text.count("\n", node.span.end, following.span.start) == 1


def _with(text: SourceText, changes: Iterable[Change]) -> SourceText:
    return SourceText(text.path, changed(text.text, changes))


def _as_tidy_as(before: SourceText, after: SourceText) -> SourceText:
    """Return a text in canonical layout if it was in it before."""
    try:
        tidy = format_text(before) == before.text
        return SourceText(after.path, format_text(after)) if tidy else after
    except DiagnosticError:
        return after


def _imported_twice(statement: Statement) -> DiagnosticError:
    name = " -> ".join(key_of(statement)[1:])
    return DiagnosticError(
        Diagnostic(
            "LEGO721",
            f"`{name}` stands in a file that is imported more than once, and shall change for one"
            " import alone",
            statement.span,
            "says the same for every import",
            ("change it under each of its names, or write it into the spec's own file",),
            statement.trace,
        )
    )


def _unsaid(document: Document, read: Loaded) -> DiagnosticError:
    because = " with the values of --set" if document.overrides else ""
    found = Diagnostic(
        "LEGO721",
        f"no change of `{document.shown_as}` makes it say the graph{because}",
        help=("a constant of the text may have the name of a statement: rename one of the two",),
    )
    return DiagnosticError(found, *read.diagnostics)
