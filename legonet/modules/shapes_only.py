"""Modules on torch's meta device: shapes without numbers, and without the cost of drawing any."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_DRAWS = {"normal_", "uniform_", "trunc_normal_"}


@contextmanager
def shapes_only() -> Iterator[None]:
    """Create modules on the meta device without drawing their random start.

    To draw on meta, torch imports its compiler: 1.8 s and 150 MiB, once in every process.
    """
    with torch.device("meta"), _WithoutDraws():
        yield


class _WithoutDraws(TorchFunctionMode):
    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        target = args[0] if args else None
        draws = getattr(func, "__name__", "") in _DRAWS
        if draws and isinstance(target, Tensor) and target.is_meta:
            return target
        return func(*args, **(kwargs or {}))
