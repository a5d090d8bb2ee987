"""Querying: what a command line asks of a database, and its answer as a table, CSV or JSON."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from rich.markup import escape
from rich.table import Table

from atomsieve.analysis import Results
from atomsieve.analysis.cells import cell_text
from atomsieve.analysis.labels import NOT_PREDICTIVE, UNKNOWN
from atomsieve.analysis.opening import FILE
from atomsieve.analysis.results.fields import MAIN, field
from atomsieve.structures.errors import InputError
from atomsieve.workflows import screen
from atomsieve.workflows.printing import json_text, print_json_list
from atomsieve.workflows.settings import read_settings

Row = Mapping[str, Any]
#: Rows of a table unless more are asked for.
ROWS: Final = 50
#: What a table of groups has beside the field.
_SUMMED: Final = ("lowest", "mean", "highest")


def opened(origin: str | None, of: str = "reaction_results") -> Results:
    """Open a database to read from.

    Parameters
    ----------
    origin : str or None
        Folder, SQLite file or MongoDB URI; the one of the settings unless given.
    of : str
        The collection to ask.

    Raises
    ------
    InputError
        If there is nothing there, or no such collection.
    """
    if origin is not None:
        return Results.open(origin, of)
    settings = read_settings()
    if settings.mongodb_uri is not None:
        return Results.open(settings.mongodb_uri.get_secret_value(), of, settings.mongodb_database)
    if not (settings.folder / FILE).is_file():
        raise InputError(
            f"there is no database in {settings.folder}; run a campaign, name another place with --database WHERE or "
            "set ATOMSIEVE_FOLDER or ATOMSIEVE_MONGODB_URI"
        )
    return Results.open(settings.folder, of)


@contextmanager
def asked(
    campaign: str | None, where: str | None, filters: Mapping[str, Any], origin: str | None, of: str | None
) -> Iterator[Results]:
    """Open a database and ask it what a command line says.

    Parameters
    ----------
    campaign : str or None
        A campaign file, or a name; all campaigns unless given.
    where : str or None
        A condition, as the language writes it.
    filters : mapping of str to object
        ``metal``, ``reaction``, ``family``, ``verdict``, ``overpotential_max``, ``overpotential_min``; None for none.
    origin, of : str or None
        As in :func:`opened`.
    """
    collection = of or "reaction_results"
    name, place = _campaign(campaign) if campaign is not None else (None, None)
    with opened(origin or place, collection) as found:
        if name is not None:
            found = found.where(campaign=name)
        if where is not None:
            found = found.where(where)
        yield _filtered(found, filters)


def _campaign(file_or_name: str) -> tuple[str, str | None]:
    """Return the name of a campaign, and where its database lies unless that is for the settings to say."""
    path = Path(file_or_name)
    if not (path.is_file() or path.suffix in (".yaml", ".yml")):
        return file_or_name, None
    from atomsieve.workflows.campaigns import load, open_database

    settings = read_settings()
    checked = load(path, settings)
    file = open_database(checked.campaign, checked.folder, settings).path
    return checked.campaign.name, str(file) if file is not None else None


def _filtered(found: Results, filters: Mapping[str, Any]) -> Results:
    stated = {name: value for name, value in filters.items() if value is not None}
    metal = stated.pop("metal", None)
    if metal is not None:
        for symbol in Counter(metal.split("-")):
            found = found.where(metal=symbol)
    bounds = {"overpotential_max": "overpotential__le", "overpotential_min": "overpotential__ge"}
    for name, value in stated.items():
        found = found.where(**{bounds.get(name, name): value})
    return found


def show(
    found: Results,
    *,
    columns: str | None,
    sort: str | None,
    descending: bool,
    group: str | None,
    top: int | None,
    form: str,
) -> None:
    """Print what was found.

    Parameters
    ----------
    found : Results
        Open.
    columns, sort : str or None
        Fields with commas between them.
    descending : bool
        Whether what is sorted by begins with its largest value, where no minus says so.
    group : str or None
        A field: a line for each value, or the first rows of each where ``top`` is given.
    top : int or None
        At most so many rows.
    form : str
        A table, which is plain text with tabs where no person reads it, or CSV, JSON or JSON lines.
    """
    chosen = found.sort(*_order(sort, descending=descending)) if sort else found
    chosen = chosen.select(*_listed(columns)) if columns else chosen
    if descending and not sort:
        raise InputError("--descending goes with --sort FIELD")
    if group is not None and top is None:
        number = next((name.removeprefix("-") for name in _listed(sort or "")), None)
        is_number = number is not None and field(found.collection, number).kind == "number"
        summed = found.group(group, number if is_number else None)
        heading = number if is_number else MAIN.get(found.collection)
        _print(found, summed, form, list(summed[0]) if summed else [group, "rows"], heading)
    elif group is not None:
        names = list(dict.fromkeys([group, *chosen.names()]))
        rows: Iterable[Row] = _first_of_each(chosen.select(*names), group, top or 1)
        _print(found, rows, form, names)
    elif form == "table":
        _print_table(chosen, top)
    else:
        _print(found, chosen.limit(top), form, chosen.names())


def _first_of_each(rows: Iterable[Row], group: str, most: int) -> list[Row]:
    """Return the first rows of each value of a field, group by group."""
    kept: dict[Any, list[Row]] = {}
    for row in rows:
        value = row[group]
        for each in dict.fromkeys(value) if isinstance(value, list) else [value]:
            own = kept.setdefault(each, [])
            if len(own) < most:
                own.append({**row, group: each})
    order = sorted(kept, key=lambda each: (each is None, str(each)))
    return [row for each in order for row in kept[each]]


def _print_table(chosen: Results, top: int | None) -> None:
    """Print a table for people, as many rows as they read; all of them, plainly, for other programs."""
    out = screen.console()
    if not out.is_terminal:
        _write_plain(chosen.limit(top), chosen.names())
        return
    rows = list(chosen.limit(top or ROWS))
    if not rows:
        out.print(f"nothing of {chosen.collection} meets these conditions")
        return
    names = list(chosen.names())
    shared = {} if chosen.columns or len(rows) == 1 else _shared(rows, names)
    out.print(_table(chosen.collection, rows, [name for name in names if name not in shared]))
    if said := [f"{name} {_plain_text(name, value)}" for name, value in shared.items() if value not in (None, "", [])]:
        out.print(escape(f"all of them: {'; '.join(said)}"), soft_wrap=True)
    if top is None and len(rows) == ROWS and (more := chosen.count() - ROWS) > 0:
        out.print(f"and {more:,} rows more: --top {ROWS + more}, or all of them with --csv, --json or --jsonl")
    if "predictive" in names and not all(row["predictive"] for row in rows):
        out.print(f"[bold yellow]{NOT_PREDICTIVE}[/bold yellow]: rows that are not predictive")


def _shared(rows: Sequence[Row], names: Sequence[str]) -> dict[str, Any]:
    """Return what all rows have in common, which needs no column; what a row is about stays one."""
    first = rows[0]
    about = names[0]
    return {name: first[name] for name in names if name != about and all(row[name] == first[name] for row in rows)}


def _print(found: Results, rows: Iterable[Row], form: str, names: Sequence[str], heading: str | None = None) -> None:
    """Print rows as they are read."""
    if form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([_plain_text(name, row[name]) for name in names] for row in rows)
    elif form == "jsonl":
        for row in rows:
            sys.stdout.write(json_text(row) + "\n")
    elif form == "json":
        print_json_list(rows)
    elif not screen.console().is_terminal:
        _write_plain(rows, names)
    else:
        screen.console().print(_table(found.collection, list(rows), names, heading))


def _write_plain(rows: Iterable[Row], names: Sequence[str]) -> None:
    sys.stdout.write("\t".join(names) + "\n")
    for row in rows:
        cells = (" ".join(str(_plain_text(name, row[name])).split()) for name in names)
        sys.stdout.write("\t".join(cells) + "\n")


def _table(collection: str, rows: Sequence[Row], names: Sequence[str], heading: str | None = None) -> Table:
    table = Table()
    for name in names:
        entry = _label(collection, name, heading)
        is_number = entry.decimals is not None or name in ("rows", "known")
        table.add_column(
            escape(entry.header if name not in _SUMMED else f"{name} {entry.header}"),
            justify="right" if is_number else "left",
            no_wrap=is_number or (name == "site" and screen.console().width >= screen.WIDE),
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(escape(_shown(collection, name, row[name], heading)) for name in names))
    return table


def _label(collection: str, name: str, heading: str | None) -> Any:
    from atomsieve.analysis.labels import Label

    if name in ("rows", "known"):
        return Label(name, name, "", None)
    return field(collection, heading if name in _SUMMED and heading else name).label


def _shown(collection: str, name: str, value: Any, heading: str | None) -> str:
    if value is None:
        return UNKNOWN
    entry = _label(collection, name, heading)
    if isinstance(value, float | int) and not isinstance(value, bool) and entry.decimals is not None:
        return str(entry.text(value))
    return str(_plain_text(name, value))


def _plain_text(name: str, value: Any) -> Any:
    """Return what CSV holds: numbers as they are, all else as text."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, float | int) and not isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        return json_text(value)
    return cell_text("", value)


def _order(sort: str, *, descending: bool) -> list[str]:
    names = _listed(sort)
    return [f"-{name}" if descending and not name.startswith("-") else name for name in names]


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
