"""The edges of a study: who teaches whom, and which pictures there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from networks import CUT, DONOR, SEEDS, TARGETS, WIDE, Family, Zoo
from torch import Tensor, nn

from legonet.data import Pictures, draw
from legonet.data.tensors import to_tensor
from legonet.distill.edges.edge import Edge
from legonet.goals.classification import Classification
from legonet.modules.cut import bottom, top
from legonet.modules.freeze import freeze

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

SETS = {
    "A": "a common ancestor",
    "B": "the teachers' ancestor trained apart",
    "C": f"apart, and wider at the cut ({WIDE} channels into 32)",
}
"""The sets of teachers."""

BATCH = 250
"""Test pictures that run through a network at once."""


@dataclass(frozen=True)
class Setting:
    """One edge of the study.

    Args:
        teachers: The set of teachers, a key of `SETS`.
        seed: Of the networks, the pictures and the learning.
        animal: The target category.
        reordered: The filters of f stand in a random order, so that no adapter is right by
            accident.
    """

    teachers: str
    seed: int
    animal: str
    reordered: bool = True

    @property
    def name(self) -> str:
        """A name that no other setting has."""
        return f"{self.teachers}-{self.seed}-{self.animal}" + ("" if self.reordered else "-plain")

    @property
    def family(self) -> Family:
        """The family of the teacher; the task module's is ``Family(32, seed)``."""
        if self.teachers == "C":
            return Family(WIDE, self.seed)
        return Family(32, self.seed if self.teachers == "A" else (self.seed + 1) % SEEDS)

    @classmethod
    def all(cls, *, reordered: bool = True) -> Iterator[Setting]:
        """Yield every setting, all animals of a seed before the next seed."""
        for seed in range(SEEDS):
            for teachers in SETS:
                for animal in TARGETS:
                    yield cls(teachers, seed, animal, reordered)


@dataclass(frozen=True)
class Table:
    """An edge's networks laid out, so that many adapters can be learned and measured on it.

    Args:
        setting: Which edge.
        teacher: The teacher, its filters in their order.
        donor: The network that donates the task module.
        seen: Training pictures of the target.
        own: Training pictures of the donor.
        tested: Features f(I) of test pictures with their labels, the half for choices and the
            half that is reported.
    """

    setting: Setting
    teacher: nn.Module
    donor: nn.Module
    seen: Pictures
    own: Pictures
    tested: dict[str, tuple[Tensor, NDArray[np.int64]]]

    @classmethod
    def of(cls, setting: Setting, zoo: Zoo) -> Table:
        """Return the edge of a setting."""
        teacher = zoo.network(setting.family, setting.animal)
        if setting.reordered:
            reorder(teacher, setting.seed)
        f = bottom(teacher, CUT)
        parts = _halves(zoo.question(setting.animal, "test"))
        return cls(
            setting,
            teacher,
            zoo.network(Family(32, setting.seed), DONOR),
            zoo.question(setting.animal, "train"),
            zoo.question(DONOR, "train"),
            {name: (answers(f, part.images), part.labels) for name, part in parts.items()},
        )

    def edge(self, samples: int, unlabelled: int, *, own: bool) -> Edge:
        """Return the edge with its pictures."""
        drawn = draw(self.seen, samples, unlabelled, self.setting.seed)
        return Edge(
            category_module=freeze(bottom(self.teacher, CUT)),
            task_module=freeze(top(self.donor, CUT)),
            own_category_module=freeze(bottom(self.donor, CUT)),
            teacher=self.teacher,
            teacher_top=freeze(top(self.teacher, CUT)),
            goal=Classification(),
            size=32,
            labelled=drawn.labelled,
            unlabelled=drawn.unlabelled,
            own=self.own if own else self.own.take(np.arange(0)),
        )

    def errors(self, answer: Callable[[Tensor], Tensor]) -> dict[str, float]:
        """Return the error rates of what answers features f(I), on both halves."""
        found = {}
        for name, (features, labels) in self.tested.items():
            with torch.inference_mode():
                parts = [answer(part) for part in torch.split(features, BATCH)]
            wrong = (torch.cat(parts)[:, 0] > 0).numpy() != labels
            found[name] = float(np.mean([wrong[labels == label].mean() for label in (0, 1)]))
        return found


def answers(module: nn.Module, images: NDArray[np.uint8]) -> Tensor:
    """Return what a module makes of pictures."""
    with torch.inference_mode():
        parts = [module(to_tensor(images[at : at + BATCH])) for at in range(0, len(images), BATCH)]
    return torch.cat(parts)


@torch.no_grad()
def reorder(network: nn.Module, seed: int) -> None:
    """Put the filters of the conv before the cut in a random order; answers stay the same."""
    filters = network.get_submodule("features.2")
    reader = network.get_submodule("features.5")
    order = torch.randperm(len(filters.weight), generator=torch.Generator().manual_seed(seed))
    filters.weight.copy_(filters.weight[order].clone())
    filters.bias.copy_(filters.bias[order].clone())
    reader.weight.copy_(reader.weight[:, order].clone())


def _halves(pictures: Pictures) -> dict[str, Pictures]:
    """Return the test pictures at even places, and those at odd ones, of each label alike.

    There are four times as many vehicles as animals; what is left out of them saves time and
    costs little, since an error rate is the mean of both labels'.
    """
    animal, vehicles = (np.flatnonzero(pictures.labels == label) for label in (1, 0))
    return {
        "validation": pictures.take(np.concatenate([animal[::2], vehicles[::8]])),
        "reported": pictures.take(np.concatenate([animal[1::2], vehicles[1::8]])),
    }
