"""FireView: what the documents of a firework and its launch say of a job."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from atomsieve.structures.task import TaskState
from atomsieve.workflows.engine import JobView
from atomsieve.workflows.fireworks.joberror import failure_of

#: States of fireworks in ours.
STATES: Mapping[str, TaskState] = {
    "WAITING": TaskState.WAITING,
    "READY": TaskState.QUEUED,
    "RESERVED": TaskState.QUEUED,
    "RUNNING": TaskState.RUNNING,
    "COMPLETED": TaskState.DONE,
    "FIZZLED": TaskState.FAILED,
    "DEFUSED": TaskState.CANCELLED,
    "PAUSED": TaskState.PAUSED,
}


def view(firework: Mapping[str, Any], launch: Mapping[str, Any] | None) -> JobView | None:
    """Return what is known of a job; None if another firework goes on with it.

    Parameters
    ----------
    firework : mapping
        Its document.
    launch : mapping or None
        That of its last launch.
    """
    spec, state = firework["spec"], STATES.get(firework["state"])
    action = (launch or {}).get("action") or {}
    stored = action.get("stored_data") or {}
    if state is None or "continued" in stored:
        return None
    witness = (launch or {}).get("witness") or {}
    failure = failure_of(launch) if state == TaskState.FAILED else {}
    if stored.get("status") == "failed":
        state = TaskState.FAILED
        failure = {name: stored[name] for name in ("failure_class", "reason")}
    attempts = len(firework["launches"]) + len(firework["archived_launches"])
    began = (launch or {}).get("time_start")
    return JobView(
        subject=spec.get("key", ""),
        flow=spec.get("flow", ""),
        name=firework["name"],
        state=state,
        kind=spec.get("task", ""),
        site=spec.get("site", ""),
        stage=spec.get("stage"),
        calculator=spec.get("calculator", ""),
        attempt=spec.get("before", 0) + attempts,
        host=witness.get("host"),
        process=witness.get("process"),
        job=witness.get("job"),
        directory=spec.get("_launch_dir"),
        failure_class=failure.get("failure_class"),
        reason=failure.get("reason"),
        began=datetime.fromisoformat(began).astimezone(UTC).replace(tzinfo=None) if began else None,
    )
