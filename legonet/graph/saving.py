"""A graph's texts to their files, and nothing over what somebody else has written."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from legonet.diagnostics import DiagnosticError, SourceText
from legonet.graph.document import Document
from legonet.graph.rewriting.places import Change, changed
from legonet.graph.rewriting.rewrite import rewritten
from legonet.spec import Spec, read_spec
from legonet.spec.writing import quoted
from legonet.syntax import ast, parse, write_text


def save(
    document: Document, spec: Spec, path: Path | str | None, *, imports: bool, overwrite: bool
) -> tuple[Document, tuple[Path, ...]]:
    """Write a graph's texts; see `ModuleGraph.save`.

    Args:
        document: The texts that the graph came from.
        spec: What they shall say.
        path: Another file for the spec.
        imports: Whether imported files may change.
        overwrite: Whether files may be overwritten that are not what they were.

    Returns:
        The document as it is now, and the files that were written.
    """
    if path is not None:
        document = _moved(document, Path(path))
    elif not document.on_disk:
        raise DiagnosticError.of(
            "LEGO724", "the graph has no file yet", help=['name one: `graph.save("animals.lego")`']
        )
    texts = rewritten(document, spec)
    written = {file: text for file, text in texts.items() if document.saved.get(file) != text}
    others = [text.path for file, text in written.items() if file != document.path]
    if others and not imports:
        raise DiagnosticError.of(
            "LEGO722",
            f"imported files would change: {', '.join(others)}",
            help=["other specs may import them as well; `save(imports=True)` writes them too"],
        )
    if not overwrite:
        for file, text in written.items():
            _check_unchanged(file, text, document.saved.get(file))
    for file, text in written.items():
        write_text(file, text, marked=_content(file, text).startswith(codecs.BOM_UTF8))
    return replace(document, saved={**document.saved, **texts}), tuple(written)


def _check_unchanged(file: Path, text: SourceText, known: SourceText | None) -> None:
    """Refuse to write over what somebody else has written."""
    if not file.exists():
        return
    if known is None:
        raise DiagnosticError.of(
            "LEGO723",
            f"`{text.path}` exists already",
            help=["name another file, or write over it with `save(.., overwrite=True)`"],
        )
    if _content(file, text).removeprefix(codecs.BOM_UTF8) != known.text.encode():
        raise DiagnosticError.of(
            "LEGO723",
            f"`{text.path}` has changed since it was read",
            help=[
                "load it again and repeat the edits, or write over it with `save(overwrite=True)`"
            ],
        )


def _content(file: Path, text: SourceText) -> bytes:
    try:
        return file.read_bytes() if file.exists() else b""
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DiagnosticError.of("LEGO101", f"cannot read `{text.path}`: {reason}") from None


def _moved(document: Document, path: Path) -> Document:
    """Return a document that says the same from another file."""
    target = path.resolve()
    if target == document.path and document.on_disk:
        return document
    source = document.texts[document.path]
    changes = _imports(document, source, target.parent)
    text = SourceText(str(path), changed(source.text, changes))
    others = {file: text for file, text in document.texts.items() if file != document.path}
    texts = {target: text, **others}
    read = read_spec(target, texts, document.overrides)
    if read.diagnostics:
        raise DiagnosticError(*read.diagnostics)
    known = document.spec.origins
    origins = {key: known.get(key, origin) for key, origin in read.spec.origins.items()}
    saved = {file: text for file, text in document.saved.items() if file in others}
    return Document(target, texts, replace(read.spec, origins=origins), document.overrides, saved)


def _imports(document: Document, source: SourceText, folder: Path) -> Iterator[Change]:
    """Give the changes that make imports lead to the same files from another folder."""
    before = document.path.parent
    for node in parse(source).ast.statements if folder != before else ():
        if isinstance(node, ast.Import) and all(isinstance(part, str) for part in node.path.parts):
            written = "".join(map(str, node.path.parts))
            file = Path(os.path.relpath(before / written, folder)).as_posix()
            yield Change(node.path.span.start, node.path.span.end, quoted(file))
