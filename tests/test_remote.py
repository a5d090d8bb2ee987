"""jobflow-remote: the same campaign through its database and runner, to nodes that see no database."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from atomsieve.analysis.database import Database
from atomsieve.structures.errors import FailureClass, InputError
from atomsieve.structures.task import TaskState
from atomsieve.workflows import remoterunner
from atomsieve.workflows.campaigns import load
from atomsieve.workflows.cluster import Worker
from atomsieve.workflows.dispatch import Dispatch, Dispatched, JobView
from atomsieve.workflows.remote import RemoteEngine
from atomsieve.workflows.remotejobs import diagnose, state
from atomsieve.workflows.runner import Runner
from atomsieve.workflows.settings import Settings

# jobflow-remote uses helpers that monty has deprecated
pytestmark = [pytest.mark.mongo, pytest.mark.filterwarnings("ignore::FutureWarning")]

CAMPAIGN = """\
name: remote
sites:
  - {family: graphene, metals: [METAL], coordination: N4}
reactions: [HER]
method: {calculator: mock, settings: {seconds_per_force_call: SECONDS}}
relaxation: {max_steps: 60}
poses: {most: 1}
"""
VARYING = {"_id", "last_updated", "provenance", "attempts", "tried"}


class Silent:
    def started(self, name: str) -> None: ...
    def finished(self, name: str, task: str, output: Any) -> None: ...
    def site(self, label: str, rows: Any, *, stored: bool) -> None: ...
    def stage(self, stage: Any, sites: int) -> None: ...
    def passed(self, stage: Any, sifted: Any) -> None: ...


def contents(database: Database) -> dict[str, dict[str, Any]]:
    return {
        name: {
            document["key"]: {field: value for field, value in document.items() if field not in VARYING}
            for document in getattr(database, name).query({})
        }
        for name in ("calculations", "adsorption_energies", "limiting_potentials")
    }


class Lab:
    """A campaign, a worker's folder and a database; its runner ends with it."""

    def __init__(self, folder: Path, uri: str, name: str, scheduler: str = "none", **kind: Any) -> None:
        self.root = folder
        self.settings = Settings(folder=folder / "mine", mongodb_uri=uri, mongodb_database=name)
        cheap = {"workers": 2, "cores": 2, "jobs": 2, "walltime": 600, "margin": 60, "idle": 30, **kind}
        described = {"name": "lab", "scheduler": scheduler, "folder": str(folder / "far"), "kinds": {"cheap": cheap}}
        self.worker = Worker.model_validate(described)
        self.database = Database.mongodb(uri, name)

    def __enter__(self) -> Lab:
        self.database.__enter__()
        self.engine = RemoteEngine(self.worker, self.database, self.settings)
        return self

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(Exception):
            self.engine.cancel("remote", None)
            self.stop(signal.SIGTERM)
        self.database.close()
        del self.engine

    def checked(self, metal: str = "Fe", seconds: float = 0.0, more: str = "") -> Any:
        path = self.root / "remote.yaml"
        path.write_text(CAMPAIGN.replace("METAL", metal).replace("SECONDS", str(seconds)) + more, encoding="utf-8")
        return load(path, self.settings)

    def dispatch(self, *arguments: Any) -> Dispatch:
        return Dispatch(self.checked(*arguments), self.database, self.engine, Silent())

    @property
    def runner(self) -> int | None:
        """Process number of the runner."""
        holder = remoterunner.holder(self.database)
        return int(holder.split()[-1]) if holder is not None else None

    def stop(self, number: int) -> None:
        runner = self.runner
        if runner is not None:
            os.kill(runner, number)
            wait(lambda: not _runs(runner), 30)

    def views(self) -> list[JobView]:
        return list(self.engine.views("remote"))

    def until(self, condition: Callable[[list[JobView]], Any], seconds: float = 90) -> Any:
        return wait(lambda: condition(self.views()), seconds)

    def carry(self, work: Dispatch, seconds: float = 200) -> list[str]:
        """Recover until the campaign is closed; return what was done on the way."""
        acts: list[str] = []

        def is_closed() -> bool:
            done: Dispatched = work.recover()
            acts.extend(done.acts)
            return done.is_closed

        wait(is_closed, seconds, 1.0)
        return acts

    def begun(self) -> list[str]:
        """Keys of the calculations that were begun on the nodes."""
        starts = self.worker.folder / "starts.log"
        return [line.split()[1] for line in starts.read_text().splitlines()] if starts.exists() else []


def wait(condition: Callable[[], Any], seconds: float, pause: float = 0.2) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(pause)
    return found


def _runs(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def run_here(lab: Lab, folder: Path, metal: str) -> dict[str, dict[str, Any]]:
    checked = lab.checked(metal)
    embedded = Database.embedded(folder / "here.sqlite")
    with embedded:
        Runner(load_at(checked, folder), embedded, 2, Silent()).run()
        return contents(embedded)


def load_at(checked: Any, folder: Path) -> Any:
    return load(Path(checked.source), Settings(folder=folder))


@pytest.fixture
def database(mongo: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """URI and a name that no other test uses; the URI holds a word that must not leak."""
    import uuid

    import pymongo

    name = f"{mongo[1]}_{uuid.uuid4().hex[:6]}"
    yield f"{mongo[0]}&appName=planted-secret", name
    with pymongo.MongoClient(mongo[0]) as client:
        client.drop_database(name)


@pytest.mark.slow
@pytest.mark.parametrize(("scheduler", "workers"), [("none", 2), ("slurm", 1), ("slurm", 2)])
def test_a_campaign_comes_out_as_if_it_were_run_here(
    scheduler: str, workers: int, database: tuple[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if scheduler == "slurm":
        request.getfixturevalue("slurm")
    with Lab(tmp_path, *database, scheduler, workers=workers, cores=workers) as lab:
        # H on Tc never converges; the first of the clean states is known before
        here = run_here(lab, tmp_path / "here", "Tc")
        known = next(entry for entry in here["calculations"].values() if entry["request"]["task"] == "clean")
        lab.database.ingest([known | {"tried": [], "provenance": {"host": "elsewhere"}}])

        work = lab.dispatch("Tc")
        first = work.submit()
        assert (first.added, first.active) == (2, 0)
        assert any("watch:" in line for line in first.lines)
        again = work.submit()
        assert (again.added, again.active) == (0, 2)
        assert lab.carry(work) == []
        assert contents(lab.database) == here

        begun = lab.begun()
        assert len(begun) == len(set(begun))
        assert set(begun) == here["calculations"].keys() - {known["key"]}
        # results are taken in before jobflow-remote has taken note of their jobs
        lab.until(lambda views: all(view.state == TaskState.DONE for view in views))
        assert work.recover().is_closed
        tasks = {task.subject: task.state for task in lab.database.tasks.find("remote")}
        failed = {key for key, entry in here["calculations"].items() if entry["status"] == "failed"}
        assert failed
        assert {key for key, found in tasks.items() if found == TaskState.FAILED} == failed
        # jobs that came of jobs went the same way
        assert {"H* on Tc-N4@graphene-4x4", "refine_site"} <= {view.name for view in lab.views()}
        _assert_private(lab)


def _assert_private(lab: Lab) -> None:
    """The URI is in one file, which nobody else may read."""
    holding = [
        path
        for path in (lab.worker.folder, lab.settings.folder)
        for path in path.rglob("*")
        if path.is_file() and b"planted-secret" in path.read_bytes()
    ]
    assert holding == [lab.engine.project.path]
    assert holding[0].stat().st_mode & 0o777 == 0o600
    for folder in (lab.engine.project.folder, lab.worker.folder):
        assert folder.stat().st_mode & 0o777 == 0o700
    server = lab.database.leases._collection.database
    for name in server.list_collection_names():
        assert not any("planted-secret" in str(document) for document in server[name].find()), name


def failed(error: str | None, printed: str = "", **more: Any) -> dict[str, Any]:
    own = {"state": "FAILED", "previous_state": None, "error": error, "remote": {"queue_err": printed}}
    return {**own, "run_dir": "/runs/1", **more}


KILLED = "The output file was downloaded, but it does not contain the response. The job was likely killed"
RAISED = "Traceback (most recent call last):\n  File ...\n"


@pytest.mark.parametrize(
    ("document", "failure_class", "found"),
    [
        (failed(KILLED), FailureClass.MORE_MEMORY, TaskState.LOST),
        (
            failed(KILLED, "slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2026-01-01T00:00:00 DUE TO TIME LIMIT ***"),
            FailureClass.LONGER_LIMIT,
            TaskState.LOST,
        ),
        (
            failed(KILLED, "slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2026-01-01T00:00:00 DUE TO NODE FAILURE"),
            FailureClass.ELSEWHERE,
            TaskState.LOST,
        ),
        (failed(KILLED, "error: Exceeded job memory limit"), FailureClass.MORE_MEMORY, TaskState.LOST),
        (
            failed(KILLED, "slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2026-01-01T00:00:00 ***"),
            FailureClass.STOPPED,
            TaskState.CANCELLED,
        ),
        (
            failed(RAISED + "atomsieve.structures.errors.Interrupted: the allocation ends"),
            FailureClass.CONTINUE,
            TaskState.LOST,
        ),
        (failed(RAISED + "OSError: [Errno 28] No space left on device"), FailureClass.MEND, TaskState.FAILED),
        (
            failed(None, state="REMOTE_ERROR", previous_state="UPLOADED", remote={"error": "no route to host"}),
            FailureClass.RETRY,
            TaskState.LOST,
        ),
        (
            failed(None, state="REMOTE_ERROR", previous_state="BATCH_RUNNING", remote={"error": "likely killed"}),
            FailureClass.MORE_MEMORY,
            TaskState.LOST,
        ),
        (
            failed(KILLED, atomsieve={"attempts": [{"class": str(FailureClass.MORE_MEMORY)}] * 3}),
            FailureClass.MORE_MEMORY,
            TaskState.FAILED,
        ),
    ],
)
def test_what_ails_a_job_is_told_from_its_record(
    document: dict[str, Any], failure_class: FailureClass, found: TaskState
) -> None:
    ailment = diagnose(document)
    assert ailment is not None
    assert ailment.reason
    assert (ailment.failure_class, state(document)) == (failure_class, found)


def test_jobs_that_no_database_takes_are_refused_before_anything_is_stored(
    database: tuple[str, str], tmp_path: Path
) -> None:
    with Lab(tmp_path, *database) as lab:
        work = lab.dispatch()
        parcels: list[Any] = []
        lab.engine.add = parcels.append  # type: ignore[method-assign]
        lab.engine.start = list  # type: ignore[method-assign]
        work.submit()
        del lab.engine.add
        (parcel,) = [parcel for parcel in parcels if parcel.kind == "site"]
        next(iter(parcel.flow)).metadata["trajectory"] = ["0.123456789"] * 1_500_000
        with pytest.raises(InputError, match="MB in the database of jobflow-remote; allowed: 12 MB"):
            lab.engine.add(parcel)
        assert lab.engine.controller.flows.count_documents({}) == 0
        assert lab.engine.controller.jobs.count_documents({}) == 0


def test_the_embedded_database_is_refused(tmp_path: Path) -> None:
    described = {"name": "lab", "scheduler": "none", "folder": str(tmp_path), "kinds": {"cheap": {}}}
    with pytest.raises(InputError, match="set ATOMSIEVE_MONGODB_URI"):
        RemoteEngine(Worker.model_validate(described), Database.embedded(tmp_path / "a.sqlite"), Settings())
