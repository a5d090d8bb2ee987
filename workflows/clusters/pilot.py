"""Pilot: what runs in an allocation, processes that take one calculation after another until none is left.

``python -m atomsieve.workflows.clusters.pilot --worker FILE --kind KIND``. The imports are loaded once, before the
processes are forked. SIGUSR1 and SIGTERM, or the margin before the end of the walltime, ask the calculations to write
their checkpoints and stop.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from atomsieve.workflows.clusters.cluster import Resources, Worker

#: Modules with ``pull`` and ``more`` by the name of their engine.
ENGINES: Mapping[str, str] = MappingProxyType({"fireworks": "atomsieve.workflows.fireworks.launchpad"})
#: Seconds between two questions for work, from the first to the last.
SHORTEST, LONGEST = 0.2, 5.0
#: A process that lives less than so many seconds died at once; after so many in a row its place stays empty.
AT_ONCE, DEATHS = 20.0, 4
#: Share of the margin that calculations have to write their checkpoints; the rest is for the end of the pilot.
FOR_CHECKPOINTS = 0.8
#: Exit codes of a process: no work is left, or none could be asked for.
NO_WORK, NO_ANSWER = 0, 75

#: What asks a pilot to end.
SIGNALS = (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT)

log = logging.getLogger("atomsieve.pilot")


class Source(Protocol):
    """An engine, as a pilot sees it."""

    def pull(self, worker: Worker, kind: str) -> bool:
        """Run at most one calculation of a kind; return whether there was one."""

    def more(self, worker: Worker, kind: str) -> bool:
        """Return whether calculations of a kind may still come without anybody's doing."""


def command(worker: Worker, kind: str, engine: str) -> list[str]:
    """Return the command of a pilot."""
    own = [worker.python, "-P", "-m", "atomsieve.workflows.clusters.pilot"]
    return [*own, "--worker", str(worker.source), "--kind", kind, "--engine", engine]


@dataclass
class _Place:
    """One of a pilot's processes, or the gap that it left."""

    process: int | None = None
    started: float = 0.0
    again: float = 0.0  # when the next may start
    deaths: int = 0


class Pilot:
    """The processes of an allocation.

    Parameters
    ----------
    worker : Worker
        The cluster.
    kind : str
        Of its kinds.
    source : Source
        Where calculations come from.
    """

    def __init__(self, worker: Worker, kind: str, source: Source) -> None:
        self.worker, self.kind, self.source = worker, kind, source
        self.resources: Resources = worker.kinds[kind]
        self.began = time.monotonic()
        self.reason: str | None = None
        self.signalled: int | None = None
        self.places = [_Place() for _ in range(self.resources.workers)]
        self.failures = 0

    def run(self) -> int:
        """Run until no work is left or the allocation ends; return the exit code."""
        for number in SIGNALS:
            signal.signal(number, self._on_signal)
        ends = self.began + self.resources.walltime - self.resources.margin
        stop_by: float | None = None
        while True:
            if self.reason is None and time.monotonic() >= ends:
                self.reason, self.signalled = "the allocation comes to its end", signal.SIGUSR1
            if self.signalled is not None:
                asked, self.signalled = self.signalled, None
                log.info("%s: asking for checkpoints", self.reason)
                self._pass_on(asked)
                stop_by = stop_by or time.monotonic() + FOR_CHECKPOINTS * self.resources.margin
            self._reap()
            if not any(place.process for place in self.places) and (self.reason is not None or self._all_done()):
                break
            if stop_by is not None and time.monotonic() > stop_by:
                log.warning("the margin of %d s is over; what has written no checkpoint is lost", self.resources.margin)
                self._kill()
                stop_by = float("inf")
            if self.reason is None:
                self._fill()
            time.sleep(0.05)
        log.info("the pilot ends: %s", self.reason or "no work is left")
        return int(self.failures > 0)

    def _on_signal(self, number: int, frame: Any) -> None:
        del frame
        if self.reason is None:
            self.reason = f"{signal.Signals(number).name} came"
        self.signalled = number if number == signal.SIGTERM else signal.SIGUSR1

    def _all_done(self) -> bool:
        return all(place.again == float("inf") for place in self.places)

    def _pass_on(self, number: int) -> None:
        for place in self.places:
            if place.process is not None:
                os.kill(place.process, number)  # not reaped yet, so that the number is still its own

    def _kill(self) -> None:
        """End the processes, and the programs that they started."""
        from atomsieve.workflows.clusters.processes import kill

        for place in self.places:
            if place.process is not None:
                kill(place.process)

    def _fill(self) -> None:
        now = time.monotonic()
        for place in self.places:
            if place.process is None and place.again <= now:
                self._start(place)

    def _start(self, place: _Place) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        # held back until the child has handlers of its own: one of the parent's would swallow a signal there
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        process = os.fork()
        if process == 0:
            # whatever happens in a child, it never goes on as the parent
            code = 1
            try:
                code = take_turns(self.source, self.worker, self.kind)
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 1
            except BaseException:
                log.exception("process %d", os.getpid())
            finally:
                logging.shutdown()
                os._exit(code)
        place.process, place.started = process, time.monotonic()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def _reap(self) -> None:
        for place in self.places:
            if place.process is None:
                continue
            ended, status = os.waitpid(place.process, os.WNOHANG)
            if ended:
                process, place.process = place.process, None
                self._after(place, process, os.waitstatus_to_exitcode(status))

    def _after(self, place: _Place, process: int, code: int) -> None:
        """Decide whether a process that ended has a successor."""
        now = time.monotonic()
        if code in (NO_WORK, NO_ANSWER) or self.reason is not None:
            place.again = float("inf")
            self.failures += code == NO_ANSWER
            return
        place.deaths = place.deaths + 1 if now - place.started < AT_ONCE else 1
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        if place.deaths >= DEATHS:
            log.error("process %d died (%s), the %d. at once in a row: its place stays empty", process, how, DEATHS)
            self.failures += 1
            place.again = float("inf")
            return
        log.warning("process %d died (%s); another takes its place", process, how)
        place.again = now + (2.0 ** (place.deaths - 2) if place.deaths > 1 else 0.0)


def take_turns(source: Source, worker: Worker, kind: str) -> int:
    """Take one calculation after another in this process; return its exit code.

    It ends where no work is left, where none came for as long as the kind may idle, where its pilot is gone, and, after
    the calculation in hand, where it was asked to.
    """
    from atomsieve.workflows import interruption

    pilot, asked, pause = os.getppid(), False, SHORTEST
    answered, fruitless = True, time.monotonic()

    def stop(number: int, frame: Any) -> None:
        nonlocal asked
        del frame
        asked = True
        interruption.request(f"{signal.Signals(number).name}: the allocation ends")

    # Ctrl-C reaches the whole process group: the pilot decides what becomes of its processes
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN if number == signal.SIGINT else stop)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    is_last = False
    while not asked and os.getppid() == pilot:
        try:
            found = source.pull(worker, kind)
            may_come = found or source.more(worker, kind)
        except Exception as error:
            if answered:
                log.warning("no work can be asked for: %s", f"{type(error).__name__}: {error}")
            answered, found, may_come = False, False, True
        else:
            if not answered:
                log.info("work can be asked for again")
            answered = True
        if found:
            pause, fruitless, is_last = SHORTEST, time.monotonic(), False
            continue
        if is_last or time.monotonic() - fruitless > worker.kinds[kind].idle:
            break
        # what ends elsewhere at this moment may bring work in the next
        is_last = not may_come
        _rest(pause * random.uniform(0.5, 1.0), lambda: asked)
        pause = min(LONGEST, 2 * pause)
    return NO_WORK if answered else NO_ANSWER


def _rest(seconds: float, is_over: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and not is_over():
        time.sleep(min(0.1, seconds))


def concealed(text: str) -> str:
    """Return a text without the credentials of the environment.

    Examples
    --------
    >>> concealed("nothing to hide")
    'nothing to hide'
    """
    uri = os.environ.get("ATOMSIEVE_MONGODB_URI", "")
    password = uri.partition("://")[2].rpartition("@")[0].partition(":")[2]
    for hidden in (uri, password):
        text = text.replace(hidden, "***") if hidden else text
    return text


class _Formatter(logging.Formatter):
    """Lines that hold no credentials."""

    def format(self, record: logging.LogRecord) -> str:
        return concealed(super().format(record))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a pilot; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m atomsieve.workflows.clusters.pilot", description="Work in an allocation."
    )
    parser.add_argument("--worker", required=True, type=Path, help="the file that describes the cluster")
    parser.add_argument("--kind", required=True, help="one of its kinds")
    parser.add_argument("--engine", default="fireworks", help="where calculations come from")
    given = parser.parse_args(arguments)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Formatter("%(asctime)s %(process)d %(message)s", "%Y-%m-%d %H:%M:%S"))
    logging.basicConfig(handlers=[handler])
    log.setLevel(logging.INFO)
    from atomsieve.workflows.clusters.cluster import read_worker
    from atomsieve.workflows.clusters.scheduler import own_job
    from atomsieve.workflows.settings import read_settings

    worker = read_worker(given.worker, read_settings())
    os.environ["ATOMSIEVE_JOB"] = own_job()
    source: Any = importlib.import_module(ENGINES.get(given.engine, given.engine))
    # loaded here so that every process has it
    importlib.import_module("atomsieve.workflows.worker")
    count = worker.kinds[given.kind].workers
    log.info("pilot of %s, kind %s, job %s: %d processes", worker.name, given.kind, own_job(), count)
    return Pilot(worker, given.kind, source).run()


if __name__ == "__main__":
    sys.exit(main())
