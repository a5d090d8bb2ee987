"""Commands of sites: what the command line says of single sites beside their energies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from atomsieve.workflows.watching import helm

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def descriptors(
    file_or_name: helm.Name,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write FILE.csv or FILE.json instead.")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of a table.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a site is: its geometry, its metals, its electrons and what it binds; a row for each site."""
    from atomsieve.workflows import descriptors

    descriptors.show(file_or_name, output, as_csv=as_csv, as_json=as_json)
