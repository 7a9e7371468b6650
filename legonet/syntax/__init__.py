"""Turns text into an Ast."""

from __future__ import annotations

from legonet.syntax.collection import without_collection
from legonet.syntax.formatting.format import format_text
from legonet.syntax.parse import Parsed, parse, parse_value
from legonet.syntax.read import ENDING, find_text, read_text, specs_below, specs_of
from legonet.syntax.write import write_text

__all__ = [
    "ENDING",
    "Parsed",
    "find_text",
    "format_text",
    "parse",
    "parse_value",
    "read_text",
    "specs_below",
    "specs_of",
    "without_collection",
    "write_text",
]
