"""Commands about a database as a whole."""

from __future__ import annotations

from typing import Annotated

import typer

from atomsieve.workflows import db_copy

app = typer.Typer(name="db", help="Move, keep and mend databases.", no_args_is_help=True)
app.command()(db_copy.copy)
app.command()(db_copy.dump)
app.command("import")(db_copy.import_)

Where = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="WHERE",
        help="A folder, a SQLite file, or a mongodb:// URI; unless given, the one of the settings.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]


@app.command()
def migrate(database: Where = None, as_json: AsJson = False) -> None:
    """Bring the documents of older versions to the one of now; stop it, and the same command goes on."""
    from atomsieve.workflows import upkeep

    upkeep.migrate(database, as_json=as_json)


@app.command()
def check(database: Where = None, as_json: AsJson = False) -> None:
    """Look whether all documents are what they should be; write nothing, and end with 1 if something is amiss."""
    from atomsieve.workflows import upkeep

    raise typer.Exit(upkeep.check(database, as_json=as_json))


@app.command()
def schema(
    collection: Annotated[
        str | None, typer.Argument(metavar="[COLLECTION]", help="One of them; all unless given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what the documents of each collection hold, and in which units."""
    from atomsieve.workflows import upkeep

    upkeep.schema(collection, as_json=as_json)
