"""Where networks can be cut, what can be learned from there on, and which cuts can be joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Any

import torch

from legonet.building.planning.datasets import DEFAULT_SIZE, TaskDatasets
from legonet.data import open_source
from legonet.diagnostics import DiagnosticError
from legonet.distill.pseudo_gradients.surrogate import Surrogate
from legonet.modules.bridge import Bridge, leaving
from legonet.modules.cut import top
from legonet.modules.cut_points import CutPoint, cut_points
from legonet.modules.models import instantiate
from legonet.modules.shapes import check_answer

if TYPE_CHECKING:
    from torch import nn

    from legonet.graph import ModuleGraph
    from legonet.language.models import Model

PICTURES = 2
"""Pictures of noise on which the sign of features is looked at."""


@dataclass(frozen=True)
class Cut:
    """A place where a network can be cut.

    Args:
        point: The place.
        no_gradients: Why pseudo-gradients cannot pass what comes after it; None if they can.
    """

    point: CutPoint
    no_gradients: str | None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        point = self.point
        return {
            "name": point.name,
            "names": list(point.names),
            "layout": point.layout.kind,
            "shape": list(point.layout.shape),
            "signed": point.signed,
            "layers": list(point.layers),
            "parameters": list(point.parameters),
            "pseudo_gradients": self.no_gradients is None,
            "no_pseudo_gradients_because": self.no_gradients,
        }


def picture_size(graph: ModuleGraph, name: str) -> int:
    """Return the height and width of the pictures that a network is used with.

    Args:
        graph: The graph; where it has errors, only the network's own recipe is looked at.
        name: The network's name.

    Raises:
        DiagnosticError: The pictures cannot be found.
    """
    recipe = graph.spec.networks[name].train
    if recipe is not None and recipe.data in graph.spec.data:
        data = graph.spec.data[recipe.data]
        return data.size or open_source(data.source).default_size
    if graph.check():
        return DEFAULT_SIZE
    datasets = TaskDatasets(graph.spec)
    edges = (edge for edge in graph.edges() if name in edge.needs.values())
    return next((datasets.size(edge) for edge in edges), DEFAULT_SIZE)


def network_cuts(model: Model, size: int) -> list[Cut]:
    """Return every place where a network can be cut, in the order in which the network runs.

    No weight is read: what is shown depends on the model alone.

    Args:
        model: What a spec says after ``model:``.
        size: Height and width of its pictures.

    Raises:
        DiagnosticError: There is no such network, it cannot be traced, or it cannot process such
            pictures.
    """
    network = instantiate(model)
    noise = torch.randn(PICTURES, 3, size, size, generator=torch.Generator().manual_seed(0))
    check_answer(network, noise[:1])
    points = cut_points(network, noise)
    reasons = _reasons(network, points)
    return [Cut(point, reason) for point, reason in zip(points, reasons, strict=True)]


def _reasons(network: nn.Module, points: Sequence[CutPoint]) -> list[str | None]:
    """Return for each place why pseudo-gradients cannot pass what comes after it."""
    reason = None
    found: list[str | None] = []
    # What comes after a later cut also comes after an earlier one.
    for point in reversed(points):
        if reason is None:
            try:
                bridge = Bridge.between(point.layout, point.layout)
                Surrogate.of(leaving(top(network, point.name), bridge), bridge.joined)
            except DiagnosticError as error:
                reason = error.diagnostics[0].message
        found.append(reason)
    return found[::-1]


@dataclass(frozen=True)
class Joint:
    """A category module and a task module that an adapter can join.

    Args:
        until: Where the network is cut whose bottom is the category module.
        after: Where the network is cut whose top is the task module.
        resized: How features are resized between them; None where heights and widths are equal.
    """

    until: CutPoint
    after: CutPoint
    resized: str | None

    @property
    def distance(self) -> tuple[float, float]:
        """How unlike the two cuts are: in height and width, then in how much comes below them."""
        sizes = [point.layout.height * point.layout.width for point in (self.until, self.after)]
        depths = [point.layers[0] / sum(point.layers) for point in (self.until, self.after)]
        return abs(log(sizes[0] / sizes[1])), abs(depths[0] - depths[1])

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"until": self.until.name, "after": self.after.name, "resized": self.resized}


def joints(below: Sequence[Cut], above: Sequence[Cut]) -> list[list[Joint]]:
    """Return what can be joined to each cut of a task's network, the most alike first.

    Args:
        below: The cuts of the network whose bottom is the category module.
        above: Those of the network whose top is the task module.
    """
    return [
        sorted(
            (
                Joint(
                    lower.point,
                    upper.point,
                    Bridge.between(lower.point.layout, upper.point.layout).resized_how,
                )
                for lower in below
            ),
            key=lambda joint: joint.distance,
        )
        for upper in above
    ]
