"""Printing: the one way to the screen, for people and for other programs."""

from __future__ import annotations

import json
import sys

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
