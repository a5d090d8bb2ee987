"""Stream: what a command prints to, which may be closed early, or have too few letters."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

#: How signs are spelled where the encoding has none of them; what is not here loses its accents, or is a question mark.
SPELLED: Final = {
    "Δ": "d", "η": "eta", "θ": "theta", "μ": "mu", "ρ": "rho", "τ": "tau", "α": "alpha", "β": "beta", "σ": "sigma",
    "→": "->", "–": "-", "—": "-", "−": "-", "⁻": "-", "⁺": "+", "×": "x", "·": ".", "±": "+-", "≤": "<=", "≥": ">=",
    "∫": "integral ", "°": "0", "│": "|", "…": "...", "’": "'", "“": '"', "”": '"',
}  # fmt: skip


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
        leave()


def leave() -> NoReturn:
    """End with the code of success, as whoever read us has seen enough."""
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
