"""Commands with which a campaign begins: what there is to choose from, its file, its plan, and what a machine can."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from atomsieve.workflows import completing, options


def new(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="The campaign's name; the file is NAME.yaml in the current folder. Or the word worker."
        ),
    ],
    cluster: Annotated[
        str | None,
        typer.Argument(
            metavar="CLUSTER",
            help="After the word worker: the cluster's name (mycluster unless given), or the path of the file.",
        ),
    ] = None,
) -> None:
    """Write a campaign file in which every key is explained; or `new worker`, a file that describes a cluster."""
    from atomsieve.workflows.template import write_template

    if name == "worker":
        from atomsieve.workflows.clusters.workertemplate import write_worker

        path = write_worker(cluster or "mycluster")
        typer.echo(f"wrote {path}; edit it, then try it: atomsieve doctor --worker {cluster or 'mycluster'}")
        return
    if cluster is not None:
        raise typer.BadParameter(f"{cluster!r} is one name too many; or was `atomsieve new worker {cluster}` meant?")
    path = write_template(name, Path())
    typer.echo(f"wrote {path}; edit it, then see what it would run: atomsieve plan {path}")


def families(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="FAMILY", help="A family; all of them unless given.", autocompletion=completing.families
        ),
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Draw the family's examples into this folder (PNG) instead of the settings'."
        ),
    ] = None,
    gallery: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write a page of every family with pictures into this folder.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """List the families of sites, or one with its parameters, its examples and their pictures."""
    from atomsieve.workflows import listing

    listing.families(name, pictures, gallery, as_json=as_json)


def reactions(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="REACTION",
            help="A reaction, or some of its routes (NRR:distal); all reactions unless given.",
            autocompletion=completing.reactions,
        ),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """List the reactions, or one with its routes, its steps and its side products."""
    from atomsieve.workflows import networks

    networks.show(name, as_json=as_json)


def plan(
    file: options.File,
    pictures: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Draw every site into this folder (PNG).")
    ] = None,
    structures: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write every site into this folder (extended XYZ).")
    ] = None,
    keys: Annotated[
        bool, typer.Option("--keys", help="List the request key of every calculation that may run, and leave.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Build every site and say what would run, with its cost in force calls and CPU hours; compute nothing."""
    from atomsieve.workflows import commands

    commands.plan(file, pictures, structures, keys=keys, as_json=as_json)


def doctor(
    calculators: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CALCULATOR...",
            help="Calculators that must work; unless given, those of a plain install.",
            autocompletion=completing.calculators,
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Only look what is there; calculate nothing.")] = False,
    timeout: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=1,
            help="Seconds that each calculator has for a molecule (120), or a cluster for its jobs (600).",
        ),
    ] = None,
    worker: options.WorkerIfAny = None,
    as_json: options.AsJson = False,
) -> None:
    """Say what works on this machine, or with --worker on a cluster, what does not, and the command that mends it."""
    from atomsieve.workflows import doctor

    if worker is not None:
        from atomsieve.workflows.clusters import clusterdoctor

        raise typer.Exit(clusterdoctor.doctor(worker, calculators or [], timeout or 600.0, as_json=as_json))
    raise typer.Exit(doctor.doctor(calculators or [], quick=quick, timeout=timeout or 120.0, as_json=as_json))
