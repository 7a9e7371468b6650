"""Outputs of frozen modules for pictures, kept for all edges that need them again."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock

from torch import Tensor, nn

MOST_BYTES = 2**29
"""Memory that a cache fills by default."""

Output = Tensor | tuple[Tensor, ...]
"""What a module returns."""


class FeatureCache:
    """Outputs of frozen modules by module and input; safe to use from several threads.

    Edges of one network, and the starts and measurements of one edge, run the same batches of
    pictures through the same modules. The numbers are the same with and without the cache, bit for
    bit, because it only keeps whole batches.

    Args:
        most_bytes: Memory to use; the least recently used outputs are dropped first. 0 keeps none.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[Hashable, tuple[Tensor, ...]] = OrderedDict()
        self._held = 0
        self._lock = Lock()

    def remembering(self, module: nn.Module, *key: Hashable) -> nn.Module:
        """Return a module with the same outputs as another one that computes each only once.

        Args:
            module: A frozen module that takes one tensor and returns one, or a tuple of them.
            key: What determines its weights and what it computes with them.
        """
        return _Remembering(module, self, key) if self._most_bytes else module

    def get(self, key: Hashable) -> Output | None:
        """Return a copy of a cached output, or None; the copy may be changed."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
        # Layers that work in place would change it for all edges.
        copies = tuple(part.clone() for part in found)
        return copies if len(copies) > 1 else copies[0]

    def put(self, key: Hashable, output: Output) -> None:
        """Keep a copy of an output."""
        parts = output if isinstance(output, tuple) else (output,)
        if _bytes(parts) > self._most_bytes:
            return
        kept = tuple(part.detach().clone() for part in parts)
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = kept
            self._held += _bytes(kept)
            while self._held > self._most_bytes:
                self._held -= _bytes(self._kept.popitem(last=False)[1])


def _bytes(parts: tuple[Tensor, ...]) -> int:
    return sum(part.nbytes for part in parts)


class _Remembering(nn.Module):
    """A frozen module that looks into a cache before it computes."""

    def __init__(self, module: nn.Module, cache: FeatureCache, key: tuple[Hashable, ...]) -> None:
        super().__init__()
        self.module = module
        self._cache = cache
        self._key = key

    def forward(self, inputs: Tensor) -> Output:
        """Return the module's output, computed only if it is not cached."""
        # On a GPU, copying the pictures to the CPU takes longer than computing the output.
        if inputs.device.type != "cpu" or inputs.requires_grad:
            output: Output = self.module(inputs)
            return output
        digest = hashlib.blake2b(inputs.detach().numpy().tobytes(), digest_size=16).digest()
        key = (self._key, digest, inputs.shape, inputs.dtype)
        found = self._cache.get(key)
        if found is None:
            found = self.module(inputs)
            self._cache.put(key, found)
        return found
