"""Leases: the right to act on something, held by one process at a time, on whichever host, by the database's clock."""

from __future__ import annotations

import os
import secrets
import socket
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from maggma.stores import MongoStore
from pymongo.errors import DuplicateKeyError, PyMongoError

from atomsieve.analysis.away import reported
from atomsieve.structures.errors import LeaseLostError

#: Seconds after which a lease that was not renewed may be taken over.
LEASE_SECONDS = 60.0


class Lease:
    """The right to act on something.

    It is checked before each act: a process that slept past its end finds out before it does harm.

    Parameters
    ----------
    store : MongoStore
        Connected, with a unique index on ``key``.
    name : str
        What the right is to.
    title : str
        What its database is called in messages.
    seconds : float
        How long it lasts unless it is renewed.

    Raises
    ------
    StoreError
        From acquiring and renewing, if the database is away.
    """

    def __init__(self, store: MongoStore, name: str, title: str, seconds: float = LEASE_SECONDS) -> None:
        self.store = store
        self.name = name
        self.title = title
        self.seconds = seconds
        self.holder = f"{socket.gethostname()}, process {os.getpid()}"
        self._token = secrets.token_hex(8)
        self._held = False

    def acquire(self) -> str | None:
        """Take the lease; return who holds it where that is another, else None."""
        with reported(self.title):
            now = server_time(self.store)
            # one that nobody holds, or whose end has passed
            free = {"key": self.name, "until": {"$lt": now}}
            try:
                self.store._collection.find_one_and_update(free, self._mark(now), upsert=True)
            except DuplicateKeyError:
                found = self.store._collection.find_one({"key": self.name})
                return str(found["holder"]) if found is not None else "another process"
        self._held = True
        return None

    def renew(self) -> None:
        """Make sure that the lease is held, and hold it longer.

        Raises
        ------
        LeaseLostError
            If another process has taken it over.
        """
        own = {"key": self.name, "token": self._token}
        with reported(self.title):
            now = server_time(self.store)
            found = self.store._collection.find_one_and_update(own, self._mark(now))
        if found is None:
            self._held = False
            raise LeaseLostError(f"the right to act on {self.name} has passed to another process meanwhile")

    def release(self) -> None:
        """Give the lease back."""
        if self._held:
            # a database that is away gives it back by itself, in time
            with suppress(PyMongoError):
                self.store._collection.delete_one({"key": self.name, "token": self._token})
        self._held = False

    def _mark(self, now: datetime) -> dict[str, Any]:
        until = now + timedelta(seconds=self.seconds)
        return {"$set": {"token": self._token, "holder": self.holder, "until": until}}


def server_time(store: MongoStore) -> datetime:
    """Return the time by the clock of the database."""
    found: datetime = store._collection.database.client.admin.command("hello")["localTime"]
    return found.replace(tzinfo=None)
