"""Stitching: least squares from one network's features to another's, without gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Features:
    """Means and covariances of features of the same pictures, over pictures and positions.

    Args:
        mean: Of x = f(I), ``(C_T,)``, float64.
        own_mean: Of y = f_S(I), ``(C_S,)``.
        covariance: S of x, ``(C_T, C_T)``.
        cross: Q of x and y, ``(C_T, C_S)``.
        own_variance: Of y, ``(C_S,)``.
    """

    mean: Tensor
    own_mean: Tensor
    covariance: Tensor
    cross: Tensor
    own_variance: Tensor

    @classmethod
    def of(cls, batches: Iterable[tuple[Tensor, Tensor]]) -> Features:
        """Return the moments of batches of f(I) and f_S(I), ``(B, C, H, W)`` each."""
        count = 0
        sums = [torch.zeros((), dtype=torch.float64) for _ in range(5)]
        for features, own in batches:
            x, y = _rows(features), _rows(own)
            count += len(x)
            parts = (x.sum(0), y.sum(0), x.T @ x, x.T @ y, y.square().sum(0))
            sums = [total + part.cpu() for total, part in zip(sums, parts, strict=True)]
        mean, own_mean, square, cross, own_square = (total / count for total in sums)
        return cls(
            mean,
            own_mean,
            square - torch.outer(mean, mean),
            cross - torch.outer(mean, own_mean),
            own_square - own_mean.square(),
        )

    def stitch(self, ridge: float = 1e-3) -> tuple[Tensor, Tensor]:
        """Return the weight ``(C_S, C_T)`` and the bias ``(C_S,)`` of ``y = W x + b``.

        ``W^T = (S + ridge mean(diag S) I)^-1 Q`` and ``b = mean y - W mean x``.
        """
        mean = float(self.covariance.diagonal().mean())
        # Features that never change say nothing: W = 0 and the mean as bias, no singular system.
        added = ridge * mean if mean > 0 else 1.0
        regular = self.covariance + added * torch.eye(len(self.covariance), dtype=torch.float64)
        weight = torch.linalg.solve(regular, self.cross).T
        return weight, self.own_mean - weight @ self.mean

    def explained(self, weight: Tensor) -> float:
        """Return R^2: the share of the variance of y that ``W x`` with its best bias explains."""
        fitted = 2 * (weight.T * self.cross).sum() - (weight @ self.covariance * weight).sum()
        variance = float(self.own_variance.sum())
        return float(fitted) / variance if variance > 0 else 0.0


def _rows(features: Tensor) -> Tensor:
    return features.double().transpose(0, 1).flatten(1).T
