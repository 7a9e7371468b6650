"""ModuleGraph and what is built of it, to a picture."""

from __future__ import annotations

from legonet.render.built import Built
from legonet.render.comparison import Change, Comparison, Version, to_text
from legonet.render.drawing import ABSOLUTE, FORMATS, RELATIVE
from legonet.render.grouping import By
from legonet.render.layout import IncompleteError
from legonet.render.picture import ComparisonPicture, Picture, draw
from legonet.render.view import COLLAPSE_ABOVE

__all__ = [
    "ABSOLUTE",
    "COLLAPSE_ABOVE",
    "FORMATS",
    "RELATIVE",
    "Built",
    "By",
    "Change",
    "Comparison",
    "ComparisonPicture",
    "IncompleteError",
    "Picture",
    "Version",
    "draw",
    "to_text",
]
