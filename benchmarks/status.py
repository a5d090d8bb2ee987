"""Status: how long a look at a campaign of many tasks takes, in a file and on a server."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from atomsieve.analysis.database import Database
from atomsieve.analysis.glance import file_looks, server_looks
from atomsieve.structures.task import Task, TaskState
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.printing import console
from atomsieve.workflows.watching import monitor
from atomsieve.workflows.watching.board import board
from benchmarks.server import NAME, server
from benchmarks.table import Table

REPEATS = 5
OWN = ("ATOMSIEVE_FOLDER", "ATOMSIEVE_MONGODB_URI", "ATOMSIEVE_MONGODB_DATABASE")
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


def median(act: Callable[[], object]) -> float:
    """Return the median time of an act, s."""
    took = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        act()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def looked(
    database: Database, looks: contextlib.AbstractContextManager[Any], number: int, environment: dict[str, str]
) -> list[float]:
    """Fill a database; return the seconds of a look and of the whole command."""
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
    return [one, whole]


def measure(quick: bool) -> Table:
    """Return the median of a look (one query, worked out and drawn) and of the whole command."""
    number = 200 if quick else 10_000
    with tempfile.TemporaryDirectory() as name:
        folder, nobody = Path(name), {key: os.environ.pop(key) for key in list(os.environ) if key in OWN}
        path = folder / "atomsieve.sqlite"
        found = {"in a file": looked(Database.embedded(path), file_looks(path), number, {"ATOMSIEVE_FOLDER": name})}
        os.environ.update(nobody)
        if not quick:
            with server(folder) as (uri, database):
                environment = dict(zip(OWN, (name, uri, database), strict=True))
                both = Database.mongodb(uri, database), server_looks(uri, database)
                found[f"on a server ({NAME})"] = looked(*both, number, environment)
    rows = tuple((where, *(f"{seconds:.3f}" for seconds in times)) for where, times in found.items())
    return Table(("", "a look, s", "the command, s"), rows, f"{number:,} tasks; median of {REPEATS}.")
