"""One path of a network by itself: a module that knows what goes in and what comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from legonet._version import __version__
from legonet.graph.resolved import edge_name
from legonet.language.inputs import IMAGENET_DEVIATION, IMAGENET_MEAN
from legonet.modules.digest import state_digest
from legonet.network.route import JointRoute, Route

if TYPE_CHECKING:
    from legonet.goals import Goal
    from legonet.network.module_cache import RouteModules
    from legonet.network.route import Answering
    from legonet.network.routes import EdgeKey

PARTS = ("category", "adapter", "task", "calibration")
"""The parts of an application in running order.

One with a direct edge has neither adapter nor calibration, and not every adapter has the latter.
"""


class Application(Route):
    """A route whose parts have the names in `PARTS`.

    Args:
        parts: The parts by their names, in running order.
        description: What goes in and what comes out, as `Application.of` finds it.

    Attributes:
        description: The same.
    """

    def __init__(self, parts: Mapping[str, nn.Module], description: Mapping[str, Any]) -> None:
        super().__init__(edge_name(description["category"], description["task"]))
        for name, module in parts.items():
            self.add_module(name, module)
        self.description = dict(description)

    @classmethod
    def of(
        cls,
        network: Answering,
        ends: tuple[str, str],
        route: Route,
        *,
        name: str | None,
        dynamic_size: bool,
    ) -> Application:
        """Return a route of a network as an application; its modules are the route's own.

        Args:
            network: The network.
            ends: The names of category and task.
            route: The way between them, on any device.
            name: Of the ``path`` statement, if there is one.
            dynamic_size: Whether it is to take pictures of other sizes than those that it was
                learned on.

        Raises:
            DiagnosticError: The data of the spec cannot be found.
        """
        names = PARTS[: len(route)] if len(route) > 2 else ("category", "task")
        parts = dict(zip(names, route.children(), strict=True))
        goal, size = network.graph.edge(*ends).goal, network.size(*ends)
        with torch.no_grad():
            answer = route(torch.zeros(1, 3, size, size, device=device_of(route)))
        about: dict[str, Any] = {"name": name, "category": ends[0], "task": ends[1], "size": size}
        about |= _sides(answer, goal, network.labels(*ends), size, dynamic_size=dynamic_size)
        about["sha256"] = {part: state_digest(module) for part, module in parts.items()}
        about |= {"legonet": __version__, "torch": str(torch.__version__)}
        return cls(parts, about)

    @property
    def has_dynamic_size(self) -> bool:
        """Whether it is to take pictures of other sizes than those that it was learned on."""
        return "height" in self.description["input"]["shape"]


class JointApplication(JointRoute):
    """What a joint path answers with one of its tasks, as `Application` is what an edge answers.

    Args:
        ways: The modules along each of its edges, by category and task.
        description: What goes in and what comes out, as `JointApplication.of` finds it.

    Attributes:
        description: The same.
    """

    def __init__(
        self, ways: Mapping[EdgeKey, RouteModules], description: Mapping[str, Any]
    ) -> None:
        super().__init__(description["name"], ways)
        self.description = dict(description)

    @classmethod
    def of(cls, network: Answering, route: JointRoute, *, dynamic_size: bool) -> JointApplication:
        """Return a joint path of a network as an application; its modules are the route's own.

        Args:
            network: The network.
            route: The way along the path, on any device.
            dynamic_size: As for `Application.of`.

        Raises:
            DiagnosticError: The data of the spec cannot be found.
        """
        ends = (route.categories[0], route.tasks[0])
        goal, size = network.graph.edge(*ends).goal, network.size(*ends)
        with torch.no_grad():
            answer = route(torch.zeros(1, 3, size, size, device=device_of(route)))
        if not isinstance(answer, Tensor):
            raise TypeError(f"expected a path to one task, found {', '.join(route.tasks)}")
        about: dict[str, Any] = {"name": route.name, "categories": list(route.categories)}
        about |= {"task": route.tasks[0], "size": size}
        about |= _sides(answer, goal, route.labels, size, dynamic_size=dynamic_size)
        about["sha256"] = {name: state_digest(part) for name, part in route.named_children()}
        about |= {"legonet": __version__, "torch": str(torch.__version__)}
        return cls(route.ways(), about)

    @property
    def has_dynamic_size(self) -> bool:
        """Whether it is to take pictures of other sizes than those that it was learned on."""
        return "height" in self.description["input"]["shape"]


AnyApplication = Application | JointApplication


def device_of(module: nn.Module) -> torch.device:
    """Return where a module computes."""
    return next((tensor.device for tensor in module.parameters()), torch.device("cpu"))


def _sides(
    answer: Tensor, goal: Goal, labels: tuple[str, ...], size: int, *, dynamic_size: bool
) -> dict[str, Any]:
    """Describe what goes in and what comes out."""
    sides = ["height", "width"] if dynamic_size else [size, size]
    return {
        "input": {
            "name": "pictures",
            "shape": ["batch", 3, *sides],
            "dtype": "float32",
            "channels": "RGB",
            "range": [0, 1],
            "mean": list(IMAGENET_MEAN),
            "deviation": list(IMAGENET_DEVIATION),
        },
        "output": {
            "name": "logits",
            "shape": [
                "batch",
                answer.shape[1],
                *_further(answer, sides, dynamic_size=dynamic_size),
            ],
            "dtype": str(answer.dtype).removeprefix("torch."),
            "goal": str(goal),
            "labels": list(labels),
        },
    }


def _further(
    answer: Tensor, sides: Sequence[str | int], *, dynamic_size: bool
) -> Sequence[str | int]:
    """Return the axes of an answer after the one with outputs."""
    if answer.ndim == 3:
        return ["boxes"] if dynamic_size else [answer.shape[2]]
    return sides if answer.ndim == 4 else []
