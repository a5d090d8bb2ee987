"""Mending: what has been lost of the fireworks, found by three witnesses, and set right by the class of its end.

The witnesses are the scheduler, the sign of life in the database and the result on disk; of a process of this very host
the system itself tells whether it has died. Every act is done under FireWorks' own lock of the workflow, and only if
what was seen before still holds there, so that any number of processes may mend at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from fireworks import FWAction

from atomsieve.analysis.database import Database
from atomsieve.analysis.leases import server_time
from atomsieve.structures.errors import FailureClass
from atomsieve.structures.task import TaskState
from atomsieve.workflows.clusters.cluster import Worker
from atomsieve.workflows.clusters.scheduler import Scheduler
from atomsieve.workflows.fireworks.fireworkflow import LIGHT
from atomsieve.workflows.fireworks.joberror import failure_of
from atomsieve.workflows.fireworks.launches import has_died, witness
from atomsieve.workflows.fireworks.losses import DIED, Loss, lost_launches, running
from atomsieve.workflows.fireworks.torn import WorkflowLock, make_whole
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.watching.causes import classify

#: A job is given to another process so many times after it was lost.
LOSSES = 5
#: Classes of failures of a job, not of its calculation, that another attempt may mend by itself.
AGAIN = frozenset({FailureClass.RETRY, FailureClass.ELSEWHERE})


class Mending:
    """Sets right what has been lost at one cluster.

    Parameters
    ----------
    launchpad : fireworks.LaunchPad
        Connected.
    database : Database
        Connected.
    worker : Worker
        The cluster.
    lease : float
        Seconds of silence after which a sign of life is stale.
    """

    def __init__(self, launchpad: Any, database: Database, worker: Worker, lease: float) -> None:
        self.launchpad = launchpad
        self.database = database
        self.worker = worker
        self.lease = timedelta(seconds=lease)
        self.folder = Folder(worker.folder)

    def mend(self, campaign: str) -> Iterator[str]:
        """Set right what was lost of a campaign; yield a line for each act."""
        query = {"metadata.campaign": campaign, "metadata.worker": self.worker.name, "state": {"$ne": "ARCHIVED"}}
        for workflow in list(self.launchpad.workflows.find({**query, "state": {"$ne": "COMPLETED"}})):
            yield from make_whole(self.launchpad, workflow, self._now(), self.lease)
        own = {"spec.campaign": campaign, "spec._fworker": self.worker.name}
        yield from self._reserved(own)
        scheduler = Scheduler(self.worker)
        for loss in list(lost_launches(self.launchpad, own, scheduler, self._now(), self.lease)):
            yield from self._take_up(loss)
        for firework in list(self.launchpad.fireworks.find({**own, "state": "FIZZLED"})):
            yield from self._failed(firework)

    def bury(self, *, thoroughly: bool = False) -> None:
        """Take up what processes of this allocation left that have died, and this one, which does nothing now.

        Parameters
        ----------
        thoroughly : bool
            Look for what was left half written too, as where the database was away.
        """
        torn = {"metadata.worker": self.worker.name, "state": {"$nin": ["COMPLETED", "ARCHIVED"]}}
        for workflow in list(self.launchpad.workflows.find(torn if thoroughly else {**torn, "locked": True})):
            for _ in make_whole(self.launchpad, workflow, self._now(), self.lease, at_once=thoroughly):
                pass
        here = witness()
        for firework, launch in list(running(self.launchpad, {"spec._fworker": self.worker.name})):
            seen = launch.get("witness")
            # why those of another allocation died, its scheduler knows
            if seen is None or seen["job"] != here["job"]:
                continue
            # a process that asks for work has none: it could not say so while the database was away
            if seen["identity"] == here["identity"] or has_died(seen):
                for _ in self._take_up(Loss(firework, launch, DIED, "its process died")):
                    pass

    def rerun(self, firework: Mapping[str, Any]) -> bool:
        """Run a firework again because a person wants it; one that runs, only after a lease of silence."""
        number, launches = firework["fw_id"], self.launchpad.launches
        if firework["state"] == "RUNNING":
            launch = launches.find_one({"launch_id": {"$in": firework["launches"]}, "state": "RUNNING"})
            if launch is None or self._now() - launch.get("beat", datetime.min) < self.lease:
                return False
        with WorkflowLock(self.launchpad, number) as held:
            seen = {"fw_id": number, "state": firework["state"], "launches": firework["launches"]}
            if not held or self.launchpad.fireworks.find_one(seen) is None:
                return False
            workflow = self.launchpad.get_wf_by_fw_id_lzyfw(number)
            workflow.id_fw[number].spec["losses"] = 0
            self.launchpad._update_wf(workflow, workflow.rerun_fw(number))
        return True

    def _now(self) -> datetime:
        return server_time(self.database.leases)

    def _reserved(self, own: Mapping[str, Any]) -> Iterator[str]:
        """Let go of fireworks whose process died between taking them and saying so."""
        fireworks = self.launchpad.fireworks
        taken = {**own, "state": "RESERVED", "launches": []}
        for firework in list(fireworks.find(taken)):
            this = {**taken, "fw_id": firework["fw_id"]}
            seen = firework.get("reserved_seen")
            if seen is None:
                fireworks.update_one(
                    {**this, "reserved_seen": {"$exists": False}}, {"$currentDate": {"reserved_seen": True}}
                )
            elif self._now() - seen > self.lease:
                change = {"$set": {"state": "READY"}, "$unset": {"reserved_seen": ""}}
                if fireworks.update_one({**this, "reserved_seen": seen}, change).modified_count:
                    yield f"{_title(firework)}: whoever took it is gone; it is ready again"

    def _take_up(self, lost: Loss) -> Iterator[str]:
        """Decide what becomes of a firework whose launch is lost."""
        firework, title = lost.firework, _title(lost.firework)
        key = firework["spec"].get("key")
        if key is not None and (outcome := self.folder.read(key)) is not None and outcome["status"] == "done":
            if self._again(lost):
                self.database.ingest([outcome])
                yield f"{title}: {lost.how}; its result is on disk and is taken from there"
            return
        losses = firework["spec"].get("losses", 0) + 1
        kind = lost.cause.failure_class
        change: dict[str, Any] = {"losses": losses}
        if kind == FailureClass.STOPPED:
            if self._cancel(lost):
                self._note(firework, TaskState.CANCELLED, lost)
                yield f"{title}: {lost.how}; cancelled (atomsieve retry takes it up again)"
            return
        # a light job needs next to none: it went down with its pilot
        if kind == FailureClass.MORE_MEMORY and firework["spec"]["_category"] != LIGHT:
            larger = self._larger(firework["spec"]["_category"])
            if larger is None:
                text = f"{lost.how}; no kind of {self.worker.name} has more memory. {lost.cause.fix}"
                if self._give_up(lost, text):
                    yield f"{title}: {text}"
                return
            change["_category"] = larger
        if losses > LOSSES:
            text = f"{lost.how}; lost {LOSSES} times, and not tried again. {lost.cause.fix}"
            if self._give_up(lost, text):
                yield f"{title}: {text}"
            return
        if self._again(lost, **change):
            self._note(firework, TaskState.QUEUED, lost)
            where = f" with more memory, as {change['_category']}" if "_category" in change else ""
            yield f"{title}: {lost.how}; it runs again{where}"

    def _failed(self, firework: Mapping[str, Any]) -> Iterator[str]:
        """Give a job that raised another try, where that may help."""
        if not firework["launches"]:
            return
        launch = self.launchpad.launches.find_one({"launch_id": firework["launches"][-1]})
        told = failure_of(launch)
        kind, losses = told.get("failure_class"), firework["spec"].get("losses", 0) + 1
        if kind not in AGAIN or losses > LOSSES:
            return
        cause = classify(told["reason"])
        lost = Loss(firework, launch, cause, told["reason"])
        if self._again(lost, losses=losses):
            self._note(firework, TaskState.QUEUED, lost)
            yield f"{_title(firework)}: {told['cause']}; it runs again"

    def _larger(self, kind: str) -> str | None:
        """Return the kind with the least memory for a process that is more than another's."""

        def share(name: str) -> float:
            resources = self.worker.kinds[name]
            return (resources.memory or 0) / resources.workers

        if kind not in self.worker.kinds:
            return None  # the worker's file has changed since
        more = [name for name in self.worker.kinds if share(name) > share(kind)]
        return min(more, key=share, default=None)

    def _again(self, lost: Loss, **spec: Any) -> bool:
        """Archive a launch and make its firework ready; return False if it is not as it was seen."""

        def change(workflow: Any) -> set[int]:
            workflow.id_fw[lost.firework["fw_id"]].spec.update(spec)
            updated: set[int] = workflow.rerun_fw(lost.firework["fw_id"])
            return updated

        return self._act(lost, change)

    def _cancel(self, lost: Loss) -> bool:
        """Have nothing more come of a firework; return False if it is not as it was seen."""

        def change(workflow: Any) -> set[int]:
            number = lost.firework["fw_id"]
            workflow.id_fw[number].state = workflow.fw_states[number] = "DEFUSED"
            return {number}

        return self._act(lost, change)

    def _give_up(self, lost: Loss, reason: str) -> bool:
        """Have a firework count as failed; return False if it is not as it was seen."""
        told = {"cause": lost.cause.name, "failure_class": str(lost.cause.failure_class), "reason": reason}
        action = FWAction(stored_data={"_exception": {"_stacktrace": reason, "_details": told}}, exit=True)
        seen = {name: lost.launch.get(name) for name in ("launch_id", "state", "beat")}
        change = {"$set": {"state": "FIZZLED", "action": action.to_dict()}}
        if not self.launchpad.launches.update_one(seen, change).modified_count:
            return False
        self.launchpad._refresh_wf(lost.firework["fw_id"])
        self._note(lost.firework, TaskState.FAILED, lost)
        return True

    def _act(self, lost: Loss, change: Callable[[Any], set[int]]) -> bool:
        number, launch = lost.firework["fw_id"], lost.launch
        with WorkflowLock(self.launchpad, number) as held:
            if not held:
                return False
            as_seen = {"fw_id": number, "launches": launch["launch_id"], "state": lost.firework["state"]}
            silent = {"launch_id": launch["launch_id"], "beat": launch.get("beat")}
            if not self.launchpad.fireworks.find_one(as_seen) or not self.launchpad.launches.find_one(silent):
                return False
            workflow = self.launchpad.get_wf_by_fw_id_lzyfw(number)
            self.launchpad._update_wf(workflow, change(workflow))
            self.launchpad.launches.update_one({"launch_id": launch["launch_id"]}, {"$set": {"lost": True}})
        return True

    def _note(self, firework: Mapping[str, Any], state: TaskState, lost: Loss) -> None:
        spec = firework["spec"]
        if "key" in spec:
            is_over = state in (TaskState.FAILED, TaskState.CANCELLED)
            kind = str(lost.cause.failure_class) if is_over else None
            reason = f"{lost.how}: {lost.cause.cause}"
            self.database.tasks.change(spec["campaign"], [spec["key"]], state=state, failure_class=kind, reason=reason)


def _title(firework: Mapping[str, Any]) -> str:
    return f"{firework['name']} (firework {firework['fw_id']})"
