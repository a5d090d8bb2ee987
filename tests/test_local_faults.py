"""What befalls a campaign on one machine, beside kills: workers that stop or hang, a person at work, a full disk."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jobflow import Flow, job

from atomsieve.analysis.database import Database
from atomsieve.structures.task import TaskState
from atomsieve.workflows.attempts import CHECKPOINT
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.local import LocalEngine

from .processes import started

pytestmark = [pytest.mark.faults, pytest.mark.slow]

# a relaxation takes a second or so: long enough to be met in the middle
CAMPAIGN = """\
name: hardy
sites:
  - {family: porphine, metals: [Co, Ni]}
reactions: [HER]
method: {calculator: mock, settings: {seconds_per_force_call: 0.05}}
relaxation: {max_steps: 60}
poses: {most: 1}
"""
TIMES = {"ATOMSIEVE_HEARTBEAT": "0.2", "ATOMSIEVE_LEASE": "2", "ATOMSIEVE_WORKERS": "2"}
Record = Callable[..., None]


def begin(folder: Path) -> subprocess.Popen[str]:
    return started("run", "hardy.yaml", cwd=folder, **TIMES)


def end(process: subprocess.Popen[str], code: int = 0) -> str:
    said, _ = process.communicate(timeout=120)
    assert process.returncode == code, said
    assert "Traceback" not in said
    return said


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
    return found


def starts(folder: Path) -> list[list[str]]:
    path = folder / "atomsieve-data" / "starts.log"
    return [line.split()[1:] for line in path.read_text().splitlines()] if path.exists() else []


def checkpoints(folder: Path) -> list[Path]:
    return list((folder / "atomsieve-data").glob(f"results/*/*/{CHECKPOINT}"))


def open_database(folder: Path) -> Database:
    return Database.embedded(folder / "atomsieve-data" / "atomsieve.sqlite")


def outcomes(folder: Path) -> dict[str, dict[str, Any]]:
    with open_database(folder) as database:
        documents = list(database.calculations.query({}))
        assert len({document["key"] for document in documents}) == len(documents)
        rows = list(database.adsorption_energies.query({"superseded": False}))
    return {document["key"]: document for document in (*documents, *rows)}


def check_as(undisturbed: dict[str, dict[str, Any]], folder: Path) -> None:
    """Everything is there once, as in a run that nothing befell: within 5 meV where work was continued."""
    found = outcomes(folder)
    assert found.keys() == undisturbed.keys()
    for key, document in found.items():
        expected = undisturbed[key]
        assert document.get("status") == expected.get("status")
        assert document.get("judgement", {}).get("verdict") == expected.get("judgement", {}).get("verdict")
        energy = "energy" if "energy" in document else "electronic"
        assert document[energy] == pytest.approx(expected[energy], abs=5e-3)


def check_tasks(folder: Path) -> None:
    """The state of each calculation and flow is what is true of it."""
    with open_database(folder) as database:
        tasks = {task.subject: task for task in database.tasks.find("hardy")}
        stored = {document["key"]: document for document in database.calculations.query({})}
    assert stored.keys() == {task.subject for task in tasks.values() if not task.is_flow}
    for task in tasks.values():
        assert task.state == TaskState.DONE
        assert task.is_flow or task.attempt >= 1


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "hardy.yaml").write_text(CAMPAIGN, encoding="utf-8")
    end(begin(folder))
    check_tasks(folder)
    assert set(Counter(key for key, *_ in starts(folder)).values()) == {1}
    return outcomes(folder)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "hardy.yaml").write_text(CAMPAIGN, encoding="utf-8")
    return tmp_path


def test_a_worker_that_is_stopped_is_replaced(here: Path, undisturbed: dict[str, Any], fault: Record) -> None:
    process = begin(here)
    key, _, worker = wait_for(lambda: starts(here)[3:4])[0]
    wait_for(lambda: (Folder(here / "atomsieve-data").directory(key)).exists())
    os.kill(int(worker), signal.SIGSTOP)
    stopped = time.monotonic()
    # it is killed, so that there is nothing left that could wake
    wait_for(lambda: not Path(f"/proc/{worker}").exists(), 20)
    silent = time.monotonic() - stopped
    end(process)
    assert 1.5 < silent < 20
    check_as(undisturbed, here)
    check_tasks(here)
    again = Counter(key for key, *_ in starts(here))
    assert sum(count - 1 for count in again.values()) == 1
    fault(engine="local", fault="worker stopped (SIGSTOP)", outcome="killed after its lease, its job given to another")


def test_ctrl_c_leaves_checkpoints_and_nothing_is_done_twice(
    here: Path, undisturbed: dict[str, Any], fault: Record
) -> None:
    total = 0
    for number in (3, 6):
        process = begin(here)
        wait_for(lambda number=number: len(starts(here)) > number)
        time.sleep(0.4)
        os.killpg(process.pid, signal.SIGINT)
        assert "To go on" in end(process, 130)
        left = checkpoints(here)
        assert left
        total += len(left)
        with open_database(here) as database:
            assert TaskState.RUNNING not in {task.state for task in database.tasks.find("hardy")}
    end(begin(here))
    check_as(undisturbed, here)
    check_tasks(here)
    assert checkpoints(here) == []
    # each one that was cut short, and no other, was begun once more, and went on where it was
    assert len(starts(here)) == len({key for key, *_ in starts(here)}) + total
    calls = sum(document.get("force_calls", 0) for document in outcomes(here).values())
    whole = sum(document.get("force_calls", 0) for document in undisturbed.values())
    assert calls < 1.5 * whole
    fault(engine="local", fault="Ctrl-C, twice", outcome="checkpoints written, continued from there")


def test_what_a_person_cancels_stops_and_what_they_pause_waits(
    here: Path, undisturbed: dict[str, Any], fault: Record
) -> None:
    # the driver looks once a second at what a person wants; a calculation must last longer
    (here / "hardy.yaml").write_text(CAMPAIGN.replace("0.05}", "0.2}"), encoding="utf-8")
    process = begin(here)
    with_tasks = here / "atomsieve-data" / "atomsieve.sqlite"
    wait_for(lambda: len(starts(here)) > 2 and with_tasks.exists())
    with open_database(here) as database:
        sites = wait_for(lambda: len(found := list(database.tasks.find("hardy", kind="site"))) == 2 and found)
        # the one that began last has longest to go
        under_way = wait_for(lambda: list(database.tasks.find("hardy", state=TaskState.RUNNING, kind="clean")))
        running = max(under_way, key=lambda one: one.began)
        (other,) = (one for one in sites if one.subject != running.flow)
        database.tasks.change("hardy", [running.subject], state=TaskState.CANCELLED)
        database.tasks.change("hardy", [other.subject], state=TaskState.PAUSED)
        said = end(process, 1)
        assert "cancelled; `atomsieve retry`" in said
        assert "paused; `atomsieve resume`" in said
        states = {task.subject: task.state for task in database.tasks.find("hardy")}
        assert states[running.subject] == TaskState.CANCELLED
        assert states[other.subject] == TaskState.PAUSED
        assert database.calculations.query_one({"key": running.subject}) is None
        # paused, it stays so; cancelled, it is asked for again
        assert "paused" in end(begin(here), 1)
        assert database.calculations.query_one({"key": running.subject}) is not None
        database.tasks.change("hardy", [other.subject], state=TaskState.QUEUED)
    end(begin(here))
    check_as(undisturbed, here)
    check_tasks(here)
    fault(engine="local", fault="cancelled and paused while it runs", outcome="stopped with a checkpoint; held back")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a disk of its own of 2 MB, which must be root's to make."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a file system of its own can only be mounted by root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_stops_the_run_and_room_lets_it_go_on(
    small_disk: Path, undisturbed: dict[str, Any], fault: Record
) -> None:
    (small_disk / "hardy.yaml").write_text(CAMPAIGN, encoding="utf-8")
    process = begin(small_disk)
    wait_for(lambda: len(starts(small_disk)) > 4)
    ballast = small_disk / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(1024)):
            pass
    said, _ = process.communicate(timeout=120)
    assert process.returncode not in (0, None)
    assert "Traceback" not in said
    assert "full" in said or "No space left" in said
    whole = list((small_disk / "atomsieve-data").glob("results/*/*/result.json"))
    kept = {path.parent.name: json.loads(path.read_text())["energy"] for path in whole}
    begun = Counter(key for key, *_ in starts(small_disk))
    ballast.unlink()
    subprocess.run(["mount", "-o", "remount,size=50m", str(small_disk)], check=True)
    end(begin(small_disk))
    check_as(undisturbed, small_disk)
    check_tasks(small_disk)
    after = Counter(key for key, *_ in starts(small_disk))
    assert {key: after[key] for key in kept} == {key: begun[key] for key in kept}
    fault(engine="local", fault="disk full", outcome="stops and says so; goes on where there is room")


@job
def hang(kind: str, patience: float) -> dict[str, Any]:
    """Settle what hangs, in a worker of the engine."""
    from dataclasses import replace

    from atomsieve.workflows import calculators
    from atomsieve.workflows.calculators import calculator
    from atomsieve.workflows.relaxation import settle

    from . import attempt

    os.environ |= {"ATOMSIEVE_PATIENCE": str(patience), "ATOMSIEVE_HEARTBEAT": "0.1"}
    make = attempt.Hanging
    entry = replace(calculator("mock"), calculator=lambda order, atoms: make(holds=kind == "holds"))
    calculators.CALCULATORS = {**calculators.CALCULATORS, kind: entry}
    folder = Folder(os.environ["ATOMSIEVE_FOLDER"])
    return settle(attempt.asked(kind), attempt.begin(), attempt.judge, attempt.NUMERICS, folder)


@pytest.mark.parametrize("kind", ["hangs", "holds"])
def test_a_calculator_that_hangs_is_given_up(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Record
) -> None:
    monkeypatch.setenv("ATOMSIEVE_HEARTBEAT", "0.1")
    made = hang(kind, 1.0)
    (run,) = LocalEngine(Folder(tmp_path / "data"), 1).run([(None, Flow([made], output=made.output))])
    assert not run.errors
    assert run.output["status"] == "failed"
    assert "hung 2 times" in run.output["text"]
    assert len(Folder(tmp_path / "data").starts.read_text().splitlines()) == 2
    fault(engine="local", fault=f"calculator {kind} for ever", outcome="killed twice by its watchdog, then given up")
