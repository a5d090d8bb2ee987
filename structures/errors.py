"""Errors: one tree, so that a caller catches what it can mend and nothing else.

::

    AtomsieveError
    ├── InputError                what a person wrote cannot be used; says the value, what is allowed, what to do
    │   ├── CampaignError         a file that a person wrote: every entry that is wrong, at once
    │   ├── ParameterError        parameters of a site, or settings of a calculator, do not go together; names one
    │   ├── MethodMismatchError   energies of different methods were about to be combined
    │   └── UnknownNameError      no campaign, site or calculation has this name
    ├── BuildError                a site came out wrong (clash, wrong formula, metal not bound)
    ├── CalculationError          a calculation did not give an energy; carries the class of its failure
    ├── Interrupted               a calculation was asked to stop; the next attempt goes on from its checkpoint
    ├── StaleAttemptError         a later attempt at the same calculation has begun; this one keeps nothing
    ├── StoreError                the database cannot be used
    ├── SchedulerError            the scheduler of a cluster refuses, or does not answer
    ├── LeaseLostError            the right to act has passed to another process
    └── UntrustedError            what came out of a database names code that is not ours
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class AtomsieveError(Exception):
    """Root of all errors that atomsieve raises on purpose."""


class InputError(AtomsieveError, ValueError):
    """What a person wrote cannot be used."""


class ParameterError(InputError):
    """The parameters of a site, or the settings of a calculator, do not go together.

    Parameters
    ----------
    parameter : str
        The one to change.
    message : str
        Its value, what is allowed beside the others, what to do.
    """

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter

    def __str__(self) -> str:
        return f"{self.parameter}: {self.args[0]}"


class MethodMismatchError(InputError):
    """Energies of different methods were about to be combined."""


class UnknownNameError(InputError):
    """No campaign, site or calculation has this name."""


class BuildError(AtomsieveError):
    """A site came out wrong."""


class StoreError(AtomsieveError):
    """The database cannot be used."""


class SchedulerError(AtomsieveError):
    """The scheduler of a cluster refuses, or does not answer."""


class LeaseLostError(AtomsieveError):
    """The right to act has passed to another process."""


class UntrustedError(AtomsieveError):
    """What came out of a database names code that is not ours."""


class FailureClass(StrEnum):
    """What to do next about a calculation that failed."""

    RETRY = "retry as is"
    CONTINUE = "continue from the last geometry"
    LONGER_LIMIT = "continue with a longer limit"
    OTHER_SETTINGS = "retry with other settings"
    MORE_MEMORY = "retry with more memory"
    ELSEWHERE = "retry elsewhere"
    MEND = "mend the machine, then retry"
    STOPPED = "stopped by a person"
    GIVE_UP = "give up"


class CalculationError(AtomsieveError):
    """A calculation did not give an energy.

    Parameters
    ----------
    message : str
        What a person needs to know.
    failure_class : FailureClass
        What to do next.
    """

    def __init__(self, message: str, failure_class: FailureClass = FailureClass.GIVE_UP) -> None:
        super().__init__(message)
        self.failure_class = failure_class


class Interrupted(AtomsieveError):  # noqa: N818 - no error: the calculation goes on another time
    """A calculation was asked to stop; what it had reached is in its checkpoint, and no failure is recorded."""


class StaleAttemptError(AtomsieveError):
    """A later attempt at the same calculation has begun; what this one found is not kept."""


@dataclass(frozen=True)
class Problem:
    """One entry that is wrong.

    Parameters
    ----------
    path : str
        Where, as ``sites[1].metals[0]``; empty for the file as a whole.
    message : str
        The value, what was allowed, and what to do.
    """

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class CampaignError(InputError):
    """A campaign file, or a worker's or a mapping, that cannot be used, with every entry that is wrong.

    Parameters
    ----------
    source : str
        The file's name.
    problems : iterable of Problem
        At least one.
    """

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{source}: {problem}" for problem in self.problems))


def unknown(value: object, allowed: Iterable[object], what: str = "value") -> str:
    """Say that a value is not one of those allowed, with the nearest match.

    Parameters
    ----------
    value : object
        What was given.
    allowed : iterable
        What is allowed.
    what : str
        What the value is called.

    Returns
    -------
    str
        ``unknown metal 'Feo' (did you mean 'Fe'?); allowed: ...``

    Examples
    --------
    >>> unknown("Feo", ["Co", "Fe"], "metal")
    "unknown metal 'Feo' (did you mean 'Fe'?); allowed: Co, Fe"
    """
    names = [str(entry) for entry in allowed]
    folded = {name.casefold(): name for name in names}
    close = difflib.get_close_matches(str(value).casefold(), folded, n=1, cutoff=0.5)
    hint = f" (did you mean {folded[close[0]]!r}?)" if close else ""
    return f"unknown {what} {value!r}{hint}; allowed: {', '.join(names)}"
