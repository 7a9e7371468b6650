"""Text to Ast."""

from __future__ import annotations

from legonet.syntax.parse import Parsed, parse, parse_value
from legonet.syntax.read import find_text, read_text

__all__ = ["Parsed", "find_text", "parse", "parse_value", "read_text"]
