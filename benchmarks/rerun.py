"""Rerun: what a second run of what is finished computes, and how long it takes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from atomsieve.workflows.folder import Folder
from benchmarks.adsorption import theirs
from benchmarks.campaigning import calculations, checked_campaign, run
from benchmarks.efficiency import flows
from benchmarks.managers import Manager, by_run_locally, fireworks
from benchmarks.server import NAME
from benchmarks.table import Table, spread

FILE = """\
name: again
sites: [{{family: graphene, metals: [{metals}], supercell: 4x4}}]
reactions: [HER, ORR]
method: {{calculator: mock}}
"""
#: 2S + 1 that AdsorptionMaker is given, of Fe.
SPINS = {"clean": 3, "adsorbed": 2, "molecule": 2}
#: From a turn to the seconds it took and the force calls it made.
Turn = Callable[[], tuple[float, int]]


def starts(folder: Folder) -> int:
    """Return how many calculations were begun in a folder: its log has a line for each."""
    return len(folder.starts.read_text("utf-8").splitlines()) if folder.starts.exists() else 0


def campaign(folder: Path, text: str) -> Turn:
    """Return a turn of a campaign in one folder."""
    checked = checked_campaign(folder, text)

    def turn() -> tuple[float, int]:
        before, begin = starts(checked.folder), time.perf_counter()
        run(checked, 1)
        seconds = time.perf_counter() - begin
        assert calculations(checked)
        return seconds, starts(checked.folder) - before

    return turn


def flow(folder: Path, text: str, manager: Manager) -> Turn:
    """Return a turn of the same campaign's flows, made anew each time, by another manager in one folder."""
    results = Folder(folder / "results")
    results.root.mkdir()

    def turn() -> tuple[float, int]:
        made, before, begin = flows(folder, text), starts(results), time.perf_counter()
        manager(results, made)
        return time.perf_counter() - begin, starts(results) - before

    return turn


def maker() -> tuple[float, int]:
    """Run AdsorptionMaker with the mock; a calculation is a relaxation or a static."""
    begin = time.perf_counter()
    effort = theirs("Fe", SPINS, "mock")
    return time.perf_counter() - begin, 2 * effort.relaxations + 4


def measure(quick: bool) -> Table:
    """Return what the first and the second run of the same thing compute."""
    text = FILE.format(metals="Fe" if quick else "Fe, Co, Ni")
    rows = []
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        places = {part: root / part for part in ("campaign", "local", "fireworks", "server")}
        for place in places.values():
            place.mkdir()
        with fireworks(places["server"]) as rapidfire:
            ways: dict[str, Turn] = {
                "`atomsieve run`": campaign(places["campaign"], text),
                "its flow by jobflow run_locally": flow(places["local"], text, by_run_locally),
                f"its flow by FireWorks rapidfire ({NAME})": flow(places["fireworks"], text, rapidfire(1)),
                "atomate2 AdsorptionMaker by run_locally": maker,
            }
            for way, turn in list(ways.items())[: 2 if quick else None]:
                (first, done), (second, again) = turn(), turn()
                cells = f"{done}", spread([first], 1), f"{again}", spread([second], 1), spread([second / first])
                rows.append((way, *cells))
    heads = ("", "first: calculations", "s", "again: calculations", "s", "s, again / first")
    return Table(heads, tuple(rows))
