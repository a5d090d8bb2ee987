"""Clusterdoctor: whether a cluster does what its file says, tried with a small job of each kind, step by step."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import get_args

from atomsieve.structures.errors import AtomsieveError, InputError, SchedulerError
from atomsieve.workflows import screen
from atomsieve.workflows.calculators import calculator
from atomsieve.workflows.clusters.cluster import Resources, Worker, read_worker
from atomsieve.workflows.clusters.scheduler import Scheduler
from atomsieve.workflows.clusters.submission import JobState
from atomsieve.workflows.doctor import PLAIN, Finding, State, show
from atomsieve.workflows.settings import Settings, read_settings

#: The commands of each scheduler.
COMMANDS = {
    "slurm": ("sbatch", "squeue", "scancel"),
    "pbs": ("qsub", "qstat", "qdel"),
    "sge": ("qsub", "qstat", "qdel"),
}
#: Walltime (s) and memory (MB) of a test job at most, so that it starts soon.
WALLTIME, MEMORY = 600, 2000
#: Seconds until a file system of the network shows what a node wrote.
LAG = 10.0


def examine_worker(
    name: str, settings: Settings, calculators: Sequence[str] = (), wait: float = 600.0
) -> list[Finding]:
    """Try a cluster.

    Parameters
    ----------
    name : str
        Of the worker, or the path of its file.
    settings : Settings
        Of this machine.
    calculators : sequence of str
        Which must work there; unless given those that the kinds name, and those of a plain installation.
    wait : float
        Seconds that the test jobs have, time in the queue included.
    """
    for entry in calculators:
        calculator(entry)
    try:
        worker = read_worker(name, settings)
    except InputError as error:
        return [_finding("file", "broken", str(error), "correct the file as it says")]
    found = [_finding("file", "works", str(worker.source))]
    found += _here(worker)
    if any(finding.hurts for finding in found):
        return found
    trials = [_Trial(worker, kind, tuple(calculators), wait) for kind in worker.kinds]
    # all at once: each may wait in a queue of its own
    with ThreadPoolExecutor(len(trials)) as pool:
        try:
            for findings in pool.map(_Trial.run, trials):
                found += findings
        finally:
            for trial in trials:
                trial.wait = 0  # who is still waiting when Ctrl-C comes stops that
    return found


def _finding(name: str, state: State, text: str, mend: str = "", *, required: bool = True) -> Finding:
    return Finding("worker", name, state, text, mend, required)


def _here(worker: Worker) -> Iterator[Finding]:
    """Look at what is needed on this machine."""
    if missing := [name for name in COMMANDS.get(worker.scheduler, ()) if shutil.which(name) is None]:
        mend = "run this where jobs are submitted (a login node), or correct scheduler in the file"
        yield _finding("scheduler", "missing", f"no {', no '.join(missing)} on this machine", mend)
        return
    try:
        mine = Scheduler(worker).mine()
    except SchedulerError as error:
        yield _finding("scheduler", "broken", str(error), "try its commands by hand; ask the cluster's support")
    else:
        yield _finding("scheduler", "works", f"{worker.scheduler}: {len(mine)} jobs of this worker now")
    try:
        worker.pilots.mkdir(mode=0o700, parents=True, exist_ok=True)
        own = worker.pilots / f"doctor-{secrets.token_hex(4)}"
        own.write_text("here", encoding="utf-8")
        own.unlink()
    except OSError as error:
        yield _finding("folder here", "broken", str(error), "change folder in the file, or its permissions")
    else:
        yield _finding("folder here", "works", f"{worker.folder} can be written to")
    if worker.secrets is not None:
        yield _finding("secrets", "works", f"{worker.secrets} has mode 600")


@dataclass
class _Trial:
    """A small job of one kind."""

    worker: Worker
    kind: str
    wanted: tuple[str, ...]
    wait: float
    job: str = ""
    state: JobState = JobState.QUEUED
    submitted: float = 0.0

    def __post_init__(self) -> None:
        self.scheduler = Scheduler(self.worker)
        self.report = self.worker.pilots / f"doctor-{secrets.token_hex(4)}.jsonl"
        self.node = self.report.with_suffix(".node")

    @property
    def calculators(self) -> list[str]:
        """Those that are asked for work on the node."""
        named = self.wanted or (*self.worker.kinds[self.kind].calculators, *PLAIN)
        return list(dict.fromkeys(name for name in named if self._goes_here(name)))

    def _goes_here(self, name: str) -> bool:
        try:
            return self.worker.kind_of(name) == self.kind
        except InputError:
            return False

    def run(self) -> list[Finding]:
        """Submit the job, wait for it, and return how each step went."""
        try:
            self._submit()
        except AtomsieveError as error:
            mend = f"correct queue, account, walltime, memory or options of kinds.{self.kind} in {self.worker.source}"
            return [self._finding("job", "broken", str(error), mend)]
        try:
            return [self._finding("job", "works", f"{self.job} was submitted"), *self._watch()]
        finally:
            if self.state is not JobState.GONE:
                with suppress(SchedulerError):
                    self.scheduler.cancel([self.job])
            for path in (self.report, self.node):
                path.unlink(missing_ok=True)

    def _submit(self) -> None:
        resources: Resources = self.worker.kinds[self.kind]
        walltime = min(resources.walltime, WALLTIME)
        small = {
            "nodes": 1,
            "cores": 1,
            "workers": 1,
            "walltime": walltime,
            "margin": min(resources.margin, walltime // 2),
            "memory": min(resources.memory, MEMORY) if resources.memory is not None else None,
        }
        # the node leaves its name before Python starts, so that a folder and a Python that are not there differ
        shell = 'hostname > "$0" && exec "$@"'
        check = [
            self.worker.python,
            "-P",
            "-m",
            "atomsieve.workflows.clusters.nodecheck",
            str(self.report),
            str(walltime / 4),
        ]
        command = ["bash", "-c", shell, str(self.node), *check, *self.calculators]
        self.submitted = time.monotonic()
        script = self.scheduler.script(self.kind, command, resources.model_copy(update=small))
        self.job = self.scheduler.submit(script)

    def _watch(self) -> Iterator[Finding]:
        waited, pause = None, 0.2
        while time.monotonic() < self.submitted + self.wait and not self._has_ended():
            self.state = self.scheduler.states([self.job])[self.job]
            if waited is None and (self.state in (JobState.RUNNING, JobState.GONE) or self.node.exists()):
                waited = time.monotonic() - self.submitted
            if self.state is JobState.GONE:
                break
            time.sleep(pause)
            pause = min(5.0, 1.5 * pause)
        if waited is None and not self._has_ended():
            ending = self.scheduler.ending(self.job)
            seen = " ".join(part for part in (str(self.state), ending.state, ending.reason) if part)
            mend = f"wait longer (--timeout), or ask for less in kinds.{self.kind}; the test job is cancelled"
            yield self._finding("queue", "broken", f"still waiting after {self.wait:.0f} s: {seen}", mend)
            return
        waited = waited if waited is not None else time.monotonic() - self.submitted
        yield self._finding("queue", "works", f"it started {waited:.0f} s after it was submitted")
        yield from self._reported()

    def _steps(self) -> list[tuple[str, State, str]]:
        if not self.report.exists():
            return []
        lines = self.report.read_text(encoding="utf-8").splitlines(keepends=True)
        return [tuple(json.loads(line)) for line in lines if line.endswith("\n")]

    def _has_ended(self) -> bool:
        return any(name == "end" for name, _, _ in self._steps())

    def _reported(self) -> Iterator[Finding]:
        # what another machine wrote may take a while to be seen here
        until = time.monotonic() + (LAG if self.worker.scheduler != "none" else 0)
        while self.state is JobState.GONE and not self._has_ended() and time.monotonic() < until:
            list(self.worker.pilots.iterdir())  # has the file system of the network look again
            time.sleep(0.2)
        steps = self._steps()
        for name, outcome, text in steps:
            if name != "end":
                yield self._judged(name, outcome, text)
        if steps and steps[-1][0] == "end":
            yield self._finding(
                "result", "works", f"came back {time.monotonic() - self.submitted:.0f} s after submission"
            )
            return
        ending = self.scheduler.ending(self.job)
        words = [line.strip() for line in ending.words.splitlines() if line.strip()]
        seen = "; ".join(part for part in (ending.state, ending.reason, words[-1] if words else "") if part)
        place = self.scheduler.log(self.job) or self.worker.pilots
        if steps:
            mend = f"see {place}; give kinds.{self.kind} more walltime or memory"
            yield self._finding("result", "broken", f"the job stopped after the step {steps[-1][0]}: {seen}", mend)
        elif self.node.exists():
            mend = f"see {place}; correct python or setup in {self.worker.source}, or install atomsieve there"
            node = self.node.read_text(encoding="utf-8").strip()
            yield self._finding("python", "broken", f"no atomsieve by {self.worker.python} on {node}: {seen}", mend)
        else:
            mend = f"see {place}; folder must be one that the nodes share with this machine, and setup must not fail"
            yield self._finding("node", "broken", f"the job left nothing in {self.worker.pilots}: {seen}", mend)

    def _judged(self, name: str, state: State, text: str) -> Finding:
        """Return what a step on the node means here."""
        assert state in get_args(State)
        if name == "atomsieve" and text != version("atomsieve"):
            mend = "install the same version in both places"
            return self._finding(name, "broken", f"{text} there, {version('atomsieve')} here", mend)
        if name == "database there":
            mend = "put ATOMSIEVE_MONGODB_URI='...' into the secrets file; the nodes must reach the server"
            # jobflow-remote's workers have no database; FireWorks' need one
            return self._finding(name, state, text, mend if state != "works" else "", required=state != "missing")
        if name == "folder there":
            mend = "folder must be on a file system that nodes may write to and that has hard links"
            return self._finding(name, state, text, mend if state != "works" else "")
        is_good = state in ("works", "there")
        asked = name in (*self.wanted, *self.worker.kinds[self.kind].calculators)
        mend = "" if is_good else "install it there, or load it in setup"
        return self._finding(name, state, text, mend, required=asked or name == "python")

    def _finding(self, name: str, state: State, text: str, mend: str = "", *, required: bool = True) -> Finding:
        return _finding(f"{self.kind}: {name}", state, text, mend, required=required)


def doctor(name: str, calculators: Sequence[str], wait: float, *, as_json: bool) -> int:
    """Print how a cluster does; return 0 if all that is required works, else 1."""
    settings = read_settings()
    with screen.console(stderr=True).status("waiting for a small job of each kind"):
        found = examine_worker(name, settings, calculators, wait)
    return show(found, as_json=as_json)
