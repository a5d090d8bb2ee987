"""Force calls of one adsorption energy: atomate2's AdsorptionMaker beside ours, with one calculator.

AdsorptionMaker is written for VASP, but takes its five calculations as arguments. Here they are GFN1-xTB by ASE, with
the optimiser, the largest force and the steps of ours, and the spin that ours found lowest, which it has no way to look
for. ``jobflow.run_locally`` runs it.
"""

from __future__ import annotations

import math
import tempfile
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from atomate2.vasp.flows.adsorption import AdsorptionMaker
from jobflow import Job, JobStore, Maker, job, run_locally
from maggma.stores import MemoryStore
from pymatgen.core.structure import Molecule, Structure
from pymatgen.io.ase import AseAtomsAdaptor

from atomsieve.builders import catalog
from atomsieve.structures.calculation import USABLE
from atomsieve.workflows.calculators import calculator
from atomsieve.workflows.optimization import optimize
from atomsieve.workflows.order import Order
from atomsieve.workflows.settings import core_count
from benchmarks.campaigning import calculations, checked_campaign, run
from benchmarks.table import Table

METALS = ("Fe", "Co")
HEADS = ("", "AdsorptionMaker", "atomsieve, all spins", "of it the lowest spin", "ratio of the first two")
CALCULATOR, FMAX, STEPS = "gfn1-xtb", 0.05, 200
#: Å to which a bond of the metal to the oxygen counts as one.
BOND = 2.3
#: eV within which two minima count as one.
SAME = 0.02
#: The sheet is 9.8 Å wide: with atomate2's own 10 Å it would be doubled in both directions, four metals and all.
WIDTH = 9.0
FILE = """\
name: one-energy
sites: [{{family: graphene, metals: [{metal}], supercell: 4x4}}]
adsorbates: [OH]
method: {{calculator: {calculator}}}
relaxation: {{fmax: {fmax}, max_steps: {steps}}}
spin: {{clean: scan, adsorbed: inherit}}
"""


@job  # type: ignore[untyped-decorator]
def by_ase(structure: Structure, spins: dict[str, int], name: str, steps: int) -> dict[str, Any]:
    """Relax a structure, or take its energy where it is; AdsorptionMaker reads what comes out by these names."""
    entry = calculator(name)
    assert entry.calculator is not None
    atoms: Atoms = AseAtomsAdaptor.get_atoms(structure)
    atoms.set_constraint()
    kind = "clean" if "H" not in atoms.symbols else "adsorbed" if "C" in atoms.symbols else "molecule"
    if steps:
        # ours displaces its starts as well: a symmetric one would stay on its saddle point
        atoms.rattle(0.01, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        settings = {**entry.numerics({}), **entry.method({}).physics}
        order = Order(settings, spins[kind], 0, Path(folder), FMAX, steps)
        done = optimize(entry.calculator, order, atoms)
    plain = Atoms(done.atoms.numbers, done.atoms.positions, cell=done.atoms.cell, pbc=True)
    return {
        "structure": AseAtomsAdaptor.get_structure(plain),
        "output": {"energy": done.energy},
        "dir_name": "",
        "kind": kind,
        "force_calls": done.force_calls,
        "converged": done.converged,
    }


@dataclass
class ByASE(Maker):  # type: ignore[misc]
    """Make the calculations that AdsorptionMaker takes.

    Parameters
    ----------
    spins : dict of str to int
        2S + 1 of the ``clean`` slab, of that with the ``adsorbed`` species, and of the ``molecule``.
    calculator : str
        One of ours.
    steps : int
        At most so many moves; 0 for an energy alone.
    name : str
        Name of the jobs.
    """

    spins: dict[str, int] = field(default_factory=dict)
    calculator: str = CALCULATOR
    steps: int = 0
    name: str = "by ase"

    def make(self, structure: Structure, prev_dir: str | None = None) -> Job:
        """Make one calculation; there is no earlier one whose files would help."""
        del prev_dir
        made: Job = by_ase(structure, self.spins, self.calculator, self.steps)
        return made


@dataclass(frozen=True)
class Effort:
    """What one way took to find the lowest state of OH* on a site.

    Parameters
    ----------
    relaxations, adsorbed_calls, calls : int
        Relaxations with OH, force calls of these, and of all that the energy needs.
    energies : tuple of float
        Of what came to rest with OH on the metal, eV.
    lowest : float
        Energy of the lowest that came to rest anywhere, eV.
    """

    relaxations: int
    adsorbed_calls: int
    calls: int
    energies: tuple[float, ...]
    lowest: float


def theirs(metal: str, spins: dict[str, int], name: str) -> Effort:
    """Run AdsorptionMaker on the sheet of a metal."""
    (recipe,) = catalog.recipes({"family": "graphene", "metals": metal, "supercell": "4x4"})
    sheet = AseAtomsAdaptor.get_structure(catalog.build(recipe).atoms)
    relax, static = ByASE(spins, name, STEPS), ByASE(spins, name, 0)
    # one layer: the sheet's own vacuum is part of what atomate2 calls the bulk
    maker = AdsorptionMaker(
        mol_relax_maker=relax,
        mol_static_maker=static,
        bulk_relax_maker=None,
        slab_relax_maker=relax,
        slab_static_maker=static,
        min_slab_size=1.0,
        min_vacuum=1.0,
        min_lw=WIDTH,
    )
    flow = maker.make(Molecule(["O", "H"], [[0.0, 0.0, 0.0], [0.0, 0.0, 0.97]]), sheet)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        store = JobStore(MemoryStore())
        run_locally(flow, store=store, log=False, root_dir=folder, ensure_success=True)
    outputs = [document["output"] for document in store.query({}, ["output"])]
    made = [output for output in outputs if isinstance(output, dict) and "force_calls" in output]
    adsorbed = [output for output in made if output["kind"] == "adsorbed" and output["force_calls"] > 1]
    bound = []
    for output in adsorbed:
        atoms = AseAtomsAdaptor.get_atoms(Structure.from_dict(output["structure"]))
        if output["converged"] and is_bound(atoms, metal):
            bound.append(output["output"]["energy"])
    return Effort(
        relaxations=len(adsorbed),
        adsorbed_calls=sum(output["force_calls"] for output in made if output["kind"] == "adsorbed"),
        calls=sum(output["force_calls"] for output in made),
        energies=tuple(bound),
        lowest=min(output["output"]["energy"] for output in adsorbed),
    )


def is_bound(atoms: Atoms, metal: str) -> bool:
    """Return whether O is on the metal, and H on that."""
    (centre,), (oxygen,), (hydrogen,) = (np.flatnonzero(atoms.symbols == name) for name in (metal, "O", "H"))
    near: tuple[float, float] = (
        atoms.get_distance(centre, oxygen, mic=True),
        atoms.get_distance(oxygen, hydrogen, mic=True),
    )
    return near[0] < BOND and near[1] < 1.2


def ours(metal: str, name: str, workers: int) -> tuple[Effort, Effort, dict[str, int]]:
    """Run a campaign of one energy; return it, what of it is at the lowest spins alone, and these."""
    with tempfile.TemporaryDirectory() as folder:
        text = FILE.format(metal=metal, calculator=name, fmax=FMAX, steps=STEPS)
        checked = checked_campaign(Path(folder), text)
        run(checked, workers)
        documents = calculations(checked)
    tasks = {task: [d for d in documents if d["request"]["task"] == task] for task in ("molecule", "clean", "adsorbed")}
    done = {
        task: [d for d in found if d["status"] == "done" and d["judgement"]["verdict"] in USABLE]
        for task, found in tasks.items()
    }
    spins = {
        task: min(done[task], key=lambda document: float(document["energy"]))["request"]["multiplicity"]
        for task in ("clean", "adsorbed")
    }

    def effort(wanted: dict[str, int]) -> Effort:
        def of(found: list[dict[str, Any]], task: str) -> list[dict[str, Any]]:
            return [d for d in found if d["request"]["multiplicity"] == wanted.get(task, d["request"]["multiplicity"])]

        adsorbed = of(tasks["adsorbed"], "adsorbed")
        return Effort(
            relaxations=len(adsorbed),
            adsorbed_calls=sum(d["force_calls"] for d in adsorbed),
            calls=sum(d["force_calls"] for task, found in tasks.items() for d in of(found, task)),
            energies=tuple(d["energy"] for d in of(done["adsorbed"], "adsorbed")),
            lowest=min(d["energy"] for d in adsorbed if d["status"] == "done"),
        )

    return effort({}), effort(spins), {**spins, "molecule": 2}


def lines(metal: str, other: Effort, scan: Effort, one: Effort) -> list[tuple[str, ...]]:
    """Return the rows of one metal: theirs, ours, and of ours the lowest spins alone."""
    site, ways = f"OH\\* on {metal}-N4", (other, scan, one)
    lowest = min(energy for way in ways for energy in way.energies)
    counts: dict[str, list[int]] = {
        "relaxations with OH": [way.relaxations for way in ways],
        "force calls with OH": [way.adsorbed_calls for way in ways],
        "force calls in all": [way.calls for way in ways],
    }
    rows: list[tuple[str, ...]] = [
        (f"{site}: {what}", *(f"{count:,}" for count in found), f"{found[0] / found[1]:.1f}")
        for what, found in counts.items()
    ]
    ends = {
        "lowest state with OH on the metal, eV": [min(way.energies, default=math.nan) - lowest for way in ways],
        "lowest of all relaxations, eV": [way.lowest - lowest for way in ways],
    }
    rows += [(f"{site}: {what}", *(f"{energy:+.3f}" for energy in found), "") for what, found in ends.items()]
    bound = [f"{len(way.energies)}" for way in ways]
    same = [f"{sum(energy < lowest + SAME for energy in way.energies)}" for way in ways]
    rows.append((f"{site}: relaxations that ended on the metal", *bound, ""))
    rows.append((f"{site}: of these, in the lowest state", *same, ""))
    return rows


def measure(quick: bool) -> Table:
    """Return force calls and minima for OH on Fe-N4 and Co-N4 in graphene."""
    name = "mock" if quick else CALCULATOR
    rows: list[tuple[str, ...]] = []
    for metal in METALS[:1] if quick else METALS:
        scan, one, spins = ours(metal, name, core_count())
        rows += lines(metal, theirs(metal, spins, name), scan, one)
    return Table(HEADS, tuple(rows))
