"""Files of weights, of every format that is safe to read: their tensors, shapes and digests.

Nothing here imports torch before a file of torch's own format is read.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from legonet.diagnostics import DiagnosticError
from legonet.modules.torch_files import read_torch_file, unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from torch import Tensor

Item = TypeVar("Item")

Shapes = dict[str, tuple[int, ...]]

NAMES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
"""What the weights in a folder of the Hugging Face libraries are called, the first one first."""

PREFIXES = ("module.", "_orig_mod.", "backbone.", "model.")
"""What wrappers put before all names."""

_DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
    "C64": "complex64",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2": "float8_e5m2",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
}
"""torch's names of the types in safetensors files."""

_LONGEST_HEADER = 100_000_000
"""Bytes; the format's own limit."""

_AT_ONCE = 2**20
"""Bytes that are hashed at once."""


def parts_of(place: Path) -> list[Path]:
    """Return the files that hold the weights at a place: a file, an index, or a folder.

    An index comes first, and after it the files that it names.

    Raises:
        DiagnosticError: LEGO504, a folder without weights, or an index that is none.
    """
    file = _in_folder(place) if place.is_dir() else place
    if file.suffix != ".json":
        return [file]
    try:
        index = json.loads(file.read_bytes())["weight_map"]
        names = sorted(set(index.values()))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        reason = "it has no `weight_map`" if isinstance(error, KeyError) else str(error)
        raise unreadable(file, reason) from error
    strange = [name for name in names if Path(name).name != name]
    if strange:
        raise unreadable(file, f"it names `{strange[0]}`, which is not beside it")
    return [file, *(file.with_name(name) for name in names)]


def read_weights(place: Path, entry: str | None = None) -> dict[str, Tensor]:
    """Return the tensors at a place, in the file's order, without the prefixes of wrappers.

    No code is ever run: a file of torch's own format is read with ``weights_only=True``.

    Args:
        place: A file, an index or a folder.
        entry: The entry of the file that holds the tensors, if there are several.

    Raises:
        DiagnosticError: LEGO504, they cannot be read; LEGO509, there are several such entries.
    """
    return _all(place, lambda file: _tensors(file, entry, "cpu"))


def read_shapes(place: Path, entry: str | None = None) -> Shapes:
    """Return the shapes of the tensors at a place, as `read_weights`, without their values."""

    def shapes(file: Path) -> Mapping[str, tuple[int, ...]]:
        if _is_safetensors(file):
            return {name: tensor.shape for name, tensor in _header(file).items()}
        found = _tensors(file, entry, "meta")
        return {name: tuple(tensor.shape) for name, tensor in found.items()}

    return _all(place, shapes)


def keeps_order(place: Path) -> bool:
    """Whether the file at a place has its tensors in the order of the network that saved them."""
    return not any(_is_safetensors(part) for part in parts_of(place))


def weights_digest(place: Path, entry: str | None = None) -> str:
    """Return the digest of the tensors at a place: that of `state_digest`, whatever the format.

    Raises:
        DiagnosticError: As for `read_weights`.
    """
    if not all(_is_safetensors(part) for part in parts_of(place) if part.suffix != ".json"):
        from legonet.modules.digest import state_digest

        return state_digest(read_weights(place, entry))
    tensors = _all(place, _header)
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(tensors[name].head(name))
        for part in tensors[name].parts():
            digest.update(part)
    return digest.hexdigest()


@dataclass(frozen=True)
class _Stored:
    """A tensor in a safetensors file.

    Args:
        file: The file.
        dtype: torch's name of its type.
        shape: Its shape.
        start: Where its bytes begin in the file.
        end: Where they end.
    """

    file: Path
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    def head(self, name: str) -> bytes:
        """Return what `state_digest` hashes before the bytes."""
        return f"{len(name)}:{name} torch.{self.dtype} {self.shape}\n".encode()

    def parts(self) -> Iterator[bytes]:
        """Yield the bytes, some at a time."""
        with self.file.open("rb") as stream:
            stream.seek(self.start)
            for begin in range(self.start, self.end, _AT_ONCE):
                yield stream.read(min(_AT_ONCE, self.end - begin))


def without_prefixes(names: Iterable[str]) -> dict[str, str]:
    """Return names by what they are without the prefixes that all of them have."""
    found = {name: name for name in names}
    while True:
        # torch's averaged models count their updates beside the tensors.
        rest = {name: raw for name, raw in found.items() if name != "n_averaged"}
        shared = (item for item in PREFIXES if all(name.startswith(item) for name in rest))
        prefix = next(shared, "") if rest else ""
        if not prefix or prefix in rest:
            return found
        found = {name.removeprefix(prefix): raw for name, raw in rest.items()}


def _all(place: Path, read: Callable[[Path], Mapping[str, Item]]) -> dict[str, Item]:
    found: dict[str, Item] = {}
    for part in parts_of(place):
        if part.suffix != ".json":
            found.update(read(part))
    if not found:
        raise unreadable(place, "there is no tensor in it")
    return {name: found[raw] for name, raw in without_prefixes(found).items()}


def _in_folder(folder: Path) -> Path:
    for name in NAMES:
        if (folder / name).is_file():
            return folder / name
    only = sorted(folder.glob("*.safetensors"))
    if len(only) == 1:
        return only[0]
    raise DiagnosticError.of(
        "LEGO504",
        f"there are no weights in the folder {folder}",
        label="no weights there",
        help=[f"expected one of {', '.join(f'`{name}`' for name in NAMES)}, or name the file"],
    )


def _is_safetensors(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            start = stream.read(9)
    except OSError as error:
        raise unreadable(file, error.strerror or str(error)) from error
    length = int.from_bytes(start[:8], "little")
    return start[8:] == b"{" and length <= _LONGEST_HEADER


def _header(file: Path) -> dict[str, _Stored]:
    try:
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            header = json.loads(stream.read(length))
            size = stream.seek(0, 2)
        tensors = {
            name: _Stored(
                file,
                _DTYPES[about["dtype"]],
                tuple(map(int, about["shape"])),
                *(8 + length + int(offset) for offset in about["data_offsets"]),
            )
            for name, about in header.items()
            if name != "__metadata__"
        }
    # What is raised for a damaged header depends on where the damage is.
    except (
        OSError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise unreadable(file, "its header is damaged") from error
    if any(tensor.start < 8 + length for tensor in tensors.values()):
        raise unreadable(file, "its header is damaged")
    if any(not tensor.start <= tensor.end <= size for tensor in tensors.values()):
        raise unreadable(file, "it is shorter than its header says")
    return tensors


def _tensors(file: Path, entry: str | None, device: str) -> Mapping[str, Tensor]:
    if _is_safetensors(file):
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(file, framework="pt") as opened:
                names = opened.keys()
                return {name: opened.get_tensor(name) for name in names}
        except (OSError, SafetensorError) as error:
            raise unreadable(file, str(error)) from error
    return read_torch_file(file, entry, device)
