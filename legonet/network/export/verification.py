"""Whether an exported application answers as the network does that it was taken from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from legonet.diagnostics import DiagnosticError
from legonet.network.export.application import device_of

TOLERANCE = 1e-4
"""How far an answer may be off, as a share of the largest logit or of 1, whichever is more."""

OTHER_FORMATS = "export it in another format: `.pt2`, `.onnx` or `.safetensors`"

Answers = Callable[[Tensor], Tensor]
"""Gives logits, ``(N, K)`` or ``(N, K, H, W)``, for pictures ``(N, 3, H, W)``, float32."""


@dataclass(frozen=True)
class Asked:
    """What a network answers.

    Args:
        pictures: ``(N, 3, H, W)``, noise.
        expected: Its logits for them.
        other_size: Whether they have another size than those that it was learned on.
    """

    pictures: Tensor
    expected: Tensor
    other_size: bool = False


def ask(route: nn.Module, size: int, *, dynamic_size: bool) -> list[Asked]:
    """Return pictures of noise in batches of several sizes, with the answers of a network.

    Args:
        route: The way from pictures to answers.
        size: Height and width of its pictures.
        dynamic_size: Also ask about pictures of other heights and widths.

    Raises:
        DiagnosticError: LEGO765, the network itself takes no other sizes.
    """
    asked = [Asked(*_answered(route, count, size, size)) for count in (1, 3)]
    # Multiples, so that whatever strides the size was chosen for fit these too.
    others = [(2, 2 * size, size), (1, size, 3 * size)] if dynamic_size else []
    for shape in others:
        try:
            asked.append(Asked(*_answered(route, *shape), other_size=True))
        except Exception as error:
            # The network's own code runs here, which may raise anything at all.
            raise no_other_size(first_line(error)) from error
    return asked


def largest_difference(answers: Answers, asked: Sequence[Asked], tolerance: float) -> float:
    """Return by how much answers differ from those of the network, at most.

    Args:
        answers: The exported application.
        asked: What `ask` returned.
        tolerance: How much is still the same, as a share of the largest logit, or of 1.

    Raises:
        DiagnosticError: They differ by more, or there is no answer: LEGO764, or LEGO765 where it
            is so for other heights and widths alone.
    """
    return max(_difference(answers, item, tolerance) for item in asked)


def _difference(answers: Answers, asked: Asked, tolerance: float) -> float:
    expected = asked.expected
    try:
        found = answers(asked.pictures).to(expected)
    except Exception as error:
        # A runtime of somebody else answers here, which may raise anything at all.
        raise _differs(asked, f"it cannot answer: {first_line(error)}") from error
    if found.shape != expected.shape:
        given, wanted = ("x".join(map(str, item.shape)) for item in (found, expected))
        raise _differs(asked, f"it gives {given} logits instead of {wanted}")
    difference = float((found - expected).abs().max())
    # So that a difference that is no number is too large as well.
    if not difference <= tolerance * max(1.0, float(expected.abs().max())):
        raise _differs(asked, f"its logits are off by up to {difference:.2g}")
    return difference


def no_other_size(reason: str) -> DiagnosticError:
    """Return what to say of an application that takes pictures of one size only."""
    return DiagnosticError.of(
        "LEGO765",
        f"the application cannot be exported with a dynamic height and width: {reason}",
        help=[
            "leave --dynamic-size out: the number of pictures is open all the same",
            OTHER_FORMATS,
        ],
    )


def first_line(error: Exception) -> str:
    """Return the first line of what an error says, or its name where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def _answered(route: nn.Module, count: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    noise = torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(0))
    pictures = noise.to(device_of(route))
    with torch.no_grad():
        return pictures, route(pictures)


def _differs(asked: Asked, reason: str) -> DiagnosticError:
    about = f"for {'x'.join(map(str, asked.pictures.shape))} pictures {reason}"
    if asked.other_size:
        return no_other_size(about)
    return DiagnosticError.of(
        "LEGO764",
        f"the exported application does not answer as the network does: {about}",
        help=[OTHER_FORMATS],
    )
