"""Option: an argument or an option that several commands take, named, lettered and explained once for all of them."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand

from atomsieve.structures.task import KINDS
from atomsieve.workflows import completing

#: Under this heading the help lists what narrows a command down.
ONLY: Final = "Only these"
_WHERE: Final = "a folder, an SQLite file or a mongodb:// URI"

File = Annotated[str, typer.Argument(metavar="FILE", help="A campaign file; `atomsieve new NAME` writes one.")]
Campaign = Annotated[
    str,
    typer.Argument(
        metavar="FILE|NAME",
        help="A campaign file, or the name of a campaign that was run.",
        autocompletion=completing.campaigns,
    ),
]
Site = Annotated[
    str | None,
    typer.Argument(
        metavar="SITE", help="A site: its label or key, or the beginning of one.", autocompletion=completing.sites
    ),
]

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV instead.")]
AsJsonLines = Annotated[bool, typer.Option("--jsonl", help="Print JSON lines instead: a row each, as they are read.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")]
Watch = Annotated[bool, typer.Option("--watch", help="Do so again and again, until the end or Ctrl-C.")]
Database = Annotated[
    str | None,
    typer.Option("--database", metavar="WHERE", help=f"A database: {_WHERE}; the one of the settings unless given."),
]
Source = Annotated[str, typer.Argument(metavar="SOURCE", help=f"The database to read: {_WHERE}.")]
Target = Annotated[str, typer.Argument(metavar="TARGET", help=f"The database to write to: {_WHERE}.")]

_WORKER = typer.Option(
    "--worker",
    "-w",
    metavar="NAME|FILE",
    help="A cluster: its name or its file; `atomsieve new worker NAME` describes one.",
    autocompletion=completing.workers,
)
Worker = Annotated[str, _WORKER]
WorkerIfAny = Annotated[str | None, _WORKER]

Where = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help='What to look for: "metal in Fe,Co and overpotential < 0.4 and verdict = bound".',
        autocompletion=completing.conditions,
        rich_help_panel=ONLY,
    ),
]
Of = Annotated[
    str | None,
    typer.Option(
        metavar="COLLECTION",
        help="What to look at: reaction_results unless given, or adsorption_energies, stabilities, sites, failures ...",
        autocompletion=completing.collections,
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(metavar="FIELDS", help="Fields to give, with commas between them.", autocompletion=completing.columns),
]
Sort = Annotated[
    str | None,
    typer.Option(
        metavar="FIELDS",
        help="Fields to sort by, with commas between them; -overpotential for the largest first.",
        autocompletion=completing.columns,
    ),
]
Top = Annotated[int | None, typer.Option(metavar="NUMBER", min=1, help="At most so many rows.")]

Metal = Annotated[
    str | None,
    typer.Option(
        metavar="METAL",
        help="Only sites that hold this metal, or these: Fe-Co.",
        autocompletion=completing.metals,
        rich_help_panel=ONLY,
    ),
]
Reaction = Annotated[
    str | None,
    typer.Option(
        metavar="REACTION", help="Only this reaction.", autocompletion=completing.reactions, rich_help_panel=ONLY
    ),
]
Family = Annotated[
    str | None,
    typer.Option(
        metavar="FAMILY",
        help="Only sites of this family.",
        autocompletion=completing.families,
        rich_help_panel=ONLY,
    ),
]
Pattern = Annotated[
    str | None,
    typer.Option(
        "--site",
        metavar="SITE",
        help="Only the site of this label, or of such labels: 'Fe-*'.",
        autocompletion=completing.sites,
        rich_help_panel=ONLY,
    ),
]
Kind = Annotated[
    str | None,
    typer.Option(
        metavar="KIND",
        help=f"Only calculations of this kind: {', '.join(KINDS)}.",
        autocompletion=completing.kinds,
        rich_help_panel=ONLY,
    ),
]
Stage = Annotated[
    str | None, typer.Option(metavar="STAGE", help="Only calculations of this stage.", rich_help_panel=ONLY)
]
State = Annotated[
    str | None,
    typer.Option(
        metavar="STATE",
        help="Only calculations in this state: waiting, running, failed, lost ...",
        autocompletion=completing.states,
        rich_help_panel=ONLY,
    ),
]
Key = Annotated[
    str | None,
    typer.Option(metavar="KEY", help="Only the calculation of this key, or whose key begins so.", rich_help_panel=ONLY),
]


def folder(of: str) -> Any:
    """Return the option that names the folder for what a command draws or writes."""
    return typer.Option("--output", "-o", metavar="FOLDER", help=f"Folder for {of}.")


def file(text: str) -> Any:
    """Return the option that names the file that a command writes."""
    return typer.Option("--output", "-o", metavar="FILE", help=text)


def interval(seconds: float) -> Any:
    """Return the option that says how often a command that watches looks."""
    return typer.Option(
        metavar="SECONDS", min=0.1, help=f"Seconds between two looks of --watch; {seconds:g} unless given."
    )


class Renamed(TyperCommand):
    """A command that still understands what options were once called."""

    #: What they are called now.
    NAMES: Final = {"--from": "--database", "--into": "--database", "--out": "--output", "--limit": "--top"}

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line."""
        own = {name for parameter in self.params for name in parameter.opts}
        return super().parse_args(ctx, [self._now(word, own) for word in args])

    def _now(self, word: str, own: set[str]) -> str:
        name, equals, value = word.partition("=")
        now = self.NAMES.get(name)
        return f"{now}{equals}{value}" if now in own and name not in own else word
