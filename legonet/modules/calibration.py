"""The calibration of an edge: a scale and an offset for its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX = "calibration."


class Calibration(nn.Module):
    """``scale * answer + offset``, after a task module whose own weights stay frozen.

    It makes 0 the right threshold of an edge's answer, and the answers of several edges
    comparable (Platt, "Probabilistic Outputs for Support Vector Machines", 1999).

    Args:
        scale: Above 0, so that the order of answers does not change.
        offset: Added to the scaled answer.
    """

    scale: Tensor
    offset: Tensor

    def __init__(self, scale: float = 1.0, offset: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("scale", torch.tensor(float(scale)))
        self.register_buffer("offset", torch.tensor(float(offset)))

    def forward(self, answers: Tensor) -> Tensor:
        """Return calibrated logits, ``(N, K)`` or ``(N, K, H, W)``, like the answers."""
        calibrated: Tensor = self.scale * answers + self.offset
        return calibrated


def with_calibration(
    adapter: Mapping[str, Tensor], calibration: Calibration | None
) -> dict[str, Tensor]:
    """Return the tensors of an edge: those of its adapter, and of its calibration if it has one."""
    tensors = dict(adapter)
    if calibration is not None:
        tensors |= {_PREFIX + name: item for name, item in calibration.state_dict().items()}
    return tensors


def without_calibration(
    tensors: Mapping[str, Tensor],
) -> tuple[dict[str, Tensor], Calibration | None]:
    """Return an adapter's tensors and the calibration that `with_calibration` joined."""
    own = {name: item for name, item in tensors.items() if not name.startswith(_PREFIX)}
    if len(own) == len(tensors):
        return own, None
    calibration = Calibration()
    calibration.load_state_dict(
        {name.removeprefix(_PREFIX): tensors[name] for name in tensors.keys() - own.keys()}
    )
    return own, calibration
