"""LaunchPadEngine: runs parcels as workflows of FireWorks, on whichever cluster its pilots, or rlaunch, are at work."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from fireworks import FWorker, Workflow
from fireworks.core.rocket import Rocket
from pymongo.errors import DuplicateKeyError

# the imports of whoever runs a job, so that a pilot's processes have them
import atomsieve.workflows.fireworks.firetask  # noqa: F401
from atomsieve.analysis.database import Database
from atomsieve.structures.errors import InputError, SchedulerError
from atomsieve.workflows.calculators import CALCULATORS
from atomsieve.workflows.clusters import pilot
from atomsieve.workflows.clusters.cluster import Worker
from atomsieve.workflows.clusters.scheduler import Scheduler
from atomsieve.workflows.engine import JobView
from atomsieve.workflows.fireworks.fireview import view
from atomsieve.workflows.fireworks.fireworkflow import LIGHT, OURS, Place, to_workflow
from atomsieve.workflows.fireworks.launchpads import open_launchpad
from atomsieve.workflows.fireworks.mending import Mending
from atomsieve.workflows.fireworks.stock import write_files
from atomsieve.workflows.fireworks.torn import WorkflowLock
from atomsieve.workflows.fireworks.workerdatabase import open_database
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.replay import Parcel
from atomsieve.workflows.settings import Settings, read_settings

#: States of fireworks of which something comes, or is held back.
ALIVE = frozenset({"READY", "RESERVED", "RUNNING", "PAUSED"})
#: States after which those that wait for a firework wait in vain.
DEAD = frozenset({"FIZZLED", "DEFUSED", "ARCHIVED"})
#: Seconds between two looks for processes of this host that died; when the last was, if it has to be done again.
LOOK, AGAIN = 5.0, float("-inf")


class LaunchPadEngine:
    """One cluster's share of the LaunchPad.

    Parameters
    ----------
    described : Worker
        The cluster.
    database : Database
        Connected; FireWorks' collections lie beside ours.
    settings : Settings
        Of this machine.
    """

    name = "fireworks"

    def __init__(self, described: Worker, database: Database, settings: Settings) -> None:
        self.described = described
        self.worker = described.name
        self.database = database
        self.settings = settings
        self.launchpad = open_launchpad(settings)
        self.place = Place(described.name, str(described.folder), _kinds(described))

    def active(self, keys: Iterable[str]) -> set[str]:
        """Return the keys of flows that it holds and that have not ended."""
        query = {"metadata.slot": {"$in": list(keys)}}
        return {one["metadata"]["slot"] for one in self.launchpad.workflows.find(query) if _is_alive(one)}

    def add(self, parcel: Parcel) -> None:
        """Take a flow; one that is there and has not ended stays as it is."""
        blobs = self.database.blobs
        assert blobs is not None
        metadata = {
            "campaign": parcel.campaign,
            "flow": parcel.key,
            "slot": parcel.key,
            "stage": parcel.stage,
            "site": parcel.label,
            "kind": parcel.kind,
            "worker": self.worker,
        }
        name = f"{parcel.campaign}/{parcel.label}"
        workflow = to_workflow(parcel.flow, self.place, blobs, name=name, metadata=metadata)
        _insert(self.launchpad, workflow)

    def seed(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Put outcomes where its workers look first, if their disk is seen from here; they ask the database too."""
        folder = Folder(self.described.folder)
        if folder.root.is_dir():
            folder.bring(documents)

    def fetch(self, keys: Iterable[str]) -> Iterator[dict[str, Any]]:
        """Yield the outcomes among these that lie with its workers, where their disk is seen from here."""
        folder = Folder(self.described.folder)
        return (document for key in keys if (document := folder.read(key)) is not None)

    def start(self) -> list[str]:
        """Submit as many pilots as there is work for; return what a person may want to do about them."""
        lines = [
            f"in FireWorks' own words: lpad -l {path / 'my_launchpad.yaml'} webgui (or get_wflows, rlaunch, qlaunch)"
            for path in write_files(self.described, self.settings)
        ]
        scheduler = Scheduler(self.described)
        lease = self.database.lease(f"start/{self.worker}")
        while lease.acquire() is not None:
            time.sleep(0.5)
        try:
            for kind in self.described.kinds:
                lines += self._top_up(kind, scheduler)
        except SchedulerError as error:
            lines.append(f"no pilots were submitted: {error}")
        finally:
            lease.release()
        return lines

    def _top_up(self, kind: str, scheduler: Scheduler) -> Iterator[str]:
        resources, there = self.described.kinds[kind], scheduler.mine(kind)
        ready = {"spec._fworker": self.worker, "state": "READY"}
        count = self.launchpad.fireworks.count_documents({**ready, "spec._category": kind})
        if kind == next(iter(self.described.kinds)) and not scheduler.mine():
            # light jobs go with the others, but somebody has to be there
            count += self.launchpad.fireworks.count_documents({**ready, "spec._category": LIGHT})
        # a process that stopped in a job which another was given since takes no other either
        busy = {"state": "RUNNING", "witness.job": {"$in": list(there)}, "lost": {"$exists": False}}
        count += self.launchpad.launches.count_documents(busy)
        wanted = min(resources.jobs, -(-count // resources.workers))
        script = scheduler.script(kind, pilot.command(self.described, kind, self.name))
        for _ in range(wanted - len(there)):
            yield f"job {scheduler.submit(script)} of kind {kind} is submitted to {self.worker}"

    def views(self, campaign: str) -> Iterator[JobView]:
        """Yield what FireWorks knows of each job of a campaign."""
        query = {"metadata.campaign": campaign, "metadata.worker": self.worker}
        newest = {one["metadata"]["flow"]: one for one in self.launchpad.workflows.find(query, sort=[("_id", 1)])}
        for workflow in newest.values():
            fireworks = list(self.launchpad.fireworks.find({"fw_id": {"$in": workflow["nodes"]}}, {"spec._tasks": 0}))
            last = {firework["fw_id"]: firework["launches"][-1:] for firework in fireworks}
            wanted = [number for numbers in last.values() for number in numbers]
            launches = {one["fw_id"]: one for one in self.launchpad.launches.find({"launch_id": {"$in": wanted}})}
            for firework in fireworks:
                found = view(firework, launches.get(firework["fw_id"]))
                if found is not None:
                    yield found

    def mend(self, campaign: str) -> Iterator[str]:
        """Set right what has been lost; yield a line for each act."""
        return Mending(self.launchpad, self.database, self.described, self.settings.lease).mend(campaign)

    def cancel(self, campaign: str, subjects: set[str] | None) -> int:
        """Stop jobs of a campaign; one that runs finds out by its next sign of life, and writes its checkpoint."""
        states = ["WAITING", "READY", "RESERVED", "RUNNING", "PAUSED", "FIZZLED"]
        return self._change(campaign, subjects, states, "DEFUSED")

    def pause(self, campaign: str, subjects: set[str] | None) -> int:
        """Hold back jobs that have not begun."""
        return self._change(campaign, subjects, ["WAITING", "READY"], "PAUSED")

    def resume(self, campaign: str, subjects: set[str] | None) -> int:
        """Let go on what was held back."""
        return self._change(campaign, subjects, ["PAUSED"], "WAITING")

    def retry(self, campaign: str, subjects: set[str] | None) -> int:
        """Run again jobs that raised, or were cancelled, or, by name, that have been silent for longer than a lease."""
        states = ["FIZZLED", "DEFUSED"]
        if subjects is not None:
            states.append("RUNNING")
        mending = Mending(self.launchpad, self.database, self.described, self.settings.lease)
        return sum(mending.rerun(firework) for firework in self._fireworks(campaign, subjects, states))

    def _fireworks(self, campaign: str, subjects: set[str] | None, states: list[str]) -> list[dict[str, Any]]:
        # what another workflow has taken the place of stays as it ended
        current = {"metadata.campaign": campaign, "metadata.worker": self.worker, "metadata.slot": {"$exists": True}}
        nodes = [number for one in self.launchpad.workflows.find(current, {"nodes": 1}) for number in one["nodes"]]
        query: dict[str, Any] = {"fw_id": {"$in": nodes}, "state": {"$in": states}}
        if subjects is not None:
            query["spec.key"] = {"$in": sorted(subjects)}
        return list(self.launchpad.fireworks.find(query, {"spec._tasks": 0}))

    def _change(self, campaign: str, subjects: set[str] | None, states: list[str], state: str) -> int:
        changed = 0
        for firework in self._fireworks(campaign, subjects, states):
            number = firework["fw_id"]
            with WorkflowLock(self.launchpad, number) as held:
                seen = {"fw_id": number, "state": {"$in": states}}
                done = held and self.launchpad.fireworks.update_one(seen, {"$set": {"state": state}}).modified_count
            if done:
                self.launchpad._refresh_wf(number)
                changed += 1
        return changed


def _kinds(worker: Worker) -> dict[str, str]:
    """Return the kind of allocation of each calculator that the cluster has one for."""
    kinds = {}
    for name in CALCULATORS:
        with contextlib.suppress(InputError):
            kinds[name] = worker.kind_of(name)
    return kinds


def _insert(launchpad: Any, workflow: Workflow) -> None:
    """Store a workflow, which FireWorks itself does in an order that leaves fireworks without one if it is cut off."""
    first = launchpad.get_new_fw_id(quantity=len(workflow))
    numbers = {old: first + place for place, old in enumerate(sorted(workflow.id_fw))}
    for firework in workflow:
        firework.fw_id = numbers[firework.fw_id]
    workflow._reassign_ids(numbers)
    document = workflow.to_db_dict()
    slot = document["metadata"]["slot"]
    while True:
        try:
            launchpad.workflows.insert_one(document)
            break
        except DuplicateKeyError:
            held = launchpad.workflows.find_one({"metadata.slot": slot})
            if held is not None and _is_alive(held):
                return
            if held is not None:
                ended = {"_id": held["_id"], "metadata.slot": slot}
                launchpad.workflows.update_one(ended, {"$unset": {"metadata.slot": ""}})
    launchpad.fireworks.insert_many([firework.to_db_dict() for firework in workflow])
    # nobody takes any of them before all are there
    for number in workflow.root_fw_ids:
        launchpad._refresh_wf(number)


def _is_alive(workflow: Mapping[str, Any]) -> bool:
    """Return whether something may still come of a workflow, as far as its own document says."""
    states: Mapping[str, str] = workflow["fw_states"]
    parents = workflow.get("parent_links", {})

    @cache
    def is_dead(number: str) -> bool:
        above = any(is_dead(str(parent)) for parent in parents.get(number, ()))
        return states[number] in DEAD or (states[number] == "WAITING" and above)

    return any(state in ALIVE or (state == "WAITING" and not is_dead(number)) for number, state in states.items())


_looked: dict[int, float] = {}


def pull(worker: Worker, kind: str) -> bool:
    """Run at most one job of a kind, or a light one; return whether there was one.

    Parameters
    ----------
    worker : Worker
        The cluster that this process is part of.
    kind : str
        Of its allocations.
    """
    settings = read_settings()
    launchpad = open_launchpad(settings)
    process, now = os.getpid(), time.monotonic()
    looked = _looked.get(process)
    if looked is None or now - looked >= LOOK:
        # the process whose place this one took may have left something, and so may this one while the database was away
        Mending(launchpad, open_database(settings), worker, settings.lease).bury(thoroughly=looked == AGAIN)
        _looked[process] = now
    taker = FWorker(worker.name, category=[kind, LIGHT], query=OURS)
    folder = worker.folder / "launches"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="launcher_", ignore_cleanup_errors=True) as place:
        os.chdir(place)
        try:
            return bool(Rocket(launchpad, taker, None).run())
        except Exception:
            _looked[process] = AGAIN
            raise
        finally:
            os.chdir(folder)


def more(worker: Worker, kind: str) -> bool:
    """Return whether jobs may still come without anybody's doing: some are ready, or run and may make others."""
    del kind
    launchpad = open_launchpad(read_settings())
    alive = {"spec._fworker": worker.name, "state": {"$in": ["READY", "RESERVED", "RUNNING"]}}
    return launchpad.fireworks.find_one(alive, {"_id": 1}) is not None
