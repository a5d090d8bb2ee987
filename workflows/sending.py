"""Sending: the commands that hand a campaign to a cluster, and keep it going there."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from atomsieve.analysis.database import Database
from atomsieve.structures.errors import LeaseLostError, SchedulerError, StoreError
from atomsieve.structures.task import FLOWS
from atomsieve.workflows.campaigns import find, load, open_database
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.dispatch import Dispatch, Dispatched
from atomsieve.workflows.ending import Code
from atomsieve.workflows.engine import Engine
from atomsieve.workflows.engines import open_engine
from atomsieve.workflows.printing import console, print_json, print_json_line
from atomsieve.workflows.screenwatch import ScreenWatch
from atomsieve.workflows.settings import Settings, read_settings
from atomsieve.workflows.watching.monitor import LOCAL


def submit(file: str, engine: str, worker: str, *, as_json: bool) -> int:
    """Hand to an engine what a campaign lacks; return the exit code."""
    settings = read_settings()
    checked = load(Path(file), settings)
    database = open_database(checked.campaign, checked.folder, settings)
    out = console(stderr=as_json)
    with database:
        opened = open_engine(engine, worker, database, settings)
        total = checked.site_count
        out.print(
            f"[bold]{escape(checked.campaign.name)}[/bold]: {total:,} sites, "
            f"{escape(', then '.join(stage.entry.title for stage in checked.stages))}; "
            f"{engine} on {escape(opened.worker)}, {escape(database.title)}",
            soft_wrap=True,
        )
        out.print(f"stop it whenever you like; to go on: atomsieve submit {_options(file, engine, worker)}")
        try:
            done = _dispatch(checked, database, opened, out).submit()
        except KeyboardInterrupt:
            out.print("stopped; what was handed over is kept, and the same command hands over the rest")
            return Code.STOPPED
    _say(out, done)
    name = shlex.quote(checked.campaign.name)
    if done.added or done.active or done.elsewhere:
        out.print(
            f"watch it: atomsieve status {name} --watch\n"
            f"keep it going (lost jobs, following stages, results): atomsieve recover {name} --watch\n"
            f"stop it: atomsieve cancel {name} --all",
            soft_wrap=True,
        )
    else:
        out.print(f"nothing is left to hand over; see: atomsieve results {name}")
    if as_json:
        print_json({"campaign": checked.campaign.name, "engine": engine, "worker": opened.worker, **_plain(done)})
    return Code.INCOMPLETE if done.errors else Code.DONE


def recover(file_or_name: str, worker: str | None, *, watch: float | None, as_json: bool) -> int:
    """Set right what was lost at the engines of a campaign, once or until it is done; return the exit code."""
    settings = read_settings()
    checked = find(file_or_name, settings)
    database = open_database(checked.campaign, checked.folder, settings)
    out = console(stderr=as_json)
    tell = print_json if watch is None else print_json_line
    if database.path is not None:
        _local(checked, file_or_name, out)
        if as_json:
            tell(_told(checked, [], []))
        return Code.DONE
    while True:
        try:
            with database:
                engines = _engines(checked, database, settings, worker)
                if not engines:
                    _local(checked, file_or_name, out)
                    if as_json:
                        tell(_told(checked, [], []))
                    return Code.DONE
                done = [_dispatch(checked, database, engine, out).recover() for engine in engines]
        except KeyboardInterrupt:
            return Code.STOPPED
        except (StoreError, SchedulerError, LeaseLostError) as error:
            if watch is None:
                raise
            out.print(f"[red]{escape(str(error))}[/red]; asking again in {watch:g} s", soft_wrap=True)
        else:
            for entry in done:
                if watch is None or entry.acts or entry.added or entry.errors:
                    _say(out, entry)
            if as_json:
                tell(_told(checked, engines, done))
            busy = any(entry.active or entry.added or entry.elsewhere for entry in done)
            if watch is None or not busy:
                return _conclude(done, checked, out, busy=busy)
        try:
            time.sleep(watch)
        except KeyboardInterrupt:
            return Code.STOPPED


def _conclude(done: list[Dispatched], checked: CheckedCampaign, out: Console, *, busy: bool) -> int:
    name = shlex.quote(checked.campaign.name)
    ended = sum(entry.ended for entry in done)
    if busy:
        return Code.DONE
    if ended or any(entry.errors for entry in done):
        out.print(f"{ended:,} flows ended before they were complete; why, and what to do: atomsieve failures {name}")
        return Code.INCOMPLETE
    out.print(f"the campaign is complete; see: atomsieve results {name}")
    return Code.DONE


def _dispatch(checked: CheckedCampaign, database: Database, engine: Engine, out: Console) -> Dispatch:
    def waiting(holder: str) -> None:
        out.print(f"{escape(holder)} submits or recovers this campaign just now; waiting for that to end")

    return Dispatch(checked, database, engine, _Quiet(out, checked.site_count), waiting)


class _Quiet(ScreenWatch):
    """Shows how a campaign is gone through; what is found complete is no news."""

    def started(self, name: str) -> None:
        pass

    def site(self, label: str, rows: Any, *, stored: bool) -> None:
        if rows is None or not stored:
            super().site(label, rows, stored=stored)

    def stage(self, stage: CheckedCampaign, sites: int) -> None:
        pass


def _engines(checked: CheckedCampaign, database: Database, settings: Settings, worker: str | None) -> list[Engine]:
    """Return the engines to which flows of a campaign were handed."""
    flows = database.tasks.find(checked.campaign.name, kind=sorted(FLOWS))
    found = sorted({(task.engine, task.worker) for task in flows if task.engine != LOCAL})
    return [open_engine(name, worker or own, database, settings) for name, own in found]


def _local(checked: CheckedCampaign, handle: str, out: Console) -> None:
    from atomsieve.workflows.turn import is_running

    name = escape(checked.campaign.name)
    if is_running(checked.folder, checked.campaign.name):
        out.print(f"{name} is running on this machine; it mends itself")
        return
    file = shlex.quote(handle) if Path(handle).is_file() else "FILE"
    out.print(f"{name} was handed to no cluster; what was finished is kept, and goes on with: atomsieve run {file}")


def _options(file: str, engine: str, worker: str) -> str:
    return f"{shlex.quote(file)} --engine {engine} --worker {shlex.quote(worker)}"


def _say(out: Console, done: Dispatched) -> None:
    for act in done.acts:
        out.print(escape(act), soft_wrap=True)
    more = f", {done.ended:,} ended incomplete" if done.ended else ""
    out.print(
        f"{done.sites:,} of {done.entered:,} sites complete; {done.added:,} flows handed over now, "
        f"{done.active:,} there already{more}"
    )
    if done.elsewhere:
        out.print(
            f"{done.elsewhere:,} flows are at another engine or cluster, and stay there; "
            "to move them: atomsieve cancel, then submit again",
            soft_wrap=True,
        )
    for label, error in done.errors.items():
        out.print(f"[red]{escape(label)}[/red]: {escape(error.strip().splitlines()[-1])}")
    for line in done.lines:
        out.print(escape(line), soft_wrap=True)


def _told(checked: CheckedCampaign, engines: Sequence[Engine], done: Sequence[Dispatched]) -> dict[str, Any]:
    """Return a round of recovery as plain data."""
    rounds = [
        {"engine": engine.name, "worker": engine.worker, **_plain(entry)}
        for engine, entry in zip(engines, done, strict=True)
    ]
    return {"campaign": checked.campaign.name, "engines": rounds}


def _plain(done: Dispatched) -> Mapping[str, Any]:
    names = ("open", "waiting", "added", "active", "elsewhere", "ended", "acts", "errors", "lines")
    return {"sites": done.entered, "complete": done.sites} | {name: getattr(done, name) for name in names}
