"""What failed is grouped by cause; and retry, cancel, pause and resume do to those that are meant what they say."""

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

from atomsieve.analysis.database import Database
from atomsieve.structures.calculation import reopened
from atomsieve.structures.errors import InputError
from atomsieve.structures.task import Task, TaskState
from atomsieve.workflows.campaigns import load
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.harvest import is_complete, stored_rows
from atomsieve.workflows.relaxation import is_settled
from atomsieve.workflows.settings import Settings
from atomsieve.workflows.watch import Watch
from atomsieve.workflows.watching.failures import explained, grouped
from atomsieve.workflows.watching.filtering import Filter

Cli = Callable[..., subprocess.CompletedProcess[str]]
# too few steps for some, so that they fail, whoever runs it
CAMPAIGN = """\
name: faulty
sites:
  - {family: graphene, metals: [Fe, Tc], coordination: N4}
reactions: [HER]
method: {calculator: mock}
relaxation: {max_steps: 12, ladder: false}
poses: {most: 1}
"""


def task(subject: str, state: TaskState = TaskState.FAILED, **more: object) -> Task:
    told = {"kind": "adsorbed", "site": "Fe-N4@graphene-4x4", "flow": "f1", **more}
    return Task("c", subject, state=state, **told)  # type: ignore[arg-type]


@pytest.fixture
def database(tmp_path: Path) -> Any:
    with Database.embedded(tmp_path / "atomsieve.sqlite") as made:
        made.tasks.put(
            [
                task("aa01", reason="MemoryError"),
                task("aa02", reason="OSError: [Errno 28] No space left on device", failure_class="retry as is"),
                task("ab03", reason="Traceback ...\nValueError: shape (3,) is odd", site="Co-porphine", flow="f2"),
                task("ab04", reason="ValueError: shape (41,) is odd", site="FeCo-2N4@graphene", flow="f3"),
                task("ac05", TaskState.RUNNING, kind="clean", stage="screen"),
                task("ac06", TaskState.CANCELLED),
                task("ad07", kind="site", reason="place_adsorbates: KeyError: 'x'", flow="ad07", site="Ni-salen"),
                # of a flow whose calculations have failed, these alone are told
                task("f1", kind="site", reason="relax: MemoryError"),
            ]
        )
        yield made


FAILED = (TaskState.FAILED, TaskState.LOST)


@pytest.mark.parametrize(
    ("chosen", "subjects"),
    [
        (Filter(), {"aa01", "aa02", "ab03", "ab04", "ad07"}),
        (Filter(site="Co-porphine"), {"ab03"}),
        (Filter(site="Fe-*"), {"aa01", "aa02"}),
        (Filter(metal="Fe"), {"aa01", "aa02", "ab04"}),
        (Filter(metal="Co"), {"ab03", "ab04"}),
        (Filter(metal="C"), set()),
        (Filter(metal="Ni"), {"ad07"}),
        (Filter(key="ab"), {"ab03", "ab04"}),
        (Filter(kind="site"), {"ad07", "f1"}),
        (Filter(cause="disk full"), {"aa02"}),
        (Filter(failure_class="more-memory"), {"aa01"}),
        # as whoever saw it fail has classed it
        (Filter(failure_class="retry as is"), {"aa02", "ab03", "ab04", "ad07"}),
        (Filter(metal="Fe", cause="memory"), {"aa01"}),
        (Filter(state="lost"), set()),
    ],
)
def test_filters_choose(database: Database, chosen: Filter, subjects: set[str]) -> None:
    assert {task.subject for task in chosen.choose(database, "c", FAILED)} == subjects


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"state": "runing"}, "did you mean 'running'"),
        ({"failure_class": "mor-memory"}, "did you mean 'more-memory'"),
        ({"cause": "disc full"}, "did you mean 'disk full'"),
    ],
)
def test_what_nothing_is_called_is_refused(told: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Filter(**told)


def test_failures_are_grouped_by_cause(database: Database) -> None:
    groups = grouped(explained(database, database.tasks.find("c", state=TaskState.FAILED)))
    found = {(group.cause.name, group.cause_text): [one.task.subject for one in group.members] for group in groups}
    assert found == {
        # the same error with other numbers is the same error
        ("unknown", "ValueError: shape (3,) is odd"): ["ab03", "ab04"],
        ("memory", "it asked for more memory than there was"): ["aa01"],
        ("disk full", "the disk, or your share of it, is full"): ["aa02"],
        ("unknown", "place_adsorbates: KeyError: 'x'"): ["ad07"],
    }
    disk = next(group for group in groups if group.cause.name == "disk full").to_dict("c")
    assert (disk["class"], disk["number"], disk["command"]) == (
        "retry as is",
        1,
        "atomsieve retry c --cause 'disk full'",
    )


def test_a_failure_that_is_reopened_stands_no_longer_and_is_remembered() -> None:
    document = {
        "key": "k",
        "status": "failed",
        "failure_class": "give up",
        "text": "no",
        "tried": [{"max_steps": 3}],
        "provenance": {"host": "a", "attempts": [1]},
    }
    assert is_settled(document, {"max_steps": 3})
    again = reopened(document)
    assert not is_settled(again, {"max_steps": 3})
    assert again["provenance"]["retried"] == [
        {
            "failure_class": "give up",
            "text": "no",
            "tried": [{"max_steps": 3}],
            "provenance": {"host": "a", "attempts": [1]},
        }
    ]
    assert len(reopened({**again, "tried": [{"max_steps": 3}]})["provenance"]["retried"]) == 2


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, cli: Cli) -> Path:
    folder = tmp_path_factory.mktemp("faulty")
    (folder / "c.yaml").write_text(CAMPAIGN, encoding="utf-8")
    result = cli("run", "c.yaml", cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder


def starts(folder: Path) -> list[str]:
    return [line.split()[1] for line in (folder / "atomsieve-data" / "starts.log").read_text().splitlines()]


def documents(folder: Path) -> dict[str, dict[str, Any]]:
    with Database.embedded(folder / "atomsieve-data" / "atomsieve.sqlite") as database:
        return {document["key"]: document for document in database.calculations.query({})}


def test_failures_are_told_with_their_fix(done: Path, cli: Cli) -> None:
    groups = json.loads(cli("failures", "faulty", "--json", cwd=done).stdout)
    failed = {key for key, document in documents(done).items() if document["status"] == "failed"}
    assert [group["cause"] for group in groups] == ["steps"]
    assert set(groups[0]["keys"]) == failed != set()
    assert groups[0]["command"] == "atomsieve retry faulty --cause steps"
    text = cli("failures", "c.yaml", cwd=done).stdout
    assert f"{len(failed)} steps: the forces were still too large" in text
    assert "fix: raise max_steps under relaxation in the campaign file" in text
    assert "then: atomsieve retry c.yaml --cause steps" in text
    one = cli("status", "faulty", sorted(failed)[0][:12], cwd=done).stdout
    assert "state: failed (asked for by faulty)" in one
    assert "next: the forces were still too large" in one


def test_retry_has_failures_calculated_again_and_nothing_else(done: Path, cli: Cli) -> None:
    before, begun = documents(done), starts(done)
    failed = sorted(key for key, document in before.items() if document["status"] == "failed")
    listed = cli("retry", "faulty", "--dry-run", cwd=done).stdout
    assert f"{len(failed)} calculations to retry; nothing was done" in listed
    assert documents(done) == before
    said = cli("retry", "c.yaml", "--cause", "steps", cwd=done).stdout
    assert f"{len(failed)} calculation" in said
    assert "stop that: atomsieve cancel c.yaml --state waiting" in said
    assert "atomsieve run c.yaml" in said
    # what stands on them is not complete any more, and status says so
    checked = load(done / "c.yaml", Settings(folder=done / "atomsieve-data"))
    with Database.embedded(checked.folder.database) as database:
        complete = [is_complete(checked, rows, database) for rows in stored_rows(checked, database)]
    assert False in complete
    state = json.loads(cli("status", "faulty", "--json", cwd=done).stdout)
    assert (state["complete"], state["calculations"]["waiting"]) == (complete.count(True), len(failed))
    assert "failed" not in state["calculations"]
    done_before = {key: document for key, document in before.items() if document["status"] == "done"}
    now = documents(done)
    assert {key: now[key] for key in done_before} == done_before
    # on disk too
    assert all(Folder(done / "atomsieve-data").stored(key)["tried"] == [] for key in failed)

    assert cli("run", "c.yaml", cwd=done).returncode == 0
    assert sorted(starts(done)[len(begun) :]) == failed
    after = documents(done)
    for key in failed:
        assert after[key]["tried"] == before[key]["tried"]
        (kept,) = after[key]["provenance"]["retried"]
        assert kept["text"] == before[key]["text"]
        assert kept["provenance"]["attempts"] == before[key]["provenance"]["attempts"]
    text = cli("status", "faulty", failed[0][:12], cwd=done).stdout
    assert text.count("12 steps") + text.count("attempt 2") >= 2
    assert json.loads(cli("status", "faulty", "--json", cwd=done).stdout)["complete"] == 2


def test_what_is_done_is_not_retried(done: Path, cli: Cli) -> None:
    key = next(key for key, document in documents(done).items() if document["status"] == "done")
    said = cli("retry", "faulty", "--key", key[:12], cwd=done)
    assert (said.returncode, "nothing to retry" in said.stdout) == (0, True)
    refused = cli("cancel", "faulty", cwd=done)
    assert refused.returncode == 2
    assert "say --all" in refused.stderr
    assert "nothing to cancel" in cli("cancel", "faulty", "--all", cwd=done).stdout
    assert "nothing to pause" in cli("pause", "faulty", "--metal", "Fe", cwd=done).stdout


@pytest.mark.mongo
def test_the_same_for_what_fireworks_has(mongo: tuple[str, str], tmp_path: Path, cli: Cli) -> None:
    from atomsieve.workflows.dispatch import Dispatch
    from atomsieve.workflows.engines import open_engine
    from atomsieve.workflows.fireworks.launchpad import LaunchPadEngine, more, pull

    (tmp_path / "lab.yaml").write_text(
        f"name: lab\nscheduler: none\nfolder: {tmp_path}/worker\nkinds: {{cheap: {{cores: 1, jobs: 1, idle: 1}}}}\n",
        encoding="utf-8",
    )
    (tmp_path / "c.yaml").write_text(CAMPAIGN.replace("faulty", "fired").replace("Fe, Tc", "Tc"), encoding="utf-8")
    uri, name = mongo[0], f"{mongo[1]}_steer"
    settings = Settings(folder=tmp_path / "data", mongodb_uri=uri, mongodb_database=name)
    environment = {
        "ATOMSIEVE_MONGODB_URI": uri,
        "ATOMSIEVE_MONGODB_DATABASE": name,
        "ATOMSIEVE_WORKERS_FOLDER": str(tmp_path),
        "ATOMSIEVE_FOLDER": "data",
    }

    def begun() -> list[str]:
        return [line.split()[1] for line in (tmp_path / "worker" / "starts.log").read_text().splitlines()]

    with pytest.MonkeyPatch.context() as patch, Database.mongodb(uri, name) as database:
        for variable, value in {**environment, "ATOMSIEVE_FOLDER": str(tmp_path / "worker")}.items():
            patch.setenv(variable, value)
        engine = open_engine("fireworks", str(tmp_path / "lab.yaml"), database, settings)
        assert isinstance(engine, LaunchPadEngine)
        # this process works, and no pilot
        patch.setattr(engine, "start", list)
        work = Dispatch(load(tmp_path / "c.yaml", settings), database, engine, Watch())
        try:
            work.submit()
            while pull(engine.described, "cheap") or more(engine.described, "cheap"):
                pass
            work.recover()
            groups = json.loads(cli("failures", "fired", "--json", cwd=tmp_path, **environment).stdout)
            failed = sorted(key for group in groups for key in group["keys"])
            assert failed
            first = begun()
            said = cli("retry", "fired", cwd=tmp_path, **environment)
            assert "atomsieve submit FILE --engine fireworks --worker lab" in said.stdout, said.stderr
            held = work.recover()
            assert held.added == 1
            assert "paused" in cli("pause", "fired", cwd=tmp_path, **environment).stdout
            assert not pull(engine.described, "cheap")
            assert {one.state for one in database.tasks.find("fired", subject=failed)} == {TaskState.PAUSED}
            assert "let go on" in cli("resume", "fired", cwd=tmp_path, **environment).stdout
            while pull(engine.described, "cheap") or more(engine.described, "cheap"):
                pass
            work.recover()
            assert sorted(begun()[len(first) :]) == failed
            known = database.known(failed)
            assert all(len(known[key]["provenance"]["retried"]) == 1 for key in failed)
            state = json.loads(cli("status", "fired", "--json", cwd=tmp_path, **environment).stdout)
            assert (state["sites"], state["complete"]) == (1, 1)
            assert state["engines"] == [{"engine": "fireworks", "worker": "lab"}]
        finally:
            engine.launchpad.connection.drop_database(name)


@pytest.mark.slow
def test_a_run_that_goes_on_is_stopped_and_taken_up_again(tmp_path: Path, cli: Cli) -> None:
    text = CAMPAIGN.replace("{calculator: mock}", "{calculator: mock, settings: {seconds_per_force_call: 0.1}}")
    (tmp_path / "c.yaml").write_text(text.replace("max_steps: 12", "max_steps: 60"), encoding="utf-8")
    command = [sys.executable, "-m", "atomsieve.workflows.cli", "run", "c.yaml", "--workers", "1"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        deadline = time.monotonic() + 120
        state: dict[str, Any] = {}
        while state.get("calculations", {}).get("running", 0) < 1 and time.monotonic() < deadline:
            time.sleep(0.3)
            answer = cli("status", "c.yaml", "--json", cwd=tmp_path)
            state = json.loads(answer.stdout)
        assert (state["running"], state["calculations"]["running"]) == (True, 1), state
        # twice, as more calculations follow from what is done
        said = cli("cancel", "faulty", "--all", cwd=tmp_path).stdout
        assert "take them up again: atomsieve retry faulty --state cancelled" in said
        while json.loads(cli("status", "faulty", "--json", cwd=tmp_path).stdout)["running"]:
            assert time.monotonic() < deadline
            cli("cancel", "faulty", "--all", cwd=tmp_path)
            time.sleep(0.3)
        assert process.wait(60) != 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    state = json.loads(cli("status", "faulty", "--json", cwd=tmp_path).stdout)
    assert state["calculations"].get("cancelled", 0) >= 1
    assert "running" not in state["calculations"]
    # its checkpoint waits for whoever takes it up
    assert "let it go on" not in cli("failures", "faulty", cwd=tmp_path).stdout
    said = cli("retry", "c.yaml", "--state", "cancelled", cwd=tmp_path).stdout
    assert "will be calculated again" in said
