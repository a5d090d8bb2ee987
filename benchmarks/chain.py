"""Chain: force calls of the dear method per adsorption energy, by the full chain beside the plain one, in one run.

Both try the same complete set of poses and spin starts with the same dear method. The plain one relaxes each; the full
one relaxes each with a cheap method first and hands on what is left after equivalent poses fell together.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

from atomsieve.analysis.database import Database
from atomsieve.workflows.harvest import stored_rows
from atomsieve.workflows.settings import core_count
from benchmarks import campaigning
from benchmarks.table import Table

#: eV within which both chains must agree on the lowest state.
SAME = 0.02
METALS, ADSORBATES = ("Fe", "Co"), ("OH", "OOH")
DEAR, CHEAP = "gfn2-xtb", "gfn1-xtb"


def campaign(dear: str, *, full: bool) -> str:
    """Return a campaign file of the plain or of the full chain."""
    text: dict[str, Any] = {
        "name": "chain",
        "sites": [{"family": "porphine", "metals": list(METALS)}],
        "adsorbates": list(ADSORBATES),
        "method": {"calculator": dear},
        "spin": {"clean": "scan", "adsorbed": "inherit"},
        "poses": {"azimuths": 8, "tilts": [0.0, 30.0]},
    }
    if full:
        text["prerelaxation"] = {"calculator": CHEAP, "fmax": 0.05, "keep": 1}
    return json.dumps(text)


def run(folder: Path, dear: str, *, full: bool) -> tuple[dict[Any, Any], list[dict[str, Any]], float]:
    """Run a campaign in a folder of its own; return its rows, its calculations, and the seconds."""
    checked = campaigning.checked_campaign(folder, campaign(dear, full=full))
    began = time.monotonic()
    campaigning.run(checked, core_count())
    seconds = time.monotonic() - began
    with Database.embedded(checked.folder.database) as database:
        rows = {(r.adsorbate, r.site.label): r for site in stored_rows(checked, database) for r in site.rows.values()}
    return rows, campaigning.calculations(checked), seconds


def calls(documents: list[dict[str, Any]], calculator: str, task: str) -> tuple[int, int]:
    """Return calculations and force calls of a method and a task."""
    own = [d for d in documents if d["request"]["method"]["calculator"] == calculator and d["request"]["task"] == task]
    return len(own), sum(d["force_calls"] for d in own)


def measure(quick: bool) -> Table:
    """Return what the dear method had to do by both chains, and what they found."""
    dear = "mock" if quick else DEAR
    with tempfile.TemporaryDirectory() as plain_folder, tempfile.TemporaryDirectory() as full_folder:
        plain, slow, plain_seconds = run(Path(plain_folder), dear, full=False)
        full, fast, full_seconds = run(Path(full_folder), dear, full=True)
    rows: list[tuple[str, ...]] = []
    total = [0, 0]
    for task in ("clean", "adsorbed"):
        (n, a), (m, b) = calls(slow, dear, task), calls(fast, dear, task)
        total = [total[0] + a, total[1] + b]
        rows.append((f"{task} relaxations", f"{n}", f"{m}", f"{m / n:.2f}"))
        rows.append((f"{task} force calls", f"{a}", f"{b}", f"{b / a:.2f}"))
    each = [number / len(plain) for number in total]
    rows.append(
        ("force calls per adsorption energy", f"{each[0]:.0f}", f"{each[1]:.0f}", f"**{each[1] / each[0]:.2f}**")
    )
    cheap = sum(calls(fast, CHEAP, task)[1] for task in ("clean", "adsorbed"))
    rows.append((f"force calls of {CHEAP}", "0", f"{cheap}", ""))
    rows.append(("wall, s", f"{plain_seconds:.0f}", f"{full_seconds:.0f}", f"{full_seconds / plain_seconds:.2f}"))
    for key, row in sorted(plain.items()):
        other, what = full[key], f"{key[0]}\\* on {key[1]}, eV"
        if row.electronic is None or other.electronic is None:
            rows.append((what, row.verdict, other.verdict, ""))
            continue
        apart = other.electronic - row.electronic
        remark = "" if abs(apart) <= SAME else "the cheap ordering fails" if apart > 0 else "lower"
        rows.append((what, f"{row.electronic:+.3f}", f"{other.electronic:+.3f}", remark))
    note = f"{dear} after {CHEAP}: {', '.join(ADSORBATES)} on {' and '.join(METALS)} porphine."
    return Table(("", "plain", "full", "full / plain"), tuple(rows), note)
