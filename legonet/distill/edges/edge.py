"""An edge of the module graph, as torch modules and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from legonet.data.pictures import Pictures
    from legonet.goals import Goal
    from legonet.language.transforms import Transform
    from legonet.modules.bridge import Bridge


def _as_it_is(module: nn.Module, name: str) -> nn.Module:  # noqa: ARG001 - nothing is kept
    return module


@dataclass(frozen=True)
class Edge:
    """What an adapter joins and what it may learn from; all modules are frozen and in eval mode.

    Args:
        category_module: f, the bottom of the category's network.
        task_module: g_S, the top of the network that donates the task.
        own_category_module: f_S, the bottom on which g_S was learned.
        teacher: The whole teacher network.
        teacher_top: g_T, the teacher after the category's cut.
        goal: What the task asks for.
        size: Height and width of the pictures.
        labelled: Pictures of the category and background with their answers; may be empty.
        unlabelled: Pictures whose answers are not used; may be empty.
        own: Pictures on which g_S was learned, before any transform; their answers are not used;
            may be empty.
        name: The edge's name for people, such as ``cat -> classify``.
        transform: The transform of the category's data, already applied to `labelled` and
            `unlabelled`.
        own_transform: The transform of the donor's data.
        bridge: How features enter and leave, where that is not plain; all modules here take and
            return maps as it makes them.
        remembering: Takes a module derived from the task module, and its name, and returns it so
            that other edges of the task module need not compute the same outputs again.
    """

    category_module: nn.Module
    task_module: nn.Module
    own_category_module: nn.Module
    teacher: nn.Module
    teacher_top: nn.Module
    goal: Goal
    size: int
    labelled: Pictures
    unlabelled: Pictures
    own: Pictures
    name: str = "the edge"
    transform: Transform | None = None
    own_transform: Transform | None = None
    bridge: Bridge | None = None
    remembering: Callable[[nn.Module, str], nn.Module] = _as_it_is
