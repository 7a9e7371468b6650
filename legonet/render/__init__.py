"""ModuleGraph, and what is built of it, to a picture."""

from __future__ import annotations

from legonet.render.comparison import Change, Comparison, Version
from legonet.render.comparison_picture import ComparisonPicture
from legonet.render.comparison_text import to_text
from legonet.render.files import FORMATS
from legonet.render.grouping import By
from legonet.render.links import ABSOLUTE, RELATIVE
from legonet.render.picture import Picture, draw
from legonet.render.view import COLLAPSE_ABOVE, Built

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
    "Picture",
    "Version",
    "draw",
    "to_text",
]
