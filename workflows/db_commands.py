"""Commands about a database as a whole."""

from __future__ import annotations

import typer

from atomsieve.workflows import db_copy

app = typer.Typer(name="db", help="Move, keep and mend databases.", no_args_is_help=True)
app.command()(db_copy.copy)
app.command()(db_copy.dump)
app.command("import")(db_copy.import_)
