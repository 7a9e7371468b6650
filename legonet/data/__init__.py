"""From a source in a spec to pictures with answers; light until pictures are read."""

from __future__ import annotations

from legonet.data.decode import read_picture
from legonet.data.draw import Draw, draw
from legonet.data.open import open_source
from legonet.data.pictures import VOID, Pictures
from legonet.data.question import Question, ask
from legonet.data.source import BACKGROUND, Evidence, Example, Source, Split
from legonet.data.synthetic import dead_leaves
from legonet.data.tensors import to_tensor

__all__ = [
    "BACKGROUND",
    "VOID",
    "Draw",
    "Evidence",
    "Example",
    "Pictures",
    "Question",
    "Source",
    "Split",
    "ask",
    "dead_leaves",
    "draw",
    "open_source",
    "read_picture",
    "to_tensor",
]
