"""Calibrating an edge's answers: a scale and an offset fitted to trusted answers.

Platt scaling with soft targets: the logits s of the student become ``a s + b`` so that their
probabilities are those of the trusted logits t,

    min over a > 0 and b of  sum H(sigma(t), sigma(a s + b)).

So 0 is the right threshold, and the answers of several edges can be compared. The order of answers
does not change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from legonet.modules.calibration import Calibration

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRIOR = 1e-3
"""Pull of ``log a`` and ``b`` towards 0, added to a mean loss, so separable answers converge."""

MOST = 1_000_000
"""Answers to fit, at most; of more, every n-th is used."""


def calibrate(answers: Tensor, trusted: Tensor) -> Calibration | None:
    """Return the calibration that brings answers closest to trusted ones.

    Args:
        answers: The student's logits, any shape.
        trusted: The logits that they should match, of the same shape.

    Returns:
        None where nothing can be fitted: there are no answers, or they are all the same.
    """
    found, wanted = (side.detach().double().flatten().cpu() for side in (answers, trusted))
    step = max(1, -(-len(found) // MOST))
    s, t = found[::step].numpy(), torch.sigmoid(wanted[::step]).numpy()
    spread = float(np.std(s)) if len(s) else 0.0
    if not spread > 1e-9 * (1 + float(np.abs(s).max(initial=0))):
        return None

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scale, offset = np.exp(parameters[0]), parameters[1]
        logits = scale * s + offset
        mean = float(np.mean(np.logaddexp(0, logits) - t * logits))
        wrong = 1 / (1 + np.exp(-np.clip(logits, -700, 700))) - t
        slope = np.array([np.mean(wrong * scale * s), np.mean(wrong)])
        return mean + PRIOR * float(parameters @ parameters), slope + 2 * PRIOR * parameters

    solved = minimize(loss, np.zeros(2), jac=True, method="L-BFGS-B", bounds=[(-5, 5), (-50, 50)])
    return Calibration(float(np.exp(solved.x[0])), float(solved.x[1]))
