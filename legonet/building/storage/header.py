"""The certificate in the header of an artifact's file, read without the file's tensors.

The library's own reader would first import numpy or torch, which takes longer than a plan. The
safetensors format is the length of the header in 8 bytes, the header as JSON, and the bytes of the
tensors.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Read = Callable[[int, int], bytes]
"""Returns the bytes of a file between two positions."""

_CERTIFICATE = "legonet"
_DIGEST = "legonet_sha256"


def metadata_of(certificate: Mapping[str, Any]) -> dict[str, str]:
    """Return the metadata of a safetensors file that holds a certificate and its digest."""
    text = json.dumps(certificate, sort_keys=True)
    return {_CERTIFICATE: text, _DIGEST: _digest(text)}


def read_certificate(size: int, read: Read) -> dict[str, Any]:
    """Read the certificate of an artifact.

    Args:
        size: The size of the file in bytes.
        read: Returns a part of the file.

    Raises:
        ValueError: It is not an artifact, was altered, or is incomplete.
    """
    length = int.from_bytes(read(0, 8), "little")
    if not 0 < length <= size - 8:
        raise ValueError(f"a header of {length} bytes in a file of {size}")
    try:
        header = json.loads(read(8, 8 + length))
        metadata = header.pop("__metadata__")
        text, digest = metadata[_CERTIFICATE], metadata[_DIGEST]
        whole = 8 + length + max((item["data_offsets"][1] for item in header.values()), default=0)
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
        raise ValueError("no header of an artifact") from None
    if size != whole:
        raise ValueError(f"{size} bytes, and the header knows of {whole}")
    if not isinstance(text, str) or digest != _digest(text):
        raise ValueError("the certificate does not match its digest")
    certificate: dict[str, Any] = json.loads(text)
    return certificate


def tensor_shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the tensors of a safetensors file, by name.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not a safetensors file.
    """
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        header = json.loads(stream.read(min(length, file.stat().st_size)))
    try:
        header.pop("__metadata__", None)
        return {name: tuple(tensor["shape"]) for name, tensor in header.items()}
    except (AttributeError, LookupError, TypeError):
        raise ValueError("no header of tensors") from None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
