"""Dispatch: hands what a campaign lacks to an engine that runs it elsewhere, and keeps it true afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from atomsieve.analysis.database import Database
from atomsieve.analysis.leases import LEASE_SECONDS, Lease
from atomsieve.structures.errors import InputError
from atomsieve.structures.task import FLOWS, OPEN, Task, TaskState
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.engine import Engine, JobView
from atomsieve.workflows.funnel import sift
from atomsieve.workflows.harvest import stored_rows
from atomsieve.workflows.ingest.collection import is_collection
from atomsieve.workflows.replay import Parcel, Replay, Replayed
from atomsieve.workflows.watch import Watch


@dataclass
class Dispatched(Replayed):
    """What a submission or a recovery did.

    Parameters
    ----------
    added : int
        Flows that were handed over now.
    active : int
        Flows that an engine had already.
    elsewhere : int
        Flows that another engine, or another cluster, has.
    ended : int
        Flows that ended at an engine before they were complete, and were left alone.
    acts : list of str
        What was set right, a line each.
    lines : list of str
        What the engine tells a person.
    """

    added: int = 0
    active: int = 0
    elsewhere: int = 0
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
            self.database.save_campaign(self._name, content, self.checked.site_count, self.checked.provenance)
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
        # asked before any outcome is looked for: a flow that ends in between is found open, and has been handed over
        tasks = self.database.tasks.find(self._name, kind=sorted(FLOWS))
        before_now = self.engine.active([task.subject for task in tasks if task.attempt])

        def hand_over(parcel: Parcel) -> None:
            nonlocal renewed
            if parcel.key in before_now or self.engine.active([parcel.key]):
                done.active += 1
                return
            before = self.database.tasks.one(parcel.campaign, parcel.key)
            if before is not None and self._is_elsewhere(before):
                done.elsewhere += 1
                return
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
            engine = self.engine
            Replay(own, self.database, self.watch, found, hand_over, engine.fetch, engine.name, engine.worker).run()
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

    def _is_elsewhere(self, flow: Task) -> bool:
        """Return whether a flow was handed to another engine or cluster, and has not ended there."""
        ours = (flow.engine, flow.worker) == (self.engine.name, self.engine.worker)
        return bool(flow.attempt) and not ours and flow.state in {*OPEN, TaskState.PAUSED}

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
        # an outcome is the last word on a calculation, whatever an engine still has to do about its job
        failed = [task.subject for task in known.values() if task.state == TaskState.FAILED and not task.is_flow]
        # the last stage knows the numerics of all
        stage = self.checked.stages[-1]
        settled = {key for key, document in self.database.known(failed).items() if stage.is_settled(document)}
        settled |= {task.subject for task in known.values() if task.state == TaskState.DONE}
        changed: list[Task] = []
        broken: dict[str, JobView] = {}
        for view in self.engine.views(self._name):
            if view.state in (TaskState.FAILED, TaskState.CANCELLED):
                broken.setdefault(view.flow, view)
            if not view.subject or view.subject in settled:
                continue
            before = known.get(view.subject)
            if before is None:
                before = Task(self._name, view.subject, view.kind, view.site, view.state, view.flow, stage=view.stage)
            names = ("state", "attempt", "host", "process", "job", "directory", "began")
            news = {name: getattr(view, name) for name in names}
            # the engine may know less than what the worker has said itself
            kept = {name: value for name, value in news.items() if value is not None}
            after = replace(
                before,
                **kept,
                failure_class=view.failure_class,
                reason=view.reason,
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
