"""Command line: ``atomsieve new | families | reactions | plan | run | ingest | status | failures | retry | ...``.

Each command imports what it needs when it is called, so that ``--help`` answers at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from atomsieve.workflows import data_commands, db_commands, db_copy, site_commands
from atomsieve.workflows.watching import helm

app = typer.Typer(
    name="atomsieve",
    help="A sieve for atomically dispersed metal electrocatalysts: "
    "a campaign file in, limiting potentials in a database out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

File = Annotated[str, typer.Argument(metavar="FILE", help="A campaign file; `atomsieve new NAME` writes one.")]
FileOrName = helm.Name
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"atomsieve {version('atomsieve')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    del version


@app.command()
def new(
    name: Annotated[
        str,
        typer.Argument(help="The campaign's name; the file is NAME.yaml in the current folder. Or the word worker."),
    ],
    cluster: Annotated[
        str | None,
        typer.Argument(help="After the word worker: the cluster's name, for the folder of workers, or a path."),
    ] = None,
) -> None:
    """Write a commented campaign file, or one that describes a cluster: new worker [NAME]."""
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


@app.command()
def families(
    name: Annotated[str | None, typer.Argument(help="A family; all of them unless given.")] = None,
    pictures: Annotated[
        Path | None, typer.Option(help="Draw the family's examples into this folder instead of the settings'.")
    ] = None,
    gallery: Annotated[
        Path | None, typer.Option(help="Write a page of every family with pictures into this folder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the families of sites, or one with its parameters, its examples and their pictures."""
    from atomsieve.workflows import listing

    listing.families(name, pictures, gallery, as_json=as_json)


@app.command()
def reactions(
    name: Annotated[
        str | None, typer.Argument(help="A reaction, or some of its routes (NRR:distal); all reactions unless given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the reactions, or one with its routes, its steps and its side products."""
    from atomsieve.workflows import networks

    networks.show(name, as_json=as_json)


@app.command()
def plan(
    file: File,
    pictures: Annotated[Path | None, typer.Option(help="Draw every site into this folder (PNG).")] = None,
    structures: Annotated[Path | None, typer.Option(help="Write every site into this folder (extended XYZ).")] = None,
    keys: Annotated[
        bool, typer.Option("--keys", help="List the request key of every calculation that may run.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Build every site and say what would run; compute nothing."""
    from atomsieve.workflows import commands

    commands.plan(file, pictures, structures, keys=keys, as_json=as_json)


@app.command()
def run(
    file: File,
    workers: Annotated[
        int | None, typer.Option("--workers", "-w", min=1, max=1024, help="Processes; one a core unless given.")
    ] = None,
) -> None:
    """Run a campaign here, on all cores; run again what was stopped, and it goes on."""
    from atomsieve.workflows import commands

    raise typer.Exit(commands.run(file, workers))


@app.command()
def flow(
    file: File,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")] = Path("flow.json"),
    site: Annotated[str | None, typer.Option(help="Only the site of this label, and the gases.")] = None,
) -> None:
    """Write a campaign as a jobflow Flow, for any manager of jobflow to run."""
    from atomsieve.workflows import commands

    commands.flow(file, out, site)


@app.command()
def submit(
    file: File,
    engine: Annotated[str, typer.Option("--engine", "-e", help="fireworks or jobflow-remote.")],
    worker: Annotated[
        str, typer.Option("--worker", "-w", help="A cluster; `atomsieve new worker NAME` describes one.")
    ],
    as_json: AsJson = False,
) -> None:
    """Hand to a cluster what a campaign lacks; again, and nothing is handed over twice."""
    from atomsieve.workflows import sending

    raise typer.Exit(sending.submit(file, engine, worker, as_json=as_json))


@app.command()
def recover(
    file_or_name: FileOrName,
    worker: Annotated[
        str | None, typer.Option("--worker", "-w", help="File of the cluster, where its name does not find it.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on doing so until the campaign is done.")] = False,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two rounds.")] = 20.0,
    as_json: AsJson = False,
) -> None:
    """Take in what clusters have calculated, set right what was lost, hand over what follows; safe at any time."""
    from atomsieve.workflows import sending

    raise typer.Exit(sending.recover(file_or_name, worker, watch=every if watch else None, as_json=as_json))


@app.command()
def ingest(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What results will be found by.")],
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="Folders of VASP runs; ASE databases, extended XYZ or CSV files."),
    ],
    mapping: Annotated[
        Path | None, typer.Option(help="A YAML file that says what is what; see docs/ingest.md.")
    ] = None,
    pattern: Annotated[
        list[str] | None, typer.Option(help="What paths say, as {site}/{adsorbate}; may be given more than once.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go in; write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take in what has been calculated before: find out what each run is, check it, store it."""
    from atomsieve.workflows.ingest import command

    raise typer.Exit(command.ingest(name, paths, mapping, pattern or [], as_json=as_json, is_dry=dry_run))


@app.command()
def status(
    file_or_name: Annotated[
        str,
        typer.Argument(metavar="FILE|NAME|KEY", help="A campaign file, the name of one that was run, or a key."),
    ],
    key: Annotated[
        str | None, typer.Argument(metavar="[KEY]", help="A calculation of it: its key, or the first letters of it.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Look again and again, until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 5.0,
    as_json: AsJson = False,
) -> None:
    """Say how far a campaign has come, or show one calculation."""
    from atomsieve.workflows.watching import board

    board.status(file_or_name, key, watch=every if watch else None, as_json=as_json)


@app.command()
def failures(file_or_name: FileOrName, as_json: AsJson = False) -> None:
    """Say what failed, why, and what to do about it."""
    from atomsieve.workflows.watching import control

    control.failures(file_or_name, as_json=as_json)


for steer in (helm.retry, helm.cancel, helm.pause, helm.resume):
    app.command()(steer)


app.command()(data_commands.results)
app.command()(data_commands.show)


@app.command()
def explain(
    file_or_name: FileOrName,
    site: site_commands.Site = None,
    what: Annotated[
        str | None, typer.Argument(metavar="[REACTION]", help="A reaction, or an adsorbate: 'OH*'.")
    ] = None,
    path: Annotated[int, typer.Option(min=1, help="Which path: 1 is the cheapest, then its alternatives.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Show the sum behind a limiting potential or a free energy, line by line, with keys and sources."""
    from atomsieve.workflows import commands

    commands.explain(file_or_name, site, what, path, as_json=as_json)


for command in (
    site_commands.stability,
    site_commands.pourbaix,
    site_commands.descriptors,
    site_commands.fingerprint,
    site_commands.report,
    data_commands.export,
    db_copy.rebuild,
):
    app.command()(command)
app.add_typer(db_commands.app)


@app.command()
def doctor(
    calculators: Annotated[
        list[str] | None, typer.Argument(help="Calculators that must work; unless given, those of a plain install.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Only look what is there; calculate nothing.")] = False,
    timeout: Annotated[
        float | None,
        typer.Option(min=1, help="Seconds that each calculator has for a molecule (120), or a cluster for jobs (600)."),
    ] = None,
    worker: Annotated[
        str | None, typer.Option(help="Try a cluster instead, with a small job of each kind: its name, or its file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what works on this machine, or on a cluster, what does not, and the command that mends it."""
    from atomsieve.workflows import doctor

    if worker is not None:
        from atomsieve.workflows.clusters import clusterdoctor

        raise typer.Exit(clusterdoctor.doctor(worker, calculators or [], timeout or 600.0, as_json=as_json))
    raise typer.Exit(doctor.doctor(calculators or [], quick=quick, timeout=timeout or 120.0, as_json=as_json))


def main() -> None:
    """Run the command line; errors that a person can mend come without a traceback."""
    from atomsieve.structures.errors import AtomsieveError

    try:
        app()
    except AtomsieveError as error:
        typer.secho("error: ", fg=typer.colors.RED, bold=True, nl=False, err=True)
        typer.echo(str(error), err=True)
        sys.exit(2)
    except BrokenPipeError:
        # whoever read us has seen enough (`| head`)
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        # a file where a folder is wanted, a folder that may not be written to: the system's words name it
        typer.secho("error: ", fg=typer.colors.RED, bold=True, nl=False, err=True)
        typer.echo(str(error), err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
