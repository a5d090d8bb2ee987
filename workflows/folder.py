"""Folder: results on disk, which are there before any database hears of them.

::

    FOLDER/results/ab/ab12.../result.json   one outcome, complete or absent
                             /lease         locked while somebody works on it
                             /relax.log     what the optimiser printed
    FOLDER/starts.log                       a line for each calculation begun, never rewritten
    FOLDER/atomsieve.sqlite                 the embedded database
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from atomsieve.structures.errors import StoreError


def file_stem(label: str) -> str:
    """Return a site's label as a name that file systems take, and ASE, which reads a frame's number after an @.

    Examples
    --------
    >>> file_stem("Fe-N4+S(4.32)@graphene-6x6")
    'Fe-N4+S(4.32)_graphene-6x6'
    """
    return re.sub(r"[^A-Za-z0-9._()+-]", "_", label)


class Folder:
    """The working folder of one or more campaigns.

    Parameters
    ----------
    root : path
        Made when first written to; files are private to the user.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root).absolute()

    @property
    def database(self) -> Path:
        """The embedded database's file."""
        return self.root / "atomsieve.sqlite"

    @property
    def starts(self) -> Path:
        """The log of starts."""
        return self.root / "starts.log"

    def directory(self, key: str) -> Path:
        """Return the directory of one calculation."""
        return self.root / "results" / key[:2] / key

    def read(self, key: str) -> dict[str, Any] | None:
        """Return the outcome of a calculation, or None if it has none yet."""
        try:
            text = (self.directory(key) / "result.json").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        document: dict[str, Any] = json.loads(text)
        return document

    def stored(self, key: str) -> dict[str, Any]:
        """Return the outcome of a calculation that others start from.

        Raises
        ------
        StoreError
            If it is not there any more.
        """
        document = self.read(key)
        if document is None:
            raise StoreError(f"the result of {key} is not in {self.root}; run the campaign again")
        return document

    def write(self, document: dict[str, Any]) -> None:
        """Write an outcome so that it survives a power cut, or not at all.

        Parameters
        ----------
        document : dict
            Its ``key`` says where.
        """
        directory = self.directory(document["key"])
        self._make(directory)
        final = directory / "result.json"
        partial = directory / f"result.{os.getpid()}.partial"
        try:
            with partial.open("w", encoding="utf-8") as file:
                json.dump(document, file, allow_nan=False)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(final)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        # the rename, and the directory itself, must reach the disk too
        for folder in (directory, directory.parent):
            _sync(folder)

    @contextmanager
    def lease(self, key: str) -> Iterator[None]:
        """Hold a calculation for this process; wait while another holds it.

        The lock is the kernel's: it ends with the process that holds it, however that dies, so no lease is ever stale.
        """
        directory = self.directory(key)
        self._make(directory)
        descriptor = os.open(directory / "lease", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def log_start(self, key: str) -> None:
        """Append a line to the log of starts; one write, so that lines of several processes never mix."""
        line = f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {key} {socket.gethostname()} {os.getpid()}\n"
        descriptor = os.open(self.starts, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)

    def _make(self, directory: Path) -> None:
        # mode applies to the last component alone, and the root is what must be private
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not directory.parent.exists():
            directory.mkdir(parents=True, exist_ok=True)
            _sync(directory.parent.parent)
            _sync(self.root)
        directory.mkdir(exist_ok=True)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
