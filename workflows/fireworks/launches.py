"""Launch: one attempt at a firework: whether it still is the current one, its signs of life, what it left."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from atomsieve.structures.errors import StaleAttemptError
from atomsieve.workflows import interruption
from atomsieve.workflows.clusters.processes import identity
from atomsieve.workflows.clusters.scheduler import own_job
from atomsieve.workflows.fireworks.patience import patiently

#: Why an attempt is asked to stop when its firework says so.
CANCELLED = "cancelled by a person"
SUPERSEDED = "a later attempt has begun"

LOGGER = logging.getLogger(__name__)


class Launch:
    """One attempt at a firework, in the process that makes it.

    Parameters
    ----------
    launchpad : fireworks.LaunchPad
        Connected.
    fw_id : int
        The firework's number.
    """

    def __init__(self, launchpad: Any, fw_id: int) -> None:
        self.launchpad = launchpad
        self.fw_id = fw_id
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        # a launch has one process: another that woke up late must not take it for its own
        wanted = {"fw_id": fw_id, "state": "RUNNING", "witness.process": {"$exists": False}}
        found = patiently(lambda: self._mark(wanted))
        if found is None:
            raise StaleAttemptError(f"firework {fw_id}: {SUPERSEDED}")
        self.launch_id: int = found["launch_id"]
        self.began: datetime = found["beat"]
        self.check()

    def check(self) -> None:
        """See that this is still the firework's current attempt, and that nobody wants it stopped.

        Raises
        ------
        StaleAttemptError
            If it is not, with the reason.
        """
        reason = patiently(self._reason)
        if reason is not None:
            raise StaleAttemptError(f"firework {self.fw_id}: {reason}; what launch {self.launch_id} made is not taken")

    def number(self) -> int:
        """Return the number of this attempt among all at the firework."""
        found = patiently(lambda: self.launchpad.fireworks.find_one({"fw_id": self.fw_id}))
        return len(found["archived_launches"]) + len(found["launches"]) if found is not None else 1

    def beat(self, interval: float, also: Callable[[], object]) -> None:
        """Give a sign of life at intervals, and see whether the attempt is still wanted.

        Parameters
        ----------
        interval : float
            Seconds.
        also : callable
            Done each time too.
        """

        def run() -> None:
            while not self._stop.wait(interval):
                # an outage ends; the beat goes on
                try:
                    self._mark({"launch_id": self.launch_id})
                    also()
                    if (reason := self._reason()) is not None:
                        interruption.request(reason)
                except Exception as error:
                    LOGGER.warning("no sign of life could be given: %s", type(error).__name__)

        self._thread = threading.Thread(target=run, name=f"launch-{self.launch_id}", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop beating."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _mark(self, launch: dict[str, Any]) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.launchpad.launches.find_one_and_update(
            launch,
            {"$set": {"witness": witness()}, "$currentDate": {"beat": True}},
            projection={"beat": 1, "launch_id": 1},
            sort=[("launch_id", -1)],
            return_document=True,
        )
        return found

    def _reason(self) -> str | None:
        found = self.launchpad.fireworks.find_one({"fw_id": self.fw_id}, {"state": 1, "launches": 1})
        if found is None or self.launch_id not in found["launches"]:
            return SUPERSEDED
        return CANCELLED if found["state"] == "DEFUSED" else None


def witness() -> dict[str, Any]:
    """Return what tells this process from any other: host, system, process, its start, and the scheduler's job."""
    pid = os.getpid()
    return {
        "host": socket.gethostname(),
        "system": _system(),
        "process": pid,
        "identity": identity(pid),
        "job": own_job() or None,
    }


def has_died(seen: dict[str, Any]) -> bool | None:
    """Return whether a process is dead, None where that cannot be seen from here.

    Parameters
    ----------
    seen : dict
        Its witness.
    """
    if seen["host"] != socket.gethostname() or seen["system"] != _system():
        return None
    return bool(identity(seen["process"]) != seen["identity"])


@cache
def _system() -> str:
    """Return what tells this start of the machine, and a container with processes of its own, from any other."""
    parts = []
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)
