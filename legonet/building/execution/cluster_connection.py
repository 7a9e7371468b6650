"""The connection to a Ray cluster: found or refused in time, quiet, and noticed when lost."""

from __future__ import annotations

import atexit
import logging
import os
import socket
import time
import warnings
from threading import Event, Thread
from typing import Any

from legonet.diagnostics import DiagnosticError

ANSWER_WITHIN = 5.0
"""Seconds within which something must listen at the address."""

JOIN_WITHIN = 40.0
"""Seconds within which this process must have joined the cluster; Ray would try forever."""

LOST_AFTER = 10.0
"""Seconds without an answer from the head node after which the cluster is given up.

Ray would wait for a minute and then end this process without giving a reason.
"""

SHUT_DOWN_WITHIN = 5.0
"""Seconds for which a program that lost its cluster waits at its end for Ray to shut down."""

START = "start one with `ray start --head`, and name it with --address if it is on another machine"


class Connection:
    """A connection to a Ray cluster that exists.

    Args:
        address: Of the cluster, such as ``head:6379`` or ``ray://head:10001``; None for the one
            on this machine.

    Attributes:
        is_open: Whether it may still be used.

    Raises:
        DiagnosticError: There is none.
    """

    def __init__(self, address: str | None) -> None:
        import ray

        self._ray: Any = ray
        self._is_ours = not ray.is_initialized()
        self._head = self._find(address)
        if self._is_ours:
            self._join(address)
        else:
            self._head = _parts(ray.get_runtime_context().gcs_address) or self._head
        self.is_open = True

    @property
    def ray(self) -> Any:
        """Ray's functions, which would connect to whatever cluster there is without a connection.

        Raises:
            ConnectionError: This connection is closed.
        """
        if not self.is_open:
            raise ConnectionError("the connection to the Ray cluster is closed")
        return self._ray

    def nodes(self) -> list[dict[str, float]]:
        """Return what each living node has; this may wait forever if the head is gone."""
        return [node["Resources"] for node in self.ray.nodes() if node["Alive"]]

    def wait_for_loss(self, closed: Event, every: float = 1.0) -> bool:
        """Wait until the head no longer answers, or until this connection is closed.

        Args:
            closed: Is set when the connection is closed.
            every: Seconds between two checks.

        Returns:
            Whether the cluster is lost.
        """
        answered = time.monotonic()
        while not closed.wait(every):
            if _listens(*self._head, timeout=2.0):
                answered = time.monotonic()
            elif time.monotonic() - answered > LOST_AFTER:
                return True
        return False

    def loss(self) -> DiagnosticError:
        """Return the error for a cluster that is lost."""
        return DiagnosticError.of(
            "LEGO742",
            f"the Ray cluster at `{_shown(self._head)}` no longer answers",
            help=[
                "check its head node, or start the cluster again; `ray status` shows its nodes",
                "what is finished is kept; run the same command again to continue",
            ],
        )

    def close(self, *, lost: bool = False) -> None:
        """Leave the cluster, unless this process was in it before."""
        self.is_open = False
        if not self._is_ours:
            return
        if lost:
            # Ray waits a long time for a head that is gone, and again when the program ends.
            atexit.unregister(self._ray.shutdown)
            thread = Thread(target=self._ray.shutdown, daemon=True)
            thread.start()
            # A program that ends in the middle of it crashes; one may end while Ray only waits.
            atexit.register(thread.join, SHUT_DOWN_WITHIN)
        else:
            self._ray.shutdown()

    def _find(self, address: str | None) -> tuple[str, int]:
        """Return where the head listens."""
        named = address or os.environ.get("RAY_ADDRESS")
        if named in (None, "", "auto"):
            from ray._private.services import canonicalize_bootstrap_address_or_die

            try:
                named = canonicalize_bootstrap_address_or_die("auto")
            except ConnectionError:
                raise DiagnosticError.of(
                    "LEGO740", "there is no Ray cluster on this machine", help=[START]
                ) from None
        head = _parts(str(named))
        if head is None:
            raise DiagnosticError.of(
                "LEGO740",
                f"expected the address of a Ray cluster, found `{named}`",
                help=["write --address HOST:6379, or ray://HOST:10001 from outside the cluster"],
            )
        if not _listens(*head, timeout=ANSWER_WITHIN):
            raise DiagnosticError.of(
                "LEGO740", f"no Ray cluster answers at `{_shown(head)}`", help=[START]
            )
        return head

    def _join(self, address: str | None) -> None:
        found: list[BaseException | None] = []

        def join() -> None:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    self._ray.init(
                        address=address or "auto",
                        log_to_driver=False,
                        logging_level=logging.ERROR,
                    )
                found.append(None)
            except BaseException as error:
                found.append(error)

        _quieten()
        # In a thread it leaves this program's signals alone, and can be abandoned.
        thread = Thread(target=join, daemon=True)
        thread.start()
        thread.join(JOIN_WITHIN)
        error = found[0] if found else TimeoutError("it does not speak as a Ray cluster does")
        if error is not None:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise DiagnosticError.of(
                "LEGO740",
                f"cannot join the Ray cluster at `{_shown(self._head)}`: {reason}",
                help=[
                    "--address takes HOST:6379, or ray://HOST:10001 from outside the cluster",
                    "all machines need the same versions of Ray and of Python",
                ],
            ) from None


def _quieten() -> None:
    """Keep Ray from writing into this program's output; its exceptions say what went wrong."""
    from ray._private import worker

    logging.getLogger("ray").setLevel(logging.ERROR)
    # The deaths of workers are written to standard output whatever `log_to_driver` says.
    worker._worker_logs_enabled = False  # noqa: SLF001


def _parts(address: str) -> tuple[str, int] | None:
    host, _, port = address.removeprefix("ray://").rpartition(":")
    return (host.strip("[]"), int(port)) if host and port.isdecimal() else None


def _shown(head: tuple[str, int]) -> str:
    return f"{head[0]}:{head[1]}"


def _listens(host: str, port: int, timeout: float) -> bool:
    try:
        socket.create_connection((host, port), timeout).close()
    except (OSError, OverflowError):
        return False
    return True
