"""Task: how far one calculation of a campaign, or the flow of one of its sites, has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class TaskState(StrEnum):
    """Where a task is."""

    WAITING = "waiting"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    LOST = "lost"
    PAUSED = "paused"
    CANCELLED = "cancelled"


#: States that something can still come of without a person.
OPEN = frozenset({TaskState.WAITING, TaskState.QUEUED, TaskState.RUNNING, TaskState.LOST})
#: States that stay, unless they are asked for again.
SETTLED = frozenset({TaskState.DONE, TaskState.FAILED})
#: The kinds of calculations, in the order in which they run.
KINDS = ("molecule", "clean", "adsorbed", "energy", "displacement", "vibrations", "electronic")
#: Kinds of tasks that are whole flows, not calculations.
FLOWS = frozenset({"site", "variant", "gas"})


@dataclass(frozen=True)
class Task:
    """How far one calculation of a campaign, or the flow of one of its sites, has come.

    Parameters
    ----------
    campaign : str
        Name.
    subject : str
        Request key of the calculation, or key of the flow.
    kind : str
        Task of the request; ``site``, ``variant`` or ``gas`` for a flow.
    site : str
        Label of the site, or name of the molecule.
    state : TaskState
        Where it is; a failure is a calculation that ended without an energy, or a job that raised for good.
    flow : str
        Key of the flow that it belongs to; its own where it is one.
    stage : str or None
        Name of the stage.
    engine : str
        ``local``, ``fireworks`` or ``jobflow-remote``.
    worker : str
        Name of the cluster; empty on this machine.
    calculator : str
        Name; empty for a flow.
    attempt : int
        Number of the last attempt; 0 before the first.
    failure_class, reason : str or None
        What to do about a failure, and why in one line.
    seconds : float
        Wall time of all attempts.
    cores : int
        That each attempt takes.
    host, process, job, directory : str or int or None
        Of the last attempt: node, process number, the scheduler's number, folder.
    began : datetime or None
        Start of the last attempt, by the clock of the database.
    changed : datetime or None
        Last change or heartbeat, by the clock of the database; set by whoever stores it.
    """

    campaign: str
    subject: str
    kind: str
    site: str
    state: TaskState
    flow: str
    stage: str | None = None
    engine: str = "local"
    worker: str = ""
    calculator: str = ""
    attempt: int = 0
    failure_class: str | None = None
    reason: str | None = None
    seconds: float = 0.0
    cores: int = 1
    host: str | None = None
    process: int | None = None
    job: str | None = None
    directory: str | None = None
    began: datetime | None = None
    changed: datetime | None = None

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return task_key(self.campaign, self.subject)

    @property
    def is_flow(self) -> bool:
        """Whether it is a whole flow."""
        return self.kind in FLOWS

    def to_dict(self) -> dict[str, Any]:
        """Return the document that is stored."""
        return {"key": self.key, **asdict(self), "state": str(self.state)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Task:
        """Make a task from its document."""
        own = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        return cls(**{**own, "state": TaskState(own["state"])})


def task_key(campaign: str, subject: str) -> str:
    """Return the key of a task's document."""
    return f"{campaign}:{subject}"


@dataclass(frozen=True)
class TaskCount:
    """How many tasks of a campaign agree in what a summary shows.

    Parameters
    ----------
    kind, state, stage, engine, worker, cores
        As in :class:`Task`.
    why : str or None
        The class of a failure; its reason where nobody has classed it.
    number : int
        How many.
    recent : int
        How many of them were begun, not found, and last changed within the last hour.
    seconds : float
        Wall time of all their attempts.
    began, changed : datetime or None
        The first start and the last change among them.
    """

    kind: str
    state: TaskState
    stage: str | None
    engine: str
    worker: str
    cores: int
    why: str | None
    number: int
    recent: int
    seconds: float
    began: datetime | None
    changed: datetime | None
