"""Finds the grammar file and compiles it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from lark import Lark

from legonet.syntax.builder import AstBuilder
from legonet.syntax.tokens import Separators


def grammar_text() -> str:
    """Return the text of ``lego.lark``, from the wheel or from the repository."""
    packaged = files("legonet.syntax") / "lego.lark"
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    repository = Path(__file__).resolve().parents[2] / "grammar" / "lego.lark"
    return repository.read_text(encoding="utf-8")


def compile_grammar(builder: AstBuilder) -> Lark:
    """Return the parser of whole specs (``spec``) and of single values (``value``).

    Args:
        builder: Makes the nodes while the parser runs.
    """
    return Lark(
        grammar_text(),
        parser="lalr",
        lexer="basic",
        start=["spec", "value"],
        transformer=builder,
        postlex=Separators(),
        keep_all_tokens=True,
        maybe_placeholders=False,
    )
