"""A file to a Spec, with every diagnostic of the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from legonet.diagnostics import Diagnostic, in_order
from legonet.spec import override
from legonet.spec.bind import bind
from legonet.spec.cache import remember, remembered
from legonet.spec.expand import expand
from legonet.spec.override import Override
from legonet.spec.spec import Spec
from legonet.syntax import without_collection


@dataclass(frozen=True)
class Loaded:
    """A spec as far as it could be read.

    Args:
        spec: What stands without a mistake.
        diagnostics: The mistakes, in the order of their places.
    """

    spec: Spec
    diagnostics: tuple[Diagnostic, ...]


def load_spec(path: Path, overrides: Sequence[Override] = ()) -> Loaded:
    """Read a spec and everything that it imports.

    Args:
        path: The file.
        overrides: Values for single fields and constants.
    """
    with without_collection():
        known = remembered(path, overrides)
        if known is not None:
            return Loaded(known, ())
        expanded = expand(path, override.for_constants(overrides))
        override.apply(expanded, overrides)
        spec = bind(expanded, expanded.diagnostics.append)
        if not expanded.diagnostics:
            remember(path, overrides, spec, expanded)
        return Loaded(spec, tuple(in_order(expanded.diagnostics)))
