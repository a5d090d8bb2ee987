"""JobError: why a job ended without an output, in the words that FireWorks keeps."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

from atomsieve.structures.errors import FailureClass
from atomsieve.workflows.watching.causes import classify


class JobError(Exception):
    """A job ended without an output; FireWorks keeps what :meth:`to_dict` says of it.

    Parameters
    ----------
    cause : str
        Name of the cause, as :mod:`atomsieve.workflows.watching.causes` lists them.
    failure_class : FailureClass
        What to do next.
    text : str
        What a person needs to know.
    """

    def __init__(self, cause: str, failure_class: FailureClass, text: str) -> None:
        super().__init__(text)
        self.cause = cause
        self.failure_class = str(failure_class)

    def to_dict(self) -> dict[str, str]:
        """Return what is kept."""
        lines = str(self).strip().splitlines() or [""]
        return {"cause": self.cause, "failure_class": self.failure_class, "reason": lines[-1]}

    @classmethod
    def of(cls, error: BaseException) -> JobError:
        """Class an error by its words."""
        text = "".join(traceback.format_exception(error))
        found = classify(text)
        return cls(found.name, found.failure_class, text)


def failure_of(launch: Mapping[str, Any] | None) -> dict[str, str]:
    """Return cause, failure class and reason of a launch that failed, as FireWorks keeps them; empty without them."""
    action = (launch or {}).get("action") or {}
    exception = (action.get("stored_data") or {}).get("_exception") or {}
    details = exception.get("_details")
    if details:
        return dict(details)
    text = exception.get("_stacktrace")
    if not text:
        return {}
    found = classify(text)
    return {"cause": found.name, "failure_class": str(found.failure_class), "reason": text.strip().splitlines()[-1]}
