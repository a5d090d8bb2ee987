"""Inspection: one calculation, as far as the disk, the database and its tasks know it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atomsieve.analysis.database import Database
from atomsieve.structures.clock import duration
from atomsieve.structures.errors import InputError, UnknownNameError
from atomsieve.structures.task import OPEN, Task, TaskState
from atomsieve.workflows.attempts import CHECKPOINT
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.watching.failures import SHORT, explained
from atomsieve.workflows.watching.traces import age, attempts, directories, directory_of, outputs

#: What the command line takes for a key: its first letters are enough.
KEY = re.compile(r"[0-9a-f]{4,64}")


@dataclass(frozen=True)
class Inspection:
    """One calculation.

    Parameters
    ----------
    key : str
        Its request key.
    tasks : tuple of Task
        One for each campaign that asks for it.
    document : mapping or None
        Its outcome.
    directory : Path or None
        Where it lies, as seen from here.
    attempts : tuple of mapping
        ``rung`` (numerics other than those of the campaign), ``class``, ``force_calls``, ``seconds``, ``max_force``
        (eV/Å), ``text``, ``host`` and ``job`` of each, in order.
    checkpoint : float or None
        Seconds since it was written; None where there is none.
    outputs : mapping of str to tuple of str
        Last lines of what was printed, by file.
    """

    key: str
    tasks: tuple[Task, ...]
    document: Mapping[str, Any] | None
    directory: Path | None
    attempts: tuple[Mapping[str, Any], ...]
    checkpoint: float | None
    outputs: Mapping[str, tuple[str, ...]]

    @property
    def state(self) -> str:
        """Where it is: as its outcome says, else its task."""
        if self.document is not None and self.document["status"] == "done":
            return "done"
        if self.tasks:
            return str(self.tasks[0].state)
        return "failed" if self.document is not None else "unknown"

    @property
    def asked(self) -> str:
        """What was asked, in words."""
        task = self.tasks[0] if self.tasks else None
        if self.document is None:
            assert task is not None
            return f"{words(task.kind, {}, task.site)} by {task.calculator}"
        request = self.document["request"]
        method = request["method"]
        site = task.site if task is not None else ""
        parts = [f"{words(request['task'], request['subject'], site)} by {method['calculator']}"]
        if request["multiplicity"] is not None:
            parts.append(f"multiplicity {request['multiplicity']}")
        if request["charge"]:
            parts.append(f"charge {request['charge']:+d}")
        if request["task"] in ("clean", "adsorbed", "molecule"):
            parts.append(f"until no force is larger than {request['fmax']:g} eV/Å")
        return ", ".join(parts)

    def onwards(self, database: Database, handle: str) -> str:
        """Return what a person does next."""
        state, short = self.state, self.key[:SHORT]
        if state == "done":
            return "nothing: it is done"
        if state == TaskState.FAILED and self.tasks:
            cause = explained(database, self.tasks[:1])[0].cause
            return f"{cause.cause}; {cause.fix}; then: atomsieve retry {handle} --key {short}"
        if state == TaskState.FAILED:
            return f"atomsieve run or submit asks for it again with other numerics, or after: atomsieve retry {handle}"
        if state == TaskState.CANCELLED:
            return f"take it up again: atomsieve retry {handle} --state cancelled --key {short}"
        if state == TaskState.PAUSED:
            return f"let it go on: atomsieve resume {handle} --key {short}"
        if state == TaskState.LOST:
            return f"take it up again: atomsieve recover {handle}"
        return f"wait; or stop it: atomsieve cancel {handle} --key {short}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        document = self.document or {}
        return {
            "key": self.key,
            "asked": self.asked,
            "state": self.state,
            "request": document.get("request"),
            "energy": document.get("energy"),
            "judgement": document.get("judgement"),
            "tasks": [
                {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in one.items()}
                for one in (task.to_dict() for task in self.tasks)
            ],
            "attempts": [dict(attempt) for attempt in self.attempts],
            "directory": str(self.directory) if self.directory is not None else None,
            "checkpoint_seconds": self.checkpoint,
            "outputs": {name: list(lines) for name, lines in self.outputs.items()},
        }


def words(task: str, subject: Mapping[str, Any], site: str) -> str:
    """Say what is calculated.

    Examples
    --------
    >>> words("adsorbed", {"adsorbate": "OH"}, "Fe-N4@graphene-4x4")
    'relaxation of OH* on Fe-N4@graphene-4x4'
    """
    on = f" on {site}" if site else ""
    what = f" of {site}" if site else ""
    if task == "adsorbed":
        return f"relaxation of {subject.get('adsorbate', 'an adsorbate')}*{on}"
    if task == "molecule":
        return f"relaxation of the molecule {subject.get('molecule', site)}"
    return {
        "clean": f"relaxation of the clean site{f' {site}' if site else ''}",
        "displacement": f"forces at a displaced geometry{what}",
        "energy": f"energy at a relaxed geometry{what}",
        "electronic": f"electronic structure at a relaxed geometry{what}",
        "vibrations": f"vibrations{what}",
    }.get(task, f"{task}{what}")


def inspect(letters: str, database: Database | None, folder: Folder, campaign: str | None) -> Inspection:
    """Look one calculation up.

    Parameters
    ----------
    letters : str
        Its key, or the first letters of it.
    database : Database or None
        Connected; None where there is none.
    folder : Folder
        Where its results may lie.
    campaign : str or None
        Among those of this campaign alone.

    Raises
    ------
    UnknownNameError
        If there is none, or several begin so.
    """
    if not KEY.fullmatch(letters):
        raise InputError(f"{letters!r} is no key of a calculation; a key is at least 4 of the letters 0-9 and a-f")
    tasks = [task for task in database.tasks.beginning_with(letters, campaign) if not task.is_flow] if database else []
    documents = {document["key"]: document for document in (database.beginning_with(letters) if database else ())}
    keys = {task.subject for task in tasks}
    if campaign is None:
        keys |= documents.keys() | {path.name for path in directories(folder, letters)}
    if not keys:
        where = f" of {campaign}" if campaign is not None else ""
        raise UnknownNameError(f"no calculation{where} has a key that begins with {letters!r}")
    if len(keys) > 1:
        listed = ", ".join(sorted(key[: max(SHORT, len(letters) + 4)] for key in keys)[:8])
        raise UnknownNameError(f"{len(keys)} calculations have a key that begins with {letters!r}: {listed}; say more")
    key = keys.pop()
    own = tuple(task for task in tasks if task.subject == key)
    directory = directory_of(key, folder, own)
    document = folder.read(key) or documents.get(key)
    return Inspection(
        key=key,
        tasks=own,
        document=document,
        directory=directory,
        attempts=tuple(attempts(document, directory, own)),
        checkpoint=age(directory / CHECKPOINT) if directory is not None else None,
        outputs=dict(outputs(directory)) if directory is not None else {},
    )


def lines(found: Inspection, database: Database | None, handle: str) -> Iterator[str]:
    """Yield what a person reads."""
    yield f"{found.key}: {found.asked}"
    campaigns = ", ".join(sorted({task.campaign for task in found.tasks}))
    yield f"state: {found.state}" + (f" (asked for by {campaigns})" if campaigns else "")
    document = found.document or {}
    if document.get("status") == "done":
        judgement = document["judgement"]
        yield f"energy: {document['energy']:.6f} eV; {judgement['verdict']}: {judgement['reason']}"
    elif document:
        yield f"why: {document['judgement']['reason']}"
    for task in found.tasks:
        if task.state in OPEN | {TaskState.FAILED} and not document:
            where = ", ".join(
                text for text in (task.host and f"on {task.host}", task.job and f"job {task.job}", task.reason) if text
            )
            if where:
                yield f"{task.campaign}: attempt {task.attempt} {where}"
    for number, attempt in enumerate(found.attempts, start=1):
        rung = ", ".join(f"{name} {value}" for name, value in attempt["rung"].items()) or "as asked"
        where = " ".join(str(part) for part in (attempt["host"], attempt["job"] and f"job {attempt['job']}") if part)
        came = f": {attempt['class']} ({first_line(attempt['text'])})" if attempt["class"] else ""
        spent = f"{attempt['force_calls']:,} force calls in {duration(attempt['seconds'])}"
        yield f"attempt {number} ({rung}): {spent}{f' on {where}' if where else ''}{came}"
    if found.directory is not None:
        yield f"directory: {found.directory}"
    elif found.tasks and found.tasks[0].directory:
        yield f"directory: {found.tasks[0].directory} (on {found.tasks[0].host or 'its worker'}; not seen from here)"
    if found.checkpoint is not None:
        yield f"checkpoint: written {duration(found.checkpoint)} ago"
    for name, last in found.outputs.items():
        yield f"{name}, last lines:"
        yield from (f"    {line}" for line in last)
    if database is not None:
        yield f"next: {found.onwards(database, handle)}"


def first_line(text: str) -> str:
    """Return the first line that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "no message")
