"""Local engine: runs flows on all cores of this machine, without a server."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from jobflow import Flow, Job

from atomsieve.structures.errors import StoreError
from atomsieve.structures.task import TaskState
from atomsieve.workflows.flowrun import FlowRun, decode, encode
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.pool import Pool

#: A job whose worker process died is given to another one until it has been tried so often.
ATTEMPTS = 3
#: Seconds between two looks at what is cancelled, paused, or to be stored.
TICK = 1.0
#: What the error of a job says that a person has stopped.
STOPPED = {
    TaskState.CANCELLED: "cancelled; `atomsieve retry` has it run again",
    TaskState.PAUSED: "paused; `atomsieve resume`, and the same command again",
}


@dataclass(eq=False)
class _Task:
    run: FlowRun
    job: Job
    attempt: int = 1
    is_asked_to_stop: bool = False


@dataclass(frozen=True)
class Attempt:
    """One attempt at a job.

    Parameters
    ----------
    job : jobflow.Job
        The job.
    number : int
        Of the attempt in this run, from 1.
    process : int
        Of the worker.
    """

    job: Job
    number: int
    process: int


@dataclass
class LocalEngine:
    """A driver with persistent worker processes.

    Workers compute and write results to disk; only the driver, which is the caller's process, may write to a database.

    Parameters
    ----------
    folder : Folder
        Where results lie.
    workers : int
        Number of processes.
    known : callable
        From a job to its output, where that is known already, else None.
    on_start : callable
        Told of each attempt that begins.
    on_finish : callable
        Told of each job that ended: with its document for the job store, which a job that was known has none of, and
        with the error where it did not come to its end.
    stopped : callable
        From a job to ``cancelled`` or ``paused`` where a person has stopped it, else None.
    on_tick : callable
        Called about every second.
    """

    folder: Folder
    workers: int
    known: Callable[[Job], Any | None] = lambda job: None
    on_start: Callable[[Attempt], None] = lambda attempt: None
    on_finish: Callable[[Job, dict[str, Any] | None, str | None], None] = lambda job, document, error: None
    stopped: Callable[[Job], TaskState | None] = lambda job: None
    on_tick: Callable[[], None] = lambda: None
    _tasks: deque[_Task] = field(default_factory=deque, init=False)
    _paused: list[_Task] = field(default_factory=list, init=False)
    _ticked: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._pool = Pool(self.folder, self.workers)

    def run(self, flows: Iterable[tuple[Any, Flow]]) -> Iterator[FlowRun]:
        """Run flows; yield each as it ends.

        Parameters
        ----------
        flows : iterable of (object, Flow)
            Each with the caller's own tag; drawn only as workers become free, so that memory stays flat.

        Yields
        ------
        FlowRun
            Its ``tag``, ``output`` and ``errors``.

        Raises
        ------
        StoreError
            If the disk is full.
        """
        source = iter(flows)
        active: set[FlowRun] = set()
        exhausted = False
        try:
            while True:
                while not exhausted and len(self._tasks) < 2 * self.workers:
                    following = next(source, None)
                    if following is None:
                        exhausted = True
                        break
                    run = FlowRun(following[1], following[0])
                    active.add(run)
                    self._queue(run)
                    yield from self._ended(run, active)
                for run in self._dispatch():
                    yield from self._ended(run, active)
                if not active and exhausted:
                    return
                if self._pool.busy():
                    for run in self._collect():
                        yield from self._ended(run, active)
                elif exhausted and not self._tasks:
                    for run in self._leave_paused(active):
                        yield from self._ended(run, active)
                for run in self._tick():
                    yield from self._ended(run, active)
        finally:
            self.close()

    def close(self) -> None:
        """End the workers; what they have finished is on disk."""
        self._pool.close()
        self._tasks.clear()
        self._paused.clear()

    def _ended(self, run: FlowRun, active: set[FlowRun]) -> Iterator[FlowRun]:
        if run.is_done and run in active:
            active.discard(run)
            yield run

    def _queue(self, run: FlowRun) -> None:
        """Queue what may start, after taking what is known already."""
        found = True
        while found:
            found = False
            for job in list(run.take_ready()):
                output = self.known(job)
                if output is None:
                    self._tasks.append(_Task(run, job))
                else:
                    run.finish(job, output)
                    self.on_finish(job, None, None)
                    found = True

    def _dispatch(self) -> Iterator[FlowRun]:
        """Give jobs to idle workers; yield flows in which one was cancelled."""
        while self._tasks:
            task = self._tasks[0]
            state = self.stopped(task.job)
            if state is not None:
                self._tasks.popleft()
                if state == TaskState.PAUSED:
                    self._paused.append(task)
                else:
                    yield self._fail(task, STOPPED[state])
                continue
            worker = self._pool.idle()
            if worker is None:
                return
            self._tasks.popleft()
            self.on_start(Attempt(task.job, task.attempt, worker.process.pid))
            self._pool.send(worker, task, encode([task.job, task.run.inputs(task.job)]))

    def _collect(self) -> Iterator[FlowRun]:
        """Take in what workers have to say; yield the flows that it belongs to."""
        for task, kind, text in self._pool.listen(TICK):
            if kind == "full":
                # whatever is computed now could not be kept
                raise StoreError(f"{text}: stopped; make room in {self.folder.root}, and run the same command again")
            if kind == "done":
                self._accept(task, decode(text))
            elif kind == "error":
                self._fail(task, text)
            elif kind == "interrupted":
                # dispatching sees by whose wish; whoever else sent the signal has it run on
                self._tasks.appendleft(_Task(task.run, task.job, task.attempt))
            elif task.attempt < ATTEMPTS:
                self._tasks.appendleft(_Task(task.run, task.job, task.attempt + 1))
            elif kind == "stale":
                self._fail(task, text)
            else:
                self._fail(task, f"the worker process died ({text}) {ATTEMPTS} times; see {self._pool.log}")
            self._queue(task.run)
            yield task.run

    def _accept(self, task: _Task, answer: dict[str, Any]) -> None:
        document = answer["document"]
        task.run.finish(
            task.job,
            document["output"],
            replace=answer["replace"],
            detour=answer["detour"],
            addition=answer["addition"],
            stop_children=answer["stop_children"],
            stop_jobflow=answer["stop_jobflow"],
        )
        self.on_finish(task.job, document, None)

    def _fail(self, task: _Task, error: str) -> FlowRun:
        task.run.fail(task.job, error)
        self.on_finish(task.job, None, error)
        self._queue(task.run)
        return task.run

    def _tick(self) -> Iterator[FlowRun]:
        """Do what is due each second: stop what a person has stopped, go on with what is paused no more."""
        if time.monotonic() - self._ticked < TICK:
            return
        self._ticked = time.monotonic()
        self.on_tick()
        for worker in self._pool.busy():
            task = worker.task
            if not task.is_asked_to_stop and self.stopped(task.job) == TaskState.CANCELLED:
                task.is_asked_to_stop = True
                worker.interrupt()
        for task in list(self._paused):
            state = self.stopped(task.job)
            if state != TaskState.PAUSED:
                self._paused.remove(task)
                self._tasks.append(task)
        for task in list(self._tasks):
            if self.stopped(task.job) == TaskState.CANCELLED:
                self._tasks.remove(task)
                yield self._fail(task, STOPPED[TaskState.CANCELLED])

    def _leave_paused(self, active: set[FlowRun]) -> Iterator[FlowRun]:
        """End flows in which nothing is left to do but what is paused."""
        if not self._paused:
            names = ", ".join(run.flow.name for run in active)
            raise RuntimeError(f"the flows {names} wait for jobs that are in none of them")
        paused, self._paused = self._paused, []
        for task in paused:
            yield self._fail(task, STOPPED[TaskState.PAUSED])
