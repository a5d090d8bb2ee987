"""jobflow-remote: the same campaign through its database and runner, to nodes that see no database."""

from __future__ import annotations

import contextlib
import io
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from atomsieve.analysis.database import Database
from atomsieve.structures.errors import FailureClass, InputError, StoreError
from atomsieve.structures.task import TaskState
from atomsieve.workflows.campaigns import load
from atomsieve.workflows.clusters.cluster import Worker
from atomsieve.workflows.dispatch import Dispatch, Dispatched
from atomsieve.workflows.engine import JobView
from atomsieve.workflows.remote import runner as remoterunner
from atomsieve.workflows.remote.engine import RemoteEngine
from atomsieve.workflows.remote.jobs import diagnose, state
from atomsieve.workflows.runner import Runner
from atomsieve.workflows.settings import Settings
from atomsieve.workflows.watch import Watch

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


def contents(database: Database) -> dict[str, dict[str, Any]]:
    return {
        name: {
            document["key"]: {field: value for field, value in document.items() if field not in VARYING}
            for document in getattr(database, name).query({})
        }
        for name in ("calculations", "adsorption_energies", "reaction_results")
    }


class Lab:
    """A campaign, a worker's folder and a database; its runner ends with it."""

    def __init__(
        self, folder: Path, uri: str, name: str, scheduler: str = "none", host: Any = None, **kind: Any
    ) -> None:
        self.root = folder
        self.settings = Settings(folder=folder / "mine", mongodb_uri=uri, mongodb_database=name)
        cheap = {"workers": 2, "cores": 2, "jobs": 2, "walltime": 600, "margin": 60, "idle": 30, **kind}
        described = {"name": "lab", "scheduler": scheduler, "folder": str(folder / "far"), "kinds": {"cheap": cheap}}
        self.worker = Worker.model_validate(described | ({"host": host} if host else {}))
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
        self.campaign = (metal, seconds, more)
        path = self.root / "remote.yaml"
        path.write_text(CAMPAIGN.replace("METAL", metal).replace("SECONDS", str(seconds)) + more, encoding="utf-8")
        return load(path, self.settings)

    def dispatch(self, *arguments: Any) -> Dispatch:
        return Dispatch(self.checked(*arguments), self.database, self.engine, Watch())

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

    def until(self, condition: Callable[[list[JobView]], Any], seconds: float = 300) -> Any:
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


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _runs(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def run_here(folder: Path, metal: str, more: str = "") -> dict[str, dict[str, Any]]:
    folder.mkdir()
    text = CAMPAIGN.replace("METAL", metal).replace("SECONDS", "0.0") + more
    (folder / "remote.yaml").write_text(text, encoding="utf-8")
    checked = load(folder / "remote.yaml", Settings(folder=folder))
    with Database.embedded(folder / "here.sqlite") as embedded:
        Runner(checked, embedded, 2, Watch()).run()
        return contents(embedded)


class Server:
    """A MongoDB server that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = folder
        self.uri = f"mongodb://127.0.0.1:{self.port}/?retryWrites=false&journal=true"
        self.start()

    def start(self) -> None:
        program = str(Path(sys.executable).parent / "secantusd-py")
        place = ["--host", "127.0.0.1", "--port", str(self.port), "--storage-path", str(self.folder / "mongo")]
        with (self.folder / "mongo.log").open("ab") as log:
            self.process = subprocess.Popen([program, *place], stdout=log, stderr=log, cwd=self.folder)
        wait(lambda: _answers(self.port), 60)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    if not (Path(sys.executable).parent / "secantusd-py").exists():
        pytest.skip("no MongoDB: install secantusdb")
    server = Server(tmp_path)
    yield server
    server.kill()


@pytest.fixture
def database(mongo: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """URI and a name that no other test uses; the URI holds a word that must not leak."""
    import uuid

    import pymongo

    name = f"{mongo[1]}_{uuid.uuid4().hex[:6]}"
    yield f"{mongo[0]}&appName=planted-secret", name
    with pymongo.MongoClient(mongo[0]) as client:
        client.drop_database(name)


@pytest.fixture
def login_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """How to reach this machine by SSH, through a server of our own."""
    # fabric hands what is typed here on to the far end, and pytest's own stdin may not be read
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("no sshd; apt-get install openssh-server")
    place = tmp_path / "ssh"
    place.mkdir(mode=0o700)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", place / name], check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (place / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {place}/host\nAuthorizedKeysFile {place}/user.pub\n"
        f"PidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nSubsystem sftp internal-sftp\n"
    )
    with contextlib.suppress(OSError):
        Path("/run/sshd").mkdir(exist_ok=True)  # where sshd of the system wants to be locked up
    with (place / "log").open("wb") as log:
        server = subprocess.Popen([program, "-D", "-e", "-f", place / "config"], stderr=log)
    try:
        wait(lambda: _answers(port) or server.poll() is not None, 20)
        if server.poll() is not None:
            pytest.skip(f"sshd does not run here: {(place / 'log').read_text()}")
        user = pwd.getpwuid(os.getuid()).pw_name
        yield {"host": "127.0.0.1", "port": port, "user": user, "key_filename": str(place / "user")}
    finally:
        server.terminate()
        server.wait()


@pytest.mark.slow
@pytest.mark.parametrize(("scheduler", "workers"), [("none", 2), ("slurm", 1), ("slurm", 2), ("ssh", 2)])
def test_a_campaign_comes_out_as_if_it_were_run_here(
    scheduler: str, workers: int, database: tuple[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    host = request.getfixturevalue("login_node") if scheduler == "ssh" else None
    if scheduler == "slurm":
        request.getfixturevalue("slurm")
    engine = "none" if scheduler == "ssh" else scheduler
    with Lab(tmp_path, *database, engine, host, workers=workers, cores=workers) as lab:
        # H on Tc never converges; the first of the clean states is known before
        here = run_here(tmp_path / "here", "Tc")
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


def test_a_job_over_its_memory_gets_more_three_times(
    database: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Lab(tmp_path, *database, "slurm", workers=1, memory="500 MB") as lab:
        monkeypatch.setattr(lab.engine, "start", list)
        lab.dispatch().submit()
        jobs = lab.engine.controller.jobs
        own = {"job.name": "gas H2"}
        found = []
        for before in range(4):
            words = "slurmstepd: error: Exceeded job memory limit"
            jobs.update_one(own, {"$set": {"state": "FAILED", "error": KILLED, "remote.queue_err": words}})
            # the act before was longer ago
            jobs.update_one(own, {"$set": {f"atomsieve.attempts.{index}.at": datetime.min for index in range(before)}})
            with monkeypatch.context() as patch:
                patch.setattr(remoterunner, "holder", lambda database: "somebody")
                acts = list(lab.engine.mend("remote"))
            found.append((jobs.find_one(own)["resources"]["mem"], len(acts)))
        assert found == [("1000M", 1), ("2000M", 1), ("4000M", 1), ("4000M", 0)]
        (view,) = [view for view in lab.views() if view.name == "gas H2"]
        assert (view.state, view.failure_class) == (TaskState.FAILED, FailureClass.MORE_MEMORY)
        assert view.reason == "it used more memory than its job had been given"
        assert view.flow not in lab.engine.active([view.flow])


def test_jobs_that_no_database_takes_are_refused_before_anything_is_stored(
    database: tuple[str, str], tmp_path: Path, fault: Callable[..., None]
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
    fault(engine="jobflow-remote", fault="a job over 12 MB", outcome="refused before anything is stored")


def test_the_embedded_database_is_refused(tmp_path: Path) -> None:
    described = {"name": "lab", "scheduler": "none", "folder": str(tmp_path), "kinds": {"cheap": {}}}
    with pytest.raises(InputError, match="set ATOMSIEVE_MONGODB_URI"):
        RemoteEngine(Worker.model_validate(described), Database.embedded(tmp_path / "a.sqlite"), Settings())


def test_jobs_are_held_let_go_cancelled_and_taken_up(database: tuple[str, str], tmp_path: Path) -> None:
    with Lab(tmp_path, *database) as lab:
        engine = lab.engine
        engine.start = list  # type: ignore[method-assign]  # nothing shall carry them
        lab.dispatch().submit()
        keys = {view.flow for view in lab.views()}
        one = next(view.subject for view in lab.views() if view.site == "H2" and view.subject)

        def states() -> set[TaskState]:
            return {view.state for view in lab.views()}

        assert engine.active([*keys, "another"]) == keys
        assert engine.pause("another", None) == 0
        assert engine.pause("remote", {one}) == 1
        assert engine.pause("remote", None) == len(lab.views()) - 1
        assert states() == {TaskState.PAUSED}
        assert engine.active(keys) == keys
        assert engine.resume("remote", None) == len(lab.views())
        assert states() == {TaskState.QUEUED, TaskState.WAITING}
        assert engine.cancel("remote", None) == len(lab.views())
        assert states() == {TaskState.CANCELLED}
        assert engine.active(keys) == set()
        assert engine.retry("remote", None) == len(lab.views())
        assert engine.active(keys) == keys
        # what has ended is forgotten when its flow comes again
        before = len(lab.views())
        engine.cancel("remote", None)
        assert lab.dispatch().submit().added == 2
        assert len(lab.views()) == before
        assert states() == {TaskState.QUEUED, TaskState.WAITING}


FEW = "spin: {clean: 1}\n"


def _assert_equal(lab: Lab, folder: Path, again: set[str]) -> None:
    """Everything is there once, as in an undisturbed run; only what was lost was begun again."""
    here, there = run_here(folder, "Fe", FEW), contents(lab.database)
    for name in here:
        assert here[name].keys() == there[name].keys() or name != "calculations"
        assert len(here[name]) == len(there[name])
    for key, document in here["calculations"].items():
        found = there["calculations"][key]
        assert found["judgement"]["verdict"] == document["judgement"]["verdict"]
        assert found["energy"] == pytest.approx(document["energy"], abs=0.005)
    begun = lab.begun()
    assert {key for key in begun if begun.count(key) > 1} <= again
    assert set(begun) == here["calculations"].keys()
    lab.until(lambda views: all(view.state == TaskState.DONE for view in views))
    lab.dispatch(*lab.campaign).recover()
    assert {task.state for task in lab.database.tasks.find("remote")} == {TaskState.DONE}


def _running(views: list[JobView]) -> list[JobView]:
    return [view for view in views if view.state == TaskState.RUNNING and view.subject and view.site != "H2"]


def _process(view: JobView) -> int:
    """Return the process of a job in a shared allocation."""
    assert view.directory is not None
    return int((Path(view.directory) / "process").read_text().split(":")[1])


@pytest.mark.slow
@pytest.mark.faults
def test_a_killed_process_is_seen_and_its_job_goes_on_once(
    database: tuple[str, str], tmp_path: Path, fault: Callable[..., None]
) -> None:
    with Lab(tmp_path, *database) as lab:
        work = lab.dispatch("Fe", 0.4, FEW)
        work.submit()
        (view,) = lab.until(_running)
        time.sleep(3)  # there is a checkpoint
        os.kill(_process(view), signal.SIGKILL)
        killed = time.monotonic()
        lab.until(lambda views: [v for v in views if v.subject == view.subject and v.state == TaskState.LOST], 60)
        seen = time.monotonic() - killed
        # two that mend at once
        acts: list[str] = []
        engines = [lab.engine, RemoteEngine(lab.worker, lab.database, lab.settings)]
        threads = [threading.Thread(target=lambda e=engine: acts.extend(e.mend("remote"))) for engine in engines]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [act for act in acts if "attempt 2" in act] == acts
        assert len(acts) == 1
        lab.carry(work)
        _assert_equal(lab, tmp_path / "here", {view.subject})
        fault(engine="jobflow-remote", fault="kill -9 of a process", outcome=f"seen in {seen:.0f} s, continued")


@pytest.mark.slow
@pytest.mark.faults
def test_a_killed_allocation_is_replaced(database: tuple[str, str], tmp_path: Path, fault: Callable[..., None]) -> None:
    with Lab(tmp_path, *database) as lab:
        work = lab.dispatch("Fe", 0.4, FEW)
        work.submit()
        assert lab.until(_running)
        batches = lab.engine.controller.batches.find({"batch_state": {"$ne": "FINISHED"}})
        for process in [int(batch["process_id"]) for batch in batches]:
            children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
            for number in (process, *map(int, children)):
                os.kill(number, signal.SIGKILL)
        acts = lab.carry(work)
        assert any("attempt 2" in act for act in acts)
        _assert_equal(lab, tmp_path / "here", {view.subject for view in lab.views()})
        fault(engine="jobflow-remote", fault="kill -9 of an allocation", outcome="another took its jobs, continued")


@pytest.mark.slow
@pytest.mark.faults
def test_a_job_that_the_scheduler_cancels_stays_so_until_it_is_wanted(
    database: tuple[str, str], tmp_path: Path, fault: Callable[..., None], slurm: Any
) -> None:
    with Lab(tmp_path, *database, "slurm", workers=1, cores=1) as lab:
        work = lab.dispatch("Fe", 0.3, FEW)
        work.submit()
        (view,) = lab.until(_running)
        time.sleep(4)
        assert view.job is not None
        slurm.call("scancel", view.job)
        began = time.monotonic()
        lab.until(lambda views: [v for v in views if v.subject == view.subject and v.state == TaskState.CANCELLED], 60)
        seen = time.monotonic() - began
        work.recover()
        assert lab.database.tasks.one("remote", view.subject).state == TaskState.CANCELLED
        assert work.submit().added == 1
        lab.carry(work)
        _assert_equal(lab, tmp_path / "here", {view.subject})
        fault(
            engine="jobflow-remote", fault="scancel", outcome=f"seen in {seen:.0f} s; continued when handed over again"
        )


@pytest.mark.slow
@pytest.mark.faults
def test_a_job_at_its_walltime_goes_on_in_the_next(
    database: tuple[str, str], tmp_path: Path, fault: Callable[..., None], slurm: Any
) -> None:
    del slurm
    with Lab(tmp_path, *database, "slurm", workers=1, cores=1, walltime=60, margin=20) as lab:
        work = lab.dispatch("Fe", 2.0, FEW)
        work.submit()
        (view,) = lab.until(_running)
        acts = lab.carry(work, 400)
        assert any(view.name in act and "attempt 2" in act for act in acts)
        _assert_equal(lab, tmp_path / "here", {view.subject for view in lab.views()})
        fault(engine="jobflow-remote", fault="walltime", outcome="checkpoint before it, continued in the next job")


@pytest.mark.slow
@pytest.mark.faults
def test_a_killed_runner_is_replaced_and_its_locks_are_removed(
    database: tuple[str, str], tmp_path: Path, fault: Callable[..., None]
) -> None:
    with Lab(tmp_path, *database) as lab:
        work = lab.dispatch("Fe", 0.2, FEW)
        work.submit()
        lab.until(_running)
        first = lab.runner
        lab.stop(signal.SIGKILL)
        # as it would leave them in the middle of a step
        controller = lab.engine.controller
        for collection in (controller.jobs, controller.flows):
            collection.update_many({}, {"$set": {"lock_id": "of a dead runner"}})
        # or between the end of a job and what waited for it
        controller.jobs.update_many({"state": "READY"}, {"$set": {"state": "WAITING"}})
        assert lab.runner is None
        acts = lab.carry(work)
        assert any("started one" in act for act in acts)
        assert lab.runner not in (None, first)
        _assert_equal(lab, tmp_path / "here", set())
        fault(engine="jobflow-remote", fault="kill -9 of the runner", outcome="started again, locks removed")


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.skipif("ATOMSIEVE_MONGODB_URI" in os.environ, reason="the server is not ours to kill")
def test_a_database_that_is_away_costs_nothing(tmp_path: Path, fault: Callable[..., None], own_server: Any) -> None:
    with Lab(tmp_path, own_server.uri, "away") as lab:
        work = lab.dispatch("Fe", 0.3, FEW)
        work.submit()
        (view,) = lab.until(_running)
        own_server.kill()
        with pytest.raises(StoreError):
            work.recover()
        # the job ends meanwhile, and nobody hears of it
        results = lab.worker.folder / "results"
        wait(lambda: (results / view.subject[:2] / view.subject / "result.json").exists(), 60)
        own_server.start()
        lab.carry(work)
        _assert_equal(lab, tmp_path / "here", set())
        fault(engine="jobflow-remote", fault="database away at job end", outcome="nothing computed again")
