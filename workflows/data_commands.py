"""Commands about data: what is stored, pulled out by question, by site, or as files for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def export(
    name: Annotated[
        str | None, typer.Argument(metavar="[FORMAT]", help="csv, parquet, xyz ...; all are listed unless given.")
    ] = None,
    out: Annotated[Path | None, typer.Argument(metavar="[OUT]", help="The file, or the folder, to write.")] = None,
    where: Annotated[str | None, typer.Option(help='As "metal in Fe,Co and overpotential < 0.4".')] = None,
    origin: Annotated[
        str | None, typer.Option("--from", metavar="WHERE", help="A folder, an SQLite file or a mongodb:// URI.")
    ] = None,
    of: Annotated[str | None, typer.Option(metavar="COLLECTION", help="As adsorption_energies.")] = None,
    columns: Annotated[str | None, typer.Option(help="Fields, with commas between them.")] = None,
    sort: Annotated[str | None, typer.Option(help="Fields; -overpotential for the largest first.")] = None,
    top: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    options: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="An option of the format.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write results for another program: CSV, Parquet, ASE, extended XYZ, CIF, OPTIMADE, a paper's table ..."""
    from atomsieve.workflows import exporting

    if name is None:
        exporting.formats(as_json=as_json)
        return
    if out is None:
        raise typer.BadParameter(f"where to? atomsieve export {name} OUT")
    exporting.write(name, out, where, origin, of, columns, sort, top, options or [], as_json=as_json)
