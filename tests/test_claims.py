"""One calculation, many attempts: real processes that are stopped, killed and contend; one outcome, and the first."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from atomsieve.structures.errors import StaleAttemptError
from atomsieve.workflows.attempts import CHECKPOINT
from atomsieve.workflows.claims import newest
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.relaxation import settle

from .attempt import NUMERICS, asked, begin, judge

pytestmark = pytest.mark.faults

PROGRAM = Path(__file__).with_name("attempt.py")
KEY = asked().key

Record = Callable[..., None]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "data")


@pytest.fixture
def start(folder: Folder) -> Iterator[Start]:
    """Begin an attempt in a process; whatever is left of it ends with the test."""
    processes: list[subprocess.Popen[str]] = []

    def begin_attempt(
        *arguments: str, lease: float = 60, beat: float = 0.1, patience: float = 1e4, through: tuple[str, ...] = ()
    ) -> subprocess.Popen[str]:
        times = {"ATOMSIEVE_LEASE": lease, "ATOMSIEVE_HEARTBEAT": beat, "ATOMSIEVE_PATIENCE": patience}
        process = subprocess.Popen(
            [*through, sys.executable, str(PROGRAM), str(folder.root), *arguments],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **{name: str(value) for name, value in times.items()}},
        )
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield begin_attempt
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def answer(process: subprocess.Popen[str], seconds: float = 60) -> dict[str, Any]:
    """Return what an attempt printed at its end."""
    said, _ = process.communicate(timeout=seconds)
    found: dict[str, Any] = json.loads(said)
    return found


def calls(folder: Folder) -> int:
    """Return how many force calls the checkpoint knows of."""
    try:
        text = (folder.directory(KEY) / CHECKPOINT).read_text()
    except FileNotFoundError:
        return 0
    return sum(attempt["force_calls"] for attempt in json.loads(text)["attempts"])


def wait_for(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def begun(folder: Folder) -> int:
    return len(folder.starts.read_text().splitlines())


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return settle(asked(), begin(), judge, NUMERICS, Folder(tmp_path_factory.mktemp("undisturbed")))


def check_as_undisturbed(found: dict[str, Any], undisturbed: dict[str, Any]) -> None:
    assert found["energy"] == pytest.approx(undisturbed["energy"], abs=5e-3)
    assert found["judgement"]["verdict"] == undisturbed["judgement"]["verdict"]


@pytest.mark.parametrize("host", ["the same", "another"])
def test_one_that_was_stopped_and_wakes_keeps_nothing(
    host: str, folder: Folder, start: Start, undisturbed: dict[str, Any], fault: Record
) -> None:
    first = start("seconds=0.05", lease=1)
    wait_for(lambda: calls(folder) >= 5)
    first.send_signal(signal.SIGSTOP)
    done = calls(folder)
    successor = start(*(["host=elsewhere"] if host == "another" else []), lease=1)
    assert answer(successor)["status"] == "done"
    placed = folder.directory(KEY) / "result.json"
    before = (placed.stat().st_ino, placed.read_bytes())
    first.send_signal(signal.SIGCONT)
    refused = answer(first)
    assert refused["error"] == "StaleAttemptError"
    assert "a later one has begun" in refused["text"]
    assert (placed.stat().st_ino, placed.read_bytes()) == before
    assert [path.name for path in placed.parent.iterdir() if path.name not in ("result.json", "relax.log")] == []
    document = folder.stored(KEY)
    check_as_undisturbed(document, undisturbed)
    assert document["force_calls"] >= done
    fault(
        engine="disk",
        fault=f"stopped (SIGSTOP), woken after its successor on {host} host",
        outcome="refused on disk: StaleAttemptError",
    )


def test_a_stale_attempt_cannot_place_a_failure_either(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one process, that the moment between the work and its outcome can be met."""
    monkeypatch.setenv("ATOMSIEVE_HEARTBEAT", "0.1")
    monkeypatch.setenv("ATOMSIEVE_LEASE", "0.3")
    failure = {"key": KEY, "status": "failed", "tried": [], "text": "from the first"}
    with folder.claim(KEY) as first:
        with folder.claim(KEY) as second:
            assert second.token == first.token + 1
            for document in (failure, {"key": KEY, "status": "done"}):
                with pytest.raises(StaleAttemptError):
                    folder.write(document, first)
            assert folder.read(KEY) is None
            folder.write({**failure, "text": "from the second"}, second)
        with pytest.raises(StaleAttemptError):
            folder.write(failure, first)
    assert folder.stored(KEY)["text"] == "from the second"
    # a success takes its place, and nothing takes the place of a success
    with folder.claim(KEY) as third:
        assert third.token == 3
        assert folder.write({"key": KEY, "status": "done", "energy": 1.0}, third)["energy"] == 1.0
    assert newest(folder.directory(KEY)) == 0
    assert folder.write({"key": KEY, "status": "done", "energy": 2.0})["energy"] == 1.0
    folder.write(failure)
    assert folder.stored(KEY)["energy"] == 1.0


def test_whoever_comes_second_waits_for_the_first_and_takes_its_outcome(
    folder: Folder, start: Start, fault: Record
) -> None:
    # with nothing but signs of life to go by, and four times as long at work as a silent one would be believed
    several = [start("seconds=0.1", f"host=node{number}", lease=0.8) for number in range(3)]
    answers = [answer(process) for process in several]
    assert answers[0]["status"] == "done"
    assert answers[1:] == answers[:-1]
    assert begun(folder) == 1
    fault(engine="disk", fault="three hosts want the same", outcome="computed once")


@pytest.mark.parametrize("through", [(), ("faketime", "-f", "+1h"), ("faketime", "-f", "-1h")], ids=["", "+1h", "-1h"])
def test_a_dead_one_is_succeeded_at_once_here_and_after_its_lease_elsewhere(
    through: tuple[str, ...], folder: Folder, start: Start, undisturbed: dict[str, Any], fault: Record
) -> None:
    """The clock of the host that takes over may be an hour wrong."""
    if through and shutil.which("faketime") is None:
        pytest.skip("no faketime (Debian: faketime)")

    def killed(*arguments: str) -> float:
        process = start("seconds=0.05", *arguments)
        before = calls(folder)
        wait_for(lambda: calls(folder) > before)
        process.kill()
        process.wait()
        return time.monotonic()

    killed()
    died = killed()
    assert time.monotonic() - died < 10
    follower = start("host=elsewhere", lease=2, through=through)
    assert answer(follower)["status"] == "done"
    assert 1.5 < time.monotonic() - died < 20
    check_as_undisturbed(folder.stored(KEY), undisturbed)
    assert begun(folder) == 3
    fault(
        engine="disk",
        fault=f"kill -9, clock of the other host {(*through, '', '', 'right')[2]}",
        outcome="continued: at once here, after the lease there",
    )


@pytest.mark.parametrize("shift", ["+1h", "-1h"])
def test_a_clock_that_is_an_hour_wrong_makes_no_claim_old(
    shift: str, folder: Folder, start: Start, fault: Record
) -> None:
    if shutil.which("faketime") is None:
        pytest.skip("no faketime (Debian: faketime)")
    first = start("seconds=0.1", lease=1, through=("faketime", "-f", shift))
    wait_for(lambda: calls(folder) > 2)
    second = start("host=elsewhere", lease=1)
    assert answer(first)["status"] == answer(second)["status"] == "done"
    assert begun(folder) == 1
    fault(engine="disk", fault=f"clock of the holder {shift}", outcome="the claim holds")


def test_one_that_is_asked_to_stop_is_continued_where_it_was(
    folder: Folder, start: Start, undisturbed: dict[str, Any], fault: Record
) -> None:
    total = 0
    for _ in range(3):
        process = start("seconds=0.05", "host=here")
        wait_for(lambda: calls(folder) >= total + 3)  # noqa: B023 - it is called here
        process.terminate()
        assert answer(process) == {"error": "Interrupted", "text": "asked to end"}
        assert folder.read(KEY) is None
        total = calls(folder)
    # it let go: nobody waits for its lease
    began = time.monotonic()
    assert answer(start("host=elsewhere"))["status"] == "done"
    assert time.monotonic() - began < 10
    document = folder.stored(KEY)
    check_as_undisturbed(document, undisturbed)
    assert document["force_calls"] > total
    assert not (folder.directory(KEY) / CHECKPOINT).exists()
    fault(engine="disk", fault="SIGTERM, three times", outcome="checkpoint, let go at once, continued")


@pytest.mark.parametrize("kind", ["hangs", "holds"])
def test_one_that_hangs_is_killed_and_twice_is_enough(kind: str, folder: Folder, start: Start) -> None:
    for _ in range(2):
        process = start(f"kind={kind}", patience=1)
        # on a busy machine the second watchdog, which needs no interpreter, may be the first
        assert process.wait(timeout=20) in ((-signal.SIGKILL, 1) if kind == "hangs" else (1,))
        assert folder.read(asked(kind).key) is None
    found = answer(start(f"kind={kind}", patience=1))
    assert found["status"] == "failed"
    assert "hung 2 times and was killed" in found["text"]
    # where it hung is told, as far down as Python sees
    assert "attempt.py" in found["text"]
    document = folder.stored(asked(kind).key)
    assert document["failure_class"] == "give up"
    assert begun(folder) == 2
    # another try, which somebody asks for with other numerics, counts anew
    process = start(f"kind={kind}", "seconds=0.01", patience=1)
    process.wait(timeout=20)
    assert process.returncode != 0
    assert begun(folder) == 3


def test_a_disk_that_is_full_loses_nothing(folder: Folder, start: Start, undisturbed: dict[str, Any]) -> None:
    """A file may grow no larger than 1 kB; signs of life are given all the same, and what was written is whole."""
    failed = answer(start("fill=1000", "seconds=0.01"))
    assert failed["error"] == "OSError"
    assert folder.read(KEY) is None
    assert list(folder.directory(KEY).glob("*.json*.partial")) == []
    assert answer(start())["status"] == "done"
    check_as_undisturbed(folder.stored(KEY), undisturbed)


def test_a_beat_that_fails_does_not_end_the_others() -> None:
    program = (
        "import time\n"
        "from atomsieve.workflows import heartbeat\n"
        "beats = []\n"
        "def broken(elapsed):\n"
        "    raise OSError(28, 'No space left on device')\n"
        "heartbeat.add(broken)\n"
        "heartbeat.add(beats.append)\n"
        "time.sleep(0.5)\n"
        "assert len(beats) > 3, beats\n"
    )
    environment = {**os.environ, "ATOMSIEVE_HEARTBEAT": "0.05"}
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "No space left on device" in result.stderr
