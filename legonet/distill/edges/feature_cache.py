"""Outputs of frozen modules for pictures, kept for all edges that need them again."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock

from torch import Tensor, nn

MOST_BYTES = 2**29
"""Memory that a cache fills by default."""


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
        self._kept: OrderedDict[Hashable, Tensor] = OrderedDict()
        self._held = 0
        self._lock = Lock()

    def remembering(self, module: nn.Module, *key: Hashable) -> nn.Module:
        """Return a module with the same outputs as another one that computes each only once.

        Args:
            module: A frozen module that takes one tensor.
            key: What determines its weights and what it computes with them.
        """
        return _Remembering(module, self, key) if self._most_bytes else module

    def get(self, key: Hashable) -> Tensor | None:
        """Return a copy of a cached output, or None; the copy may be changed."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
        # Layers that work in place would change it for all edges.
        return found.clone()

    def put(self, key: Hashable, output: Tensor) -> None:
        """Keep a copy of an output."""
        if output.nbytes > self._most_bytes:
            return
        kept = output.detach().clone()
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = kept
            self._held += kept.nbytes
            while self._held > self._most_bytes:
                self._held -= self._kept.popitem(last=False)[1].nbytes


class _Remembering(nn.Module):
    """A frozen module that looks into a cache before it computes."""

    def __init__(self, module: nn.Module, cache: FeatureCache, key: tuple[Hashable, ...]) -> None:
        super().__init__()
        self.module = module
        self._cache = cache
        self._key = key

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the module's output, computed only if it is not cached."""
        # On a GPU, copying the pictures to the CPU takes longer than computing the output.
        if inputs.device.type != "cpu" or inputs.requires_grad:
            output: Tensor = self.module(inputs)
            return output
        digest = hashlib.blake2b(inputs.detach().numpy().tobytes(), digest_size=16).digest()
        key = (self._key, digest, inputs.shape, inputs.dtype)
        found = self._cache.get(key)
        if found is None:
            found = self.module(inputs)
            self._cache.put(key, found)
        return found
