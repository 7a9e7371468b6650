"""Loads a file into a Spec, with every diagnostic on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from legonet.diagnostics import Diagnostic, SourceText, in_order
from legonet.language import override
from legonet.language.bind import bind
from legonet.language.cache import remember, remembered
from legonet.language.expand import Expanded, expand
from legonet.language.override import Override
from legonet.language.spec import Spec
from legonet.language.values import Statement
from legonet.syntax import without_collection
from legonet.syntax.ast import Ast


@dataclass(frozen=True)
class Loaded:
    """A spec as far as it could be read.

    Args:
        spec: The statements without mistakes.
        diagnostics: The mistakes, in the order of their places.
        texts: What was read, by the files' resolved paths; the spec's own text comes first.
        trees: The parsed texts; empty if the spec came from the cache.
        statements: What they say, before names were bound; empty if the spec came from the cache.
    """

    spec: Spec
    diagnostics: tuple[Diagnostic, ...]
    texts: Mapping[Path, SourceText]
    trees: Mapping[Path, Ast] = field(default_factory=dict)
    statements: tuple[Statement, ...] = ()


def load_spec(path: Path, overrides: Sequence[Override] = ()) -> Loaded:
    """Read a spec and everything that it imports.

    Args:
        path: The file.
        overrides: Values for single fields and constants.
    """
    with without_collection():
        known = remembered(path, overrides)
        if known is not None:
            spec, texts = known
            return Loaded(spec, (), texts)
        loaded, expanded = _loaded(path, overrides, {})
        if not expanded.diagnostics:
            remember(path, overrides, loaded.spec, expanded)
        return loaded


def read_spec(
    path: Path, texts: Mapping[Path, SourceText], overrides: Sequence[Override] = ()
) -> Loaded:
    """Read a spec from texts in memory; whatever else they import comes from disk.

    Args:
        path: The resolved path of the spec, whether or not the file exists.
        texts: The texts, by the files' resolved paths.
        overrides: Values for single fields and constants.
    """
    with without_collection():
        return _loaded(path, overrides, texts)[0]


def _loaded(
    path: Path, overrides: Sequence[Override], texts: Mapping[Path, SourceText]
) -> tuple[Loaded, Expanded]:
    expanded = expand(path, override.for_constants(overrides), texts)
    override.apply(expanded, overrides)
    spec = bind(expanded, expanded.diagnostics.append)
    diagnostics = tuple(in_order(expanded.diagnostics))
    statements = tuple(expanded.statements)
    return Loaded(spec, diagnostics, expanded.texts, expanded.trees, statements), expanded
