"""Traces: what a calculation has left on disk and in its document: attempts, a checkpoint, the last printed lines."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from atomsieve.structures.task import Task
from atomsieve.workflows.attempts import CHECKPOINT
from atomsieve.workflows.folder import Folder

#: Outputs that are shown, the ones written last, and lines of each.
OUTPUTS, LINES = 3, 8
#: Names of what codes print.
PRINTED = re.compile(r".*\.(log|out|txt)|OUTCAR|OSZICAR|.*\.err")
#: Bytes of an output in which its last lines lie.
TAIL = 8_000


def directories(folder: Folder, letters: str) -> Iterator[Path]:
    """Yield the folders of calculations whose keys begin with some letters."""
    yield from (folder.root / "results" / letters[:2]).glob(f"{letters}*")


def directory_of(key: str, folder: Folder, tasks: tuple[Task, ...]) -> Path | None:
    """Return where a calculation lies, if that can be seen from here: in the folder, or where its worker said."""
    candidates = [folder.directory(key), *(Path(task.directory) for task in tasks if task.directory)]
    return next((path for path in candidates if path.is_dir()), None)


def attempts(
    document: Mapping[str, Any] | None, directory: Path | None, tasks: tuple[Task, ...]
) -> Iterator[dict[str, Any]]:
    """Yield the attempts: those that were recorded, those before a retry first, and those of a checkpoint."""
    recorded: list[Mapping[str, Any]] = []
    if document is not None:
        provenance = document["provenance"]
        for before in provenance.get("retried", ()):
            yield from _rungs(before["provenance"].get("attempts", ()), before["provenance"], None)
        recorded = list(provenance.get("attempts", ()))
        # a failure that was set aside stands among those before already
        if document.get("tried") or document["status"] == "done":
            yield from _rungs(recorded, provenance, tasks[0].job if tasks else None)
    if directory is not None and (document is None or document["status"] != "done"):
        with suppress(OSError, ValueError, KeyError):
            begun = json.loads((directory / CHECKPOINT).read_text(encoding="utf-8"))["attempts"]
            host = {"host": tasks[0].host, "pid": tasks[0].process} if tasks else {}
            yield from _rungs(begun, host, tasks[0].job if tasks else None)


def _rungs(attempts: Any, where: Mapping[str, Any], job: str | None) -> Iterator[dict[str, Any]]:
    for attempt in attempts:
        yield {
            "rung": attempt["changes"],
            "class": attempt["failure_class"],
            "force_calls": attempt["force_calls"],
            "seconds": attempt["seconds"],
            "max_force": attempt["max_force"],
            "text": attempt["text"],
            "host": where.get("host"),
            "process": where.get("pid"),
            "job": job,
        }


def age(path: Path) -> float | None:
    """Return the seconds since a file was written; None if there is none."""
    try:
        return max(0.0, time.time() - path.stat().st_mtime)
    except OSError:
        return None


def outputs(directory: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the last lines of what was printed, the file that was written last first."""
    found = []
    for path in directory.rglob("*"):
        with suppress(OSError):
            if PRINTED.fullmatch(path.name) and path.is_file() and path.stat().st_size:
                found.append((path.stat().st_mtime, path))
    for _, path in sorted(found, reverse=True)[:OUTPUTS]:
        with suppress(OSError):
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - TAIL))
                text = file.read().decode("utf-8", errors="replace")
            yield str(path.relative_to(directory)), tuple(text.rstrip().splitlines()[-LINES:])
