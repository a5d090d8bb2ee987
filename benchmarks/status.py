"""How long `atomsieve status` takes at many tasks, embedded and over the wire.

    python benchmarks/status.py [TASKS]

The server is the one of ATOMSIEVE_MONGODB_URI, else a SecantusDB of its own, which is slower than a MongoDB.
Prints the median of a look (one query, worked out and drawn) and of the whole command, in seconds.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pymongo

from atomsieve.analysis.database import Database
from atomsieve.analysis.glance import file_looks, server_looks
from atomsieve.structures.task import Task, TaskState
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.printing import console
from atomsieve.workflows.watching import monitor
from atomsieve.workflows.watching.board import board

REPEATS = 5
STATES = [TaskState.DONE] * 7 + [TaskState.FAILED, TaskState.RUNNING, TaskState.QUEUED]


def tasks(number: int) -> Iterator[Task]:
    """Yield tasks of every state, twenty a site."""
    began = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=2)
    for index in range(number):
        site, state = index // 20, STATES[index % 10]
        yield Task(
            campaign="many",
            subject=f"{index:064x}",
            kind="site" if index % 20 == 0 else "adsorbed",
            site=f"Fe-N4@graphene-{site}",
            state=state,
            flow=f"{site:064x}",
            engine="fireworks",
            worker="cluster",
            calculator="gfn2-xtb",
            failure_class="retry with other settings" if state is TaskState.FAILED else None,
            reason=f"SCF not converged in {index} cycles" if state is TaskState.FAILED else None,
            seconds=float(index % 100),
            host="node01",
            job="1234",
            directory=f"/scratch/results/{index:02x}",
            began=began,
        )


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    """Yield the URI of a server."""
    if uri := os.environ.get("ATOMSIEVE_MONGODB_URI"):
        yield uri
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = shutil.which("secantusd-py", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert program is not None, "install secantusdb, or set ATOMSIEVE_MONGODB_URI"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "--host", "127.0.0.1", "--port", str(port), "--storage-path", str(folder / "mongo")],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        yield f"mongodb://127.0.0.1:{port}/?retryWrites=false&journal=true"
    finally:
        process.terminate()
        process.wait()


def median(act: Callable[[], object]) -> float:
    """Return the median time of an act, s."""
    took = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        act()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def measure(database: Database, looks: contextlib.AbstractContextManager, number: int, **environment: str) -> str:
    """Fill a database; return the time of a look and of the whole command as a line."""
    with database:
        database.save_campaign("many", {"name": "many"}, number // 20)
        listed = list(tasks(number))
        for begin in range(0, number, 1000):
            database.tasks.put(listed[begin : begin + 1000])
    folder = Folder(environment["ATOMSIEVE_FOLDER"])
    with looks as look, Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        out = console()
        out.file = nowhere
        one = median(lambda: out.print(board(monitor.standing("many", look("many"), folder), "many")))
    command = [sys.executable, "-m", "atomsieve.workflows.cli", "status", "many"]
    kept = {**os.environ, **environment}
    whole = median(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=kept))
    return f"{one:7.3f} {whole:14.3f}"


def main() -> None:
    """Print the table."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "atomsieve.sqlite"
        print(f"{number:,} tasks   a look, s   the command, s")
        os.environ.pop("ATOMSIEVE_FOLDER", None)
        with server(folder) as uri:
            os.environ.pop("ATOMSIEVE_MONGODB_URI", None)
            told = measure(Database.embedded(path), file_looks(path), number, ATOMSIEVE_FOLDER=name)
            print(f"embedded       {told}")
            database = f"atomsieve_bench_{uuid.uuid4().hex[:12]}"
            environment = {
                "ATOMSIEVE_FOLDER": name,
                "ATOMSIEVE_MONGODB_URI": uri,
                "ATOMSIEVE_MONGODB_DATABASE": database,
            }
            try:
                told = measure(Database.mongodb(uri, database), server_looks(uri, database), number, **environment)
                print(f"on a server    {told}")
            finally:
                with pymongo.MongoClient(uri) as client:
                    client.drop_database(database)


if __name__ == "__main__":
    main()
