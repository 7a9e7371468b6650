"""A digest of tensors, equal if and only if names, shapes, types and bytes are equal."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Mapping


def state_digest(state: Mapping[str, Tensor] | nn.Module) -> str:
    """Return the SHA-256 of named tensors as 64 hexadecimal digits.

    Neither the order of the names nor a tensor's device, strides or gradient counts; its dtype
    does, and so does the sign of a zero.

    Args:
        state: A state dict, or a module whose state dict is used.
    """
    tensors = state.state_dict() if isinstance(state, nn.Module) else state
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        # The length before the name keeps one entry from reading as two.
        head = f"{len(name)}:{name} {tensor.dtype} {tuple(tensor.shape)}\n"
        digest.update(head.encode())
        # Viewed as bytes, because NumPy has no bfloat16; hashed where they lie.
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
