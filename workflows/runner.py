"""Runner: carries a campaign through on this machine, stage by stage, and on from wherever a run was stopped."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from atomsieve.analysis.database import Database
from atomsieve.structures.errors import InputError
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.funnel import sift
from atomsieve.workflows.harvest import stored_rows
from atomsieve.workflows.ingest.collection import is_collection
from atomsieve.workflows.stagerun import StageRun, Summary, Watch


class Runner:
    """Carries one campaign through.

    Parameters
    ----------
    checked : CheckedCampaign
        What to do.
    database : Database
        Connected; only this process writes to it.
    workers : int
        Worker processes.
    watch : Watch
        Who is told.
    """

    def __init__(self, checked: CheckedCampaign, database: Database, workers: int, watch: Watch) -> None:
        self.checked = checked
        self.database = database
        self.workers = workers
        self.watch = watch

    def run(self) -> Summary:
        """Run until every site is complete or cannot be completed, at each stage.

        Returns
        -------
        Summary
            What was done.

        Raises
        ------
        InputError
            If another process runs the same campaign in the same folder.
        StoreError
            If the database stayed away; nothing is lost, the results are on disk.
        """
        began, summary = time.monotonic(), Summary()
        campaign = self.checked.campaign
        with running(self.checked.folder, campaign.name):
            before = self.database.campaign(campaign.name)
            if before is not None and is_collection(before):
                raise InputError(f"{campaign.name!r} holds what was ingested; give the campaign another name")
            content = campaign.model_dump(mode="json", exclude_unset=True)
            self.database.save_campaign(campaign.name, content, self.checked.site_count)
            entering: frozenset[str] | None = None
            for stage in self.checked.stages:
                # which sites pass on follows from what the stage before has left in the database now
                own = replace(stage, only=entering)
                if own.stage is not None:
                    self.watch.stage(own, own.site_count)
                StageRun(own, self.database, self.workers, self.watch, summary).run()
                if own.stage is not None:
                    sifted = sift(own, stored_rows(own, self.database))
                    self.watch.passed(own, sifted)
                    entering = frozenset(sifted.passed)
        summary.seconds = time.monotonic() - began
        return summary


@contextmanager
def running(folder: Folder, name: str) -> Iterator[None]:
    """Hold the right to run a campaign in a folder; the kernel gives it back, however this process ends.

    Raises
    ------
    InputError
        If another process holds it.
    """
    folder.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder.root / f"{name}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"campaign {name!r} is running already in {folder.root} (process {path.read_text() or 'unknown'}); "
                f"follow it with `atomsieve status {name}`"
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        os.close(descriptor)


def is_running(folder: Folder, name: str) -> bool:
    """Return whether some process runs a campaign in a folder now."""
    try:
        descriptor = os.open(folder.root / f"{name}.lock", os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
