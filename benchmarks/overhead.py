"""What the local engine costs beyond the calculator: CPU of a trivial job, and cores that an xTB campaign leaves idle.

Run it as ``python benchmarks/overhead.py``; it takes a few minutes on two cores. The CPU is that of the driver, the
workers and whatever else they start; jobflow.run_locally runs the same flow in this process, on the same kind of store.
"""

from __future__ import annotations

import argparse
import operator
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from ase.build import molecule
from jobflow import Flow, Job, JobStore, run_locally

from atomsieve.analysis.database import Database
from atomsieve.analysis.store import SQLiteStore
from atomsieve.structures.calculation import Calculation, Request
from atomsieve.structures.judgement import Judgement, Verdict
from atomsieve.structures.site import atoms_to_dict
from atomsieve.workflows.calculators import calculator
from atomsieve.workflows.campaigns import load
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.jobs import RelaxMaker
from atomsieve.workflows.local import LocalEngine
from atomsieve.workflows.order import Order
from atomsieve.workflows.runner import Runner
from atomsieve.workflows.settings import core_count, read_settings

CAMPAIGN = """\
name: overhead
sites:
  - {{family: graphene, metals: [{metals}], supercell: 4x4}}
reactions: [HER, ORR]
method: {{calculator: gfn1-xtb}}
relaxation: {{max_steps: 60}}
poses: {{most: 2, azimuths: 4}}
"""
#: Documents that go to the store at once.
BATCH = 200
METHOD = calculator("emt").method({})
NUMERICS = {METHOD.key: {"max_steps": 1, "optimizer": "BFGS"}}


def cpu() -> float:
    """Return the CPU seconds of this process and all below it."""
    total = 0.0
    for process in [own := psutil.Process(), *own.children(recursive=True)]:
        times = process.cpu_times()
        total += times.user + times.system
    return total


def sums(count: int) -> Flow:
    """Make a flow of jobs that do nothing."""
    return Flow([Job(operator.add, function_args=(number, 1)) for number in range(count)])


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


def ours(folder: Folder, store: JobStore, first: Flow, second: Flow) -> float:
    """Return the CPU seconds of the second flow by the local engine, one worker; documents are stored in batches."""
    documents: list[dict[str, Any]] = []

    def finish(job: Job, document: dict[str, Any] | None, error: str | None) -> None:
        assert document is not None, error
        documents.append(document)
        if len(documents) == BATCH:
            store.update(documents, key=["uuid", "index"])
            documents.clear()

    # a second worker would be as idle as it is in run_locally
    engine = LocalEngine(folder, 1, on_finish=finish)
    after = [cpu() for _ in engine.run([(None, first), (None, second)])]
    return after[1] - after[0]


def theirs(folder: Folder, store: JobStore, first: Flow, second: Flow) -> float:
    """Return the CPU seconds of the second flow by jobflow.run_locally."""
    os.environ["ATOMSIEVE_FOLDER"] = str(folder.root)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run_locally(first, store=store, log=False, root_dir=folder.root)
        begin = cpu()
        run_locally(second, store=store, log=False, root_dir=folder.root)
    return cpu() - begin


def milliseconds(
    run: Callable[[Folder, JobStore, Flow, Flow], float], make: Callable[[Folder, int, int], Flow], count: int
) -> float:
    """Return the CPU of a job, ms, when all is warm."""
    with tempfile.TemporaryDirectory() as name:
        folder = Folder(name)
        store = JobStore(SQLiteStore(Path(name) / "jobs.sqlite", "jobs", key=["uuid", "index"]))
        with store:
            return run(folder, store, make(folder, 0, 20), make(folder, 20, count)) / count * 1e3


class Silent:
    """Nobody is told."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments, **named: None


def campaign(text: str, workers: int) -> tuple[int, float, float, float]:
    """Run a campaign; return calculations, their wall and CPU seconds, and the wall seconds from the first on."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "overhead.yaml"
        path.write_text(text, encoding="utf-8")
        checked = load(path, read_settings().model_copy(update={"folder": Path(name) / "data"}))
        with Database.embedded(checked.folder.database) as database:
            summary = Runner(checked, database, workers, Silent()).run()
            assert not summary.errors, summary.errors
            end = time.time()
            done = [document["provenance"] for document in database.calculations.query({})]
    wall, busy = end - min(one["began"] for one in done), sum(one["seconds"] for one in done)
    return len(done), busy, sum(one["cpu_seconds"] for one in done), wall


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--metals", default="Co, Ni")
    parser.add_argument("--workers", type=int, default=core_count())
    options = parser.parse_args()
    alone = evaluation_alone(options.jobs) * 1e3
    print(f"{'CPU ms of a job, beyond the calculator':44}{'atomsieve':>10}{'run_locally':>13}{'ratio':>8}")
    rows: list[tuple[str, Callable[[Folder, int, int], Flow], float]] = [
        ("does nothing", lambda folder, start, count: sums(count), 0.0),
        (f"evaluates, {alone:.2f} ms, and is kept on disk", evaluations, alone),
    ]
    for title, make, calculator_alone in rows:
        own, other = (milliseconds(run, make, options.jobs) - calculator_alone for run in (ours, theirs))
        print(f"{title:44}{own:>10.2f}{other:>13.2f}{own / other:>8.2f}")
    print()
    count, busy, used, wall = campaign(CAMPAIGN.format(metals=options.metals), options.workers)
    print(f"GFN1-xTB campaign: {count} calculations, {options.workers} workers, {wall:.0f} s from the first on")
    print(f"share of the cores in calculations  {busy / (options.workers * wall):.1%} of wall time")
    print(
        f"                                    {used / (options.workers * wall):.1%} as CPU time (the machine's share)"
    )


if __name__ == "__main__":
    main()
