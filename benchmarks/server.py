"""Server: the MongoDB that a benchmark talks to."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pymongo

#: What the page calls it.
NAME = "MongoDB" if os.environ.get("ATOMSIEVE_MONGODB_URI") else "SecantusDB"
#: Seconds that a server may take to start.
START = 120.0


@contextlib.contextmanager
def server(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the URI of a server and the name of a database there that is dropped afterwards.

    The server is that of ATOMSIEVE_MONGODB_URI, else a SecantusDB of its own, which speaks MongoDB's protocol, needs no
    installation beside pip's, and is slower than a MongoDB.

    Raises
    ------
    RuntimeError
        If there is none, or it does not start.
    """
    name = f"atomsieve_bench_{uuid.uuid4().hex[:12]}"
    if uri := os.environ.get("ATOMSIEVE_MONGODB_URI"):
        try:
            yield uri, name
        finally:
            client: pymongo.MongoClient[dict[str, object]]
            with pymongo.MongoClient(uri) as client:
                client.drop_database(name)
        return
    program = shutil.which("secantusd-py", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        raise RuntimeError("no MongoDB: install secantusdb, or set ATOMSIEVE_MONGODB_URI")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, "--host", "127.0.0.1", "--port", str(port), "--storage-path", str(folder / "mongo")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
    try:
        _wait(process, port)
        yield f"mongodb://127.0.0.1:{port}/?retryWrites=false&journal=true", name
    finally:
        process.terminate()
        process.wait(30)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError("the MongoDB server did not start")
