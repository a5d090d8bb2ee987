"""Database of a worker: the one that a process on a node opens, once."""

from __future__ import annotations

import os
from functools import cache

from atomsieve.analysis.database import Database
from atomsieve.structures.errors import FailureClass
from atomsieve.workflows.fireworks.joberror import JobError
from atomsieve.workflows.settings import Settings


@cache
def _opened(uri: str, name: str, process: int) -> Database:
    del process  # a connection does not survive a fork
    return Database.mongodb(uri, name).__enter__()


def open_database(settings: Settings) -> Database:
    """Return the database that this process's environment names; opened once."""
    uri = settings.mongodb_uri
    if uri is None:
        raise JobError(
            "database away",
            FailureClass.MEND,
            "ATOMSIEVE_MONGODB_URI is not set where the job runs; name a file that sets it under `secrets`",
        )
    return _opened(uri.get_secret_value(), settings.mongodb_database, os.getpid())
