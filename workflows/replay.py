"""Replay: a stage gone through with what is settled, computing nothing: rows where all is there, parcels elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from jobflow import Flow, Job

from atomsieve.analysis.database import Database
from atomsieve.structures.site import ActiveSite
from atomsieve.structures.task import SETTLED, Task, TaskState
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.flowrun import FlowRun, decode, encode
from atomsieve.workflows.flows import gas_flow
from atomsieve.workflows.harvest import SiteRows
from atomsieve.workflows.ledger import kind_of, label_of
from atomsieve.workflows.stagerun import StageRun
from atomsieve.workflows.variants import Variant
from atomsieve.workflows.watch import Summary, Watch

#: Written in one go.
BATCH = 500


@dataclass(frozen=True)
class Parcel:
    """One flow that is to be handed to an engine.

    Parameters
    ----------
    key : str
        Content key of what it does: the same wherever it is made.
    campaign : str
        Name.
    stage : str or None
        Name of the stage.
    label : str
        Of the site, or name of the molecule.
    kind : {"site", "variant", "gas"}
        What it is for.
    flow : jobflow.Flow
        Its jobs; each carries campaign, flow, site and stage in its metadata, and hands them on to those it makes.
    known : tuple of str
        Request keys of the calculations in it that are settled already.
    """

    key: str
    campaign: str
    stage: str | None
    label: str
    kind: str
    flow: Flow
    known: tuple[str, ...] = ()


@dataclass
class Replayed(Summary):
    """What a replay found.

    Parameters
    ----------
    open : int
        Flows that wait for calculations.
    waiting : int
        Sites that are complete but for the gases.
    """

    open: int = 0
    waiting: int = 0

    @property
    def is_closed(self) -> bool:
        """Whether nothing is left to calculate."""
        return not (self.open or self.waiting)


@dataclass
class _Seen:
    """What one flow of a replay came upon: jobs that are settled, and jobs that are not."""

    known: list[Job] = field(default_factory=list)
    open: list[Job] = field(default_factory=list)


class Replay(StageRun):
    """Goes through one stage with what is settled.

    Parameters
    ----------
    checked : CheckedCampaign
        The stage, for the sites that enter it.
    database : Database
        Connected; rows of complete sites are pushed to it, and tasks of which it knows nothing added.
    watch : Watch
        Who is told.
    summary : Replayed
        Is added to.
    hand_over : callable
        Takes the parcel of each flow that is not complete, as soon as it is known.
    fetch : callable
        From request keys to the outcomes among them that lie with the workers, and have not been taken in.
    engine, worker : str
        Who gets what is open; said in the tasks.
    """

    def __init__(
        self,
        checked: CheckedCampaign,
        database: Database,
        watch: Watch,
        summary: Replayed,
        hand_over: Callable[[Parcel], None],
        fetch: Callable[[Iterable[str]], Iterator[dict[str, Any]]],
        engine: str,
        worker: str,
    ) -> None:
        super().__init__(checked, database, 0, watch, summary)
        self.replayed = summary
        self._hand_over = hand_over
        self._fetch = fetch
        self._who: dict[str, Any] = {"engine": engine, "worker": worker}
        self._tasks: list[Task] = []

    def _runs(self) -> Iterator[FlowRun]:
        with _folder(str(self.folder.root)):
            for tag, flow in self._flows():
                run = FlowRun(flow, tag)
                seen = self._advance(run)
                self._note(run, seen)
                yield run
        self._write_tasks()

    def _advance(self, run: FlowRun) -> _Seen:
        """Carry a flow as far as settled calculations go."""
        # a worker's imports, which a look at a finished campaign need not pay
        from atomsieve.workflows.worker import run_job

        seen = _Seen()
        ready = list(run.take_ready())
        while ready:
            asked: list[Job] = []
            for job in ready:
                output = self._known(job)
                if output is not None:
                    seen.known.append(job)
                    run.finish(job, output)
                elif "key" in job.metadata and job.metadata["task"] != "vibrations":
                    asked.append(job)
                else:
                    try:
                        answer = decode(encode(run_job(job, run.inputs(job))))
                    except Exception as error:
                        run.fail(job, f"{type(error).__name__}: {error}")
                    else:
                        output = answer.pop("document")["output"]
                        run.finish(job, output, **answer)
            found = self._fetched(asked)
            seen.open += [job for job in asked if job.metadata["key"] not in found]
            ready = [job for job in asked if job.metadata["key"] in found]
            ready += run.take_ready()
        return seen

    def _fetched(self, jobs: list[Job]) -> set[str]:
        """Take in the outcomes that lie with the workers; return the keys of those that stand."""
        documents = list(self._fetch([job.metadata["key"] for job in jobs])) if jobs else []
        self.folder.bring(documents)
        self.database.ingest(documents)
        return {document["key"] for document in documents if self.checked.is_settled(document)}

    def _note_complete(self, stored: SiteRows) -> None:
        self._tasks += self.ledger.complete(stored)
        self._write_tasks(BATCH)

    def _note(self, run: FlowRun, seen: _Seen) -> None:
        key, label, kind = self._key(run.tag), label_of(run.tag), kind_of(run.tag)
        state, reason = (TaskState.QUEUED, None) if not run.is_done else (TaskState.DONE, None)
        if run.errors:
            state, reason = TaskState.FAILED, "; ".join(run.errors.values()).splitlines()[0]
        self._tasks.append(self.ledger.task(key, kind, label, state, key, reason=reason))
        for job in seen.known:
            document = self.folder.stored(job.metadata["key"])
            self._tasks.append(self.ledger.settled(document, label, key))
        for job in seen.open:
            meta = job.metadata
            self._tasks.append(
                self.ledger.task(meta["key"], meta["task"], label, TaskState.QUEUED, key, calculator=meta["calculator"])
            )
        self._write_tasks(BATCH)
        if not run.is_done:
            self.replayed.open += 1
            known = tuple(job.metadata["key"] for job in seen.known)
            self._hand_over(self._parcel(run.tag, key, label, kind, known))

    def _parcel(self, tag: Any, key: str, label: str, kind: str, known: tuple[str, ...]) -> Parcel:
        if isinstance(tag, Variant):
            flow = self.bare.make(tag.site)
        elif isinstance(tag, ActiveSite):
            # the flow that was replayed is used up
            flow = self.maker.make(tag, self._carried(self._entered[tag.key]))
        else:
            flow = gas_flow(self.checked.species_policy(tag.name), self.relax, tag.name)
        self.ledger.sign(flow, key, label)
        return Parcel(key, self.checked.campaign.name, self.ledger.stage, label, kind, flow, known)

    def _write_tasks(self, at_least: int = 1) -> None:
        """Write the tasks that nothing is known of, and the end of those that were under way."""
        if len(self._tasks) < at_least:
            return
        found = {task.subject: task for task in self._tasks}
        known = self.ledger.known(found)
        ended = []
        for subject, task in found.items():
            before = known.get(subject)
            if before is not None and task.state in SETTLED and before.state != task.state:
                news = {name: getattr(task, name) for name in ("state", "failure_class", "reason")}
                ended.append(replace(before, **news, seconds=max(before.seconds, task.seconds)))
        fresh = [replace(task, **self._who) for subject, task in found.items() if subject not in known]
        self.database.tasks.put([*ended, *fresh])
        self._tasks.clear()

    def _take(self, run: FlowRun) -> None:
        if run.is_done:
            super()._take(run)

    def _leave(self, early: list[FlowRun]) -> None:
        # their gases are open: an engine has them, or gets them
        self.replayed.waiting += len(early)


@contextmanager
def _folder(root: str) -> Iterator[None]:
    """Let jobs that run in this process find the folder of their results, as a worker's environment does."""
    before = os.environ.get("ATOMSIEVE_FOLDER")
    os.environ["ATOMSIEVE_FOLDER"] = root
    try:
        yield
    finally:
        if before is None:
            del os.environ["ATOMSIEVE_FOLDER"]
        else:
            os.environ["ATOMSIEVE_FOLDER"] = before
