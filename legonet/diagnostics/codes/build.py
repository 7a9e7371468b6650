"""Diagnostic codes of building and the store."""

from __future__ import annotations

from legonet.diagnostics.codes.code import Code

CODES: tuple[Code, ...] = ()
