"""The training methods: one class in one file for each, all of them in `METHODS`.

None of them imports torch before it prepares an edge, so that a spec is read without it.
"""

from __future__ import annotations

from legonet.distill.methods.back_distillation import BackDistillation
from legonet.distill.methods.ordinary_learning import OrdinaryLearning
from legonet.distill.methods.output_distillation import OutputDistillation
from legonet.distill.methods.stitching import Stitching
from legonet.distill.methods.transplant import Transplant
from legonet.language.methods import METHODS, MethodForm

__all__ = [
    "METHODS",
    "BackDistillation",
    "MethodForm",
    "OrdinaryLearning",
    "OutputDistillation",
    "Stitching",
    "Transplant",
]
