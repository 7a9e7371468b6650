"""A disk of a few pages that can really be full or read-only."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest

PAGE = 4096


class Disk:
    """A small file system in memory.

    Args:
        folder: Where it is mounted.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """Use up all pages."""
        with (self.folder / "filling").open("ab", buffering=0) as stream, suppress(OSError):
            while stream.write(b"\0" * PAGE):
                pass

    def take_names(self) -> Path:
        """Create files until the disk can hold no more, and return the last one."""
        last = self.folder
        with suppress(OSError):
            for number in count():
                (self.folder / f"{number}").touch()
                last = self.folder / f"{number}"
        return last

    def free(self) -> None:
        """Free what was used up."""
        (self.folder / "filling").unlink(missing_ok=True)

    def remount(self, *options: str) -> None:
        """Change the options of the mount, such as ``ro`` or ``size=1m``."""
        _mount("-o", ",".join(("remount", *options)), str(self.folder))


@contextmanager
def small_disk(folder: Path, *options: str) -> Iterator[Disk]:
    """Mount a small disk, or skip the test where that is not permitted."""
    folder.mkdir(parents=True)
    try:
        _mount("-t", "tmpfs", "-o", ",".join(options), "small", str(folder))
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a small disk cannot be mounted here: {error}")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)
