"""Pilots: processes that take calculations in an allocation, begun, told to end, killed; and the doctor of clusters."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from atomsieve.workflows.clusters import pilot
from atomsieve.workflows.clusters.cluster import Worker, read_worker
from atomsieve.workflows.clusters.processes import identity
from atomsieve.workflows.clusters.scheduler import Scheduler
from atomsieve.workflows.clusters.submission import JobState
from atomsieve.workflows.settings import Settings

Cli = Callable[..., subprocess.CompletedProcess[str]]
SECRET = "planted-secret"

#: A queue of files in a folder: what an engine is to a pilot.
ENGINE = """
import os, subprocess, sys, time
from pathlib import Path
from atomsieve.structures.errors import Interrupted
from atomsieve.workflows import interruption

PRELOADED = "atomsieve.workflows.worker" in sys.modules
AT_IMPORT = os.getpid()

def pull(worker, kind):
    queue = worker.folder / kind
    if (queue / "broken").exists():
        raise RuntimeError("no server at " + os.environ["ATOMSIEVE_MONGODB_URI"])
    for path in sorted(queue.glob("*.todo")):
        name, action, *rest = path.stem.split("-")
        try:
            mine = path.rename(path.with_suffix(f".{os.getpid()}"))
        except FileNotFoundError:
            continue
        with (queue / "begun").open("a") as file:
            file.write(f"{name} {os.getpid()} {os.getppid()} {AT_IMPORT} {PRELOADED}\\n")
        if action == "sleep":
            end = time.monotonic() + float(rest[0])
            try:
                while time.monotonic() < end:
                    interruption.check()
                    time.sleep(0.02)
            except Interrupted as error:
                mine.rename(queue / f"{name}.checkpoint")
                (queue / "reasons").open("a").write(f"{error}\\n")
                return True
        elif action == "die":
            os._exit(3)
        elif action == "stubborn":
            program = subprocess.Popen(["sleep", "61"], start_new_session=True)
            (queue / "program").write_text(str(program.pid))
            time.sleep(60)
        elif action == "makes":
            time.sleep(0.5)
            (queue / f"{name}child-sleep-0.todo").touch()
        mine.rename(queue / f"{name}.done")
        return True
    return False

def more(worker, kind):
    return any(path.suffix[1:].isdigit() for path in (worker.folder / kind).iterdir())
"""


def describe(folder: Path, scheduler: str, kind: str, **fields: str) -> Worker:
    """Write a worker's file and the engine, and read the worker."""
    (folder / "tiny_engine.py").write_text(ENGINE, encoding="utf-8")
    (folder / "data" / "cheap").mkdir(parents=True)
    more = "".join(f"{name}: {value}\n" for name, value in fields.items())
    (folder / "lab.yaml").write_text(
        f"name: lab\nscheduler: {scheduler}\nfolder: {folder}/data\npython: {sys.executable}\n"
        f"environment: {{PYTHONPATH: '{folder}'}}\n{more}kinds:\n  cheap: {{{kind}}}\n",
        encoding="utf-8",
    )
    return read_worker(folder / "lab.yaml", Settings())


def put(worker: Worker, *names: str) -> Path:
    queue = worker.folder / "cheap"
    for name in names:
        (queue / f"{name}.todo").touch()
    return queue


def start(worker: Worker) -> tuple[Scheduler, str]:
    scheduler = Scheduler(worker)
    return scheduler, scheduler.submit(scheduler.script("cheap", pilot.command(worker, "cheap", "tiny_engine")))


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)


def ended(scheduler: Scheduler, job: str, seconds: float = 60.0) -> str:
    """Return what a pilot printed until it ended."""
    wait_until(lambda: scheduler.states([job])[job] is JobState.GONE, f"the end of {job}", seconds)
    return scheduler.words(job)


def names(queue: Path, suffix: str) -> set[str]:
    return {path.stem for path in queue.glob(f"*.{suffix}")}


def begun(queue: Path) -> list[list[str]]:
    path = queue / "begun"
    return [line.split() for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def test_processes_share_the_work_and_the_imports(tmp_path: Path) -> None:
    worker = describe(tmp_path, "none", "walltime: 300, margin: 60, cores: 3, workers: 3")
    queue = put(worker, *(f"j{i}-sleep-0.3" for i in range(9)), "m-makes")
    scheduler, job = start(worker)
    words = ended(scheduler, job)
    assert names(queue, "done") == {*(f"j{i}" for i in range(9)), "m", "mchild"}
    rows = begun(queue)
    assert len(rows) == 11
    assert len({row[1] for row in rows}) == 3
    # forked from the pilot after it had loaded all
    assert {(row[2], row[3]) for row in rows} == {(job.split(":")[1],) * 2}
    assert "3 processes" in words
    assert "no work is left" in words


@pytest.mark.faults
def test_a_process_that_is_killed_has_a_successor(tmp_path: Path) -> None:
    worker = describe(tmp_path, "none", "walltime: 300, margin: 60, cores: 2, workers: 2")
    queue = put(worker, "a-sleep-60", "b-sleep-0.1", "c-sleep-0.1", "d-sleep-0.1")
    scheduler, job = start(worker)
    wait_until(lambda: len(names(queue, "done")) == 3, "the short ones")
    (first,) = [row[1] for row in begun(queue) if row[0] == "a"]
    (lost,) = queue.glob("a-sleep-60.*")
    os.kill(int(first), signal.SIGKILL)
    lost.rename(queue / "a-sleep-0.todo")  # what an engine's recovery does
    words = ended(scheduler, job)
    assert "a" in names(queue, "done")
    assert f"process {first} died (signal 9); another takes its place" in words


@pytest.mark.faults
def test_a_place_where_processes_die_at_once_stays_empty(tmp_path: Path) -> None:
    worker = describe(tmp_path, "none", "walltime: 300, margin: 60, cores: 1")
    queue = put(worker, *(f"j{i}-die" for i in range(9)))
    scheduler, job = start(worker)
    words = ended(scheduler, job)
    assert len(begun(queue)) == pilot.DEATHS
    assert "its place stays empty" in words


@pytest.mark.faults
@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM])
def test_checkpoints_are_asked_for_by_signal(number: signal.Signals, tmp_path: Path) -> None:
    worker = describe(tmp_path, "none", "walltime: 300, margin: 60, cores: 2, workers: 2")
    queue = put(worker, "a-sleep-60", "b-sleep-60", "c-sleep-60")
    scheduler, job = start(worker)
    wait_until(lambda: len(begun(queue)) == 2, "the start")
    clock = time.monotonic()
    os.kill(int(job.split(":")[1]), number)
    words = ended(scheduler, job, 10)
    assert time.monotonic() - clock < 3
    # and nothing is begun afterwards
    assert (names(queue, "checkpoint"), len(names(queue, "todo"))) == ({"a", "b"}, 1)
    assert (queue / "reasons").read_text(encoding="utf-8").startswith(number.name)
    assert f"{number.name} came: asking for checkpoints" in words


@pytest.mark.slow
@pytest.mark.faults
def test_checkpoints_are_asked_for_before_the_end_of_the_walltime(tmp_path: Path) -> None:
    worker = describe(tmp_path, "none", "walltime: 10, margin: 6, cores: 2, workers: 2")
    queue = put(worker, "a-sleep-60", "b-stubborn")
    scheduler, job = start(worker)
    words = ended(scheduler, job, 20)
    assert names(queue, "checkpoint") == {"a"}
    assert "the allocation comes to its end: asking for checkpoints" in words
    # who does not listen is ended before the scheduler does it
    assert "the margin of 6 s is over" in words
    assert identity(int((queue / "program").read_text())) is None


@pytest.mark.faults
def test_a_pilot_whose_work_cannot_be_asked_for(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets.sh"
    secrets.write_text(f"ATOMSIEVE_MONGODB_URI='mongodb://me:{SECRET}@host/'\n", encoding="utf-8")
    secrets.chmod(0o600)
    worker = describe(tmp_path, "none", "walltime: 300, margin: 60, cores: 1, idle: 2", secrets=str(secrets))
    queue = put(worker, "a-sleep-0")
    (queue / "broken").touch()
    scheduler, job = start(worker)
    wait_until(lambda: "no work can be asked for" in scheduler.words(job), "the complaint")
    (queue / "broken").unlink()
    words = ended(scheduler, job)
    # it came back within the time that a process may idle
    assert names(queue, "done") == {"a"}
    assert "work can be asked for again" in words
    (queue / "broken").touch()
    words += ended(*start(worker))
    assert "no server at ***" in words
    assert not any(SECRET in path.read_text(encoding="utf-8") for path in worker.folder.rglob("*") if path.is_file())


@pytest.mark.faults
def test_processes_do_not_outlive_their_pilot(tmp_path: Path) -> None:
    worker = describe(tmp_path, "none", "walltime: 300, margin: 60, cores: 1")
    queue = put(worker, "a-sleep-1", "b-sleep-1")
    scheduler, job = start(worker)
    wait_until(lambda: len(begun(queue)) == 1, "the start")
    os.kill(int(job.split(":")[1]), signal.SIGKILL)
    wait_until(lambda: "a" in names(queue, "done"), "the calculation in hand")
    ended(scheduler, job)
    time.sleep(1)
    assert [row[0] for row in begun(queue)] == ["a"]


@pytest.mark.faults
def test_a_pilot_in_slurm_that_is_cancelled_leaves_checkpoints(slurm: Any, tmp_path: Path) -> None:
    del slurm
    worker = describe(tmp_path, "slurm", "walltime: 300, margin: 60, cores: 2, workers: 2, memory: 1 GB")
    queue = put(worker, "a-sleep-60", "b-sleep-60", "c-sleep-60")
    scheduler, job = start(worker)
    wait_until(lambda: len(begun(queue)) == 2, "the start")
    scheduler.cancel([job])
    ended(scheduler, job, 15)
    wait_until(lambda: names(queue, "checkpoint") == {"a", "b"}, "checkpoints", 10)
    assert scheduler.ending(job).state == "CANCELLED"


# --- the doctor ---


def examine(cli: Cli, folder: Path, *arguments: str, code: int, **environment: str) -> dict[str, dict[str, Any]]:
    result = cli("doctor", "--worker", str(folder / "lab.yaml"), "--json", *arguments, cwd=folder, **environment)
    assert result.returncode == code, result.stdout + result.stderr
    return {entry["name"]: entry for entry in json.loads(result.stdout)["worker"]}


@pytest.mark.parametrize("scheduler", ["none", "slurm"])
def test_the_doctor_finds_a_cluster_well(
    scheduler: str, tmp_path: Path, cli: Cli, mongo: tuple[str, str], request: pytest.FixtureRequest
) -> None:
    if scheduler == "slurm":
        request.getfixturevalue("slurm")
    secrets = tmp_path / "secrets.sh"
    secrets.write_text(f"ATOMSIEVE_MONGODB_URI='{mongo[0]}'\n", encoding="utf-8")
    secrets.chmod(0o600)
    worker = describe(tmp_path, scheduler, "walltime: 300, margin: 60, cores: 2, memory: 2 GB", secrets=str(secrets))
    found = examine(cli, tmp_path, "mock", code=0)
    bad = {name: entry for name, entry in found.items() if entry["state"] != "works"}
    assert bad == {}
    steps = ["python", "atomsieve", "folder there", "database there", "mock"]
    here = ["file", "scheduler", "folder here", "secrets"]
    assert list(found) == [*here, *(f"cheap: {step}" for step in ("job", "queue", *steps, "result"))]
    assert "eV in" in found["cheap: mock"]["text"]
    assert not any(entry["mend"] for entry in found.values())
    assert list(worker.pilots.glob("doctor-*")) == []
    assert Scheduler(worker).mine() == {}


def test_the_doctor_says_what_mends_a_python_without_atomsieve(tmp_path: Path, cli: Cli) -> None:
    describe(tmp_path, "none", "walltime: 300, margin: 60")
    text = (tmp_path / "lab.yaml").read_text(encoding="utf-8")
    (tmp_path / "lab.yaml").write_text(text.replace(sys.executable, "/usr/bin/no-python"), encoding="utf-8")
    found = examine(cli, tmp_path, code=1)
    assert "no-python" in found["cheap: python"]["text"]
    assert "correct python or setup" in found["cheap: python"]["mend"]
    assert "cheap: result" not in found


def test_the_doctor_says_what_mends_what_the_node_lacks(tmp_path: Path, cli: Cli) -> None:
    describe(tmp_path, "none", "walltime: 300, margin: 60, calculators: [vasp]", setup="exit 4")
    found = examine(cli, tmp_path, code=1)
    assert "left nothing" in found["cheap: node"]["text"]
    (tmp_path / "lab.yaml").write_text(
        (tmp_path / "lab.yaml").read_text(encoding="utf-8").replace("exit 4", "''"), encoding="utf-8"
    )
    found = examine(cli, tmp_path, "vasp", code=1, VASP_PP_PATH="")
    assert found["cheap: vasp"]["state"] == "missing"
    assert found["cheap: vasp"]["mend"]
    assert (found["cheap: database there"]["state"], found["cheap: database there"]["required"]) == ("missing", False)


def test_the_doctor_says_what_mends_a_queue(slurm: Any, tmp_path: Path, cli: Cli) -> None:
    worker = describe(tmp_path, "slurm", "walltime: 300, margin: 60, queue: nosuch")
    found = examine(cli, tmp_path, code=1)
    assert "invalid partition" in found["cheap: job"]["text"]
    assert "kinds.cheap" in found["cheap: job"]["mend"]
    path = tmp_path / "lab.yaml"
    path.write_text(path.read_text().replace("queue: nosuch", "options: [--begin=now+3600]"), encoding="utf-8")
    found = examine(cli, tmp_path, "--timeout", "3", code=1)
    assert "still waiting after 3 s: queued PENDING" in found["cheap: queue"]["text"]
    assert "BeginTime" in found["cheap: queue"]["text"]
    wait_until(lambda: Scheduler(worker).mine() == {}, "the test job is cancelled")
    del slurm


def test_the_doctor_says_what_is_wrong_with_a_file(tmp_path: Path, cli: Cli) -> None:
    describe(tmp_path, "none", "walltime: 300, margin: 60")
    (tmp_path / "lab.yaml").write_text("name: lab\nscheduler: pbss\n", encoding="utf-8")
    found = examine(cli, tmp_path, code=1)
    assert "did you mean 'pbs'" in found["file"]["text"]
    assert list(found) == ["file"]
