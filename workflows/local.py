"""Local engine: runs flows on all cores of this machine, without a server."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from jobflow import Flow, Job

from atomsieve.structures.errors import StoreError
from atomsieve.workflows.flowrun import FlowRun, decode, encode
from atomsieve.workflows.folder import Folder

#: A job whose worker process died is given to another one this many times.
ATTEMPTS = 3
#: One thread a worker: oversubscribed threads cost a factor of ten.
THREADS = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)


@dataclass
class _Worker:
    process: Any
    connection: Connection
    task: _Task | None = None


@dataclass
class _Task:
    run: FlowRun
    job: Job
    attempt: int = 1


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
    on_start, on_finish : callable
        Told of each job that is sent to a worker, and of each that ended with its document for the job store.
    """

    folder: Folder
    workers: int
    known: Callable[[Job], Any | None] = lambda job: None
    on_start: Callable[[Job], None] = lambda job: None
    on_finish: Callable[[Job, dict[str, Any] | None], None] = lambda job, document: None
    _pool: list[_Worker] = field(default_factory=list, init=False)

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
        tasks: deque[_Task] = deque()
        exhausted = False
        try:
            while True:
                while not exhausted and len(tasks) < 2 * self.workers:
                    following = next(source, None)
                    if following is None:
                        exhausted = True
                        break
                    run = FlowRun(following[1], following[0])
                    active.add(run)
                    self._queue(run, tasks)
                    yield from self._ended(run, active)
                self._dispatch(tasks)
                if not active and exhausted:
                    return
                if any(worker.task for worker in self._pool):
                    for run in self._collect(tasks):
                        yield from self._ended(run, active)
                elif exhausted:
                    names = ", ".join(run.flow.name for run in active)
                    raise RuntimeError(f"the flows {names} wait for jobs that are in none of them")
        finally:
            self.close()

    def close(self) -> None:
        """End the workers; what they have finished is on disk."""
        for worker in self._pool:
            if worker.task is None:
                worker.connection.close()
            else:
                worker.process.terminate()
        for worker in self._pool:
            worker.process.join(timeout=5)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.connection.close()
        self._pool.clear()

    def _ended(self, run: FlowRun, active: set[FlowRun]) -> Iterator[FlowRun]:
        if run.is_done and run in active:
            active.discard(run)
            yield run

    def _queue(self, run: FlowRun, tasks: deque[_Task]) -> None:
        """Queue what may start, after taking what is known already."""
        found = True
        while found:
            found = False
            for job in list(run.take_ready()):
                output = self.known(job)
                if output is None:
                    tasks.append(_Task(run, job))
                else:
                    run.finish(job, output)
                    self.on_finish(job, None)
                    found = True

    def _dispatch(self, tasks: deque[_Task]) -> None:
        while tasks:
            worker = next((w for w in self._pool if w.task is None), None)
            if worker is None:
                if len(self._pool) >= self.workers:
                    return
                worker = self._start()
            task = tasks.popleft()
            worker.task = task
            self.on_start(task.job)
            inputs = task.run.inputs(task.job)
            self._send(worker, encode([task.job, inputs]))

    def _send(self, worker: _Worker, text: str) -> None:
        # if it died idle, collecting sees that and gives the task to another
        with contextlib.suppress(BrokenPipeError, ConnectionError):
            worker.connection.send(text)

    def _collect(self, tasks: deque[_Task]) -> Iterator[FlowRun]:
        ready = wait([worker.connection for worker in self._pool if worker.task])
        for worker in [w for w in self._pool if w.connection in ready]:
            task = worker.task
            assert task is not None
            try:
                kind, text = worker.connection.recv()
            except (EOFError, ConnectionError):
                self._bury(worker, task, tasks)
            else:
                worker.task = None
                if kind == "full":
                    # whatever is computed now could not be kept
                    raise StoreError(
                        f"{text}: stopped; make room in {self.folder.root}, and run the same command again"
                    )
                if kind == "error":
                    task.run.fail(task.job, text)
                    self.on_finish(task.job, None)
                else:
                    self._accept(task, decode(text))
            self._queue(task.run, tasks)
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
        self.on_finish(task.job, document)

    def _bury(self, worker: _Worker, task: _Task, tasks: deque[_Task]) -> None:
        """Take note of a worker that died with a job in hand."""
        worker.process.join(timeout=5)
        code = worker.process.exitcode
        worker.connection.close()
        self._pool.remove(worker)
        if task.attempt < ATTEMPTS:
            tasks.appendleft(_Task(task.run, task.job, task.attempt + 1))
            return
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        task.run.fail(task.job, f"the worker process died ({how}) {ATTEMPTS} times; see {self._log}")
        self.on_finish(task.job, None)

    @property
    def _log(self) -> Path:
        return self.folder.root / "workers.log"

    def _start(self) -> _Worker:
        # a fork server is a clean process: no database connection and no thread of the driver crosses the fork
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["atomsieve.workflows.worker"])
        self.folder.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        ours, theirs = context.Pipe()
        before = {name: os.environ.get(name) for name in THREADS}
        os.environ.update(THREADS)
        try:
            _start_fork_server()
            process = context.Process(target=_serve, args=(theirs, str(self.folder.root), str(self._log)), daemon=True)
            process.start()
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
        theirs.close()
        worker = _Worker(process, ours)
        self._pool.append(worker)
        return worker


def _start_fork_server() -> None:
    """Start the fork server unless it runs, deaf to Ctrl-C.

    That reaches the whole process group, the server as well while it still imports; it is for the driver. A process
    inherits what is ignored, and starting one takes milliseconds, so that the driver is deaf no longer than that.
    """
    if threading.current_thread() is not threading.main_thread():
        forkserver.ensure_running()
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, handler)


def _serve(connection: Connection, folder: str, log: str) -> None:
    from atomsieve.workflows.worker import serve

    serve(connection, folder, log)
