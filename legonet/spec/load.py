"""A file to a Spec, with every diagnostic of the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from legonet.diagnostics import Diagnostic, SourceText, in_order
from legonet.spec import override
from legonet.spec.bind import bind
from legonet.spec.cache import remember, remembered
from legonet.spec.expand import Expanded, expand
from legonet.spec.override import Override
from legonet.spec.spec import Spec
from legonet.spec.values import Statement
from legonet.syntax import without_collection
from legonet.syntax.ast import Ast


@dataclass(frozen=True)
class Loaded:
    """A spec as far as it could be read.

    Args:
        spec: What stands without a mistake.
        diagnostics: The mistakes, in the order of their places.
        texts: What was read, by the files' one true paths; that of the spec itself comes first.
        trees: The texts as they were parsed; none where the spec was remembered.
        statements: What they say, before names were bound; none where the spec was remembered.
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
    """Read a spec whose texts are at hand; what they import besides comes from the disk.

    Args:
        path: The one true path of the spec, whether there is such a file or not.
        texts: By the files' one true paths.
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
