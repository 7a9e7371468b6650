"""Torch's global generators, used by one thread at a time.

Constructors, dropout and the like draw from generators that all threads share. Code that draws
from them does so inside `seeded` or `RandomStream.followed`: it gets the numbers of its own seed,
whatever other threads draw, and leaves the generators as it found them.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

_ONE_AT_A_TIME = threading.RLock()
"""Held while torch's global generators follow a stream."""


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Start torch's global CPU generator from a seed; other threads wait meanwhile."""
    with RandomStream(seed).followed():
        yield


class RandomStream:
    """The random numbers of a seed, which torch's global generators can follow for a while.

    Args:
        seed: Where it starts, on each device.
        device: Where numbers are drawn, besides the CPU.
    """

    cpu: torch.Generator
    """Draws the stream's next numbers on the CPU."""

    def __init__(self, seed: int, device: torch.device | str = "cpu") -> None:
        self.cpu = torch.Generator()
        self._own = {"cpu": self.cpu}
        self._global = {"cpu": torch.default_generator}
        device = torch.device(device)
        if device.type == "cuda":
            torch.cuda.init()  # type: ignore[no-untyped-call]
            index = torch.cuda.current_device() if device.index is None else device.index
            self._own["cuda"] = torch.Generator(device)
            self._global["cuda"] = torch.cuda.default_generators[index]
        for generator in self._own.values():
            generator.manual_seed(seed)

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Let torch's global generators continue with this stream, in this thread alone.

        Other threads that want the same have to wait, so hold it for one pass through a network,
        not for a whole training.
        """
        with _ONE_AT_A_TIME:
            kept = _states(self._global)
            _put(self._global, _states(self._own))
            try:
                yield
            finally:
                _put(self._own, _states(self._global))
                _put(self._global, kept)

    def state(self) -> dict[str, Tensor]:
        """Return how far the stream has come, by type of device."""
        return _states(self._own)

    def resume(self, state: Mapping[str, Tensor]) -> None:
        """Continue from a state."""
        _put(self._own, state)


def _states(generators: Mapping[str, torch.Generator]) -> dict[str, Tensor]:
    return {device: generator.get_state() for device, generator in generators.items()}


def _put(generators: Mapping[str, torch.Generator], states: Mapping[str, Tensor]) -> None:
    for device, generator in generators.items():
        generator.set_state(states[device])
