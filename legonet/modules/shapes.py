"""Whether modules fit together, checked on torch's meta device: no weight is read or computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from legonet.diagnostics import DiagnosticError
from legonet.goals import Goal
from legonet.language.declarations import LayoutName, Resize
from legonet.modules.bridge import Bridge, leaving
from legonet.modules.crossing import on_meta
from legonet.modules.outputs import advice, several
from legonet.modules.python_code import failing_line
from legonet.modules.recognition import layout_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Shape = tuple[int, ...]
"""A tensor's shape without the batch: ``(C, H, W)`` for a feature map."""


@dataclass(frozen=True)
class Bottom:
    """The bottom of a network.

    Args:
        network: The network.
        module: Its bottom.
        layout: The layout of its features by name, where the spec says it.
    """

    network: nn.Module
    module: nn.Module
    layout: LayoutName | None = None


class _CannotRunError(Exception):
    """A module that fails on a shape; says why in torch's words, and perhaps what to do."""

    def __init__(self, reason: str, *advice: str) -> None:
        super().__init__(reason)
        self.advice = advice


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
        raise cannot_process(shape, error) from error


def cannot_process(shape: Sequence[int], error: Exception) -> DiagnosticError:
    """Return the error about a network that fails on an input.

    Args:
        shape: The input's, without the batch.
        error: What the network said.
    """
    reason = str(error).partition("\n")[0].rstrip(".")
    line = failing_line(error)
    return DiagnosticError.of(
        "LEGO520",
        f"the network cannot take an input of {_named(shape)}: {reason}",
        label="does not fit its input",
        help=[
            *([] if line is None else [line]),
            *(getattr(error, "advice", ()) or _advice(reason, shape[-1])),
        ],
    )


def _advice(reason: str, size: int) -> Iterator[str]:
    """Yield what to do about a network that fails on its input, by what it said."""
    if "positional argument" in reason:
        yield "a network is given pictures and nothing else: its other arguments need defaults"
        return
    if "it has no output" in reason:
        yield "`output` in the `network` block names one of them"
        return
    if "was exported for" in reason:
        yield "choose that `size` in the `data` block, or `input { size: .. }` of the network"
        return
    yield "choose another `size` in the `data` block"
    if "too small" in reason:
        return
    yield (
        f"a model that is made for one size may take it: `img_size: {size}` is how timm's "
        f"transformers have it, `image_size: {size}` torchvision's"
    )


@dataclass(frozen=True)
class Fit:
    """How two modules fit together.

    Args:
        features: Shape of f's features, without the batch axis.
        bridge: From the layout of f's features to that of g_S's; None for a direct edge.
    """

    features: Shape
    bridge: Bridge | None


def check_edge(
    category: Bottom,
    task: Bottom,
    task_module: nn.Module,
    *,
    size: int,
    own_size: int,
    kernels: Sequence[int] | None,
    resize: Resize | None = None,
    full_size: bool = True,
) -> Fit:
    """Check that an adapter can join a category module and a task module.

    Args:
        category: f, and the network that it is the bottom of.
        task: f_S, the bottom of the network whose top is the task module, and that network.
        task_module: g_S.
        size: Height and width of the category's pictures.
        own_size: Height and width of the pictures that g_S was learned on.
        kernels: Kernel sizes of the adapter; None for a direct edge, whose features must fit as
            they are.
        resize: What the adapter does where heights and widths differ.
        full_size: Whether answers that are maps must have the size of the pictures.

    Raises:
        DiagnosticError: No adapter can join the two.
    """
    features = shape_at(category.module, (3, size, size))
    own = shape_at(task.module, (3, own_size, own_size))
    if kernels is None:
        if len(features) == len(own) == 3 and features[1:] == own[1:] and features[0] != own[0]:
            raise DiagnosticError.of(
                "LEGO521",
                f"the task module expects {own[0]} channels, the category module gives "
                f"{features[0]}",
                label="a direct edge cannot change channels",
                help=["give the adapter a body, so that it learns convs between the two"],
            )
        _check_task(task_module, features, own, size if full_size else None)
        return Fit(features, None)
    _check_own(task.module, size, own_size)
    bridge = bridge_between(category, task, size=size, resize=resize)
    _check_kernels(bridge, kernels)
    _check_task(leaving(task_module, bridge.own), bridge.joined, own, size if full_size else None)
    return Fit(features, bridge)


def bridge_between(
    category: Bottom, task: Bottom, *, size: int, resize: Resize | None = None
) -> Bridge:
    """Return what brings the features of f into the layout and the size that g_S takes.

    Args:
        category: f, and the network that it is the bottom of.
        task: f_S, and its network.
        size: Height and width of the pictures, for both sides.
        resize: What the adapter does where heights and widths differ.

    Raises:
        DiagnosticError: A layout is not clear (``LEGO524``), or features would have to be resized
            and cannot be, or must not be (``LEGO605``).
    """
    reads, writes = (layout_of(it.network, it.module, size, it.layout) for it in (category, task))
    bridge = Bridge.between(reads, writes, None if resize == "none" else resize)
    if not bridge.resizes and reads.gridded == writes.gridded:
        return bridge
    between = f"the category module gives {reads.words}, and the task module takes {writes.words}"
    if not (reads.gridded and writes.gridded):
        raise DiagnosticError.of(
            "LEGO605",
            f"{between}: tokens that are not a grid cannot be resized",
            label="sizes do not fit",
            help=["cut both networks where they have equally many tokens, or where one has maps"],
        )
    if resize == "none":
        raise DiagnosticError.of(
            "LEGO605",
            f"{between}, and the adapter says `resize: none`",
            label="sizes do not fit",
            help=[
                "leave out `resize`, so that the adapter resizes features",
                "or cut both networks where their features have the same height and width",
            ],
        )
    return bridge


def _check_own(own_category_module: nn.Module, size: int, own_size: int) -> None:
    """Check that f_S takes pictures of the category's size: an adapter learns from both sides."""
    try:
        _run(own_category_module, (3, size, size))
    except _CannotRunError as error:
        raise DiagnosticError.of(
            "LEGO522",
            f"the task module's own network was made for pictures of {own_size}x{own_size} and "
            f"cannot take {size}x{size}",
            label="spatial sizes do not fit",
            help=[f"set `size: {own_size}` in the `data` block of the category"],
        ) from error


def _check_kernels(bridge: Bridge, kernels: Sequence[int]) -> None:
    if bridge.sequences and max(kernels) > 1:
        sides = dict.fromkeys((bridge.reads.words, bridge.writes.words))
        raise DiagnosticError.of(
            "LEGO521",
            f"expected `linear()` for {' and '.join(sides)}, found `conv({max(kernels)})`",
            label="a sequence of tokens has no neighbours above and below",
            help=["write `layers: [linear()]`"],
        )


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
    if found == wanted or (
        not goal.full_size and len(found) == len(wanted) and found[0] == outputs
    ):
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


def _check_task(task_module: nn.Module, joined: Shape, own: Shape, size: int | None) -> None:
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
    if size is not None and len(answer) == 3 and answer[1:] != (size, size):
        raise DiagnosticError.of(
            "LEGO522",
            f"the task module would answer with {answer[1]}x{answer[2]} pixels for pictures of "
            f"{size}x{size}",
            label="spatial sizes do not fit",
            help=["cut both networks where their feature maps have the same stride"],
        )


def check_answer(network: nn.Module, pictures: torch.Tensor) -> None:
    """Check that a network answers about pictures with one tensor.

    Raises:
        DiagnosticError: It cannot take them, or returns something else.
    """
    try:
        _answer(network, pictures)
    except _CannotRunError as error:
        raise cannot_process(pictures.shape[1:], error) from error


def _run(module: nn.Module, shape: Sequence[int]) -> Shape:
    pictures = torch.empty(1, *shape, device="meta")
    return tuple(_answer(module, pictures).shape[1:])


def _answer(module: nn.Module, pictures: torch.Tensor) -> torch.Tensor:
    try:
        with torch.no_grad():
            answer = (on_meta(module) if pictures.is_meta else module)(pictures)
    except Exception as error:
        # This runs the network's own code, which may raise anything at all.
        raise _CannotRunError(str(error).partition("\n")[0].rstrip(".")) from error
    if not isinstance(answer, torch.Tensor):
        raise _CannotRunError(
            f"it returns a {several(answer)} instead of one tensor", advice(answer)
        )
    return answer


def _named(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
