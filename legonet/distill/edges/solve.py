"""Adapters that are solved from moments of pseudo-gradients instead of being trained."""

from __future__ import annotations

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from legonet.diagnostics import DiagnosticError
from legonet.distill.pseudo_gradients.moments import Moments, kernel_of

PULL = 3.0
"""Strength of the pull towards the stitched adapter: 1 to 10 gave the same result within noise."""

LEAST_PIVOT = 1e-7
"""Smallest pivot of a Cholesky factor over its largest, about the root of double precision."""


def least_squares(moments: Moments, ridge: float = 1e-6) -> Tensor:
    """Return the kernel with the smallest residual, ``(C_S, C_T, k, k)`` in float64.

    It solves the normal equations ``(M + ridge mean(diag M) I) K = R``: for one conv and an adapter
    ReLU of the first kind, the distillation loss is linear least squares.

    Raises:
        DiagnosticError: They have no unique solution (``LEGO622``).
    """
    moments = moments.cpu()
    strength = ridge * float(moments.student.diagonal().mean())
    return kernel_of(_solved(moments, strength, moments.cross), moments.kernel)


def pulled(moments: Moments, towards: Tensor, pull: float = PULL) -> Tensor:
    """Return a kernel with a small residual that is not far from a given one.

    It solves ``(M + pull mean(diag M) I) K = R + pull mean(diag M) K_0`` at the middle of the
    kernel.

    Args:
        moments: Of pseudo-gradients.
        towards: K_0, ``(C_S, C_T)``, in the scale of ``R``.
        pull: Strength of the pull, relative to the mean energy of a channel of u.

    Returns:
        ``(C_S, C_T, 1, 1)`` in float64.

    Raises:
        DiagnosticError: As for `least_squares`.
    """
    centre = moments.centre().cpu()
    strength = pull * float(centre.student.diagonal().mean())
    wanted = centre.cross + strength * towards.to(centre.cross)
    return kernel_of(_solved(centre, strength, wanted), 1)


def _solved(moments: Moments, added: float, wanted: Tensor) -> Tensor:
    """Return ``(M + added I)^-1 wanted``."""
    matrix = moments.student
    if not (matrix.isfinite().all() and wanted.isfinite().all()):
        raise DiagnosticError.of(
            "LEGO621",
            "the moments of the pseudo-gradients are not finite numbers",
            label="nothing to solve",
            help=["check the networks' weights for numbers that are infinite or not a number"],
        )
    regular = matrix + added * torch.eye(len(matrix), dtype=matrix.dtype)
    factor, failed = torch.linalg.cholesky_ex(regular)
    pivots = factor.diagonal()
    # Pivots below the rounding error of the largest one are noise, and would be divided by.
    if int(failed) or float(pivots.min() / pivots.max()) < LEAST_PIVOT:
        raise DiagnosticError.of(
            "LEGO622",
            f"the normal equations are singular: {moments.samples} pairs of pseudo-gradients do "
            f"not determine a kernel of {moments.kernel}x{moments.kernel}",
            label="no unique solution",
            help=[
                "raise `pairs`",
                "give the maps more variety: `relu_places: all`, `channel_shared: false`",
                "or begin with `stitching`, which needs no gradients",
            ],
        )
    return torch.cholesky_solve(wanted, factor)


def assignment(moments: Moments) -> Tensor:
    """Return the kernel that sends each channel to the one it resembles most.

    Channels of u and v are matched one to one so that the sum of correlations
    ``R_oc / sqrt(M_oo V_c)`` is largest, with the scale ``sqrt(V_c / M_oo)`` for each match, at the
    middle of the kernel. Where one side has more channels, its worst ones stay unmatched.

    Returns:
        ``(C_S, C_T, k, k)`` in float64.
    """
    centre = moments.centre().cpu()
    correlation = correlations(centre).numpy()
    rows, columns = (torch.as_tensor(side) for side in linear_sum_assignment(-correlation))
    matched = torch.zeros_like(centre.cross)
    energy = centre.student.diagonal()[rows]
    scale = torch.where(energy > 0, centre.teacher[columns] / energy.clamp(min=1e-300), 0.0)
    matched[rows, columns] = scale.sqrt()
    kernel = torch.zeros(*matched.shape, moments.kernel, moments.kernel, dtype=matched.dtype)
    kernel[:, :, moments.kernel // 2, moments.kernel // 2] = matched
    return kernel


def correlations(moments: Moments) -> Tensor:
    """Return ``R_oc / sqrt(M_oo V_c)``, ``(C_S, C_T)``; 0 where a channel is silent."""
    centre = moments.centre().cpu()
    norms = (centre.student.diagonal()[:, None] * centre.teacher[None, :]).sqrt()
    return torch.where(norms > 0, centre.cross / norms.clamp(min=1e-300), 0.0)


def matched_correlation(moments: Moments) -> float:
    """Return the mean correlation of channels that are matched one to one.

    Near 1, the hidden units of both task modules correspond, as with a common ancestor; near 0,
    they do not.
    """
    correlation = correlations(moments)
    rows, columns = linear_sum_assignment(-correlation.numpy())
    return float(correlation[rows, columns].mean())
