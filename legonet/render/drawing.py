"""Anything that is drawn: shown in a notebook, or written to a file, with links to the spec."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from legonet.atomic_files import write_atomically
from legonet.diagnostics import DiagnosticError
from legonet.graph import ModuleGraph
from legonet.language import Key
from legonet.render.diagram import Diagram, Links
from legonet.render.engines import picture_of, pixels_per_inch
from legonet.render.layout import check_complete, laid_out
from legonet.text_bytes import to_bytes

ABSOLUTE = "file://{path}#L{line}"
"""The address of a line of a file on this machine."""

RELATIVE = "{relative}#L{line}"
"""The address of a line of a file relative to the picture; it stays valid if both move together."""


def links_to(graph: ModuleGraph, template: str, folder: Path) -> Links:
    """Return a function that returns the addresses of a graph's statements.

    Args:
        graph: The graph; a statement that is not in a file has no address.
        template: An address with ``{path}``, ``{relative}`` and ``{line}``; empty for none.
        folder: The folder of the picture.
    """
    origins = graph.spec.origins
    places: dict[str, tuple[str, str]] = {}

    def link(key: Key) -> str:
        origin = origins.get(key)
        if origin is None or not template:
            return ""
        source = origin.span.source.path
        if source not in places:
            places[source] = _places(Path(source), folder)
        path, relative = places[source]
        return (
            template.replace("{path}", path)
            .replace("{relative}", relative)
            .replace("{line}", str(origin.span.line))
        )

    return link


def _places(file: Path, folder: Path) -> tuple[str, str]:
    path = file.absolute()
    try:
        relative = Path(os.path.relpath(path, folder.absolute()))
    except ValueError:
        # On another drive, to which there is no relative path.
        relative = path
    posix = path.as_posix()
    absolute = posix if posix.startswith("/") else f"/{posix}"
    return quote(os.fsencode(absolute)), quote(os.fsencode(relative.as_posix()))


FORMATS = (".svg", ".png", ".pdf", ".dot")
"""The suffixes of picture files."""

# Pictures are as wide as they need to be, on white: their dark ink would not show on a dark page.
_FRAME = '<div style="overflow:auto;background:#fff">{}</div>'


class Drawing(ABC):
    """Anything that is drawn: a notebook shows it, and `save` writes it to a file."""

    @abstractmethod
    def diagram(self, links: Links) -> Diagram:
        """Return what is drawn.

        Args:
            links: Returns the address that a click on a statement leads to; empty for none.
        """

    @abstractmethod
    def title(self) -> str:
        """Return what it is, in a few words."""

    @abstractmethod
    def description(self) -> str:
        """Return what it shows, for those who cannot see it."""

    @abstractmethod
    def linked(self) -> ModuleGraph:
        """Return the graph whose statements clicks lead to."""

    def dot(self, *, links: str = "") -> str:
        """Return it in the DOT language, for Graphviz and other tools to lay out.

        Args:
            links: As in `svg`.
        """
        return self._linked_diagram(links, Path()).dot()

    def svg(self, *, links: str = ABSOLUTE) -> str:
        """Return it as SVG, which can also be embedded in a web page.

        Args:
            links: The address that a click leads to, with ``{path}``, ``{relative}`` and
                ``{line}`` of a statement in it; empty for none.

        Raises:
            DiagnosticError: LEGO804, no Graphviz is installed; LEGO805, Graphviz failed.
        """
        return self._contents(".svg", links, Path()).decode()

    def save(self, file: Path | str, *, links: str = RELATIVE) -> Path:
        """Write it in the format given by a file's suffix, completely or not at all.

        Args:
            file: The file to write: ``.svg``, ``.png``, ``.pdf`` or ``.dot``.
            links: As in `svg`; default: from the picture to the spec.

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
        diagram = self._linked_diagram(shown, folder)
        if suffix == ".dot":
            return to_bytes(diagram.dot())
        places = laid_out(diagram)
        resolution = pixels_per_inch(*places.size)
        contents = picture_of(diagram.dot(places), suffix, placed=True, resolution=resolution)
        if suffix != ".svg":
            return contents
        check_complete(diagram, *(contents.count(b'class="%s"' % k) for k in (b"node", b"edge")))
        return to_bytes(readable(contents.decode(), self.title(), self.description()))

    def _linked_diagram(self, links: str, folder: Path) -> Diagram:
        return self.diagram(links_to(self.linked(), links, folder))

    def _repr_svg_(self) -> str:
        return self.svg()

    def _repr_html_(self) -> str:
        return _FRAME.format(self.svg())


def format_of(file: Path) -> str:
    """Return the format given by a file's suffix, one of `FORMATS`.

    Raises:
        DiagnosticError: LEGO801, another suffix.
    """
    suffix = file.suffix.lower()
    if suffix not in FORMATS:
        found = f"`{file.suffix}`" if file.suffix else f"`{file.name}` without one"
        raise DiagnosticError.of(
            "LEGO801",
            f"expected a file that ends in {', '.join(FORMATS)}, found {found}",
            help=[f"write to `{file.stem or 'picture'}.svg`"],
        )
    return suffix


def write_file(file: Path, content: bytes) -> None:
    """Write a picture, completely or not at all; through a link, to the file that it leads to.

    Raises:
        DiagnosticError: LEGO803, it cannot be written.
    """
    try:
        write_atomically({Path(os.path.realpath(file)): content})
    except OSError as error:
        folder = file.parent
        raise DiagnosticError.of(
            "LEGO803",
            f"cannot write `{file}`: {(error.strerror or str(error)).lower()}",
            help=[
                "choose a folder and a file that you may write to"
                if folder.is_dir()
                else f"create the folder `{folder}` first"
            ],
        ) from error


_PROLOGUE = re.compile(r"\A.*?(?=<svg\b)", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)


def readable(svg: str, title: str, description: str) -> str:
    """Return a picture with a title and a description for those who cannot see it.

    Graphviz's version is left out, so that equal graphs give equal bytes, and so is the prologue
    that only a separate file may have.

    Args:
        svg: The SVG as Graphviz writes it.
        title: A few words.
        description: A sentence.
    """
    body = _COMMENT.sub("", _PROLOGUE.sub("", svg))
    root, rest = body.split(">", 1)
    root = root.replace("<svg", f'<svg role="img" aria-label={quoteattr(title)}', 1)
    return f"{root}>\n<title>{escape(title)}</title>\n<desc>{escape(description)}</desc>{rest}"
