"""Student sides of pseudo-gradients: they belong to the task module, and all its edges share them.

A student side does not depend on the adapter nor, where the maps are random, on anything of the
teacher but the shapes of its layers. A `StudentPool` keeps recently made sides; the numbers are the
same with and without it, bit for bit.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from math import prod
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from legonet.distill.pseudo_gradients.moments import OwnMoments
from legonet.distill.pseudo_gradients.surrogate import Gates
from legonet.modules.streams import settle, use_here

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from legonet.distill.pseudo_gradients.moments import Norm

MOST_BYTES = 2**30
"""Memory that a pool uses by default."""


@dataclass(frozen=True)
class Drawn:
    """The student's side of a batch, and what was drawn for the teacher's.

    Args:
        gradient: u, ``(B, C_S, H, W)``.
        given: G' of the teacher, ``(B, *outputs)``.
        gates: Of the teacher.
    """

    gradient: Tensor
    given: Tensor
    gates: Gates


@dataclass(frozen=True)
class _Packed:
    """A map of ones and zeros, one bit each."""

    bits: NDArray[np.uint8]
    shape: torch.Size

    @classmethod
    def of(cls, passed: Tensor) -> _Packed:
        return cls(np.packbits(passed.bool().cpu().numpy()), passed.shape)

    def map(self) -> Tensor:
        unpacked = np.unpackbits(self.bits, count=prod(self.shape))
        return torch.from_numpy(unpacked).view(self.shape)


class StudentSide:
    """All batches of a student side, packed, with their moments.

    Args:
        batches: As they are drawn; random maps, and no pools with switches.
    """

    def __init__(self, batches: Iterable[Drawn]) -> None:
        gradients, self._given, self._relus, self._pools = [], [], [], []
        for drawn in batches:
            gradients.append(drawn.gradient)
            self._given.append(drawn.given)
            relus = drawn.gates.relus
            self._relus.append([None if gate is None else _Packed.of(gate) for gate in relus])
            self._pools.append(drawn.gates.pools)
        self._sizes = [len(part) for part in gradients]
        self.gradients = torch.cat(gradients)
        self._moments: dict[tuple[int, Norm], OwnMoments] = {}
        self._lock = Lock()

    def __iter__(self) -> Iterator[Drawn]:
        """Yield the batches as they were drawn."""
        parts = zip(self._split(), self._given, self._relus, self._pools, strict=True)
        for gradient, given, relus, pools in parts:
            maps = tuple(None if gate is None else gate.map() for gate in relus)
            yield Drawn(gradient, given, Gates(maps, pools))

    @property
    def bytes(self) -> int:
        """Memory used, not counting moments."""
        packed = sum(gate.bits.nbytes for gates in self._relus for gate in gates if gate)
        return packed + sum(part.nbytes for part in (self.gradients, *self._given))

    def use_here(self) -> None:
        """Record that the batches are used in this thread's CUDA stream."""
        use_here((self.gradients, *self._given))

    def moments(self, kernel: int, norm: Norm) -> OwnMoments:
        """Return the moments for a kernel size, computed when first needed."""
        with self._lock:
            if (kernel, norm) not in self._moments:
                self._moments[kernel, norm] = OwnMoments.of(self._split(), kernel, norm)
                settle(self.gradients.device)
            return self._moments[kernel, norm]

    def _split(self) -> tuple[Tensor, ...]:
        return torch.split(self.gradients, self._sizes)


@dataclass
class _Entry:
    lock: Lock = field(default_factory=Lock)
    side: StudentSide | None = None
    # Kept alive, so that no other tensor can get the identities in the key.
    module: nn.Module | None = None


class StudentPool:
    """Student sides by all that determines them; safe to use from several threads.

    Args:
        most_bytes: Memory to use; the least recently used sides are dropped first. 0 keeps none.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._lock = Lock()

    def takes(self, size: int) -> bool:
        """Return whether a side of this many bytes can be kept."""
        return size <= self._most_bytes

    def get(self, module: nn.Module, key: Hashable, make: Callable[[], StudentSide]) -> StudentSide:
        """Return the side of a task module, made at most once while it is kept.

        Args:
            module: The task module; a change to its numbers is noticed.
            key: Everything else that determines the side.
            make: Makes it. Other threads that need the same side wait.
        """
        whole = (_identity(module), key)
        with self._lock:
            entry = self._entries.setdefault(whole, _Entry())
            self._entries.move_to_end(whole)
        with entry.lock:
            if entry.side is None:
                side = make()
                settle(side.gradients.device)
                entry.side, entry.module = side, module
                self._drop()
            entry.side.use_here()
            return entry.side

    def _drop(self) -> None:
        with self._lock:
            made = {key: entry.side for key, entry in self._entries.items() if entry.side}
            held = sum(side.bytes for side in made.values())
            for key, side in made.items():
                if held <= self._most_bytes:
                    return
                held -= side.bytes
                del self._entries[key]


def _identity(module: nn.Module) -> Hashable:
    """Return what tells a module and its numbers apart from all others in memory.

    It is cheaper than a digest of half a gigabyte, and as reliable: the tensors themselves, how
    often each was written to, and what the module does with them.
    """
    tensors = (*module.named_parameters(), *module.named_buffers())
    kinds = (
        (type(layer).__module__, type(layer).__qualname__, getattr(layer, "code", None))
        for layer in module.modules()
    )
    numbers = ((name, id(tensor), tensor._version) for name, tensor in tensors)  # noqa: SLF001
    return repr(module), tuple(kinds), tuple(numbers)
