"""Published data sets that torchvision downloads."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from urllib.error import URLError

from legonet.data.source import Fingerprint, Source
from legonet.diagnostics import DiagnosticError


class PublishedSource(Source):
    """A data set in the layout in which it was published, downloaded by torchvision.

    Its fingerprint is the data set's files. Until they are downloaded, it says that they are not
    there: what is planned before then counts as not built, and a build calls `fetch` first.

    Args:
        directory: The folder that torchvision calls ``root``.
        download: Whether `fetch` may download the data set.

    Raises:
        DiagnosticError: The data set is missing and must not be downloaded.
    """

    title: str
    """What people call the data set."""

    def __init__(self, directory: Path, download: bool) -> None:
        self.directory = directory
        self.may_download = download
        if not self.marker.exists():
            self._check_allowed()

    @property
    @abstractmethod
    def marker(self) -> Path:
        """A file or folder that exists once the data set does."""

    @abstractmethod
    def download(self) -> None:
        """Let torchvision download the data set."""

    @abstractmethod
    def present_fingerprint(self) -> Fingerprint:
        """Return the fingerprint of a data set that exists."""

    def fingerprint(self, category: str | None) -> Fingerprint:  # noqa: ARG002 - told from all others
        """Return the data set's files, or that they are still to be downloaded."""
        if not self.marker.exists():
            return Fingerprint((type(self).__name__, "not downloaded"), ())
        fingerprint = self.present_fingerprint()
        for file in fingerprint.files:
            if not file.is_file():
                raise DiagnosticError.of(
                    "LEGO403",
                    f"expected a file that {self.title} lists, found no file `{file}`",
                    help=["restore the file, or download the data set again"],
                )
        return fingerprint

    def fetch(self) -> None:
        """Download the data set if the spec allows it and it is not there yet.

        Raises:
            DiagnosticError: The download failed, or is not allowed.
        """
        if self.marker.exists():
            return
        self._check_allowed()
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self.download()
        except (URLError, OSError, RuntimeError) as error:
            raise DiagnosticError.of(
                "LEGO407",
                f"{self.title} could not be downloaded to `{self.directory}`",
                label="the download failed",
                help=[f"torchvision says: {error}", "check the network and the free space"],
            ) from error

    def lines(self, file: Path) -> list[str]:
        """Return the lines of one of the data set's lists, downloading it if necessary.

        Raises:
            DiagnosticError: There is no such list.
        """
        self.fetch()
        try:
            return lines_of(file)
        except (OSError, UnicodeDecodeError) as error:
            raise self.damaged(error) from error

    def damaged(self, reason: Exception | str) -> DiagnosticError:
        """Return the error which says that the data set is not what it should be."""
        return DiagnosticError.of(
            "LEGO406",
            f"expected {self.title}, found something else in `{self.directory}`",
            label="damaged, or another data set",
            help=[f"the reason is: {reason}", f"remove `{self.marker}` and download it again"],
        )

    def _check_allowed(self) -> None:
        if self.may_download:
            return
        raise DiagnosticError.of(
            "LEGO401",
            f"expected {self.title}, found no `{self.marker}`",
            label="not there",
            help=["write `download: true` to have torchvision download it there"],
        )


def lines_of(file: Path) -> list[str]:
    """Return the lines of a list without surrounding space, leaving out empty ones."""
    return [line.strip() for line in file.read_text("utf-8").splitlines() if line.strip()]
