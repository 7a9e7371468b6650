"""Finds the grammar file and compiles it."""

from __future__ import annotations

import sys
from pathlib import Path

import lark
from lark import Lark

from legonet.syntax.builder import AstBuilder
from legonet.syntax.cache_folder import cache_folder
from legonet.syntax.tokens import Separators


def grammar_text() -> str:
    """Return the text of ``lego.lark``, from the wheel or from the repository."""
    packaged = Path(__file__).with_name("lego.lark")
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    repository = Path(__file__).resolve().parents[2] / "grammar" / "lego.lark"
    return repository.read_text(encoding="utf-8")


def compile_grammar(builder: AstBuilder) -> Lark:
    """Return the parser for whole specs (``spec``) and single values (``value``).

    Its tables are cached for the next process, since building them takes as long as reading a small
    spec.

    Args:
        builder: Builds the nodes while the parser runs.
    """
    folder = cache_folder()
    version = f"{sys.version_info.major}.{sys.version_info.minor}-{lark.__version__}"
    return Lark(
        grammar_text(),
        cache=False if folder is None else str(folder / f"grammar-{version}.pickle"),
        parser="lalr",
        lexer="basic",
        start=["spec", "value"],
        transformer=builder,
        postlex=Separators(),
        keep_all_tokens=True,
        maybe_placeholders=False,
    )
