"""RemoteJobs: the jobs of jobflow-remote as its database holds them: where each is, what ailed it, how it is mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from atomsieve.analysis.database import Database
from atomsieve.analysis.leases import server_time
from atomsieve.structures.errors import FailureClass
from atomsieve.structures.task import TaskState

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


@dataclass(frozen=True)
class Ailment:
    """What ails a job that jobflow-remote has given up.

    Parameters
    ----------
    reason : str
        One line.
    failure_class : FailureClass
        What to do.
    tries : int
        How often it is run again.
    remedy : str
        ``rerun``, ``memory`` (rerun with more), ``retry`` (the step that failed) or nothing.
    """

    reason: str
    failure_class: FailureClass
    tries: int = 0
    remedy: str = ""


#: What schedulers write into a job's standard error, in the order in which they are looked for.
_WORDS = (
    ("due to time limit", Ailment("the walltime was over", FailureClass.CONTINUE, 20, "rerun")),
    ("due to preemption", Ailment("preempted", FailureClass.RETRY, 20, "rerun")),
    ("due to node failure", Ailment("its node failed", FailureClass.RETRY, 5, "rerun")),
    ("exceeded memory limit", Ailment("out of memory", FailureClass.OTHER_SETTINGS, 3, "memory")),
    ("oom", Ailment("out of memory", FailureClass.OTHER_SETTINGS, 3, "memory")),
    ("out of memory", Ailment("out of memory", FailureClass.OTHER_SETTINGS, 3, "memory")),
    ("job exceeded its walltime", Ailment("the walltime was over", FailureClass.CONTINUE, 20, "rerun")),
    ("cancelled at", Ailment("cancelled with the scheduler's own command", FailureClass.GIVE_UP)),
)
_KILLED = Ailment("its process was killed", FailureClass.RETRY, 5, "rerun")
_INTERRUPTED = Ailment("stopped before the end of its walltime", FailureClass.CONTINUE, 20, "rerun")


def diagnose(document: Mapping[str, Any]) -> Ailment | None:
    """Return what ails a job, or None if nothing does."""
    if document["state"] == "REMOTE_ERROR":
        text = str(document["remote"].get("error") or "")
        if str(document["previous_state"]).startswith("BATCH"):
            return _KILLED
        return Ailment(_last_line(text) or "a step of its way failed", FailureClass.RETRY, 5, "retry")
    if document["state"] != "FAILED":
        return None
    error, printed = str(document["error"] or ""), str(document["remote"].get("queue_err") or "").casefold()
    for words, ailment in _WORDS:
        if words in printed:
            return ailment
    if "Interrupted" in _last_line(error):
        return _INTERRUPTED
    if "Traceback" not in error:
        # there is no answer at all, or it was begun and never finished
        return _KILLED
    return Ailment(_last_line(error), FailureClass.GIVE_UP)


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
    if ailment.reason.startswith("cancelled"):
        return TaskState.CANCELLED
    return TaskState.LOST if _tries_left(document, ailment) else TaskState.FAILED


def _tries_left(document: Mapping[str, Any], ailment: Ailment) -> bool:
    same = sum(entry["reason"] == ailment.reason for entry in earlier(document))
    return same < ailment.tries


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
        From a job's document to resources with more memory than it had; None where that is not known.
    """
    from jobflow_remote.utils.db import LockedDocumentError

    query = {"job.metadata.campaign": campaign, "state": {"$in": ["FAILED", "REMOTE_ERROR"]}, "lock_id": None}
    for document in list(controller.jobs.find(query, FIELDS)):
        ailment = diagnose(document)
        if ailment is None or not _tries_left(document, ailment):
            continue
        name, own = document["job"]["name"], {"db_id": document["db_id"]}
        resources = larger(document) if ailment.remedy == "memory" else None
        if ailment.remedy == "memory" and resources is None:
            continue
        if _is_fresh(database, document) or not _record(controller, database, document, ailment):
            continue
        try:
            if ailment.remedy == "retry":
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
        "remedy": ailment.remedy,
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


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else ""
