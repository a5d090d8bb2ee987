"""Folder: results on disk, which are there before any database hears of them.

::

    FOLDER/results/ab/ab12.../result.json      a success: complete or absent, and once there never replaced
                             /failure.json     the last failure, where there is no success yet
                             /claim.N          the N-th attempt is under way, or was the last to fail
                             /checkpoint.json  how far an attempt came that has not ended
                             /relax.log        what the optimiser printed
    FOLDER/starts.log                          a line for each calculation begun, never rewritten
    FOLDER/atomsieve.sqlite                    the embedded database

Any number of processes on any number of hosts may share a folder: outcomes are placed by link(2) and rename(2), and who
works on what is settled by claims (:mod:`atomsieve.workflows.claims`).
"""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

from atomsieve.structures.errors import StoreError
from atomsieve.workflows.claims import Claim, hold


def file_stem(label: str) -> str:
    """Return a site's label as a name that file systems take, and ASE, which reads a frame's number after an @.

    Examples
    --------
    >>> file_stem("Fe-N4+S(4.32)@graphene-6x6")
    'Fe-N4+S(4.32)_graphene-6x6'
    """
    return re.sub(r"[^A-Za-z0-9._()+-]", "_", label)


def keep_private() -> None:
    """Have all that this process makes from now on, and the programs that it starts, be the user's alone."""
    os.umask(0o077)


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
        """Return the outcome of a calculation, the success if there is one; None if it has none yet."""
        for name in ("result.json", "failure.json"):
            with suppress(FileNotFoundError):
                document: dict[str, Any] = json.loads((self.directory(key) / name).read_text(encoding="utf-8"))
                return document
        return None

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

    def write(self, document: dict[str, Any], claim: Claim | None = None) -> dict[str, Any]:
        """Write an outcome so that it survives a power cut, or not at all.

        Parameters
        ----------
        document : dict
            Its ``key`` says where; its ``status``, whether it is a success ("done").
        claim : Claim, optional
            That of the attempt which found it; None for an outcome that is settled already, as in a database.

        Returns
        -------
        dict
            The outcome that is there now: of two successes the first.

        Raises
        ------
        StaleAttemptError
            If a later attempt has begun.
        """
        directory = self.directory(document["key"])
        if claim is None:
            self._make(directory)
        # in one piece: writing as it is encoded takes six times as long
        text = json.dumps(document, allow_nan=False)
        is_final = document["status"] == "done"
        final = directory / ("result.json" if is_final else "failure.json")
        # two hosts may have a process of the same number
        partial = directory / f"{final.name}.{os.urandom(6).hex()}.partial"
        try:
            with partial.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if claim is not None:
                # only now: having written here, a client of NFS knows what else is here
                claim.check()
            if is_final:
                os.link(partial, final)
                (directory / "failure.json").unlink(missing_ok=True)
            else:
                partial.replace(final)
        except FileExistsError:
            there = self.stored(document["key"])
            if there["status"] == "done":
                document = there
            else:
                # failures had this name too, in folders of versions before claims
                partial.replace(final)
        finally:
            partial.unlink(missing_ok=True)
        # the name, and the directory itself, must reach the disk too
        for folder in (directory, directory.parent):
            _sync(folder)
        if claim is not None:
            claim.settle(is_final=is_final)
        return document

    def bring(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Write outcomes that were settled elsewhere, as in a database, where no success is there already."""
        for document in documents:
            known = self.read(document["key"])
            if known is None or known["status"] != "done":
                # what a database adds of its own is no part of an outcome
                self.write(
                    {name: value for name, value in document.items() if name not in ("_id", "last_updated", "schema")}
                )

    def claim(self, key: str) -> AbstractContextManager[Claim]:
        """Hold a calculation for this process; wait while another attempt at it is alive.

        Raises
        ------
        Interrupted
            If this process is asked to stop while it waits.
        """
        directory = self.directory(key)
        self._make(directory)
        return hold(directory)

    def log_start(self, key: str) -> None:
        """Append a line to the log of starts; one write, so that lines of several processes never mix."""
        line = f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {key} {socket.gethostname()} {os.getpid()}\n"
        descriptor = os.open(self.starts, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)

    def _make(self, directory: Path) -> None:
        keep_private()
        # mostly it is there, or its parent is: asking first would cost more than failing
        try:
            directory.mkdir()
        except FileExistsError:
            return
        except FileNotFoundError:
            # mode applies to the last component alone, and the root is what must be private
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            directory.mkdir(parents=True, exist_ok=True)
            _sync(directory.parent.parent)
            _sync(self.root)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
