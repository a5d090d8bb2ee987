"""RemoteProject: jobflow-remote's own configuration, made of the settings and of the description of a cluster.

::

    FOLDER/jobflow-remote/NAME.json      the project: the one file that holds the URI of the database, mode 600
                          NAME/          logs of the runner, files that it fetched
"""

from __future__ import annotations

import json
import os
import shlex
from contextlib import suppress
from pathlib import Path
from typing import Any

from atomsieve.structures.errors import InputError
from atomsieve.workflows.calculators import CALCULATORS
from atomsieve.workflows.clusters.cluster import CHEAP, Worker
from atomsieve.workflows.clusters.queues import Queue
from atomsieve.workflows.clusters.scheduler import Scheduler
from atomsieve.workflows.settings import Settings

#: Seconds between two looks of the runner at the same thing.
DELAY = 1.0
#: Seconds that its database may be away before it takes note.
PATIENCE = 20
#: How often the runner tries a step (an upload, a question to the scheduler) before it asks for help, and how long it
#: waits in between (s).
TRIES, BETWEEN = 20, (2.0, 5.0, 15.0, 60.0)
#: Seconds that an allocation is held in which nothing can run.
PAUSE = 120
#: Collections of jobflow-remote, in the database of the results.
COLLECTIONS = {
    "flows_collection": "remote_flows",
    "auxiliary_collection": "remote_auxiliary",
    "batches_collection": "remote_batches",
}
JOBS = "remote_jobs"


class RemoteProject:
    """jobflow-remote's configuration for one database and the workers that were used with it.

    Parameters
    ----------
    settings : Settings
        Name the database and the folder.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.mongodb_uri is None:
            raise InputError(
                "jobflow-remote keeps its jobs on a MongoDB server: set ATOMSIEVE_MONGODB_URI "
                "(the embedded database serves the local engine alone)"
            )
        self.settings = settings
        self.name = settings.mongodb_database
        self.folder = settings.folder.absolute() / "jobflow-remote"

    @property
    def path(self) -> Path:
        """The project's file."""
        return self.folder / f"{self.name}.json"

    @property
    def log(self) -> Path:
        """What the runner prints."""
        return self.folder / self.name / "runner.out"

    @property
    def environment(self) -> dict[str, str]:
        """What tells jobflow-remote's own commands of the project."""
        return {"JFREMOTE_PROJECTS_FOLDER": str(self.folder), "JFREMOTE_PROJECT": self.name}

    @property
    def command(self) -> str:
        """The beginning of jobflow-remote's own commands, for a person."""
        where = " ".join(f"{name}={shlex.quote(value)}" for name, value in self.environment.items())
        return f"{where} jf"

    def read(self) -> dict[str, Any] | None:
        """Return the project as it was written, or None."""
        try:
            found: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return found

    def write(self, worker: Worker) -> None:
        """Write the project with a worker, and keep those that it has; a file of equal content is left alone."""
        before = self.read()
        others = before["workers"] if before is not None else {}
        own = {worker_name(worker, kind): _worker(worker, kind) for kind in worker.kinds}
        # kinds that the description no longer has: their jobs would fail for want of them, so that they stay
        content = self._content({**others, **own})
        if content == before:
            return
        for folder in (self.folder, self.folder / self.name):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
        # whatever ends as the file does is taken for a project, so that the partial one must not
        partial = self.path.with_suffix(f".{os.getpid()}.partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
        partial.replace(self.path)

    def _content(self, workers: dict[str, Any]) -> dict[str, Any]:
        assert self.settings.mongodb_uri is not None
        server = {
            "database": self.settings.mongodb_database,
            "uri": self.settings.mongodb_uri.get_secret_value(),
            "mongoclient_kwargs": {"serverSelectionTimeoutMS": PATIENCE * 1000},
        }
        return {
            "name": self.name,
            "base_dir": str(self.folder / self.name),
            "workers": workers,
            "queue": {"store": {"type": "MongoStore", **server, "collection_name": JOBS}, **COLLECTIONS},
            "jobstore": {"docs_store": {"type": "MongoStore", **server, "collection_name": "jobs", "key": "uuid"}},
            # what a job leaves on the node, one small document
            "remote_jobstore": {"store": "orjson"},
            "runner": {
                "delay_checkout": DELAY,
                "delay_check_run_status": DELAY,
                "delay_advance_status": DELAY,
                "delay_refresh_limited": 5 * DELAY,
                "delay_update_batch": DELAY,
                "delay_ping_db": 5 * DELAY,
                "max_step_attempts": TRIES,
                "delta_retry": list(BETWEEN),
            },
        }


def worker_name(worker: Worker, kind: str) -> str:
    """Return what jobflow-remote calls a kind of job on a cluster: each is a worker of its own."""
    return f"{worker.name}-{kind}"


def managers(worker: Worker) -> dict[str, dict[str, str]]:
    """Return where jobs go, by the calculator, as jobflow's ``manager_config``."""
    found = {}
    for name in CALCULATORS:
        # what has no place is not used; a campaign that uses it is refused when it is handed over
        with suppress(InputError):
            found[name] = {"worker": worker_name(worker, worker.kind_of(name))}
    return found


def default_worker(worker: Worker) -> str:
    """Return where jobs go that calculate nothing."""
    return worker_name(worker, CHEAP if CHEAP in worker.kinds else next(iter(worker.kinds)))


def batches(worker: Worker, kind: str) -> Path | None:
    """Return where files say which jobs the processes of an allocation may take; None where each has its own."""
    if worker.kinds[kind].workers == 1:
        return None
    return worker.folder / "jobflow-remote" / f"batch-{kind}"


def resources(worker: Worker, kind: str, memory: int | None = None) -> dict[str, Any]:
    """Return what a job asks the scheduler for, in jobflow-remote's words; memory in MB, unless that of the kind."""
    queue = Scheduler(worker).system
    if not isinstance(queue, Queue):
        return {}
    own = worker.kinds[kind]
    found = queue.fields("", own.model_copy(update={"memory": memory or own.memory}), Path())
    # jobflow-remote's own: a name for each job, and its folder
    return {name: value for name, value in found.items() if name not in ("job_name", "qout_path")}


def _worker(worker: Worker, kind: str) -> dict[str, Any]:
    """Return jobflow-remote's description of a worker."""
    own, scheduler = worker.kinds[kind], Scheduler(worker)
    queue, folder = scheduler.system, worker.folder / "jobflow-remote"
    run = shlex.join([worker.python, "-P", "-m", "atomsieve.workflows.remote.job"])
    # no secrets: jobs see no database
    before = "\n".join(scheduler.preamble(secrets=False))
    found: dict[str, Any] = {
        **({"type": "remote", **worker.host.model_dump(exclude_none=True)} if worker.host else {"type": "local"}),
        "scheduler_type": queue.io.as_dict() if isinstance(queue, Queue) else "shell",
        "work_dir": str(folder / "runs"),
        "resources": resources(worker, kind),
        "pre_run": before,
        # what the scheduler signals, and what is killed, is the job: it takes the place of the script's shell
        "execution_cmd": "\n".join(scheduler.launch(run + " {}")),
        "max_jobs": own.jobs,
    }
    if (handles := batches(worker, kind)) is not None:
        found["batch"] = {
            "jobs_handle_dir": str(handles),
            "work_dir": str(folder / "batches"),
            "parallel_jobs": own.workers,
        }
        # jobflow-remote's own command would start a fresh interpreter for each job: this function takes its place
        given = shlex.join(["--worker", worker.model_dump_json(), "--kind", kind])
        command = "\n".join(scheduler.launch(f'{run} {given} -- "$@"'))
        # it replaces an allocation that ends at once by the next, without end: such a node is held for a while
        tried = f"{shlex.quote(worker.python)} -P -c 'import atomsieve.workflows.remote.job'"
        works = f"{tried} || {{ sleep {PAUSE}; exit 1; }}"
        found["pre_run"] = f"{before}\njf() {{\n{works}\n{command}\n}}"
    return found
