"""Cause: why a calculation failed, in a line, what happens next, and what a person can do; listed in causes.yaml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

from atomsieve.structures.errors import FailureClass

#: The last characters of a text that are looked at: what a program dies of, it says at the end.
LAST_WORDS = 20_000
#: Name of what no other entry fits.
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Cause:
    """Why a calculation failed.

    Parameters
    ----------
    name : str
        What it is called, as in ``atomsieve retry NAME --cause "disk full"``.
    failure_class : FailureClass
        What to do next.
    cause : str
        One clause.
    fix : str
        What a person does before it is tried again.
    states : frozenset of str
        States of the scheduler that say so.
    pattern : re.Pattern or None
        What the text says then.
    """

    name: str
    failure_class: FailureClass
    cause: str
    fix: str
    states: frozenset[str] = frozenset()
    pattern: re.Pattern[str] | None = None

    def fits(self, text: str, state: str) -> bool:
        """Return whether the scheduler's state or the text say so."""
        return state in self.states or (self.pattern is not None and self.pattern.search(text) is not None)


@cache
def causes() -> Mapping[str, Cause]:
    """Return all causes by name, in the order in which they are looked for."""
    listed = yaml.safe_load((files("atomsieve.workflows.watching") / "causes.yaml").read_text(encoding="utf-8"))
    return {
        name: Cause(
            name=name,
            failure_class=FailureClass(entry["class"]),
            cause=entry["cause"],
            fix=entry["fix"],
            states=frozenset(entry.get("states", ())),
            pattern=re.compile("|".join(entry["patterns"]), re.IGNORECASE | re.MULTILINE)
            if "patterns" in entry
            else None,
        )
        for name, entry in listed.items()
    }


def classify(text: str, scheduler_state: str = "") -> Cause:
    """Return why a calculation failed.

    Parameters
    ----------
    text : str
        The error's own words, or the end of what the job printed.
    scheduler_state : str
        What the scheduler says of its job, as ``TIMEOUT`` or ``CANCELLED by 1000``; empty where nobody asked it.

    Returns
    -------
    Cause
        The first that fits; the one called ``unknown`` if none does.

    Examples
    --------
    >>> classify("OSError: [Errno 28] No space left on device").name
    'disk full'
    >>> classify("", "TIMEOUT").failure_class
    <FailureClass.LONGER_LIMIT: 'continue with a longer limit'>
    """
    known = causes()
    words, state = text[-LAST_WORDS:], _state(scheduler_state, known)
    return next((cause for cause in known.values() if cause.fits(words, state)), known[UNKNOWN])


def _state(said: str, known: Mapping[str, Cause]) -> str:
    """Return a scheduler's state without what follows it; sacct cuts long ones short, as OUT_OF_ME+."""
    word = said.split()[0].upper() if said.strip() else ""
    if not word.endswith("+"):
        return word
    whole = (state for cause in known.values() for state in cause.states if state.startswith(word[:-1]))
    return next(whole, word)
