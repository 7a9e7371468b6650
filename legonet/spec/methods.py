"""The forms after ``method:`` in an adapter: how the edge is learned.

The mathematics and the paper's sections stand in ``legonet.distill``; the fields here are its
options.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from legonet.spec.base import Form

Start = Literal[
    "default",
    "identity",
    "solve",
    "least_squares",
    "assignment",
    "stitching",
    "blend",
    "real_gradients",
    "iterated_assignment",
]
"""Where an adapter begins.

``default`` is torch's own random start, ``identity`` a Dirac kernel, ``least_squares`` and
``assignment`` are solved from pseudo-gradients, ``solve`` takes the assignment where the channels
of the two networks correspond and least squares elsewhere, ``stitching`` is solved from feature
maps, ``blend`` from pseudo-gradients and feature maps together. ``real_gradients`` is least squares
between each network's own gradients on the same pictures, and ``iterated_assignment`` an assignment
that is made again three times from those.
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
        views: How often each picture is seen at most: as it is, and shifted by chance.
        reordered: For experiments: the channels of the category module come in another order,
            drawn from the seed, while the adapter is learned, so that none is right by accident.
    """

    init: Start = "default"
    steps: int | None = Field(default=None, ge=0)
    learning_rate: float | None = Field(default=None, gt=0)
    batch_size: int = Field(default=32, ge=1)
    views: int = Field(default=1, ge=1)
    reordered: bool = False


Preset = Literal["experiment1", "experiment2", "experiment3"]
"""The paper's three experiments."""

_ACROSS_NETWORKS: Mapping[str, Any] = {
    "scale": "paper",
    "norm": "frobenius",
    "relu_maps": "random",
    "relu_places": "lowest",
    "positive_share": 0.2,
    "channel_shared": True,
    "max_pools": "average",
    "adapter_relus": "identity",
    "output_gradient": "random",
}

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "experiment1": {
        "weight": 10.0,
        "scale": "paper",
        "norm": "frobenius",
        "relu_maps": "random",
        "relu_places": "all",
        "positive_share": 0.5,
        "channel_shared": False,
        "max_pools": "average",
        "adapter_relus": "identity",
        "output_gradient": "constant",
        "output_grid": 1,
    },
    "experiment2": {**_ACROSS_NETWORKS, "weight": 10.0, "output_grid": 7},
    "experiment3": {**_ACROSS_NETWORKS, "weight": 1.0, "output_grid": 1},
}
"""The paper's value of every option that the paper gives one."""


class BackDistillation(Training):
    """Match the gradients that flow back through student and teacher (Eq. 3).

    With a ``preset`` the options below it have the paper's values: ``experiment1`` puts an adapter
    into one network, ``experiment2`` joins two networks for classification, ``experiment3`` for
    segmentation. A preset and the same values written out are the same method. Start, steps and
    learning rate are not in the paper, and neither is the kernel of ``layers`` part of a preset:
    the paper had one or three ``conv(3)``, three ``conv(1)``, and one ``conv(1)``.

    Args:
        preset: The paper's values for all arguments below that are not given.
        weight: Weight of the gradients' difference beside the task loss.
        scale: What the weight multiplies: the ``relative`` residual, or the paper's squared
            difference over the mean norm of the teacher's gradient (lambda).
        norm: Mean norm of a gradient in alpha and lambda: ``frobenius`` or ``mean_absolute``.
        relu_maps: What the ReLUs of both task modules are replaced with: ``random`` maps, maps
            with each channel's ``activation_rates``, or the ``teacher``'s own maps.
        relu_places: Which ReLUs of the task module have maps (the paper's second kind of dummy
            ReLU), the others being the identity (its first kind): ``all``, the ``lowest`` one, or
            ``none``.
        positive_share: Share of ones in random maps.
        channel_shared: One random map for all channels of a ReLU.
        max_pools: What max-pools are replaced with: ``average``-pools, or picking what the
            ``teacher`` picks. Unless said ``teacher`` where ``relu_maps`` is, else ``average``.
        adapter_relus: What the adapter's own ReLUs are replaced with: the ``identity`` (the
            paper's first kind), or ``random`` maps (its second kind).
        output_gradient: ``constant`` 1, or ``random`` in [-1, 1].
        output_grid: Side S of the output gradient's map; above 1 fully connected layers are read
            as convs.
        pairs: How many pairs of pseudo-gradients are drawn.
    """

    call: ClassVar[str] = "back_distillation"
    init: Start = "solve"
    preset: Preset | None = None
    weight: float = Field(default=1.0, ge=0)
    scale: Literal["relative", "paper"] = "relative"
    norm: Literal["frobenius", "mean_absolute"] = "frobenius"
    relu_maps: Literal["random", "activation_rates", "teacher"] = "random"
    relu_places: Literal["all", "lowest", "none"] = "all"
    positive_share: float = Field(default=0.5, gt=0, le=1)
    channel_shared: bool = False
    max_pools: Literal["average", "teacher"] = "average"
    adapter_relus: Literal["identity", "random"] = "identity"
    output_gradient: Literal["constant", "random"] = "constant"
    output_grid: int = Field(default=1, ge=1, le=64)
    pairs: int = Field(default=128, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, given: Any) -> Any:
        """Write a preset out, so that it has the content key of the same values by hand."""
        if not isinstance(given, Mapping):
            return given  # a method that is made already
        if given.get("preset") in PRESETS:
            written = {name: value for name, value in given.items() if name != "preset"}
            return {**PRESETS[given["preset"]], **written}
        if given.get("relu_maps") == "teacher":
            return {"max_pools": "teacher", **given}
        return given


class OrdinaryLearning(Training):
    """Learn from labels alone (the paper's OL)."""

    call: ClassVar[str] = "ordinary_learning"


class OutputDistillation(Training):
    """Learn from the teacher's outputs, and from labels where there are some (TD).

    Args:
        temperature: Divides both outputs before they are compared.
        weight: Weight of the teacher's outputs beside the labels.
        synthetic: How many dead leaves pictures the teacher is asked about, beside real ones.
    """

    call: ClassVar[str] = "output_distillation"
    temperature: float = Field(default=2.0, gt=0)
    weight: float = Field(default=1.0, ge=0)
    synthetic: int = Field(default=0, ge=0, le=10_000)


class Stitching(Form):
    """Least squares from the category's features to the task's own, without gradients.

    Args:
        ridge: Ridge, as a share of the mean variance of a channel.
        reordered: As for the trained methods.
    """

    call: ClassVar[str] = "stitching"
    ridge: float = Field(default=1e-3, ge=0)
    reordered: bool = False


class Transplant(Form):
    """Choose by what there is (the default).

    An adapter for classification begins with ``least_squares`` through the teacher's own maps where
    stitching on dead leaves shows a common ancestor whose channels are still what they were;
    elsewhere with ``stitching`` on real pictures. Where there are none it begins with
    ``assignment`` if there is a common ancestor, else with ``real_gradients``.
    ``output_distillation`` goes on from there on pictures of the category; on dead leaves where
    there is neither a picture nor a common ancestor.

    Args:
        steps: Most gradient steps, as for ``output_distillation``.
        reordered: As for the trained methods.
    """

    call: ClassVar[str] = "transplant"
    steps: int | None = Field(default=None, ge=0)
    reordered: bool = False


METHODS: tuple[type[Form], ...] = (
    Transplant,
    BackDistillation,
    OrdinaryLearning,
    OutputDistillation,
    Stitching,
)

Method = Transplant | BackDistillation | OrdinaryLearning | OutputDistillation | Stitching
