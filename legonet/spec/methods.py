"""The forms after ``method:`` in an adapter: how the edge is learned.

The mathematics and the paper's sections stand in ``legonet.distill``; the fields here are its
options.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from legonet.spec.base import Form

Start = Literal[
    "default",
    "identity",
    "solve",
    "least_squares",
    "assignment",
    "stitching",
    "blend",
]
"""Where an adapter begins.

``default`` is torch's own random start, ``identity`` a Dirac kernel, ``least_squares`` and
``assignment`` are solved from pseudo-gradients, ``solve`` takes the assignment where the channels
of the two networks correspond and least squares elsewhere, ``stitching`` is solved from feature
maps, ``blend`` from pseudo-gradients and feature maps together.
"""


class Training(Form):
    """What all trained methods have in common.

    Args:
        init: Where the adapter begins.
        steps: Most gradient steps, which held-out pictures may cut short; 0 keeps the start.
            Unless said 300 from a ``default`` or ``identity`` start, else 150, and none from a
            solved start without pictures.
        learning_rate: Adam's. Unless said 2e-3, but 5e-4 from a solved start with up to 10 samples
            and no unlabelled pictures about which the teacher is asked.
        batch_size: Labelled pictures a step.
    """

    init: Start = "default"
    steps: int | None = Field(default=None, ge=0)
    learning_rate: float | None = Field(default=None, gt=0)
    batch_size: int = Field(default=32, ge=1)


class BackDistillation(Training):
    """Match the gradients that flow back through student and teacher (Eq. 3).

    Args:
        weight: Weight of the gradients' difference beside the task loss.
        scale: What the weight multiplies: the ``relative`` residual, or the paper's squared
            difference over the mean norm of the teacher's gradient (lambda).
        norm: Mean norm of a gradient in alpha and lambda: ``frobenius`` or ``mean_absolute``.
        relu_maps: What the ReLUs of both task modules are replaced with: ``random`` maps, maps
            with each channel's ``activation_rates``, or the ``teacher``'s own maps.
        relu_places: ``all`` ReLUs of the task module, the ``lowest`` one, or ``none``.
        positive_share: Share of ones in random maps.
        channel_shared: One random map for all channels of a ReLU.
        output_gradient: ``constant`` 1, or ``random`` in [-1, 1].
        output_grid: Side S of the output gradient's map; above 1 fully connected layers are read
            as convs.
        pairs: How many pairs of pseudo-gradients are drawn.
    """

    call: ClassVar[str] = "back_distillation"
    init: Start = "solve"
    weight: float = Field(default=1.0, ge=0)
    scale: Literal["relative", "paper"] = "relative"
    norm: Literal["frobenius", "mean_absolute"] = "frobenius"
    relu_maps: Literal["random", "activation_rates", "teacher"] = "random"
    relu_places: Literal["all", "lowest", "none"] = "all"
    positive_share: float = Field(default=0.5, gt=0, le=1)
    channel_shared: bool = False
    output_gradient: Literal["constant", "random"] = "constant"
    output_grid: int = Field(default=1, ge=1, le=64)
    pairs: int = Field(default=128, ge=1)


class OrdinaryLearning(Training):
    """Learn from labels alone (the paper's OL)."""

    call: ClassVar[str] = "ordinary_learning"


class OutputDistillation(Training):
    """Learn from the teacher's outputs, and from labels where there are some (TD).

    Args:
        temperature: Divides both outputs before they are compared.
        weight: Weight of the teacher's outputs beside the labels.
    """

    call: ClassVar[str] = "output_distillation"
    temperature: float = Field(default=2.0, gt=0)
    weight: float = Field(default=1.0, ge=0)


class Stitching(Form):
    """Least squares from the category's features to the task's own, without gradients.

    Args:
        ridge: Ridge, as a share of the mean variance of a channel.
    """

    call: ClassVar[str] = "stitching"
    ridge: float = Field(default=1e-3, ge=0)


class Transplant(Form):
    """Choose by what there is (the default).

    The adapter begins with ``blend`` where pseudo-gradients can pass every layer, and with
    ``stitching`` elsewhere. Where there are pictures, ``output_distillation`` goes on from there.

    Args:
        steps: Most gradient steps, as for ``output_distillation``.
    """

    call: ClassVar[str] = "transplant"
    steps: int | None = Field(default=None, ge=0)


METHODS: tuple[type[Form], ...] = (
    Transplant,
    BackDistillation,
    OrdinaryLearning,
    OutputDistillation,
    Stitching,
)

Method = Transplant | BackDistillation | OrdinaryLearning | OutputDistillation | Stitching
