"""A way to a server that breaks when it is told to."""

from __future__ import annotations

import socket
import struct
from threading import Thread
from typing import Self

RESET = struct.pack("ii", 1, 0)
"""To linger for no time: what is closed is reset."""


class Proxy:
    """Passes connections on to a server.

    Args:
        host: Of the server.
        port: Of the server.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._after: int | None = None
        self._open: list[socket.socket] = []
        self.port = int(self._listening.getsockname()[1])
        self.broken = 0
        self._thread = Thread(target=self._accept)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def break_next(self, *, after: int) -> None:
        """Break one connection once so many more bytes went through in either direction."""
        self._after = after

    def close(self) -> None:
        """Take no connection any more, and break those that are open."""
        if self._listening.fileno() < 0:
            return
        # Wakes up who waits for a connection.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listening.close()
        self._break(*self._open)

    def _accept(self) -> None:
        passing = []
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                break
            server = socket.create_connection(self._server)
            self._open += [client, server]
            for source, target in ((client, server), (server, client)):
                passing.append(Thread(target=self._pass, args=(source, target)))
                passing[-1].start()
        self._break(*self._open)
        for thread in passing:
            thread.join()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while contents := source.recv(1024):
                if self._after is not None:
                    self._after -= len(contents)
                    if self._after <= 0:
                        self._after = None
                        self.broken += 1
                        self._break(source, target)
                        return
                target.sendall(contents)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def _break(self, *sockets: socket.socket) -> None:
        for item in sockets:
            try:
                item.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                item.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            item.close()
