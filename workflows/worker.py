"""Worker: a process that keeps its imports loaded and runs one job after another; it never sees a database."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from jobflow import Flow, Job

# loaded here so that the fork server pays for them once, before the first worker starts
import atomsieve.workflows.jobs  # noqa: F401
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
        Receives ``(job, inputs)`` as MSON; sends ``("done", answer)``, ``("error", traceback)``, or ``("full", text)``
        where the disk is.
    folder : str
        The campaign's working folder.
    log : str
        Where everything goes that the job prints.
    """
    # Ctrl-C reaches the whole process group: the driver decides what becomes of the workers
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["ATOMSIEVE_FOLDER"] = folder
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    sys.stdout.flush()
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    os.chdir(Path(folder))
    while True:
        try:
            text = connection.recv()
        except (EOFError, ConnectionError):
            return  # the driver is gone; what was finished is on disk
        if text is None:
            return
        try:
            job, inputs = decode(text)
            inputs = {uuid: {int(index): output for index, output in known.items()} for uuid, known in inputs.items()}
            answer = ("done", encode(run_job(job, inputs)))
        except Exception as error:
            is_full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
            answer = ("full", str(error)) if is_full else ("error", traceback.format_exc())
        with contextlib.suppress(BrokenPipeError):
            connection.send(answer)
