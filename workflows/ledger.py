"""Ledger: what the tasks of a stage are called, and how far this process has brought them, written in batches."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from jobflow import Flow, Job

from atomsieve.analysis.database import Database
from atomsieve.structures.clock import utc_now
from atomsieve.structures.errors import FailureClass
from atomsieve.structures.identity import content_key
from atomsieve.structures.molecule import Molecule
from atomsieve.structures.site import ActiveSite
from atomsieve.structures.task import FLOWS, SETTLED, Task, TaskState, task_key
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.flowrun import FlowRun
from atomsieve.workflows.harvest import SiteRows
from atomsieve.workflows.local import STOPPED, Attempt
from atomsieve.workflows.variants import Variant
from atomsieve.workflows.watching.causes import classify

#: What a flow is for.
Tag = ActiveSite | Molecule | Variant
#: States in which a person has put a task that is not to begin.
HELD = (TaskState.CANCELLED, TaskState.PAUSED)


class Ledger:
    """The tasks of one stage.

    Parameters
    ----------
    checked : CheckedCampaign
        The stage.
    database : Database
        Where tasks are kept.
    """

    def __init__(self, checked: CheckedCampaign, database: Database) -> None:
        self.checked = checked
        self.tasks = database.tasks
        self._campaign = checked.campaign.name
        self._host = socket.gethostname()
        self._before: dict[str, Task | None] = {}
        self._news: dict[str, Task] = {}
        self._running: dict[str, Task] = {}
        self._flows: dict[str, Task] = {}
        self._held: dict[str, TaskState] = {}
        self._done: frozenset[str] = frozenset()

    # -- what tasks are called -----------------------------------------------------------------------------------------

    @property
    def stage(self) -> str | None:
        """Name of the stage."""
        return self.checked.stage.name if self.checked.stage is not None else None

    def key(self, tag: Tag, stored: SiteRows | None = None) -> str:
        """Return the content key of the flow of a site, with what is stored of it, of a variant of one, or of a gas."""
        if isinstance(tag, Molecule):
            return self._flow_key(molecule=tag.name)
        if isinstance(tag, Variant):
            return self._flow_key(variant=tag.key)
        assert stored is not None
        return self.site_key(tag.key, stored)

    def site_key(self, site: str, stored: SiteRows) -> str:
        """Return the content key of the flow of a site whose own key is known."""
        carried = stored.carried if self.checked.origin is not None else None
        return self._flow_key(site=site, adsorbates=list(self.checked.campaign.all_adsorbates), carried=carried)

    def _flow_key(self, **subject: Any) -> str:
        own = {"policy": self.checked.policy.to_dict(), "numerics": self.checked.numerics}
        return content_key("flow", {**own, **subject})

    def sign(self, flow: Flow, key: str, label: str) -> None:
        """Have the jobs of a flow, and those that they make, say whose they are."""
        flow.update_metadata({"campaign": self._campaign, "flow": key, "site": label, "stage": self.stage})

    def task(self, subject: str, kind: str, site: str, state: TaskState, flow: str, **more: Any) -> Task:
        """Return a task of the stage."""
        return Task(self._campaign, subject, kind, site, state, flow, stage=self.stage, **more)

    def settled(self, document: Mapping[str, Any], site: str, flow: str) -> Task:
        """Return the task of a calculation that has an outcome."""
        request, provenance, is_done = document["request"], document["provenance"], document["status"] == "done"
        return self.task(
            document["key"],
            request["task"],
            site,
            TaskState.DONE if is_done else TaskState.FAILED,
            flow,
            calculator=request["method"]["calculator"],
            failure_class=None if is_done else str(FailureClass(document["failure_class"])),
            reason=None if is_done else document["judgement"]["reason"],
            seconds=float(provenance.get("seconds", 0.0)),
            host=provenance.get("host"),
            attempt=1,
        )

    def complete(self, stored: SiteRows) -> Iterator[Task]:
        """Yield the tasks of a site that needs no flow."""
        site = next(iter(stored.rows.values())).site
        key = self.site_key(site.key, stored)
        yield self.task(key, "site", site.label, TaskState.DONE, key)
        for row in stored.rows.values():
            for entry in row.considered:
                if entry["status"] == "dropped":
                    continue
                state = TaskState.DONE if entry["status"] == "done" else TaskState.FAILED
                role, why = entry["role"], None if state == TaskState.DONE else entry["reason"]
                policy = self.checked.policy
                name = (policy.energy_method if role == "electronic" else policy.method).calculator
                yield self.task(entry["key"], role, site.label, state, key, calculator=name, reason=why)

    def known(self, subjects: Iterable[str]) -> dict[str, Task]:
        """Return what is stored of tasks, by subject."""
        keys = [task_key(self._campaign, subject) for subject in subjects]
        return {task.subject: task for task in self.tasks.find(self._campaign, key=keys)} if keys else {}

    # -- how far this process has brought them -------------------------------------------------------------------------

    def begin(self) -> None:
        """Ask again for what was cancelled; what is paused stays so."""
        cancelled = [
            one.subject for one in self.tasks.find(self._campaign, state=TaskState.CANCELLED, stage=self.stage)
        ]
        self.tasks.change(self._campaign, cancelled, state=TaskState.QUEUED, reason=None)
        done = self.tasks.find(self._campaign, kind=FLOWS, state=TaskState.DONE, stage=self.stage)
        self._done = frozenset(one.subject for one in done)
        self.look()

    def look(self) -> None:
        """See what a person has stopped."""
        self._held = {one.subject: one.state for one in self.tasks.find(self._campaign, state=HELD)}

    def held(self, job: Job) -> TaskState | None:
        """Return in which state a person has put a job, or its whole flow; None where it may run."""
        if not self._held:
            return None
        return self._held.get(job.metadata.get("key", "")) or self._held.get(job.metadata.get("flow", ""))

    def drawn(self, flow: Flow, key: str, kind: str, label: str) -> None:
        """Take note of a flow that is about to run here, and sign it."""
        self.sign(flow, key, label)
        self._flows[key] = self._news[key] = self.task(key, kind, label, TaskState.QUEUED, key)

    def started(self, attempt: Attempt) -> None:
        """Take note that an attempt at a calculation has begun, and with it the flow."""
        meta = attempt.job.metadata
        subject, flow = meta["key"], meta["flow"]
        now = utc_now()
        found = self.task(
            subject,
            meta["task"],
            meta["site"],
            TaskState.RUNNING,
            flow,
            calculator=meta.get("calculator", ""),
            attempt=attempt.number,
            host=self._host,
            process=attempt.process,
            directory=str(self.checked.folder.directory(subject)),
            began=now,
        )
        self._running[subject] = self._news[subject] = found
        if flow in self._flows:
            self._news[flow] = replace(self._flows[flow], state=TaskState.RUNNING)

    def failed(self, job: Job, error: str) -> None:
        """Take note of a job that came to no end: it raised for good, or a person stopped it."""
        before = self._running.pop(job.metadata["key"], None)
        if before is None:
            return
        stopped = next((state for state, text in STOPPED.items() if text == error), None)
        if stopped is not None:
            # it may be the flow that a person has stopped, which its calculations then do not say
            self._news[before.subject] = replace(before, state=stopped)
        else:
            reason, kind = error.strip().splitlines()[-1], str(classify(error).failure_class)
            self._news[before.subject] = replace(before, state=TaskState.FAILED, failure_class=kind, reason=reason)

    def outcome(self, document: Mapping[str, Any], job: Job) -> None:
        """Take note of a calculation that has an outcome, found now or long ago."""
        meta = job.metadata
        if "flow" not in meta:
            return
        found = self.settled(document, meta["site"], meta["flow"])
        running = self._running.pop(found.subject, None)
        if running is not None:
            names = ("attempt", "host", "process", "directory", "began")
            found = replace(found, **{name: getattr(running, name) for name in names})
        self._news[found.subject] = found

    def note_complete(self, stored: SiteRows) -> None:
        """Take note of a site that needs no flow, unless that has been noted before."""
        if self.site_key(next(iter(stored.rows.values())).site.key, stored) not in self._done:
            self._news |= {task.subject: task for task in self.complete(stored)}

    def ended(self, run: FlowRun, key: str) -> None:
        """Take note of a flow that has ended."""
        state, reason = TaskState.DONE, None
        if run.errors:
            states = {text: held for held, text in STOPPED.items()}
            state = min((states.get(text, TaskState.FAILED) for text in run.errors.values()), key=_ORDER.index)
            reason = "; ".join(text.strip().splitlines()[-1] for text in run.errors.values())
        if state == TaskState.PAUSED:
            # that of the calculation holds it back; once it is gone, nothing must
            state = TaskState.QUEUED
        self._news[key] = replace(self._flows.pop(key), state=state, reason=reason)

    def write(self, *, last: bool = False) -> None:
        """Write what is new; what a person has stopped meanwhile stays stopped until it has an end.

        Parameters
        ----------
        last : bool
            Whether nothing is under way here any more.
        """
        if last:
            for task in (*self._running.values(), *self._flows.values()):
                self._news[task.subject] = replace(task, state=TaskState.QUEUED)
            self._running.clear()
            self._flows.clear()
        self.look()
        self._before |= dict.fromkeys(self._news.keys() - self._before.keys())
        self._before |= self.known(subject for subject in self._news if self._before[subject] is None)
        written = []
        for subject, task in self._news.items():
            if task.state in SETTLED or subject not in self._held:
                written.append(self._on_top(task, self._before[subject]))
        self.tasks.put(written)
        for task in written:
            if task.state in SETTLED:
                self._before.pop(task.subject)
        self._news.clear()

    @staticmethod
    def _on_top(task: Task, before: Task | None) -> Task:
        """Return a task with the attempts of earlier runs below those of this one."""
        if before is None:
            return task
        if task.began is None:
            return replace(task, attempt=before.attempt, seconds=max(before.seconds, task.seconds))
        return replace(task, attempt=before.attempt + task.attempt, seconds=before.seconds + task.seconds)


#: Which of the ends of its jobs a flow takes.
_ORDER = (TaskState.FAILED, TaskState.CANCELLED, TaskState.PAUSED)


def label_of(tag: Tag) -> str:
    """Return what a person calls a site, or a gas."""
    return tag.name if isinstance(tag, Molecule) else tag.label


def kind_of(tag: Tag) -> str:
    """Return the kind of the task of its flow."""
    return "gas" if isinstance(tag, Molecule) else "variant" if isinstance(tag, Variant) else "site"
