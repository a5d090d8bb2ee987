"""Helm: the commands that steer a campaign, as the command line takes them."""

from __future__ import annotations

from typing import Annotated

import typer

from atomsieve.workflows import completing, options


def retry(
    campaign: options.Campaign,
    site: options.Pattern = None,
    metal: options.Metal = None,
    kind: options.Kind = None,
    stage: options.Stage = None,
    failure_class: Annotated[
        str | None,
        typer.Option(
            "--class",
            metavar="CLASS",
            help="Only calculations of which this is to be done: other-settings, more-memory ...",
            autocompletion=completing.classes,
            rich_help_panel=options.ONLY,
        ),
    ] = None,
    cause: Annotated[
        str | None,
        typer.Option(
            metavar="CAUSE",
            help="Only calculations that failed for this, as `failures` names it.",
            autocompletion=completing.causes,
            rich_help_panel=options.ONLY,
        ),
    ] = None,
    key: options.Key = None,
    state: options.State = None,
    worker: options.WorkerIfAny = None,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> None:
    """Have calculations that failed or were lost (or --state cancelled) calculated again."""
    from atomsieve.workflows.watching import control
    from atomsieve.workflows.watching.filtering import Filter

    chosen = Filter(site, metal, kind, stage, state, failure_class, cause, key)
    control.steer("retry", campaign, chosen, worker, dry=dry_run, as_json=as_json)


def cancel(
    campaign: options.Campaign,
    site: options.Pattern = None,
    metal: options.Metal = None,
    kind: options.Kind = None,
    stage: options.Stage = None,
    key: options.Key = None,
    state: options.State = None,
    everything: Annotated[bool, typer.Option("--all", help="Cancel all that is left of the campaign.")] = False,
    worker: options.WorkerIfAny = None,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> None:
    """Stop calculations; what they have reached is kept."""
    from atomsieve.workflows.watching import control
    from atomsieve.workflows.watching.filtering import Filter

    chosen = Filter(site, metal, kind, stage, state, key=key)
    control.steer("cancel", campaign, chosen, worker, everything=everything, dry=dry_run, as_json=as_json)


def pause(
    campaign: options.Campaign,
    site: options.Pattern = None,
    metal: options.Metal = None,
    kind: options.Kind = None,
    stage: options.Stage = None,
    key: options.Key = None,
    worker: options.WorkerIfAny = None,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> None:
    """Hold back calculations that have not begun."""
    from atomsieve.workflows.watching import control
    from atomsieve.workflows.watching.filtering import Filter

    chosen = Filter(site, metal, kind, stage, key=key)
    control.steer("pause", campaign, chosen, worker, dry=dry_run, as_json=as_json)


def resume(
    campaign: options.Campaign,
    site: options.Pattern = None,
    metal: options.Metal = None,
    kind: options.Kind = None,
    stage: options.Stage = None,
    key: options.Key = None,
    worker: options.WorkerIfAny = None,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> None:
    """Let go on what was paused."""
    from atomsieve.workflows.watching import control
    from atomsieve.workflows.watching.filtering import Filter

    chosen = Filter(site, metal, kind, stage, key=key)
    control.steer("resume", campaign, chosen, worker, dry=dry_run, as_json=as_json)
