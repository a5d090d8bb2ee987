"""Dispatch: hands what a campaign lacks to an engine that runs it elsewhere, and keeps it true afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from atomsieve.analysis.database import Database
from atomsieve.analysis.leases import LEASE_SECONDS, Lease
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.task import Task, TaskState
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.funnel import sift
from atomsieve.workflows.harvest import stored_rows
from atomsieve.workflows.ingest.collection import is_collection
from atomsieve.workflows.replay import Parcel, Replay, Replayed
from atomsieve.workflows.settings import Settings
from atomsieve.workflows.watch import Watch

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


def open_engine(name: str, worker: str, database: Database, settings: Settings) -> Engine:
    """Return an engine.

    Parameters
    ----------
    name : {"fireworks", "jobflow-remote"}
        Which.
    worker : str
        Name of a cluster, or the path of the file that describes it.
    database : Database
        Connected.
    settings : Settings
        Of this machine.

    Raises
    ------
    InputError
        If there is no such engine or worker, or the database is a file that no other machine sees.
    """
    if name not in ENGINES:
        raise InputError(unknown(name, ENGINES, "engine"))
    if database.path is not None:
        raise InputError(
            f"{name} needs a MongoDB server that the cluster's nodes reach, and the database is the file "
            f"{database.path}; set ATOMSIEVE_MONGODB_URI (and results.database to mongodb, if the campaign names one), "
            "or run the campaign here: atomsieve run"
        )
    from atomsieve.workflows.cluster import read_worker

    described = read_worker(worker, settings)
    if name == "fireworks":
        from atomsieve.workflows.launchpad import LaunchPadEngine

        return LaunchPadEngine(described, database, settings)
    from atomsieve.workflows.remote import RemoteEngine

    return RemoteEngine(described, database, settings)


@dataclass
class Dispatched(Replayed):
    """What a submission or a recovery did.

    Parameters
    ----------
    added : int
        Flows that were handed over now.
    active : int
        Flows that an engine had already.
    ended : int
        Flows that ended at an engine before they were complete, and were left alone.
    acts : list of str
        What was set right, a line each.
    lines : list of str
        What the engine tells a person.
    """

    added: int = 0
    active: int = 0
    ended: int = 0
    acts: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


class Dispatch:
    """One campaign at one engine.

    Parameters
    ----------
    checked : CheckedCampaign
        The campaign.
    database : Database
        Connected; on a server.
    engine : Engine
        Where it runs.
    watch : Watch
        Who is told.
    on_wait : callable
        Is told who acts on the campaign just now, once, before waiting for them.
    """

    def __init__(
        self,
        checked: CheckedCampaign,
        database: Database,
        engine: Engine,
        watch: Watch,
        on_wait: Callable[[str], None] = lambda holder: None,
    ) -> None:
        self.checked = checked
        self.database = database
        self.engine = engine
        self.watch = watch
        self.on_wait = on_wait

    @property
    def _name(self) -> str:
        return self.checked.campaign.name

    def submit(self) -> Dispatched:
        """Hand over what is neither stored nor under way.

        Raises
        ------
        InputError
            If the name belongs to results that were ingested.
        LeaseLostError
            If this process slept so long that another has taken over.
        """
        with self._held() as lease:
            before = self.database.campaign(self._name)
            if before is not None and is_collection(before):
                raise InputError(f"{self._name!r} holds what was ingested; give the campaign another name")
            content = self.checked.campaign.model_dump(mode="json", exclude_unset=True)
            self.database.save_campaign(self._name, content, self.checked.site_count)
            done = Dispatched()
            self._replay(done, lease, again=True)
            done.lines += self.engine.start()
        return done

    def recover(self) -> Dispatched:
        """Take in what has been calculated, set right what was lost, and go on with what follows from it."""
        with self._held() as lease:
            done = Dispatched()
            for act in self.engine.mend(self._name):
                done.acts.append(act)
                lease.renew()
            self._replay(done, lease, again=False)
            self._follow()
            done.lines += self.engine.start()
        return done

    @contextmanager
    def _held(self) -> Iterator[Lease]:
        """Be the only one that submits or recovers the campaign."""
        lease = self.database.lease(f"dispatch/{self._name}")
        told = False
        while (holder := lease.acquire()) is not None:
            if not told:
                self.on_wait(holder)
                told = True
            time.sleep(0.5)
        try:
            yield lease
        finally:
            lease.release()

    def _replay(self, done: Dispatched, lease: Lease, *, again: bool) -> None:
        """Go through the stages as far as they are closed, and hand over what is open."""
        renewed = time.monotonic()

        def hand_over(parcel: Parcel) -> None:
            nonlocal renewed
            if self.engine.active([parcel.key]):
                done.active += 1
                return
            before = self.database.tasks.one(parcel.campaign, parcel.key)
            if not again and before is not None and before.attempt and before.state != TaskState.DONE:
                # it was handed over, and came to its end: a person decides
                done.ended += 1
                return
            self.engine.seed(filter(None, (self.checked.folder.read(key) for key in parcel.known)))
            lease.renew()
            renewed = time.monotonic()
            self.engine.add(parcel)
            done.added += 1
            self._note(parcel)

        entering: frozenset[str] | None = None
        for stage in self.checked.stages:
            own = replace(stage, only=entering)
            if own.stage is not None:
                self.watch.stage(own, own.site_count)
                self.database.save_stage(self._name, own.stage.name, entered=own.site_count)
            found = Dispatched()
            Replay(own, self.database, self.watch, found, hand_over, self.engine.fetch).run()
            for name in ("entered", "sites", "stored", "open", "waiting"):
                setattr(done, name, getattr(done, name) + getattr(found, name))
            done.errors |= found.errors
            if time.monotonic() - renewed > LEASE_SECONDS / 4:
                lease.renew()
                renewed = time.monotonic()
            if not found.is_closed:
                return
            if own.stage is not None:
                sifted = sift(own, stored_rows(own, self.database))
                self.watch.passed(own, sifted)
                self.database.save_stage(self._name, own.stage.name, passed=len(sifted.passed))
                entering = frozenset(sifted.passed)

    def _note(self, parcel: Parcel) -> None:
        """Say in the tasks of a flow who has it; the flow counts how often it was handed over."""
        tasks = self.database.tasks
        who: dict[str, Any] = {"engine": self.engine.name, "worker": self.engine.worker}
        before = tasks.one(parcel.campaign, parcel.key)
        flow = before or Task(
            parcel.campaign, parcel.key, parcel.kind, parcel.label, TaskState.QUEUED, parcel.key, stage=parcel.stage
        )
        tasks.put([replace(flow, state=TaskState.QUEUED, reason=None, attempt=flow.attempt + 1, **who)])
        subjects = [
            task.subject
            for task in tasks.find(parcel.campaign, flow=parcel.key)
            if not task.is_flow
            and task.state not in (TaskState.DONE, TaskState.RUNNING)
            # what failed and stands is not tried again by being asked for again
            and task.subject not in parcel.known
        ]
        tasks.change(parcel.campaign, subjects, state=TaskState.QUEUED, failure_class=None, reason=None, **who)

    def _follow(self) -> None:
        """Bring the tasks to what the engine knows of its jobs."""
        known = {task.subject: task for task in self.database.tasks.find(self._name)}
        changed: list[Task] = []
        broken: dict[str, JobView] = {}
        for view in self.engine.views(self._name):
            if view.state in (TaskState.FAILED, TaskState.CANCELLED):
                broken.setdefault(view.flow, view)
            if not view.subject:
                continue
            before = known.get(view.subject)
            if before is None:
                before = Task(self._name, view.subject, view.kind, view.site, view.state, view.flow, stage=view.stage)
            elif before.state == TaskState.DONE or (before.state == TaskState.FAILED and view.state == TaskState.DONE):
                # the outcome itself has been seen
                continue
            names = ("state", "attempt", "host", "process", "job", "directory", "failure_class", "reason", "began")
            news = {name: getattr(view, name) for name in names}
            # the engine may know less than what the worker has said itself
            kept = {name: value for name, value in news.items() if value is not None}
            after = replace(
                before,
                **kept,
                engine=self.engine.name,
                worker=self.engine.worker,
                calculator=view.calculator or before.calculator,
            )
            if after != before or before.subject not in known:
                changed.append(after)
        for key, view in broken.items():
            flow = known.get(key)
            if flow is not None and flow.state not in (TaskState.DONE, view.state) and not self.engine.active([key]):
                changed.append(replace(flow, state=view.state, failure_class=view.failure_class, reason=view.reason))
        self.database.tasks.put(changed)
