"""Loss: a launch of which nothing more will come, found by its scheduler, its sign of life and the system itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from atomsieve.workflows.clusters.scheduler import Scheduler
from atomsieve.workflows.clusters.submission import JobState
from atomsieve.workflows.fireworks.launches import has_died
from atomsieve.workflows.watching.causes import Cause, classify


@dataclass(frozen=True)
class Loss:
    """A launch of which nothing more will come."""

    firework: Mapping[str, Any]
    launch: Mapping[str, Any]
    cause: Cause
    how: str


#: Why a process died of which nobody knows more.
DIED = classify("the worker process died")


def running(launchpad: Any, query: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yield the fireworks that run, each with its launch."""
    fireworks = list(launchpad.fireworks.find({**query, "state": "RUNNING"}))
    wanted = {"launch_id": {"$in": [number for firework in fireworks for number in firework["launches"]]}}
    found = launchpad.launches.find({**wanted, "state": {"$in": ["RUNNING", "RESERVED"]}})
    launches = {launch["launch_id"]: launch for launch in found}
    for firework in fireworks:
        for number in firework["launches"]:
            if number in launches:
                yield firework, launches[number]


def lost_launches(
    launchpad: Any, query: Mapping[str, Any], scheduler: Scheduler, now: datetime, lease: timedelta
) -> Iterator[Loss]:
    """Yield the launches of which nothing more will come."""
    silent: list[tuple[Mapping[str, Any], Mapping[str, Any], bool, bool]] = []
    for firework, launch in running(launchpad, query):
        seen, beat = launch.get("witness"), launch.get("beat")
        died = has_died(seen) if seen is not None else None
        is_stale = beat is not None and now - beat > lease
        if beat is None:
            # a process that has said nothing yet is given a lease from now on
            mark = {"launch_id": launch["launch_id"], "beat": {"$exists": False}}
            launchpad.launches.update_one(mark, {"$currentDate": {"beat": True}})
        elif seen is None and is_stale:
            yield Loss(firework, launch, classify(""), "its process never began")
        elif seen is not None and not seen["job"] and died:
            yield Loss(firework, launch, DIED, "its process died")
        elif seen is not None and seen["job"] and (died or (died is None and is_stale)):
            silent.append((firework, launch, bool(died), is_stale))
    states = scheduler.states({launch["witness"]["job"] for _, launch, _, _ in silent})
    for firework, launch, died, is_stale in silent:
        state = states[launch["witness"]["job"]]
        # the scheduler knows better than the system why a process died; one that does not answer says nothing
        if state is JobState.GONE:
            yield _ended(firework, launch, launch["witness"]["job"], scheduler)
        elif state is JobState.RUNNING and died and is_stale:
            yield Loss(firework, launch, DIED, "its process died")


def _ended(firework: Mapping[str, Any], launch: Mapping[str, Any], job: str, scheduler: Scheduler) -> Loss:
    ending = scheduler.ending(job)
    cause = classify(f"{ending.reason}\n{ending.words}", ending.state)
    return Loss(firework, launch, cause, f"job {job} ended ({ending.state or cause.name})")
