"""Pictures as an adapter sees them: features of the category module, with answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from legonet.data.pictures import Pictures
    from legonet.distill.joint import Joint

UNKNOWN = -1
"""The label of a picture without an answer."""


@dataclass(frozen=True)
class Examples:
    """Features and what is known of the answers, example by example.

    Args:
        features: f(I), ``(N, C, H, W)``.
        labels: ``(N,)``, int64, `UNKNOWN` where there is none.
        answers: The labels again, or masks ``(N, H, W)``, int64.
        taught: The teacher's outputs, ``(N, K)`` or ``(N, K, H, W)``.
    """

    features: Tensor
    labels: Tensor
    answers: Tensor
    taught: Tensor

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.labels)

    def take(self, positions: Tensor) -> Examples:
        """Return the examples at these positions, in this order."""
        positions = positions.to(self.labels.device)
        parts = (self.features, self.labels, self.answers, self.taught)
        return Examples(*(part[positions] for part in parts))

    @property
    def labelled(self) -> Tensor:
        """Positions of the examples with an answer."""
        return (self.labels != UNKNOWN).nonzero()[:, 0].cpu()

    @classmethod
    def of(cls, joint: Joint, *, unlabelled: bool) -> Examples | None:
        """Return the edge's labelled, and maybe unlabelled, pictures as examples, if any."""
        given = [(joint.edge.labelled, True)] if len(joint.edge.labelled) else []
        if unlabelled and len(joint.edge.unlabelled):
            given.append((joint.edge.unlabelled, False))
        if not given:
            return None
        parts = [cls._of(joint, pictures, known) for pictures, known in given]
        return cls(
            *(
                torch.cat([getattr(part, name) for part in parts])
                for name in ("features", "labels", "answers", "taught")
            )
        )

    @classmethod
    def _of(cls, joint: Joint, pictures: Pictures, known: bool) -> Examples:
        category_module, teacher = joint.edge.category_module, joint.edge.teacher
        features = joint.outputs(pictures.images, category_module)
        taught = joint.outputs(pictures.images, teacher)
        per_pixel = taught.dim() == 4
        labels = torch.full((len(pictures),), UNKNOWN)
        answers = torch.zeros(len(pictures), *taught.shape[2:], dtype=torch.int64)
        if known:
            labels = torch.tensor(pictures.labels)
            given = pictures.masks if per_pixel else pictures.labels
            if given is None:
                raise TypeError("a segmentation's labelled pictures have masks")
            answers = torch.tensor(given).long()
        return cls(features, labels.to(joint.device), answers.to(joint.device), taught)


def stratified(labels: Tensor, parts: int, generator: torch.Generator) -> list[Tensor]:
    """Return positions dealt out into parts of like size and like labels.

    Args:
        labels: ``(N,)``.
        parts: How many, at most N.
        generator: For the order.
    """
    labels = labels.cpu()
    shuffled = torch.randperm(len(labels), generator=generator)
    dealt = shuffled[labels[shuffled].argsort(stable=True)]
    return [dealt[part::parts] for part in range(parts)]
