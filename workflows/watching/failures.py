"""Failures: what failed in a campaign, by cause, each with what a person does about it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.markup import escape

from atomsieve.analysis.database import Database
from atomsieve.structures.errors import FailureClass
from atomsieve.structures.task import Task, TaskState
from atomsieve.workflows.printing import console, print_json
from atomsieve.workflows.watching.causes import UNKNOWN, Cause, classify

#: Letters of a key that tell calculations apart.
SHORT = 10
#: Examples under a cause.
EXAMPLES = 3


@dataclass(frozen=True)
class Failed:
    """One task that failed.

    Parameters
    ----------
    task : Task
        What failed.
    document : mapping or None
        Its failure, where it was recorded as one; None where its job raised or died.
    cause : Cause
        Why.
    """

    task: Task
    document: Mapping[str, Any] | None
    cause: Cause

    @property
    def failure_class(self) -> str:
        """What to do next: as whoever saw it fail said, else as the cause has it."""
        known = self.document["failure_class"] if self.document is not None else self.task.failure_class
        return str(known or self.cause.failure_class)

    @property
    def text(self) -> str:
        """The error's own words, the line that tells most."""
        if self.document is not None:
            return str(self.document["judgement"]["reason"])
        lines = (self.task.reason or "").strip().splitlines()
        return lines[-1] if lines else ""

    @property
    def name(self) -> str:
        """What it is called in a list."""
        return f"{self.task.kind} {self.task.site}"


@dataclass
class Group:
    """What failed for one cause.

    Parameters
    ----------
    cause : Cause
        Why.
    failure_class : str
        What to do next.
    words : str
        What the first of them said.
    members : list of Failed
        All of them.
    """

    cause: Cause
    failure_class: str
    words: str
    members: list[Failed] = field(default_factory=list)

    @property
    def cause_text(self) -> str:
        """Why, in a clause."""
        return self.words if self.cause.name == UNKNOWN and self.words else self.cause.cause

    def command(self, handle: str) -> str:
        """Return the command that tries them again."""
        if self.cause.name == UNKNOWN:
            return f"atomsieve retry {handle} --key {self.members[0].task.subject[:SHORT]}"
        return f"atomsieve retry {handle} --cause {shlex.quote(self.cause.name)}"

    def to_dict(self, handle: str) -> dict[str, Any]:
        """Return plain data."""
        return {
            "cause": self.cause.name,
            "class": self.failure_class,
            "number": len(self.members),
            "why": self.cause_text,
            "fix": self.cause.fix,
            "command": self.command(handle),
            "keys": [member.task.subject for member in self.members],
            "sites": sorted({member.task.site for member in self.members}),
        }


def failed_tasks(database: Database, campaign: str) -> list[Failed]:
    """Return what failed in a campaign; of a site that failed with its calculations, these alone."""
    tasks = list(database.tasks.find(campaign, state=TaskState.FAILED))
    return explained(database, tasks)


def explained(database: Database, tasks: Iterable[Task]) -> list[Failed]:
    """Return tasks that failed with their causes."""
    listed = list(tasks)
    documents = database.known(task.subject for task in listed if not task.is_flow)
    failed = {key: document for key, document in documents.items() if document["status"] == "failed"}
    flows = {task.flow for task in listed if not task.is_flow}
    found = []
    for task in listed:
        if task.is_flow and task.flow in flows:
            continue
        document = failed.get(task.subject)
        text = f"{document['judgement']['reason']}\n{document['text']}" if document is not None else task.reason or ""
        found.append(Failed(task, document, classify(text)))
    return found


def grouped(failed: Iterable[Failed]) -> list[Group]:
    """Group what failed by cause, the largest group first; what nobody knows, by what it says."""
    groups: dict[tuple[str, ...], Group] = {}
    for member in failed:
        key: tuple[str, ...] = (member.cause.name, member.failure_class)
        if member.cause.name == UNKNOWN:
            # the same error with other numbers is the same error
            key += (re.sub(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?", "#", member.text),)
        made = groups.setdefault(key, Group(member.cause, member.failure_class, member.text))
        made.members.append(member)
    return sorted(groups.values(), key=lambda group: -len(group.members))


def show(groups: Iterable[Group], handle: str, *, as_json: bool) -> None:
    """Print what failed.

    Parameters
    ----------
    groups : iterable of Group
        As :func:`grouped` gives them.
    handle : str
        What to call the campaign on the command line.
    as_json : bool
        Print plain data.
    """
    listed = list(groups)
    if as_json:
        print_json([group.to_dict(handle) for group in listed])
        return
    out = console()
    if not listed:
        out.print("nothing has failed")
    for group in listed:
        out.print(
            f"[red]{len(group.members):,}[/red] [bold]{escape(group.cause.name)}[/bold]: {escape(group.cause_text)}",
            soft_wrap=True,
        )
        shown = [f"{escape(one.name)} ({one.task.subject[:SHORT]})" for one in group.members[:EXAMPLES]]
        more = len(group.members) - len(shown)
        out.print(f"    {', '.join(shown)}{f' and {more:,} more' if more else ''}", soft_wrap=True, highlight=False)
        out.print(f"    next: {escape(group.failure_class)}", soft_wrap=True)
        again = "" if group.failure_class == FailureClass.GIVE_UP else f"; then: {escape(group.command(handle))}"
        out.print(f"    fix: {escape(group.cause.fix)}{again}", soft_wrap=True)
    if listed:
        first = listed[0].members[0].task.subject[:SHORT]
        out.print(f"one of them with its attempts and its last lines: atomsieve status {handle} {first}")
