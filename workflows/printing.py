"""Printing: the one way to the screen, for people and for other programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

#: Columns that are wide enough for the results table where the output is no terminal.
PIPE_WIDTH = 160


def console(*, stderr: bool = False) -> Console:
    """Return a console; rich leaves out colours where nobody sees them."""
    probe = Console(stderr=stderr, highlight=False)
    return probe if probe.is_terminal else Console(stderr=stderr, highlight=False, width=PIPE_WIDTH)


def print_json(value: object) -> None:
    """Print plain data for another program."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


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
