"""Printing: the one way to the screen, for people and for other programs."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NoReturn

from rich.console import Console

from atomsieve.workflows.streams import leave

#: Columns that are wide enough for the results table where the output is no terminal.
PIPE_WIDTH = 160


class _Console(Console):
    """A console that ends quietly when whoever reads it has seen enough."""

    def on_broken_pipe(self) -> NoReturn:
        """End with the code of success."""
        leave()


def console(*, stderr: bool = False) -> Console:
    """Return a console; rich leaves out colours where nobody sees them, and asks COLUMNS for the width."""
    probe = _Console(stderr=stderr, highlight=False, emoji=False)
    if (columns := os.environ.get("COLUMNS", "")).isdigit() and int(columns):
        # a width alone is not heard where the terminal is dumb
        probe.size = (int(columns), probe.height)
    elif not probe.is_terminal:
        probe.width = PIPE_WIDTH
    return probe


def print_json(value: object) -> None:
    """Print plain data for another program: one document."""
    sys.stdout.write(f"{json_text(value, indent=2)}\n")


def print_json_line(value: object) -> None:
    """Print plain data for another program: a line of many, which it reads at once."""
    sys.stdout.write(f"{json_text(value)}\n")
    sys.stdout.flush()


def print_json_list(values: Iterable[object]) -> None:
    """Print plain data for another program: one document, a list that need not be in memory."""
    sys.stdout.write("[")
    for number, value in enumerate(values):
        text = json_text(value, indent=2).replace("\n", "\n  ")
        sys.stdout.write(f"{',' if number else ''}\n  {text}")
    sys.stdout.write("\n]\n")


def json_text(value: object, indent: int | None = None) -> str:
    """Return plain data as JSON: times in ISO 8601, null for numbers that are none."""
    is_unicode = (sys.stdout.encoding or "utf-8").lower().startswith("utf")
    try:
        return json.dumps(value, indent=indent, ensure_ascii=not is_unicode, default=_time, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), indent=indent, ensure_ascii=not is_unicode, default=_time, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _time(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"{type(value).__name__} is no plain data")
    return value.isoformat()
