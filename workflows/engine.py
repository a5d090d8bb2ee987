"""Engine: what runs a campaign elsewhere, as dispatch sees it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from atomsieve.structures.task import TaskState

if TYPE_CHECKING:
    from atomsieve.workflows.replay import Parcel

#: Engines that run a campaign elsewhere.
ENGINES = ("fireworks", "jobflow-remote")


@dataclass(frozen=True)
class JobView:
    """What an engine knows of one job now.

    Parameters
    ----------
    subject : str
        Request key of the calculation; empty for a job that calculates nothing.
    flow : str
        Key of its flow.
    name : str
        What a person reads.
    state : TaskState
        Where it is.
    kind, site, stage, calculator : str or None
        As in :class:`~atomsieve.structures.task.Task`.
    attempt : int
        Number of its last attempt.
    host, process, job, directory : str or int or None
        Of the last attempt.
    failure_class, reason : str or None
        Why it failed.
    began : datetime or None
        Start of the last attempt.
    """

    subject: str
    flow: str
    name: str
    state: TaskState
    kind: str = ""
    site: str = ""
    stage: str | None = None
    calculator: str = ""
    attempt: int = 0
    host: str | None = None
    process: int | None = None
    job: str | None = None
    directory: str | None = None
    failure_class: str | None = None
    reason: str | None = None
    began: datetime | None = None


class Engine(Protocol):
    """Runs parcels elsewhere. Each method may be called at any time, from any host, and again."""

    name: str
    #: Name of the cluster.
    worker: str

    def active(self, keys: Iterable[str]) -> set[str]:
        """Return the keys of flows that it holds and that have not ended."""

    def add(self, parcel: Parcel) -> None:
        """Take a flow."""

    def seed(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Put outcomes where its workers look first."""

    def start(self) -> list[str]:
        """See to it that something works on what it holds; return lines for a person: how to watch, how to stop."""

    def views(self, campaign: str) -> Iterator[JobView]:
        """Yield what it knows of each job of a campaign."""

    def mend(self, campaign: str) -> Iterator[str]:
        """Set right what has been lost; yield a line for each act."""

    def fetch(self, keys: Iterable[str]) -> Iterator[dict[str, Any]]:
        """Yield the outcomes among these that lie with its workers."""

    def cancel(self, campaign: str, subjects: set[str] | None) -> int:
        """Stop jobs of a campaign, all or some; return how many."""

    def pause(self, campaign: str, subjects: set[str] | None) -> int:
        """Hold back jobs that have not begun; return how many."""

    def resume(self, campaign: str, subjects: set[str] | None) -> int:
        """Let go on what was held back; return how many."""

    def retry(self, campaign: str, subjects: set[str] | None) -> int:
        """Run again jobs that failed for good, or were cancelled; return how many."""
