"""Ctrl-C, SIGTERM and SIGHUP: the first ends the work in an orderly way, the second at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from legonet.cli.output import Exit

LATEST = 1.8
"""Seconds after which the process ends, whatever it is doing."""

SHOW_CURSOR = "\x1b[?25h"
"""Sent to a terminal that may have been left in the middle of a drawing."""

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""What ends a command: Ctrl-C, a request, and a terminal that is closed, which Windows lacks."""

_STANDARD_ERROR = 2


class Interruption:
    """Turns the first signal into a `KeyboardInterrupt`, and makes sure that the process ends.

    Attributes:
        number: The signal that came, or None if there has been none yet.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._came = threading.Event()

    def install(self) -> None:
        """Handle the signals, except those that the parent process made this one ignore."""
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._take)
        threading.Thread(target=self._end_late, daemon=True).start()

    @property
    def exit_code(self) -> int:
        """A shell's exit code for what a signal ended: Ctrl-C 130, SIGTERM 143, SIGHUP 129."""
        return Exit.INTERRUPTED if self.number is None else 128 + self.number

    def leave(self, words: str = "what is finished is kept") -> NoReturn:
        """End the process, whatever its threads are doing.

        Args:
            words: What to tell the user.
        """
        with suppress(OSError):
            # The reader may be gone, such as a `head` at the end of a pipe.
            sys.stdout.flush()
        self._end(words)

    def _take(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as signal asks
        if self.number is not None:
            self._end("what is finished is kept")
        self.number = number
        self._came.set()
        raise KeyboardInterrupt

    def _end_late(self) -> None:
        """End a process that something blocks, such as code that never checks for signals."""
        self._came.wait()
        time.sleep(LATEST)
        self._end("what is finished is kept")

    def _end(self, words: str) -> NoReturn:
        # Bypasses Python's streams, since the interrupted code may hold one of their locks.
        cursor = SHOW_CURSOR if os.isatty(_STANDARD_ERROR) else ""
        with suppress(OSError):
            os.write(_STANDARD_ERROR, f"{cursor}interrupted: {words}\n".encode())
        os._exit(self.exit_code)
