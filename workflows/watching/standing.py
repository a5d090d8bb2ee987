"""Standing: how a campaign stands at one moment, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from atomsieve.structures.task import TaskState


@dataclass(frozen=True)
class StageStanding:
    """How the sites of one stage stand; of all, where a campaign has no stages.

    Parameters
    ----------
    name : str or None
        Of the stage.
    entered : int or None
        Number of sites that come to it; None if that is not known yet.
    passed : int or None
        Number of sites that go on; None if that is not known yet.
    done, failed, working : int
        Sites whose flow has ended, with results or without, and of which something runs or waits.
    """

    name: str | None
    entered: int | None
    passed: int | None
    done: int
    failed: int
    working: int

    @property
    def left(self) -> int:
        """Sites that have neither results nor failed."""
        return max(0, (self.entered or 0) - self.done - self.failed)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        fallen = None if self.passed is None else self.done - self.passed
        numbers = {name: value for name, value in vars(self).items() if name != "name"}
        return {"stage": self.name, **numbers, "rejected": fallen}


@dataclass(frozen=True)
class Standing:
    """How a campaign stands.

    Parameters
    ----------
    campaign : str
        Name.
    now : datetime
        When, by the clock of the database.
    engines : tuple of (str, str)
        Each engine with its worker that has tasks of it.
    running : bool
        Whether somebody works on it: a process of this machine, or jobs that run elsewhere.
    heard : datetime or None
        Last sign of life of anything that runs.
    sites : int
        That its file makes.
    stages : tuple of StageStanding
        In order; one without a name where there are none.
    calculations : mapping of str to mapping
        How many are in which state, by kind.
    rate : float or None
        Calculations that end in an hour, of late; None where nothing has ended.
    left : (float, float or None) or None
        Hours that are left, least and most; None where that cannot be said.
    failures : mapping of str to int
        How many failed, by class.
    core_hours : float
        Spent on calculations.
    node_hours : float or None
        The same in nodes, where the worker says how many cores one has.
    """

    campaign: str
    now: datetime
    engines: tuple[tuple[str, str], ...]
    running: bool
    heard: datetime | None
    sites: int
    stages: tuple[StageStanding, ...]
    calculations: Mapping[str, Mapping[str, int]]
    rate: float | None
    left: tuple[float, float | None] | None
    failures: Mapping[str, int]
    core_hours: float
    node_hours: float | None = None

    @property
    def complete(self) -> int:
        """Sites with which nothing is left to do: they have results of the last stage, or fell out before."""
        fallen = sum(stage.done - stage.passed for stage in self.stages[:-1] if stage.passed is not None)
        return self.stages[-1].done + fallen

    @property
    def totals(self) -> dict[str, int]:
        """How many calculations are in which state."""
        found: Counter[str] = Counter()
        for states in self.calculations.values():
            found.update(states)
        return {state: found[state] for state in TaskState if found[state]}

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; names and meanings stay."""
        return {
            "campaign": self.campaign,
            "time": f"{self.now.isoformat(timespec='seconds')}Z",
            "engines": [{"engine": engine, "worker": worker} for engine, worker in self.engines],
            "running": self.running,
            "heard": f"{self.heard.isoformat(timespec='seconds')}Z" if self.heard is not None else None,
            "sites": self.sites,
            "complete": self.complete,
            "failed": sum(stage.failed for stage in self.stages),
            "working": sum(stage.working for stage in self.stages),
            **({"stages": [stage.to_dict() for stage in self.stages]} if self.stages[0].name is not None else {}),
            "calculations": self.totals,
            "kinds": {kind: dict(states) for kind, states in self.calculations.items()},
            "per_hour": self.rate,
            "hours_left": list(self.left) if self.left is not None else None,
            "failures": dict(self.failures),
            "core_hours": self.core_hours,
            "node_hours": self.node_hours,
        }
