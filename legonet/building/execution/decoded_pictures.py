"""Decoded pictures in files of the store, for all processes and builds of a machine.

Photographs take longer to decode than to learn from, and every category is told apart from the same
background pictures. So each picture of a source is decoded and resized once for each size, and read
from a memory-mapped file afterwards.
"""

from __future__ import annotations

import copy
import os
import shutil
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from math import prod
from pathlib import Path
from typing import get_args

import numpy as np
import PIL
from filelock import FileLock
from numpy.typing import NDArray

from legonet.atomic_files import write_atomically
from legonet.building.storage.keys import key_of
from legonet.data import Example, Source, Split

VERSION = 2
"""Raised with every change of code that decodes a picture otherwise."""

FOLDER = "pictures"
"""The folder in a store for decoded pictures."""

MOST_BYTES = 2**32
"""Bytes of all files together, at most."""

Pixels = NDArray[np.uint8]


class DecodedPictures:
    """A folder of decoded pictures; safe to use from several processes.

    What is in it may be removed at any time: it is then decoded again.

    Args:
        store: The folder of the store.
        most_bytes: Bytes to fill. Sets that were used least recently are removed first, and one
            that is larger is not kept.
    """

    def __init__(self, store: Path, most_bytes: int = MOST_BYTES) -> None:
        self._folder = store / FOLDER
        self._most_bytes = most_bytes

    def source(self, source: Source) -> Source:
        """Return the same source, which finds here what was decoded before.

        A source that keeps many pictures in one file is returned as it is: reading them from there
        takes no longer.
        """
        fingerprint = source.fingerprint(None)
        pictures = sum(len(source.examples(split)) for split in get_args(Split))
        if len(fingerprint.files) < pictures:
            return source
        try:
            marks = [_mark(file) for file in fingerprint.files]
        except OSError:
            # Which file is missing is said when it is read.
            return source
        identity = key_of([VERSION, PIL.__version__, repr(fingerprint.values), marks])
        reading = copy.copy(source)
        reading.read = partial(self._read, source, identity)  # type: ignore[method-assign]
        return reading

    def _read(
        self,
        source: Source,
        identity: str,
        split: Split,
        examples: Sequence[Example],
        size: int,
        categories: Sequence[str] | None = None,
    ) -> tuple[Pixels, Pixels | None]:
        """Do what `Source.read` does, and decode only what nobody decoded before."""
        shapes: dict[str, tuple[int, ...]] = {"images": (size, size, 3)}
        if categories is not None:
            shapes[f"masks-{key_of(list(categories))[:16]}"] = (size, size)
        place = self._folder / f"{identity[:32]}-{split}-{size}"
        try:
            place.mkdir(parents=True, exist_ok=True)
            with FileLock(place / "lock"):
                if not self._makes_room(place, len(examples) * sum(map(prod, shapes.values()))):
                    return source.read(split, examples, size, categories)
                total = len(source.examples(split))
                rows = [_Rows(place / name, total, shape) for name, shape in shapes.items()]
                places = np.array([example.position for example in examples], np.int64)
                images, *masks = _filled(
                    rows,
                    places,
                    lambda unknown: source.read(
                        split, [examples[place] for place in unknown], size, categories
                    ),
                )
                return images, masks[0] if masks else None
        except OSError:
            # Where nothing can be written, pictures are decoded each time.
            return source.read(split, examples, size, categories)

    def _makes_room(self, place: Path, needed: int) -> bool:
        """Remove sets until another one fits, and return whether it does."""
        if needed > self._most_bytes:
            return False
        sizes = {
            folder: sum(_bytes(file) for file in folder.iterdir())
            for folder in self._folder.iterdir()
            if folder != place
        }
        held = needed + sum(sizes.values())
        for folder in sorted(sizes, key=lambda item: item.stat().st_mtime_ns):
            if held <= self._most_bytes:
                break
            shutil.rmtree(folder, ignore_errors=True)
            held -= sizes[folder]
        os.utime(place)
        return True


class _Rows:
    """One array for all pictures of a split, of which some are decoded; locked by the caller.

    Args:
        file: The array; beside it ``.sums`` holds a number for each picture: 0 where it is not
            decoded, otherwise 1 plus the checksum of its bytes.
        total: How many pictures there are.
        shape: That of one.
    """

    def __init__(self, file: Path, total: int, shape: tuple[int, ...]) -> None:
        self._file = file
        self._shape = total, *shape
        self._sums_file = file.with_name(f"{file.name}.sums")
        self._sums = np.zeros(total, np.uint64)
        with suppress(FileNotFoundError):
            found = self._sums_file.read_bytes()
            if len(found) == self._sums.nbytes and file.stat().st_size == prod(self._shape):
                self._sums = np.frombuffer(found, np.uint64).copy()

    def take(self, places: NDArray[np.int64]) -> tuple[Pixels, NDArray[np.bool_]]:
        """Return some pictures in this order, and which of them are decoded and undamaged."""
        known = self._sums[places] > 0
        values = np.zeros((len(places), *self._shape[1:]), np.uint8)
        if known.any():
            mapped = np.memmap(self._file, np.uint8, "r", shape=self._shape)
            values[known] = mapped[places[known]]
            sums = (_sum(value) for value in values[known])
            known[known] = self._sums[places[known]] == np.fromiter(sums, np.uint64)
        return values, known

    def add(self, places: NDArray[np.int64], values: Pixels) -> None:
        """Write some pictures, and then their checksums, by which a half-written one is told."""
        row = prod(self._shape[1:])
        with self._file.open("r+b" if self._file.exists() else "w+b") as stream:
            stream.truncate(prod(self._shape))
            # A write, unlike a change of a mapped page, tells when the disk is full.
            for place, value in zip(places.tolist(), values, strict=True):
                stream.seek(place * row)
                stream.write(value.tobytes())
        self._sums[places] = np.fromiter(map(_sum, values), np.uint64, len(values))
        write_atomically({self._sums_file: self._sums.tobytes()})


def _filled(
    rows: Sequence[_Rows],
    places: NDArray[np.int64],
    decode: Callable[[list[int]], Sequence[Pixels | None]],
) -> list[Pixels]:
    """Return pictures from several arrays, after decoding those that one of them lacks.

    Args:
        rows: The arrays.
        places: Where the pictures are in them.
        decode: Returns what is to be in each array for pictures, given their places in ``places``.
    """
    taken = [part.take(places) for part in rows]
    unknown = ~np.logical_and.reduce([known for _, known in taken])
    found = [values for values, _ in taken]
    if unknown.any():
        decoded = decode(np.flatnonzero(unknown).tolist())
        for part, values, new in zip(rows, found, decoded, strict=False):
            if new is None:
                raise ValueError("a source gives the masks that it is asked for")
            values[unknown] = new
            part.add(places[unknown], new)
    return found


def _sum(value: Pixels) -> int:
    return 1 + zlib.crc32(value.tobytes())


def _bytes(file: Path) -> int:
    """Return the room that a file takes, which is less than its length where it has holes."""
    status = file.stat()
    return getattr(status, "st_blocks", -(-status.st_size // 512)) * 512


def _mark(file: Path) -> tuple[str, int, int, int, int]:
    """Return what changes with a file, as for the digests of `DigestCache`."""
    status = file.stat()
    times = status.st_mtime_ns, status.st_ctime_ns
    return str(file), status.st_size, *times, status.st_ino
