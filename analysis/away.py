"""Away: how a database says that it is away, full, or not ours, and the one error that becomes of it."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from maggma.core.store import StoreError as MaggmaError
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError, ServerSelectionTimeoutError

from atomsieve.structures.errors import StoreError

#: What the libraries raise.
AWAY = (PyMongoError, sqlite3.Error, MaggmaError, OSError)


#: MongoDB's codes for wrong credentials, and for what an account may not do.
_REFUSED, _FORBIDDEN = (18, 8000), (13,)


def why(error: BaseException) -> str:
    """Return what is wrong with a database, and what to do about it.

    Parameters
    ----------
    error : Exception
        One of :data:`AWAY`. Its own words may hold the URI, and with it a password; they are not repeated.
    """
    while error.__cause__ is not None and isinstance(error, MaggmaError):
        error = error.__cause__
    match error:
        case OperationFailure() if error.code in _REFUSED:
            return "it refuses the user or the password; look at the URI, with both percent-escaped"
        case OperationFailure() if error.code in _FORBIDDEN:
            return "this account may not do that; reading needs the role read, writing readWrite"
        case ServerSelectionTimeoutError() | ConnectionFailure():
            return "it does not answer, or not in time; is it running? What is finished waits on disk: run this again"
        case OSError() if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return _FULL
        case sqlite3.Error():
            return _SQLITE.get(
                getattr(error, "sqlite_errorcode", 0) & 0xFF, "is it a database, and may you write there?"
            )
        case _:
            return "is it a database that you may use?"


_FULL = "the disk, or your share of it, is full; make room and run this again, nothing was written by halves"
_SQLITE = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: "the disk does not read or write; is it full, or away? Nothing was written by halves",
    sqlite3.SQLITE_BUSY: "another process has been writing for a minute; wait until it is done and run this again",
    sqlite3.SQLITE_READONLY: "you may read it, but not write; copy it, or ask its owner",
    sqlite3.SQLITE_CORRUPT: "it is damaged; its results are rebuilt from the folder by atomsieve run, or take a copy",
}


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
        raise StoreError(f"{title} does not take results now ({type(error).__name__}): {why(error)}") from error
