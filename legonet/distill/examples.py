"""Pictures as an adapter sees them: features of the category module, with answers."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from legonet.data.pictures import Pictures
from legonet.data.synthetic import dead_leaves
from legonet.distill.randomness import generator
from legonet.distill.views import shifted

if TYPE_CHECKING:
    from legonet.distill.joint import Joint

LARGEST_FEATURES = 2**28
"""Numbers in the features of all views of all pictures together: a gigabyte."""

UNKNOWN = -1
"""The label of a picture without an answer."""


@dataclass(frozen=True)
class Examples:
    """Features and what is known of the answers, example by example.

    Args:
        features: f(I), ``(N, C, H, W)``.
        pictures: Which picture each example shows, ``(N,)``, int64; several may show the same.
        labels: ``(N,)``, int64, `UNKNOWN` where there is none.
        answers: The labels again, or masks ``(N, H, W)``, int64.
        taught: The teacher's outputs, ``(N, K)`` or ``(N, K, H, W)``.
    """

    features: Tensor
    pictures: Tensor
    labels: Tensor
    answers: Tensor
    taught: Tensor

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.labels)

    def take(self, positions: Tensor) -> Examples:
        """Return the examples at these positions, in this order."""
        positions = positions.to(self.labels.device)
        parts = (self.features, self.pictures, self.labels, self.answers, self.taught)
        return Examples(*(part[positions] for part in parts))

    @property
    def first_views(self) -> Tensor:
        """Positions of the first example of each picture."""
        return torch.from_numpy(np.unique(self.pictures.cpu().numpy(), return_index=True)[1])

    @property
    def labelled(self) -> Tensor:
        """Positions of the examples with an answer."""
        return (self.labels != UNKNOWN).nonzero()[:, 0].cpu()

    @classmethod
    def of(
        cls, joint: Joint, *, unlabelled: bool, views: int = 1, synthetic: int = 0
    ) -> Examples | None:
        """Return the edge's labelled, and maybe unlabelled, pictures as examples, if any.

        Args:
            joint: The edge.
            unlabelled: Whether unlabelled pictures join.
            views: How often each picture occurs: as it is, and shifted by chance. Fewer where
                their features would fill more than `LARGEST_FEATURES`.
            synthetic: How many dead leaves pictures join them, without a label.
        """
        given = [(joint.edge.labelled, True)] if len(joint.edge.labelled) else []
        if unlabelled and len(joint.edge.unlabelled):
            given.append((joint.edge.unlabelled, False))
        if synthetic:
            given.append((synthetic_pictures(joint, synthetic), False))
        if not given:
            return None
        count = sum(len(pictures) for pictures, _ in given)
        most = max(1, LARGEST_FEATURES // (count * prod(joint.shapes[0])))
        parts = []
        for view in range(min(views, most)):
            random = generator(joint.seed, f"view {view}")
            first = 0
            for pictures, known in given:
                seen = shifted(pictures, random) if view else pictures
                parts.append(cls._of(joint, seen, first, known))
                first += len(pictures)
        return cls(
            *(
                torch.cat([getattr(part, name) for part in parts])
                for name in ("features", "pictures", "labels", "answers", "taught")
            )
        )

    @classmethod
    def _of(cls, joint: Joint, pictures: Pictures, first: int, known: bool) -> Examples:
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
        numbers = torch.arange(first, first + len(pictures))
        numbers, labels, answers = (part.to(joint.device) for part in (numbers, labels, answers))
        return cls(features, numbers, labels, answers, taught)


def synthetic_pictures(joint: Joint, count: int) -> Pictures:
    """Return dead leaves of the edge's size; they have nothing to do with those of the joint."""
    seed = int(torch.randint(2**31, (), generator=generator(joint.seed, "synthetic pictures")))
    images = dead_leaves(count, joint.edge.size, seed)
    return Pictures(images, np.full(count, UNKNOWN))


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
