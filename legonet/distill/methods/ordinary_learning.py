"""Ordinary learning: the adapter is trained on labels alone."""

from __future__ import annotations

from typing import ClassVar

from legonet.distill.methods.trained import TrainedMethod
from legonet.language.methods import NeededPictures


class OrdinaryLearning(TrainedMethod):
    """Learn from labels alone (the paper's OL)."""

    call: ClassVar[str] = "ordinary_learning"
    needs: ClassVar[NeededPictures] = "labels"
