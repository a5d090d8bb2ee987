"""Queue: the batch system of a cluster, asked through its own commands; Slurm is one."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtoolkit.core.data_objects import QState
from qtoolkit.core.exceptions import CommandFailedError, OutputParsingError
from qtoolkit.io.slurm import SlurmIO

from atomsieve.structures.errors import SchedulerError
from atomsieve.workflows.clusters.submission import Ending, JobState, submission_environment

if TYPE_CHECKING:
    from qtoolkit.core.data_objects import QJob
    from qtoolkit.io.base import BaseSchedulerIO

    from atomsieve.workflows.clusters.cluster import Resources

#: Seconds until a command of the scheduler counts as unanswered.
PATIENCE = 60.0
_STATES: dict[Any, JobState] = {
    QState.QUEUED: JobState.QUEUED,
    QState.QUEUED_HELD: JobState.QUEUED,
    QState.REQUEUED: JobState.QUEUED,
    QState.REQUEUED_HELD: JobState.QUEUED,
    QState.RUNNING: JobState.RUNNING,
    QState.SUSPENDED: JobState.RUNNING,
    QState.DONE: JobState.GONE,
    QState.FAILED: JobState.GONE,
}


def run(command: Sequence[str], folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command of the scheduler, in a folder if one is given.

    Raises
    ------
    SchedulerError
        If there is no such command, or it does not answer in time.
    """
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=PATIENCE,
            stdin=subprocess.DEVNULL,
            env=submission_environment(),
            cwd=folder,
        )
    except subprocess.TimeoutExpired:
        raise SchedulerError(f"{command[0]} did not answer in {PATIENCE:g} s") from None
    except OSError as error:
        raise SchedulerError(f"{command[0]} cannot be run here: {error.strerror}") from None


def words_of(result: subprocess.CompletedProcess[str]) -> str:
    """Return what a command said in the end, in a line."""
    lines = (result.stderr.strip() or result.stdout.strip()).splitlines()
    return "; ".join(line.strip() for line in lines[-3:]) or f"exit code {result.returncode} and no word"


class Queue:
    """A batch system.

    Subclasses say what differs: the header of a script, how jobs are listed, and where ended ones are looked up.
    """

    io: BaseSchedulerIO
    prefix: str  # of a line for the scheduler in a script
    own: str  # what is the job's own id, to its shell

    def header(self, name: str, resources: Resources, logs: Path) -> str:
        """Return the first lines of a script.

        Parameters
        ----------
        name : str
            Of the job.
        resources : Resources
            What it asks for.
        logs : pathlib.Path
            The folder that what it prints goes to.
        """
        text = self.io.generate_header(self.fields(name, resources, logs))
        return f"#!/bin/bash -l\n{text.strip()}\n"

    def fields(self, name: str, resources: Resources, logs: Path) -> dict[str, Any]:
        """Return what fills qtoolkit's template of a header; see :meth:`header`."""
        verbatim = [line if line.startswith(self.prefix) else f"{self.prefix} {line}" for line in resources.options]
        own = self.options(name, resources, logs)
        lines = [f"{self.prefix} {line}" for line in own.pop("lines")]
        stated = {key: value for key, value in own.items() if value is not None}
        return {**stated, "qverbatim": "\n".join([*lines, *verbatim])}

    def options(self, name: str, resources: Resources, logs: Path) -> dict[str, Any]:
        """Return the fields of the header's template, and under ``lines`` what it has no field for."""
        raise NotImplementedError

    def start(self, script: Path, name: str) -> str:
        """Submit a script; return the job's id."""
        del name
        result = run([str(self.io.SUBMIT_CMD), str(script)], script.parent)
        try:
            answer = self.io.parse_submit_output(result.returncode, result.stdout, result.stderr)
        except OutputParsingError:
            answer = None
        if answer is None or answer.job_id is None:
            raise SchedulerError(f"{self.io.SUBMIT_CMD} refused the job: {words_of(result)}")
        return str(answer.job_id)

    def jobs(self) -> dict[str, tuple[str, JobState]]:
        """Return name and state of this user's jobs by id.

        Raises
        ------
        SchedulerError
            If the scheduler does not answer, or its answer cannot be read.
        """
        result = self.listing()
        try:
            found: list[QJob] = self.io.parse_jobs_list_output(result.returncode, result.stdout, result.stderr)
        except (CommandFailedError, OutputParsingError, ValueError, KeyError, TypeError) as error:
            text = str(error).strip().splitlines()
            raise SchedulerError(
                f"the list of jobs cannot be read: {text[0] if text else type(error).__name__}"
            ) from None
        return {str(job.job_id): (job.name or "", _STATES.get(job.state, JobState.UNKNOWN)) for job in found}

    def listing(self) -> subprocess.CompletedProcess[str]:
        """Return what the scheduler lists of this user's jobs."""
        return run(["bash", "-c", self.io.get_jobs_list_cmd(None, user())])

    def absent(self, job: str) -> JobState:
        """Return the state of a job that is not listed."""
        del job
        return JobState.GONE

    def cancel(self, ids: Iterable[str]) -> None:
        """Ask for the end of jobs; those that are gone already are no error."""
        wanted = list(ids)
        if wanted:
            run([*str(self.io.CANCEL_CMD).split(), *wanted])

    def ending(self, job: str) -> Ending:
        """Return what the scheduler says of a job that has ended."""
        for command in self.records(job):
            try:
                result = run(command)
            except SchedulerError:
                continue
            if result.returncode == 0 and (found := self.read(result.stdout)):
                return found
        return Ending()

    def records(self, job: str) -> Iterator[list[str]]:
        """Yield commands that may know of a job that has ended, the best first."""
        raise NotImplementedError

    def read(self, text: str) -> Ending | None:
        """Return what such a command said, None if nothing."""
        raise NotImplementedError


class Slurm(Queue):
    """Slurm."""

    io = SlurmIO()
    prefix = "#SBATCH"
    own = '"$SLURM_JOB_ID"'

    def options(self, name: str, resources: Resources, logs: Path) -> dict[str, Any]:
        """Return the fields of the header; see the base class."""
        return {
            "job_name": name,
            "partition": resources.queue,
            "account": resources.account,
            "time": _days(resources.walltime),
            "nodes": resources.nodes,
            "ntasks_per_node": resources.cores,
            "mem": f"{resources.memory}M" if resources.memory is not None else None,
            "qout_path": logs / "%x-%j.log",
            # a pilot is not put back by the scheduler: what becomes of its work is decided where that is known
            "lines": [f"--signal=B:USR1@{resources.margin}", "--no-requeue"],
        }

    def records(self, job: str) -> Iterator[list[str]]:
        """Yield where to look a job up; see the base class."""
        yield ["scontrol", "show", "job", "-o", job]
        fields = "state%40,exitcode,reason%60"
        yield ["sacct", "-X", "-n", "-P", "-j", job, "-o", fields]
        yield ["sacct", "-c", "-n", "-P", "-j", job, "-o", "state%40"]

    def read(self, text: str) -> Ending | None:
        """Return what such a command said; see the base class."""
        lines = [line for line in text.splitlines() if line.strip()]
        if not lines:
            return None
        if "JobState=" not in text:
            state, *rest = lines[-1].split("|")
            return Ending(state.strip(), " ".join(part for part in rest if part and part != "None"))
        pairs: Mapping[str, str] = dict(re.findall(r"(\w+)=(\S*)", text))
        reason = pairs.get("Reason", "")
        shown = [f"exit code {pairs.get('ExitCode')}", *([reason] if reason not in ("", "None") else [])]
        return Ending(pairs["JobState"], ", ".join(shown))


def user() -> str:
    """Return the name of whoever runs this, which the environment cannot change."""
    return pwd.getpwuid(os.getuid()).pw_name


def _days(seconds: int) -> str:
    days, rest = divmod(seconds, 86400)
    return f"{days}-{hours(rest)}"


def hours(seconds: int) -> str:
    """Return a duration as ``HH:MM:SS``."""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
