"""Checks arguments before torch sees them, whose own errors would be harder to understand."""

from __future__ import annotations

import torch
from torch import Tensor

from legonet.diagnostics import DiagnosticError

_CHANNELS = 3


def default_device() -> str:
    """Return where to compute by default: ``cuda`` if there is a GPU, else ``cpu``."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def usable_device(device: torch.device | str) -> torch.device:
    """Return a device on which torch can compute here.

    Args:
        device: Such as ``cpu``, ``cuda`` or ``cuda:1``.

    Raises:
        DiagnosticError: There is no such device (``LEGO745``).
    """
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError) as error:
        raise DiagnosticError.of(
            "LEGO745",
            f"torch cannot compute on `{device}`: {str(error).splitlines()[0].rstrip('.')}",
            help=["name `cpu`, or a GPU that this machine has, such as `cuda` or `cuda:1`"],
        ) from None
    return found


def check_pictures(pictures: object, dtype: torch.dtype = torch.float32) -> None:
    """Check that pictures are a batch that a network accepts.

    Args:
        pictures: What was given.
        dtype: The expected dtype.

    Raises:
        DiagnosticError: They are not ``(N, 3, H, W)`` of that dtype (``LEGO746``).
    """
    if not isinstance(pictures, Tensor):
        raise _wrong(
            f"expected a tensor of pictures, found `{type(pictures).__name__}`",
            "`net.predict(..)` takes files, PIL pictures and arrays",
            "`legonet.data.to_tensor(images)` makes a tensor of an array (N, H, W, 3), uint8",
        )
    shape = "x".join(map(str, pictures.shape)) or "a single number"
    if pictures.dim() != 4 or pictures.shape[1] != _CHANNELS:
        raise _wrong(f"expected pictures of (N, 3, H, W), found {shape}", *_reshaping(pictures))
    if pictures.dtype != dtype:
        raise _wrong(
            f"expected pictures of {_named(dtype)}, found {_named(pictures.dtype)}",
            *_converting(pictures, dtype),
        )


def _reshaping(pictures: Tensor) -> list[str]:
    """Return advice on how to reshape pictures, if there is any."""
    match tuple(pictures.shape):
        case (3, _, _):
            return ["one picture is a batch of one: `pictures[None]`"]
        case (_, _, _, 3):
            return [
                "channels come before height and width: `pictures.permute(0, 3, 1, 2)`",
                "`legonet.data.to_tensor(images)` does so, and normalises uint8",
            ]
        case (_, 1, _, _):
            return ["grey pictures have three equal channels: `pictures.expand(-1, 3, -1, -1)`"]
        case (_, 4, _, _):
            return ["leave the fourth channel out: `pictures[:, :3]`"]
    return ["N pictures of 3 channels, H pixels high and W wide"]


def _converting(pictures: Tensor, dtype: torch.dtype) -> list[str]:
    if pictures.dtype == torch.uint8:
        return [
            "`legonet.data.to_tensor(images)` takes an array (N, H, W, 3), uint8, and normalises it"
        ]
    return [f"`pictures.to(torch.{_named(dtype)})`"]


def _named(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _wrong(message: str, *advice: str) -> DiagnosticError:
    return DiagnosticError.of("LEGO746", message, help=advice)
