"""Tensors that several CUDA streams share; on the CPU there is nothing to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor


def settle(device: torch.device | str) -> None:
    """Wait for all that this thread's CUDA stream was given to do.

    What was made in it may then be used in all streams: they wait for each other only when told.
    """
    if torch.device(device).type == "cuda":
        torch.cuda.current_stream(device).synchronize()


def use_here(tensors: Iterable[Tensor]) -> None:
    """Note that tensors that were made in another CUDA stream are used in this thread's.

    Their memory is then not given away before this stream is through with them, even if nobody
    holds them any more.
    """
    for tensor in tensors:
        if tensor.is_cuda:
            tensor.record_stream(torch.cuda.current_stream(tensor.device))
