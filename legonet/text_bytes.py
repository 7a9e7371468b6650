r"""Texts that hold names of files that are not UTF-8, and how they are written.

Python keeps each byte of such a name as a lone surrogate, which no encoding can write. It is
written as ``\xe9`` instead, so that every document can be read, and every line printed.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import Any

_LONE = re.compile("[\ud800-\udfff]")
_OTHER = re.compile("[^\x00-\x7e]+")

BYTES_SHOWN = "legonet.bytes_shown"
"""The name under which codecs find this way of writing what an encoding has no letter for."""


def encodable(text: str) -> str:
    r"""Return a text with each byte of a name that is not UTF-8 written as ``\xe9``."""
    return _LONE.sub(lambda found: _shown(found[0]), text)


def to_bytes(text: str) -> bytes:
    r"""Return a text in UTF-8, with each byte of a name that is not UTF-8 written as ``\xe9``."""
    return encodable(text).encode()


def json_text(contents: Any, *, ascii_only: bool = False, **options: Any) -> str:
    """Return JSON that every parser reads.

    Args:
        contents: JSON values.
        ascii_only: Whether other letters are escaped.
        options: Others of `json.dumps`.
    """
    text = json.dumps(contents, ensure_ascii=False, **options)
    text = _LONE.sub(lambda found: "\\" + _shown(found[0]), text)
    # What is left has an escape in JSON, two of them beyond U+FFFF.
    return _OTHER.sub(lambda found: json.dumps(found[0])[1:-1], text) if ascii_only else text


def _shown(letter: str) -> str:
    number = ord(letter)
    # Bytes are kept as U+DC80 to U+DCFF; see PEP 383.
    return f"\\x{number - 0xDC00:02x}" if 0xDC80 <= number <= 0xDCFF else f"\\u{number:04x}"


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = encodable(error.object[error.start : error.end])
    return letters.encode("ascii", "backslashreplace").decode(), error.end


codecs.register_error(BYTES_SHOWN, _replace)
