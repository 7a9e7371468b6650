"""Ctrl-C and SIGTERM: the first one ends the work in good order, the second one at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from legonet.cli.exits import Exit

LATEST = 1.8
"""Seconds after which the process ends, whatever it is at."""

SHOW_CURSOR = "\x1b[?25h"
"""What a terminal is told that may have been left in the middle of a drawing."""

_STANDARD_ERROR = 2


class Interruption:
    """Makes a `KeyboardInterrupt` of the first signal, and sees to it that the process ends.

    Attributes:
        number: The signal that came, or None as long as there was none.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._came = threading.Event()

    def install(self) -> None:
        """Take up the signals, but those that who started this process lets it ignore."""
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._take)
        threading.Thread(target=self._end_late, daemon=True).start()

    @property
    def exit_code(self) -> int:
        """What a shell gives a command that a signal ended: 130 for Ctrl-C, 143 for SIGTERM."""
        return Exit.INTERRUPTED if self.number is None else 128 + self.number

    def leave(self, words: str = "what is finished is kept") -> NoReturn:
        """End the process, whatever its threads are at.

        Args:
            words: What a person shall know.
        """
        with suppress(OSError):
            # Who reads it may have gone, such as the `head` behind a pipe.
            sys.stdout.flush()
        self._end(words)

    def _take(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as signal asks
        if self.number is not None:
            self._end("what is finished is kept")
        self.number = number
        self._came.set()
        raise KeyboardInterrupt

    def _end_late(self) -> None:
        """End a process that something holds up, such as code that looks for no signals."""
        self._came.wait()
        time.sleep(LATEST)
        self._end("what is finished is kept")

    def _end(self, words: str) -> NoReturn:
        # Past the streams of Python, which whatever was interrupted may hold a lock of.
        cursor = SHOW_CURSOR if os.isatty(_STANDARD_ERROR) else ""
        with suppress(OSError):
            os.write(_STANDARD_ERROR, f"{cursor}interrupted: {words}\n".encode())
        os._exit(self.exit_code)
