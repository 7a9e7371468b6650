"""A folder of folders of pictures."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from legonet.data.decode import open_picture, read_all
from legonet.data.left_out import HIDDEN, is_hidden
from legonet.data.source import BACKGROUND, Example, Fingerprint, Source, Split
from legonet.diagnostics import DiagnosticError, did_you_mean
from legonet.language.sources import SourceForm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

IMAGE_FOLDER = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""Endings of picture files in torchvision's ``ImageFolder``."""

ENDINGS = (*IMAGE_FOLDER, ".jfif", ".gif")
"""Endings of picture files; ``.jfif`` is JPEG, and of a GIF the first frame counts."""

SPLITS: dict[Split, tuple[str, ...]] = {"train": ("train",), "test": ("test", "val")}
"""Names of the folder of each split; the first that exists counts."""


class FolderSource(Source):
    """Pictures as torchvision's ``ImageFolder`` finds them, in ``train`` and ``test`` or ``val``.

    Each of the two contains a folder for each category; one called ``background`` contains the
    background pictures. Files that are not pictures are left out and counted.

    Args:
        directory: The folder.

    Raises:
        DiagnosticError: The folder is missing or laid out differently.
    """

    has_masks = False
    default_size = 64

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        skipped: Counter[str] = Counter()
        self._pictures = {split: _pictures(_part(directory, split), skipped) for split in SPLITS}
        self.skipped = {kind: count for kind, count in sorted(skipped.items()) if count}
        train, test = ({category for category, _ in self._pictures[split]} for split in SPLITS)
        if train != test or not train:
            odd = sorted(train ^ test)
            twice = [name for names in SPLITS.values() for name in names if name in odd]
            found = f"`{odd[0]}` in only one of them" if odd else "none at all"
            raise _malformed(
                directory,
                f"expected pictures of the same categories in both splits, found {found}",
                *(did_you_mean(odd[0], odd[1:], "category") if odd else ()),
                *(f"move what is in `{name}/{name}` up into `{name}`" for name in twice),
            )
        self.categories = tuple(sorted(train - {BACKGROUND}))
        self.has_background = BACKGROUND in train

    def fingerprint(self, category: str | None) -> Fingerprint:
        """Return the files of the category and of what it is told apart from."""
        wanted = {category, BACKGROUND} if category and self.has_background else None
        chosen = [
            (split, name, path)
            for split, pictures in self._pictures.items()
            for name, path in pictures
            if wanted is None or name in wanted
        ]
        values = tuple(
            (split, name, path.relative_to(self.directory).as_posix())
            for split, name, path in chosen
        )
        return Fingerprint(("folder", *values), tuple(path for _, _, path in chosen))

    def examples(self, split: Split) -> Sequence[Example]:
        """Return the pictures of a split, sorted by category and path."""
        return [
            Example(position, () if name == BACKGROUND else (name,), False)
            for position, (name, _) in enumerate(self._pictures[split])
        ]

    def name_of(self, split: Split, example: Example) -> str:
        """Return the file, relative to the folder."""
        return str(self._pictures[split][example.position][1].relative_to(self.directory))

    def read(
        self,
        split: Split,
        examples: Sequence[Example],
        size: int,
        categories: Sequence[str] | None = None,  # noqa: ARG002 - there are no masks
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
        """Decode pictures; there are no masks."""
        pictures = self._pictures[split]

        def picture(example: Example) -> Image:
            path = pictures[example.position][1]
            return open_picture(path, str(path))

        return read_all(examples, size, picture, None)


class Folder(SourceForm):
    """A folder as torchvision's ``ImageFolder`` reads it: ``train/CATEGORY/PICTURE``.

    The test pictures are in ``test`` or ``val``. A category called ``background`` holds the
    background pictures. There are no masks. Hidden files and folders, such as ``.DS_Store`` and
    ``__MACOSX``, and files that are no pictures are left out and counted, and a folder to which
    several links lead counts once.

    Args:
        directory: The folder that holds ``train``.
    """

    call = "folder"
    opens = FolderSource
    directory: Path


def _part(directory: Path, split: Split) -> Path:
    if not directory.is_dir():
        raise DiagnosticError.of(
            "LEGO401",
            f"expected a folder of pictures, found no folder `{directory}`",
            label="no such folder",
            help=["a relative path is relative to the spec that contains it"],
        )
    for name in SPLITS[split]:
        if (directory / name).is_dir():
            return directory / name
    expected = " or ".join(f"`{name}`" for name in SPLITS[split])
    raise _malformed(
        directory,
        f"expected a folder {expected} for the {split} split, found none",
        *_advice_on_place(directory),
    )


def _advice_on_place(directory: Path) -> list[str]:
    """Return where the splits are if they are above a folder, or below it, as in archives."""
    near = [directory.parent, *_folders(directory)]
    near += [below for folder in near[1:] for below in _folders(folder)]
    found = [
        folder
        for folder in near
        if all(any(_is_folder(folder / name) for name in names) for names in SPLITS.values())
    ]
    if found:
        return [f"`{found[0]}` has both splits: name that folder"]
    return ["put some pictures of each category into `train`, and others into `test`"]


def _folders(directory: Path) -> list[Path]:
    try:
        return sorted(
            entry
            for entry in directory.iterdir()
            if _is_folder(entry) and not is_hidden(entry.name)
        )
    except OSError:
        return []


def _is_folder(path: Path) -> bool:
    """Return whether there is a folder that may be looked at."""
    return os.path.isdir(path)  # noqa: PTH112 - unlike Path's, it never raises


def _pictures(part: Path, skipped: Counter[str]) -> list[tuple[str, Path]]:
    """Return the category and path of each picture, in the same order on every machine.

    Args:
        part: The folder of a split.
        skipped: Counts what is left out.
    """
    pictures = []
    for folder in sorted(part.iterdir(), key=lambda folder: folder.name):
        if is_hidden(folder.name):
            skipped[HIDDEN] += 1
            continue
        if not folder.is_dir():
            skipped[_kind(folder.name)] += 1
            continue
        own = []
        for root, names in sorted(_walked(folder, skipped)):
            for name in sorted(names):
                if is_hidden(name):
                    skipped[HIDDEN] += 1
                elif name.lower().endswith(ENDINGS):
                    own.append((folder.name, Path(root, name)))
                else:
                    skipped[_kind(name)] += 1
        if not own:
            raise _malformed(part, f"expected pictures in each folder, found none in `{folder}`")
        pictures += own
    return pictures


def _walked(folder: Path, skipped: Counter[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield a folder and those below it with their files, each once, whatever links lead to it.

    Raises:
        OSError: One of them cannot be read; its pictures would be missing without a word.
    """

    def fail(error: OSError) -> None:
        raise error

    seen: set[tuple[int, int]] = set()
    for root, folders, names in os.walk(folder, onerror=fail, followlinks=True):
        status = os.stat(root)  # noqa: PTH116 - there may be many
        place = (status.st_dev, status.st_ino)
        if place in seen:
            folders[:] = []
            continue
        seen.add(place)
        skipped[HIDDEN] += sum(map(is_hidden, folders))
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        yield root, names


def _kind(name: str) -> str:
    """Return how a file that is left out is counted: its ending."""
    return os.path.splitext(name)[1].lower() or "without an ending"  # noqa: PTH122 - may be many


def _malformed(directory: Path, message: str, *advice: str) -> DiagnosticError:
    return DiagnosticError.of(
        "LEGO406",
        message,
        label="not laid out as `train/CATEGORY/PICTURE` and `test/CATEGORY/PICTURE`",
        help=[*advice, f"the folder is `{directory}`"],
    )
