"""What each name of a spec was built from the last time, so that a plan can say what changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from legonet.build.files import write_whole

Inputs = Mapping[str, Any]
"""A tree of JSON values."""

DIGEST_LENGTH = 64
"""Hexadecimal digits of a SHA-256."""


class Ledger:
    """The inputs of the last build by name; a lost ledger costs explanations and nothing else.

    Args:
        file: Where it stands.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._entries = _read(file)

    def inputs(self, name: str) -> Inputs | None:
        """Return what a network (``dog_net``) or an edge (``cat -> classify``) was built from."""
        return self._entries.get(name)

    def enter(self, name: str, inputs: Inputs) -> None:
        """Note what a name stands for now."""
        if self._entries.get(name) == inputs:
            return
        self._entries[name] = inputs
        write_whole(self._file, json.dumps(self._entries, sort_keys=True).encode())


def _read(file: Path) -> dict[str, Inputs]:
    try:
        entries = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return entries if isinstance(entries, dict) else {}


def changes(before: Inputs, now: Inputs, path: tuple[str, ...] = ()) -> list[str]:
    """Return what differs between two trees of inputs, such as ``samples: 20 -> 10``.

    Args:
        before: What was built.
        now: What is asked for.
        path: The names that lead to both.
    """
    found: list[str] = []
    for name in sorted({*before, *now}):
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        where = (*path, name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += changes(old, new, where)
        elif _is_digest(old) and _is_digest(new):
            found.append(f"{'.'.join(where)} changed")
        else:
            found.append(f"{'.'.join(where)}: {_shown(old)} -> {_shown(new)}")
    return found


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and len(value) == DIGEST_LENGTH


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        return str(value.get("call", "given"))
    return str(value).lower() if isinstance(value, bool) else str(value)
