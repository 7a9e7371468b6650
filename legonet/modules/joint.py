"""One answer of several: from logits of single categories to logits of a label.

Each edge gives a calibrated logit ``s_k = log P(k | x) - log P(background | x)`` of a picture that
shows category k or the background. The background is the same for all of them, so that it is the
reference category of a multinomial logit model, whose terms may be fitted one by one (Begg and
Gray, "Calculation of polychotomous logistic regression parameters using individualized
regressions", 1984):

    P(k | x) = exp(s_k) / (1 + sum_j exp(s_j)),    P(background | x) = 1 / (1 + sum_j exp(s_j)).

The same follows for independent answers that are yes with probability ``sigma(s_k)``, given that
at most one of them is yes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def joint_logits(answers: Sequence[Tensor]) -> Tensor:
    """Return the logits of the background and of each category, whose softmax is the formula above.

    The largest is that of the surest category if it says yes, which is above 0, and otherwise that
    of the background.

    Args:
        answers: Of each category, ``(N, 1)`` or ``(N, 1, H, W)``: above 0 for the category.

    Returns:
        ``(N, 1 + K)`` or ``(N, 1 + K, H, W)``; the background, always 0, is first.
    """
    return torch.cat([torch.zeros_like(answers[0]), *answers], dim=1)
