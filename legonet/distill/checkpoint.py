"""Unfinished training that resumes where a killed process left off, with the same bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from legonet.modules.digest import state_digest

if TYPE_CHECKING:
    from torch import nn

State = dict[str, Any]
"""Tensors and plain values by name, nested in dicts and lists."""


class Checkpoint(Protocol):
    """A place for the state of one training."""

    def load(self) -> State | None:
        """Return the last saved state, its tensors on the CPU; None if nothing was saved."""

    def due(self) -> bool:
        """Whether it is time to save again."""

    def save(self, state: State) -> None:
        """Replace the last state, completely or not at all."""


class NoCheckpoint:
    """A checkpoint that keeps nothing."""

    def load(self) -> State | None:
        """Return None."""
        return None

    def due(self) -> bool:
        """Return False: it is never time to save."""
        return False

    def save(self, state: State) -> None:
        """Discard a state."""


class Resumable:
    """One particular training with its checkpoint, which ignores the state of any other.

    Args:
        checkpoint: Where the state is kept.
        start: The module to train, as it is before the first step.
        options: Whatever else tells this training apart from others.
    """

    def __init__(self, checkpoint: Checkpoint, start: nn.Module, *options: object) -> None:
        self._checkpoint = checkpoint
        # The start is computed before each training: if its bits differ, as with another device
        # or library, it is another training.
        self._identity = " ".join((state_digest(start), *map(str, options)))

    def resume(self) -> State:
        """Return the last saved state of this training; empty if there is none."""
        saved = self._checkpoint.load()
        if saved is None or saved.get("training") != self._identity:
            return {}
        state: State = saved["state"]
        return state

    def due(self) -> bool:
        """Whether it is time to save again."""
        return self._checkpoint.due()

    def save(self, state: State) -> None:
        """Save a state."""
        self._checkpoint.save({"training": self._identity, "state": state})
