"""Pictures as an adapter sees them: features of the category module, with answers."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from legonet.data.pictures import UNKNOWN, Pictures
from legonet.data.synthetic import textured_leaves
from legonet.distill.augmentation import shifted
from legonet.distill.randomness import generator

if TYPE_CHECKING:
    from legonet.distill.edges.edge_context import EdgeContext

LARGEST_FEATURES = 2**28
"""Most numbers in the features of all views of all pictures together: a gigabyte."""


@dataclass(frozen=True)
class Examples:
    """Features and what is known about the answers, example by example.

    Args:
        features: f(I), ``(N, C, H, W)``.
        pictures: Which picture each example shows, ``(N,)``, int64; several may show the same one.
        labels: ``(N,)``, int64, `UNKNOWN` where there is none.
        answers: The right ones in the form of the goal, such as the labels again or masks
            ``(N, H, W)``; zeros where there is none.
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
        cls, context: EdgeContext, *, unlabelled: bool, views: int = 1, synthetic: int = 0
    ) -> Examples | None:
        """Return the edge's labelled and possibly unlabelled pictures as examples, if any.

        Args:
            context: The edge.
            unlabelled: Whether to include unlabelled pictures.
            views: How often each picture occurs: once as it is, then shifted at random. Fewer
                where their features would fill more than `LARGEST_FEATURES`.
            synthetic: How many synthetic pictures to add, without labels.
        """
        given = [(context.edge.labelled, True)] if len(context.edge.labelled) else []
        if unlabelled and len(context.edge.unlabelled):
            given.append((context.edge.unlabelled, False))
        if synthetic:
            given.append((synthetic_pictures(context, synthetic), False))
        if not given:
            return None
        count = sum(len(pictures) for pictures, _ in given)
        most = max(1, LARGEST_FEATURES // (count * prod(context.shapes[0])))
        parts = []
        for view in range(min(views, most)):
            random = generator(context.seed, f"view {view}")
            first = 0
            for pictures, known in given:
                seen = shifted(pictures, random, context.edge.goal) if view else pictures
                parts.append(cls._of(context, seen, first, known))
                first += len(pictures)
        return cls(
            *(
                torch.cat([getattr(part, name) for part in parts])
                for name in ("features", "pictures", "labels", "answers", "taught")
            )
        )

    @classmethod
    def _of(cls, context: EdgeContext, pictures: Pictures, first: int, known: bool) -> Examples:
        category_module, teacher = context.edge.category_module, context.edge.teacher
        features = context.outputs(pictures.images, category_module)
        taught = context.outputs(pictures.images, teacher)
        labels = torch.full((len(pictures),), UNKNOWN)
        if known:
            labels = torch.tensor(pictures.labels)
        answers = _right_answers(context, pictures if known else None, taught)
        numbers = torch.arange(first, first + len(pictures))
        numbers, labels, answers = (part.to(context.device) for part in (numbers, labels, answers))
        return cls(features, numbers, labels, answers, taught)


def _right_answers(context: EdgeContext, pictures: Pictures | None, taught: Tensor) -> Tensor:
    """Return the right answers about pictures; zeros of their form where there are none."""
    goal, given = context.edge.goal, pictures or context.edge.labelled
    found = goal.truth(given.labels, given.masks, given.values)
    if pictures is not None and found is None:
        raise TypeError("labelled pictures have the answers of their goal")
    if found is None:
        return torch.zeros(len(taught), *taught.shape[2:], dtype=torch.int64)
    answers = torch.tensor(found)
    answers = answers if answers.is_floating_point() else answers.long()
    return answers if pictures is not None else answers.new_zeros(len(taught), *answers.shape[1:])


def synthetic_pictures(context: EdgeContext, count: int) -> Pictures:
    """Return synthetic pictures of the edge's size, other than those of the edge's context."""
    seed = int(torch.randint(2**31, (), generator=generator(context.seed, "synthetic pictures")))
    images = context.named("synthetic", textured_leaves(count, context.edge.size, seed)).images
    return Pictures(images, np.full(count, UNKNOWN))


def stratified(labels: Tensor, parts: int, generator: torch.Generator) -> list[Tensor]:
    """Return positions dealt out into parts of similar size with similar labels.

    Args:
        labels: ``(N,)``.
        parts: How many, at most N.
        generator: Draws the order.
    """
    labels = labels.cpu()
    shuffled = torch.randperm(len(labels), generator=generator)
    dealt = shuffled[labels[shuffled].argsort(stable=True)]
    return [dealt[part::parts] for part in range(parts)]
