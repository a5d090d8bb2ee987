"""Export: results that are asked for in words, written as a file for another program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import typer

from atomsieve.analysis.export import FORMATS, export
from atomsieve.structures.errors import InputError, unknown
from atomsieve.workflows.printing import print_json
from atomsieve.workflows.querying import opened


def write(
    name: str,
    out: Path,
    where: str | None,
    origin: str | None,
    of: str | None,
    columns: str | None,
    sort: str | None,
    top: int | None,
    options: Sequence[str],
    *,
    as_json: bool,
) -> None:
    """Write results in a format, and say what was written.

    Parameters
    ----------
    name : str
        One of :data:`~atomsieve.analysis.export.FORMATS`.
    out : Path
        File or folder.
    where : str or None
        What is asked for, as ``metal in Fe,Co and overpotential < 0.4``.
    origin : str or None
        Folder, SQLite file or MongoDB URI; the settings' database unless given.
    of : str or None
        The collection; the format's usual one unless given.
    columns, sort : str or None
        Fields with commas between them.
    top : int or None
        At most so many.
    options : sequence of str
        ``NAME=VALUE``, as the format lists them.
    as_json : bool
        Whether to say it as JSON.

    Raises
    ------
    InputError
        If there is no such format, collection, field or option; names the nearest.
    MethodMismatchError
        If the results come from methods that do not go together.
    """
    if name not in FORMATS:
        raise InputError(unknown(name, FORMATS, "format"))
    usual = FORMATS[name].of or ("reaction_results",)
    with opened(origin, of or usual[0]) as results:
        asked = results.where(where) if where else results
        asked = asked.sort(*_listed(sort)) if sort else asked
        asked = asked.select(*_listed(columns)) if columns else asked
        written = export(asked.limit(top), name, out, **_options(options))
    if as_json:
        data = {"file": str(out), "format": name, "written": written.number, "of": written.noun}
        print_json({**data, "notes": list(written.notes)})
        return
    typer.echo(f"wrote {written.number:,} {written.noun} to {out}")
    for note in written.notes:
        typer.echo(note)


def formats(*, as_json: bool) -> None:
    """Say what results can be written as."""
    from rich.table import Table

    from atomsieve.workflows.printing import console

    if as_json:
        print_json({name: {"summary": one.summary, "options": dict(one.options)} for name, one in FORMATS.items()})
        return
    table = Table("format", "what comes out", "options")
    for name, one in FORMATS.items():
        table.add_row(name, one.summary, "\n".join(f"{option}: {text}" for option, text in one.options.items()))
    console().print(table)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _options(stated: Sequence[str]) -> Mapping[str, str]:
    for entry in stated:
        if "=" not in entry:
            raise InputError(f"--set {entry}; write it as NAME=VALUE")
    return {name.strip(): value.strip() for name, _, value in (entry.partition("=") for entry in stated)}
