"""Single points of Fe-N4 in graphene with the spin held at S = 0, 1 and 2; print energies, moments and seconds.

Run as ``python benchmarks/spin_states.py [kpoints ...]``, on one core, with GPAW; each energy takes minutes, and is
kept in ``spin-states.json``, so that a second run goes on. ``kpoints`` is a spacing in 1/Å, 0 for Γ alone. Fe-N is
that of relaxed states in the literature; with Fe and N held there, GFN1-xTB relaxes the carbon, so that no spin state
pays for a frame that was made for another.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from ase import Atoms
from ase.constraints import FixAtoms

from atomsieve.builders import catalog
from atomsieve.workflows.calculators import calculator
from atomsieve.workflows.optimization import optimize
from atomsieve.workflows.order import Order, Relaxed

#: Fe-N of the relaxed state of each total spin S, Å, PBE-D3.
DISTANCES = {0: 1.893, 1: 1.913, 2: 1.986}
KEPT = Path("spin-states.json")


def frame(spin: int, folder: Path) -> Atoms:
    """Return Fe-N4 in a 4x4 cell with Fe-N of a spin state, and the carbon that goes with it."""
    (recipe,) = catalog.recipes({"family": "graphene", "metals": ["Fe"]})
    site = catalog.build(recipe)
    atoms, (metal,), (donors,) = site.atoms.copy(), site.metals, site.donors
    for donor in donors:
        atoms.set_distance(metal, donor, DISTANCES[spin], fix=0, mic=True)
    atoms.set_constraint(FixAtoms([metal, *donors]))
    relaxed = run("gfn1-xtb", atoms, spin, {}, folder, steps=200).atoms
    plain: Atoms = relaxed.copy()
    plain.set_constraint()
    plain.set_initial_magnetic_moments([2.0 * spin * (index == metal) for index in range(len(plain))])
    return plain


def run(name: str, atoms: Atoms, spin: int, settings: dict[str, object], folder: Path, steps: int = 0) -> Relaxed:
    """Return what a calculator answers, the total spin held."""
    entry = calculator(name)
    assert entry.calculator is not None
    resolved = {**entry.numerics(settings), **entry.method(settings).physics}
    order = Order(resolved, 2 * spin + 1, 0, folder, 0.03, steps)
    return optimize(entry.calculator, order, atoms)


def main() -> None:
    """Compute what is not yet kept; print a table for each mesh."""
    known = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    meshes = [float(word) for word in sys.argv[1:]] or [0.0, 0.4]
    for kpoints in meshes:
        for spin in (1, 2, 0):
            name = f"kpoints {kpoints}, S = {spin}"
            if name in known:
                continue
            with tempfile.TemporaryDirectory() as folder:
                atoms = frame(spin, Path(folder))
                began, cpu = time.perf_counter(), time.process_time()
                found = run("gpaw", atoms, spin, {"kpoints": kpoints}, Path(folder))
            assert found.moments is not None
            known[name] = {
                "energy": found.energy,
                "moment": found.moments[atoms.symbols.indices()["Fe"][0]],
                "seconds": time.perf_counter() - began,
                "cpu_seconds": time.process_time() - cpu,
            }
            KEPT.write_text(json.dumps(known, indent=1), encoding="utf-8")
        lowest = min(known[f"kpoints {kpoints}, S = {spin}"]["energy"] for spin in DISTANCES)
        print(f"kpoints {kpoints}")
        print("  S   Fe-N / Å   E / eV   moment of Fe   CPU seconds")
        for spin, distance in DISTANCES.items():
            row = known[f"kpoints {kpoints}, S = {spin}"]
            relative, moment, seconds = row["energy"] - lowest, row["moment"], row["cpu_seconds"]
            print(f"  {spin}   {distance:8.3f}   {relative:6.2f}   {moment:12.2f}   {seconds:11.0f}")


if __name__ == "__main__":
    main()
