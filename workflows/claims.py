"""Claim: the right of one attempt to work on a calculation and to place its outcome, with a token that only grows.

A claim is a file ``claim.N`` in the directory of the calculation, made by link(2), which is exclusive on shared file
systems too. Its holder touches it every ``ATOMSIEVE_HEARTBEAT`` seconds. Another attempt takes over by linking
``claim.N+1``: at once where the holder let go, or died on this host (the kernel then gave up its lock on the file), and
where the claim was not touched for ``ATOMSIEVE_LEASE`` seconds of watching it. From then on the holder of ``claim.N``,
should it wake, can place nothing any more. No clock of a host matters: a touch only has to be another than the last.
"""

from __future__ import annotations

import contextlib
import faulthandler
import fcntl
import functools
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from atomsieve.structures.errors import StaleAttemptError
from atomsieve.workflows import heartbeat, interruption
from atomsieve.workflows.settings import read_settings

#: Seconds between two looks at a claim that another holds: the first, and the longest.
FIRST_LOOK, LONGEST_LOOK = 0.1, 2.0
#: What schedulers call the job that a process is part of.
JOB_VARIABLES = ("ATOMSIEVE_JOB", "SLURM_JOB_ID", "PBS_JOBID", "JOB_ID")
#: How the record of a hang begins, behind what the claim file says of its holder; faulthandler's own words.
HUNG = "Timeout ("


class Claim:
    """One attempt at a calculation, from :func:`hold`.

    Parameters
    ----------
    directory : Path
        Of the calculation.
    token : int
        Larger than that of any attempt before.
    descriptor : int
        Of the claim file, locked.
    hangs : tuple of str
        What attempts before this one were doing when they hung.
    """

    def __init__(self, directory: Path, token: int, descriptor: int, hangs: tuple[str, ...]) -> None:
        self.directory = directory
        self.token = token
        self.hangs = hangs
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._is_stale = self._is_settled = self._is_over = False
        self._steps, self._seen, self._idle = 0, (0, 0), 0.0
        self._watch(read_settings().patience)

    def check(self) -> None:
        """See that no later attempt has begun.

        Raises
        ------
        StaleAttemptError
            If one has.
        """
        # the file is gone where a later attempt has succeeded
        if self._is_stale or os.fstat(self._descriptor).st_nlink == 0 or newest(self.directory) > self.token:
            self._is_stale = True
            raise StaleAttemptError(
                f"attempt {self.token} at {self.directory.name} was silent for too long, and a later one has begun"
            )

    def advance(self) -> None:
        """Take note that the calculation has come a step further.

        Raises
        ------
        StaleAttemptError
            If a beat has found a later attempt.
        """
        self._steps += 1
        if self._is_stale:
            self.check()

    def settle(self, *, is_final: bool) -> None:
        """Take note that the outcome is on disk: clear away the claims that nothing depends on any more.

        Parameters
        ----------
        is_final : bool
            Whether it is a success. After a failure this claim stays, so that the next token is larger.
        """
        self._is_settled = is_final
        for token in _tokens(self.directory):
            if is_final or token < self.token:
                (self.directory / f"claim.{token}").unlink(missing_ok=True)

    def beat(self, elapsed: float) -> None:
        """Give a sign of life, and end this process if the calculation has given none for ``ATOMSIEVE_PATIENCE``.

        Parameters
        ----------
        elapsed : float
            Seconds since the last beat.
        """
        with self._lock:
            if self._is_over:
                return
            with contextlib.suppress(StaleAttemptError):
                self.check()
            if self._is_stale:
                return  # the next force call raises it, where that can be dealt with
            patience, seen = read_settings().patience, (self._steps, _last_change(self.directory))
            self._idle = self._idle + elapsed if seen == self._seen else 0.0
            self._seen = seen
            if self._idle >= patience:
                self._die(patience)
            self._watch(patience - self._idle + elapsed)
            os.utime(self._descriptor)

    def release(self) -> None:
        """Let go, so that the next attempt need not wait."""
        heartbeat.remove(self.beat)
        with self._lock:
            self._is_over = True
            faulthandler.cancel_dump_traceback_later()
            with contextlib.suppress(OSError):
                if not self._is_settled:
                    os.utime(self._descriptor, (0, 0))
            os.close(self._descriptor)

    def _watch(self, seconds: float) -> None:
        # a calculator that never lets go of the interpreter stops the heartbeat, but not the thread of faulthandler
        faulthandler.dump_traceback_later(seconds, exit=True, file=self._descriptor)

    def _die(self, patience: float) -> None:
        import psutil

        os.write(self._descriptor, f"{HUNG}no force call and no file written in {patience:g} s)!\n".encode())
        faulthandler.dump_traceback(self._descriptor, all_threads=True)
        for child in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                child.kill()
        os.kill(os.getpid(), signal.SIGKILL)


@contextlib.contextmanager
def hold(directory: Path) -> Iterator[Claim]:
    """Hold the claim to a calculation; wait while another attempt is alive.

    Parameters
    ----------
    directory : Path
        Of the calculation; exists.

    Raises
    ------
    Interrupted
        If this process is asked to stop while it waits.
    """
    claim = _take(directory)
    try:
        heartbeat.add(claim.beat)
        yield claim
    finally:
        claim.release()


def newest(directory: Path) -> int:
    """Return the largest token there is, 0 if there is none."""
    return max(_tokens(directory), default=0)


def _tokens(directory: Path) -> list[int]:
    with os.scandir(directory) as entries:
        names = [entry.name for entry in entries]
    return sorted(int(name[6:]) for name in names if name.startswith("claim.") and name[6:].isdigit())


def _take(directory: Path) -> Claim:
    # linked under its number only when it is locked and says whose it is, so that nobody sees half a claim
    own = directory / f"claim.{os.urandom(6).hex()}.partial"
    descriptor = os.open(own, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with contextlib.suppress(OSError):  # a file system without locks: silence alone tells
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(descriptor, (json.dumps(_holder()) + "\n").encode())
        token = _link(directory, own, descriptor)
        hangs = []
        for before in _tokens(directory):
            if before < token:
                path = directory / f"claim.{before}"
                hang = _hang(path)
                # the record of a hang stays until there is an outcome: it is how they are counted
                if hang:
                    hangs.append(hang)
                else:
                    path.unlink(missing_ok=True)
        return Claim(directory, token, descriptor, tuple(hangs))
    except BaseException:
        os.close(descriptor)
        raise
    finally:
        own.unlink(missing_ok=True)


def _link(directory: Path, own: Path, descriptor: int) -> int:
    """Give an attempt's file the next number as soon as no other attempt is alive; return it."""
    pause, lease = FIRST_LOOK, read_settings().lease
    seen, since = (0, 0), time.monotonic()
    while True:
        interruption.check()
        before = newest(directory)
        touched = _touched(directory / f"claim.{before}") if before else None
        if touched is not None:
            if (before, touched) != seen:
                seen, since = (before, touched), time.monotonic()
            if time.monotonic() - since <= lease:
                time.sleep(min(pause, lease))
                pause = min(1.5 * pause, LONGEST_LOOK)
                continue
        token = before + 1
        path = directory / f"claim.{token}"
        try:
            os.link(own, path)
        except FileExistsError:
            # over NFS an answer may be lost and the link be there all the same
            if os.fstat(descriptor).st_nlink == 1:
                continue
        if newest(directory) == token:
            return token
        # while this process slept, another has come, and gone on to a later number
        path.unlink(missing_ok=True)


def _touched(path: Path) -> int | None:
    """Return when a claim was last touched, in ns; None where its holder let go, or has died on this host."""
    try:
        # opening, other than stat, has NFS ask the server
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        touched = os.fstat(descriptor).st_mtime_ns
        if touched == 0:
            return None
        holder, here = _read_holder(descriptor), _holder()
        if (holder.get("host"), holder.get("boot")) == (here["host"], here["boot"]):
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return None
        return touched
    finally:
        os.close(descriptor)


def _holder() -> dict[str, str | int]:
    job = next((os.environ[name] for name in JOB_VARIABLES if name in os.environ), "")
    return {"host": socket.gethostname(), "boot": _boot(), "pid": os.getpid(), "job": job}


def _read_holder(descriptor: int) -> dict[str, str | int]:
    with contextlib.suppress(ValueError):  # a power cut may leave a file without its contents
        found: dict[str, str | int] = json.loads(os.read(descriptor, 4096).partition(b"\n")[0])
        return found
    return {}


@functools.cache
def _boot() -> str:
    """Return what tells this start of the machine, and a container's kernel, from any other."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _hang(path: Path) -> str:
    """Return what an attempt was doing when it hung, empty if it did not."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    _, mark, rest = text.partition(f"\n{HUNG}")
    return f"{HUNG}{rest}".strip() if mark else ""


def _last_change(directory: Path) -> int:
    """Return when a file of the calculation was last written, in ns of the file system's clock, claims aside."""
    found = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            if not name.startswith("claim."):
                with contextlib.suppress(OSError):
                    found = max(found, Path(folder, name).stat().st_mtime_ns)
    return found
