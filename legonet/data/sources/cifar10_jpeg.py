"""CIFAR-10 as JPEG bytes in one file."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from legonet.data.decode import open_picture, read_all
from legonet.data.source import Example, Fingerprint, Source, Split
from legonet.diagnostics import DiagnosticError
from legonet.language.sources import SourceForm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

CATEGORIES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
"""CIFAR-10's categories in the order of their labels."""

ARRAYS = (
    "classes",
    *("train_jpeg", "train_offsets", "train_labels"),
    *("test_jpeg", "test_offsets", "test_labels"),
)
"""Names of the arrays in the file."""


class Cifar10JpegSource(Source):
    """Pictures from an ``.npz`` file of JPEG bytes.

    For each split it contains ``{split}_jpeg``, all bytes end to end, ``{split}_offsets``, where
    each picture begins and the last one ends, and ``{split}_labels``, which index ``classes``.

    Args:
        file: The ``.npz`` file.

    Raises:
        DiagnosticError: The file is missing or contains something else.
    """

    categories = CATEGORIES
    has_background = False
    has_masks = False
    default_size = 32

    def __init__(self, file: Path) -> None:
        self.file = file
        if not file.is_file():
            raise DiagnosticError.of(
                "LEGO401",
                f"expected a file of JPEG pictures, found no file `{file}`",
                label="no such file",
                help=["a relative path is relative to the spec that contains it"],
            )
        try:
            with zipfile.ZipFile(file) as archive:
                entries = archive.namelist()
        except (zipfile.BadZipFile, OSError) as error:
            raise self._malformed("expected an `.npz` file, found something else") from error
        for name in ARRAYS:
            if f"{name}.npy" not in entries:
                raise self._malformed(f"expected an array `{name}`, found none")

    def fingerprint(self, category: str | None) -> Fingerprint:  # noqa: ARG002 - one file has all
        """Return the file."""
        return Fingerprint(("cifar10_jpeg",), (self.file,))

    def examples(self, split: Split) -> Sequence[Example]:
        """Return all pictures in the order of the file."""
        labels, classes = self._arrays(f"{split}_labels", "classes")
        if tuple(classes.tolist()) != CATEGORIES:
            raise self._malformed("expected CIFAR-10's categories in their order, found others")
        if labels.ndim != 1 or (len(labels) and int(labels.max()) >= len(CATEGORIES)):
            raise self._malformed(f"expected labels from 0 to {len(CATEGORIES) - 1}, found others")
        return [
            Example(position, (CATEGORIES[label],), False)
            for position, label in enumerate(labels.tolist())
        ]

    def read(
        self,
        split: Split,
        examples: Sequence[Example],
        size: int,
        categories: Sequence[str] | None = None,  # noqa: ARG002 - there are no masks
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
        """Decode pictures; there are no masks."""
        jpeg, offsets = self._arrays(f"{split}_jpeg", f"{split}_offsets")
        places = offsets.tolist()

        def picture(example: Example) -> Image:
            start, end = places[example.position : example.position + 2]
            name = f"{self.file.name}: {split} picture {example.position}"
            return open_picture(io.BytesIO(jpeg[start:end].tobytes()), name)

        if examples and max(example.position for example in examples) + 1 >= len(places):
            raise self._malformed(f"expected an offset for each of the {split} pictures")
        return read_all(examples, size, picture, None)

    def _arrays(self, *names: str) -> list[NDArray[np.generic]]:
        import numpy as np

        try:
            with np.load(self.file, allow_pickle=False) as archive:
                return [archive[name] for name in names]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise self._malformed(f"expected arrays that NumPy can read: {error}") from error

    def _malformed(self, message: str) -> DiagnosticError:
        return DiagnosticError.of(
            "LEGO406",
            message,
            label="not a file of JPEG pictures",
            help=[f"the file is `{self.file}`", "run `legonet explain LEGO406` for its layout"],
        )


class Cifar10Jpeg(SourceForm):
    """CIFAR-10 as JPEG bytes in one ``.npz`` file.

    Args:
        file: The file; LEGO406 describes its contents.
    """

    call = "cifar10_jpeg"
    opens = Cifar10JpegSource
    file: Path
