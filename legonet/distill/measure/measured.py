"""A network on test pictures: its answers, in one pass, and the figures computed from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from legonet.data.pictures import Pictures
from legonet.diagnostics import DiagnosticError
from legonet.distill.measure.answers import answers_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from legonet.goals import Goal
    from legonet.goals.figures.answers import Answers
    from legonet.goals.figures.chance import Chance


@dataclass(frozen=True)
class Measured:
    """How good a network is on some test pictures.

    Args:
        metrics: Its figures, as `measure` describes them.
        outputs: How many outputs it has.
        single: Whether it has one output, which tells a category from all else.
        answers: ``(N,)`` or ``(N, H, W)``: its answers about the pictures that count.
        constant: Whether its output is the same for all of them.
        not_finite: The share of its outputs that are not finite numbers.
        chance: How it compares with a constant answer; None where that cannot be said.
    """

    metrics: dict[str, float]
    outputs: int
    single: bool
    answers: NDArray[Any]
    constant: bool
    not_finite: float
    chance: Chance | None


def measure(
    network: nn.Module | Callable[[Tensor], Tensor],
    pictures: Pictures,
    goal: Goal,
    *,
    device: torch.device | str = "cpu",
) -> dict[str, float]:
    """Return the figures of a network on test pictures: shares from 0 to 1, and one logit.

    With one output, a logit above 0 means the category. ``_low`` and ``_high`` after a name are
    the limits of its 95 % interval.

    - Classification: ``error_rate``, ``error_rate_low``, ``error_rate_high``. With one output, it
      is the mean of the errors on the category's and on the background's pictures, so that the
      same answer to everything scores 0.5; with several outputs, it is the top-1 error. The
      intervals are Wilson's, those of two errors combined by Newcombe's method.
    - Segmentation: ``pixel_accuracy`` and ``iou`` with limits, over all pixels that are not void,
      pooled. With one output, they are taken over the pictures that show the category, and ``iou``
      is the category's; with several, it is the mean over the labels that occur. With one output,
      also ``precision`` and ``recall`` of the category's pixels, and ``balanced_pixel_accuracy``
      with limits: the mean of the shares of the category's and of the background's pixels that are
      right. The intervals come from a bootstrap over pictures.
    - With one output: ``auc``, the area under the ROC curve; ``best_error_rate`` or
      ``best_pixel_accuracy``, at the best threshold for these pictures, and ``best_threshold``
      itself, a logit.
    - ``calibration_error``: the expected calibration error, in 15 bins of equal width of the
      probability of the answer. This and the previous item are left out where an output is not
      finite.

    Args:
        network: Takes ``(N, 3, H, W)`` and returns logits, ``(N, K)`` or ``(N, K, H, W)``. A
            module is measured in evaluation mode, and its mode is restored afterwards.
        pictures: The test pictures with their answers.
        goal: Which figures to compute.
        device: Where the network is.

    Raises:
        DiagnosticError: There is no picture to measure on (``LEGO532``).
    """
    return measured(network, pictures, goal, device=device).metrics


def measured(
    network: nn.Module | Callable[[Tensor], Tensor],
    pictures: Pictures,
    goal: Goal,
    *,
    device: torch.device | str = "cpu",
    apart: bool = False,
) -> Measured:
    """Return the figures of a network with the answers behind them; see `measure`.

    Args:
        network: As for `measure`.
        pictures: As for `measure`.
        goal: As for `measure`.
        device: As for `measure`.
        apart: As for `answers_of`.
    """
    if not len(pictures):
        raise _nothing("pictures")
    truth = goal.truth(pictures.labels, pictures.masks, pictures.values)
    if truth is None:
        raise _nothing("masks" if goal.asks_for == "mask" else "right answers")
    answers = answers_of(network, pictures, goal, torch.device(device), apart=apart)
    images = pictures.images
    counted = goal.counted(pictures.labels, single=answers.single)
    if not counted.all():
        answers, truth, images = answers.take(counted), truth[counted], images[counted]
    if not goal.known(truth).any():
        raise _nothing("pictures of the category")
    metrics, chance = goal.figures(answers, truth, images)
    not_finite = float((~np.isfinite(answers.scores)).mean())
    return Measured(
        metrics,
        answers.outputs,
        answers.single,
        answers.labels,
        _is_constant(answers),
        not_finite,
        chance,
    )


def as_taught(
    pictures: Pictures,
    teacher: nn.Module | Callable[[Tensor], Tensor],
    goal: Goal,
    *,
    device: torch.device | str = "cpu",
) -> Pictures:
    """Return pictures with a teacher's answers for the right ones, which are not known.

    Raises:
        DiagnosticError: There is no picture (``LEGO532``).
    """
    if not len(pictures):
        raise _nothing("pictures")
    answers = answers_of(teacher, pictures, goal, torch.device(device)).labels
    if goal.asks_for == "label":
        return Pictures(pictures.images, answers.astype(np.int64))
    labels = np.zeros(len(pictures), np.int64)
    if goal.asks_for == "mask":
        return Pictures(pictures.images, labels, answers)
    return Pictures(pictures.images, labels, values=answers)


def _is_constant(answers: Answers) -> bool:
    """Return whether all outputs are the same, up to rounding."""
    if not np.isfinite(answers.scores).all() or (answers.labels != answers.labels.flat[0]).any():
        return False
    return bool(np.ptp(answers.scores) <= 1e-6 * max(1.0, float(np.abs(answers.scores).max())))


def _nothing(what: str) -> DiagnosticError:
    return DiagnosticError.of(
        "LEGO532",
        f"expected test {what} to measure a network on, found none",
        label="nothing to measure on",
        help=["the `data` block needs pictures of the category in its test split"],
    )
