"""RemoteEngine: hands flows to jobflow-remote, whose jobs need no database on the nodes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import finalize

from bson import encode
from jobflow_remote.utils.db import LockedDocumentError
from monty.json import jsanitize

from atomsieve.analysis.away import reported
from atomsieve.analysis.chunks import chunks
from atomsieve.analysis.database import Database
from atomsieve.structures.errors import FailureClass, InputError
from atomsieve.workflows.clusters.cluster import Worker
from atomsieve.workflows.engine import JobView
from atomsieve.workflows.jobs import RelaxMaker
from atomsieve.workflows.remote import runner as remoterunner
from atomsieve.workflows.remote.folder import RemoteFolder
from atomsieve.workflows.remote.jobs import FIELDS, SETTLED, STATES, earlier, is_open, mend, view
from atomsieve.workflows.remote.project import RemoteProject, batches, default_worker, managers, resources, worker_name
from atomsieve.workflows.replay import Parcel
from atomsieve.workflows.settings import Settings

if TYPE_CHECKING:
    from jobflow_remote import JobController

#: Bytes of a job as it is stored. MongoDB takes 16 MiB; the jobs that it turns into are about as large.
LARGEST = 12_000_000
#: States that a job is cancelled from.
STOPPABLE = frozenset(STATES) - SETTLED | {"WAITING", "REMOTE_ERROR", "FAILED"}
#: Fields that jobs and flows are found by.
JOB_INDEXES = ("job.metadata.flow", "job.metadata.campaign", "job.metadata.key")
FLOW_INDEXES = ("metadata.flow", "metadata.campaign")


class RemoteEngine:
    """The engine of clusters whose nodes cannot reach the database.

    Parameters
    ----------
    worker : Worker
        The cluster.
    database : Database
        Connected, on a server.
    settings : Settings
        Name the database.

    Raises
    ------
    InputError
        If the settings name no server.
    """

    name = "jobflow-remote"

    def __init__(self, worker: Worker, database: Database, settings: Settings) -> None:
        self.described = worker
        self.worker = worker.name
        self.database = database
        self.project = RemoteProject(settings)

    @cached_property
    def controller(self) -> JobController:
        """jobflow-remote's own way to its jobs."""
        from jobflow_remote.config.base import Project

        self.project.write(self.described)
        with reported(self.database.title):
            controller: JobController = Project.model_validate(self.project.read()).get_job_controller()
            finalize(self, controller.close)
            # its own way to begin deletes what is there
            beginnings: Mapping[str, Any] = {"next_id": 1, "running_runner": None, "runner_pings": []}
            for name, value in beginnings.items():
                if controller.auxiliary.find_one({name: {"$exists": True}}) is None:
                    # the same _id for all, so that two who begin at once make one
                    first = {"$setOnInsert": {name: value}}
                    controller.auxiliary.update_one({"_id": f"atomsieve-{name}"}, first, upsert=True)
            controller.update_version_information()
            controller.build_indexes(job_custom_indexes=list(JOB_INDEXES), flow_custom_indexes=list(FLOW_INDEXES))
        return controller

    @cached_property
    def folder(self) -> RemoteFolder:
        """The results folder of the cluster."""
        self.project.write(self.described)
        return RemoteFolder(self.described)

    def active(self, keys: Iterable[str]) -> set[str]:
        """Return those of these keys of flows of which something can still come."""
        found: set[str] = set()
        with reported(self.database.title):
            for wanted in chunks(keys):
                # while a job is being completed, those that wait for it are not ready yet
                moving = [{"state": {"$nin": list(SETTLED)}}, {"lock_id": {"$ne": None}}]
                query = {"job.metadata.flow": {"$in": wanted}, "$or": moving}
                for document in self.controller.jobs.find(query, FIELDS):
                    if is_open(document):
                        found.add(document["job"]["metadata"]["flow"])
        return found

    def add(self, parcel: Parcel) -> None:
        """Hand over a flow; an earlier one of the same key that has ended is forgotten.

        Raises
        ------
        InputError
            If a job of it is too large for the database.
        """
        flow, calculators = parcel.flow, managers(self.described)
        # jobs that come of its jobs go where their calculator belongs as well
        flow.update_maker_kwargs({"managers": calculators}, class_filter=RelaxMaker)
        for job, _ in flow.iterflow():
            if (name := job.metadata.get("calculator")) is not None:
                job.config.manager_config = dict(calculators[name])
            if (size := len(encode({"job": jsanitize(job, strict=True, allow_bson=True)}))) > LARGEST:
                raise InputError(
                    f"{job.name} of {parcel.label} takes {size / 1e6:.0f} MB in the database of jobflow-remote; "
                    f"allowed: {LARGEST / 1e6:.0f} MB. Use fewer atoms, or the engine fireworks or local"
                )
        flow.metadata = {"flow": parcel.key, "campaign": parcel.campaign, "site": parcel.label, "stage": parcel.stage}
        with reported(self.database.title):
            for before in self.controller.flows.find({"metadata.flow": parcel.key}, ["uuid"]):
                self.controller.delete_flow(before["uuid"])
            self.controller.add_flow(
                flow, worker=default_worker(self.described), priority=1 if parcel.kind == "gas" else 0
            )

    def start(self) -> list[str]:
        """See that jobs are carried; return how to watch and stop that."""
        self.folder.make()
        holder, fresh = remoterunner.start(self.project, self.database)
        command = self.project.command
        return [
            f"runner of jobflow-remote: {holder}{' (started now)' if fresh else ''}; it prints to {self.project.log}",
            f"watch: {command} job list; {command} flow list",
            f"stop it: kill {holder.split()[-1]} on {holder.split(',')[0]}; jobs on the cluster go on",
        ]

    def views(self, campaign: str) -> Iterator[JobView]:
        """Yield what jobflow-remote knows of each job."""
        with reported(self.database.title):
            for document in self.controller.jobs.find({"job.metadata.campaign": campaign}, FIELDS):
                yield view(document, self.described)

    def mend(self, campaign: str) -> Iterator[str]:
        """Run again what is lost, by class; yield a line for each act."""
        if remoterunner.holder(self.database) is None:
            holder, _ = remoterunner.start(self.project, self.database)
            yield f"no runner of jobflow-remote was at work; started one: {holder}"
        with reported(self.database.title):
            yield from self._unbatched(campaign)
            yield from mend(self.controller, self.database, campaign, self._larger)

    def _unbatched(self, campaign: str) -> Iterator[str]:
        """Run again the jobs of shared allocations of which no file says any more where they are.

        A process died between two of its files; or jobflow-remote removed one while the job was locked.
        """
        begun = {"$in": ["BATCH_SUBMITTED", "BATCH_RUNNING"]}
        for kind in self.described.kinds:
            if (files := batches(self.described, kind)) is None:
                continue
            name = worker_name(self.described, kind)
            query = {"job.metadata.campaign": campaign, "worker": name, "state": begun, "lock_id": None}
            waiting = list(self.controller.jobs.find(query, ["uuid", "index", "db_id", "state", "job.name"]))
            # in the order in which files move on
            seen = {
                entry for part in ("submitted", "running", "run_finished") for entry in self.folder.names(files / part)
            }
            there = {tuple(entry.split("_")[:2]) for entry in seen}
            for document in waiting:
                if (document["uuid"], str(document["index"])) in there:
                    continue
                still = {"db_id": document["db_id"], "state": document["state"], "lock_id": None}
                if self.controller.jobs.find_one(still, ["db_id"]) is not None:
                    with suppress(LockedDocumentError, ValueError):
                        self.controller.rerun_job(db_id=document["db_id"], force=True)
                        yield f"{document['job']['name']}: lost on its way; it is queued again"

    def _larger(self, document: Mapping[str, Any]) -> dict[str, str] | None:
        """Return the resources of a job with twice the memory that it had."""
        kinds = {worker_name(self.described, kind): kind for kind in self.described.kinds}
        kind = kinds.get(document["worker"])
        if kind is None or (memory := self.described.kinds[kind].memory) is None:
            return None
        before = sum(entry["class"] == FailureClass.MORE_MEMORY for entry in earlier(document))
        return resources(self.described, kind, memory * 2 ** (before + 1))

    def fetch(self, keys: Iterable[str]) -> Iterator[dict[str, Any]]:
        """Yield the outcomes that lie on the cluster's disk."""
        return self.folder.read(keys)

    def seed(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Put outcomes onto the cluster's disk."""
        self.folder.write(documents)

    def cancel(self, campaign: str, subjects: set[str] | None) -> int:
        """Stop jobs for good; return how many. What a node has begun in a shared allocation is carried to its end."""
        return self._act(self._stop, campaign, subjects, STOPPABLE)

    def pause(self, campaign: str, subjects: set[str] | None) -> int:
        """Hold jobs that have not begun; return how many."""
        return self._act(self.controller.pause_job, campaign, subjects, {"READY", "WAITING"})

    def resume(self, campaign: str, subjects: set[str] | None) -> int:
        """Let jobs go on that were paused; return how many."""
        return self._act(self.controller.resume_job, campaign, subjects, {"PAUSED"})

    def retry(self, campaign: str, subjects: set[str] | None) -> int:
        """Run jobs again that were given up or cancelled; return how many."""
        return self._act(self._again, campaign, subjects, {"FAILED", "REMOTE_ERROR", "STOPPED", "USER_STOPPED"})

    def _stop(self, db_id: str) -> None:
        document = self.controller.jobs.find_one({"db_id": db_id}, ["state", "uuid", "index", "worker"])
        if document["state"] in ("WAITING", "PAUSED", "REMOTE_ERROR", "FAILED"):
            from jobflow_remote.jobs.state import JobState

            self.controller.set_job_state(JobState.USER_STOPPED, db_id=db_id)
            return
        self.controller.stop_job(db_id=db_id)
        if document["state"] == "BATCH_SUBMITTED":
            for kind in self.described.kinds:
                files = batches(self.described, kind)
                if files is not None and document["worker"] == worker_name(self.described, kind):
                    self.folder.remove(files / "submitted" / f"{document['uuid']}_{document['index']}")

    def _again(self, db_id: str) -> None:
        document = self.controller.jobs.find_one({"db_id": db_id}, ["state"])
        self.controller.jobs.update_one({"db_id": db_id}, {"$unset": {"atomsieve": True}})
        if document["state"] in ("STOPPED", "USER_STOPPED"):
            self.controller.resume_job(db_id=db_id)
        else:
            self.controller.rerun_job(db_id=db_id)

    def _act(self, act: Callable[..., Any], campaign: str, subjects: set[str] | None, states: Collection[str]) -> int:
        """Do something to jobs; those that have moved on meanwhile, or that another is busy with, are passed over."""
        query: dict[str, Any] = {"job.metadata.campaign": campaign, "state": {"$in": sorted(states)}}
        if subjects is not None:
            query["job.metadata.key"] = {"$in": sorted(subjects)}
        number = 0
        with reported(self.database.title):
            for document in list(self.controller.jobs.find(query, ["db_id"])):
                with suppress(LockedDocumentError, ValueError):
                    act(db_id=document["db_id"])
                    number += 1
        return number
