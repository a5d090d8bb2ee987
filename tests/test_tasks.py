"""Tasks and leases: the same answers embedded and over the wire; one holder at a time, by one clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from atomsieve.analysis.database import Database
from atomsieve.analysis.glance import Look, file_looks, server_looks
from atomsieve.structures.errors import InputError, LeaseLostError, StoreError
from atomsieve.structures.task import Task, TaskState


@pytest.fixture(params=["embedded", pytest.param("mongodb", marks=pytest.mark.mongo)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "embedded":
        made = Database.embedded(tmp_path / "atomsieve.sqlite")
    else:
        made = Database.mongodb(*request.getfixturevalue("mongo"))
    with made:
        yield made
        made.tasks.store.remove_docs({})


def task(subject: str, kind: str = "adsorbed", state: TaskState = TaskState.QUEUED, **more: object) -> Task:
    return Task("sieve", subject, kind, "Fe-N4@graphene-4x4", state, flow="f", **more)  # type: ignore[arg-type]


def test_what_is_stored_comes_back(database: Database) -> None:
    one = task("a", seconds=2.5, cores=4, reason="it raised", began=datetime(2026, 1, 2, 3, 4, 5))
    database.tasks.put([one])
    found = database.tasks.one("sieve", "a")
    assert found is not None
    assert found.changed is not None
    now = datetime.now(UTC).replace(tzinfo=None)
    assert now - timedelta(minutes=1) < found.changed < now + timedelta(minutes=1)
    assert found == Task.from_dict({**one.to_dict(), "changed": found.changed})
    assert database.tasks.one("sieve", "b") is None
    assert database.tasks.one("other", "a") is None


def test_adding_leaves_what_is_known(database: Database) -> None:
    database.tasks.put([task("a", state=TaskState.DONE)])
    database.tasks.add([task("a"), task("b")])
    assert {found.subject: found.state for found in database.tasks.find("sieve")} == {"a": "done", "b": "queued"}


def test_criteria_choose(database: Database) -> None:
    database.tasks.put([task("a"), task("b", state=TaskState.RUNNING), task("c", kind="clean")])
    assert {found.subject for found in database.tasks.find("sieve", state=TaskState.QUEUED)} == {"a", "c"}
    assert {found.subject for found in database.tasks.find("sieve", state=["running", "lost"], kind="adsorbed")} == {
        "b"
    }


def test_changing_is_a_heartbeat_too(database: Database) -> None:
    database.tasks.put([task("a"), task("b")])
    before = database.tasks.one("sieve", "a")
    time.sleep(0.02)
    assert database.tasks.change("sieve", ["a", "absent"]) == 1
    after = database.tasks.one("sieve", "a")
    assert before is not None
    assert after is not None
    assert before.changed is not None
    assert after.changed is not None
    assert after.changed > before.changed
    assert after.state == before.state
    database.tasks.change("sieve", ["b"], state=TaskState.LOST)
    assert [found.subject for found in database.tasks.find("sieve", state=TaskState.LOST)] == ["b"]


@contextmanager
def looking(database: Database, request: pytest.FixtureRequest) -> Iterator[Look]:
    if database.path is not None:
        with file_looks(database.path) as look:
            yield look
    else:
        with server_looks(*request.getfixturevalue("mongo")) as look:
            yield look


def test_a_glance_adds_up(database: Database, request: pytest.FixtureRequest) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    database.save_campaign("sieve", {"name": "sieve", "stages": [{"name": "screen"}, {"name": "refine"}]}, 12)
    database.save_stage("sieve", "screen", entered=12)
    database.save_stage("sieve", "screen", passed=5)
    began = now.replace(microsecond=0) - timedelta(minutes=20)
    database.tasks.put(
        [
            *(task(f"a{i}", state=TaskState.DONE, seconds=10.0, cores=2, began=began) for i in range(3)),
            # found, not calculated
            task("d", state=TaskState.DONE, seconds=1.0, cores=2),
            task("b", state=TaskState.FAILED, failure_class="give up", reason="no"),
            task("e", state=TaskState.FAILED, reason="MemoryError"),
            task("f", reason="left from before"),
            Task("another", "c", "clean", "x", TaskState.DONE, flow="g"),
        ]
    )
    with looking(database, request) as look:
        seen = look("sieve")
        assert look("absent").counts == ()
        assert look("absent").sites is None
    assert (seen.sites, seen.stages) == (12, {"screen": {"entered": 12, "passed": 5}, "refine": {}})
    assert abs(seen.now - now) < timedelta(minutes=1)
    counts = {(count.state, count.why): count for count in seen.counts}
    assert {key: count.number for key, count in counts.items()} == {
        ("done", None): 4,
        ("failed", "give up"): 1,
        ("failed", "MemoryError"): 1,
        ("queued", None): 1,
    }
    done = counts[TaskState.DONE, None]
    assert (done.seconds, done.cores, done.kind, done.engine) == (31.0, 2, "adsorbed", "local")
    assert (done.recent, done.began) == (3, began)
    assert done.changed is not None


def test_a_glance_at_what_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no database, but long enough to have a header of its own, if it were one" * 9)
    with file_looks(tmp_path / "file") as look, pytest.raises(StoreError, match="cannot be opened"):
        look("sieve")
    with file_looks(tmp_path / "absent") as look:
        assert look("sieve").counts == ()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    with (
        server_looks("mongodb://me:planted-secret@127.0.0.1:9/?serverSelectionTimeoutMS=100", "x") as look,
        pytest.raises(StoreError, match="is it running") as caught,
    ):
        look("sieve")
    assert "planted-secret" not in str(caught.value)
    with pytest.raises(InputError, match="percent-escaped"), server_looks("mongodb://me:p/q@host/", "x"):
        pass


@pytest.mark.mongo
def test_one_holds_a_lease_at_a_time(mongo: tuple[str, str]) -> None:
    with Database.mongodb(*mongo) as database:
        first, second = database.lease("recover/sieve"), database.lease("recover/sieve")
        assert first.acquire() is None
        holder = second.acquire()
        assert holder == first.holder
        first.renew()
        first.release()
        assert second.acquire() is None
        second.release()


@pytest.mark.mongo
def test_who_slept_past_the_end_of_a_lease_finds_out_before_it_acts(mongo: tuple[str, str]) -> None:
    with Database.mongodb(*mongo) as database:
        sleeper, heir = database.lease("recover/sieve"), database.lease("recover/sieve")
        sleeper.seconds = 0.2
        assert sleeper.acquire() is None
        assert heir.acquire() is not None
        time.sleep(0.3)
        assert heir.acquire() is None
        with pytest.raises(LeaseLostError, match="passed to another process"):
            sleeper.renew()
        # giving back what is not held any more takes nothing from the heir
        sleeper.release()
        heir.renew()
        heir.release()
