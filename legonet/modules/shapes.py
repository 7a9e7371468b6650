"""Whether modules fit together, checked on torch's meta device: no weight is read or computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from legonet.diagnostics import DiagnosticError
from legonet.goals import Goal
from legonet.modules.crossing import on_meta

if TYPE_CHECKING:
    from collections.abc import Sequence

Shape = tuple[int, ...]
"""A tensor's shape without the batch: ``(C, H, W)`` for a feature map."""


class _CannotRunError(Exception):
    """A module that fails on a shape; says why in torch's words."""


def shape_at(module: nn.Module, shape: Sequence[int]) -> Shape:
    """Return the shape of a module's output for an input of some shape, both without the batch.

    Args:
        module: A network or a part of one, on any device; it is not changed.
        shape: ``(3, size, size)`` for pictures, ``(C, H, W)`` for feature maps.

    Raises:
        DiagnosticError: The module cannot take such an input.
    """
    try:
        return _run(module, shape)
    except _CannotRunError as error:
        raise DiagnosticError.of(
            "LEGO520",
            f"the network cannot take an input of {_named(shape)}: {error}",
            label="does not fit its input",
            help=["choose another `size` in the `data` block"],
        ) from error


def check_edge(
    category_module: nn.Module,
    own_category_module: nn.Module,
    task_module: nn.Module,
    *,
    size: int,
    own_size: int,
    direct: bool = False,
) -> tuple[Shape, Shape]:
    """Check that an adapter can join a category module and a task module.

    Convs change the channels of a map but not its height and width, so the task module must take
    maps of the category module's size.

    Args:
        category_module: f.
        own_category_module: f_S, the bottom of the network whose top is the task module.
        task_module: g_S.
        size: Height and width of the category's pictures.
        own_size: Height and width of the pictures that g_S was learned on.
        direct: Whether there is no adapter, so that the channels must match too.

    Returns:
        The shape of f's features and that of the adapter's output, ``(C, H, W)`` each.

    Raises:
        DiagnosticError: No adapter can join the two.
    """
    features = shape_at(category_module, (3, size, size))
    own = shape_at(own_category_module, (3, own_size, own_size))
    for shape, side in ((features, "category"), (own, "task")):
        if len(shape) != 3:
            raise DiagnosticError.of(
                "LEGO521",
                f"expected a feature map of (C, H, W) on the {side}'s side, found {_named(shape)}",
                label="no adapter can join these",
                help=["an adapter is made of convs: cut before the layer that flattens"],
            )
    if direct and features[0] != own[0]:
        raise DiagnosticError.of(
            "LEGO521",
            f"the task module expects {own[0]} channels, the category module gives {features[0]}",
            label="a direct edge cannot change channels",
            help=["give the adapter a body, so that it learns convs between the two"],
        )
    joined = (own[0], *features[1:])
    _check_task(task_module, joined, own, size)
    return features, joined


def check_output(network: nn.Module, goal: Goal, outputs: int, size: int) -> None:
    """Check that a network outputs what a recipe asks for.

    Args:
        network: The specific network.
        goal: Logits per picture, ``(K,)``, or per pixel, ``(K, size, size)``.
        outputs: K: 1 for a single category, otherwise the number of labels.
        size: Height and width of the pictures.

    Raises:
        DiagnosticError: It outputs something else, or cannot take such pictures.
    """
    wanted = goal.answer_shape(outputs, size)
    found = shape_at(network, (3, size, size))
    if found == wanted:
        return
    advice = f"{goal} needs logits per {goal.unit}"
    if len(found) == len(wanted) and found[0] != outputs:
        advice = f"give the model {outputs} output{'s' if outputs > 1 else ''}"
    elif len(found) == len(wanted):
        advice = "choose a `size` that the network's strides divide, such as a multiple of 32"
    raise DiagnosticError.of(
        "LEGO523",
        f"expected an output of {_named(wanted)} for {goal}, found {_named(found)}",
        label="does not fit the recipe",
        help=[advice],
    )


def _check_task(task_module: nn.Module, joined: Shape, own: Shape, size: int) -> None:
    try:
        answer = _run(task_module, joined)
    except _CannotRunError as error:
        raise DiagnosticError.of(
            "LEGO522",
            f"the task module was made for features of {_named(own)} and cannot take "
            f"{_named(joined)}: {error}",
            label="spatial sizes do not fit",
            help=[
                f"fully connected layers fix the size: a `size` must lead to {own[1]}x{own[2]}",
                "or cut both networks where their feature maps have the same stride",
            ],
        ) from error
    if len(answer) == 3 and answer[1:] != (size, size):
        raise DiagnosticError.of(
            "LEGO522",
            f"the task module would answer with {answer[1]}x{answer[2]} pixels for pictures of "
            f"{size}x{size}",
            label="spatial sizes do not fit",
            help=["cut both networks where their feature maps have the same stride"],
        )


def _run(module: nn.Module, shape: Sequence[int]) -> Shape:
    pictures = torch.empty(1, *shape, device="meta")
    try:
        with torch.no_grad():
            answer = on_meta(module)(pictures)
    except Exception as error:
        # This runs the network's own code, which may raise anything at all.
        raise _CannotRunError(str(error).partition("\n")[0].rstrip(".")) from error
    if not isinstance(answer, torch.Tensor):
        raise _CannotRunError(f"it returns a {type(answer).__name__} instead of one tensor")
    return tuple(answer.shape[1:])


def _named(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
