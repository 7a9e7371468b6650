"""How pseudo-gradients are drawn: the options of section 3.2 of the paper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from legonet.language.base import Frozen


class PseudoGradientOptions(Frozen):
    """How pseudo-gradients are drawn, and their norm measured.

    Args:
        relu_maps: What replaces the ReLUs of both task modules: ``random`` maps, maps with each
            channel's ``activation_rates``, or the ``teacher``'s own maps.
        relu_places: Which ReLUs of the task module have maps (the paper's second kind of dummy
            ReLU): ``all``, the ``lowest`` one, or ``none``; the others are the identity (its first
            kind).
        positive_share: Share of ones in random maps.
        channel_shared: Uses one random map for all channels of a ReLU.
        max_pools: What replaces max-pools: ``average``-pools, or selecting what the ``teacher``
            selects. Default: ``teacher`` where ``relu_maps`` is ``teacher``, otherwise
            ``average``.
        adapter_relus: What replaces the adapter's own ReLUs: the ``identity`` (the paper's first
            kind), or ``random`` maps (its second kind).
        output_gradient: ``constant`` 1, or ``random`` in [-1, 1].
        output_grid: Side S of the output gradient's map; above 1, fully connected layers are read
            as convs.
        pairs: Number of pairs of pseudo-gradients to draw.
        norm: Mean norm of a gradient in alpha and lambda: ``frobenius`` or ``mean_absolute``.
    """

    relu_maps: Literal["random", "activation_rates", "teacher"] = "random"
    relu_places: Literal["all", "lowest", "none"] = "all"
    positive_share: float = Field(default=0.5, gt=0, le=1)
    channel_shared: bool = False
    max_pools: Literal["average", "teacher"] = "average"
    adapter_relus: Literal["identity", "random"] = "identity"
    output_gradient: Literal["constant", "random"] = "constant"
    output_grid: int = Field(default=1, ge=1, le=64)
    pairs: int = Field(default=128, ge=1)
    norm: Literal["frobenius", "mean_absolute"] = "frobenius"

    @model_validator(mode="before")
    @classmethod
    def _with_pools(cls, given: Any) -> Any:
        """Let the teacher's maps bring its pool switches."""
        if isinstance(given, Mapping) and given.get("relu_maps") == "teacher":
            return {"max_pools": "teacher", **given}
        return given
