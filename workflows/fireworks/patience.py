"""Patience: what to do while a database is away: wait for it, as long as the process may."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from pymongo.errors import ConnectionFailure

from atomsieve.workflows import interruption

#: Seconds between two tries: the first, and the longest.
FIRST, LONGEST = 0.5, 20.0

T = TypeVar("T")


def is_outage(error: BaseException | None) -> bool:
    """Return whether an error, or what caused it, is that the database does not answer: it may answer later."""
    while error is not None:
        if isinstance(error, ConnectionFailure):
            return True
        error = error.__cause__ or error.__context__
    return False


def patiently(act: Callable[[], T]) -> T:
    """Do something with a database, again until it answers.

    Parameters
    ----------
    act : callable
        Does no harm when it is done twice.

    Raises
    ------
    Interrupted
        If this process is to end meanwhile: what it has is on disk.
    """
    pause = FIRST
    while True:
        try:
            return act()
        except Exception as error:
            if not is_outage(error):
                raise
            if pause == FIRST:
                logging.getLogger(__name__).warning("the database does not answer; waiting for it")
        end = time.monotonic() + pause
        while time.monotonic() < end:
            interruption.check()
            time.sleep(0.2)
        pause = min(2 * pause, LONGEST)
