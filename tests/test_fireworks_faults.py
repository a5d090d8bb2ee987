"""FireWorks on a real Slurm: processes, allocations, nodes and the database die, and every result is there once."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pymongo
import pytest

from atomsieve.analysis.database import Database
from atomsieve.structures.task import Task, TaskState
from atomsieve.workflows.campaigns import load
from atomsieve.workflows.clusters.scheduler import Scheduler
from atomsieve.workflows.dispatch import Dispatch, Dispatched
from atomsieve.workflows.engines import open_engine
from atomsieve.workflows.fireworks.launchpad import LaunchPadEngine
from atomsieve.workflows.fireworks.stock import write_files
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.runner import Runner
from atomsieve.workflows.settings import Settings
from atomsieve.workflows.watch import Watch

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.mongo]

# a sleep in each force call, so that there is a relaxation to be disturbed; it is no part of any key
CAMPAIGN = """\
name: hardy
sites:
  - {family: graphene, metals: Fe, coordination: N4}
reactions: [HER]
method: {calculator: mock, settings: {seconds_per_force_call: SLEEP}}
relaxation: {max_steps: 60}
spin: {clean: fixed}
poses: {most: 1}
"""
WORKER = """\
name: NAME
scheduler: slurm
folder: FOLDER/worker
secrets: FOLDER/secrets
environment: {ATOMSIEVE_HEARTBEAT: "1", ATOMSIEVE_LEASE: "6"MORE}
kinds:
KINDS
"""
KINDS = "  cheap: {walltime: '00:05:00', margin: 10, workers: 1, cores: 1, memory: 1500 MB, jobs: 2, idle: 5}"
HEARTBEAT, LEASE = 1.0, 6.0
SKEWED = """\
import datetime, time
now, real = time.time, datetime.datetime
time.time = lambda: now() - 3600

class Any(type):
    def __instancecheck__(cls, value):
        return isinstance(value, real)

class Skewed(real, metaclass=Any):
    @classmethod
    def now(cls, tz=None):
        return real.now(tz) - datetime.timedelta(hours=1)

datetime.datetime = Skewed
"""
OPTIONS = "?retryWrites=false&journal=true"


class Server:
    """A MongoDB server that can be killed, and come back with what it had stored."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.given = os.environ.get("ATOMSIEVE_MONGODB_URI")
        self.process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    @property
    def uri(self) -> str:
        return self.given or f"mongodb://127.0.0.1:{self.port}/{OPTIONS}"

    def start(self) -> None:
        if self.given:
            return
        beside = Path(sys.executable).parent / "secantusd-py"
        program = str(beside) if beside.exists() else shutil.which("secantusd-py")
        if program is None:
            pytest.skip("no MongoDB: install secantusdb, or set ATOMSIEVE_MONGODB_URI")
        storage = ["--storage-path", str(self.folder / "mongo")]
        command = [program, "--host", "127.0.0.1", "--port", str(self.port), *storage]
        with (self.folder / "mongo.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=self.folder)
        until(self.answers, 60)

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False

    def kill(self) -> None:
        if self.process is None:
            pytest.skip("the server that ATOMSIEVE_MONGODB_URI names is not ours to kill")
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)


class Lab:
    """One campaign, a database and a folder of its own, on the Slurm of the session."""

    def __init__(
        self, folder: Path, server: Server, slurm: Any, here: dict[str, Any], kinds: str = KINDS, more: str = ""
    ) -> None:
        self.folder, self.server, self.slurm, self.here = folder, server, slurm, here
        self.name = f"atomsieve_test_{uuid.uuid4().hex[:12]}"
        secrets = folder / "secrets"
        secrets.touch(mode=0o600)
        secrets.write_text(f"ATOMSIEVE_MONGODB_URI='{server.uri}'\nATOMSIEVE_MONGODB_DATABASE={self.name}\n")
        # the scheduler tells the jobs of two workers apart by their names
        text = WORKER.replace("NAME", f"lab-{self.name[-6:]}").replace("FOLDER", str(folder))
        text = text.replace("KINDS", kinds).replace("MORE", more)
        (folder / "lab.yaml").write_text(text)
        self.settings = Settings(
            folder=folder / "data",
            mongodb_uri=server.uri,  # type: ignore[arg-type]
            mongodb_database=self.name,
            heartbeat=HEARTBEAT,
            lease=LEASE,
        )
        self.database = Database.mongodb(server.uri, self.name).__enter__()
        self.results = Folder(folder / "worker")

    @property
    def engine(self) -> LaunchPadEngine:
        made = open_engine("fireworks", str(self.folder / "lab.yaml"), self.database, self.settings)
        assert isinstance(made, LaunchPadEngine)
        return made

    @property
    def starts(self) -> Counter[str]:
        log = self.results.starts
        return Counter(line.split()[1] for line in log.read_text().splitlines()) if log.exists() else Counter()

    def dispatch(self, sleep: float = 0.2) -> Dispatch:
        (self.folder / "c.yaml").write_text(CAMPAIGN.replace("SLEEP", str(sleep)), encoding="utf-8")
        return Dispatch(load(self.folder / "c.yaml", self.settings), self.database, self.engine, Watch())

    def tasks(self, **criteria: Any) -> list[Task]:
        return [task for task in self.database.tasks.find("hardy", **criteria) if not task.is_flow]

    def running(self, seconds: float = 60) -> Task:
        """Return a calculation that is under way and has a checkpoint."""
        found: list[Task] = []

        def is_there() -> bool:
            found[:] = [
                task
                for task in self.tasks(state="running")
                if (self.results.directory(task.subject) / "checkpoint.json").exists()
            ]
            return bool(found)

        until(is_there, seconds)
        return found[0]

    def task(self, subject: str) -> Task:
        found = self.database.tasks.one("hardy", subject)
        assert found is not None
        return found

    def recover(self) -> Dispatched:
        return self.dispatch().recover()

    def finish(self, disturbed: dict[str, int], seconds: float = 150) -> list[str]:
        """Recover until all is there, compare it with the undisturbed run, and return what was done."""
        acts: list[str] = []

        def is_closed() -> bool:
            done = self.recover()
            acts.extend(done.acts)
            return done.is_closed

        until(is_closed, seconds, pause=1.0)
        documents = list(self.database.calculations.query({}))
        assert Counter(one["key"] for one in documents) == Counter(self.here.keys())
        for one in documents:
            reference = self.here[one["key"]]
            assert one["status"] == "done"
            assert one["judgement"]["verdict"] == reference["judgement"]["verdict"]
            assert one["energy"] == pytest.approx(reference["energy"], abs=0.005)
            on_disk = self.results.read(one["key"])
            assert on_disk is not None
            assert on_disk["energy"] == one["energy"]
        assert {key: count for key, count in self.starts.items() if count != 1} == disturbed
        assert {str(task.state) for task in self.tasks()} == {"done"}
        return acts

    def close(self) -> None:
        Scheduler(self.engine.described).cancel(Scheduler(self.engine.described).mine())
        self.database.close()
        with pymongo.MongoClient(self.server.uri) as client:
            client.drop_database(self.name)


def until(condition: Callable[[], object], seconds: float = 300, pause: float = 0.1) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it has not come in {seconds} s"
        time.sleep(pause)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("mongo"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What an undisturbed run on this machine finds."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "c.yaml").write_text(CAMPAIGN.replace("SLEEP", "0"), encoding="utf-8")
    checked = load(folder / "c.yaml", Settings(folder=folder / "data"))
    with Database.embedded(checked.folder.database) as embedded:
        Runner(checked, embedded, 2, Watch()).run()
        return {one["key"]: one for one in embedded.calculations.query({})}


@pytest.fixture
def lab_with(tmp_path: Path, server: Server, slurm: Any, here: dict[str, Any]) -> Iterator[Callable[..., Lab]]:
    labs: list[Lab] = []

    def make(**options: str) -> Lab:
        labs.append(Lab(tmp_path, server, slurm, here, **options))
        return labs[0]

    yield make
    for lab in labs:
        lab.close()


def test_fireworks_own_qlaunch_submits_what_was_handed_over(lab_with: Callable[..., Lab], tmp_path: Path) -> None:
    lab = lab_with()
    work = lab.dispatch(0.0)
    work.engine.start = list  # type: ignore[method-assign]
    work.submit()
    (folder,) = write_files(lab.engine.described, lab.settings)
    script = Path(sys.executable).parent / "qlaunch"
    files = {"-l": folder / "my_launchpad.yaml"}
    files |= {option: folder / "cheap" / f"my_{name}.yaml" for option, name in (("-w", "fworker"), ("-q", "qadapter"))}
    command = [str(script), *(str(word) for pair in files.items() for word in pair), "singleshot"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stderr
    text = (tmp_path / "FW_submit.script").read_text(encoding="utf-8")
    assert lab.server.uri not in text
    assert "#SBATCH --signal=B:USR1@10" in text
    until(lambda: len(lab.database.known(lab.here)) == len(lab.here), 90, pause=1.0)
    lab.finish({})
    assert all(task.job for task in lab.tasks())


def test_a_worker_process_is_killed(lab_with: Callable[..., Lab], fault: Callable[..., None]) -> None:
    lab = lab_with()
    lab.dispatch().submit()
    victim = lab.running()
    assert victim.process is not None
    os.kill(victim.process, signal.SIGKILL)
    # nobody recovers: the process that takes its place does
    until(lambda: lab.task(victim.subject).attempt == 2, 30)
    lab.finish({victim.subject: 2})
    done = lab.task(victim.subject)
    assert done.process != victim.process
    fault(engine="fireworks", fault="kill -9 of a worker process", outcome="its successor goes on from the checkpoint")


def test_an_allocation_is_cancelled(lab_with: Callable[..., Lab], fault: Callable[..., None]) -> None:
    lab = lab_with()
    lab.dispatch().submit()
    victim = lab.running()
    assert victim.job is not None
    lab.slurm.call("scancel", victim.job)
    acts: list[str] = []

    def is_cancelled() -> bool:
        acts.extend(lab.engine.mend("hardy"))
        return lab.task(victim.subject).state == TaskState.CANCELLED

    until(is_cancelled, 60, pause=1.0)
    assert any("cancelled" in act for act in acts), acts
    assert lab.engine.retry("hardy", {victim.subject}) == 1
    lab.finish({victim.subject: 2})
    fault(engine="fireworks", fault="scancel", outcome="cancelled; retry goes on from the checkpoint")


def test_the_walltime_ends(lab_with: Callable[..., Lab], fault: Callable[..., None]) -> None:
    kinds = KINDS.replace("'00:05:00', margin: 10", "'00:00:25', margin: 10")
    lab = lab_with(kinds=kinds)
    lab.dispatch(0.5).submit()
    acts: list[str] = []
    done: list[bool] = []

    def is_closed() -> bool:
        found = lab.dispatch(0.5).recover()
        acts.extend(found.acts)
        done.append(found.is_closed)
        return found.is_closed

    until(is_closed, 240, pause=1.0)
    continued = {key: count for key, count in lab.starts.items() if count > 1}
    assert continued
    lab.finish(continued)
    assert acts == []  # no act was needed: each allocation hands on by itself
    attempts = {task.subject: task.attempt for task in lab.tasks()}
    assert all(attempts[key] == count for key, count in continued.items())
    fault(engine="fireworks", fault="walltime", outcome="checkpoint, continued in the next allocation, one result")


def test_a_node_dies(lab_with: Callable[..., Lab], fault: Callable[..., None]) -> None:
    lab = lab_with()
    lab.dispatch().submit()
    victim = lab.running()
    assert victim.process is not None
    assert victim.job is not None
    node = lab.slurm.call("squeue", "-h", "-o", "%N", "-j", victim.job).strip()
    pilot = psutil.Process(victim.process).parent()
    assert pilot is not None
    lab.slurm.kill_node(node)
    pilot.kill()
    psutil.Process(victim.process).kill()
    acts = lab.finish({victim.subject: 2})
    lab.slurm.mend()
    assert any("runs again" in act for act in acts), acts
    fault(engine="fireworks", fault="node fails (slurmd and all its processes)", outcome="runs again on another node")


def test_a_slurmd_dies_and_its_job_lives(lab_with: Callable[..., Lab], fault: Callable[..., None]) -> None:
    lab = lab_with()
    lab.dispatch().submit()
    victim = lab.running()
    assert victim.job is not None
    lab.slurm.kill_node(lab.slurm.call("squeue", "-h", "-o", "%N", "-j", victim.job).strip())
    lab.finish({})
    lab.slurm.mend()
    assert lab.task(victim.subject).attempt == 1
    fault(engine="fireworks", fault="slurmd killed", outcome="the job lives on, and its result is taken once")


def test_there_is_too_little_memory(lab_with: Callable[..., Lab], fault: Callable[..., None]) -> None:
    # a pilot has its imports once, and each process touches most of them again
    code = (
        "import psutil, atomsieve.workflows.fireworks.launchpad, atomsieve.workflows.worker;"
        "print(psutil.Process().memory_info().rss // 2**20)"
    )
    alone = int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    small = KINDS.replace("1500 MB", f"{round(1.25 * alone)} MB").replace("}", ", calculators: [mock]}")
    large = KINDS.replace("cheap", "large").replace("1500 MB", "3000 MB")
    lab = lab_with(kinds=f"{small}\n{large}")
    lab.dispatch(0.5).submit()
    acts: list[str] = []

    def is_closed() -> bool:
        found = lab.recover()
        acts.extend(found.acts)
        return found.is_closed

    until(is_closed, 240, pause=1.0)
    again = {key: count for key, count in lab.starts.items() if count > 1}
    lab.finish(again)
    assert again
    assert any("with more memory, as large" in act for act in acts), acts
    # one that was killed before it began to calculate has begun once
    larger = lab.engine.launchpad.fireworks.find({"spec._category": "large"})
    assert {one["spec"]["key"] for one in larger} >= again.keys()
    fault(engine="fireworks", fault="over memory", outcome="classed, and run again in the next larger kind")


def test_a_stopped_worker_wakes_after_its_successor(lab_with: Callable[..., Lab], fault: Callable[..., None]) -> None:
    lab = lab_with()
    lab.dispatch().submit()
    victim = lab.running()
    assert victim.process is not None
    stopped = psutil.Process(victim.process)
    stopped.suspend()
    try:
        time.sleep(LEASE + 3 * HEARTBEAT)
        # it is silent, but neither the scheduler nor the system calls it dead: a person has to say so
        assert not list(lab.engine.mend("hardy"))
        assert lab.engine.retry("hardy", {victim.subject}) == 1
        lab.engine.start()
        until(lambda: lab.recover() and lab.task(victim.subject).state == TaskState.DONE, 90, pause=1.0)
        taken = lab.results.read(victim.subject)
    finally:
        stopped.resume()
    launchpad = lab.engine.launchpad
    firework = launchpad.fireworks.find_one({"spec.key": victim.subject})
    (refused,) = firework["archived_launches"]
    until(lambda: launchpad.launches.find_one({"launch_id": refused})["state"] == "FIZZLED", 60)
    said = str(launchpad.launches.find_one({"launch_id": refused})["action"])
    assert "later" in said
    lab.finish({victim.subject: 2})
    assert lab.results.read(victim.subject) == taken
    fault(engine="fireworks", fault="SIGSTOP, successor, SIGCONT", outcome="the stale one is refused, here and on disk")


def test_the_database_dies_in_mid_run_and_comes_back(lab_with: Callable[..., Lab], fault: Callable[..., None]) -> None:
    lab = lab_with()
    lab.dispatch().submit()
    victim = lab.running()
    lab.server.kill()
    time.sleep(2 * LEASE)
    lab.server.start()
    lab.finish({})
    assert lab.task(victim.subject).attempt <= 2
    fault(engine="fireworks", fault="database killed in mid-run", outcome="the job goes on; nothing computed twice")


def test_the_database_dies_at_the_end_of_a_job(lab_with: Callable[..., Lab], fault: Callable[..., None]) -> None:
    lab = lab_with()
    lab.dispatch().submit()
    victim = lab.running()
    lab.server.kill()
    until(lambda: lab.results.read(victim.subject) is not None, 60)
    time.sleep(LEASE)
    lab.server.start()
    until(lambda: lab.database.known([victim.subject]), 60)
    lab.finish({})
    fault(engine="fireworks", fault="database away at job end", outcome="the result waits on disk, and is taken once")


def test_two_mend_at_once(lab_with: Callable[..., Lab], fault: Callable[..., None]) -> None:
    lab = lab_with()
    lab.dispatch().submit()
    victim = lab.running()
    assert victim.job is not None
    lab.slurm.call("scancel", "--full", "--signal=KILL", victim.job)
    until(lambda: not psutil.pid_exists(victim.process or 0), 30)
    acts: list[list[str]] = [[], []]

    def mend(number: int) -> None:
        engine = lab.engine
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline and not any(acts):
            acts[number] += engine.mend("hardy")

    threads = [threading.Thread(target=mend, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(acts[0] + acts[1]) == 1, acts
    launchpad = lab.engine.launchpad
    firework = launchpad.fireworks.find_one({"spec.key": victim.subject})
    if firework["state"] == "DEFUSED":
        assert lab.engine.retry("hardy", {victim.subject}) == 1
    lab.finish({victim.subject: 2})
    fault(engine="fireworks", fault="two recover at once", outcome="one act, one rerun")


def test_a_worker_whose_clock_is_wrong(
    lab_with: Callable[..., Lab], fault: Callable[..., None], tmp_path: Path
) -> None:
    # what Python says the time is, in every process of the worker; libfaketime breaks waiting with a limit
    (tmp_path / "skewed").mkdir()
    (tmp_path / "skewed" / "sitecustomize.py").write_text(SKEWED, encoding="utf-8")
    lab = lab_with(more=f", PYTHONPATH: {tmp_path / 'skewed'}")
    lab.dispatch().submit()
    victim = lab.running()
    now = datetime.now(UTC).replace(tzinfo=None)
    assert victim.began is not None
    assert abs(now - victim.began) < timedelta(minutes=2)
    (launch,) = lab.engine.launchpad.launches.find({"witness.process": victim.process, "state": "RUNNING"})
    assert datetime.now(UTC) - datetime.fromisoformat(launch["time_start"]) > timedelta(minutes=58)  # by its own clock
    time.sleep(LEASE + 2)
    assert lab.finish({}) == []
    assert {task.attempt for task in lab.tasks()} == {1}
    fault(engine="fireworks", fault="a worker's clock an hour off", outcome="its signs of life count; nothing is lost")
