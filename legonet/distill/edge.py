"""An edge of the module graph as torch sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from legonet.data.pictures import Pictures
    from legonet.spec.base import Goal


@dataclass(frozen=True)
class Edge:
    """What an adapter joins and what it may learn from; every module frozen and in eval mode.

    Args:
        category_module: f, the bottom of the category's network.
        task_module: g_S, the top of the network that donates the task.
        own_category_module: f_S, the bottom that g_S was learned on.
        teacher: The whole teacher network.
        teacher_top: g_T, the teacher behind the category's cut.
        goal: The question of the task.
        size: Height and width of the pictures.
        labelled: Pictures of the category and background with their answers; may be empty.
        unlabelled: Pictures whose answers are not looked at; may be empty.
        own: Pictures that g_S was learned on, whose answers are not looked at; may be empty.
        name: What a person calls it, such as ``cat -> classify``.
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
