"""The local engine runs any jobflow flow as jobflow itself would, in parallel, and survives its workers."""

from __future__ import annotations

import errno
import itertools
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jobflow import Flow, JobOrder, JobStore, OnMissing, Response, job, run_locally
from maggma.stores import MemoryStore

from atomsieve.structures.errors import StoreError
from atomsieve.workflows.flowrun import Exchange
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.local import LocalEngine

# jobflow's own runner changes folders through a helper that monty has deprecated
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")


@job
def add(a: float, b: float) -> float:
    return a + b


@job
def total(values: list[float]) -> float:
    return sum(values)


@job
def spread(values: list[float]) -> Response:
    """Replace this job by one for each value, and their sum."""
    parts = [add(value, 10) for value in values]
    end = total([part.output for part in parts])
    return Response(replace=Flow([*parts, end], output=end.output))


@job
def again(n: int) -> Any:
    """Replace this job by itself until n is 0."""
    return Response(replace=again(n - 1)) if n else "ground"


@job
def aside(value: float) -> Response:
    detour = add(value, 100)
    return Response(output=value, detour=detour, addition=add(value, 1000))


@job
def stop_here() -> Response:
    return Response(output=1, stop_children=True)


@job
def boom() -> None:
    raise RuntimeError("out of luck")


@job
def fill_up() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@job
def nothing_or(value: float | None) -> float:
    return -1.0 if value is None else value


@job
def die(flag: str, times: int) -> str:
    """Kill the worker the first few times."""
    with Path(flag).open("a") as file:
        file.write("x")
    if len(Path(flag).read_text()) <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    return "survived"


@job
def stamp(seconds: float) -> list[float]:
    begin = time.monotonic()
    time.sleep(seconds)
    return [begin, time.monotonic(), float(os.getpid())]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngine]:
    made = LocalEngine(Folder(tmp_path_factory.mktemp("engine")), 2)
    yield made
    made.close()


def chain() -> Flow:
    first = add(1, 2)
    second = add(first.output, first.output)
    return Flow([first, second], output=second.output)


def fan() -> Flow:
    parts = [add(i, i) for i in range(12)]
    end = total([part.output for part in parts])
    return Flow([*parts, end], output={"sum": end.output, "first": parts[0].output})


def dynamic() -> Flow:
    parts = [add(1, 1), add(2, 2)]
    middle = spread([part.output for part in parts])
    end = add(middle.output, 0.5)
    return Flow([*parts, middle, end], output=end.output)


def recursive() -> Flow:
    made = again(4)
    return Flow([made], output=made.output)


def diverted() -> Flow:
    made = aside(5)
    end = add(made.output, 1)
    return Flow([made, end], output=end.output)


def nested() -> Flow:
    inner = dynamic()
    outer = add(inner.output, 1)
    return Flow([inner, outer], output=outer.output)


def linear() -> Flow:
    jobs = [stamp(0.05) for _ in range(4)]
    return Flow(jobs, order=JobOrder.LINEAR, output=[made.output for made in jobs])


def outputs_of_run_locally(flow: Flow) -> dict[str, Any]:
    store = JobStore(MemoryStore())
    store.connect()
    run_locally(flow, store=store, log=False)
    return {entry["name"]: entry["output"] for entry in store.query({}, ["name", "output"])}


@pytest.mark.parametrize("make", [chain, fan, dynamic, recursive, diverted, nested], ids=lambda make: make.__name__)
def test_the_same_output_as_jobflow_itself(make: Any, engine: LocalEngine, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    flow = make()
    documents: list[dict[str, Any]] = []
    engine.on_finish = lambda _, document, error: documents.append(document) if document else None
    (run,) = engine.run([("tag", flow)])
    assert run.tag == "tag"
    assert run.errors == {}

    theirs = make()
    store = JobStore(MemoryStore())
    store.connect()
    run_locally(theirs, store=store, log=False)
    expected: dict[str, dict[int, Any]] = {}
    for entry in store.query({}):
        expected.setdefault(entry["uuid"], {})[entry["index"]] = entry["output"]
    from jobflow.core.reference import find_and_resolve_references

    assert run.output == find_and_resolve_references(theirs.output, Exchange(expected))
    assert run.output is not None
    assert len(documents) == store.count()


def test_independent_jobs_run_at_the_same_time_and_ordered_ones_do_not(engine: LocalEngine) -> None:
    both = Flow([stamp(1.0), stamp(1.0)])
    both.output = [made.output for made in both]
    (run,) = engine.run([(None, both)])
    (begin_a, end_a, pid_a), (begin_b, end_b, pid_b) = run.output
    assert pid_a != pid_b
    assert max(begin_a, begin_b) < min(end_a, end_b)

    (ordered,) = engine.run([(None, linear())])
    spans = ordered.output
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


def test_what_depends_on_a_failure_is_not_run_but_what_can_do_without_is(engine: LocalEngine) -> None:
    broken, good = boom(), add(1, 1)
    child = nothing_or(broken.output)
    tolerant = nothing_or(broken.output)
    tolerant.config.on_missing_references = OnMissing.NONE
    finished: list[str] = []
    engine.on_finish = lambda made, document, error: finished.append(made.uuid) if document else None
    (run,) = engine.run([(None, Flow([broken, good, child, tolerant]))])
    assert list(run.errors) == ["boom"]
    assert "RuntimeError: out of luck" in run.errors["boom"]
    assert set(finished) == {good.uuid, tolerant.uuid}
    assert run.output is None


def test_children_of_a_job_that_stops_them_are_not_run(engine: LocalEngine) -> None:
    first = stop_here()
    child = add(first.output, 1)
    finished: list[str] = []
    engine.on_finish = lambda made, document, error: finished.append(made.uuid) if document else None
    (run,) = engine.run([(None, Flow([first, child]))])
    assert finished == [first.uuid]
    assert run.errors == {}


def test_a_worker_that_dies_costs_one_attempt(engine: LocalEngine, tmp_path: Path) -> None:
    made = die(str(tmp_path / "flag"), 2)
    (run,) = engine.run([(None, Flow([made], output=made.output))])
    assert run.output == "survived"
    assert (tmp_path / "flag").read_text() == "xxx"


def test_a_job_that_kills_every_worker_is_given_up_and_the_rest_goes_on(engine: LocalEngine, tmp_path: Path) -> None:
    bad = die(str(tmp_path / "flag"), 99)
    runs = list(engine.run([("bad", Flow([bad])), ("good", chain())]))
    results = {run.tag: run for run in runs}
    assert "signal 9" in results["bad"].errors["die"]
    assert results["good"].output == 6


def test_a_full_disk_stops_the_engine_and_is_named(engine: LocalEngine) -> None:
    drawn = []

    def source() -> Iterator[tuple[int, Flow]]:
        for number in range(50):
            drawn.append(number)
            yield number, Flow([fill_up()])

    with pytest.raises(StoreError, match=r"No space left on device.*make room in"):
        list(engine.run(source()))
    assert len(drawn) < 10


def test_flows_are_drawn_only_as_workers_become_free(engine: LocalEngine) -> None:
    drawn = 0

    def source() -> Iterator[tuple[int, Flow]]:
        nonlocal drawn
        for number in range(40):
            drawn += 1
            made = add(number, 0)
            yield number, Flow([made], output=made.output)

    ahead, answers = [], {}
    for count, run in enumerate(engine.run(source()), start=1):
        ahead.append(drawn - count)
        answers[run.tag] = run.output
    assert answers == {number: number for number in range(40)}
    assert max(ahead) <= 3 * engine.workers


def test_known_jobs_are_not_sent_to_workers(tmp_path: Path) -> None:
    sent: list[str] = []
    engine = LocalEngine(
        Folder(tmp_path),
        1,
        known=lambda made: 42 if made.name == "add" else None,
        on_start=lambda attempt: sent.append(attempt.job.name),
    )
    first = add(1, 1)
    end = total([first.output, 1])
    (run,) = engine.run([(None, Flow([first, end], output=end.output))])
    assert run.output == 43
    assert sent == ["total"]
