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

import psutil

from atomsieve.structures.errors import SchedulerError
from atomsieve.workflows.clusters.submission import Ending, JobState, submission_environment

if TYPE_CHECKING:
    from atomsieve.workflows.clusters.cluster import Resources

#: Starts a script ($0) that prints to a file ($1) in a session of its own, and prints its number. It waits for a line,
#: and does nothing if none comes. The shell in between ends at once, so that the job is nobody's child.
_START = """exec 3<&0
setsid bash -c 'read -r line <&3 || exit 1; exec 3<&-; exec bash "$0"' "$0" </dev/null >"$1" 2>&1 &
echo $!"""
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
        if Path("/proc/self/stat").exists():
            # by the kernel's own clock, which nobody sets; the name of a program may hold anything, parentheses as well
            text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
            state, *_, started = text.rpartition(")")[2].split()[:20]
        else:
            other = psutil.Process(process)
            state, started = other.status(), f"{other.create_time():.2f}"
    except (FileNotFoundError, ProcessLookupError, psutil.Error):
        return None
    return None if state in ("Z", "X", psutil.STATUS_ZOMBIE) else f"{socket.gethostname()}:{process}:{started}"


def kill(process: int) -> None:
    """Kill a process and all that it started."""
    with suppress(psutil.Error):
        first = psutil.Process(process)
        # what it starts meanwhile is its child as well
        first.suspend()
        for other in (*first.children(recursive=True), first):
            with suppress(psutil.Error):
                other.kill()


class Processes:
    """Jobs that are processes of this machine.

    Parameters
    ----------
    folder : pathlib.Path
        Where each leaves its name and what it prints.
    """

    own = '"process $$"'  # for own_job() to complete

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def header(self, name: str, resources: Resources, logs: Path) -> str:
        """Return the first lines of a script."""
        del name, resources, logs
        return "#!/bin/bash\n"

    def start(self, script: Path, name: str) -> str:
        """Start a script in a session of its own; return the job's id."""
        log = script.with_suffix(".log")
        with subprocess.Popen(
            ["bash", "-c", _START, str(script), str(log)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=submission_environment(),
        ) as shell:
            assert shell.stdin is not None
            assert shell.stdout is not None
            process = int(shell.stdout.readline())
            job = identity(process)
            if job is None:
                raise SchedulerError(f"the process {process} for {script} was ended by somebody else")
            (self.folder / f"{job}.job").write_text(f"{name}\n{log.name}\n", encoding="utf-8")
            # known now, whatever becomes of us
            shell.stdin.write("go\n")
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
                kill(int(job.split(":")[1]))

    def ending(self, job: str) -> Ending:
        """Return what is known of a job that has ended, which is only what it printed."""
        del job
        return Ending()
