"""Filter: which tasks of a campaign a person means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase

from atomsieve.analysis.database import Database
from atomsieve.structures.errors import FailureClass, InputError, unknown
from atomsieve.structures.task import FLOWS, KINDS, Task, TaskState
from atomsieve.workflows.watching.causes import causes
from atomsieve.workflows.watching.failures import explained

#: Classes of failures as the command line takes them: ``other-settings`` for "retry with other settings".
CLASSES = {entry.name.lower().replace("_", "-"): entry for entry in FailureClass}
#: Symbols of elements in the label of a site, as Fe and Co in FeCo-2N4@graphene.
SYMBOL = re.compile(r"[A-Z][a-z]?(?![a-z])")


@dataclass(frozen=True)
class Filter:
    """Which tasks of a campaign a person means; all conditions hold at once, None asks for nothing.

    Parameters
    ----------
    site : str or None
        Label of the site, or a pattern with ``*``.
    metal : str or None
        Symbol of an element that the label names, or several with minus signs between them.
    kind, stage : str or None
        As in :class:`~atomsieve.structures.task.Task`.
    state : str or None
        Where it is.
    failure_class : str or None
        What to do next, as in :data:`CLASSES` or in full.
    cause : str or None
        Why it failed, as ``atomsieve failures`` names it.
    key : str or None
        Its request key, or the first letters of it.

    Raises
    ------
    InputError
        If there is no such kind, state, class or cause.
    """

    site: str | None = None
    metal: str | None = None
    kind: str | None = None
    stage: str | None = None
    state: str | None = None
    failure_class: str | None = None
    cause: str | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        if self.state is not None and self.state not in {*TaskState}:
            raise InputError(unknown(self.state, TaskState, "state"))
        if self.kind is not None and self.kind not in (*KINDS, *FLOWS):
            raise InputError(unknown(self.kind, KINDS, "kind of calculations"))
        if self.failure_class is not None and self._class is None:
            raise InputError(unknown(self.failure_class, CLASSES, "class of failures"))
        if self.cause is not None and self.cause not in causes():
            raise InputError(unknown(self.cause, causes(), "cause"))

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing."""
        return all(getattr(self, entry.name) is None for entry in fields(self))

    @property
    def _class(self) -> FailureClass | None:
        full = {str(entry): entry for entry in FailureClass}
        return (CLASSES | full).get(self.failure_class or "")

    def choose(self, database: Database, campaign: str, states: Iterable[TaskState]) -> list[Task]:
        """Return the calculations of a campaign that are meant, and flows that failed without any of theirs.

        Parameters
        ----------
        database : Database
            Connected.
        campaign : str
            Name.
        states : iterable of TaskState
            In which they may be.
        """
        allowed = [state for state in states if self.state in (None, state)]
        asked = [task for task in database.tasks.find(campaign, state=allowed) if self._fits(task)]
        flows = {task.flow for task in asked if not task.is_flow}
        found = [
            task for task in asked if not task.is_flow or (task.state == TaskState.FAILED and task.flow not in flows)
        ]
        if self.failure_class is None and self.cause is None:
            return found
        return [
            failed.task
            for failed in explained(database, (task for task in found if task.state == TaskState.FAILED))
            if self.cause in (None, failed.cause.name) and self._class in (None, failed.failure_class)
        ]

    def _fits(self, task: Task) -> bool:
        if self.site is not None and not (task.site == self.site or fnmatchcase(task.site, self.site)):
            return False
        if self.metal is not None and not set(self.metal.split("-")) <= set(SYMBOL.findall(task.site)):
            return False
        if self.key is not None and not task.subject.startswith(self.key):
            return False
        return self.kind in (None, task.kind) and self.stage in (None, task.stage)
