"""Commands about sites: their sums, whether they live, what covers, describes and betrays them, and a page of all."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from atomsieve.workflows import options


def explain(
    campaign: options.Campaign,
    site: options.Site = None,
    what: Annotated[str | None, typer.Argument(metavar="REACTION", help="A reaction, or an adsorbate: 'OH*'.")] = None,
    path: Annotated[
        int, typer.Option(metavar="NUMBER", min=1, help="Which path: 1 is the cheapest, then its alternatives.")
    ] = 1,
    as_json: options.AsJson = False,
) -> None:
    """Show the sum behind a limiting potential or a free energy, line by line, with keys and sources."""
    from atomsieve.workflows import commands

    commands.explain(campaign, site, what, path, as_json=as_json)


def stability(campaign: options.Campaign, site: options.Site = None, as_json: options.AsJson = False) -> None:
    """Say what holds sites together, and what they withstand: dissolution, acid, aggregation, ligands."""
    from atomsieve.workflows import stability

    stability.show(campaign, site, as_json=as_json)


def pourbaix(
    campaign: options.Campaign,
    site: options.Site = None,
    output: Annotated[Path | None, options.folder("the pictures")] = None,
    ph: Annotated[str, typer.Option(metavar="LOW:HIGH", help="From and up to which pH.")] = "0:14",
    potential: Annotated[str, typer.Option(metavar="LOW:HIGH", help="From and up to which potential, V.")] = "-1:2",
    scale: Annotated[
        str, typer.Option(metavar="SHE|RHE", help="What potentials are measured against: SHE or RHE.")
    ] = "SHE",
    as_json: options.AsJson = False,
) -> None:
    """Show and draw what covers a site at each potential and pH, and what poisons it."""
    from atomsieve.workflows import pourbaix

    pourbaix.show(campaign, site, output, ph, potential, scale, as_json=as_json)


def descriptors(
    campaign: options.Campaign,
    output: Annotated[Path | None, options.file("Write FILE.csv or FILE.json instead.")] = None,
    as_csv: options.AsCsv = False,
    as_json: options.AsJson = False,
) -> None:
    """Show what a site is: its geometry, its metals, its electrons and what it binds; a row for each site."""
    from atomsieve.workflows import descriptors

    descriptors.show(campaign, output, as_csv=as_csv, as_json=as_json)


class Spectrum(StrEnum):
    """What FEFF can be asked for."""

    EXAFS = "EXAFS"
    XANES = "XANES"


def fingerprint(
    campaign: options.Campaign,
    site: options.Site = None,
    output: Annotated[Path | None, options.folder("its structure and the input of FEFF")] = None,
    radius: Annotated[float, typer.Option(metavar="LENGTH", help="Longest scattering path, Å.")] = 5.0,
    edge: Annotated[
        str | None,
        typer.Option(metavar="EDGE", help="K, L1, L2 or L3; unless given, K of 3d and 4d metals, L3 of 5d ones."),
    ] = None,
    spectrum: Annotated[
        Spectrum, typer.Option(case_sensitive=False, help="What FEFF is to calculate.")
    ] = Spectrum.EXAFS,
    as_json: options.AsJson = False,
) -> None:
    """Show by what an experiment would recognise a site: spin, oxidation state, EXAFS paths, stretch of CO on it."""
    from atomsieve.workflows import fingerprint as page

    page.show(campaign, site, output, radius, edge, spectrum.value, as_json=as_json)


def report(
    campaign: options.Campaign,
    output: Annotated[
        Path | None, options.folder("the plots and the page; reports/NAME in the results unless given")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Draw free-energy diagrams and volcanoes, and write NAME.html beside them, which shows all; --json writes none."""
    from atomsieve.workflows import commands

    commands.report(campaign, output, as_json=as_json)
