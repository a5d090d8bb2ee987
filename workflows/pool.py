"""Pool: the worker processes of this machine, replaced when they die, are stopped, or are silent for too long."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import psutil

from atomsieve.workflows.folder import Folder
from atomsieve.workflows.settings import read_settings

#: One thread a worker: oversubscribed threads cost a factor of ten.
THREADS = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
#: Seconds in which workers that are asked to end may come to a force call and write a checkpoint.
GRACE = 5.0
#: A driver that looks so many seconds later than it meant to was stopped itself, and heard nothing meanwhile.
LATE = 5.0


@dataclass(eq=False)
class Worker:
    """One process.

    Parameters
    ----------
    process : multiprocessing.Process
        It.
    connection : Connection
        Our end of the pipe.
    task : object or None
        What it works on, as its pool's caller knows it.
    heard : float
        When it last gave a sign of life.
    """

    process: Any
    connection: Connection
    task: Any = None
    heard: float = field(default_factory=time.monotonic)

    def interrupt(self) -> None:
        """Ask it to stop its task where it can be continued; it says that it did."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGUSR1)

    def kill(self) -> None:
        """End it, and the programs that it has started, now."""
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(self.process.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    child.kill()
        self.process.kill()
        self.process.join()


class Pool:
    """Worker processes, started as they are needed.

    Parameters
    ----------
    folder : Folder
        Where results lie, and ``workers.log``.
    size : int
        Processes at most.
    """

    def __init__(self, folder: Folder, size: int) -> None:
        self.folder = folder
        self.size = size
        self.workers: list[Worker] = []
        self._looked = time.monotonic()

    @property
    def log(self) -> Path:
        """Where everything goes that jobs print."""
        return self.folder.root / "workers.log"

    def busy(self) -> list[Worker]:
        """Return the workers that have a task."""
        return [worker for worker in self.workers if worker.task is not None]

    def idle(self) -> Worker | None:
        """Return a worker without a task, a new one if there may be more; None if all are busy."""
        found = next((worker for worker in self.workers if worker.task is None), None)
        return self._start() if found is None and len(self.workers) < self.size else found

    def send(self, worker: Worker, task: object, text: str) -> None:
        """Give a worker its task."""
        worker.task, worker.heard = task, time.monotonic()
        # if it died idle, listening finds that out
        with contextlib.suppress(BrokenPipeError, ConnectionError):
            worker.connection.send(text)

    def listen(self, seconds: float) -> Iterator[tuple[Any, str, str]]:
        """Wait for what workers say, and end those that say nothing.

        Parameters
        ----------
        seconds : float
            To wait at most.

        Yields
        ------
        tuple of (object, str, str)
            The task, what became of it ("done", "error", "full", "interrupted", "stale", "died"), and the answer.
        """
        lease = read_settings().lease
        ready = wait([worker.connection for worker in self.workers], timeout=seconds)
        now = time.monotonic()
        is_late, self._looked = now - self._looked > seconds + LATE, now
        for worker in list(self.workers):
            if is_late:
                worker.heard = now
            kind, text = self._read(worker) if worker.connection in ready else ("", "")
            if not kind and worker.task is not None and now - worker.heard > lease:
                worker.kill()
                kind, text = "died", f"stopped, or gave no sign of life for {lease:g} s"
            if kind == "died":
                worker.connection.close()
                self.workers.remove(worker)
            if kind and worker.task is not None:
                task, worker.task = worker.task, None
                yield task, kind, text

    def _read(self, worker: Worker) -> tuple[str, str]:
        """Return the last thing that a worker said beside that it lives."""
        kind, text = "", ""
        try:
            while not kind and worker.connection.poll():
                kind, text = worker.connection.recv()
                worker.heard = time.monotonic()
                if kind == "alive":
                    kind = ""
        except (EOFError, ConnectionError):
            worker.process.join(timeout=5)
            code = worker.process.exitcode
            return "died", f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        return kind, text

    def close(self) -> None:
        """End the workers; what they have finished is on disk, what they have not has a checkpoint."""
        for worker in self.workers:
            worker.connection.close()
            if worker.task is not None:
                worker.process.terminate()
        until = time.monotonic() + GRACE
        for worker in self.workers:
            worker.process.join(timeout=max(0.0, until - time.monotonic()))
            if worker.process.is_alive():
                worker.kill()
        self.workers.clear()

    def _start(self) -> Worker:
        # a fork server is a clean process: no database connection and no thread of the driver crosses the fork
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["atomsieve.workflows.worker"])
        self.folder.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        ours, theirs = context.Pipe()
        before = {name: os.environ.get(name) for name in THREADS}
        os.environ.update(THREADS)
        try:
            _start_fork_server()
            process = context.Process(target=_serve, args=(theirs, str(self.folder.root), str(self.log)), daemon=True)
            process.start()
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
        theirs.close()
        worker = Worker(process, ours)
        self.workers.append(worker)
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
