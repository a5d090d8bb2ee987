"""Torn: workflows that FireWorks wrote only in part, because its process or the database died meanwhile.

FireWorks changes a workflow in several steps under a lock, which says neither whose it is nor since when. Its document
comes last, so that the fireworks tell how far it came.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from fireworks.core.launchpad import LockedWorkflowError, WFLock

#: Seconds to wait for somebody else's act on the same workflow.
LOCK_SECONDS = 20


class WorkflowLock:
    """FireWorks' lock of a workflow, waited for as long as somebody's act takes; tells whether it is held.

    Parameters
    ----------
    launchpad : fireworks.LaunchPad
        Connected.
    number : int
        A firework of the workflow.
    """

    def __init__(self, launchpad: Any, number: int) -> None:
        self._lock = WFLock(launchpad, number, expire_secs=LOCK_SECONDS)
        self._held = False

    def __enter__(self) -> bool:
        """Take the lock, and return whether it was to be had."""
        try:
            self._lock.__enter__()
        except (LockedWorkflowError, ValueError):
            return False
        self._held = True
        return True

    def __exit__(self, *exception: object) -> None:
        if self._held:
            self._lock.__exit__(*exception)


def make_whole(launchpad: Any, workflow: Mapping[str, Any], now: datetime, lease: timedelta) -> Iterator[str]:
    """Complete what was cut off; yield a line for each act.

    Parameters
    ----------
    launchpad : fireworks.LaunchPad
        Connected.
    workflow : mapping
        Its document.
    now : datetime
        By the clock of the database.
    lease : timedelta
        A lock that was seen for so long, and nothing written under it, is nobody's.
    """
    workflows, name = launchpad.workflows, workflow["name"]
    if workflow.get("locked"):
        # each act under the lock writes the document anew, without this mark
        seen = workflow.get("lock_seen")
        if seen is None:
            fresh = {"_id": workflow["_id"], "locked": True, "lock_seen": {"$exists": False}}
            workflows.update_one(fresh, {"$currentDate": {"lock_seen": True}})
            return
        stale = {"_id": workflow["_id"], "locked": True, "lock_seen": seen}
        if now - seen < lease or not workflows.update_one(stale, {"$unset": {"locked": ""}}).modified_count:
            return
        yield f"{name}: the lock of a process that died is removed"
    if not _is_torn(launchpad, workflow):
        return
    with WorkflowLock(launchpad, min(workflow["nodes"])) as held:
        # only now nobody is in the middle of it
        current = workflows.find_one({"_id": workflow["_id"]}) if held else None
        if current is None or not _is_torn(launchpad, current):
            return
        states = _states(launchpad, current)
        if len(states) < len(current["nodes"]):
            launchpad.fireworks.delete_many({"fw_id": {"$in": current["nodes"]}})
            workflows.delete_one({"_id": current["_id"]})
            yield f"{name}: was not handed over whole, and is removed"
            return
        flow = current["metadata"]["flow"]
        known = [node for one in workflows.find({"metadata.flow": flow}, {"nodes": 1}) for node in one["nodes"]]
        orphans = {"spec.flow": flow, "state": {"$in": ["READY", "WAITING"]}, "fw_id": {"$nin": known}}
        launchpad.fireworks.delete_many(orphans)
        for number, state in states.items():
            if state == "COMPLETED" and current["fw_states"].get(str(number)) != "COMPLETED":
                # what follows from its end is applied when its state changes to that
                launchpad.fireworks.update_one({"fw_id": number}, {"$set": {"state": "RUNNING"}})
    for number in states:
        launchpad._refresh_wf(number)
    yield f"{name}: what was cut off while it was written is completed"


def _is_torn(launchpad: Any, workflow: Mapping[str, Any]) -> bool:
    states = _states(launchpad, workflow)
    if len(states) < len(workflow["nodes"]):
        return True
    parents = workflow.get("parent_links", {})
    for number, state in states.items():
        if state == "RESERVED":
            continue  # whoever takes a firework says so in two steps, and this is the first
        if state != workflow["fw_states"].get(str(number)):
            return True
        before = [states[parent] for parent in parents.get(str(number), ())]
        if state == "WAITING" and all(one == "COMPLETED" for one in before):
            return True
    running = {"fw_id": {"$in": [number for number, state in states.items() if state == "RUNNING"]}}
    ended = {**running, "state": {"$in": ["COMPLETED", "FIZZLED"]}}
    return any(
        # the launch has ended, and the firework does not know
        launchpad.fireworks.find_one({"launches": launch["launch_id"], "state": "RUNNING"}, {"_id": 1})
        for launch in launchpad.launches.find(ended, {"launch_id": 1})
    )


def _states(launchpad: Any, workflow: Mapping[str, Any]) -> dict[int, str]:
    found = launchpad.fireworks.find({"fw_id": {"$in": workflow["nodes"]}}, {"fw_id": 1, "state": 1})
    return {one["fw_id"]: one["state"] for one in found}
