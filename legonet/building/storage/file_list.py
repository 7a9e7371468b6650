"""Which files a set of pictures was made of, so that a plan can name the ones that changed.

Content keys hold one digest of all pictures together. A file list is kept under that digest; losing
it costs explanations and nothing else.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from legonet.building.storage.database import Database
from legonet.building.storage.keys import Plain, key_of

NAMED = 3
"""How many changed files are named, at most."""


@dataclass(frozen=True)
class FileList:
    """The files that the digest of a set of pictures stands for.

    Args:
        rows: What the source says about each picture, such as its category and split.
        files: Absolute paths.
        digests: The digest of each file's contents.
    """

    rows: Sequence[Any]
    files: Sequence[str]
    digests: Sequence[str]

    @property
    def inputs(self) -> dict[str, str]:
        """The part of it that a content key holds."""
        return {
            "pictures": key_of(cast("Plain", self.rows)),
            "files": key_of(self.digests),
        }

    def to_json(self) -> dict[str, Any]:
        """Return what the index stores of it."""
        root = _root(self.files)
        names = [os.path.relpath(file, root) for file in self.files]
        return {
            "rows": self.rows,
            "root": root,
            "files": list(zip(names, self.digests, strict=True)),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> FileList:
        """Return the file list that `to_json` turned into this document."""
        names = [os.path.normpath(f"{document['root']}/{name}") for name, _ in document["files"]]
        return cls(document["rows"], names, [digest for _, digest in document["files"]])

    def differences(self, now: FileList) -> str:
        """Say what became of the files, such as ``1 changed (cat/1.jpg), 2 new (..)``.

        Args:
            now: The file list of the same pictures as they are now.
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
        return f"listed differently ({_some(relabelled)})" if relabelled else "listed differently"


def keep(index: sqlite3.Connection, file_lists: Mapping[str, FileList]) -> None:
    """Add the file lists that an index does not have yet.

    Args:
        index: A connection to the index, with a transaction.
        file_lists: The file lists by their `file_list_key`.
    """
    for key, item in file_lists.items():
        if index.execute("SELECT 1 FROM file_lists WHERE key = ?", (key,)).fetchone() is None:
            document = json.dumps(item.to_json())
            index.execute("INSERT INTO file_lists VALUES (?, ?)", (key, document))


def find(index: Database, inputs: Mapping[str, Any]) -> FileList | None:
    """Return the file list that inputs of pictures stand for, if the index has it.

    Args:
        index: The index.
        inputs: Has ``pictures`` and ``files``, like `FileList.inputs`.
    """
    query = "SELECT document FROM file_lists WHERE key = ?"
    rows = index.known(query, (file_list_key(inputs),))
    return FileList.from_json(json.loads(rows[0][0])) if rows else None


def file_lists_of(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield the keys of the file lists that a network's or an adapter's inputs refer to."""
    if names_pictures(inputs):
        yield file_list_key(inputs)
    for part in inputs.values():
        if isinstance(part, Mapping):
            yield from file_lists_of(part)


def names_pictures(inputs: object) -> bool:
    """Whether these are the inputs of a set of pictures."""
    return isinstance(inputs, Mapping) and {"pictures", "files"} <= inputs.keys()


def file_list_key(inputs: Mapping[str, Any]) -> str:
    """Return the key of the file list that inputs of pictures stand for."""
    return key_of([inputs["pictures"], inputs["files"]])


def _root(files: Sequence[str]) -> str:
    """Return the innermost folder that contains all files."""
    folders = {file.rpartition(os.sep)[0] or os.sep for file in files}
    return os.path.commonpath(folders) if folders else os.sep


def _comparable(before: FileList, now: FileList) -> tuple[dict[str, str], dict[str, str]]:
    """Return both lists' digests by file names that match and are short enough to read."""
    if set(before.files) & set(now.files):
        root = _root([*before.files, *now.files])
        return _relative(before, root), _relative(now, root)
    # All files are elsewhere now: the folder was moved as a whole.
    return _relative(before, _root(before.files)), _relative(now, _root(now.files))


def _relative(file_list: FileList, root: str) -> dict[str, str]:
    pairs = zip(file_list.files, file_list.digests, strict=True)
    return {Path(os.path.relpath(file, root)).as_posix(): digest for file, digest in pairs}


def _some(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    named = ", ".join(sorted(names)[:NAMED])
    return f"{named} and {more} more" if more > 0 else named


def _text(row: object) -> str:
    return (
        " ".join(str(part) for part in row if part) if isinstance(row, list | tuple) else str(row)
    )
