"""Away: how a database says that it is away, full, or not ours, and the one error that becomes of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from maggma.core.store import StoreError as MaggmaError
from pymongo.errors import PyMongoError

from atomsieve.structures.errors import StoreError

#: What the libraries raise.
AWAY = (PyMongoError, sqlite3.Error, MaggmaError, OSError)


@contextmanager
def reported(title: str) -> Iterator[None]:
    """Turn the many errors of a database that is away or full into one.

    Parameters
    ----------
    title : str
        What the database is called; the words of an error may hold the URI, and with it a password.

    Raises
    ------
    StoreError
        In their place.
    """
    try:
        yield
    except AWAY as error:
        raise StoreError(f"{title} does not take results now ({type(error).__name__})") from error
