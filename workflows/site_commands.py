"""Site commands: what the command line says of single sites beyond their free energies."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from atomsieve.workflows.watching import helm

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


class Spectrum(StrEnum):
    """What FEFF can be asked for."""

    EXAFS = "EXAFS"
    XANES = "XANES"


def fingerprint(
    file_or_name: helm.Name,
    site: Annotated[
        str | None, typer.Argument(metavar="[SITE]", help="Its label, the beginning of that, or a key.")
    ] = None,
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
