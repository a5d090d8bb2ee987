"""FireRun: one attempt at a job of a firework, whatever becomes of the database, the node or the allocation.

The order is what makes it safe. A result is on disk before anything else hears of it; then it goes into the database,
unless a later attempt has begun; then FireWorks is told. Whatever is cut off in between is found again, and done once.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from fireworks import FWAction, Workflow
from jobflow import Flow, Job
from jobflow.core.reference import find_and_get_references

from atomsieve.analysis.provenance import Provenance
from atomsieve.structures.errors import FailureClass, Interrupted, StaleAttemptError
from atomsieve.structures.task import Task, TaskState
from atomsieve.workflows import interruption
from atomsieve.workflows.fireworks.fireworkflow import Place, to_firework, to_workflow
from atomsieve.workflows.fireworks.joberror import JobError
from atomsieve.workflows.fireworks.launches import CANCELLED, SUPERSEDED, Launch, witness
from atomsieve.workflows.fireworks.patience import patiently
from atomsieve.workflows.fireworks.workerdatabase import open_database
from atomsieve.workflows.flowrun import Exchange, decode_trusted, jobs_of
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.settings import Settings

if TYPE_CHECKING:
    from atomsieve.workflows.fireworks.firetask import JobTask

#: A calculation is continued in so many allocations, then a person has to look.
CONTINUATIONS = 20
#: How the reason begins for which a process is asked to stop where its work is to go on in another allocation.
WARNING = "SIGUSR1"

LOGGER = logging.getLogger(__name__)


class FireRun:
    """One attempt from its begin to its end.

    Parameters
    ----------
    task : JobTask
        Of the firework, told its number by FireWorks.
    spec : mapping
        Of the firework.
    settings : Settings
        Of this process.
    """

    def __init__(self, task: JobTask, spec: Mapping[str, Any], settings: Settings) -> None:
        self.spec = spec
        self.settings = settings
        self.folder = Folder(settings.folder)
        self.database = patiently(lambda: open_database(settings))
        self.launch = Launch(task.launchpad, task.fw_id)
        self.place = Place(task.fworker.name, str(self.folder.root), spec["kinds"])
        text = task["job"]
        blobs = self.database.blobs
        assert blobs is not None
        self.blobs = blobs
        self.text: str = text if isinstance(text, str) else patiently(lambda: blobs.get(text))
        self.job: Job = decode_trusted(self.text)
        self.key: str | None = self.job.metadata.get("key")
        self.before = 0.0

    def run(self) -> FWAction:
        """Run the job, and return what FireWorks does next.

        Raises
        ------
        JobError
            If there is no output.
        """
        began = time.monotonic()
        try:
            self._begin()
            response, document = self._compute()
            outcome = self.folder.read(self.key) if self.key is not None else None
            self.launch.check()
            if outcome is not None:
                meta = self.job.metadata
                by = Provenance(meta.get("campaign"), folder=str(self.folder.root))
                labels = {outcome["key"]: meta["site"]} if "site" in meta else {}
                patiently(lambda: self.database.ingest([outcome], by, labels))
            patiently(lambda: self.database.push_jobs([document]))
            action = self._action(response, outcome)
            self.launch.check()
            if outcome is not None:
                self._end(outcome, time.monotonic() - began)
            return action
        except Interrupted as interrupted:
            reason = str(interrupted)
            if reason != SUPERSEDED:
                self._note(seconds=self.before + time.monotonic() - began)
            return self._stop(reason)
        except Exception as error:
            failed = JobError.of(error)
            told = failed.to_dict()
            if not isinstance(error, StaleAttemptError):
                told["state"] = TaskState.FAILED
                self._note(seconds=self.before + time.monotonic() - began, **_without(told, "cause"))
            raise failed from None
        finally:
            self.launch.end()
            # what was meant for this attempt alone
            if interruption.requested() in (CANCELLED, SUPERSEDED):
                interruption.clear()

    def _begin(self) -> None:
        if interruption.requested() is not None:
            # rlaunch would go on and on taking jobs that end at once
            self.launch.launchpad.rerun_fw(self.launch.fw_id)
            _end_process("the allocation ends: firework %s is left for another", self.launch.fw_id)
        campaign, tasks = self.job.metadata.get("campaign"), self.database.tasks
        own = [self.key] if campaign is not None and self.key is not None else []
        self.launch.beat(self.settings.heartbeat, lambda: tasks.change(campaign, own) if own else None)
        if self.key is None or not own:
            return
        here = witness()
        now = {
            "state": TaskState.RUNNING,
            "attempt": self.spec.get("before", 0) + self.launch.number(),
            "engine": "fireworks",
            "worker": self.place.worker,
            "began": self.launch.began,
            "failure_class": None,
            "reason": None,
            **{name: here[name] for name in ("host", "process", "job")},
            "directory": str(self.folder.directory(self.key)),
        }
        before = patiently(lambda: tasks.one(campaign, self.key or ""))
        self.before = before.seconds if before is not None else 0.0
        if before is None:
            patiently(lambda: tasks.add([_task(self.job)]))
        self._note(**now)

    def _compute(self) -> tuple[Any, dict[str, Any]]:
        inputs = patiently(self._inputs)
        self._bring(inputs)
        while True:
            store = Exchange(inputs)
            try:
                response = self.job.run(store)
            except StaleAttemptError:
                # somebody else's attempt at the same calculation, unless it is one at this very firework
                self.launch.check()
                self.job = decode_trusted(self.text)
                continue
            assert store.document is not None
            return response, store.document

    def _inputs(self) -> dict[str, dict[int, Any]]:
        """Return the outputs that the job refers to, and those that these refer to in turn."""
        found: dict[str, dict[int, Any]] = {}
        wanted = set(self.job.input_uuids)
        while wanted := wanted - found.keys():
            # an output that is not there is empty, and asked for once
            found |= {uuid: {} for uuid in wanted}
            for uuid, outputs in self.database.outputs(wanted).items():
                found[uuid] = {index: _decoded(output) for index, output in outputs.items()}
            wanted = {
                one.uuid
                for uuid in wanted
                for output in found[uuid].values()
                for one in find_and_get_references(output)
            }
        return {uuid: outputs for uuid, outputs in found.items() if outputs}

    def _bring(self, inputs: Mapping[str, Any]) -> None:
        """Put outcomes on disk that this job asks for or starts from, where the database has them and the disk not."""
        keys = set(_keys([inputs, list(self.job.function_args), self.job.function_kwargs]))
        keys |= {self.key} if self.key is not None else set()
        # a failure on disk may have been reopened in the database
        missing = [key for key in keys if (self.folder.read(key) or {}).get("status") != "done"]
        if missing:
            self.folder.bring(patiently(lambda: self.database.known(missing)).values())

    def _action(self, response: Any, outcome: Mapping[str, Any] | None) -> FWAction:
        detours = [self._workflow(flow) for flow in (response.replace, response.detour) if flow is not None]
        additions = [self._workflow(response.addition)] if response.addition is not None else []
        stored = {}
        if outcome is not None:
            stored = {"status": outcome["status"], **outcome["judgement"]}
            stored |= {"failure_class": outcome["failure_class"]} if outcome["status"] == "failed" else {}
        return FWAction(
            stored_data=stored,
            detours=detours,
            additions=additions,
            defuse_children=bool(response.stop_children),
            defuse_workflow=bool(response.stop_jobflow),
        )

    def _workflow(self, flow: Flow) -> Workflow:
        tasks = [_task(job) for job, _ in jobs_of(flow) if {"key", "campaign"} <= job.metadata.keys()]
        patiently(lambda: self.database.tasks.add(tasks))
        return patiently(lambda: to_workflow(flow, self.place, self.blobs))

    def _stop(self, reason: str) -> FWAction:
        """Return what follows an interruption: the same job again, in another allocation, and its children after it."""
        if reason in (CANCELLED, SUPERSEDED):
            raise JobError("stopped", FailureClass.STOPPED, reason)
        if not reason.startswith(WARNING):
            # the scheduler knows why it ends this process, and mending asks it
            _end_process("%s: what was reached is in the checkpoint", reason)
        self.launch.check()
        continued = self.spec.get("continued", 0) + 1
        if continued > CONTINUATIONS:
            text = f"it was continued {CONTINUATIONS} times and still has not ended"
            self._note(state=TaskState.FAILED, failure_class=str(FailureClass.LONGER_LIMIT), reason=text)
            raise JobError("walltime", FailureClass.LONGER_LIMIT, text)
        self._note(state=TaskState.QUEUED, reason=reason)
        again = to_firework(
            decode_trusted(self.text),
            self.place,
            self.blobs,
            _category=self.spec["_category"],
            continued=continued,
            before=self.spec.get("before", 0) + self.launch.number(),
        )
        return FWAction(stored_data={"continued": reason}, detours=[Workflow([again], name=self.job.name)])

    def _end(self, outcome: Mapping[str, Any], seconds: float) -> None:
        is_done = outcome["status"] == "done"
        self._note(
            state=TaskState.DONE if is_done else TaskState.FAILED,
            failure_class=None if is_done else outcome["failure_class"],
            reason=None if is_done else outcome["judgement"]["reason"],
            seconds=self.before + seconds,
        )

    def _note(self, **fields: Any) -> None:
        campaign = self.job.metadata.get("campaign")
        if campaign and self.key is not None:
            patiently(lambda: self.database.tasks.change(campaign, [self.key or ""], **fields))


def _end_process(text: str, *values: object) -> NoReturn:
    """End this process without a word to FireWorks, which would take any exception for the end of the job."""
    LOGGER.warning(text, *values)
    logging.shutdown()
    os._exit(0)


def _task(job: Job) -> Task:
    meta = job.metadata
    return Task(
        meta["campaign"],
        meta["key"],
        meta["task"],
        meta["site"],
        TaskState.WAITING,
        meta["flow"],
        stage=meta.get("stage"),
        engine="fireworks",
        calculator=meta.get("calculator", ""),
    )


def _decoded(output: Any) -> Any:
    """Turn plain data that refers to other jobs' outputs into such references again."""
    return decode_trusted(json.dumps(output))


def _keys(values: Iterable[Any]) -> Iterable[str]:
    """Yield what may be a request key in plain data."""
    open_ = list(values)
    while open_:
        value = open_.pop()
        if isinstance(value, dict):
            open_ += value.values()
        elif isinstance(value, list | tuple):
            open_ += value
        elif isinstance(value, str) and len(value) == 64:
            with contextlib.suppress(ValueError):
                int(value, 16)
                yield value


def _without(mapping: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name not in names}
