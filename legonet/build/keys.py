"""Content keys: equal inputs give equal keys, on every machine and in every process."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

Plain = None | bool | int | float | str | Sequence["Plain"] | Mapping[str, "Plain"]
"""What a key may be made of. Anything else is refused, since its text might not be its value."""


def key_of(value: Plain) -> str:
    """Return the key of a value: 64 hexadecimal digits of SHA-256.

    Values of different types never share a key: ``1``, ``1.0``, ``True`` and ``"1"`` have four.
    Lists and tuples are alike, as they are in JSON.

    Raises:
        TypeError: A part of the value is of no plain type.
    """
    return hashlib.sha256(_encoded(value)).hexdigest()


def _encoded(value: Plain) -> bytes:
    """Return an unambiguous encoding: a type, a length, and the contents."""
    match value:
        case None:
            return b"n0:"
        case bool():
            return _framed(b"b", b"1" if value else b"0")
        case int():
            return _framed(b"i", str(value).encode())
        case float():
            return _framed(b"f", value.hex().encode())
        case str():
            return _framed(b"s", value.encode())
        case tuple() | list():
            return _framed(b"l", b"".join(_encoded(item) for item in value))
        case Mapping():
            items = (_encoded(name) + _encoded(value[name]) for name in sorted(value))
            return _framed(b"m", b"".join(items))
    raise TypeError(f"a key cannot be made of {type(value).__name__}")


def _framed(kind: bytes, contents: bytes) -> bytes:
    return b"%s%d:%s" % (kind, len(contents), contents)
