"""Buckets of a real server that speaks S3, and connections to it that break on demand."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Self
from uuid import uuid4

import fsspec
import pytest

RESET = struct.pack("ii", 1, 0)
"""No time to linger: a connection that is closed is reset."""


@contextmanager
def s3_server() -> Iterator[tuple[str, int]]:
    """Start a server, and yield its host and port."""
    server = pytest.importorskip("moto.server", reason="moto is not installed").ThreadedMotoServer(
        ip_address="127.0.0.1", port=0, verbose=False
    )
    server.start()
    try:
        yield server.get_host_and_port()
    finally:
        server.stop()


@contextmanager
def new_bucket(host: str, port: int, **settings: str) -> Iterator[str]:
    """Create a bucket and yield its URL; until the end, the environment leads to its server.

    All servers of a process share their buckets, so each bucket has a name of its own.
    """
    settings |= {
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    }
    name = f"bucket-{uuid4()}"
    with pytest.MonkeyPatch.context() as environment:
        for variable, value in settings.items():
            environment.setenv(variable, value)
        # fsspec keeps a connection, which may lead to another test's server.
        fsspec.get_filesystem_class("s3").clear_instance_cache()
        fsspec.filesystem("s3").mkdir(name)
        yield f"s3://{name}"
        fsspec.get_filesystem_class("s3").clear_instance_cache()


class Proxy:
    """Forwards connections to a server.

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
        """Break one connection after so many more bytes in either direction."""
        self._after = after

    def close(self) -> None:
        """Accept no more connections, and break those that are open."""
        if self._listening.fileno() < 0:
            return
        # Wakes the thread that waits for a connection.
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
