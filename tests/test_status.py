"""How a campaign stands, and one calculation of it: from tasks, at once, on screen and for programs."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pymongo
import pymongo.monitoring
import pytest

from atomsieve.analysis.database import Database
from atomsieve.analysis.glance import WINDOW, Glance, server_looks
from atomsieve.structures.clock import duration
from atomsieve.structures.errors import InputError
from atomsieve.structures.task import Task, TaskCount, TaskState
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.printing import console
from atomsieve.workflows.settings import Settings
from atomsieve.workflows.turn import running
from atomsieve.workflows.watching import monitor
from atomsieve.workflows.watching.board import board, left_text
from atomsieve.workflows.watching.standing import Standing

Cli = Callable[..., subprocess.CompletedProcess[str]]
NOW = datetime(2026, 1, 2, 12, 0, 0)
CAMPAIGN = """\
name: looked
sites:
  - {family: graphene, metals: [Fe, Tc], coordination: N4}
reactions: [HER]
method: {calculator: mock}
relaxation: {max_steps: 60}
poses: {most: 1}
"""


def count(kind: str, state: TaskState, number: int, **more: object) -> TaskCount:
    told = {
        "stage": None,
        "engine": "local",
        "worker": "",
        "cores": 1,
        "why": None,
        "recent": 0,
        "seconds": 0.0,
        "began": NOW - timedelta(hours=3),
        "changed": NOW - timedelta(seconds=30),
    }
    return TaskCount(kind=kind, state=state, number=number, **{**told, **more})  # type: ignore[arg-type]


def standing(tmp_path: Path, *counts: TaskCount, sites: int = 100, stages: object = None) -> Standing:
    return monitor.standing("c", Glance(counts, sites, stages or {}, NOW), Folder(tmp_path))  # type: ignore[arg-type]


def text_of(seen: Standing) -> str:
    out = console()
    with out.capture() as captured:
        out.print(board(seen, "c"), soft_wrap=True)
    return captured.get()


def test_rate_and_time_left_with_an_honest_range(tmp_path: Path) -> None:
    seen = standing(
        tmp_path,
        count("site", TaskState.DONE, 40),
        count("site", TaskState.RUNNING, 10),
        count("adsorbed", TaskState.DONE, 900, recent=400, seconds=3600.0, cores=4),
        count("adsorbed", TaskState.QUEUED, 50),
    )
    assert (seen.sites, seen.complete, seen.rate, seen.core_hours) == (100, 40, 400, 4.0)
    assert seen.left is not None
    least, most = seen.left
    assert most is not None
    # 900/40 a site at most, and two standard deviations of 400 counts
    assert least == pytest.approx(50 / (400 * 1.1))
    assert most == pytest.approx(900 / 40 * 60 / (400 * 0.9))
    assert "7 min to 3.8 h left" in text_of(seen)


def test_what_cannot_be_known_is_not_said(tmp_path: Path) -> None:
    few = standing(tmp_path, count("site", TaskState.RUNNING, 10), count("adsorbed", TaskState.DONE, 3, recent=3))
    assert few.left is None
    assert left_text(few) == ""
    # no site is done, so that nobody knows what one costs: but what is asked for is known
    none = standing(
        tmp_path,
        count("site", TaskState.RUNNING, 10),
        count("adsorbed", TaskState.DONE, 100, recent=100),
        count("adsorbed", TaskState.QUEUED, 600),
    )
    assert none.left == (pytest.approx(5.0), None)
    assert "at least 5.0 h left" in text_of(none)
    idle = standing(tmp_path, count("adsorbed", TaskState.DONE, 100, changed=NOW - timedelta(days=2)))
    assert (idle.rate, idle.left, idle.running) == (None, None, False)
    young = standing(tmp_path, count("clean", TaskState.DONE, 20, recent=20, began=NOW - timedelta(minutes=6)))
    assert young.rate == pytest.approx(200)
    assert timedelta(minutes=6) < WINDOW


def test_failures_by_class_and_who_works_on_it(tmp_path: Path) -> None:
    (tmp_path / "workers").mkdir()
    (tmp_path / "workers" / "big.yaml").write_text(
        "name: big\nscheduler: slurm\nkinds: {cheap: {cores: 16}, dear: {cores: 16}}\n", encoding="utf-8"
    )
    seen = standing(
        tmp_path,
        count("clean", TaskState.FAILED, 3, why="retry with more memory", engine="fireworks", worker="big"),
        count("clean", TaskState.FAILED, 2, why="MemoryError", engine="fireworks", worker="big"),
        count("clean", TaskState.FAILED, 1, why="energy nan eV", engine="fireworks", worker="big"),
        count("clean", TaskState.RUNNING, 1, engine="fireworks", worker="big", seconds=57600.0),
        count("clean", TaskState.LOST, 4, engine="fireworks", worker="big"),
        count("site", TaskState.FAILED, 7, why="MemoryError", engine="fireworks", worker="big"),
    )
    assert dict(seen.failures) == {"retry with more memory": 5, "retry with other settings": 1}
    assert (seen.running, seen.heard) == (True, NOW - timedelta(seconds=30))
    text = text_of(monitor.in_nodes(seen, Settings(workers_folder=tmp_path / "workers")))
    assert "running now (fireworks on big), last sign of life 30 s ago" in text
    assert "16 core hours (1 node hours)" in text
    assert "5 failed: retry with more memory" in text
    assert "atomsieve failures c" in text
    assert "4 lost; take them up again: atomsieve recover c" in text
    assert monitor.in_nodes(seen, Settings(workers_folder=tmp_path)).node_hours is None


def test_a_process_of_this_machine_is_seen_by_its_lock(tmp_path: Path) -> None:
    with running(Folder(tmp_path), "c"):
        assert standing(tmp_path).running
    assert not standing(tmp_path).running


def test_stages_stand_in_their_order(tmp_path: Path) -> None:
    stages = {"screen": {"entered": 100, "passed": 20}, "refine": {"entered": 20}, "last": {}}
    seen = standing(
        tmp_path,
        count("site", TaskState.DONE, 98, stage="screen"),
        count("site", TaskState.DONE, 5, stage="refine"),
        count("site", TaskState.RUNNING, 2, stage="refine"),
        count("clean", TaskState.DONE, 30, stage="refine", recent=30),
        stages=stages,
    )
    assert seen.complete == 78
    text = text_of(seen)
    assert "stage screen: 20 of 100 sites pass, 78 fall out, 2 not complete" in text
    assert "stage refine: 5 of 20 sites done, 2 in work" in text
    assert "stage last: not begun" in text
    assert "of stage refine left" in text
    assert [entry["entered"] for entry in seen.to_dict()["stages"]] == [100, 20, None]


@pytest.mark.parametrize(("seconds", "text"), [(0.25, "0.2 s"), (99, "99 s"), (5000, "83 min"), (90000, "25.0 h")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_what_is_no_campaign_file_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("- no\n- campaign\n", encoding="utf-8")
    with pytest.raises(InputError, match="atomsieve plan"):
        monitor.located(str(tmp_path / "bad.yaml"), Settings())
    with pytest.raises(InputError, match="there is no campaign file"):
        monitor.located(str(tmp_path / "absent.yaml"), Settings())


def many(number: int) -> list[Task]:
    states = [TaskState.DONE] * 7 + [TaskState.FAILED, TaskState.RUNNING, TaskState.QUEUED]
    return [
        Task(
            "big",
            f"{index:064x}",
            "site" if index % 20 == 0 else "adsorbed",
            f"Fe-N4@graphene-{index // 20}",
            states[index % 10],
            f"{index // 20:064x}",
            engine="fireworks",
            worker="cluster",
            reason=f"largest force {index / 7:.3f} eV/Å after 300 steps" if states[index % 10] == "failed" else None,
            seconds=index % 100,
            began=datetime(2026, 1, 1),
        )
        for index in range(number)
    ]


@pytest.mark.mongo
def test_a_look_is_one_round_trip(mongo: tuple[str, str], tmp_path: Path) -> None:
    class Counting(pymongo.monitoring.CommandListener):
        def __init__(self) -> None:
            self.names: list[str] = []

        def started(self, event: pymongo.monitoring.CommandStartedEvent) -> None:
            self.names.append(event.command_name)

        def succeeded(self, event: object) -> None: ...
        def failed(self, event: object) -> None: ...

    uri, name = mongo[0], f"{mongo[1]}_many"
    with Database.mongodb(uri, name) as database:
        database.save_campaign("big", {"name": "big"}, 100)
        database.tasks.put(many(2000))
    listener = Counting()
    pymongo.monitoring.register(listener)
    try:
        with server_looks(uri, name) as look:
            for _ in range(2):
                text = text_of(monitor.standing("big", look("big"), Folder(tmp_path)))
    finally:
        pymongo.monitoring._LISTENERS.command_listeners.remove(listener)
        with pymongo.MongoClient(uri) as client:
            client.drop_database(name)
    # hundreds of reasons that nobody has classed, and still no second answer; the last is a farewell
    assert listener.names == ["aggregate"] * 2 + ["endSessions"]
    assert "100 of 100 complete" in text
    assert "200 failed: continue from the last geometry" in text


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, cli: Cli) -> Path:
    folder = tmp_path_factory.mktemp("looked")
    (folder / "c.yaml").write_text(CAMPAIGN, encoding="utf-8")
    result = cli("run", "c.yaml", cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder


def test_a_finished_campaign(done: Path, cli: Cli) -> None:
    for handle in ("looked", "c.yaml"):
        state = json.loads(cli("status", handle, "--json", cwd=done).stdout)
        assert (state["sites"], state["complete"], state["running"], state["working"]) == (2, 2, False, 0)
        assert state["engines"] == [{"engine": "local", "worker": ""}]
        with Database.embedded(done / "atomsieve-data" / "atomsieve.sqlite") as database:
            stored = {word: database.calculations.count({"status": word}) for word in ("done", "failed")}
        assert state["calculations"] == {word: number for word, number in stored.items() if number}
        assert state["core_hours"] > 0
    text = cli("status", "looked", cwd=done).stdout
    assert "sites: 2 of 2 complete" in text
    assert "looked: not running (local)" in text


def test_a_campaign_that_was_never_run(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "c.yaml").write_text(CAMPAIGN, encoding="utf-8")
    state = json.loads(cli("status", "c.yaml", "--json", cwd=tmp_path).stdout)
    assert (state["sites"], state["complete"], state["calculations"]) == (2, 0, {})
    assert [path.name for path in tmp_path.iterdir()] == ["c.yaml"]
    absent = cli("status", "nothing", cwd=tmp_path)
    assert (absent.returncode, "neither such a file nor a database" in absent.stderr) == (2, True)


def test_one_calculation(done: Path, cli: Cli) -> None:
    with Database.embedded(done / "atomsieve-data" / "atomsieve.sqlite") as database:
        documents = list(database.calculations.query({"request.task": "adsorbed"}))
    document = documents[0]
    key = document["key"]
    short = key[:10]
    text = cli("status", short, cwd=done).stdout
    assert text.startswith(f"{key}: relaxation of H* on ")
    assert " by mock, " in text
    assert f"directory: {done}" in text
    assert "relax.log, last lines:" in text
    assert "attempt 1 (as asked): " in text
    assert f"{document['force_calls']} force calls" in text or len(document["provenance"]["attempts"]) > 1
    assert text == cli("status", "looked", short, cwd=done).stdout.replace(" c.yaml ", " looked ")
    data = json.loads(cli("status", "c.yaml", key, "--json", cwd=done).stdout)
    assert (data["key"], data["state"]) == (key, document["status"])
    assert data["attempts"][0]["force_calls"] > 0
    assert data["attempts"][0]["host"]
    assert data["tasks"][0]["campaign"] == "looked"
    several = cli("status", "looked", key[:0] + "0000", cwd=done)
    assert several.returncode == 2
    assert "begins with '0000'" in several.stderr
    wrong = cli("status", "looked", "xyz", cwd=done)
    assert "is no key" in wrong.stderr


def test_a_calculation_that_only_the_disk_knows(done: Path, tmp_path: Path, cli: Cli) -> None:
    shutil.copytree(done / "atomsieve-data" / "results", tmp_path / "atomsieve-data" / "results")
    key = next((tmp_path / "atomsieve-data").glob("results/*/*")).name
    text = cli("status", key[:12], cwd=tmp_path).stdout
    assert text.startswith(key)


def test_watching_draws_again_on_a_terminal_and_prints_lines_elsewhere(done: Path) -> None:
    command = [sys.executable, "-m", "atomsieve.workflows.cli", "status", "looked", "--watch", "--every", "0.2"]

    def heed() -> None:
        """Have Ctrl-C heeded: a shell that runs the tests in the background has its children ignore it."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    piped = subprocess.Popen(command, cwd=done, stdout=subprocess.PIPE, text=True, preexec_fn=heed)
    assert piped.stdout is not None
    lines = [piped.stdout.readline() for _ in range(3)]
    piped.send_signal(signal.SIGINT)
    piped.wait(20)
    piped.stdout.close()
    assert all("Z sites 2/2; " in line for line in lines)
    assert piped.returncode == 0
    ours, theirs = pty.openpty()
    shown = subprocess.Popen(
        command, cwd=done, stdout=theirs, stdin=theirs, env={**os.environ, "TERM": "xterm"}, preexec_fn=heed
    )
    os.close(theirs)
    seen = b""
    deadline = time.monotonic() + 30
    while seen.count(b"sites: ") < 3 and time.monotonic() < deadline:
        seen += os.read(ours, 4096)
    shown.send_signal(signal.SIGINT)
    shown.wait(20)
    os.close(ours)
    assert seen.count(b"sites: ") >= 3
    # drawn over what was there, not below it
    assert b"\x1b[1A" in seen
