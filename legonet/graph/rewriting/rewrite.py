"""Changes the texts of a spec so that they say what another spec says."""

from __future__ import annotations

import codecs
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from legonet.diagnostics import Diagnostic, DiagnosticError, SourceText
from legonet.graph.document import Document
from legonet.graph.rewriting.loops import Constants, without_turns
from legonet.graph.rewriting.places import Change, begins_line, changed, ends_line, removal
from legonet.graph.rewriting.statement import inserted, statement_changes
from legonet.language import Key, Loaded, Spec, read_spec
from legonet.language.values import Statement
from legonet.language.writing import Writer, quoted
from legonet.syntax import ast, format_text, parse, write_text

Changes = dict[Path, list[Change]]


def rewritten(document: Document, spec: Spec) -> dict[Path, SourceText]:
    """Return the texts of a document, with the smallest change that makes them say a spec.

    A change that is the same in every iteration of a loop is made in the loop; an iteration that
    differs from the others is written out after it. New statements go into the spec's own file. A
    file in canonical layout stays in canonical layout.

    Args:
        document: The texts, and what they say.
        spec: What they are to say.

    Raises:
        DiagnosticError: No change of the texts can express it (``LEGO721``).
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
    """Which statements of two specs correspond to each other.

    Args:
        now: The keys in the second spec of the statements of the first; removed ones are missing.
        added: The keys of the other statements of the second.
    """

    now: Mapping[Key, Key]
    added: tuple[Key, ...]

    @classmethod
    def of(cls, before: Spec, after: Spec) -> _Matched:
        """Match statements by where they come from, or else by their names."""
        known_as = {id(origin): key for key, origin in before.origins.items()}
        now: dict[Key, Key] = {}
        others: list[Key] = []
        for key, _ in after.items():
            origin = known_as.get(id(after.origins.get(key)))
            if origin is None:
                others.append(key)
            else:
                now[origin] = key
        back = {key for key in others if key not in now and before.get(key) is not None}
        now.update((key, key) for key in back)
        return cls(now, tuple(key for key in others if key not in back))


@dataclass(frozen=True)
class _Place:
    """One of the statements of the spec that a statement of the text expands to.

    Args:
        statement: The statement, with loops and imports expanded.
        changes: What changes in its text; None if it is removed.
    """

    statement: Statement
    changes: tuple[Change, ...] | None


class _Step:
    """What has to change in some texts.

    Attributes:
        conflicts: Statements that are to say different things in different iterations of a loop.
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
            return _Place(statement, ())  # it has a mistake, so nothing is known about it
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
        """Return the changes that write out iterations of loops to resolve the conflicts there."""
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
        """Return the iterations of all outermost loops, and those of which something stays."""
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
        """Return the changes of all texts, provided that no statement has a conflict."""
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
    """Return a statement's key."""
    if statement.kind == "adapter" and statement.ends is not None:
        prefix = f"{statement.prefix}." if statement.prefix else ""
        return ("adapter", *(prefix + end.name for side in statement.ends for end in side))
    return (statement.kind, statement.name)


def _constants(statements: Iterable[ast.Statement]) -> Iterator[str]:
    """Yield the names of constants and loop variables in a text."""
    for node in statements:
        if isinstance(node, ast.Let):
            yield node.name.text
        elif isinstance(node, ast.For):
            yield node.variable.text
            yield from _constants(node.body)


def _is_gone(node: ast.Statement, gone: set[int]) -> bool:
    """Whether a statement is removed; a loop is when everything that it declares is."""
    if isinstance(node, ast.For):
        inside = [item for item in node.body if not isinstance(item, ast.Let | ast.Import)]
        return bool(inside) and all(_is_gone(item, gone) for item in inside)
    return id(node) in gone


def _removals(text: str, siblings: tuple[ast.Statement, ...], gone: set[int]) -> Iterator[Change]:
    """Yield the changes that remove statements; those on neighbouring lines go together."""
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
    """Whether a statement is on the line directly below another."""
    return text.count("\n", node.span.end, following.span.start) == 1


def _with(text: SourceText, changes: Iterable[Change]) -> SourceText:
    return SourceText(text.path, changed(text.text, changes))


def _as_tidy_as(before: SourceText, after: SourceText) -> SourceText:
    """Return a text in canonical layout if it was in canonical layout before."""
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
            f"`{name}` is in a file that is imported more than once, and would change for only one"
            " of the imports",
            statement.span,
            "the same for every import",
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


def save(
    document: Document, spec: Spec, path: Path | str | None, *, imports: bool, overwrite: bool
) -> tuple[Document, tuple[Path, ...]]:
    """Write a graph's texts; see `ModuleGraph.save`.

    Args:
        document: The texts that the graph came from.
        spec: What they are to say.
        path: Another file for the spec.
        imports: Whether imported files may change.
        overwrite: Whether files that have changed in the meantime may be overwritten.

    Returns:
        The document as it is now, and the files that were written.
    """
    if path is not None:
        document = _moved(document, Path(path))
    elif not document.on_disk:
        raise DiagnosticError.of(
            "LEGO724", "the graph has no file yet", help=['name one: `graph.save("animals.lego")`']
        )
    texts = rewritten(document, spec)
    written = {file: text for file, text in texts.items() if document.saved.get(file) != text}
    others = [text.path for file, text in written.items() if file != document.path]
    if others and not imports:
        raise DiagnosticError.of(
            "LEGO722",
            f"imported files would change: {', '.join(others)}",
            help=["other specs may import them as well; `save(imports=True)` writes them too"],
        )
    if not overwrite:
        for file, text in written.items():
            _check_unchanged(file, text, document.saved.get(file))
    for file, text in written.items():
        write_text(file, text, marked=_content(file, text).startswith(codecs.BOM_UTF8))
    return replace(document, saved={**document.saved, **texts}), tuple(written)


def _check_unchanged(file: Path, text: SourceText, known: SourceText | None) -> None:
    """Refuse to overwrite someone else's changes."""
    if not file.exists():
        return
    if known is None:
        raise DiagnosticError.of(
            "LEGO723",
            f"`{text.path}` exists already",
            help=["name another file, or write over it with `save(.., overwrite=True)`"],
        )
    if _content(file, text).removeprefix(codecs.BOM_UTF8) != known.text.encode():
        raise DiagnosticError.of(
            "LEGO723",
            f"`{text.path}` has changed since it was read",
            help=[
                "load it again and repeat the edits, or write over it with `save(overwrite=True)`"
            ],
        )


def _content(file: Path, text: SourceText) -> bytes:
    try:
        return file.read_bytes() if file.exists() else b""
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DiagnosticError.of("LEGO101", f"cannot read `{text.path}`: {reason}") from None


def _moved(document: Document, path: Path) -> Document:
    """Return a document that says the same in another file."""
    target = path.resolve()
    if target == document.path and document.on_disk:
        return document
    source = document.texts[document.path]
    changes = _imports(document, source, target.parent)
    text = SourceText(str(path), changed(source.text, changes))
    others = {file: text for file, text in document.texts.items() if file != document.path}
    texts = {target: text, **others}
    read = read_spec(target, texts, document.overrides)
    if read.diagnostics:
        raise DiagnosticError(*read.diagnostics)
    known = document.spec.origins
    origins = {key: known.get(key, origin) for key, origin in read.spec.origins.items()}
    saved = {file: text for file, text in document.saved.items() if file in others}
    spec = replace(read.spec, origins=origins)
    return Document(target, texts, spec, document.overrides, saved, document.trust)


def _imports(document: Document, source: SourceText, folder: Path) -> Iterator[Change]:
    """Yield the changes that make imports lead to the same files from another folder."""
    before = document.path.parent
    for node in parse(source).ast.statements if folder != before else ():
        if isinstance(node, ast.Import) and all(isinstance(part, str) for part in node.path.parts):
            written = "".join(map(str, node.path.parts))
            file = Path(os.path.relpath(before / written, folder)).as_posix()
            yield Change(node.path.span.start, node.path.span.end, quoted(file))
