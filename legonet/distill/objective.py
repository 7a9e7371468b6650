"""What an adapter is trained for: labels, the teacher's outputs, the teacher's gradients.

=====================  =============================================  =============
method                 loss                                           in the paper
=====================  =============================================  =============
ordinary learning      ``L(y_S, y*)``                                 OL
output distillation    ``L(y_S, y*) + w T^2 H(y_T / T, y_S / T)``     TD
back-distillation      ``L(y_S, y*) + w residual``                    BD, Eq. 3
=====================  =============================================  =============
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from legonet.data.pictures import VOID
from legonet.distill.examples import Examples, stratified

if TYPE_CHECKING:
    from collections.abc import Callable

    from legonet.modules.adapter import Adapter

    Residual = Callable[[Adapter, torch.Generator | None], Tensor]

FEW = 40
"""Up to so many examples are held out in turn, a third after the other; of more, a quarter once."""


@dataclass(frozen=True)
class Objective:
    """A loss over examples and gradients, the task module behind the adapter.

    Args:
        task_module: g_S, frozen.
        examples: Features with answers; None where there are no pictures.
        batch_size: Examples a step.
        task_weight: Weight of the answers; examples without one do not count.
        teacher_weight: Weight of the teacher's outputs.
        temperature: Divides both outputs before they are compared.
        residual: Relative residual of the gradients, as a function of the adapter and of the
            generator that draws some of them; of all of them without one.
        held_out_residual: The same on held-out gradients.
        residual_weight: Its weight.
    """

    task_module: nn.Module
    examples: Examples | None
    batch_size: int = 32
    task_weight: float = 1.0
    teacher_weight: float = 0.0
    temperature: float = 1.0
    residual: Residual | None = None
    held_out_residual: Residual | None = None
    residual_weight: float = 0.0

    def taught(self, weight: float, temperature: float) -> Objective:
        """Return this objective with the teacher's outputs in it."""
        return replace(self, teacher_weight=weight, temperature=temperature)

    def matched(self, residual: Residual, held_out: Residual, weight: float) -> Objective:
        """Return this objective with the teacher's gradients in it."""
        return replace(self, residual=residual, held_out_residual=held_out, residual_weight=weight)

    def losses(self, adapter: Adapter, generator: torch.Generator) -> dict[str, Tensor]:
        """Return the loss of a random batch by its terms, scalars with history.

        The terms are ``task``, ``teacher`` and ``gradients``, as far as they have weight, each
        with its weight in it.
        """
        terms = {}
        if self.examples is not None:
            if self.task_weight and len(self.examples.labelled):
                terms["task"] = self._task(adapter, self.examples.take(self._balanced(generator)))
            if self.teacher_weight:
                drawn = torch.randperm(len(self.examples), generator=generator)[: self.batch_size]
                terms["teacher"] = self._teacher(adapter, self.examples.take(drawn))
        if self.residual is not None and self.residual_weight:
            residual = self.residual(adapter, generator).to(adapter.scale)
            terms["gradients"] = self.residual_weight * residual
        return terms

    @property
    def is_empty(self) -> bool:
        """Whether no term has any weight, so that there is nothing to learn from."""
        pictures = self.examples is not None and (
            bool(self.teacher_weight) or bool(self.task_weight and len(self.examples.labelled))
        )
        return not pictures and (self.residual is None or not self.residual_weight)

    @torch.no_grad()
    def held_out(self, adapter: Adapter) -> float:
        """Return the loss on all examples; on held-out gradients where there are no examples."""
        if self.examples is None:
            residual = self.held_out_residual or self.residual
            return 0.0 if residual is None else float(residual(adapter, None))
        total = 0.0
        labelled = self.examples.labelled
        if self.task_weight and len(labelled):
            for positions in torch.split(labelled, 2 * self.batch_size):
                part = self._task(adapter, self.examples.take(positions))
                total += float(part) * len(positions) / len(labelled)
        if self.teacher_weight:
            for positions in torch.split(torch.arange(len(self.examples)), 2 * self.batch_size):
                part = self._teacher(adapter, self.examples.take(positions))
                total += float(part) * len(positions) / len(self.examples)
        return total

    def folds(self, generator: torch.Generator) -> list[tuple[Objective, Objective]]:
        """Return pairs of objectives, to train on and to stop by, that share no picture.

        What is held out is seen once, as it is, however many views of it there are.
        """
        if self.examples is None:
            return [(self, self)]
        first = self.examples.first_views
        count = len(first)
        wanted = 3 if count <= FEW else 4
        dealt = stratified(self.examples.labels[first], min(wanted, count), generator)
        parts = [first[part] for part in dealt]
        if len(parts) < 2:
            return []
        pairs = []
        for part in parts if count <= FEW else parts[:1]:
            held_out = self.examples.take(part)
            rest = (~torch.isin(self.examples.pictures, held_out.pictures)).nonzero()[:, 0]
            seen = self.examples.take(rest)
            pairs.append((replace(self, examples=seen), replace(self, examples=held_out)))
        return pairs

    def answer(self, adapter: Adapter, features: Tensor) -> Tensor:
        """Return the task module's outputs behind the adapter."""
        # The task module may begin with a layer that works in place.
        outputs: Tensor = self.task_module(adapter(features).clone())
        return outputs

    def _task(self, adapter: Adapter, batch: Examples) -> Tensor:
        return self.task_weight * task_loss(self.answer(adapter, batch.features), batch.answers)

    def _teacher(self, adapter: Adapter, batch: Examples) -> Tensor:
        outputs = self.answer(adapter, batch.features)
        return self.teacher_weight * teacher_loss(outputs, batch.taught, self.temperature)

    def _balanced(self, generator: torch.Generator) -> Tensor:
        """Draw a batch of labelled examples, as many of each label as of any other."""
        if self.examples is None:
            return torch.empty(0, dtype=torch.int64)
        labelled = self.examples.labelled
        if len(labelled) <= self.batch_size:
            return labelled
        labels = self.examples.labels.cpu()[labelled]
        _, kinds, counts = torch.unique(labels, return_inverse=True, return_counts=True)
        drawn = torch.multinomial(
            1 / counts[kinds].double(), self.batch_size, True, generator=generator
        )
        return labelled[drawn]


def task_loss(outputs: Tensor, answers: Tensor) -> Tensor:
    """Return the mean cross-entropy with the answers; void pixels do not count.

    Args:
        outputs: Logits, ``(N, K)`` or ``(N, K, H, W)``; ``K = 1`` is a single category.
        answers: ``(N,)`` or ``(N, H, W)``, int64.
    """
    if outputs.shape[1] > 1:
        if bool((answers == VOID).all()):
            return outputs.sum() * 0
        return functional.cross_entropy(outputs, answers, ignore_index=VOID)
    counted = (answers != VOID).to(outputs)
    losses = functional.binary_cross_entropy_with_logits(
        outputs[:, 0], (answers == 1).to(outputs), reduction="none"
    )
    return (losses * counted).sum() / counted.sum().clamp(min=1)


def teacher_loss(outputs: Tensor, taught: Tensor, temperature: float) -> Tensor:
    """Return the cross-entropy with the teacher's softened outputs, times ``T^2``.

    The factor keeps the size of the gradient as the temperature changes (Hinton, Vinyals, Dean,
    "Distilling the Knowledge in a Neural Network", 2015).

    Args:
        outputs: The student's logits, ``(N, K)`` or ``(N, K, H, W)``.
        taught: The teacher's, of the same shape.
        temperature: T.
    """
    if outputs.shape[1] == 1:
        loss = functional.binary_cross_entropy_with_logits(
            outputs / temperature, (taught / temperature).sigmoid()
        )
    else:
        loss = functional.cross_entropy(outputs / temperature, (taught / temperature).softmax(1))
    return loss * temperature**2
