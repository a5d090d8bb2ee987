"""Scheduler: who starts a worker's allocations, what becomes of them, and how they are ended."""

from __future__ import annotations

import os
import re
import secrets
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from atomsieve.structures.errors import InputError, SchedulerError, unknown
from atomsieve.workflows.clusters.processes import Processes, identity
from atomsieve.workflows.clusters.submission import Ending, JobState
from atomsieve.workflows.pool import THREADS

if TYPE_CHECKING:
    from atomsieve.workflows.clusters.cluster import Resources, Worker
    from atomsieve.workflows.clusters.queues import Queue

#: The last characters of what a job printed, in which the scheduler says why it ended it.
LAST_WORDS = 4000


def own_job() -> str:
    """Return the id that the scheduler knows this process's allocation by; empty outside of one."""
    said = os.environ.get("ATOMSIEVE_JOB", "")
    if not said.startswith("process "):
        return said
    return identity(int(said.split()[1])) or ""


class Scheduler:
    """Who starts a worker's allocations.

    Parameters
    ----------
    worker : Worker
        The cluster, or this machine.
    """

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.system: Queue | Processes
        if worker.scheduler == "none":
            self.system = Processes(worker.pilots)
        elif worker.scheduler == "slurm":
            from atomsieve.workflows.clusters.queues import Slurm

            self.system = Slurm()
        else:
            from atomsieve.workflows.clusters import gridqueues

            self.system = gridqueues.Pbs() if worker.scheduler == "pbs" else gridqueues.Sge()

    def name(self, kind: str) -> str:
        """Return what the jobs of a kind are called."""
        return f"atomsieve-{self.worker.name}-{kind}"

    def script(self, kind: str, command: Sequence[str], resources: Resources | None = None) -> str:
        """Return the text of a job script.

        The command takes the shell's place, so that signals of the scheduler reach it; where the worker has lines for
        afterwards the shell stays, and passes signals on.

        Parameters
        ----------
        kind : str
            Of the worker's kinds.
        command : sequence of str
            What runs.
        resources : Resources, optional
            In place of the kind's.

        Raises
        ------
        InputError
            If there is no such kind.
        """
        worker = self.worker
        if kind not in worker.kinds:
            raise InputError(f"{worker.source}: {unknown(kind, worker.kinds, 'kind')}")
        header = self.system.header(self.name(kind), resources or worker.kinds[kind], worker.pilots)
        lines = [f"# {self.name(kind)}", *self.preamble(), *self.launch(shlex.join(command))]
        return header + "\n".join(lines) + "\n"

    def preamble(self, *, secrets: bool = True) -> list[str]:
        """Return the lines of shell before the work; those that read secrets only for work that needs a database."""
        worker, folder = self.worker, shlex.quote(str(self.worker.folder))
        lines = [
            "umask 077",
            f'cd {folder} || {{ echo "atomsieve: {folder} is not there on $(hostname)" >&2; exit 73; }}',
            *([worker.setup.strip()] if worker.setup.strip() else []),
            *(f"export {name}={value}" for name, value in THREADS.items()),
            *(f"export {name}={shlex.quote(value)}" for name, value in worker.environment.items()),
            *(self._secrets() if secrets else []),
            f"export ATOMSIEVE_FOLDER={folder}",
            f"export ATOMSIEVE_JOB={self.system.own}",
        ]
        if worker.scratch is not None:
            lines.append(f'mkdir -p "{worker.scratch}" && export TMPDIR="{worker.scratch}"')
        return lines

    def launch(self, words: str) -> list[str]:
        """Return the lines of shell that run a command in the shell's place, or as its guardian."""
        if not self.worker.teardown.strip():
            # a signal that comes before the work has a handler must not end it
            return ["trap '' USR1", f"exec {words}"]
        return [
            f"{words} &",
            "work=$!",
            "trap 'kill -USR1 $work' USR1",
            "trap 'kill -TERM $work' TERM",
            # a signal ends the waiting, not the work
            "while true; do wait $work; status=$?; kill -0 $work 2>/dev/null || break; done",
            self.worker.teardown.strip(),
            "exit $status",
        ]

    def _secrets(self) -> list[str]:
        if self.worker.secrets is None:
            return []
        path = shlex.quote(str(self.worker.secrets))
        return [
            f'if [ "$(stat -L -c %a {path})" != 600 ]; then',
            f'    echo "atomsieve: {path} is not there with mode 600 on $(hostname)" >&2',
            "    exit 77",
            "fi",
            f"set -a; . {path}; set +a",
        ]

    def submit(self, script: str) -> str:
        """Hand a job over.

        Parameters
        ----------
        script : str
            As of :meth:`script`.

        Returns
        -------
        str
            Its id.

        Raises
        ------
        SchedulerError
            If the scheduler refuses it, or does not answer; then it may have taken it all the same: see :meth:`mine`.
        """
        from atomsieve.workflows.clusters.credentials import secrets_problem

        if self.worker.secrets is not None and (problem := secrets_problem(self.worker.secrets)):
            raise SchedulerError(f"{self.worker.source}: secrets: {problem}")
        self.worker.pilots.mkdir(mode=0o700, parents=True, exist_ok=True)
        (name,) = re.findall(r"^# (atomsieve-\S+)$", script, re.MULTILINE)[:1]
        path = self.worker.pilots / f"{name}-{secrets.token_hex(4)}.sh"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(script)
        return self.system.start(path, name)

    def mine(self, kind: str | None = None) -> dict[str, JobState]:
        """Return the jobs of this worker that are queued or running, by id.

        Parameters
        ----------
        kind : str, optional
            Only those of a kind.

        Raises
        ------
        SchedulerError
            If the scheduler does not answer.
        """
        names = {self.name(kind)} if kind is not None else {self.name(kind) for kind in self.worker.kinds}
        return {
            job: state
            for job, (name, state) in self.system.jobs().items()
            if name in names and state is not JobState.GONE
        }

    def states(self, ids: Iterable[str]) -> dict[str, JobState]:
        """Return what the scheduler says of jobs; asks it once.

        Parameters
        ----------
        ids : iterable of str
            As of :meth:`submit`.
        """
        wanted = list(ids)
        if not wanted:
            return {}
        try:
            known = self.system.jobs()
        except SchedulerError:
            return dict.fromkeys(wanted, JobState.UNKNOWN)
        return {job: known[job][1] if job in known else self.system.absent(job) for job in wanted}

    def cancel(self, ids: Iterable[str]) -> None:
        """End jobs; the work in them gets the scheduler's time to write its checkpoint.

        Raises
        ------
        SchedulerError
            If the scheduler does not answer.
        """
        self.system.cancel(ids)

    def ending(self, job: str) -> Ending:
        """Return how a job ended, as far as the scheduler and what the job printed still know."""
        return replace(self.system.ending(job), words=self.words(job))

    def words(self, job: str) -> str:
        """Return the last that a job printed; empty if nothing is there."""
        path = self.log(job)
        try:
            with (path or self.worker.pilots / "none").open("rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - LAST_WORDS))
                return file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def log(self, job: str) -> Path | None:
        """Return the file that a job prints to, None if there is none yet."""
        named = self.worker.pilots / f"{job}.job"
        if named.is_file():
            return self.worker.pilots / named.read_text(encoding="utf-8").splitlines()[1]
        number = job.split(".")[0]
        return next(
            (path for end in (f"*-{number}.log", f"*.o{number}") for path in self.worker.pilots.glob(end)), None
        )
