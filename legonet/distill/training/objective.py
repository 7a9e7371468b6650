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

from legonet.distill.edges.calibrate import calibrate
from legonet.distill.edges.examples import Examples, stratified

if TYPE_CHECKING:
    from collections.abc import Callable

    from legonet.distill.edges.criteria import Criteria
    from legonet.goals import Goal
    from legonet.modules.adapter import Adapter
    from legonet.modules.calibration import Calibration

    Residual = Callable[[Adapter, torch.Generator | None], Tensor]

FEW = 40
"""Up to this many examples are held out in turn, by thirds; of more, a quarter is held out once."""


MATCHING_BATCH = 32
"""Pictures per step."""

SHARE_HELD_OUT = 4
"""One picture in this many is held out, to decide when to stop."""


@dataclass(frozen=True)
class Objective:
    """A loss over examples and gradients, with the task module after the adapter.

    Args:
        goal: What the answers are, and how far they are from the right ones.
        task_module: g_S, frozen.
        examples: Features with answers; None where there are no pictures.
        batch_size: Examples per step.
        task_weight: Weight of the answers; examples without an answer do not count.
        teacher_weight: Weight of the teacher's outputs.
        temperature: Divides both outputs before they are compared.
        residual: Relative residual of the gradients, as a function of the adapter and of a
            generator that draws some of them; without a generator, of all of them.
        held_out_residual: The same on held-out gradients.
        residual_weight: Its weight.
        calibration: Applied to the answers before they are compared; None for none.
    """

    goal: Goal
    task_module: nn.Module
    examples: Examples | None
    batch_size: int = 32
    task_weight: float = 1.0
    teacher_weight: float = 0.0
    temperature: float = 1.0
    residual: Residual | None = None
    held_out_residual: Residual | None = None
    residual_weight: float = 0.0
    calibration: Calibration | None = None

    @torch.no_grad()
    def calibrated(self, start: Adapter) -> Objective:
        """Return this objective with the answers of a start calibrated to the teacher's.

        Otherwise the first few steps would correct answers that are too confident or shifted, at
        the cost of what the start gets right. The calibration is fixed during training.

        Args:
            start: The adapter with which training begins.
        """
        if self.examples is None or not self.goal.is_single(self.examples.taught.shape[1]):
            return self
        first = self.examples.take(self.examples.first_views)
        places = torch.split(torch.arange(len(first)), 2 * self.batch_size)
        answers = torch.cat([self.answer(start, first.take(part).features) for part in places])
        found = calibrate(answers, first.taught)
        return self if found is None else replace(self, calibration=found.to(answers.device))

    def taught(self, weight: float, temperature: float) -> Objective:
        """Return this objective with the teacher's outputs added."""
        return replace(self, teacher_weight=weight, temperature=temperature)

    def matched(self, residual: Residual, held_out: Residual, weight: float) -> Objective:
        """Return this objective with the teacher's gradients added."""
        return replace(self, residual=residual, held_out_residual=held_out, residual_weight=weight)

    def losses(self, adapter: Adapter, generator: torch.Generator) -> dict[str, Tensor]:
        """Return the loss of a random batch by its terms, scalars with history.

        The terms are ``task``, ``teacher`` and ``gradients``, as far as they have weight, each
        multiplied by its weight.
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
        """Return the whole loss, as in training: over all examples and the held-out gradients.

        A few examples alone may misjudge a descent and would end it long before its gradients
        match the teacher's.
        """
        total = 0.0
        residual = self.held_out_residual or self.residual
        if residual is not None and self.residual_weight:
            total += self.residual_weight * float(residual(adapter, None))
        if self.examples is None:
            return total
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

        Each held-out picture is used once, as it is, however many views of it there are.
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
        """Return the task module's outputs after the adapter."""
        # The task module may begin with a layer that works in place.
        outputs: Tensor = self.task_module(adapter(features).clone())
        return outputs if self.calibration is None else self.calibration(outputs)

    def _task(self, adapter: Adapter, batch: Examples) -> Tensor:
        outputs = self.answer(adapter, batch.features)
        return self.task_weight * self.goal.loss(outputs, batch.answers)

    def _teacher(self, adapter: Adapter, batch: Examples) -> Tensor:
        outputs = self.answer(adapter, batch.features)
        loss = self.goal.teacher_loss(outputs, batch.taught, self.temperature)
        return self.teacher_weight * loss

    def _balanced(self, generator: torch.Generator) -> Tensor:
        """Draw a batch of labelled examples, each label with the same probability."""
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


@dataclass(frozen=True)
class FeatureMatch:
    """Feature matching: an adapter is trained so that g_S treats h(f(I)) like f_S(I).

    The target comes from the donor itself, so that neither a picture of the category nor a label is
    needed: any pictures do, best those on which the donor was trained. The loss is that of the last
    hidden features phi (after Romero et al., "FitNets: Hints for Thin Deep Nets", 2015):
    ``sum ||phi(h(x)) - phi(y)||^2 / sum ||phi(y)||^2``.

    Args:
        hidden: phi, frozen.
        features: x = f(I), ``(N, C_T, H, W)``.
        targets: phi(f_S(I)), ``(N, ..)``.
    """

    hidden: nn.Module
    features: Tensor
    targets: Tensor

    @classmethod
    def of(cls, criteria: Criteria) -> FeatureMatch:
        """Return the loss on the pictures that the task module knows."""
        seen = criteria.familiar
        return cls(criteria.hidden, seen.features, seen.hidden)

    def losses(self, adapter: Adapter, generator: torch.Generator) -> dict[str, Tensor]:
        """Return the loss of a random batch, as the term ``features``."""
        drawn = torch.randperm(len(self.features), generator=generator)[:MATCHING_BATCH]
        drawn = drawn.to(self.features.device)
        features, targets = self.features[drawn], self.targets[drawn]
        missed = (self.hidden(adapter(features)) - targets).square().sum()
        smallest = torch.finfo(targets.dtype).tiny
        return {"features": missed / targets.square().sum().clamp(min=smallest)}

    @torch.no_grad()
    def held_out(self, adapter: Adapter) -> float:
        """Return the loss on all pictures."""
        missed = 0.0
        for first in range(0, len(self.features), MATCHING_BATCH):
            part = slice(first, first + MATCHING_BATCH)
            away = self.hidden(adapter(self.features[part])) - self.targets[part]
            missed += float(away.double().square().sum())
        energy = float(self.targets.double().square().sum())
        return missed / energy if energy else 0.0

    def folds(self, generator: torch.Generator) -> list[tuple[FeatureMatch, FeatureMatch]]:
        """Return the loss on most pictures, to train on, and on the others, to stop by."""
        order = torch.randperm(len(self.features), generator=generator)
        count = len(order) // SHARE_HELD_OUT
        if not count:
            return []
        return [(self._take(order[count:]), self._take(order[:count]))]

    def _take(self, places: Tensor) -> FeatureMatch:
        places = places.to(self.features.device)
        return replace(self, features=self.features[places], targets=self.targets[places])
