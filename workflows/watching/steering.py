"""Steering: retry, cancel, pause and resume calculations of a campaign, whichever engine has them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from atomsieve.analysis.database import Database
from atomsieve.structures.calculation import reopened
from atomsieve.structures.errors import InputError
from atomsieve.structures.task import OPEN, Task, TaskState
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.engine import Engine
from atomsieve.workflows.engines import open_engine
from atomsieve.workflows.printing import console, print_json
from atomsieve.workflows.settings import Settings
from atomsieve.workflows.watching.failures import SHORT
from atomsieve.workflows.watching.filtering import Filter
from atomsieve.workflows.watching.monitor import LOCAL

#: Tasks that a list shows.
LISTED = 50


@dataclass(frozen=True)
class Act:
    """What may be done to calculations.

    Parameters
    ----------
    name : str
        Name of the command, and of the engines' method.
    past : str
        What has been done then.
    states : tuple of TaskState
        In which it is done, unless a state is asked for.
    also : tuple of TaskState
        In which it is done too if they are asked for.
    result : TaskState
        Where they are then.
    undo : str
        What undoes it.
    """

    name: str
    past: str
    states: tuple[TaskState, ...]
    also: tuple[TaskState, ...]
    result: TaskState
    undo: str


ACTS = {
    act.name: act
    for act in (
        Act(
            "retry",
            "will be calculated again",
            (TaskState.FAILED, TaskState.LOST),
            (TaskState.CANCELLED,),
            TaskState.WAITING,
            "stop that: atomsieve cancel {handle} --state waiting",
        ),
        Act(
            "cancel",
            "cancelled",
            (*sorted(OPEN), TaskState.PAUSED),
            (),
            TaskState.CANCELLED,
            "take them up again: atomsieve retry {handle} --state cancelled",
        ),
        Act(
            "pause",
            "paused; what runs already goes on to its end",
            (TaskState.WAITING, TaskState.QUEUED),
            (),
            TaskState.PAUSED,
            "let them go on: atomsieve resume {handle}",
        ),
        Act(
            "resume",
            "let go on",
            (TaskState.PAUSED,),
            (),
            TaskState.WAITING,
            "hold them back again: atomsieve pause {handle}",
        ),
    )
}


def steer(
    act: Act,
    checked: CheckedCampaign,
    database: Database,
    settings: Settings,
    chosen: Filter,
    *,
    handle: str,
    worker: str | None,
    everything: bool,
    dry: bool,
    as_json: bool = False,
) -> int:
    """Do something to the calculations that a filter chooses, and say what was done and how to undo it.

    Parameters
    ----------
    act : Act
        What.
    checked : CheckedCampaign
        The campaign.
    database : Database
        Connected.
    settings : Settings
        Of this machine.
    chosen : Filter
        Which calculations.
    handle : str
        What to call the campaign on the command line.
    worker : str or None
        File of the cluster, where its name does not find it.
    everything : bool
        Whether all are meant where the filter asks for nothing; what stops work insists on it.
    dry : bool
        List them, and do nothing.
    as_json : bool
        Print plain data.

    Returns
    -------
    int
        Number of calculations.

    Raises
    ------
    InputError
        If everything would be cancelled and that was not asked for.
    """
    if act.name == "cancel" and chosen.is_empty and not (everything or dry):
        raise InputError(
            "this would cancel the whole campaign; say --all if that is meant, or which: --site, --metal, --kind, "
            "--stage, --state, --key (--dry-run lists them)"
        )
    campaign = checked.campaign.name
    states = (*act.states, *(state for state in act.also if state == chosen.state))
    tasks = chosen.choose(database, campaign, states)
    out = console(stderr=as_json)
    if as_json and (dry or not tasks):
        print_json(told(act, campaign, tasks, dry=dry))
        return len(tasks)
    if not tasks:
        out.print(f"nothing to {act.name}: no calculation of {campaign} is meant that is {', '.join(states)}")
        return 0
    if dry:
        out.print(_table(tasks))
        if len(tasks) > LISTED:
            out.print(f"and {len(tasks) - LISTED:,} more")
        out.print(f"{len(tasks):,} calculations to {act.name}; nothing was done")
        return len(tasks)
    for (name, its), own in _by_engine(tasks).items():
        engine = open_engine(name, worker or its, database, settings) if name != LOCAL else None
        if act.name == "retry":
            _reopen(own, checked, database, engine)
        if engine is not None:
            getattr(engine, act.name)(campaign, {task.subject for task in own if not task.is_flow})
        _mark(act, campaign, own, database)
    if as_json:
        print_json(told(act, campaign, tasks, dry=dry))
        return len(tasks)
    sites = len({task.site for task in tasks})
    out.print(f"{_many(len(tasks), 'calculation')} of {_many(sites, 'site')} {act.past}")
    out.print(act.undo.format(handle=handle))
    if act.name in ("retry", "resume"):
        for line in _onwards(tasks, handle):
            out.print(escape(line), soft_wrap=True)
    return len(tasks)


def told(act: Act, campaign: str, tasks: Sequence[Task], *, dry: bool) -> dict[str, Any]:
    """Return what was done, or would be, as plain data."""
    fields = ("subject", "kind", "site", "stage", "state", "engine", "worker")
    listed = [{("key" if name == "subject" else name): getattr(task, name) for name in fields} for task in tasks]
    return {"campaign": campaign, "act": act.name, "dry_run": dry, "calculations": listed}


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' if number != 1 else ''}"


def _by_engine(tasks: Iterable[Task]) -> dict[tuple[str, str], list[Task]]:
    found: dict[tuple[str, str], list[Task]] = defaultdict(list)
    for task in tasks:
        found[task.engine, task.worker].append(task)
    return found


def _reopen(tasks: Sequence[Task], checked: CheckedCampaign, database: Database, engine: Engine | None) -> None:
    """Have recorded failures stand no longer, wherever somebody would look for them; a success is never touched."""
    known = database.known(task.subject for task in tasks)
    fresh = []
    for task in tasks:
        on_disk = checked.folder.read(task.subject)
        document = on_disk if on_disk is not None else known.get(task.subject)
        if document is None or document["status"] != "failed":
            continue
        again = reopened(document)
        fresh.append(again)
        if on_disk is not None:
            checked.folder.write(again)
    database.ingest(fresh)
    if engine is not None:
        engine.seed(fresh)


def _mark(act: Act, campaign: str, tasks: Sequence[Task], database: Database) -> None:
    """Say in the tasks what was done, and in those of their flows what follows."""
    cleared = {"failure_class": None, "reason": None} if act.name == "retry" else {}
    database.tasks.change(campaign, [task.subject for task in tasks], state=act.result, **cleared)
    flows = {task.flow for task in tasks}
    if act.name == "retry":
        # whoever goes through the campaign next hands them over as if for the first time
        database.tasks.change(campaign, flows, state=TaskState.WAITING, attempt=0, **cleared)
    elif act.name in ("cancel", "pause"):
        open_now = {task.flow for task in database.tasks.find(campaign, state=[*OPEN]) if not task.is_flow}
        database.tasks.change(campaign, flows - open_now, state=act.result)
    else:
        held = [task.subject for task in database.tasks.find(campaign, state=TaskState.PAUSED) if task.flow in flows]
        database.tasks.change(campaign, held, state=TaskState.QUEUED)


def _table(tasks: Sequence[Task]) -> Table:
    table = Table("calculation", "site", "state", "engine", "key", "reason")
    for task in tasks[:LISTED]:
        where = f"{task.engine} on {task.worker}" if task.worker else task.engine
        cells = (task.kind, task.site, task.state, where, task.subject[:SHORT], task.reason or "")
        table.add_row(*(escape(str(cell)) for cell in cells))
    return table


def _onwards(tasks: Iterable[Task], handle: str) -> Iterator[str]:
    # a name finds what was run; to run it takes the file
    file = handle if Path(handle).is_file() else "FILE"
    for engine, worker in dict.fromkeys((task.engine, task.worker) for task in tasks):
        if engine == LOCAL:
            yield f"go on here, when no run of it is under way: atomsieve run {file}"
        else:
            yield f"go on: atomsieve submit {file} --engine {engine} --worker {worker}"
