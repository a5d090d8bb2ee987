"""CP2K: Gaussians and plane waves."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from ase.data import chemical_symbols
from ase.units import Hartree, Rydberg, kB

from atomsieve.workflows.codes.cp2k_output import complaint, entropic_energy, forces, last, mulliken, mulliken_moments
from atomsieve.workflows.codes.frames import NO_MOMENT, Framed, refuse_charge, start_moments
from atomsieve.workflows.codes.periodicity import boxed, vacuum_axes
from atomsieve.workflows.electronic import moments
from atomsieve.workflows.entry import CalculatorEntry, Setting
from atomsieve.workflows.order import Order, Requirement

if TYPE_CHECKING:
    from ase import Atoms

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
    version = ("cp2k", order.directory / f"{LABEL}.out", r"CP2K\| version string:\s+CP2K version (\S+)")
    return Framed(cell, atoms, lambda framed: Program(order, corrected), _explained, version=version)


class Program(Calculator):  # type: ignore[misc]
    """Runs CP2K for each geometry, from the orbitals of the last.

    ASE's calculator keeps one process alive and talks to it; that gives neither moments nor start moments by atom, and
    has no word for an SCF that does not converge.

    Parameters
    ----------
    order : Order
        What is asked.
    corrected : bool
        For the dipole along z.
    """

    implemented_properties = ["energy", "free_energy", "forces", "magmoms"]  # noqa: RUF012 - ASE wants a list

    def __init__(self, order: Order, corrected: bool) -> None:
        super().__init__()
        self._order = order
        self._corrected = corrected

    def calculate(self, atoms: Atoms = None, properties: Any = ("energy",), system_changes: Any = all_changes) -> None:
        """Run, and read what came out; energies are extrapolated to no smearing.

        Raises
        ------
        ChildProcessError
            Where the program stops.
        ArithmeticError
            Where the SCF does not converge: this version goes on with what it has.
        """
        super().calculate(atoms, properties, system_changes)
        folder, command = self._order.directory, shlex.split(self._order.settings["command"])
        output = folder / f"{LABEL}.out"
        # the program appends
        output.unlink(missing_ok=True)
        text = written(self._order, self.atoms, self._corrected)
        (folder / f"{LABEL}.inp").write_text(text, encoding="utf-8")
        arguments = [*command, "-i", f"{LABEL}.inp", "-o", output.name]
        done = subprocess.run(arguments, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        text = output.read_text(encoding="utf-8", errors="replace") if output.exists() else ""
        if done.returncode or not text:
            said = complaint(text) or done.stderr.decode(errors="replace").strip()[-200:]
            raise ChildProcessError(f"CP2K stopped: {said}; {output.name} has the rest")
        if "SCF run NOT converged" in text or "outer SCF loop FAILED" in text:
            raise ArithmeticError(f"the SCF of CP2K does not converge; {output.name} has its course; mix less")
        free = last(r"ENERGY\| Total FORCE_EVAL .*?:\s+(\S+)", text) * Hartree
        self.results = {
            "energy": free - entropic_energy(text) / 2,
            "free_energy": free,
            "forces": forces(text, len(self.atoms)),
            "magmoms": mulliken_moments(text, len(self.atoms)),
        }


def _explained(error: Exception) -> str | None:
    return str(error) if isinstance(error, ChildProcessError | ArithmeticError) else None


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
        yield f"  &KIND {label}\n   ELEMENT {symbol}\n   BASIS_SET {_basis(symbol, s['basis'])}\n   POTENTIAL GTH-PBE"
        if spins:
            yield f"   MAGNETIZATION {moment}"
        yield "  &END KIND"
    yield " &END SUBSYS\n &PRINT\n  &FORCES ON\n  &END FORCES\n &END PRINT\n&END FORCE_EVAL"


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
        if s["scheme"] == "DIIS":
            yield f"   EPS_DIIS {s['diis_start']}\n   MAX_DIIS {s['diis_history']}"
            yield f"   &MIXING\n    METHOD DIRECT_P_MIXING\n    ALPHA {s['mixing']}\n   &END MIXING"
        else:
            yield f"   &MIXING\n    METHOD BROYDEN_MIXING\n    ALPHA {s['mixing']}\n    NBROYDEN 12\n   &END MIXING"
        yield "   &SMEAR\n    METHOD FERMI_DIRAC"
        yield f"    ELECTRONIC_TEMPERATURE [K] {s['smearing_width'] / kB:.4f}"
        if spins and order.multiplicity is not None:
            yield f"    FIXED_MAGNETIC_MOMENT {order.multiplicity - 1}"
        yield "   &END SMEAR"
    yield "  &END SCF"


def _basis(symbol: str, name: str) -> str:
    if name == "TZVP-MOLOPT" and symbol in _LIGHT:
        return "TZVP-MOLOPT-GTH"
    # the short-ranged set of hydrogen puts the bond of H2 at 0.72 Å and a free atom 0.9 eV too high
    return "DZVP-MOLOPT-GTH" if symbol == "H" else "DZVP-MOLOPT-SR-GTH"


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


def electronic(order: Order, atoms: Atoms) -> dict[str, Any]:
    """Return Mulliken's charges and moments from the last output."""
    text = (order.directory / f"{LABEL}.out").read_text(encoding="utf-8", errors="replace")
    charges = [row[-2] if len(row) == 4 else row[-1] for row in mulliken(text, len(atoms))]
    return {"charges": {"mulliken": charges}, **moments(order, atoms)}


_FUNCTIONALS = {
    "PBE": "    &PBE\n    &END PBE",
    "revPBE": "    &PBE\n     PARAMETRIZATION REVPBE\n    &END PBE",
    "RPBE": "    &GGA_X_RPBE\n    &END GGA_X_RPBE\n    &GGA_C_PBE\n    &END GGA_C_PBE",
}
_DISPERSIONS = {"D3(BJ)": "DFTD3(BJ)", "D3(zero)": "DFTD3"}
#: Those that BASIS_MOLOPT has TZVP-MOLOPT-GTH of; others keep the smaller set.
_LIGHT = frozenset(["H", "C", "N", "O", "F", "Si", "P", "S", "Cl"])
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
            "basis": Setting("DZVP-MOLOPT-SR", "atomic orbitals", choices=("DZVP-MOLOPT-SR", "TZVP-MOLOPT")),
            "cutoff": Setting(round(500 * Rydberg, 1), "cutoff of the densest grid, eV", 1000.0, 30000.0),
            "relative_cutoff": Setting(50.0, "cutoff of the grid under a Gaussian of exponent 1, Ry", 30.0, 200.0),
            "vacuum": Setting(10.0, "between a molecule and its image, Å", 6.0, 40.0),
            "dipole": Setting("z", "dipole correction of sheets", choices=("none", "z")),
            "smearing_width": Setting(0.1, "width of the smearing, eV; at 0 by orbital transformation", 0.0, 0.5),
            "scf_threshold": Setting(3e-5, "change of the density matrix at convergence", 1e-9, 1e-3),
            "added_orbitals": Setting(30, "empty orbitals that are smeared over", 5, 2000, is_physics=False),
            "scheme": Setting("DIIS", "what speeds the SCF up", is_physics=False, choices=("DIIS", "Broyden")),
            "mixing": Setting(0.1, "share of the new density", 0.001, 1.0, is_physics=False),
            "diis_start": Setting(
                0.5, "change of the density matrix from which DIIS works", 0.0, 2.0, is_physics=False
            ),
            "diis_history": Setting(4, "steps that DIIS remembers", 2, 20, is_physics=False),
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
    seconds=250.0,
    calculator=calculator,
    # it is run at Γ alone here
    metals=frozenset({"atom"}),
    gives=frozenset({"charges", "moments"}),
    electronic=electronic,
    requirement=Requirement(programs=("cp2k.psmp",), mend="apt-get install cp2k"),
    # DIIS later, and where nothing is smeared a minimiser that cannot diverge; then another scheme
    ladder=(
        {"mixing": 0.05, "diis_start": 0.1, "max_iterations": 300, "minimizer": "CG"},
        {"scheme": "Broyden", "mixing": 0.1, "max_iterations": 600},
    ),
)
