"""What a study compares: methods as a spec names them, with the pictures that they may use."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from legonet.distill.methods import (
    BackDistillation,
    OrdinaryLearning,
    OutputDistillation,
    Stitching,
    Transplant,
)
from legonet.language.declarations import Learning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from legonet.distill.methods import MethodForm

GROUPS = {
    "nothing": "No picture at all: dead leaves where a method needs some",
    "own": "No picture of the target; the donor's own pictures",
    "unlabelled": "200 unlabelled pictures, output distillation",
    "more": "1,000 unlabelled pictures, output distillation",
    "labels10": "10 labels",
    "labels10+": "10 labels and 200 unlabelled pictures",
    "labels100": "100 labels",
    "labels100+": "100 labels and 200 unlabelled pictures",
    "identical": "Filters in their own order",
}
"""Groups of variants, the most important first, and their headings."""

PICTURES = {
    "nothing": (0, 0),
    "own": (0, 0),
    "unlabelled": (0, 200),
    "more": (0, 1000),
    "labels10": (10, 0),
    "labels10+": (10, 200),
    "labels100": (100, 0),
    "labels100+": (100, 200),
    "identical": (0, 200),
}
"""For each group its labelled and its unlabelled pictures."""

LONG = 400
"""Most steps of ordinary learning from a random start: it needs more than a solved one."""


@dataclass(frozen=True)
class Variant:
    """A method in a group.

    Args:
        group: A key of `GROUPS`.
        name: As the tables call it.
        method: As a spec has it.
    """

    group: str
    name: str
    method: MethodForm

    @property
    def key(self) -> str:
        """A name that changes with every option."""
        options = hashlib.sha256(self.method.model_dump_json().encode()).hexdigest()
        return f"{self.group}/{self.name}/{options[:8]}"

    def learning(self, seed: int) -> Learning:
        """Return the body of the adapter statement."""
        samples, unlabelled = PICTURES[self.group]
        return Learning(method=self.method, samples=samples, unlabelled=unlabelled, seed=seed)


def variants(group: str) -> Iterator[Variant]:
    """Yield the variants of a group."""
    for name, method in _METHODS[group].items():
        yield Variant(group, name, method)


def _alone(start: str, **options: object) -> MethodForm:
    return BackDistillation.model_validate({"init": start, "steps": 0, **options})


def _taught(start: str, **options: object) -> MethodForm:
    return OutputDistillation.model_validate({"init": start, **options})


def _on_leaves(start: str) -> MethodForm:
    return _taught(start, synthetic=300)


def _ordinary(start: str, **options: object) -> MethodForm:
    return OrdinaryLearning.model_validate({"init": start, **options})


_PICTURELESS: dict[str, MethodForm] = {
    "assignment": _alone("assignment"),
    "least_squares": _alone("least_squares"),
    "iterated_assignment": _alone("iterated_assignment"),
}

_PICTURED: dict[str, MethodForm] = {
    "least_squares, the teacher's maps": _alone("least_squares", relu_maps="teacher"),
    "real_gradients": _alone("real_gradients"),
    "stitching": Stitching(),
    "blend": _alone("blend"),
}

_TAUGHT: dict[str, MethodForm] = {
    "output_distillation from stitching": _taught("stitching"),
    **{
        f"output_distillation from {start}, 8 views": _taught(start, views=8)
        for start in (
            "stitching",
            "blend",
            "real_gradients",
            "assignment",
            "least_squares",
            "default",
        )
    },
}

_LABELLED: dict[str, MethodForm] = {
    "ordinary_learning from default": _ordinary("default", steps=LONG),
    "ordinary_learning from default, 8 views": _ordinary("default", steps=LONG, views=8),
    "ordinary_learning from stitching": _ordinary("stitching"),
    "ordinary_learning from stitching, 8 views": _ordinary("stitching", views=8),
    "ordinary_learning from assignment": _ordinary("assignment"),
    "back_distillation from solve": BackDistillation(),
}

_BOTH: dict[str, MethodForm] = {
    "output_distillation from stitching": _taught("stitching"),
}

_METHODS: dict[str, dict[str, MethodForm]] = {
    "nothing": {
        **_PICTURELESS,
        **_PICTURED,
        "output_distillation on 300 dead leaves from real_gradients": _on_leaves("real_gradients"),
        "transplant": Transplant(),
    },
    "own": {
        **_PICTURED,
        "output_distillation on 300 dead leaves from stitching": _on_leaves("stitching"),
        "transplant": Transplant(),
    },
    "unlabelled": {**_TAUGHT, "transplant": Transplant()},
    "more": {
        "output_distillation from stitching": _taught("stitching"),
        "transplant": Transplant(),
    },
    "labels10": {**_LABELLED, "transplant": Transplant()},
    "labels10+": {**_BOTH, "transplant": Transplant()},
    "labels100": {**_LABELLED, "transplant": Transplant()},
    "labels100+": {**_BOTH, "transplant": Transplant()},
    "identical": {
        "default": _alone("default"),
        "identity": _alone("identity"),
        "assignment": _alone("assignment"),
        "stitching": Stitching(),
        "output_distillation from identity": _taught("identity"),
        "output_distillation from stitching": _taught("stitching"),
        "transplant": Transplant(),
    },
}
