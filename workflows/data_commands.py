"""Commands about data: what is stored, pulled out by question, by site, or as files for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from atomsieve.workflows import completing

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="WHERE",
        help="Which database: a folder, an SQLite file or a mongodb:// URI; unless given, the one of the settings.",
    ),
]


def results(
    file_or_name: Annotated[
        str | None,
        typer.Argument(
            metavar="[FILE|NAME]",
            help="A campaign file, or the name of one that was run; the whole database unless given.",
            autocompletion=completing.campaigns,
        ),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help='What to look for in the database: "metal in Fe,Co and overpotential < 0.4 and verdict = bound".',
            autocompletion=completing.conditions,
        ),
    ] = None,
    metal: Annotated[str | None, typer.Option(help="Only sites that hold this metal, or these: Fe-Co.")] = None,
    reaction: Annotated[str | None, typer.Option(help="Only this reaction.")] = None,
    family: Annotated[str | None, typer.Option(help="Only this family of supports.")] = None,
    verdict: Annotated[str | None, typer.Option(help="Only sites where an adsorbate has this verdict.")] = None,
    overpotential_max: Annotated[float | None, typer.Option(help="V; only sites at or below it.")] = None,
    overpotential_min: Annotated[float | None, typer.Option(help="V; only sites at or above it.")] = None,
    columns: Annotated[
        str | None,
        typer.Option(help="Fields to show, with commas between them.", autocompletion=completing.columns),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            help="Field to sort by, as --json names it; of the database several, with commas, a minus for downwards.",
            autocompletion=completing.columns,
        ),
    ] = None,
    descending: Annotated[bool, typer.Option("--descending", help="Largest first.")] = False,
    group: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD",
            help="A line for each value of a field, or with --top the first rows of each.",
            autocompletion=completing.columns,
        ),
    ] = None,
    top: Annotated[int | None, typer.Option("--top", "--limit", min=1, help="At most so many rows.")] = None,
    origin: From = None,
    of: Annotated[
        str | None,
        typer.Option(
            metavar="COLLECTION",
            help="What to look at instead of reaction_results: adsorption_energies, stabilities, sites, failures ...",
            autocompletion=completing.collections,
        ),
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of a table.")] = False,
    as_json: AsJson = False,
    as_jsonl: Annotated[bool, typer.Option("--jsonl", help="Print JSON lines, a row each, as they are read.")] = False,
) -> None:
    """Show free energies, limiting potentials and verdicts: of a campaign, or whatever is asked of the database."""
    from atomsieve.workflows import querying

    forms = {"csv": as_csv, "json": as_json, "jsonl": as_jsonl}
    if sum(forms.values()) > 1:
        raise typer.BadParameter("take one of --csv, --json and --jsonl")
    filters = {
        "metal": metal,
        "reaction": reaction,
        "family": family,
        "verdict": verdict,
        "overpotential_max": overpotential_max,
        "overpotential_min": overpotential_min,
    }
    asks_database = any(option is not None for option in (where, origin, of, group, columns)) or as_jsonl
    if file_or_name is not None and not asks_database:
        from atomsieve.workflows import commands

        commands.results(
            file_or_name,
            filters=filters,
            sort=sort or "site",
            descending=descending,
            limit=top,
            as_csv=as_csv,
            as_json=as_json,
        )
        return
    with querying.asked(file_or_name, where, filters, origin, of) as found:
        querying.show(
            found,
            columns=columns,
            sort=sort,
            descending=descending,
            group=group,
            top=top,
            form=next((name for name in forms if forms[name]), "table"),
        )


def show(
    site: Annotated[
        str,
        typer.Argument(
            metavar="SITE",
            help="Its label, the beginning of that, or of its key.",
            autocompletion=completing.sites,
        ),
    ],
    origin: From = None,
    as_json: AsJson = False,
) -> None:
    """Show all that is known of a site: results, energies, stability, failures, and where its calculations lie."""
    from atomsieve.workflows import showing

    showing.show(site, origin, as_json=as_json)


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
