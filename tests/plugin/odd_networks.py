"""Networks of another package, each of which does something odd while it is trained."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time

from torch import Tensor, nn

from legonet.language.models import ModelForm
from legonet.modules.small import small_vgg


class OddError(Exception):
    """An error that cannot even be shown, nor sent to another process."""

    def __init__(self) -> None:
        super().__init__(lambda: None)

    def __str__(self) -> str:
        raise ValueError


class Odd(nn.Module):
    """Hands on what it is given, and misbehaves where the network is trained."""

    def __init__(self, behaviour: str) -> None:
        super().__init__()
        self.behaviour = behaviour

    def forward(self, pictures: Tensor) -> Tensor:
        """Misbehave."""
        if self.training and pictures.device.type != "meta":
            getattr(self, f"_{self.behaviour}")()
        return pictures

    def _is_killed(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def _leaves(self) -> None:
        os._exit(7)

    def _leaves_a_process(self) -> None:
        subprocess.Popen(["sleep", "60"])
        print("last words", flush=True)
        os._exit(8)

    def _crashes(self) -> None:
        ctypes.string_at(0)

    def _raises(self) -> None:
        raise OddError

    def _exits(self) -> None:
        sys.exit(5)

    def _interrupts(self) -> None:
        raise KeyboardInterrupt

    def _prints(self) -> None:
        print("a word between the messages", flush=True)
        os.write(1, b"\x80\x04 and another one\n" * 1000)

    def _never_ends(self) -> None:
        while True:
            time.sleep(0.1)


class OddNetwork(ModelForm):
    """A small network that misbehaves.

    Args:
        behaviour: What it does while it is trained.
    """

    call = "odd.one"
    goal = "classification"
    behaviour: str

    def build(self) -> nn.Module:
        """Return the network."""
        return nn.Sequential(Odd(self.behaviour), small_vgg(1, 4))
