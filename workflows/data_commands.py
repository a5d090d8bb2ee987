"""Commands about data: what is stored, taken in from elsewhere, pulled out by question, by site, or as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from atomsieve.workflows import completing, options


def ingest(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The campaign under which results will be found.")],
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="Folders of VASP runs; ASE databases, extended XYZ or CSV files."),
    ],
    mapping: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A YAML file that says what is what; see docs/ingest.md.")
    ] = None,
    pattern: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="What paths say, as {site}/{adsorbate}; may be given more than once."),
    ] = None,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> None:
    """Take in what has been calculated before: find out what each run is, check it, store it."""
    from atomsieve.workflows.ingest import command

    raise typer.Exit(command.ingest(name, paths, mapping, pattern or [], as_json=as_json, is_dry=dry_run))


def results(
    campaign: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE|NAME",
            help="A campaign file, or the name of a campaign that was run; the whole database unless given.",
            autocompletion=completing.campaigns,
        ),
    ] = None,
    where: options.Where = None,
    metal: options.Metal = None,
    reaction: options.Reaction = None,
    family: options.Family = None,
    verdict: Annotated[
        str | None,
        typer.Option(
            metavar="VERDICT",
            help="Only sites where an adsorbate has this verdict: bound, desorbed, dissociated ...",
            autocompletion=completing.verdicts,
            rich_help_panel=options.ONLY,
        ),
    ] = None,
    overpotential_max: Annotated[
        float | None,
        typer.Option(metavar="VOLT", help="Only overpotentials at or below it, V.", rich_help_panel=options.ONLY),
    ] = None,
    overpotential_min: Annotated[
        float | None,
        typer.Option(metavar="VOLT", help="Only overpotentials at or above it, V.", rich_help_panel=options.ONLY),
    ] = None,
    columns: options.Columns = None,
    sort: options.Sort = None,
    descending: Annotated[bool, typer.Option("--descending", help="Largest first.")] = False,
    group: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD",
            help="A line for each value of a field, or with --top the first rows of each.",
            autocompletion=completing.columns,
        ),
    ] = None,
    top: options.Top = None,
    database: options.Database = None,
    of: options.Of = None,
    as_csv: options.AsCsv = False,
    as_json: options.AsJson = False,
    as_jsonl: options.AsJsonLines = False,
) -> None:
    """Show free energies (eV), limiting potentials (V vs RHE) and verdicts: of a campaign, or of the whole database."""
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
    asks_database = any(option is not None for option in (where, database, of, group, columns)) or as_jsonl
    if campaign is not None and not asks_database:
        from atomsieve.workflows import commands

        commands.results(
            campaign,
            filters=filters,
            sort=sort or "site",
            descending=descending,
            limit=top,
            as_csv=as_csv,
            as_json=as_json,
        )
        return
    with querying.asked(campaign, where, filters, database, of) as found:
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
            metavar="SITE", help="A site: its label or key, or the beginning of one.", autocompletion=completing.sites
        ),
    ],
    database: options.Database = None,
    as_json: options.AsJson = False,
) -> None:
    """Show all that is known of a site: results, energies, stability, failures, and where its calculations lie."""
    from atomsieve.workflows import showing

    showing.show(site, database, as_json=as_json)


def export(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="FORMAT",
            help="csv, parquet, xyz ...; all are listed unless given.",
            autocompletion=completing.formats,
        ),
    ] = None,
    output: Annotated[Path | None, typer.Argument(metavar="OUTPUT", help="The file, or the folder, to write.")] = None,
    where: options.Where = None,
    database: options.Database = None,
    of: options.Of = None,
    columns: options.Columns = None,
    sort: options.Sort = None,
    top: options.Top = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="An option of the format; may be given more than once."),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Write results for another program: CSV, Parquet, ASE, extended XYZ, CIF, OPTIMADE, a paper's table ..."""
    from atomsieve.workflows import exporting

    if name is None:
        exporting.formats(as_json=as_json)
        return
    if output is None:
        raise typer.BadParameter(f"where to? atomsieve export {name} OUTPUT")
    exporting.write(name, output, where, database, of, columns, sort, top, settings or [], as_json=as_json)
