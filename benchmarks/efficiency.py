"""Orchestration: how much of the cores one flow gets for its calculations, by each way to run it.

The flows are those of `atomsieve flow`, with a calculator that sleeps at each force call: as with a DFT code that runs
beside its manager, time passes and no core is taken, so that other load on the machine moves the ratios least.
"""

from __future__ import annotations

import json
import tempfile
import time
from functools import partial
from pathlib import Path

from jobflow import Flow
from monty.json import MontyDecoder

from atomsieve.workflows.flowfile import write_flow
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.settings import core_count
from benchmarks.campaigning import checked_campaign
from benchmarks.managers import Manager, by_run_locally, fireworks, ours, warm
from benchmarks.server import NAME
from benchmarks.table import Table, alternate, ratios, spread

FILE = """\
name: efficiency
sites: [{{family: graphene, metals: [{metals}], supercell: 4x4}}]
reactions: [HER]
method: {{calculator: mock, settings: {{seconds_per_force_call: {seconds}}}}}
"""


def flows(folder: Path, text: str) -> list[Flow]:
    """Return the flows of a campaign, gases and sites, as the command line writes them."""
    path = folder / "flow.json"
    write_flow(checked_campaign(folder, text), path)
    # fresh each time: jobflow gives every job an identity at random
    return list(json.loads(path.read_text(encoding="utf-8"), cls=MontyDecoder).jobs)


def timed(manager: Manager, text: str) -> tuple[float, float, int]:
    """Run the flows in a fresh folder; return wall seconds, those in calculations, and how many these are."""
    with tempfile.TemporaryDirectory() as name:
        folder = Folder(Path(name, "results"))
        folder.root.mkdir()
        made = flows(Path(name), text)
        begin = time.perf_counter()
        manager(folder, made)
        wall = time.perf_counter() - begin
        done = [json.loads(path.read_text("utf-8")) for path in (folder.root / "results").rglob("result.json")]
    return wall, sum(document["provenance"]["seconds"] for document in done), len(done)


def measure(quick: bool) -> Table:
    """Return wall time, time beyond the calculator and idle share of each way, with as many processes as cores."""
    cores, turns = core_count(), 1 if quick else 3
    text = FILE.format(metals="Fe" if quick else "Fe, Co", seconds=0.001 if quick else 0.1)
    warm()
    with tempfile.TemporaryDirectory() as folder, fireworks(Path(folder)) as rapidfire:
        managers: dict[str, tuple[Manager, int]] = {
            f"atomsieve, {cores} workers": (ours(cores), cores),
            "atomsieve, 1 worker": (ours(1), 1),
            "jobflow run_locally": (by_run_locally, 1),
            "FireWorks rapidfire": (rapidfire(1), 1),
            f"FireWorks rapidfire, {cores} processes": (rapidfire(cores), cores),
        }
        # the first turn, which is not counted, loads what is loaded once
        found = alternate({name: partial(timed, manager, text) for name, (manager, _) in managers.items()}, turns + 1)
    first = [wall for wall, _, _ in next(iter(found.values()))[1:]]
    rows = []
    for name, results in found.items():
        processes, counted = managers[name][1], results[1:]
        walls = [wall for wall, _, _ in counted]
        beyond = [(wall - busy / processes) / count * 1e3 for wall, busy, count in counted]
        idle = [100 * (1 - busy / (cores * wall)) for wall, busy, _ in counted]
        rows.append((name, spread(walls, 1), ratios(walls, first), spread(beyond, 0), spread(idle, 0)))
    count = next(iter(found.values()))[0][2]
    note = f"{count} calculations on {cores} cores; {turns} turns, median and range; FireWorks with {NAME}."
    heads = ("", "wall, s", "× the first", "beyond the calculator, ms a calculation", "cores idle, %")
    return Table(heads, tuple(rows), note)
