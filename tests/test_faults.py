"""Kill real processes, as a power cut or a person would: nothing that was finished is lost or done again."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from atomsieve.analysis.database import Database
from atomsieve.workflows.folder import Folder

from .processes import started, wait_until_alone

pytestmark = [pytest.mark.faults, pytest.mark.slow]

Record = Callable[..., None]

FAULTY = Path(__file__).with_name("faulty.py")
KILLS = 20

# a sleep in each force call, so that there is a relaxation to be killed in; it is no part of any key
CAMPAIGN = """\
name: hardy
sites:
  - family: graphene
    metals: [Fe, Co, Ni, Cu, Ta, Tc]
    coordination: [N4, N3]
  - {family: porphine, metals: Co}
reactions: [ORR, HER]
method: {calculator: mock, settings: {seconds_per_force_call: 0.002}}
relaxation: {max_steps: 60}
poses: {most: 1}
"""
#: What may differ between two runs: times, hosts, processes, jobflow's random identities.
#: Of a campaign also where, by whom and when it was run.
VARYING = {"_id", "last_updated", "provenance", "user", "host", "folder", "begun", "updated"}


def start(folder: Path, *command: str | Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *map(str, command)],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def run_to_the_end(folder: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "atomsieve.workflows.cli", "run", "hardy.yaml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def contents(folder: Path) -> dict[str, dict[str, Any]]:
    """Return all documents of the database by collection and key, without what may vary."""
    found = {}
    with Database.embedded(folder / "atomsieve-data" / "atomsieve.sqlite") as database:
        for name in ("calculations", "adsorption_energies", "reaction_results", "campaigns"):
            documents = list(getattr(database, name).query({}))
            assert len({document["key"] for document in documents}) == len(documents)
            found[name] = {
                document["key"]: {field: value for field, value in document.items() if field not in VARYING}
                for document in documents
            }
    return found


def check_continued(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """What was cut short and went on from its checkpoint has the same verdict, and lies within 5 meV."""
    for name, energy in (("calculations", "energy"), ("adsorption_energies", "electronic")):
        assert found[name].keys() == expected[name].keys()
        for key, document in found[name].items():
            other = expected[name][key]
            assert document.get("status") == other.get("status")
            assert document.get("verdict") == other.get("verdict")
            assert document.get("judgement", {}).get("verdict") == other.get("judgement", {}).get("verdict")
            assert document.get(energy) == pytest.approx(other.get(energy), abs=5e-3)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "hardy.yaml").write_text(CAMPAIGN, encoding="utf-8")
    run_to_the_end(folder)
    return contents(folder)


@pytest.mark.parametrize("point", ["relaxation", "ingest", "commit"])
def test_killed_twenty_times_and_resumed_is_as_if_undisturbed(
    point: str, undisturbed: dict[str, dict[str, Any]], tmp_path: Path, fault: Record
) -> None:
    (tmp_path / "hardy.yaml").write_text(CAMPAIGN, encoding="utf-8")
    data = tmp_path / "atomsieve-data"
    rng = random.Random(point)
    finished: dict[str, int] = {}
    kills = 0
    for attempt in range(KILLS):
        starts = len((data / "starts.log").read_text().splitlines()) if (data / "starts.log").exists() else 0
        # mostly the first batch, so that there is always something left to be killed over; now and then a later one
        after = starts + rng.randint(1, 9) if point == "relaxation" else 1 + (attempt in (3, 9))
        process = start(tmp_path, FAULTY, point, str(after), "run", "hardy.yaml")
        code = process.wait(timeout=120)
        kills += code == -signal.SIGKILL
        wait_until_alone(process.pid)
        begun = Counter(line.split()[1] for line in (data / "starts.log").read_text().splitlines())
        for path in data.glob("results/*/*/result.json"):
            finished.setdefault(path.parent.name, begun[path.parent.name])
    assert kills == KILLS
    run_to_the_end(tmp_path)

    assert contents(tmp_path) == undisturbed
    begun = Counter(line.split()[1] for line in (data / "starts.log").read_text().splitlines())
    assert {key: begun[key] for key in finished} == finished
    assert set(begun) == set(undisturbed["calculations"])
    with sqlite3.connect(data / "atomsieve.sqlite") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    fault(
        engine="local", fault=f"kill -9 of all, 20 times, in {point}", outcome="as undisturbed; nothing finished again"
    )


def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(tmp_path: Path, undisturbed: dict[str, Any]) -> None:
    (tmp_path / "hardy.yaml").write_text(CAMPAIGN, encoding="utf-8")
    process = started("run", "hardy.yaml", cwd=tmp_path)
    starts = tmp_path / "atomsieve-data" / "starts.log"
    _wait_for(lambda: starts.exists() and len(starts.read_text().splitlines()) > 25)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "To go on: atomsieve run hardy.yaml" in output
    assert "Traceback" not in output
    on_disk = {path.parent.name for path in (tmp_path / "atomsieve-data").glob("results/*/*/result.json")}
    known = contents(tmp_path)["calculations"]
    # at most what was being written as the signal came is not in the database yet
    assert len(on_disk) > 15
    assert len(on_disk - known.keys()) <= 2
    run_to_the_end(tmp_path)
    check_continued(contents(tmp_path), undisturbed)


def test_a_driver_that_is_killed_leaves_workers_that_finish_and_go(
    tmp_path: Path, undisturbed: dict[str, Any], fault: Record
) -> None:
    (tmp_path / "hardy.yaml").write_text(CAMPAIGN, encoding="utf-8")
    process = start(tmp_path, "-m", "atomsieve.workflows.cli", "run", "hardy.yaml")
    starts = tmp_path / "atomsieve-data" / "starts.log"
    _wait_for(lambda: starts.exists() and len(starts.read_text().splitlines()) > 10)
    process.kill()
    process.wait()
    wait_until_alone(process.pid)
    run_to_the_end(tmp_path)
    assert contents(tmp_path) == undisturbed
    # no relaxation was cut short, so none was begun twice
    keys = [line.split()[1] for line in starts.read_text().splitlines()]
    assert len(keys) == len(set(keys))
    fault(engine="local", fault="kill -9 of the driver", outcome="workers finish; nothing begun twice")


def test_a_worker_that_is_killed_is_replaced(tmp_path: Path, undisturbed: dict[str, Any], fault: Record) -> None:
    (tmp_path / "hardy.yaml").write_text(CAMPAIGN, encoding="utf-8")
    process = start(tmp_path, "-m", "atomsieve.workflows.cli", "run", "hardy.yaml")
    starts = tmp_path / "atomsieve-data" / "starts.log"
    for number in (5, 20, 40):
        _wait_for(lambda number=number: starts.exists() and len(starts.read_text().splitlines()) > number)
        os.kill(int(starts.read_text().splitlines()[-1].split()[3]), signal.SIGKILL)
    assert process.wait(timeout=120) == 0
    assert contents(tmp_path) == undisturbed
    fault(engine="local", fault="kill -9 of a worker, three times", outcome="replaced; as undisturbed")


def test_a_claim_ends_with_its_holder(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom atomsieve.workflows.folder import Folder\n"
        "with Folder(sys.argv[1]).claim('ab' * 32):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    begin = time.monotonic()
    timer = subprocess.Popen([sys.executable, "-c", f"import time, os; time.sleep(1); os.kill({holder.pid}, 9)"])
    with Folder(tmp_path).claim("ab" * 32):
        waited = time.monotonic() - begin
    timer.wait()
    holder.wait()
    holder.stdout.close()
    assert 0.5 < waited < 30


def _wait_for(condition: Any, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
