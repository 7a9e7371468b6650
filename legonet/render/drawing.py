"""Anything drawn: shown in a notebook, or written into a file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from legonet.graph import ModuleGraph
from legonet.render.boxes import Links
from legonet.render.files import format_of, picture_of, pixels_per_inch, write_file
from legonet.render.layout import laid_out
from legonet.render.links import ABSOLUTE, RELATIVE, links_to
from legonet.render.sheet import Sheet
from legonet.render.svg import readable

# Pictures are as wide as they need to be, and on paper: a dark page has no ink that shows on it.
_FRAME = '<div style="overflow:auto;background:#fff">{}</div>'


class Drawing(ABC):
    """Anything drawn: a notebook shows it, and `save` writes it into a file."""

    @abstractmethod
    def sheet(self, links: Links) -> Sheet:
        """Return what is drawn.

        Args:
            links: Gives the address that a click on a statement leads to; empty for none.
        """

    @abstractmethod
    def title(self) -> str:
        """Return what it is, in a few words."""

    @abstractmethod
    def description(self) -> str:
        """Return what it shows, for those who cannot see it."""

    @abstractmethod
    def linked(self) -> ModuleGraph:
        """Return the graph whose statements a click leads to."""

    def dot(self, *, links: str = "") -> str:
        """Return it in the DOT language, for Graphviz and other tools to lay out.

        Args:
            links: As in `svg`.
        """
        return self._sheet(links, Path()).dot()

    def svg(self, *, links: str = ABSOLUTE) -> str:
        """Return it as SVG, a text that can also stand in a web page.

        Args:
            links: The address that a click leads to, with ``{path}``, ``{relative}`` and
                ``{line}`` of a statement in it; empty for none.

        Raises:
            DiagnosticError: LEGO804, no Graphviz is installed; LEGO805, Graphviz failed.
        """
        return self._contents(".svg", links, Path()).decode()

    def save(self, file: Path | str, *, links: str = RELATIVE) -> Path:
        """Write it in the format that a file's suffix says; the file is whole or untouched.

        Args:
            file: Where to: ``.svg``, ``.png``, ``.pdf`` or ``.dot``.
            links: As in `svg`; from the picture to the spec unless said.

        Returns:
            The file.

        Raises:
            DiagnosticError: LEGO801, another suffix; LEGO803, the file cannot be written; LEGO804,
                no Graphviz is installed; LEGO805, Graphviz failed.
        """
        file = Path(file)
        write_file(file, self._contents(format_of(file), links, file.parent))
        return file

    def _contents(self, suffix: str, links: str, folder: Path) -> bytes:
        shown = links if suffix in (".svg", ".dot") else ""
        sheet = self._sheet(shown, folder)
        if suffix == ".dot":
            return sheet.dot().encode()
        places = laid_out(sheet)
        resolution = pixels_per_inch(*places.size)
        contents = picture_of(sheet.dot(places), suffix, placed=True, resolution=resolution)
        if suffix != ".svg":
            return contents
        return readable(contents.decode(), self.title(), self.description()).encode()

    def _sheet(self, links: str, folder: Path) -> Sheet:
        return self.sheet(links_to(self.linked(), links, folder))

    def _repr_svg_(self) -> str:
        return self.svg()

    def _repr_html_(self) -> str:
        return _FRAME.format(self.svg())
