"""Helm: the commands that steer a campaign, as the command line takes them."""

from __future__ import annotations

from typing import Annotated

import typer

from atomsieve.workflows import completing

Name = Annotated[
    str,
    typer.Argument(
        metavar="FILE|NAME",
        help="A campaign file, or the name of one that was run.",
        autocompletion=completing.campaigns,
    ),
]
Site = Annotated[str | None, typer.Option(help="Only this site, or a pattern: 'Fe-*'.")]
Metal = Annotated[str | None, typer.Option(help="Only sites whose name holds this element.")]
Kind = Annotated[str | None, typer.Option(help="Only these: clean, adsorbed, molecule, energy, displacement.")]
Stage = Annotated[str | None, typer.Option(help="Only this stage.")]
Key = Annotated[str | None, typer.Option(help="Only this calculation: its key, or the first letters of it.")]
State = Annotated[str | None, typer.Option(help="Only those in this state.")]
Worker = Annotated[
    str | None, typer.Option("--worker", "-w", help="File of the cluster, where its name does not find it.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="List them; do nothing.")]


def retry(
    file_or_name: Name,
    site: Site = None,
    metal: Metal = None,
    kind: Kind = None,
    stage: Stage = None,
    failure_class: Annotated[
        str | None, typer.Option("--class", help="Only those of which this is to be done, as: other-settings.")
    ] = None,
    cause: Annotated[str | None, typer.Option(help="Only those that failed for this, as `failures` names it.")] = None,
    key: Key = None,
    state: State = None,
    worker: Worker = None,
    dry_run: DryRun = False,
) -> None:
    """Have calculations that failed or were lost (or --state cancelled) calculated again."""
    from atomsieve.workflows.watching import control
    from atomsieve.workflows.watching.filtering import Filter

    chosen = Filter(site, metal, kind, stage, state, failure_class, cause, key)
    control.steer("retry", file_or_name, chosen, worker, dry=dry_run)


def cancel(
    file_or_name: Name,
    site: Site = None,
    metal: Metal = None,
    kind: Kind = None,
    stage: Stage = None,
    key: Key = None,
    state: State = None,
    everything: Annotated[bool, typer.Option("--all", help="Cancel all that is left of the campaign.")] = False,
    worker: Worker = None,
    dry_run: DryRun = False,
) -> None:
    """Stop calculations; what they have reached is kept."""
    from atomsieve.workflows.watching import control
    from atomsieve.workflows.watching.filtering import Filter

    chosen = Filter(site, metal, kind, stage, state, key=key)
    control.steer("cancel", file_or_name, chosen, worker, everything=everything, dry=dry_run)


def pause(
    file_or_name: Name,
    site: Site = None,
    metal: Metal = None,
    kind: Kind = None,
    stage: Stage = None,
    key: Key = None,
    worker: Worker = None,
    dry_run: DryRun = False,
) -> None:
    """Hold back calculations that have not begun."""
    from atomsieve.workflows.watching import control
    from atomsieve.workflows.watching.filtering import Filter

    control.steer("pause", file_or_name, Filter(site, metal, kind, stage, key=key), worker, dry=dry_run)


def resume(
    file_or_name: Name,
    site: Site = None,
    metal: Metal = None,
    kind: Kind = None,
    stage: Stage = None,
    key: Key = None,
    worker: Worker = None,
    dry_run: DryRun = False,
) -> None:
    """Let go on what was paused."""
    from atomsieve.workflows.watching import control
    from atomsieve.workflows.watching.filtering import Filter

    control.steer("resume", file_or_name, Filter(site, metal, kind, stage, key=key), worker, dry=dry_run)
