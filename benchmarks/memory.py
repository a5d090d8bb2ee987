"""Memory: what the driver of a long campaign holds at most, how that grows, and what finding it all again takes."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from atomsieve.builders.family import TRANSITION_METALS
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.settings import core_count
from benchmarks.apart import apart, peak
from benchmarks.campaigning import checked_campaign, run
from benchmarks.efficiency import flows
from benchmarks.managers import by_run_locally
from benchmarks.rerun import starts
from benchmarks.table import Table

FILE = """\
name: long
sites: [{{family: graphene, metals: [{metals}], coordination: [{shells}], supercell: 4x4}}]
reactions: [ORR, HER]
method: {{calculator: mock}}
relaxation: {{fmax: 0.5}}
"""
#: First shells of some thousand calculations, and of ten thousand.
FEW, MANY = "N4", "N4, N3C1, N2C2, N3S1, N3O1"
METALS = ", ".join(TRANSITION_METALS)


def drive(folder: Path, text: str) -> tuple[int, int, float, float]:
    """Run a campaign; return sites, calculations, seconds, and the MB that this process took at most."""
    checked = checked_campaign(folder, text)
    base, before, begin = peak(), starts(checked.folder), time.perf_counter()
    summary = run(checked, core_count())
    return summary.sites, starts(checked.folder) - before, time.perf_counter() - begin, peak() - base


def by_jobflow(folder: Path, text: str) -> tuple[int, int, float, float]:
    """Run the same flows by run_locally; return the same."""
    base, begin = peak(), time.perf_counter()
    results = Folder(folder / "results")
    results.root.mkdir()
    made = flows(folder, text)
    by_run_locally(results, made)
    return len(made), starts(results), time.perf_counter() - begin, peak() - base


def measure(quick: bool) -> Table:
    """Return the driver's memory at one and at ten thousand calculations, and again when all is found."""
    few, many = (FILE.format(metals="Fe" if quick else METALS, shells=shells) for shells in (FEW, MANY))
    rows = []
    with tempfile.TemporaryDirectory() as name:
        ways = [
            ("`atomsieve run`", drive, "few", few),
            ("the same again", drive, "few", few),
            ("jobflow run_locally, the same flows", by_jobflow, "jobflow", few),
            ("`atomsieve run`", drive, "many", many),
            ("the same again", drive, "many", many),
        ]
        for way, call, part, text in ways[: 2 if quick else None]:
            folder = Path(name, part)
            folder.mkdir(exist_ok=True)
            sites, done, seconds, added = apart(call, folder, text)
            rows.append((way, f"{sites:,}", f"{done:,}", f"{seconds:,.0f}", f"{added:,.0f}"))
    heads = ("", "sites", "calculations", "s", "driver's memory beyond its start, MB")
    return Table(heads, tuple(rows), f"{core_count()} workers.")
