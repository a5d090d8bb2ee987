"""A network that is slow or breaks, between a database's client and its server."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Proxy:
    """What stands between, and what it does to the bytes of the server and to those of the client.

    Parameters
    ----------
    target : int
        Port of the server; may change, as that of one that is started again.
    delay : float
        Seconds that each answer waits.
    left : int or None
        Bytes from clients after which every connection breaks, and none is taken; None for no end.
    """

    target: int
    delay: float = 0.0
    left: int | None = None
    port: int = 0
    _sockets: list[socket.socket] = field(default_factory=list)

    def cut(self) -> None:
        """Break all connections."""
        sockets, self._sockets = self._sockets, []
        for one in sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if self.left is not None and self.left <= 0:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.target), timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            self._sockets += [client, server]
            for source, sink, is_answer in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._carry, args=(source, sink, is_answer), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, is_answer: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                if is_answer:
                    time.sleep(self.delay)
                elif self.left is not None:
                    self.left -= len(data)
                    if self.left <= 0:
                        self.cut()
                        return
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def proxy(target: int) -> Iterator[Proxy]:
    """Give a proxy before a port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Proxy(target, port=listener.getsockname()[1])
        threading.Thread(target=made.serve, args=(listener,), daemon=True).start()
        try:
            yield made
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            made.cut()
