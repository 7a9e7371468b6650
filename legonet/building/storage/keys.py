"""Content keys: equal inputs give equal keys, on every machine and in every process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

Plain = None | bool | int | float | str | Sequence["Plain"] | Mapping[str, "Plain"]
"""What a key may be made of; anything else is refused, since its text might not be its value."""


def key_of(value: Plain) -> str:
    """Return the key of a value: 64 hexadecimal digits of SHA-256.

    Values of different types never share a key: ``1``, ``1.0``, ``True`` and ``"1"`` have four
    different ones. Lists and tuples are equal, as they are in the JSON that is hashed.

    Raises:
        TypeError: A part of the value is not of a plain type.
        ValueError: A number is not finite.
    """
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
