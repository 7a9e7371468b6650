"""Unfinished training that goes on where a killed process left it, with the same bits."""

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
        """Return the state that was saved last, its tensors on the CPU; None where none was."""

    def due(self) -> bool:
        """Whether it is time to save again."""

    def save(self, state: State) -> None:
        """Put a state in the place of the last one, whole or not at all."""


class NoCheckpoint:
    """Keeps nothing."""

    def load(self) -> State | None:
        """Return None."""
        return None

    def due(self) -> bool:
        """Never."""
        return False

    def save(self, state: State) -> None:
        """Forget a state."""


class Resumable:
    """One certain training with its checkpoint, deaf to the state of any other.

    Args:
        checkpoint: The place.
        start: The module to be trained, as it is before the first step.
        options: Whatever else tells this training from others.
    """

    def __init__(self, checkpoint: Checkpoint, start: nn.Module, *options: object) -> None:
        self._checkpoint = checkpoint
        # The start is computed before each training: other bits of it, as another device or
        # library gives them, are another training.
        self._identity = " ".join((state_digest(start), *map(str, options)))

    def resume(self) -> State:
        """Return the state of this training that was saved last; empty where there is none."""
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
