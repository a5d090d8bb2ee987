"""Printing: the one way to the screen, for people and for other programs."""

from __future__ import annotations

import codecs
import io
import json
import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, NoReturn

from rich.console import Console

#: Columns that are wide enough for the results table where the output is no terminal.
PIPE_WIDTH = 160
#: How signs are spelled where the encoding has none of them; what is not here loses its accents, or is a question mark.
SPELLED: Final = {
    "Δ": "d", "η": "eta", "θ": "theta", "μ": "mu", "ρ": "rho", "τ": "tau", "α": "alpha", "β": "beta", "σ": "sigma",
    "→": "->", "–": "-", "—": "-", "−": "-", "⁻": "-", "⁺": "+", "×": "x", "·": ".", "±": "+-", "≤": "<=", "≥": ">=",
    "∫": "integral ", "°": "0", "│": "|", "…": "...", "’": "'", "“": '"', "”": '"',
}  # fmt: skip


class _Console(Console):
    """A console that ends quietly when whoever reads it has seen enough."""

    def on_broken_pipe(self) -> NoReturn:
        """End with the code of success."""
        _leave()


def console(*, stderr: bool = False) -> Console:
    """Return a console; rich leaves out colours where nobody sees them, and asks COLUMNS for the width."""
    probe = _Console(stderr=stderr, highlight=False, emoji=False)
    if probe.is_terminal or "COLUMNS" in os.environ:
        return probe
    return _Console(stderr=stderr, highlight=False, emoji=False, width=PIPE_WIDTH)


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


@contextmanager
def piped() -> Iterator[None]:
    """Print for another program, which may have seen enough (`| head`): then there is nothing more to say.

    Raises
    ------
    SystemExit
        With the code of success, in the place of BrokenPipeError.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        _leave()


def _leave() -> NoReturn:
    # at the end Python flushes what is left, and must find a place for it
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(0)


def spell_out() -> None:
    """Have what this process prints spelled out in letters that the encoding of its output has."""
    codecs.register_error("atomsieve", _spelled)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="atomsieve")


def _spelled(error: UnicodeError) -> tuple[str, int]:
    import unicodedata

    assert isinstance(error, UnicodeEncodeError)
    found = ""
    for sign in error.object[error.start : error.end]:
        plain = unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode()
        found += SPELLED.get(sign) or plain or "?"
    return found, error.end
