"""Commands about single sites: whether they live, what covers them, what describes and what betrays them."""

from __future__ import annotations

from typing import Annotated

import typer

from atomsieve.workflows.watching import helm

FileOrName = helm.Name
Site = Annotated[str | None, typer.Argument(metavar="[SITE]", help="Its label, the beginning of that, or a key.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def stability(file_or_name: FileOrName, site: Site = None, as_json: AsJson = False) -> None:
    """Say what holds sites together, and what they withstand: dissolution, acid, aggregation, ligands."""
    from atomsieve.workflows import stability

    stability.show(file_or_name, site, as_json=as_json)
