"""Moving: what the commands that copy, dump, import and rebuild a database show of it."""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from atomsieve.analysis import copying, dumping
from atomsieve.analysis.database import Database
from atomsieve.analysis.opening import open_where
from atomsieve.structures.errors import InputError
from atomsieve.workflows.campaigns import open_database
from atomsieve.workflows.ending import Code
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.printing import console, print_json
from atomsieve.workflows.settings import read_settings


def shown(where: str) -> str:
    """Return where a database lies as it may be printed: without a password.

    Examples
    --------
    >>> shown("mongodb://ada:secret@server/atomsieve")
    'mongodb://ada:***@server/atomsieve'
    """
    return re.sub(r"://([^:/@]*):.*@", r"://\1:***@", where)


def copy(source: str, target: str, *, is_dry: bool, as_json: bool) -> None:
    """Copy results from one database into another."""
    with open_where(source) as begin, _target(target, is_dry=is_dry) as end:
        if source == target or (begin.path is not None and end.path is not None and _same(begin.path, end.path)):
            raise InputError(f"{shown(source)} and {shown(target)} are one database; name two")
        if not is_dry:
            command = shlex.join(["atomsieve", "db", "copy", shown(source), shown(target)])
            console(stderr=True).print(escape(f"stop it whenever you like; to go on: {command}"), soft_wrap=True)
        with _bars(copying.counts(begin)) as advance:
            merging = copying.copy(begin, end, is_dry=is_dry, progress=advance)
    _show({"source": shown(source), "target": shown(target)}, merging, is_dry=is_dry, as_json=as_json)


def dump(where: str, file: Path, *, as_json: bool) -> None:
    """Write results to a file."""
    with open_where(where) as database, _bars(copying.counts(database)) as advance:
        counts = dumping.dump(database, file, advance)
    if as_json:
        print_json({"source": shown(where), "file": str(file), "collections": counts})
        return
    console().print(_table({name: {"documents": number} for name, number in counts.items()}))
    console().print(escape(f"wrote {file}; take it in elsewhere: atomsieve db import {file.name}"), soft_wrap=True)


def load(file: Path, into: str | None, *, is_dry: bool, as_json: bool) -> None:
    """Take in what was dumped."""
    counts = dumping.check(file)
    with _target(into, is_dry=is_dry) as database, _bars(counts) as advance:
        merging = dumping.load(file, database, advance, is_dry=is_dry)
        title = database.title
    told = {"file": str(file), "target": shown(into) if into is not None else title}
    _show(told, merging, is_dry=is_dry, as_json=as_json)


def rebuild(where: str | None, *, is_dry: bool, as_json: bool) -> int:
    """Derive again what is derived; return the exit code."""
    from atomsieve.workflows import rebuilding

    err = console(stderr=True)
    with (
        _target(where, is_dry=is_dry) as database,
        Progress(console=err, transient=True, disable=not err.is_terminal) as progress,
    ):
        bar = progress.add_task("campaigns")

        def told(what: str, done: int, of: int) -> None:
            progress.update(bar, description=escape(what), completed=done, total=of)

        # what goes can be had again, whatever has become of the campaign files that it stems from
        beside = Path() if database.path is None else database.path.parent
        aside = beside / f"removed-{datetime.now(UTC):%Y%m%dT%H%M%S}.jsonl.gz"
        done = rebuilding.rebuild(database, aside, is_dry=is_dry, progress=told)
        title = database.title
    code = Code.INCOMPLETE if done.incomplete else Code.DONE
    if as_json:
        print_json({"database": title, "dry_run": is_dry, **asdict(done)})
        return code
    out = console()
    columns = ("same", "changed", "new", "gone", "kept")
    out.print(
        _table(
            {name: {column: getattr(found, column) for column in columns} for name, found in done.collections.items()}
        )
    )
    for name, why in done.incomplete.items():
        out.print(escape(f"{name}: {why}; what it has stays"), style="yellow", soft_wrap=True)
    for name, found in done.collections.items():
        if found.gone:
            more = f" and {found.gone - len(found.examples):,} more" if found.gone > len(found.examples) else ""
            does = "would remove" if is_dry else "removed"
            keys = ", ".join(key[:12] for key in found.examples)
            out.print(f"{does} from {name}, as no campaign derives it: {keys}{more}", soft_wrap=True)
    if done.aside is not None:
        out.print(escape(f"what was removed lies in {done.aside}; `atomsieve db import` takes it back"), soft_wrap=True)
    number = len(done.campaigns)
    out.print(f"gone through {number:,} campaigns{'; nothing was written (--dry-run)' if is_dry else ''}")
    return code


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


@contextmanager
def _target(where: str | None, *, is_dry: bool) -> Iterator[Database]:
    """Open a database to write to: that of the settings unless one is named; looking makes none where there is none."""
    if where is None:
        settings = read_settings()
        target = open_database(None, Folder(settings.folder), settings)
    else:
        target = open_where(where, read_only=False)
    if not is_dry or target.path is None or target.path.is_file():
        with open_where(where) if is_dry and where is not None else target as there:
            yield there
        return
    with tempfile.TemporaryDirectory() as folder, Database.embedded(Path(folder) / target.path.name) as empty:
        yield empty


@contextmanager
def _bars(counts: Mapping[str, int]) -> Iterator[copying.Progress]:
    """Show a bar for each collection while there is a terminal."""
    err = console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        bars = {name: progress.add_task(name, total=total) for name, total in counts.items() if total}

        def advance(name: str, number: int) -> None:
            if name in bars:
                progress.advance(bars[name], number)

        yield advance


def _table(collections: Mapping[str, Mapping[str, int]]) -> Table:
    """Return a table with a line for each collection."""
    table = Table("collection")
    for column in next(iter(collections.values())):
        table.add_column(column, justify="right")
    for name, numbers in collections.items():
        table.add_row(name, *(f"{number:,}" for number in numbers.values()))
    return table


def _show(told: Mapping[str, Any], merging: copying.Merging, *, is_dry: bool, as_json: bool) -> None:
    found = {name: asdict(tally) for name, tally in merging.tallies.items()}
    if as_json:
        print_json({**told, "dry_run": is_dry, "collections": found})
        return
    out = console()
    out.print(_table(found))
    new, changed = (sum(tally[name] for tally in found.values()) for name in ("new", "changed"))
    does = "would be copied" if is_dry else "copied"
    dry = "; nothing was written (--dry-run)" if is_dry else ""
    out.print(f"{new + changed:,} documents {does}, {new:,} of them new{dry}")
