"""Tensors that several CUDA streams share; on the CPU there is nothing to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor


def settle(device: torch.device | str) -> None:
    """Wait for all work that this thread's CUDA stream was given.

    Its results may then be used in all streams: streams wait for each other only when told to.
    """
    if torch.device(device).type == "cuda":
        torch.cuda.current_stream(device).synchronize()


def use_here(tensors: Iterable[Tensor]) -> None:
    """Record that tensors which were made in another CUDA stream are used in this thread's.

    Their memory is then not reused before this stream is done with them, even if nothing refers
    to them any more.
    """
    for tensor in tensors:
        if tensor.is_cuda:
            tensor.record_stream(torch.cuda.current_stream(tensor.device))
