"""Command line: ``atomsieve new | families | reactions | plan | run | ingest | status | failures | retry | ...``.

Each command imports what it needs when it is called, so that ``--help`` answers at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from atomsieve.workflows import (
    data_commands,
    db_commands,
    db_copy,
    run_commands,
    site_commands,
    start_commands,
)
from atomsieve.workflows.ending import Root, ended
from atomsieve.workflows.options import Renamed
from atomsieve.workflows.watching import helm

app = typer.Typer(
    name="atomsieve",
    cls=Root,
    help="A sieve for atomically dispersed metal electrocatalysts: "
    "a campaign file in, limiting potentials in a database out.",
    epilog="Ends with 0 if all is done, 1 if something is not, 2 if what was written cannot be used, 3 if a database, "
    "a scheduler or a disk stands in the way.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["--help", "-h"]},
    pretty_exceptions_enable=False,
)

#: The commands by what a person is about, in the order of the help; each with an example.
PANELS: dict[str, dict[Callable[..., Any], str]] = {
    "Start": {
        start_commands.new: "atomsieve new mine",
        start_commands.families: "atomsieve families zr6-node",
        start_commands.reactions: "atomsieve reactions NRR:distal",
        start_commands.plan: "atomsieve plan mine.yaml --pictures pictures",
        start_commands.doctor: "atomsieve doctor --worker mycluster",
    },
    "Run": {
        run_commands.run: "atomsieve run mine.yaml --workers 8",
        run_commands.submit: "atomsieve submit mine.yaml --engine fireworks --worker mycluster",
        run_commands.recover: "atomsieve recover mine --watch",
        run_commands.flow: "atomsieve flow mine.yaml --output flow.json",
    },
    "Watch and steer": {
        run_commands.status: "atomsieve status mine --watch",
        run_commands.failures: "atomsieve failures mine",
        helm.retry: "atomsieve retry mine --cause walltime --dry-run",
        helm.cancel: "atomsieve cancel mine --site 'Zn-*'",
        helm.pause: "atomsieve pause mine --kind adsorbed",
        helm.resume: "atomsieve resume mine",
    },
    "Read results": {
        data_commands.results: 'atomsieve results --where "metal in Fe,Co and verdict = bound" --sort overpotential',
        data_commands.show: "atomsieve show Co-N4",
        site_commands.explain: "atomsieve explain mine Co-N4 ORR",
        site_commands.stability: "atomsieve stability mine Co-N4",
        site_commands.pourbaix: "atomsieve pourbaix mine Co-N4 --ph 0:14 --potential -1:2",
        site_commands.descriptors: "atomsieve descriptors mine --csv",
        site_commands.fingerprint: "atomsieve fingerprint mine Co-N4 --output feff",
        site_commands.report: "atomsieve report mine --output plots",
    },
    "Keep and exchange": {
        data_commands.ingest: "atomsieve ingest paper runs --pattern '{site}/{adsorbate}' --dry-run",
        data_commands.export: "atomsieve export csv results.csv --where 'reaction = ORR'",
        db_copy.rebuild: "atomsieve rebuild --dry-run",
    },
}


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


for panel, commands in PANELS.items():
    for command, example in commands.items():
        app.command(cls=Renamed, rich_help_panel=panel, epilog=f"Example: {example}")(command)
app.add_typer(db_commands.app, rich_help_panel="Keep and exchange")


def main() -> None:
    """Run the command line."""
    ended(app)


if __name__ == "__main__":
    main()
