"""Commands about sites: whether they live, what covers, describes and betrays them, and all of it on a page."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from atomsieve.workflows import completing
from atomsieve.workflows.watching import helm

FileOrName = helm.Name
Site = Annotated[
    str | None,
    typer.Argument(
        metavar="[SITE]",
        help="Its label, the beginning of that, or a key.",
        autocompletion=completing.sites,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def stability(file_or_name: FileOrName, site: Site = None, as_json: AsJson = False) -> None:
    """Say what holds sites together, and what they withstand: dissolution, acid, aggregation, ligands."""
    from atomsieve.workflows import stability

    stability.show(file_or_name, site, as_json=as_json)


def pourbaix(
    file_or_name: FileOrName,
    site: Site = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for the pictures.")] = None,
    ph: Annotated[str, typer.Option(metavar="LOW:HIGH", help="From and up to which pH.")] = "0:14",
    potential: Annotated[str, typer.Option(metavar="LOW:HIGH", help="From and up to which potential, V.")] = "-1:2",
    scale: Annotated[str, typer.Option(help="What potentials are measured against: SHE or RHE.")] = "SHE",
    as_json: AsJson = False,
) -> None:
    """Show and draw what covers a site at each potential and pH, and what poisons it."""
    from atomsieve.workflows import pourbaix

    pourbaix.show(file_or_name, site, output, ph, potential, scale, as_json=as_json)


def descriptors(
    file_or_name: FileOrName,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write FILE.csv or FILE.json instead.")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of a table.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a site is: its geometry, its metals, its electrons and what it binds; a row for each site."""
    from atomsieve.workflows import descriptors

    descriptors.show(file_or_name, output, as_csv=as_csv, as_json=as_json)


class Spectrum(StrEnum):
    """What FEFF can be asked for."""

    EXAFS = "EXAFS"
    XANES = "XANES"


def fingerprint(
    file_or_name: FileOrName,
    site: Site = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for its structure and the input of FEFF.")
    ] = None,
    radius: Annotated[float, typer.Option(help="Å, of the scattering paths.")] = 5.0,
    edge: Annotated[
        str | None, typer.Option(help="K, L1, L2 or L3; unless given, K of 3d and 4d metals, L3 of 5d ones.")
    ] = None,
    spectrum: Annotated[
        Spectrum, typer.Option(case_sensitive=False, help="What FEFF is to calculate.")
    ] = Spectrum.EXAFS,
    as_json: AsJson = False,
) -> None:
    """Show by what an experiment would recognise a site: spin, oxidation state, EXAFS paths, stretch of CO on it."""
    from atomsieve.workflows import fingerprint as page

    page.show(file_or_name, site, output, radius, edge, spectrum.value, as_json=as_json)


def report(
    file_or_name: FileOrName,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for the plots and the page.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what the page shows as JSON; draw and write nothing.")
    ] = False,
) -> None:
    """Draw free-energy diagrams and volcanoes into a folder, and write NAME.html beside them, which shows all."""
    from atomsieve.workflows import commands

    commands.report(file_or_name, output, as_json=as_json)
