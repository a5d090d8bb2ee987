"""Commands that move what is stored: from one database to another, to a file and back, and all of it derived anew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

WHERE = "A folder, a SQLite file, or a mongodb:// URI."
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be written; write nothing.")]


def copy(
    source: Annotated[str, typer.Argument(metavar="SRC", help=f"From where: {WHERE[0].lower()}{WHERE[1:]}")],
    target: Annotated[str, typer.Argument(metavar="DST", help=f"To where: {WHERE[0].lower()}{WHERE[1:]}")],
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Copy results into another database, without what it has already; stop it, and the same command goes on."""
    from atomsieve.workflows import moving

    moving.copy(source, target, is_dry=dry_run, as_json=as_json)


def dump(
    where: Annotated[str, typer.Argument(metavar="WHERE", help=WHERE)],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; compressed if it ends in .gz.")],
    as_json: AsJson = False,
) -> None:
    """Write all results to a file of JSON lines, whole documents, that `db import` takes in elsewhere."""
    from atomsieve.workflows import moving

    moving.dump(where, file, as_json=as_json)


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `db dump` wrote.")],
    into: Annotated[
        str | None, typer.Option("--into", metavar="WHERE", help=f"{WHERE} Unless given, that of the settings.")
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Take in what `db dump` wrote, without what is there already."""
    from atomsieve.workflows import moving

    moving.load(file, into, is_dry=dry_run, as_json=as_json)


def rebuild(
    where: Annotated[
        str | None, typer.Option("--database", metavar="WHERE", help=f"{WHERE} Unless given, that of the settings.")
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Derive energies, limiting potentials and stabilities again from the calculations; compute nothing."""
    from atomsieve.workflows import moving

    moving.rebuild(where, is_dry=dry_run, as_json=as_json)
