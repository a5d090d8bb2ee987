"""SiteCommands: the commands that say what one site is and withstands, as the command line takes them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from atomsieve.workflows.watching import helm

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
SiteOfAll = Annotated[str | None, typer.Argument(metavar="[SITE]", help="Its label, the beginning of that, or a key.")]


def pourbaix(
    file_or_name: helm.Name,
    site: SiteOfAll = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for the pictures.")] = None,
    ph: Annotated[str, typer.Option(metavar="LOW:HIGH", help="From and up to which pH.")] = "0:14",
    potential: Annotated[str, typer.Option(metavar="LOW:HIGH", help="From and up to which potential, V.")] = "-1:2",
    scale: Annotated[str, typer.Option(help="What potentials are measured against: SHE or RHE.")] = "SHE",
    as_json: AsJson = False,
) -> None:
    """Show and draw what covers a site at each potential and pH, and what poisons it."""
    from atomsieve.workflows import commands

    commands.pourbaix(file_or_name, site, output, ph, potential, scale, as_json=as_json)
