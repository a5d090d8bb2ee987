"""JobError: why a job ended without an output, in the words that FireWorks keeps."""

from __future__ import annotations

import traceback

from atomsieve.structures.errors import FailureClass
from atomsieve.workflows.causes import classify


class JobError(Exception):
    """A job ended without an output; FireWorks keeps what :meth:`to_dict` says of it.

    Parameters
    ----------
    cause : str
        Name of the cause, as :mod:`atomsieve.workflows.causes` lists them.
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
