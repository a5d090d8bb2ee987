"""Queue: the batch system of a cluster (Slurm, PBS, SGE), asked through its own commands."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from qtoolkit.core.data_objects import QState
from qtoolkit.core.exceptions import CommandFailedError, OutputParsingError
from qtoolkit.io.pbs import PBSIO
from qtoolkit.io.sge import SGEIO
from qtoolkit.io.slurm import SlurmIO

from atomsieve.structures.errors import SchedulerError
from atomsieve.workflows.scheduler import Ending, JobState, submission_environment

if TYPE_CHECKING:
    from qtoolkit.core.data_objects import QJob
    from qtoolkit.io.base import BaseSchedulerIO

    from atomsieve.workflows.cluster import Resources

#: Seconds until a command of the scheduler counts as unanswered.
PATIENCE = 60.0
_STATES = {
    QState.QUEUED: JobState.QUEUED,
    QState.QUEUED_HELD: JobState.QUEUED,
    QState.REQUEUED: JobState.QUEUED,
    QState.REQUEUED_HELD: JobState.QUEUED,
    QState.RUNNING: JobState.RUNNING,
    QState.SUSPENDED: JobState.RUNNING,
    QState.DONE: JobState.GONE,
    QState.FAILED: JobState.GONE,
}
#: What qstat ends with where it knows none of some jobs, or no longer.
_UNKNOWN_JOB, _FINISHED_JOB = 153, 35
#: What PBS ends a job with that it ended itself.
_PBS_ENDS = {"-29": "TIMEOUT", "-27": "OUT_OF_MEMORY", "-26": "OUT_OF_MEMORY", "271": "CANCELLED"}


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


def _words(result: subprocess.CompletedProcess[str]) -> str:
    lines = (result.stderr.strip() or result.stdout.strip()).splitlines()
    return "; ".join(line.strip() for line in lines[-3:]) or f"exit code {result.returncode} and no word"


class Queue:
    """A batch system.

    Subclasses say what differs: the header of a script, how jobs are listed, and where ended ones are looked up.
    """

    io: BaseSchedulerIO
    prefix: str  # of a line for the scheduler in a script
    number: str  # the variable in which a job finds its own id

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
        verbatim = [line if line.startswith(self.prefix) else f"{self.prefix} {line}" for line in resources.options]
        own = self.options(name, resources, logs)
        lines = [f"{self.prefix} {line}" for line in own.pop("lines")]
        stated = {key: value for key, value in own.items() if value is not None}
        text = self.io.generate_header({**stated, "qverbatim": "\n".join([*lines, *verbatim])})
        return f"#!/bin/bash -l\n{text.strip()}\n"

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
            raise SchedulerError(f"{self.io.SUBMIT_CMD} refused the job: {_words(result)}")
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
        return run(["bash", "-c", self.io.get_jobs_list_cmd(None, _user())])

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
    number = "SLURM_JOB_ID"

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


class _PbsCommands(PBSIO):
    """PBS as its relatives speak it: numbers without a server, and ended jobs that are still listed."""

    job_id_regex = None

    def parse_jobs_list_output(
        self, exit_code: int, stdout: str | bytes, stderr: str | bytes, job_ids: list[str] | None = None
    ) -> list[QJob]:
        text = stdout.decode() if isinstance(stdout, bytes) else stdout
        text = re.sub(r"^Job Id:\s+", "Job Id: ", text, flags=re.MULTILINE)
        text = re.sub(r"^(\s*job_state = )C$", r"\1F", text, flags=re.MULTILINE)
        answered = exit_code in (_UNKNOWN_JOB, _FINISHED_JOB)
        found: list[QJob] = super().parse_jobs_list_output(0 if answered else exit_code, text, stderr, job_ids)
        return found


class Pbs(Queue):
    """OpenPBS and PBS Pro."""

    io = _PbsCommands()
    prefix = "#PBS"
    number = "PBS_JOBID"

    def options(self, name: str, resources: Resources, logs: Path) -> dict[str, Any]:
        """Return the fields of the header; see the base class."""
        chunk = f"select={resources.nodes}:ncpus={resources.cores}:mpiprocs={resources.cores}"
        return {
            "job_name": name,
            "queue": resources.queue,
            "account": resources.account,
            "walltime": _hours(resources.walltime),
            "select": chunk + (f":mem={resources.memory}mb" if resources.memory is not None else ""),
            "qout_path": f"{logs}/",
            "rerunnable": "n",
            "lines": ["-j oe"],
        }

    def listing(self) -> subprocess.CompletedProcess[str]:
        """Return what the scheduler lists of this user's jobs."""
        try:
            selected = run(["qselect", "-u", _user()])
        except SchedulerError:
            return run(["qstat", "-f"])  # relatives of PBS without qselect
        if selected.returncode:
            raise SchedulerError(f"qselect: {_words(selected)}")
        ids = selected.stdout.split()
        return run(["qstat", "-f", *ids]) if ids else selected

    def records(self, job: str) -> Iterator[list[str]]:
        """Yield where to look a job up; see the base class."""
        yield ["qstat", "-x", "-f", job]
        yield ["qstat", "-f", job]

    def read(self, text: str) -> Ending | None:
        """Return what such a command said; see the base class."""
        pairs = dict(re.findall(r"^\s*(\w+) = (.*)$", text, flags=re.MULTILINE))
        if not pairs:
            return None
        code = pairs.get("Exit_status", pairs.get("exit_status", ""))
        said = [*([f"exit code {code}"] if code else []), *([pairs["comment"]] if "comment" in pairs else [])]
        return Ending(_PBS_ENDS.get(code, ""), ", ".join(said))


class Sge(Queue):
    """Sun Grid Engine and its successors."""

    io = SGEIO()
    prefix = "#$"
    number = "JOB_ID"

    def options(self, name: str, resources: Resources, logs: Path) -> dict[str, Any]:
        """Return the fields of the header; see the base class."""
        slots = resources.nodes * resources.cores
        # what a parallel environment is called differs: a cluster's own is named in the options
        own = any(re.search(r"-pe\s", line) for line in resources.options)
        per_slot = f"h_vmem={resources.memory // resources.cores}M" if resources.memory is not None else None
        return {
            "job_name": name,
            "queue": resources.queue,
            "device": resources.account,
            "walltime": _hours(resources.walltime),
            # SIGUSR1 comes then
            "soft_walltime": _hours(resources.walltime - resources.margin),
            "model": None if own or slots == 1 else f"smp {slots}",
            "select": per_slot,
            "qout_path": f"{logs}/",
            "rerunnable": "n",
            "lines": ["-j y"],
        }

    def records(self, job: str) -> Iterator[list[str]]:
        """Yield where to look a job up; see the base class."""
        yield ["qacct", "-j", job]

    def read(self, text: str) -> Ending | None:
        """Return what such a command said; see the base class."""
        pairs = dict(re.findall(r"^(\w+)\s+(.*\S)\s*$", text, flags=re.MULTILINE))
        said = [f"{key} {pairs[key]}" for key in ("failed", "exit_status", "maxvmem") if key in pairs]
        return Ending("", ", ".join(said)) if said else None


QUEUES: Mapping[str, type[Queue]] = MappingProxyType({"slurm": Slurm, "pbs": Pbs, "sge": Sge})


def _user() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


def _days(seconds: int) -> str:
    days, rest = divmod(seconds, 86400)
    return f"{days}-{_hours(rest)}"


def _hours(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
