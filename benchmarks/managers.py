"""Managers: the ways to run one jobflow flow, each with the same kind of store."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

from fireworks import FWorker, LaunchPad
from fireworks.core.rocket_launcher import rapidfire
from jobflow import SETTINGS, Flow, Job, JobStore, run_locally
from jobflow.managers.fireworks import flow_to_workflow

from atomsieve.analysis.store import SQLiteStore
from atomsieve.workflows.fireworks.launchpads import NumberingLaunchPad
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.local import LocalEngine
from benchmarks.server import server

#: From a folder of results and flows to the end of these.
Manager = Callable[[Folder, list[Flow]], None]
#: Documents that go to the store at once.
BATCH = 200


def job_store(folder: Folder) -> JobStore:
    """Return a job store in a file of the folder."""
    folder.root.mkdir(parents=True, exist_ok=True)
    return JobStore(SQLiteStore(folder.root / "jobs.sqlite", "jobs", key=["uuid", "index"]))


def ours(workers: int) -> Manager:
    """Return the local engine with so many workers; documents are stored in batches, as a campaign does."""

    def run(folder: Folder, flows: list[Flow]) -> None:
        documents: list[dict[str, Any]] = []
        with job_store(folder) as store:

            def finish(job: Job, document: dict[str, Any] | None, error: str | None) -> None:
                assert error is None, error
                if document is not None:
                    documents.append(document)
                if len(documents) == BATCH:
                    store.update(documents, key=["uuid", "index"])
                    documents.clear()

            engine = LocalEngine(folder, workers, on_finish=finish)
            for _ in engine.run((None, flow) for flow in flows):
                pass
            store.update(documents, key=["uuid", "index"])

    return run


def by_run_locally(folder: Folder, flows: list[Flow]) -> None:
    """Run flows by jobflow's own manager, in this process."""
    store = job_store(folder)
    with _results_in(folder):
        for flow in flows:
            run_locally(flow, store=store, log=False, root_dir=folder.root, ensure_success=True)
    store.close()


@contextlib.contextmanager
def fireworks(folder: Path) -> Iterator[Callable[[int], Manager]]:
    """Yield, for so many processes, FireWorks' rapidfire with a launch pad on a server of its own."""
    with server(folder) as where:

        def run(processes: int, folder: Folder, flows: list[Flow]) -> None:
            pad = _launchpad(*where)
            pad.reset("", require_password=False, max_reset_wo_password=10**9)
            with _results_in(folder):
                for flow in flows:
                    pad.add_wf(flow_to_workflow(flow))
            if processes == 1:
                _rapidfire(where, folder.root)
            else:
                context = multiprocessing.get_context("forkserver")
                started = [context.Process(target=_rapidfire, args=(where, folder.root)) for _ in range(processes)]
                for process in started:
                    process.start()
                for process in started:
                    process.join()
            left = [(one["name"], one["state"]) for one in pad.fireworks.find({"state": {"$ne": "COMPLETED"}})]
            assert not left, f"not completed: {left}"

        yield lambda processes: partial(run, processes)


def warm() -> None:
    """Start the server that processes are forked from, with all loaded that any of them needs."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["atomsieve.workflows.worker", "benchmarks.managers"])
    forkserver.ensure_running()


def _launchpad(uri: str, name: str) -> LaunchPad:
    # FireWorks' own gives two processes one number where the server is no MongoDB
    return NumberingLaunchPad(host=uri, name=name, uri_mode=True, strm_lvl="CRITICAL")


def _rapidfire(where: tuple[str, str], root: Path) -> None:
    with _results_in(Folder(root)):
        # FireWorks could not read ours in a firework; this is where atomate2's users name theirs
        SETTINGS.JOB_STORE = job_store(Folder(root))
        # it would sleep for a minute where nothing is ready
        rapidfire(_launchpad(*where), FWorker(), m_dir=str(root), nlaunches=0, sleep_time=0.1, strm_lvl="CRITICAL")


@contextlib.contextmanager
def _results_in(folder: Folder) -> Iterator[None]:
    """Have our jobs leave their results in a folder, and stay quiet."""
    before, here = os.environ.get("ATOMSIEVE_FOLDER"), Path.cwd()
    os.environ["ATOMSIEVE_FOLDER"] = str(folder.root)
    os.chdir(folder.root)
    # FireWorks' tasks turn jobflow's on, whatever one asks for
    logging.disable(logging.INFO)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        os.chdir(here)
        os.environ.pop("ATOMSIEVE_FOLDER")
        if before is not None:
            os.environ["ATOMSIEVE_FOLDER"] = before
