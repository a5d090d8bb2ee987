"""CP2K: Gaussians and plane waves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.data import chemical_symbols
from ase.units import Hartree, Rydberg, kB

from atomsieve.workflows.codes.frames import NO_MOMENT, Framed, refuse_charge, start_moments
from atomsieve.workflows.codes.periodicity import boxed, vacuum_axes
from atomsieve.workflows.entry import CalculatorEntry, Setting
from atomsieve.workflows.order import Order, Requirement

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

#: Stem of the files in the directory of a calculation.
LABEL = "cp2k"


def calculator(order: Order, atoms: Atoms) -> Framed:
    """Return the ASE calculator of an order.

    Raises
    ------
    ase.calculators.calculator.CalculatorSetupError
        For a charge: every cell is periodic here.
    """
    refuse_charge(order.charge)
    cell = boxed(atoms, order.settings["vacuum"])
    corrected = order.settings["dipole"] == "z" and vacuum_axes(cell) == (2,)
    cell.pbc = True
    cell.set_initial_magnetic_moments(start_moments(atoms, order.multiplicity))
    output = order.directory / f"{LABEL}.out"

    def make(atoms: Atoms) -> Any:
        from ase.calculators.cp2k import CP2K

        class Shell(CP2K):  # type: ignore[misc]
            """ASE's, with start moments for each atom, final moments, and energies extrapolated to no smearing."""

            implemented_properties = [*CP2K.implemented_properties, "magmoms"]  # noqa: RUF012 - ASE wants a list

            def _generate_input(self) -> str:
                return written(order, self.atoms, corrected)

            def calculate(self, *args: Any, **kwargs: Any) -> None:
                super().calculate(*args, **kwargs)
                text = output.read_text(encoding="utf-8", errors="replace")
                self.results["energy"] -= entropic_energy(text) / 2
                self.results["magmoms"] = mulliken_moments(text, len(self.atoms))

        output.unlink(missing_ok=True)
        return Shell(command=f"{order.settings['command']} -s", label=str(order.directory / LABEL), stress_tensor=False)

    def explained(error: Exception) -> str | None:
        # ASE's shell asserts that the program answers; one that stops says nothing
        if isinstance(error, AssertionError | BrokenPipeError | ValueError | RuntimeError):
            return f"CP2K stopped: {complaint(output)}; {output.name} has the rest"
        return None

    return Framed(cell, atoms, make, explained)


def written(order: Order, atoms: Atoms, corrected: bool) -> str:
    """Return the input.

    Parameters
    ----------
    order : Order
        What is asked.
    atoms : ase.Atoms
        In their cell, with start moments.
    corrected : bool
        For the dipole along z.
    """
    kinds: dict[tuple[str, float], str] = {}
    moments = np.round(atoms.get_initial_magnetic_moments(), 2)
    labels = []
    for symbol, moment in zip(atoms.symbols, moments, strict=True):
        kind = (symbol, float(moment))
        number = sum(known == symbol for known, _ in kinds)
        labels.append(kinds.setdefault(kind, f"{symbol}{number}" if number else symbol))
    return "\n".join(_lines(order, atoms, kinds, labels, corrected))


def _lines(
    order: Order, atoms: Atoms, kinds: dict[tuple[str, float], str], labels: Sequence[str], corrected: bool
) -> Iterator[str]:
    s = order.settings
    spins = any(abs(moment) > NO_MOMENT for _, moment in kinds)
    yield f"&GLOBAL\n PROJECT {LABEL}\n PRINT_LEVEL LOW\n RUN_TYPE ENERGY_FORCE\n&END GLOBAL"
    yield "&FORCE_EVAL\n METHOD Quickstep\n &DFT"
    yield "  BASIS_SET_FILE_NAME BASIS_MOLOPT\n  POTENTIAL_FILE_NAME GTH_POTENTIALS"
    if spins:
        yield "  UKS T"
        if order.multiplicity is not None:
            yield f"  MULTIPLICITY {order.multiplicity}"
    if corrected:
        yield "  SURFACE_DIPOLE_CORRECTION T\n  SURF_DIP_DIR Z"
    yield f"  &MGRID\n   CUTOFF [eV] {s['cutoff']}\n   REL_CUTOFF [Ry] {s['relative_cutoff']}\n  &END MGRID"
    yield "  &QS\n   EPS_DEFAULT 1e-12\n   EXTRAPOLATION USE_GUESS\n  &END QS"
    yield from _scf(order, spins)
    yield f"  &XC\n   &XC_FUNCTIONAL\n{_FUNCTIONALS[s['functional']]}\n   &END XC_FUNCTIONAL"
    if s["dispersion"] != "none":
        yield "   &VDW_POTENTIAL\n    POTENTIAL_TYPE PAIR_POTENTIAL\n    &PAIR_POTENTIAL"
        yield f"     TYPE {_DISPERSIONS[s['dispersion']]}\n     PARAMETER_FILE_NAME dftd3.dat"
        yield f"     REFERENCE_FUNCTIONAL {s['functional']}\n     R_CUTOFF [angstrom] 20"
        yield "    &END PAIR_POTENTIAL\n   &END VDW_POTENTIAL"
    yield "  &END XC\n  &PRINT\n   &MULLIKEN ON\n   &END MULLIKEN\n  &END PRINT\n &END DFT\n &SUBSYS\n  &CELL"
    for name, vector in zip("ABC", atoms.cell.array, strict=True):
        yield f"   {name} " + " ".join(f"{value:.12f}" for value in vector)
    yield "  &END CELL\n  &COORD"
    for label, position in zip(labels, atoms.positions, strict=True):
        yield f"   {label} " + " ".join(f"{value:.12f}" for value in position)
    yield "  &END COORD"
    for (symbol, moment), label in kinds.items():
        yield f"  &KIND {label}\n   ELEMENT {symbol}\n   BASIS_SET {s['basis']}\n   POTENTIAL GTH-PBE"
        if spins:
            yield f"   MAGNETIZATION {moment}"
        yield "  &END KIND"
    yield " &END SUBSYS\n&END FORCE_EVAL"


def _scf(order: Order, spins: bool) -> Iterator[str]:
    s = order.settings
    yield f"  &SCF\n   SCF_GUESS {s['guess']}\n   EPS_SCF {s['scf_threshold']}"
    if s["smearing_width"] == 0:
        yield f"   MAX_SCF 25\n   &OT\n    PRECONDITIONER FULL_ALL\n    MINIMIZER {s['minimizer']}\n   &END OT"
        yield f"   &OUTER_SCF\n    EPS_SCF {s['scf_threshold']}\n    MAX_SCF {max(1, s['max_iterations'] // 25)}"
        yield "   &END OUTER_SCF"
    else:
        yield f"   MAX_SCF {s['max_iterations']}\n   ADDED_MOS {s['added_orbitals']}"
        yield "   &DIAGONALIZATION\n    ALGORITHM STANDARD\n   &END DIAGONALIZATION"
        yield f"   &MIXING\n    METHOD BROYDEN_MIXING\n    ALPHA {s['mixing']}\n    NBROYDEN {s['mixing_history']}"
        yield "   &END MIXING\n   &SMEAR\n    METHOD FERMI_DIRAC"
        yield f"    ELECTRONIC_TEMPERATURE [K] {s['smearing_width'] / kB:.4f}"
        if spins and order.multiplicity is not None:
            yield f"    FIXED_MAGNETIC_MOMENT {order.multiplicity - 1}"
        yield "   &END SMEAR"
    yield "  &END SCF"


def tags(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what fixes the physics beside the settings themselves."""
    return {
        "u": {},
        "pseudopotential_set": "GTH-PBE",
        "kpoints": "Γ",
        "charge_model": "neutral",
        "spin_polarised": True,
        "relativity": "scalar",
        "smearing": "Fermi-Dirac" if settings["smearing_width"] else "none",
    }


def entropic_energy(text: str) -> float:
    """Return -TS of the electrons in the last energy of an output, eV; 0 where nothing is smeared."""
    found = re.findall(r"Electronic entropic energy:\s+(-?\d+\.\d+)", text)
    return float(found[-1]) * Hartree if found else 0.0


def mulliken_moments(text: str, atoms: int) -> NDArray[np.float64]:
    """Return the moment of each atom from the last Mulliken analysis of an output; none where spins are paired."""
    table = text.rpartition("Mulliken Population Analysis")[2]
    # behind number, element and kind: alpha, beta, charge, spin; where spins are paired: population, charge
    rows = re.findall(r"^\s*\d+\s+\w+\s+\d+((?:\s+-?\d+\.\d+)+)\s*$", table, re.MULTILINE)[:atoms]
    values = [row.split() for row in rows]
    return np.array([float(row[3]) if len(row) == 4 else 0.0 for row in values])


def complaint(output: Path) -> str:
    """Return what the program said last that it did not like."""
    try:
        text = output.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return "it wrote no output"
    if "SCF run NOT converged" in text:
        return "the SCF does not converge; mix less"
    # the program draws a hand that holds up what is wrong
    drawn = text.rpartition("[ABORT]")[2].splitlines()[1:5]
    said = " ".join(re.sub(r"^[\s*|\\/_O]+|[\s*]+$", "", line) for line in drawn if ".F:" not in line).strip()
    return said or "no message"


_FUNCTIONALS = {
    "PBE": "    &PBE\n    &END PBE",
    "revPBE": "    &PBE\n     PARAMETRIZATION REVPBE\n    &END PBE",
    "RPBE": "    &GGA_X_RPBE\n    &END GGA_X_RPBE\n    &GGA_C_PBE\n    &END GGA_C_PBE",
}
_DISPERSIONS = {"D3(BJ)": "DFTD3(BJ)", "D3(zero)": "DFTD3"}
#: Those with a DZVP-MOLOPT-SR-GTH basis in the file BASIS_MOLOPT of CP2K 2023.1: no lanthanides.
_ELEMENTS = frozenset(chemical_symbols[1:57] + chemical_symbols[72:87])
#: CP2K in the table of calculators.
ENTRY = CalculatorEntry(
    name="cp2k",
    title="CP2K",
    tier="dft",
    source="doi 10.1063/5.0007045",
    settings=MappingProxyType(
        {
            "functional": Setting("PBE", "exchange and correlation", choices=tuple(_FUNCTIONALS)),
            "dispersion": Setting("D3(BJ)", "dispersion correction", choices=("none", *_DISPERSIONS)),
            "basis": Setting("DZVP-MOLOPT-SR-GTH", "atomic orbitals", choices=("DZVP-MOLOPT-SR-GTH",)),
            "cutoff": Setting(round(400 * Rydberg, 1), "cutoff of the densest grid, eV", 1000.0, 30000.0),
            "relative_cutoff": Setting(50.0, "cutoff of the grid under a Gaussian of exponent 1, Ry", 30.0, 200.0),
            "vacuum": Setting(10.0, "between a molecule and its image, Å", 6.0, 40.0),
            "dipole": Setting("z", "dipole correction of sheets", choices=("none", "z")),
            "smearing_width": Setting(0.1, "width of the smearing, eV; at 0 by orbital transformation", 0.0, 0.5),
            "scf_threshold": Setting(1e-6, "change of the density matrix at convergence", 1e-9, 1e-4),
            "added_orbitals": Setting(30, "empty orbitals that are smeared over", 5, 2000, is_physics=False),
            "mixing": Setting(0.2, "share of the new density", 0.001, 1.0, is_physics=False),
            "mixing_history": Setting(8, "densities that are mixed", 1, 30, is_physics=False),
            "minimizer": Setting("DIIS", "of the orbital transformation", is_physics=False, choices=("DIIS", "CG")),
            "guess": Setting(
                "RESTART", "first orbitals: last ones, if any", is_physics=False, choices=("RESTART", "ATOMIC")
            ),
            "max_iterations": Setting(150, "SCF iterations", 10, 2000, is_physics=False),
            "command": Setting("cp2k.psmp", "program, as in: srun -n 32 cp2k.psmp", is_physics=False),
        }
    ),
    elements=_ELEMENTS,
    tags=tags,
    spin="moments",
    seconds=300.0,
    calculator=calculator,
    requirement=Requirement(programs=("cp2k.psmp",), mend="apt-get install cp2k"),
    # a slower mixer; then a slower one yet, from scratch, and a minimiser that cannot diverge where nothing is smeared
    ladder=(
        {"mixing": 0.1, "mixing_history": 12, "max_iterations": 300, "minimizer": "CG"},
        {"mixing": 0.04, "mixing_history": 12, "max_iterations": 600, "guess": "ATOMIC"},
    ),
)
