"""Gridqueue: PBS and SGE, whose commands are called qsub, qstat and qdel."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtoolkit.io.pbs import PBSIO
from qtoolkit.io.sge import SGEIO

from atomsieve.structures.errors import SchedulerError
from atomsieve.workflows.clusters.queues import Queue, hours, run, user, words_of
from atomsieve.workflows.clusters.submission import Ending

if TYPE_CHECKING:
    from atomsieve.workflows.clusters.cluster import Resources

#: What qstat ends with where it knows none of some jobs, or no longer.
_UNKNOWN_JOB, _FINISHED_JOB = 153, 35
#: What PBS ends a job with that it ended itself.
_PBS_ENDS = {"-29": "TIMEOUT", "-27": "OUT_OF_MEMORY", "-26": "OUT_OF_MEMORY", "271": "CANCELLED"}


class Pbs(Queue):
    """OpenPBS and PBS Pro."""

    io = PBSIO()
    prefix = "#PBS"
    own = '"${PBS_JOBID:-$SLURM_JOB_ID}"'  # Slurm takes the commands of PBS as well

    def options(self, name: str, resources: Resources, logs: Path) -> dict[str, Any]:
        """Return the fields of the header; see the base class."""
        chunk = f"select={resources.nodes}:ncpus={resources.cores}:mpiprocs={resources.cores}"
        return {
            "job_name": name,
            "queue": resources.queue,
            "account": resources.account,
            "walltime": hours(resources.walltime),
            "select": chunk + (f":mem={resources.memory}mb" if resources.memory is not None else ""),
            "qout_path": f"{logs}/",
            "rerunnable": "n",
            "lines": ["-j oe"],
        }

    def listing(self) -> subprocess.CompletedProcess[str]:
        """Return what the scheduler lists of this user's jobs."""
        try:
            selected = run(["qselect", "-u", user()])
        except SchedulerError:
            listed = run(["qstat", "-f"])  # relatives of PBS without qselect
        else:
            if selected.returncode:
                raise SchedulerError(f"qselect: {words_of(selected)}")
            if not selected.stdout.split():
                return selected
            listed = run(["qstat", "-f", *selected.stdout.split()])
        if listed.returncode in (_UNKNOWN_JOB, _FINISHED_JOB):
            listed.returncode = 0
        # the relatives write the first line otherwise, and go on listing jobs that have ended
        listed.stdout = re.sub(r"^Job Id:\s+", "Job Id: ", listed.stdout, flags=re.MULTILINE)
        listed.stdout = re.sub(r"^(\s*job_state = )C$", r"\1F", listed.stdout, flags=re.MULTILINE)
        return listed

    def records(self, job: str) -> Iterator[list[str]]:
        """Yield where to look a job up; see the base class."""
        yield ["qstat", "-x", "-f", job]
        yield ["qstat", "-f", job]

    def read(self, text: str) -> Ending | None:
        """Return what such a command said; see the base class."""
        pairs: dict[str, str] = dict(re.findall(r"^\s*(\w+) = (.*)$", text, flags=re.MULTILINE))
        if not pairs:
            return None
        code = pairs.get("Exit_status", pairs.get("exit_status", ""))
        said = [*([f"exit code {code}"] if code else []), *([pairs["comment"]] if "comment" in pairs else [])]
        return Ending(_PBS_ENDS.get(code, ""), ", ".join(said))


class Sge(Queue):
    """Sun Grid Engine and its successors."""

    io = SGEIO()
    prefix = "#$"
    own = '"$JOB_ID"'

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
            "walltime": hours(resources.walltime),
            # SIGUSR1 comes then
            "soft_walltime": hours(resources.walltime - resources.margin),
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
        pairs: dict[str, str] = dict(re.findall(r"^(\w+)\s+(.*\S)\s*$", text, flags=re.MULTILINE))
        said = [f"{key} {pairs[key]}" for key in ("failed", "exit_status", "maxvmem") if key in pairs]
        return Ending("", ", ".join(said)) if said else None
