"""RemoteJobs: the jobs of jobflow-remote as its database holds them: where each is, what ailed it, how it is mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobflow_remote.utils.db import LockedDocumentError

from atomsieve.analysis.database import Database
from atomsieve.analysis.leases import server_time
from atomsieve.structures.errors import FailureClass, Interrupted
from atomsieve.structures.task import TaskState
from atomsieve.workflows.clusters.cluster import Worker
from atomsieve.workflows.engine import JobView
from atomsieve.workflows.watching.causes import UNKNOWN, classify

if TYPE_CHECKING:
    from jobflow_remote import JobController

#: What is read of a job; the job itself may be large.
FIELDS = [
    *("db_id", "uuid", "index", "worker", "state", "previous_state", "remote", "error", "lock_id", "run_dir"),
    *("start_time", "resources", "job.name", "job.metadata", "atomsieve"),
]
#: Seconds that an act takes at most, from its record to its end.
MOMENT = 10.0
#: States that nothing comes of by itself.
SETTLED = frozenset({"WAITING", "COMPLETED", "STOPPED", "USER_STOPPED"})
#: States that say nothing of what ails a job.
STATES = {
    "WAITING": TaskState.WAITING,
    "READY": TaskState.QUEUED,
    "CHECKED_OUT": TaskState.QUEUED,
    "UPLOADED": TaskState.QUEUED,
    "SUBMITTED": TaskState.QUEUED,
    "BATCH_SUBMITTED": TaskState.QUEUED,
    "RUNNING": TaskState.RUNNING,
    "BATCH_RUNNING": TaskState.RUNNING,
    "RUN_FINISHED": TaskState.RUNNING,
    "DOWNLOADED": TaskState.RUNNING,
    "COMPLETED": TaskState.DONE,
    "PAUSED": TaskState.PAUSED,
    "STOPPED": TaskState.CANCELLED,
    "USER_STOPPED": TaskState.CANCELLED,
}


#: What ends a job from outside.
OUTSIDE = frozenset({FailureClass.LONGER_LIMIT, FailureClass.ELSEWHERE, FailureClass.MORE_MEMORY, FailureClass.STOPPED})
#: How often a job is run again, by what ails it; what is not listed waits for a person.
TRIES = {
    FailureClass.LONGER_LIMIT: 20,
    FailureClass.CONTINUE: 20,
    FailureClass.ELSEWHERE: 5,
    FailureClass.MORE_MEMORY: 3,
    FailureClass.RETRY: 3,
}


@dataclass(frozen=True)
class Ailment:
    """What ails a job that jobflow-remote has given up.

    Parameters
    ----------
    reason : str
        One line.
    failure_class : FailureClass
        What to do.
    is_step : bool
        Whether it is a step on the job's way (an upload, a question to the scheduler), not the job itself.
    """

    reason: str
    failure_class: FailureClass
    is_step: bool = False


def diagnose(document: Mapping[str, Any]) -> Ailment | None:
    """Return what ails a job, or None if nothing does."""
    remote = document["remote"]
    if document["state"] == "REMOTE_ERROR":
        if str(document["previous_state"]).startswith("BATCH"):
            return _ailment("its allocation ended (signal 9)")
        text = str(remote.get("error") or "")
        return Ailment(last_line(text) or "a step on its way failed", FailureClass.RETRY, is_step=True)
    if document["state"] != "FAILED":
        return None
    error, printed = str(document["error"] or ""), str(remote.get("queue_err") or "")
    is_raised = "Traceback" in error
    was_stopped = is_raised and Interrupted.__name__ in last_line(error)
    if is_raised and not was_stopped:
        return _ailment(error)
    # there is no answer, or one that was begun: the scheduler may have said why
    if classify(printed).failure_class in OUTSIDE:
        return _ailment(printed)
    if was_stopped:
        return Ailment(last_line(error).rpartition(f"{Interrupted.__name__}: ")[2], FailureClass.CONTINUE)
    return _ailment("the process died (signal 9)")


def _ailment(text: str) -> Ailment:
    cause = classify(text)
    return Ailment(cause.cause if cause.name != UNKNOWN else last_line(text) or cause.cause, cause.failure_class)


def earlier(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what became of the attempts at a job before the last."""
    found: list[dict[str, Any]] = (document.get("atomsieve") or {}).get("attempts", [])
    return found


def attempts(document: Mapping[str, Any]) -> int:
    """Return the number of the last attempt at a job; 0 before the first."""
    return len(earlier(document)) + (document["run_dir"] is not None)


def is_open(document: Mapping[str, Any]) -> bool:
    """Return whether something can still come of a job without a person."""
    ailment = diagnose(document)
    return ailment is None or _tries_left(document, ailment)


def state(document: Mapping[str, Any]) -> TaskState:
    """Return where a job is."""
    ailment = diagnose(document)
    if ailment is None:
        return STATES[document["state"]]
    if ailment.failure_class == FailureClass.STOPPED:
        return TaskState.CANCELLED
    return TaskState.LOST if _tries_left(document, ailment) else TaskState.FAILED


def view(document: Mapping[str, Any], worker: Worker) -> JobView:
    """Return what is known of a job."""
    metadata, number = document["job"]["metadata"], document["remote"].get("process_id")
    ailment, is_local = diagnose(document), worker.scheduler == "none"
    return JobView(
        subject=metadata.get("key", ""),
        flow=metadata.get("flow", ""),
        name=document["job"]["name"],
        state=state(document),
        kind=metadata.get("task", ""),
        site=metadata.get("site", ""),
        stage=metadata.get("stage"),
        calculator=metadata.get("calculator", ""),
        attempt=attempts(document),
        process=int(number) if is_local and number else None,
        job=None if is_local else number,
        directory=document["run_dir"],
        failure_class=str(ailment.failure_class) if ailment is not None else None,
        reason=ailment.reason if ailment is not None else None,
        began=document["start_time"],
    )


def _tries_left(document: Mapping[str, Any], ailment: Ailment) -> bool:
    same: int = sum(entry["class"] == ailment.failure_class for entry in earlier(document))
    return same < TRIES.get(ailment.failure_class, 0)


def mend(
    controller: JobController,
    database: Database,
    campaign: str,
    larger: Callable[[Mapping[str, Any]], Mapping[str, str] | None],
) -> Iterator[str]:
    """Run again what is lost, by class; yield a line for each act.

    Each act is recorded in the job's document first, and whoever did that acts.

    Parameters
    ----------
    controller : JobController
        jobflow-remote's.
    database : Database
        Whose clock counts.
    campaign : str
        Its jobs alone.
    larger : callable
        From a job's document to resources with more memory than it had; None where its kind states none.
    """
    query = {"job.metadata.campaign": campaign, "state": {"$in": ["FAILED", "REMOTE_ERROR"]}, "lock_id": None}
    for document in list(controller.jobs.find(query, FIELDS)):
        ailment = diagnose(document)
        if ailment is None or not _tries_left(document, ailment):
            continue
        name, own = document["job"]["name"], {"db_id": document["db_id"]}
        wants_more = ailment.failure_class == FailureClass.MORE_MEMORY
        resources = larger(document) if wants_more else None
        if _is_fresh(database, document) or not _record(controller, database, document, ailment):
            continue
        try:
            if ailment.is_step:
                controller.retry_job(**own)
                yield f"{name}: {ailment.reason}; that step is tried again"
                continue
            if resources is not None:
                controller.set_job_doc_properties({"resources": dict(resources)}, **own)
            controller.rerun_job(**own)
        except (LockedDocumentError, ValueError):
            continue  # somebody else is at it; whoever looks next sees what came of that
        more = " with more memory" if resources is not None else ""
        yield f"{name}: {ailment.reason}; attempt {attempts(document) + 1}{more}"


def _is_fresh(database: Database, document: Mapping[str, Any]) -> bool:
    """Return whether somebody recorded an act a moment ago, and may be about to do it."""
    records = earlier(document)
    return bool(records) and (server_time(database.leases) - records[-1]["at"]).total_seconds() < MOMENT


def _record(controller: JobController, database: Database, document: Mapping[str, Any], ailment: Ailment) -> bool:
    """Write an attempt into a job's document; return whether nobody else has, or does."""
    entry = {
        "reason": ailment.reason,
        "class": str(ailment.failure_class),
        "process": document["remote"].get("process_id"),
        "directory": document["run_dir"],
        "at": server_time(database.leases),
    }
    unchanged = {
        "db_id": document["db_id"],
        "state": document["state"],
        "lock_id": None,
        f"atomsieve.attempts.{len(earlier(document))}": {"$exists": False},
    }
    written = controller.jobs.update_one(unchanged, {"$push": {"atomsieve.attempts": entry}})
    return bool(written.modified_count)


def last_line(text: str) -> str:
    """Return the last line of a text that is not empty."""
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else ""
