"""Connections to one SQLite file, each lent to one user at a time, none carried across a fork."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import re
import sqlite3
import time
import warnings
import weakref
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

PATIENCE_S = 60.0
_MOST_IDLE = 4
_NETWORKED = frozenset(
    "9p afs beegfs cifs fuse.sshfs gpfs lustre nfs nfs3 nfs4 orangefs panfs pvfs2 smb3 smbfs".split()  # noqa: SIM905
)


class UnsafeFilesystemWarning(UserWarning):
    """The database file lies on a file system whose locks SQLite cannot rely on."""


class Connections:
    """Connections to one SQLite file.

    Every transaction has a connection, and so a snapshot, of its own: reading on while writing is safe, and neither
    waits for the other.

    Parameters
    ----------
    path : Path
        The file, made if it is not there.
    durable : bool
        Whether a commit survives a power cut (``synchronous=FULL``); without it, it survives a crash of the process.
    read_only : bool
        Whether the file is there already and is left as it is, with what lies beside it.
    """

    def __init__(self, path: Path, *, durable: bool, read_only: bool = False) -> None:
        self._path = path
        self._is_read_only = read_only
        self._synchronous = "FULL" if durable else "NORMAL"
        # A deque, because appending and popping need no lock that a fork could copy in its locked state.
        self._idle: deque[sqlite3.Connection] = deque()
        self._closed = False
        _ALL.add(self)

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection inside a transaction that sees one snapshot of the file."""
        with self._lent("BEGIN") as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection as the only writer; commits at the end, or rolls back if an error is raised."""
        with self._lent("BEGIN IMMEDIATE") as connection:
            yield connection
            connection.execute("COMMIT")

    def close(self) -> None:
        """Close all connections; one that is still lent is closed when it comes back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def abandon(self) -> None:
        """Let go of the idle connections without closing them, as a child must after a fork."""
        while self._idle:
            _outlive(self._idle.pop())

    @contextlib.contextmanager
    def _lent(self, begin: str) -> Iterator[sqlite3.Connection]:
        process = os.getpid()
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._open()
        try:
            connection.execute(begin)
            yield connection
        finally:
            if os.getpid() != process:
                _outlive(connection)
            else:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                if self._closed or self._is_read_only or len(self._idle) >= _MOST_IDLE:
                    connection.close()
                else:
                    self._idle.append(connection)

    def _open_to_read(self) -> sqlite3.Connection:
        """Open the file without making anything beside it, where that is not allowed."""
        where = f"file:{quote(str(self._path))}?mode=ro"
        for given in ("", "&immutable=1"):
            connection = sqlite3.connect(
                where + given, uri=True, timeout=PATIENCE_S, isolation_level=None, check_same_thread=False
            )
            try:
                connection.execute("SELECT 1 FROM sqlite_master").fetchone()
            except sqlite3.OperationalError as error:
                connection.close()
                # what a writer that was cut short, or goes on, left beside the file is part of the database
                log = self._path.with_name(f"{self._path.name}-wal")
                if given or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CANTOPEN or not _is_empty(log):
                    raise
            else:
                return connection
        raise AssertionError  # the second either opens or raises

    def _open(self) -> sqlite3.Connection:
        if self._is_read_only:
            return self._open_to_read()
        deadline = time.monotonic() + PATIENCE_S
        with contextlib.suppress(OSError):
            # SQLite itself would let others read it; what it puts beside it is as private as the file
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL, 0o600))
        while True:
            connection = sqlite3.connect(self._path, timeout=PATIENCE_S, isolation_level=None, check_same_thread=False)
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute(f"PRAGMA synchronous={self._synchronous}")
            except sqlite3.Error as error:
                connection.close()
                # SQLite does not wait for processes that change the journal mode of a new file at once.
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
            else:
                return connection
            time.sleep(random.uniform(0.001, 0.02))


def _is_empty(path: Path) -> bool:
    try:
        return path.stat().st_size == 0
    except FileNotFoundError:
        return True


def _outlive(connection: sqlite3.Connection) -> None:
    """Keep an inherited connection until the process ends, because to close it could drop the parent's locks."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def _abandon_all() -> None:
    for connections in _ALL:
        connections.abandon()


_ALL: weakref.WeakSet[Connections] = weakref.WeakSet()
os.register_at_fork(after_in_child=_abandon_all)


def filesystem_of(path: Path, mounts: str) -> str | None:
    """Give the type of the file system that holds an absolute path, by the text of ``/proc/mounts``."""
    best, kind = -1, None
    for _, point, found, *_ in (line.split() for line in mounts.splitlines() if line.count(" ") >= 2):
        mount = Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), point))
        if path.is_relative_to(mount) and len(mount.parts) >= best:
            best, kind = len(mount.parts), found
    return kind


def warn_if_unsafe(path: Path, mounts: str | None = None) -> None:
    """Warn with `UnsafeFilesystemWarning` if the file would lie on a network file system, by ``/proc/mounts``."""
    if mounts is None:
        try:
            mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return
    kind = filesystem_of(path.resolve(), mounts)
    if kind in _NETWORKED:
        message = (
            f"{path} lies on a {kind} file system, where SQLite's locks do not hold between hosts: two machines that "
            "write at once can destroy the file. Keep it on a local disk, write from one host only, or use MongoDB."
        )
        warnings.warn(message, UnsafeFilesystemWarning, stacklevel=3)
