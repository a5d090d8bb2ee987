"""ScreenWatch: the progress of a run, line by line."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from atomsieve.structures.judgement import Verdict
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.funnel import Sifted
from atomsieve.workflows.harvest import SiteRows
from atomsieve.workflows.printing import console as console
from atomsieve.workflows.printing import print_json as print_json
from atomsieve.workflows.screen import sifted_text
from atomsieve.workflows.watch import Watch


class ScreenWatch(Watch):
    """Shows a run as it goes on.

    Parameters
    ----------
    console : rich.console.Console
        Where to.
    sites : int
        Number of sites.
    """

    def __init__(self, console: Console, sites: int) -> None:
        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._sites = self._progress.add_task("sites", total=sites, note="")
        self._running: list[str] = []
        self._count = 0

    def __enter__(self) -> ScreenWatch:
        """Begin to draw."""
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def started(self, name: str) -> None:
        """Show what is at work."""
        self._running.append(name)
        self._note()

    def finished(self, name: str, task: str, output: dict[str, Any] | None) -> None:
        """Count a calculation; say what came of it if that is remarkable."""
        del task
        self._count += 1
        if name in self._running:
            self._running.remove(name)
        if output is not None and output["verdict"] not in (Verdict.BOUND, Verdict.INTACT):
            spin = f" (2S+1 = {output['multiplicity']})" if output["multiplicity"] else ""
            self._say(f"  {name}{spin}: {output['verdict']}: {output['reason']}", "yellow")
        self._note()

    def site(self, label: str, rows: SiteRows | None, *, stored: bool) -> None:
        """Show that a site is complete."""
        self._progress.advance(self._sites)
        if rows is None:
            self._say(f"{label}: could not be completed", "red")
        elif not stored:
            parts = []
            for potential in rows.potentials:
                value = potential.limiting_potential
                parts.append(f"{potential.reaction} {'undetermined' if value is None else f'{value:+.2f} V'}")
            self._say(f"{label}: " + (", ".join(parts) or "complete"), "green")

    def stage(self, stage: CheckedCampaign, sites: int) -> None:
        """Say that a stage begins."""
        assert stage.stage is not None
        self._progress.update(self._sites, total=sites, completed=0)
        self._say(f"stage {stage.stage.name}: {sites:,} sites, {stage.entry.title}", "bold")

    def passed(self, stage: CheckedCampaign, sifted: Sifted) -> None:
        """Say how many sites pass on."""
        self._say(sifted_text(stage, sifted), "bold")

    def _note(self) -> None:
        running = ", ".join(self._running[:3])
        note = escape(f"{self._count} calculations; now: {running}" if running else f"{self._count} calculations")
        self._progress.update(self._sites, note=note)

    def _say(self, text: str, style: str) -> None:
        self._progress.console.print(escape(text), style=style)
