"""Commands about a database as a whole."""

from __future__ import annotations

from typing import Annotated

import typer

from atomsieve.workflows import completing, db_copy, options
from atomsieve.workflows.options import Renamed

app = typer.Typer(name="db", help="Copy, check and migrate databases.", no_args_is_help=True)


def migrate(database: options.Database = None, as_json: options.AsJson = False) -> None:
    """Bring the documents of older versions to the one of now; stop it with Ctrl-C, and the same command goes on."""
    from atomsieve.workflows import upkeep

    upkeep.migrate(database, as_json=as_json)


def check(database: options.Database = None, as_json: options.AsJson = False) -> None:
    """Look whether all documents are what they should be; write nothing, and end with 1 if something is amiss."""
    from atomsieve.workflows import upkeep

    raise typer.Exit(upkeep.check(database, as_json=as_json))


def schema(
    collection: Annotated[
        str | None,
        typer.Argument(
            metavar="COLLECTION", help="One of them; all unless given.", autocompletion=completing.collections
        ),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Say what the documents of each collection hold, and in which units."""
    from atomsieve.workflows import upkeep

    upkeep.schema(collection, as_json=as_json)


for name, command, example in (
    ("copy", db_copy.copy, "atomsieve db copy atomsieve-data mongodb://server/atomsieve --dry-run"),
    ("dump", db_copy.dump, "atomsieve db dump atomsieve-data results.jsonl.gz"),
    ("import", db_copy.import_, "atomsieve db import results.jsonl.gz --database other-data"),
    ("migrate", migrate, "atomsieve db migrate"),
    ("check", check, "atomsieve db check --database other-data"),
    ("schema", schema, "atomsieve db schema adsorption_energies"),
):
    app.command(name, cls=Renamed, epilog=f"Example: {example}")(command)
