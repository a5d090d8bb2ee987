"""Tasks and leases: the same answers embedded and over the wire; one holder at a time, by one clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from atomsieve.analysis.database import Database
from atomsieve.structures.errors import LeaseLostError
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


def test_counts_add_up(database: Database) -> None:
    database.tasks.put(
        [
            *(task(f"a{i}", state=TaskState.DONE, seconds=10.0, cores=2) for i in range(3)),
            task("b", state=TaskState.FAILED, failure_class="give up", reason="no"),
            Task("another", "c", "clean", "x", TaskState.DONE, flow="g"),
        ]
    )
    counts = {(count.state, count.failure_class): count for count in database.tasks.counts("sieve")}
    assert {key: count.number for key, count in counts.items()} == {("done", None): 3, ("failed", "give up"): 1}
    done = counts[TaskState.DONE, None]
    assert (done.seconds, done.core_seconds, done.kind, done.engine) == (30.0, 60.0, "adsorbed", "local")
    assert done.changed is not None


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
