"""Process: a job of a worker without a scheduler, which this machine runs at once."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from atomsieve.structures.errors import SchedulerError
from atomsieve.workflows.scheduler import Ending, JobState, submission_environment

if TYPE_CHECKING:
    from atomsieve.workflows.cluster import Resources

#: Seconds from SIGTERM to SIGKILL.
GRACE = 15.0


def identity(process: int) -> str | None:
    """Return what tells a process from any other that has had its number, None if it has ended.

    Examples
    --------
    >>> identity(os.getpid()) == identity(os.getpid())
    True
    """
    try:
        # the name of a program may hold anything, parentheses as well
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
        listed = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(process)], capture_output=True, text=True)
        state, *fields = listed.stdout.split() or ["Z"]
        started = "-".join(fields).replace(":", "")
    except ProcessLookupError:
        return None
    else:
        state, started = fields[0], fields[19]
    return None if state.startswith(("Z", "X")) else f"{socket.gethostname()}:{process}:{started}"


class Processes:
    """Jobs that are processes of this machine.

    Parameters
    ----------
    folder : pathlib.Path
        Where each leaves its name and what it prints.
    """

    number = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def header(self, name: str, resources: Resources, logs: Path) -> str:
        """Return the first lines of a script."""
        del name, resources, logs
        return "#!/bin/bash\n"

    def start(self, script: Path, name: str) -> str:
        """Start a script in a session of its own; return the job's id."""
        # the shell in between ends at once, so that the job is nobody's child and nobody waits for it
        line = 'setsid bash "$0" </dev/null >"$1" 2>&1 & echo $!'
        log = script.with_suffix(".log")
        command = ["bash", "-c", line, str(script), str(log)]
        result = subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=self.folder, env=submission_environment()
        )
        process = int(result.stdout)
        job = identity(process)
        if job is None:
            words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise SchedulerError(f"the job ended at once: {words[-1] if words else 'no word'}; see {log}")
        (self.folder / f"{job}.job").write_text(f"{name}\n{log.name}\n", encoding="utf-8")
        return job

    def jobs(self) -> dict[str, tuple[str, JobState]]:
        """Return name and state of the jobs that this folder knows by id."""
        found = {}
        for path in self.folder.glob("*.job"):
            with suppress(OSError, IndexError):
                found[path.stem] = (path.read_text(encoding="utf-8").splitlines()[0], self.state(path.stem))
        return found

    def absent(self, job: str) -> JobState:
        """Return the state of a job that is not listed."""
        return self.state(job)

    def state(self, job: str) -> JobState:
        """Return the state of a job; of another machine's nothing is known."""
        if not job.startswith(f"{socket.gethostname()}:"):
            return JobState.UNKNOWN
        return JobState.RUNNING if identity(int(job.split(":")[1])) == job else JobState.GONE

    def cancel(self, ids: Iterable[str]) -> None:
        """End jobs, with all that they started."""
        running = [job for job in ids if self.state(job) is JobState.RUNNING]
        for job in running:
            with suppress(ProcessLookupError):
                os.kill(int(job.split(":")[1]), signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        while time.monotonic() < deadline and any(self.state(job) is JobState.RUNNING for job in running):
            time.sleep(0.05)
        for job in running:
            if self.state(job) is JobState.RUNNING:
                with suppress(ProcessLookupError):
                    os.killpg(int(job.split(":")[1]), signal.SIGKILL)

    def ending(self, job: str) -> Ending:
        """Return what is known of a job that has ended, which is only what it printed."""
        del job
        return Ending()
