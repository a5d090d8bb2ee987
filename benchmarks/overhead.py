"""Overhead: CPU and wall time of a trivial job, beyond the calculator, by each way to run it, when all is warm."""

from __future__ import annotations

import operator
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
from ase.build import molecule
from jobflow import Flow, Job

from atomsieve.structures.calculation import Calculation, Request
from atomsieve.structures.judgement import Judgement, Verdict
from atomsieve.structures.site import atoms_to_dict
from atomsieve.workflows.calculators import calculator
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.jobs import RelaxMaker
from atomsieve.workflows.order import Order
from benchmarks.managers import Manager, by_run_locally, fireworks, ours, warm
from benchmarks.server import NAME
from benchmarks.table import Table, alternate, ratios, spread

METHOD = calculator("emt").method({})
NUMERICS = {METHOD.key: {"max_steps": 1, "optimizer": "BFGS"}}
#: Jobs before the clock starts: a first few load what is loaded once.
BEFORE = 3
Make = Callable[[Folder, int, int], Flow]


def cpu() -> float:
    """Return the CPU seconds of this process and all below it but a database server."""
    total = 0.0
    for process in [own := psutil.Process(), *own.children(recursive=True)]:
        try:
            if not any("secantusd" in word for word in process.cmdline()):
                # user and system, its own and those of children that have ended
                total += sum(process.cpu_times()[:4])
        except psutil.Error:
            continue  # it has just ended
    return total


def sums(folder: Folder, start: int, count: int) -> Flow:
    """Make a flow of jobs that do nothing."""
    del folder
    return Flow([Job(operator.add, function_args=(number, 1)) for number in range(start, start + count)])


def evaluations(folder: Folder, start: int, count: int) -> Flow:
    """Make a flow of calculations of about a millisecond: hydrogen by EMT, at as many bond lengths."""
    parent = Request("molecule", {"molecule": "H2"}, METHOD, 0.05)
    judgement = Judgement(Verdict.INTACT, "", {})
    folder.write(Calculation(parent, 0.0, atoms_to_dict(molecule("H2")), "", judgement, 1, 0.0).to_dict())
    relax = RelaxMaker(numerics=NUMERICS)
    subjects = [
        {"atom": 0, "axis": "z", "sign": 1, "displacement": 1e-5 * (number + 1)}
        for number in range(start, start + count)
    ]
    return Flow(
        [relax.make(Request("displacement", subject, METHOD, 0.05, parents=(parent.key,))) for subject in subjects]
    )


def evaluation_alone(count: int) -> float:
    """Return the CPU seconds of an evaluation by a fresh calculator with nothing around it."""
    make = calculator("emt").calculator
    assert make is not None
    begin = time.process_time()
    for number in range(count):
        atoms = molecule("H2")
        atoms.positions[0, 2] += 1e-5 * number
        atoms.calc = make(Order({}, None, 0, Path(), 0.05, 0), atoms)
        atoms.get_forces()
    return (time.process_time() - begin) / count


def milliseconds(manager: Manager, make: Make, count: int) -> tuple[float, float]:
    """Return the CPU and the wall time of a job, ms, as what more jobs take than a few."""
    with tempfile.TemporaryDirectory() as name:
        folder = Folder(name)
        manager(folder, [make(folder, 0, BEFORE)])
        times = []
        for start, number in ((BEFORE, BEFORE), (2 * BEFORE, BEFORE + count)):
            flow = make(folder, start, number)
            before = cpu(), time.perf_counter()
            manager(folder, [flow])
            times.append((cpu() - before[0], time.perf_counter() - before[1]))
    (few_cpu, few), (many_cpu, many) = times
    return (many_cpu - few_cpu) / count * 1e3, (many - few) / count * 1e3


def measure(quick: bool) -> Table:
    """Return milliseconds of a job, by each way, for one that does nothing and one that is kept on disk."""
    count, slow, turns = (10, 5, 1) if quick else (200, 12, 3)
    warm()
    alone = evaluation_alone(200) * 1e3
    kinds: dict[str, tuple[Make, float]] = {
        "does nothing": (sums, 0.0),
        f"evaluates ({alone:.1f} ms), kept on disk": (evaluations, alone),
    }
    rows = []
    with tempfile.TemporaryDirectory() as folder, fireworks(Path(folder)) as rapidfire:
        managers: dict[str, tuple[Manager, int]] = {
            # a second worker would be as idle as it is in the others
            "atomsieve": (ours(1), count),
            "jobflow run_locally": (by_run_locally, count),
            "FireWorks rapidfire": (rapidfire(1), slow),
        }
        for kind, (make, calculation) in kinds.items():
            found = alternate(
                {name: partial(milliseconds, manager, make, jobs) for name, (manager, jobs) in managers.items()}, turns
            )
            beyond = {name: [used - calculation for used, _ in turn] for name, turn in found.items()}
            walls = {name: [wall for _, wall in turn] for name, turn in found.items()}
            rows += [
                (
                    f"{kind}: {name}",
                    spread(beyond[name]),
                    ratios(beyond[name], beyond["atomsieve"]),
                    spread(walls[name]),
                    ratios(walls[name], walls["atomsieve"]),
                )
                for name in managers
            ]
    note = (
        f"{count} jobs, {slow} of them by FireWorks with {NAME}, whose server's CPU is not counted; "
        f"{turns} turns, median and range."
    )
    return Table(("a job that", "CPU, ms", "× atomsieve", "wall, ms", "× atomsieve"), tuple(rows), note)
