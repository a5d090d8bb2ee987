"""Commands that move what is stored: from one database to another, to a file and back, and all of it derived anew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from atomsieve.workflows import options


def copy(
    source: options.Source, target: options.Target, dry_run: options.DryRun = False, as_json: options.AsJson = False
) -> None:
    """Copy results into another database, without what it has already; stop it, and the same command goes on."""
    from atomsieve.workflows import moving

    moving.copy(source, target, is_dry=dry_run, as_json=as_json)


def dump(
    source: options.Source,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; compressed if it ends in .gz.")],
    as_json: options.AsJson = False,
) -> None:
    """Write all results to a file of JSON lines, whole documents, that `db import` takes in elsewhere."""
    from atomsieve.workflows import moving

    moving.dump(source, file, as_json=as_json)


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `db dump` wrote.")],
    database: options.Database = None,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> None:
    """Take in what `db dump` wrote, without what is there already."""
    from atomsieve.workflows import moving

    moving.load(file, database, is_dry=dry_run, as_json=as_json)


def rebuild(
    database: options.Database = None, dry_run: options.DryRun = False, as_json: options.AsJson = False
) -> None:
    """Derive energies, limiting potentials and stabilities again from the calculations; compute nothing."""
    from atomsieve.workflows import moving

    raise typer.Exit(moving.rebuild(database, is_dry=dry_run, as_json=as_json))
