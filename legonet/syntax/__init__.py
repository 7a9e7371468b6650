"""Turns text into an Ast."""

from __future__ import annotations

from legonet.syntax.collection import without_collection
from legonet.syntax.formatting.format import format_text
from legonet.syntax.parse import Parsed, parse, parse_value
from legonet.syntax.read import find_text, read_text
from legonet.syntax.write import write_text

__all__ = [
    "Parsed",
    "find_text",
    "format_text",
    "parse",
    "parse_value",
    "read_text",
    "without_collection",
    "write_text",
]
