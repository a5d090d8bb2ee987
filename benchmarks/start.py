"""Start: CPU and wall time until a command line says what it can do, and until a library is imported."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from benchmarks.table import Table, alternate, ratios, spread

#: A Python where quacc is installed, which pins what this environment has otherwise.
QUACC = os.environ.get("QUACC_PYTHON", "")
COMMANDS = {
    "`python -c pass`": [sys.executable, "-c", "pass"],
    "`atomsieve --help`": [sys.executable, "-m", "atomsieve.workflows.cli", "--help"],
    "`lpad --help` (FireWorks)": [str(Path(sys.executable).with_name("lpad")), "--help"],
    "`jf --help` (jobflow-remote)": [str(Path(sys.executable).with_name("jf")), "--help"],
    "`atm --help` (atomate2)": [str(Path(sys.executable).with_name("atm")), "--help"],
    "`quacc --help`": [str(Path(QUACC).with_name("quacc")), "--help"],
    "`from atomsieve.analysis import Results`": [sys.executable, "-c", "from atomsieve.analysis import Results"],
    "`import atomsieve.workflows.flows`": [sys.executable, "-c", "import atomsieve.workflows.flows"],
    "`import jobflow`": [sys.executable, "-c", "import jobflow"],
    "`from fireworks import LaunchPad`": [sys.executable, "-c", "from fireworks import LaunchPad"],
    "`from atomate2.vasp.flows.adsorption import AdsorptionMaker`": [
        sys.executable,
        "-c",
        "from atomate2.vasp.flows.adsorption import AdsorptionMaker",
    ],
    "`import quacc`": [QUACC, "-c", "import quacc"],
}
#: What the others are measured by.
FIRST = "`atomsieve --help`"


def run(command: list[str]) -> tuple[float, float]:
    """Return the CPU and the wall seconds of a command."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, time.perf_counter() - begin


def measure(quick: bool) -> Table:
    """Return the CPU and wall seconds of each."""
    wanted = {name: command for name, command in COMMANDS.items() if QUACC or "quacc" not in name}
    if quick:
        wanted = {name: wanted[name] for name in list(wanted)[:2]}
    # what is not in the cache of the disk yet, is after the first turn
    turns = 2 if quick else 3
    found = alternate({name: partial(run, command) for name, command in wanted.items()}, turns)
    used = {name: [cpu for cpu, _ in results[1:]] for name, results in found.items()}
    walls = {name: [wall for _, wall in results[1:]] for name, results in found.items()}
    rows = [(name, spread(used[name]), ratios(used[name], used[FIRST], 1), spread(walls[name], 2)) for name in wanted]
    note = f"{turns - 1} turns, median and range."
    return Table(("", "CPU, s", f"× {FIRST}", "wall, s"), tuple(rows), note)
