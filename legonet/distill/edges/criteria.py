"""How to judge an adapter without labels: by features and by the donor's or teacher's answers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from legonet.distill.edges.calibrate import calibrate
from legonet.distill.pseudo_gradients.operations import is_layer
from legonet.modules.trace import TraceError, tidy, trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from legonet.distill.edges.edge_context import EdgeContext
    from legonet.goals import Goal
    from legonet.modules.adapter import Adapter
    from legonet.modules.calibration import Calibration

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
    def of(cls, context: EdgeContext, hidden: nn.Module) -> Familiar:
        """Return as many of an edge's pictures as memory should hold.

        Args:
            context: The edge.
            hidden: phi.
        """
        count = _most(sum(torch.Size(shape).numel() for shape in context.shapes))
        pictures = context.familiar.part(slice(count))
        edge = context.edge
        hidden = edge.remembering(hidden, "hidden features")
        donor = edge.remembering(context.task_module, "answers")
        parts = []
        for x, y in context.paired(pictures):
            with torch.no_grad():
                # The task module may begin with a layer that works in place.
                parts.append((x, y, hidden(y.clone()), donor(y.clone())))
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
        self.familiar = Familiar.of(context, self.hidden)
        self.target = Answered.by_teacher(context)

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
        seen = self.familiar
        missed = hidden = 0.0
        answers = []
        for first in range(0, len(seen.features), BATCH):
            part = slice(first, first + BATCH)
            changed = adapter(seen.features[part])
            missed += float((changed - seen.own_features[part]).double().square().sum())
            away = self.hidden(changed.clone()) - seen.hidden[part]
            hidden += float(away.double().square().sum())
            answers.append(self._task_module(changed))
        spread = seen.own_features.double().var((0, 2, 3), correction=0).sum()
        positions = seen.own_features.numel() / seen.own_features.shape[1]
        energy = float(seen.hidden.double().square().sum())
        figures = {
            "features_r2": 1 - missed / (positions * float(spread)) if spread > 0 else None,
            "hidden_loss": hidden / energy if energy > 0 else None,
            "donor_loss": float(self._losses(torch.cat(answers), seen.donor).mean()),
        }
        if self.target is not None:
            found = torch.cat(list(self._answers(adapter, self.target.features)))
            figures["teacher_loss"] = float(self._losses(found, self.target.trusted).mean())
            figures["agreement"] = agreement(self._goal, found, self.target.trusted)
        return figures

    @torch.no_grad()
    def agreement(self, adapter: Adapter) -> float | None:
        """Return how often the answer is the teacher's; None without pictures of the category."""
        if self.target is None:
            return None
        found = torch.cat(list(self._answers(adapter, self.target.features)))
        return agreement(self._goal, found, self.target.trusted)

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
        answers = torch.cat(list(self._answers(adapter, self.judges.features)))
        return self._losses(answers, self.judges.trusted)

    @torch.no_grad()
    def calibration(self, adapter: Adapter) -> Calibration | None:
        """Return what brings an adapter's answers closest to those that can be trusted.

        These are the teacher's on pictures of the category or, where there are none, the donor's
        own on familiar pictures. Only a single category's answer has a threshold to correct.
        """
        if not self._single:
            return None
        features, trusted = self.familiar.features, self.familiar.donor
        if self.target is not None:
            features, trusted = self.target.features, self.target.trusted
        return calibrate(torch.cat(list(self._answers(adapter, features))), trusted)

    def _answers(self, adapter: Adapter, features: Tensor) -> Iterator[Tensor]:
        for first in range(0, len(features), BATCH):
            yield self._task_module(adapter(features[first : first + BATCH]))

    def _losses(self, answers: Tensor, trusted: Tensor) -> Tensor:
        """Return each picture's cross-entropy with trusted answers, after the best calibration."""
        if self._single:
            calibration = calibrate(answers, trusted)
            if calibration is not None:
                answers = calibration.to(answers.device)(answers)
        pairs = zip(answers.double().cpu(), trusted.double().cpu(), strict=True)
        loss = self._goal.teacher_loss
        return torch.stack([loss(one[None], other[None], 1.0) for one, other in pairs])


def agreement(goal: Goal, answers: Tensor, trusted: Tensor) -> float:
    """Return how much answers agree with trusted ones, as the goal has it.

    Giving the same answer every time scores 0.5 for a single category.

    Args:
        goal: What the answers are.
        answers: Logits, ``(N, K)`` or ``(N, K, H, W)``.
        trusted: Logits of the same shape.
    """
    own, other = (goal.decide(outputs).cpu().numpy() for outputs in (answers, trusted))
    return goal.agreement(own, other)


WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d)
"""Layers with weights that could be a network's last."""

WEIGHTED_FUNCTIONS = (functional.linear, functional.conv2d)
"""The same as functions."""


def hidden_features(task_module: nn.Module) -> nn.Module:
    """Return a task module up to its last layer with weights.

    It takes what the task module takes and returns the input of its last linear or convolutional
    layer, ``(N, ..)``. A module that is not a graph of layers, or that has no such layer, is
    returned as it is: its answer is the last thing known about it.

    Args:
        task_module: g_S, frozen; it is not changed, and its weights are shared.
    """
    try:
        graph = trace(task_module, lambda item, _: not is_layer(item))
    except TraceError:
        return task_module
    last = [node for node in graph.nodes if _is_weighted(task_module, node)]
    if not last:
        return task_module
    (output,) = (node for node in graph.nodes if node.op == "output")
    output.args = (last[-1].args[0],)
    tidy(graph)
    return fx.GraphModule(task_module, graph, class_name="HiddenFeatures")


def _is_weighted(module: nn.Module, node: fx.Node) -> bool:
    if node.op == "call_module":
        return isinstance(module.get_submodule(str(node.target)), WEIGHTED)
    return node.target in WEIGHTED_FUNCTIONS
