"""RemoteRunner: the process that carries jobflow-remote's jobs to the nodes and results back; one for each database.

    python -m atomsieve.workflows.remote.runner

jobflow-remote's own daemon waits two minutes after each error of the database, and locks stay that nobody holds any
more. This process runs the same Runner, in short rounds; in between it holds no lock, so that it can tell those apart.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from atomsieve.analysis.away import reported
from atomsieve.analysis.database import Database
from atomsieve.analysis.leases import Lease, server_time
from atomsieve.structures.errors import LeaseLostError, StoreError
from atomsieve.workflows.clusters.processes import identity
from atomsieve.workflows.remote.project import COLLECTIONS, JOBS, RemoteProject
from atomsieve.workflows.settings import read_settings

#: How it is started.
COMMAND = (sys.executable, "-P", "-m", "atomsieve.workflows.remote.runner")
#: What the lease of the runner is called: one at a time carries the jobs of a database.
LEASE = "the jobs of jobflow-remote"
#: Seconds of a round; a new one begins whatever the last one left undone.
ROUND = 10
#: A lock that is seen for so many seconds between rounds belongs to nobody.
FORGOTTEN = 25.0


def holder(database: Database) -> str | None:
    """Return who runs the runner of a database now, or None."""
    found = database.leases.query_one({"key": LEASE})
    if found is None or found["until"] < server_time(database.leases):
        return None
    host, _, number = str(found["holder"]).partition(", process ")
    if host == socket.gethostname() and not _is_runner(int(number)):
        # it was killed here: nobody need wait for the end of its lease
        database.leases.remove_docs({"key": LEASE, "token": found["token"]})
        return None
    return str(found["holder"])


def _is_runner(process: int) -> bool:
    if identity(process) is None:
        return False
    with suppress(OSError):
        return COMMAND[-1] in Path(f"/proc/{process}/cmdline").read_text()
    return True  # no /proc to ask


def start(project: RemoteProject, database: Database) -> tuple[str, bool]:
    """See that a runner runs; return who it is, and whether it was started now.

    Raises
    ------
    StoreError
        If it does not start.
    """
    running = holder(database)
    if running is not None:
        return running, False
    project.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = project.settings
    assert settings.mongodb_uri is not None
    own = {
        **project.environment,
        "ATOMSIEVE_FOLDER": str(settings.folder.absolute()),
        "ATOMSIEVE_MONGODB_URI": settings.mongodb_uri.get_secret_value(),
        "ATOMSIEVE_MONGODB_DATABASE": settings.mongodb_database,
    }
    os.close(os.open(project.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    # a process that outlives this one, and is nobody's child
    launched = subprocess.run(
        ["bash", "-c", '"${@:2}" >>"$1" 2>&1 & echo $!', "bash", str(project.log), *COMMAND],
        env={**os.environ, **own},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        cwd=project.folder,
        start_new_session=True,
        check=True,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        is_alive = identity(int(launched.stdout)) is not None
        running = holder(database)
        if running is not None:
            return running, is_alive
        if not is_alive:
            break
        time.sleep(0.2)
    raise StoreError(f"the runner of jobflow-remote does not start; see {project.log}")


def main() -> None:
    """Carry jobs until told to stop (SIGTERM), or until another process has taken over."""
    settings = read_settings()
    project = RemoteProject(settings)
    assert settings.mongodb_uri is not None
    # schedulers keep the environment of whoever submits, and hand it to the nodes
    for name in [name for name in os.environ if name.startswith("ATOMSIEVE_")]:
        del os.environ[name]
    with Database.mongodb(settings.mongodb_uri.get_secret_value(), settings.mongodb_database) as database:
        lease = database.lease(LEASE)
        if (other := lease.acquire()) is not None:
            sys.exit(f"{other} carries the jobs of this database already")
        try:
            _carry(project, database, lease)
        except LeaseLostError as error:
            sys.exit(str(error))
        finally:
            lease.release()


def _carry(project: RemoteProject, database: Database, lease: Lease) -> None:
    from jobflow_remote.jobs.runner import Runner

    runner: Any = None
    written = 0
    seen: dict[tuple[str, Any, str], float] = {}
    is_cut = True
    while runner is None or not runner.stop_signal:
        changed = project.path.stat().st_mtime_ns
        if runner is None or changed != written:
            # a worker that it did not know
            if runner is not None:
                _end(runner)
            runner, written = Runner(runner_id=str(os.getpid())), changed
        try:
            lease.renew()
            before, seen = seen, _unlock(database, seen)
            # what was cut short, by the end of a runner or of the database, held a lock, or is found at the start
            if is_cut or before.keys() - seen.keys():
                with reported(database.title):
                    _go_on(runner.job_controller)
                is_cut = False
        except StoreError as error:
            is_cut = True
            sys.stdout.write(f"{error}\n")
        runner.run(ticks=ROUND)
    _end(runner)


def _end(runner: Any) -> None:
    # it closes what it has closed already, and complains
    runner.jobstore.connect()
    runner.cleanup()


def _unlock(database: Database, seen: Mapping[tuple[str, Any, str], float]) -> dict[tuple[str, Any, str], float]:
    """Remove the locks that nobody holds; return when each that is there was seen first."""
    now = time.monotonic()
    found: dict[tuple[str, Any, str], float] = {}
    with reported(database.title):
        for name in (JOBS, COLLECTIONS["flows_collection"]):
            collection = database.leases._collection.database[name]
            for document in collection.find({"lock_id": {"$ne": None}}, ["lock_id"]):
                lock = (name, document["_id"], document["lock_id"])
                first = seen.get(lock, now)
                if now - first < FORGOTTEN:
                    found[lock] = first
                    continue
                free = {"$set": {"lock_id": None, "lock_time": None}}
                collection.update_one({"_id": document["_id"], "lock_id": document["lock_id"]}, free)
                sys.stdout.write(f"removed the lock {document['lock_id']}, which nobody holds\n")
    return found


def _go_on(controller: Any) -> None:
    """Make ready what waits for nothing any more: its parents were finished, and the runner ended before it said so."""
    for flow in controller.flows.find({"state": {"$ne": "COMPLETED"}}, ["jobs"]):
        for job in controller.refresh_children(flow["jobs"]):
            sys.stdout.write(f"made job {job} ready, whose parents are complete\n")


if __name__ == "__main__":
    main()
