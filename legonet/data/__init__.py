"""From a source in a spec to pictures with answers; cheap to import until pictures are read."""

from __future__ import annotations

from legonet.data.decode import read_picture
from legonet.data.draw import Draw, draw
from legonet.data.open import open_source
from legonet.data.pictures import Pictures
from legonet.data.source import BACKGROUND, Example, Fingerprint, Source, Split
from legonet.data.synthetic import textured_leaves
from legonet.data.task_dataset import TaskDataset, ask
from legonet.data.tensors import to_tensor
from legonet.goals import VOID

__all__ = [
    "BACKGROUND",
    "VOID",
    "Draw",
    "Example",
    "Fingerprint",
    "Pictures",
    "Source",
    "Split",
    "TaskDataset",
    "ask",
    "draw",
    "open_source",
    "read_picture",
    "textured_leaves",
    "to_tensor",
]
