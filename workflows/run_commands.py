"""Commands that run a campaign, here or on a cluster, and look how far it has come."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from atomsieve.workflows import completing, options


def run(
    file: options.File,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            "-n",
            metavar="NUMBER",
            min=1,
            max=1024,
            help="Processes on this machine; one a core unless given.",
        ),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Run a campaign on this machine, on all cores; stop it with Ctrl-C, and the same command goes on."""
    from atomsieve.workflows import commands

    raise typer.Exit(commands.run(file, workers, as_json=as_json))


def submit(
    file: options.File,
    engine: Annotated[
        str,
        typer.Option(
            "--engine",
            "-e",
            metavar="ENGINE",
            help="What runs it there: fireworks or jobflow-remote.",
            autocompletion=completing.engines,
        ),
    ],
    worker: options.Worker,
    as_json: options.AsJson = False,
) -> None:
    """Hand to a cluster what a campaign lacks; again, and nothing is handed over twice."""
    from atomsieve.workflows import sending

    raise typer.Exit(sending.submit(file, engine, worker, as_json=as_json))


def recover(
    campaign: options.Campaign,
    worker: options.WorkerIfAny = None,
    watch: options.Watch = False,
    every: Annotated[float, options.interval(20)] = 20.0,
    as_json: options.AsJson = False,
) -> None:
    """Take in what clusters have calculated, set right what was lost, hand over what follows; safe at any time."""
    from atomsieve.workflows import sending

    raise typer.Exit(sending.recover(campaign, worker, watch=every if watch else None, as_json=as_json))


def flow(
    file: options.File,
    output: Annotated[Path, options.file("The file to write.")] = Path("flow.json"),
    site: Annotated[
        str | None,
        typer.Option(metavar="SITE", help="Only the site of this label, and the gases.", rich_help_panel=options.ONLY),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Write a campaign as a jobflow Flow, for any manager of jobflow to run."""
    from atomsieve.workflows import commands

    commands.flow(file, output, site, as_json=as_json)


def status(
    campaign: Annotated[
        str,
        typer.Argument(
            metavar="FILE|NAME|KEY",
            help="A campaign file, the name of a campaign that was run, or the key of a calculation.",
            autocompletion=completing.campaigns,
        ),
    ],
    key: Annotated[
        str | None, typer.Argument(metavar="KEY", help="A calculation of it: its key, or the beginning of one.")
    ] = None,
    watch: options.Watch = False,
    every: Annotated[float, options.interval(5)] = 5.0,
    as_json: options.AsJson = False,
) -> None:
    """Say how far a campaign has come, or show one calculation."""
    from atomsieve.workflows.watching import board

    board.status(campaign, key, watch=every if watch else None, as_json=as_json)


def failures(campaign: options.Campaign, as_json: options.AsJson = False) -> None:
    """Say what failed, why, and what to do about it."""
    from atomsieve.workflows.watching import control

    control.failures(campaign, as_json=as_json)
