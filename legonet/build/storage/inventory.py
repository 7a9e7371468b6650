"""Which files a set of pictures was made of, so that a plan can name the ones that changed.

Content keys hold a digest of all pictures together. An inventory is kept beside it, by that digest;
a lost one costs explanations and nothing else.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from legonet.build.storage.files import write_whole
from legonet.build.storage.keys import Plain, key_of

EVIDENCE = "evidence"
"""The folder in a store for inventories."""

NAMED = 3
"""Files that are named, where more have changed."""


@dataclass(frozen=True)
class Inventory:
    """What lies behind the digest of a set of pictures.

    Args:
        rows: What the source says of each picture, such as its category and split.
        files: Absolute paths.
        digests: The digest of each file's contents.
    """

    rows: Sequence[Any]
    files: Sequence[str]
    digests: Sequence[str]

    @property
    def inputs(self) -> dict[str, str]:
        """What a content key holds of it."""
        return {
            "pictures": key_of(cast("Plain", self.rows)),
            "files": key_of(self.digests),
        }

    def to_json(self) -> dict[str, Any]:
        """Return what is kept in a file."""
        root = _root(self.files)
        names = [os.path.relpath(file, root) for file in self.files]
        return {
            "rows": self.rows,
            "root": root,
            "files": list(zip(names, self.digests, strict=True)),
        }

    @classmethod
    def from_json(cls, document: Any) -> Inventory | None:
        """Return what a file kept, or None if it is no inventory."""
        match document:
            case {"rows": [*rows], "root": str(root), "files": [*files]}:
                pairs = [(str(name), str(digest)) for name, digest in files]
                names = [os.path.normpath(f"{root}/{name}") for name, _ in pairs]
                return cls(rows, names, [digest for _, digest in pairs])
        return None

    def differences(self, now: Inventory) -> str:
        """Say what became of the files, such as ``1 changed (cat/1.jpg), 2 new (..)``.

        Args:
            now: The inventory of the same pictures as they are now.
        """
        old, new = _comparable(self, now)
        kinds = {
            "changed": [name for name in new if old.get(name, new[name]) != new[name]],
            "new": [name for name in new if name not in old],
            "gone": [name for name in old if name not in new],
        }
        told = [f"{len(names)} {kind} ({_some(names)})" for kind, names in kinds.items() if names]
        if told:
            return ", ".join(told)
        before = set(map(_text, self.rows))
        relabelled = [text for row in now.rows if (text := _text(row)) not in before]
        return f"listed otherwise ({_some(relabelled)})" if relabelled else "listed otherwise"


class Inventories:
    """The inventories in a store.

    Args:
        folder: Where they stand.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, inventories: Mapping[str, Inventory]) -> None:
        """Write inventories, those that are not there yet.

        Args:
            inventories: By their `inventory_key`.

        Raises:
            DiagnosticError: They cannot be written.
        """
        for key, inventory in inventories.items():
            file = self._folder / f"{key}.json"
            if not file.exists():
                write_whole(file, json.dumps(inventory.to_json()).encode())

    def find(self, inputs: Mapping[str, Any]) -> Inventory | None:
        """Return the inventory that inputs of pictures stand for, if it was kept.

        Args:
            inputs: Has ``pictures`` and ``files``, as `Inventory.inputs`.
        """
        try:
            file = self._folder / f"{inventory_key(inputs)}.json"
            return Inventory.from_json(json.loads(file.read_bytes()))
        except (OSError, ValueError, TypeError):
            return None


def inventories_of(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Give the keys of the inventories that a network's or an adapter's inputs refer to."""
    if names_pictures(inputs):
        yield inventory_key(inputs)
    for part in inputs.values():
        if isinstance(part, Mapping):
            yield from inventories_of(part)


def names_pictures(inputs: object) -> bool:
    """Whether these are the inputs of a set of pictures."""
    return isinstance(inputs, Mapping) and {"pictures", "files"} <= inputs.keys()


def inventory_key(inputs: Mapping[str, Any]) -> str:
    """Return the key of the inventory that inputs of pictures stand for."""
    return key_of([inputs["pictures"], inputs["files"]])


def _root(files: Sequence[str]) -> str:
    """Return the innermost folder that all files lie in."""
    folders = {file.rpartition(os.sep)[0] or os.sep for file in files}
    return os.path.commonpath(folders) if folders else os.sep


def _comparable(before: Inventory, now: Inventory) -> tuple[dict[str, str], dict[str, str]]:
    """Return the digests by names that mean the same file in both, short enough to be read."""
    if set(before.files) & set(now.files):
        root = _root([*before.files, *now.files])
        return _relative(before, root), _relative(now, root)
    # All files lie elsewhere now: the folder was moved as a whole.
    return _relative(before, _root(before.files)), _relative(now, _root(now.files))


def _relative(inventory: Inventory, root: str) -> dict[str, str]:
    pairs = zip(inventory.files, inventory.digests, strict=True)
    return {Path(os.path.relpath(file, root)).as_posix(): digest for file, digest in pairs}


def _some(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    named = ", ".join(sorted(names)[:NAMED])
    return f"{named} and {more} more" if more > 0 else named


def _text(row: object) -> str:
    return (
        " ".join(str(part) for part in row if part) if isinstance(row, list | tuple) else str(row)
    )
