"""Printing: the one way to the screen, for people and for other programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console

#: Columns that are wide enough for the results table where the output is no terminal.
PIPE_WIDTH = 160


def console(*, stderr: bool = False) -> Console:
    """Return a console; rich leaves out colours where nobody sees them."""
    probe = Console(stderr=stderr, highlight=False)
    return probe if probe.is_terminal else Console(stderr=stderr, highlight=False, width=PIPE_WIDTH)


def print_json(value: object) -> None:
    """Print plain data for another program."""
    sys.stdout.write(f"{json_text(value, indent=2)}\n")


def json_text(value: object, indent: int | None = None) -> str:
    """Return plain data as JSON, times in ISO 8601."""
    return json.dumps(value, indent=indent, ensure_ascii=False, default=_time)


def _time(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"{type(value).__name__} is no plain data")
    return value.isoformat()


@contextmanager
def piped() -> Iterator[None]:
    """Print for another program, which may have seen enough (`| head`): then there is nothing more to say.

    Raises
    ------
    SystemExit
        With the code of success, in the place of BrokenPipeError.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # at the end Python flushes what is left, and must find a place for it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
