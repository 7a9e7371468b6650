"""The specs that may use a store, whether they were built with it under this name or not."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from legonet.building.storage.maintenance import Maintenance
from legonet.building.storage.store import Store
from legonet.building.workspace import STORE, Workspace
from legonet.diagnostics import Diagnostic, DiagnosticError
from legonet.graph import load
from legonet.syntax import ENDING, specs_below


def specs_in_sight(store: Store) -> list[Path]:
    """Return the specs around a store, in the order of their names.

    They are those that were built with it, and others in the same folders. Where the store is the
    folder ``.legonet`` of a project, they are also all that the project has; folders with names
    that begin with a dot are not looked into.

    Args:
        store: The store.
    """
    known = Maintenance(store).known_specs()
    found = {file for spec in known for file in spec.parent.glob(f"*{ENDING}")} | set(known)
    if store.folder.name == STORE:
        found |= set(specs_below(store.folder.parent))
    return sorted({Path(os.path.normpath(file)) for file in found if file.is_file()})


def reused(store: Store) -> tuple[Mapping[Path, frozenset[str]], Mapping[Path, Diagnostic]]:
    """Return the content keys of what a build would use, by the specs in sight.

    Args:
        store: The store.

    Returns:
        The keys, and the first mistake of each spec that cannot be planned.
    """
    keys: dict[Path, frozenset[str]] = {}
    mistakes: dict[Path, Diagnostic] = {}
    for spec in specs_in_sight(store):
        try:
            plan = Workspace(spec, store.folder).plan(load(spec))
        except DiagnosticError as error:
            mistakes[spec] = error.diagnostics[0]
        else:
            keys[spec] = frozenset(step.key for step in plan.steps if step.key)
    return keys, mistakes
