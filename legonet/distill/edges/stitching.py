"""Stitching: a conv from one network's features to another's, without gradients.

Least squares gives the conv that predicts the other features best. Where its R^2 is below 1, it
also shrinks them: its predictions vary less than the task module is used to, so the task module
answers too timidly. *Variance matching* rescales each channel to the mean and the variance
that the task module is used to, after the adapter's ReLU where it has one (after Jordan et al.,
"REPAIR: REnormalizing Permuted Activations for Interpolation Repair", 2023, who rescale the
channels of merged networks).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from legonet.diagnostics import DiagnosticError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from legonet.modules.adapter import Activation

SAMPLED = 1024
"""Positions of each batch that are kept for what moments do not reveal."""

HALVINGS = 60
"""Times that the interval of a threshold is halved, down to the rounding of a double."""


@dataclass(frozen=True)
class Stitch:
    """A conv from x to y.

    Args:
        weight: ``(C_S, C_T, k, k)``, float64.
        bias: ``(C_S,)``, float64.
    """

    weight: Tensor
    bias: Tensor


@dataclass(frozen=True)
class Features:
    """Means and covariances of features of the same pictures, over pictures and positions.

    With a kernel size above 1, x stands for the patches of f(I), ``C_T k^2`` numbers each.

    Args:
        kernel: Kernel size k of the conv that they are for.
        mean: Of x = f(I), ``(C_T k^2,)``, float64.
        own_mean: Of y = f_S(I), ``(C_S,)``.
        covariance: S of x, ``(C_T k^2, C_T k^2)``.
        cross: Q of x and y, ``(C_T k^2, C_S)``.
        own_variance: Of y, ``(C_S,)``.
        sample: x and y at some positions, ``(N, C_T k^2)`` and ``(N, C_S)``.
    """

    kernel: int
    mean: Tensor
    own_mean: Tensor
    covariance: Tensor
    cross: Tensor
    own_variance: Tensor
    sample: tuple[Tensor, Tensor]

    @classmethod
    def of(cls, batches: Iterable[tuple[Tensor, Tensor]], kernel: int = 1) -> Features:
        """Return the moments of batches of f(I) and f_S(I), ``(B, C, H, W)`` each.

        Args:
            batches: At least one batch.
            kernel: Kernel size of the conv that they are for, odd.

        Raises:
            DiagnosticError: A feature is not a finite number (``LEGO606``).
        """
        count = 0
        sums = [torch.zeros((), dtype=torch.float64) for _ in range(5)]
        sampled: list[tuple[Tensor, Tensor]] = []
        for features, own in batches:
            x, y = _patches(features, kernel), _rows(own)
            count += len(x)
            parts = (x.sum(0), y.sum(0), x.T @ x, x.T @ y, y.square().sum(0))
            sums = [total + part.cpu() for total, part in zip(sums, parts, strict=True)]
            step = -(-len(x) // SAMPLED)
            sampled.append((x[::step].cpu(), y[::step].cpu()))
        mean, own_mean, square, cross, own_square = (total / count for total in sums)
        if not all(bool(part.isfinite().all()) for part in (square, own_square, cross)):
            raise DiagnosticError.of(
                "LEGO606",
                "the features of a module are not finite numbers",
                label="a broken module",
                help=["check the networks' weights for numbers that are infinite or not a number"],
            )
        return cls(
            kernel,
            mean,
            own_mean,
            square - torch.outer(mean, mean),
            cross - torch.outer(mean, own_mean),
            (own_square - own_mean.square()).clamp(min=0),
            (torch.cat([x for x, _ in sampled]), torch.cat([y for _, y in sampled])),
        )

    def least_squares(self, ridge: float = 1e-3) -> Stitch:
        """Return ``y = W x + b`` with the least squared error.

        ``W^T = (S + ridge mean(diag S) I)^-1 Q`` and ``b = mean y - W mean x``.
        """
        mean = float(self.covariance.diagonal().mean())
        # Features that never change say nothing: W = 0, the mean as bias, and no singular system.
        added = ridge * mean if mean > 0 else 1.0
        regular = self.covariance + added * torch.eye(len(self.covariance), dtype=torch.float64)
        return self._stitch(torch.linalg.solve(regular, self.cross).T)

    def variance_matched(self, stitch: Stitch, activation: Activation) -> Stitch:
        """Return a stitch with each channel rescaled to the mean and the variance of y.

        Without a ReLU, channel o is multiplied by ``s_o / sqrt((W S W^T)_oo)``, with ``s_o`` the
        standard deviation of y, and ``b = mean y - W mean x``. Where a ReLU r follows, the factor g
        and the bias d are chosen so that ``r(g z + d)`` has the mean and the variance of y on the
        sampled positions.

        Args:
            stitch: The stitch to rescale.
            activation: What follows it.
        """
        rows = stitch.weight.flatten(1)
        spread = ((rows @ self.covariance) * rows).sum(1).clamp(min=0).sqrt()
        wanted = self.own_variance.sqrt()
        # A channel that does not change has no spread to match; least squares gave it its mean.
        alive = (spread > 1e-9 * spread.max()) & (wanted > 0)
        scale = torch.where(alive, wanted / spread.clamp(min=1e-300), 1.0)
        linear = self._stitch(rows * scale[:, None])
        if activation != "relu":
            return linear
        centre, deviation = rows @ self.mean, spread.clamp(min=1e-300)
        z = (self.sample[0] @ rows.T - centre) / deviation
        # Both sides at the same positions, so that an exact stitch is not changed.
        own = self.sample[1]
        factor, threshold = _rectified(z, own.mean(0), own.var(0, correction=0))
        # r(factor (z + threshold)), with z = (W x - centre) / deviation.
        solved = alive & factor.isfinite()
        weight = torch.where(solved, factor / deviation, scale)[:, None] * rows
        bias = torch.where(solved, factor * (threshold - centre / deviation), linear.bias)
        return Stitch(self._shaped(weight), bias)

    def explained(self, stitch: Stitch, activation: Activation = "identity") -> float:
        """Return R^2: the share of the variance of y that a stitch explains.

        Without an activation it is exact, from the moments; after a ReLU, on sampled positions.
        """
        rows = stitch.weight.flatten(1)
        variance = float(self.own_variance.sum())
        if variance <= 0:
            return 0.0
        if activation == "relu":
            x, y = self.sample
            missed = ((x @ rows.T + stitch.bias).relu() - y).square().mean(0).sum()
            return 1 - float(missed) / variance
        away = rows @ self.mean + stitch.bias - self.own_mean
        fitted = 2 * (rows.T * self.cross).sum() - (rows @ self.covariance * rows).sum()
        return float(fitted - away.square().sum()) / variance

    def _stitch(self, rows: Tensor) -> Stitch:
        return Stitch(self._shaped(rows), self.own_mean - rows @ self.mean)

    def _shaped(self, rows: Tensor) -> Tensor:
        return rows.reshape(len(rows), -1, self.kernel, self.kernel)


def _rectified(z: Tensor, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    """Return g and t for each channel, so that ``r(g (z + t))`` has a mean and a variance.

    The ratio of squared mean to variance does not depend on g and grows with t, so t is found by
    halving an interval, and g from the variance.

    Args:
        z: Standardised values, ``(N, C)``.
        mean: Wanted, ``(C,)``.
        variance: Wanted, ``(C,)``, above 0 where the answer is to be used.
    """
    ratio = mean.square() / variance.clamp(min=1e-300)
    low, high = -z.amax(0), ratio.sqrt().clamp(max=1e6) - z.amin(0)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        passed = (z + middle).relu()
        spread = passed.var(0, correction=0)
        below = passed.mean(0).square() < ratio * spread
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    spread = (z + high).relu().var(0, correction=0)
    return (variance / spread).sqrt(), high


def _rows(features: Tensor) -> Tensor:
    return features.double().transpose(0, 1).flatten(1).T


def _patches(features: Tensor, kernel: int) -> Tensor:
    """Return the patch around each position, ``(B H W, C k^2)``, float64."""
    if kernel == 1:
        return _rows(features)
    patches = functional.unfold(features.double(), kernel, padding=kernel // 2)
    return patches.transpose(1, 2).flatten(0, 1)
