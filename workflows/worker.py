"""Worker: a process that keeps its imports loaded and runs one job after another; it never sees a database."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import threading
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from jobflow import Flow, Job

# loaded here so that the fork server pays for them once, before the first worker starts
import atomsieve.workflows.jobs  # noqa: F401
from atomsieve.structures.errors import Interrupted, StaleAttemptError
from atomsieve.workflows import heartbeat, interruption
from atomsieve.workflows.flowrun import Exchange, decode, encode


def run_job(job: Job, inputs: dict[str, dict[int, Any]]) -> dict[str, Any]:
    """Run one job.

    Parameters
    ----------
    job : jobflow.Job
        What to run.
    inputs : dict
        Outputs that it refers to, by uuid and index.

    Returns
    -------
    dict
        ``document`` for the job store; ``replace``, ``detour``, ``addition``, ``stop_children``, ``stop_jobflow``.
    """
    store = Exchange(inputs)
    response = job.run(store)
    answer: dict[str, Any] = {
        "document": store.document,
        "stop_children": response.stop_children,
        "stop_jobflow": response.stop_jobflow,
    }
    for kind in ("replace", "detour", "addition"):
        flow: Flow | None = getattr(response, kind)
        answer[kind] = flow.as_dict() if flow is not None else None
    return answer


def serve(connection: Connection, folder: str, log: str) -> None:
    """Run jobs that come through a pipe until it closes.

    Parameters
    ----------
    connection : Connection
        Receives ``(job, inputs)`` as MSON; sends ``("done", answer)``, ``("error", traceback)``, ``("full", text)``
        where the disk is, ``("interrupted", reason)`` where it was asked to stop, ``("stale", text)`` where another
        process has taken over meanwhile; and ``("alive", "")`` every ``ATOMSIEVE_HEARTBEAT`` seconds.
    folder : str
        The campaign's working folder.
    log : str
        Where everything goes that the job prints.
    """
    os.environ["ATOMSIEVE_FOLDER"] = folder
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    sys.stdout.flush()
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    os.chdir(Path(folder))
    turn = _Turn()
    pipe = threading.Lock()

    def say(kind: str, text: str) -> None:
        with pipe:
            connection.send((kind, text))

    def live(elapsed: float) -> None:
        del elapsed
        try:
            say("alive", "")
        except (BrokenPipeError, ConnectionError):
            heartbeat.remove(live)  # the driver is gone; the job in hand goes on

    heartbeat.add(live)
    while not turn.is_last:
        try:
            text = connection.recv()
        except (EOFError, ConnectionError):
            return  # the driver is gone; what was finished is on disk
        with turn:
            answer = _answer(text)
        with contextlib.suppress(BrokenPipeError):
            say(*answer)


def _answer(text: str) -> tuple[str, str]:
    try:
        job, inputs = decode(text)
        inputs = {uuid: {int(index): output for index, output in known.items()} for uuid, known in inputs.items()}
        return "done", encode(run_job(job, inputs))
    except Interrupted as wish:
        return "interrupted", str(wish)
    except StaleAttemptError as error:
        return "stale", str(error)
    except Exception as error:
        is_full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        return ("full", str(error)) if is_full else ("error", traceback.format_exc())


class _Turn:
    """What a worker does about signals: SIGUSR1 stops the job in hand, SIGTERM that and the worker."""

    def __init__(self) -> None:
        self.is_last = False
        self._is_on = False
        # Ctrl-C reaches the whole process group: the driver decides what becomes of the workers
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGUSR1, self._stop)
        signal.signal(signal.SIGTERM, self._end)

    def __enter__(self) -> None:
        # a wish that came too late for the job before is not meant for this one
        interruption.clear()
        self._is_on = True

    def __exit__(self, *exception: object) -> None:
        self._is_on = False

    def _stop(self, number: int, frame: object) -> None:
        interruption.request("stopped by a person")

    def _end(self, number: int, frame: object) -> None:
        self.is_last = True
        if not self._is_on:
            sys.exit()
        interruption.request("the worker is asked to end")
