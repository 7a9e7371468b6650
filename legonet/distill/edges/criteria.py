"""How to judge an adapter without labels: by features and by the donor's or teacher's answers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

import torch
from torch import Tensor, nn

from legonet.distill.edges.calibrate import calibrate
from legonet.distill.edges.hidden_features import hidden_features, with_hidden_features
from legonet.modules.digest import state_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from legonet.distill.edges.edge_context import EdgeContext
    from legonet.modules.adapter import Adapter
    from legonet.modules.calibration import Calibration

Made = TypeVar("Made")

LARGEST_FEATURES = 2**28
"""Most numbers in the features of all pictures together: a gigabyte."""

BATCH = 32
"""Pictures that run through the task module at once."""


@dataclass(frozen=True)
class Familiar:
    """Pictures that the task module knows, as both sides see them.

    Args:
        name: How many pictures of what kind, for a certificate.
        features: x = f(I), ``(N, C_T, H, W)``.
        own_features: y = f_S(I), ``(N, C_S, H, W)``.
        hidden: phi(y), the last hidden features of g_S, ``(N, ..)``.
        donor: g_S(y), the donor's answers.
    """

    name: str
    features: Tensor
    own_features: Tensor
    hidden: Tensor
    donor: Tensor

    @classmethod
    def of(cls, context: EdgeContext, task_module: nn.Module) -> Familiar:
        """Return as many of an edge's pictures as memory should hold.

        Args:
            context: The edge.
            task_module: g_S, which returns phi and its answer.
        """
        count = _most(sum(torch.Size(shape).numel() for shape in context.shapes))
        pictures = context.familiar.part(slice(count))
        donor = context.edge.remembering(task_module, "hidden features and answers")
        parts = []
        for x, y in context.paired(pictures):
            with torch.no_grad():
                # The task module may begin with a layer that works in place.
                parts.append((x, y, *donor(y.clone())))
        return cls(pictures.counted, *_joined(parts))


@dataclass(frozen=True)
class Answered:
    """Pictures, and answers about them that can be trusted.

    Args:
        name: How many pictures of what kind, for a certificate.
        features: x = f(I), ``(N, C_T, H, W)``.
        trusted: The answers.
    """

    name: str
    features: Tensor
    trusted: Tensor

    @classmethod
    def by_teacher(cls, context: EdgeContext) -> Answered | None:
        """Return pictures of the category and background with the teacher's answers, if any.

        As many as memory should hold.
        """
        if context.target is None:
            return None
        pictures = context.target.part(slice(_most(torch.Size(context.shapes[0]).numel())))
        modules = context.edge.category_module, context.edge.teacher
        return cls(pictures.counted, *_joined(context.batches(pictures.images, *modules)))

    @classmethod
    def by_donor(cls, context: EdgeContext) -> Answered:
        """Return pictures that g_S knows, and that no adapter saw, with the donor's answers.

        As many as memory should hold.
        """
        count = _most(sum(torch.Size(shape).numel() for shape in context.shapes))
        pictures = context.unseen.part(slice(count))
        donor = context.edge.remembering(context.task_module, "answers")
        with torch.no_grad():
            # The task module may begin with a layer that works in place.
            parts = ((x, donor(y.clone())) for x, y in context.paired(pictures))
            return cls(pictures.counted, *_joined(parts))


@dataclass(frozen=True)
class Comparison:
    """How an adapter's answers compare with answers that can be trusted.

    Args:
        losses: Each picture's cross-entropy after the best calibration, ``(N,)`` in float64.
        agreement: How much the answers agree without calibration, as the goal has it; giving the
            same answer every time scores 0.5 for a single category.
        differing: About how many pictures the answers differ at all after the best calibration.
        calibration: The best one; None where the goal has none, or nothing can be fitted.
    """

    losses: Tensor
    agreement: float
    differing: int
    calibration: Calibration | None


def _joined(parts: Iterable[Sequence[Tensor]]) -> tuple[Tensor, ...]:
    return tuple(torch.cat(column) for column in zip(*parts, strict=True))


def _most(numbers: int) -> int:
    """Return how many pictures memory should hold, given the numbers for each."""
    return max(1, LARGEST_FEATURES // numbers)


class Criteria:
    """Judges adapters of one edge by what can be measured on the available pictures.

    Args:
        context: The edge.

    Attributes:
        outputs: How many outputs the task module has.
        hidden: phi, the task module up to its last layer of weights.
        familiar: Pictures that the task module knows, or synthetic ones.
        target: Pictures of the category and background with the teacher's answers; None where
            there are none.
    """

    def __init__(self, context: EdgeContext) -> None:
        self._context = context
        self._goal = context.edge.goal
        self._task_module = context.task_module
        self.outputs = context.answers[0][0]
        self._single = self._goal.is_single(self.outputs)
        self.hidden = hidden_features(self._task_module)
        self._with_hidden = with_hidden_features(self._task_module)
        self.familiar = Familiar.of(context, self._with_hidden)
        self.target = Answered.by_teacher(context)
        self._measured: dict[tuple[str, str], object] = {}

    @torch.no_grad()
    def figures(self, adapter: Adapter) -> dict[str, Any]:
        """Return what can be measured of an adapter, as values of a certificate.

        - ``features_r2``: the share of the variance of f_S(I) that h(f(I)) explains, after the
          adapter's activation, on familiar pictures;
        - ``hidden_loss``: ``sum ||phi(h(x)) - phi(y)||^2 / sum ||phi(y)||^2`` on the same pictures;
        - ``donor_loss`` and ``teacher_loss``: cross-entropy of the answers after h with the
          donor's answers on familiar pictures, and with the teacher's on pictures of the category,
          each after the best calibration;
        - ``agreement``: how often the answer is the teacher's, averaged over classes.
        """
        figures, donor = self._once(self._on_familiar, adapter)
        found = {**figures, "donor_loss": float(donor.losses.mean())}
        if self.target is not None:
            teacher = self._once(self._on_judges, adapter)
            found["teacher_loss"] = float(teacher.losses.mean())
            found["agreement"] = teacher.agreement
        return found

    @torch.no_grad()
    def agreement(self, adapter: Adapter) -> float | None:
        """Return how often the answer is the teacher's; None without pictures of the category."""
        # Where there is a target, its pictures are the judges.
        return None if self.target is None else self._once(self._on_judges, adapter).agreement

    @cached_property
    def judges(self) -> Answered:
        """What decides between adapters: answers that can be trusted.

        They are the teacher's on pictures of the category or, where there are none, the donor's on
        pictures that it knows and from which no adapter was made. The size of an answer does not
        matter, as it is calibrated; so an adapter whose features vary too little has no advantage,
        as it has by squared errors.
        """
        return self.target or Answered.by_donor(self._context)

    @property
    def deciding(self) -> str:
        """What `deciding_losses` measures, for a certificate."""
        whose = "donor" if self.target is None else "teacher"
        return f"the {whose}'s answers on {self.judges.name} pictures"

    @torch.no_grad()
    def deciding_losses(self, adapter: Adapter) -> Tensor:
        """Return what decides between adapters, picture by picture, ``(N,)`` in float64.

        It is the cross-entropy with the answers of `judges`, after the best calibration.
        """
        return self._once(self._on_judges, adapter).losses

    @torch.no_grad()
    def differing(self, adapter: Adapter) -> tuple[int, int]:
        """Return about how many pictures of `judges` an answer is another one, and of how many.

        That is as much as any other adapter could be better.
        """
        found = self._once(self._on_judges, adapter)
        return found.differing, len(found.losses)

    @torch.no_grad()
    def calibration(self, adapter: Adapter) -> Calibration | None:
        """Return what brings an adapter's answers closest to those that can be trusted.

        These are the teacher's on pictures of the category or, where there are none, the donor's
        own on familiar pictures. Only a single category's answer has a threshold to correct.
        """
        if self.target is not None:
            return self._once(self._on_judges, adapter).calibration
        return self._once(self._on_familiar, adapter)[1].calibration

    def _once(self, measure: Callable[[Adapter], Made], adapter: Adapter) -> Made:
        """Return a measurement of an adapter, made once for the same weights."""
        key = measure.__name__, state_digest(adapter)
        if key not in self._measured:
            self._measured[key] = measure(adapter)
        return cast("Made", self._measured[key])

    def _on_familiar(self, adapter: Adapter) -> tuple[dict[str, float | None], Comparison]:
        """Return how an adapter's features fit on familiar pictures, and its answers."""
        seen = self.familiar
        missed = hidden = 0.0
        answers = []
        for first in range(0, len(seen.features), BATCH):
            part = slice(first, first + BATCH)
            changed = adapter(seen.features[part])
            missed += float((changed - seen.own_features[part]).double().square().sum())
            found, answer = self._with_hidden(changed)
            hidden += float((found - seen.hidden[part]).double().square().sum())
            answers.append(answer)
        spread = seen.own_features.double().var((0, 2, 3), correction=0).sum()
        positions = seen.own_features.numel() / seen.own_features.shape[1]
        energy = float(seen.hidden.double().square().sum())
        figures = {
            "features_r2": 1 - missed / (positions * float(spread)) if spread > 0 else None,
            "hidden_loss": hidden / energy if energy > 0 else None,
        }
        return figures, self._compared(torch.cat(answers), seen.donor)

    def _on_judges(self, adapter: Adapter) -> Comparison:
        """Return an adapter's answers beside those of `judges`."""
        found = torch.cat(list(self._answers(adapter, self.judges.features)))
        return self._compared(found, self.judges.trusted)

    def _answers(self, adapter: Adapter, features: Tensor) -> Iterator[Tensor]:
        for first in range(0, len(features), BATCH):
            yield self._task_module(adapter(features[first : first + BATCH]))

    def _compared(self, answers: Tensor, trusted: Tensor) -> Comparison:
        calibration = calibrate(answers, trusted) if self._single else None
        calibrated = answers
        if calibration is not None:
            calibrated = calibration.to(answers.device)(answers)
        pairs = zip(calibrated.double().cpu(), trusted.double().cpu(), strict=True)
        loss = self._goal.teacher_loss
        losses = torch.stack([loss(one[None], other[None], 1.0) for one, other in pairs])
        raw, own, other = (
            self._goal.decide(side).cpu().numpy() for side in (answers, calibrated, trusted)
        )
        differing = int((own != other).reshape(len(own), -1).any(1).sum())
        return Comparison(losses, self._goal.agreement(raw, other), differing, calibration)
