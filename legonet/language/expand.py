"""Expands imports, lets and loops: turns files into a flat list of statements."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from legonet.diagnostics import Diagnostic, DiagnosticError, SourceText, Span, Trace
from legonet.language.evaluate import (
    Scope,
    UnknownConstantError,
    body_of,
    name_of,
    target_of,
    targets_of,
    value_of,
)
from legonet.language.growth import VALUES_AN_IMPORT, Growth, TooLargeError
from legonet.language.values import (
    Body,
    Ends,
    Located,
    Statement,
    Symbol,
    Text,
    Turn,
    describe,
)
from legonet.syntax import Parsed, ast, find_text, parse, read_text

DEEPEST_IMPORTS = 64
"""Files that import each other in a row, at most."""

Override = Callable[[Located], Located]
"""Returns the value of an overridden let, given the one in the text."""


@dataclass
class Expanded:
    """All statements of a spec, and what was found on the way.

    Args:
        statements: In the order of the text.
        diagnostics: Syntax errors, and mistakes in imports, lets and loops.
        lost: Words in passages that could not be read, and names that got no value.
        damaged: Places of the syntax errors.
        constants: The lets of the spec, by their full names.
        unread: Prefixes of names that may have been declared by passages that could not be
            expanded.
        growth: Counts how much is expanded.
        texts: What was read, by the file's resolved path.
        trees: What was parsed, by the file's resolved path.
        links: The resolved path of each file, by the path under which it was requested; that path
            itself if there is no file.
    """

    statements: list[Statement] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    damaged: list[Span] = field(default_factory=list)
    constants: dict[str, Located] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)
    growth: Growth = field(default_factory=Growth)
    texts: dict[Path, SourceText] = field(default_factory=dict)
    trees: dict[Path, ast.Ast] = field(default_factory=dict)
    links: dict[Path, Path] = field(default_factory=dict)

    def may_declare(self, name: str) -> bool:
        """Whether a passage that could not be expanded may have declared a full name.

        Reporting the name as unknown would be a second error that only follows from the first.
        """
        return name.rpartition(".")[2] in self.lost or any(
            name.startswith(f"{prefix}." if prefix else "") for prefix in self.unread
        )


@dataclass(frozen=True)
class _File:
    """A file that is being read."""

    path: Path
    shown_as: str
    prefix: str
    trace: tuple[Trace, ...]
    turns: tuple[Turn, ...] = ()


def expand(
    path: Path,
    overrides: Mapping[str, Override],
    texts: Mapping[Path, SourceText] = MappingProxyType({}),
) -> Expanded:
    """Read a spec and everything that it imports.

    Args:
        path: The file.
        overrides: Values for lets, by full name, instead of those in the text.
        texts: Texts to use instead of the files on disk, by the files' resolved paths.
    """
    expansion = _Expansion(overrides, texts)
    shown_as = str(path)
    try:
        expansion.file(_File(expansion.find(path.absolute(), shown_as), shown_as, "", ()))
    except DiagnosticError as error:
        expansion.result.diagnostics += error.diagnostics
        expansion.result.unread.add("")
        if isinstance(error, TooLargeError):
            expansion.result.statements.clear()
    return expansion.result


class _Expansion:
    def __init__(self, overrides: Mapping[str, Override], texts: Mapping[Path, SourceText]) -> None:
        self.overrides = overrides
        self.given = texts
        self.result = Expanded()
        self.parsed: dict[Path, Parsed] = {}
        self.read: dict[tuple[Path, str], Mapping[str, Located]] = {}
        self.open: list[Path] = []
        self.let_places: dict[str, Span] = {}
        self.growth = self.result.growth

    def find(self, asked: Path, shown_as: str) -> Path:
        """Return the resolved path of a file."""
        if asked in self.given:
            return asked
        self.result.links[asked] = asked  # code that waits for a missing file needs its path
        self.result.links[asked] = find_text(asked, shown_as)
        return self.result.links[asked]

    def file(self, file: _File) -> Mapping[str, Located]:
        """Expand a file, once for each prefix, and return the constants that it defines."""
        key = (file.path, file.prefix)
        if key not in self.read:
            scope = Scope(base=file.path.parent, growth=self.growth)
            parsed = self._parse(file)
            if not parsed.whole:
                self.result.unread.add(file.prefix)
            self.open.append(file.path)
            for statement in parsed.ast.statements:
                self._statement(statement, scope, file, top=True)
            self.open.pop()
            self.read[key] = scope.constants
        return self.read[key]

    def _parse(self, file: _File) -> Parsed:
        if file.path not in self.parsed:
            given = self.given.get(file.path)
            self.result.texts[file.path] = given or read_text(file.path, file.shown_as)
            parsed = parse(self.result.texts[file.path])
            self.parsed[file.path] = parsed
            self.result.trees[file.path] = parsed.ast
            self.result.diagnostics += (
                replace(item, trace=file.trace) for item in parsed.diagnostics
            )
            self.result.lost |= parsed.lost
            self.result.damaged += [item.span for item in parsed.diagnostics if item.span]
        return self.parsed[file.path]

    def _statement(
        self, node: ast.Statement, scope: Scope, file: _File, *, top: bool = False
    ) -> None:
        try:
            self.growth.add(1, node.span)
            self._expand(node, scope, file, top)
        except DiagnosticError as error:
            found = [replace(item, trace=item.trace or file.trace) for item in error.diagnostics]
            if isinstance(error, TooLargeError):
                raise TooLargeError(*found) from None
            if not isinstance(error, UnknownConstantError) or not self.result.may_declare(
                _full(error.name, file.prefix)
            ):
                self.result.diagnostics += found
            self._lose(node, file)

    def _lose(self, node: ast.Statement, file: _File) -> None:
        """Record what a statement with a mistake may have declared."""
        if isinstance(node, ast.Let | ast.Block | ast.Path) and len(node.name.parts) == 1:
            self.result.lost.add(node.name.text)
        elif isinstance(node, ast.For | ast.Block | ast.Path):
            self.result.unread.add(file.prefix)

    def _expand(self, node: ast.Statement, scope: Scope, file: _File, top: bool) -> None:
        match node:
            case ast.Import():
                self._import(node, scope, file)
            case ast.Let():
                self._let(node, scope, file, top)
            case ast.For():
                self._loop(node, scope, file)
            case ast.Block():
                name = _full(name_of(node.name, scope), file.prefix)
                body = body_of(node.fields, scope)
                self._declare(node.keyword, name, node.name.span, node, file, body=body)
            case ast.Adapter():
                ends: Ends = ((target_of(node.category, scope),), (target_of(node.task, scope),))
                fields = None if node.fields is None else body_of(node.fields, scope)
                span = node.category.span.to(node.task.span)
                self._declare("adapter", "", span, node, file, body=fields, ends=ends)
            case ast.Path():
                ends = (targets_of(node.category, scope), targets_of(node.task, scope))
                name = _full(name_of(node.name, scope), file.prefix)
                self._declare("path", name, node.name.span, node, file, ends=ends)

    def _declare(
        self,
        kind: str,
        name: str,
        span: Span,
        node: ast.Block | ast.Adapter | ast.Path,
        file: _File,
        *,
        body: Body | None = None,
        ends: Ends | None = None,
    ) -> None:
        self.result.statements.append(
            Statement(kind, name, span, file.prefix, body, ends, file.trace, node, file.turns)
        )

    def _import(self, node: ast.Import, scope: Scope, file: _File) -> None:
        alias = "" if node.alias is None else name_of(node.alias, scope)
        prefix = _full(alias, file.prefix) if alias else file.prefix
        trace = (Trace("imported here", node.path.span), *file.trace)
        self.growth.add(VALUES_AN_IMPORT, node.path.span)
        try:
            written = value_of(node.path, scope).value
            base = written.base if isinstance(written, Text) else file.path.parent
            beside = Path(file.shown_as).parent if base == file.path.parent else base
            shown = str(beside / str(written))
            path = self.find(base / str(written), shown)
            self._check_import(path, node.path.span)
            brought = self.file(_File(path, shown, prefix, trace))
        except TooLargeError:
            raise
        except DiagnosticError as error:
            self.result.unread.add(prefix)
            raise DiagnosticError(
                *(item.at(node.path.span, file.trace) for item in error.diagnostics)
            ) from None
        self.growth.add(len(brought), node.path.span)
        for name, value in brought.items():
            scope.constants.setdefault(_full(name, alias), value)

    def _let(self, node: ast.Let, scope: Scope, file: _File, top: bool) -> None:
        name = name_of(node.name, scope)
        full = _full(name, file.prefix)
        first = self.let_places.get(full) if top else None
        if first is not None or name in scope.constants:
            place = first or scope.constants[name].span
            raise _second_value(name, node.name.span, place)
        value = value_of(node.value, scope)
        if top:
            if full in self.overrides:
                value = self.overrides[full](value)
            self.result.constants[full] = value
            self.let_places[full] = node.name.span
        scope.constants[name] = value

    def _loop(self, node: ast.For, scope: Scope, file: _File) -> None:
        values = value_of(node.values, scope)
        if not isinstance(values.value, tuple):
            raise self._no_list(values, scope)
        variable = name_of(node.variable, scope)
        if variable in scope.constants:
            raise _second_value(variable, node.variable.span, scope.constants[variable].span)
        self.growth.foresee(len(values.value) * _least(node.body, scope), node.values.span)
        for number, value in enumerate(values.value):
            self.growth.add(1, value.span)
            trace = Trace(f"in the iteration of this loop for {describe(value.value)}", value.span)
            inner = scope.inside()
            inner.constants[variable] = value
            turn = Turn(node, number, inner.constants.maps[0])
            within = replace(file, trace=(trace, *file.trace), turns=(turn, *file.turns))
            for statement in node.body:
                self._statement(statement, inner, within)

    def _no_list(self, values: Located, scope: Scope) -> DiagnosticError:
        helps = ["write the values in brackets: `[cat, cow]`"]
        if isinstance(values.value, Symbol):
            helps += self.growth.similar(values.value, scope.constants, "constant")
            helps.append("a constant needs a `let` above")
        return DiagnosticError.of(
            "LEGO214",
            f"a loop runs over a list, found {describe(values.value)}",
            span=values.span,
            label="expected a list",
            help=helps,
        )

    def _check_import(self, path: Path, importer: Span) -> None:
        if path in self.open:
            chain = [item.name for item in self.open[self.open.index(path) :]]
            raise DiagnosticError.of(
                "LEGO210",
                "these files import each other: " + " -> ".join([*chain, path.name]),
                span=importer,
                label="this import closes the cycle",
                help=["put what both need into a third file that imports neither"],
            )
        if len(self.open) >= DEEPEST_IMPORTS:
            raise DiagnosticError.of(
                "LEGO215",
                f"files import each other more than {DEEPEST_IMPORTS} deep",
                span=importer,
                label="one too deep",
                help=["import what is needed directly"],
            )


def _least(body: Sequence[ast.Statement], scope: Scope) -> int:
    """Return how many statements a loop's body yields in each iteration, at least."""
    return sum(
        1 + _turns(node.values, scope) * _least(node.body, scope)
        if isinstance(node, ast.For)
        else 1
        for node in body
    )


def _turns(values: ast.Value, scope: Scope) -> int:
    """Return how many iterations a loop has, as far as that is known before it begins."""
    if isinstance(values, ast.ListValue):
        return len(values.items)
    if isinstance(values, ast.Reference):
        known = scope.constants.get(values.words[0].text)
        if known is not None and isinstance(known.value, tuple):
            return len(known.value)
    return 0


def _second_value(name: str, span: Span, first: Span) -> DiagnosticError:
    return DiagnosticError.of(
        "LEGO204",
        f"constant `{name}` already has a value",
        span=span,
        label="given a second value here",
        help=[f"the first one is at {first.source.path}:{first.line}", "choose another name"],
    )


def _full(name: str, prefix: str) -> str:
    return f"{prefix}.{name}" if prefix else name
