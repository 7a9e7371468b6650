"""ModuleGraph, and what is built of it, to a picture."""

from __future__ import annotations

from legonet.render.dot import to_dot
from legonet.render.draw import FORMATS, draw

__all__ = ["FORMATS", "draw", "to_dot"]
