"""Submission: what a job takes along to whoever starts it, and what is said of it there afterwards."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum


class JobState(StrEnum):
    """What a scheduler says of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    GONE = "gone"  # it answered, and knows no such job, or knows that it has ended
    UNKNOWN = "unknown"  # it did not answer


@dataclass(frozen=True)
class Ending:
    """How a job ended; :func:`~atomsieve.workflows.watching.causes.classify` tells what to do about that.

    Parameters
    ----------
    state : str
        The scheduler's word, as ``TIMEOUT``; empty if it has none.
    reason : str
        What else it says, in a line.
    words : str
        The last that the job printed.
    """

    state: str = ""
    reason: str = ""
    words: str = ""


def submission_environment() -> dict[str, str]:
    """Return the environment without settings of our own: schedulers keep what a job is submitted with."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith("ATOMSIEVE_")}
