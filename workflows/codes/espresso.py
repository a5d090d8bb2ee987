"""Quantum ESPRESSO: plane waves and the pseudopotentials of Debian's package."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from subprocess import CalledProcessError
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.calculators.calculator import CalculatorSetupError
from ase.units import Rydberg

from atomsieve.workflows.codes.frames import NO_MOMENT, Framed, refuse_charge, start_moments
from atomsieve.workflows.codes.periodicity import boxed, kpoint_mesh, middle, vacuum_axes
from atomsieve.workflows.electronic import moments
from atomsieve.workflows.entry import CalculatorEntry, Setting
from atomsieve.workflows.order import Order, Requirement

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

#: Where Debian's package quantum-espresso-data keeps pseudopotentials.
PSEUDOPOTENTIALS = "/usr/share/espresso/pseudo"
#: Share of the cell along z over which the correction of the dipole falls back.
FALL = 0.05


def calculator(order: Order, atoms: Atoms) -> Framed:
    """Return the ASE calculator of an order.

    Raises
    ------
    ase.calculators.calculator.CalculatorSetupError
        For a charge, and for an element whose pseudopotential is not there.
    """
    s = order.settings
    refuse_charge(order.charge)
    _refuse_elements(sorted(set(atoms.symbols)), s)
    cell = boxed(atoms, s["vacuum"])
    moments = start_moments(atoms, order.multiplicity)
    cell.set_initial_magnetic_moments(moments)
    points = kpoint_mesh(cell, 0.0 if s["kpoints"] == "Γ" else s["kpoints"])
    corrected = s["dipole"] == "z" and vacuum_axes(cell) == (2,)
    cell.pbc = True
    spins = bool((abs(moments) > NO_MOMENT).any())
    system: dict[str, Any] = {
        "ecutwfc": s["cutoff"] / Rydberg,
        "ecutrho": s["density_cutoff"] / Rydberg,
        "occupations": "smearing",
        "smearing": "fermi-dirac",
        "degauss": s["smearing_width"] / Rydberg,
        "nspin": 2 if spins else 1,
    }
    if spins and order.multiplicity is not None:
        system["tot_magnetization"] = float(order.multiplicity - 1)
    if s["dispersion"] != "none":
        system |= {"vdw_corr": "dft-d3", "dftd3_version": _DISPERSIONS[s["dispersion"]], "dftd3_threebody": False}
    control: dict[str, Any] = {"outdir": "espresso", "disk_io": "nowf", "tprnfor": True}
    if corrected:
        # the jump must lie where no electrons are
        control |= {"tefield": True, "dipfield": True}
        system |= {"edir": 3, "eamp": 0.0, "eopreg": FALL, "emaxpos": (middle(cell, 2) + 0.5 - FALL / 2) % 1}
    electrons = {
        "conv_thr": s["electronic_threshold"] / Rydberg,
        "electron_maxstep": s["max_iterations"],
        "mixing_beta": s["mixing"],
        "mixing_ndim": s["mixing_history"],
        "mixing_mode": s["mixing_mode"],
        "diagonalization": s["diagonalization"],
    }

    def make(atoms: Atoms) -> Any:
        from ase.calculators.espresso import EspressoProfile, EspressoTemplate
        from ase.calculators.genericfileio import GenericFileIOCalculator

        class Template(EspressoTemplate):  # type: ignore[misc]
            """ASE's, which goes on from the last density, and extrapolates energies to no smearing."""

            def write_input(
                self, profile: Any, directory: Path, atoms: Atoms, parameters: Any, properties: Any
            ) -> None:
                if (directory / "espresso" / "pwscf.save" / "charge-density.dat").exists():
                    parameters["input_data"]["electrons"]["startingpot"] = "file"
                super().write_input(profile, directory, atoms, parameters, properties)

            def read_results(self, directory: Path) -> Any:
                results = super().read_results(directory)
                text = (directory / self.outputname).read_text(encoding="utf-8", errors="replace")
                results["energy"] -= entropic_energy(text) / 2
                results["magmoms"] = site_moments(text, len(atoms))
                return results

        return GenericFileIOCalculator(
            profile=EspressoProfile(command=s["command"], pseudo_dir=s["pseudopotential_folder"]),
            template=Template(),
            directory=order.directory,
            parameters={
                "input_data": {"control": control, "system": system, "electrons": electrons},
                "pseudopotentials": {e: n for e, n in FILES.items() if e in atoms.symbols},
                # ASE writes the faster form for Γ alone where it is given none
                "kpts": None if points == (1, 1, 1) else points,
            },
        )

    output = order.directory / "espresso.pwo"

    def explained(error: Exception) -> str | None:
        if isinstance(error, CalledProcessError | AssertionError | ValueError | IndexError | OSError):
            return f"pw.x stopped: {complaint(output)}; {output.name} has the rest"
        return None

    return Framed(cell, atoms, make, explained, version=("pw.x", output, r"Program PWSCF v\.(\S+)"))


def tags(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what fixes the physics beside the settings themselves, or stands for one of them."""
    return {
        "u": {},
        "pseudopotentials": FILES,
        "kpoints": settings["kpoints"] or "Γ",
        "charge_model": "neutral",
        "spin_polarised": True,
        "relativity": "scalar",
        "smearing": "Fermi-Dirac",
    }


def _refuse_elements(elements: list[str], settings: Any) -> None:
    folder, names = Path(settings["pseudopotential_folder"]), FILES
    for element in elements:
        if element not in names:
            raise CalculatorSetupError(
                f"no PBE pseudopotential of {element} is in Debian's package; there are {', '.join(names)}. Another "
                "calculator has it: gpaw, cp2k"
            )
        if not (folder / names[element]).exists():
            raise CalculatorSetupError(
                f"{names[element]} is not in {folder}; apt-get install quantum-espresso-data, or name its folder as "
                "pseudopotential_folder"
            )


def entropic_energy(text: str) -> float:
    """Return -TS of the electrons in the last energy of an output, eV; 0 where nothing is smeared."""
    found = re.findall(r"smearing contrib\. \(-TS\)\s+=\s+(-?\d+\.\d+) Ry", text)
    return float(found[-1]) * Rydberg if found else 0.0


def site_moments(text: str, atoms: int) -> NDArray[np.float64]:
    """Return the moment of each atom, integrated around it, from an output; none where spins are paired."""
    rows = re.findall(r"^\s*atom:?\s*\d+.*magn=?:?\s*(-?\d+\.\d+)", text, re.MULTILINE)
    return np.array([float(row) for row in rows[-atoms:]]) if len(rows) >= atoms else np.zeros(atoms)


def complaint(output: Path) -> str:
    """Return what the program said last that it did not like."""
    try:
        text = output.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return "it wrote no output"
    if "convergence NOT achieved" in text:
        return "the SCF does not converge; mix less"
    found = re.search(r"%%%+\n(.+?)%%%+", text, re.DOTALL)
    return " ".join(found.group(1).split()) if found else "no message"


_DISPERSIONS = {"D3(BJ)": 4, "D3(zero)": 3}
#: Made with PBE, scalar relativistic, good at the default cutoffs; other files there are of other functionals.
FILES = {
    "H": "H.pbe-kjpaw.UPF",
    "B": "B.pbe-n-kjpaw_psl.1.0.0.UPF",
    "C": "C.pbe-n-kjpaw_psl.0.1.UPF",
    "N": "N.pbe-n-kjpaw_psl.1.0.0.UPF",
    "O": "O.pbe-kjpaw.UPF",
    "Si": "Si.pbe-nl-rrkjus_psl.1.0.0.UPF",
    "Cr": "Cr.pbe-spn-kjpaw_psl.1.0.0.UPF",
    "Fe": "Fe.pbe-nd-rrkjus.UPF",
    "Ni": "Ni.pbe-nd-rrkjus.UPF",
    "Cu": "Cu.pbe-kjpaw.UPF",
}
#: Quantum ESPRESSO in the table of calculators.
ENTRY = CalculatorEntry(
    name="espresso",
    title="Quantum ESPRESSO",
    tier="dft",
    source="doi 10.1088/1361-648X/aa8f79",
    settings=MappingProxyType(
        {
            "functional": Setting("PBE", "exchange and correlation", choices=("PBE",)),
            "dispersion": Setting("D3(BJ)", "dispersion correction", choices=("none", *_DISPERSIONS)),
            "cutoff": Setting(680.0, "cutoff of the plane waves, eV", 300.0, 3000.0),
            "density_cutoff": Setting(5440.0, "cutoff of the density, eV", 1200.0, 30000.0),
            "vacuum": Setting(10.0, "between a molecule and its image, Å", 6.0, 40.0),
            "kpoints": Setting(0.4, "largest distance of k-points, 1/Å with the factor 2π; 0 for Γ alone", 0.0, 2.0),
            "dipole": Setting("z", "dipole correction of sheets", choices=("none", "z")),
            "smearing_width": Setting(0.1, "width of the smearing, eV", 0.001, 0.5),
            "electronic_threshold": Setting(1e-4, "estimated error of the energy at convergence, eV", 1e-10, 0.1),
            "mixing": Setting(0.3, "share of the new density", 0.001, 1.0, is_physics=False),
            "mixing_history": Setting(8, "densities that are mixed", 1, 20, is_physics=False),
            "mixing_mode": Setting(
                "plain", "screening in mixing", is_physics=False, choices=("plain", "TF", "local-TF")
            ),
            "diagonalization": Setting("david", "solver of the bands", is_physics=False, choices=("david", "cg")),
            "max_iterations": Setting(100, "SCF iterations", 10, 2000, is_physics=False),
            "command": Setting("pw.x", "program, as in: srun -n 32 pw.x", is_physics=False),
            "pseudopotential_folder": Setting(PSEUDOPOTENTIALS, "where the files lie", is_physics=False),
        }
    ),
    elements=frozenset(FILES),
    tags=tags,
    spin="moments",
    seconds=2000.0,
    calculator=calculator,
    metals=frozenset({"atom", "bulk"}),
    gives=frozenset({"moments"}),
    electronic=moments,
    requirement=Requirement(programs=("pw.x",), mend="apt-get install quantum-espresso quantum-espresso-data"),
    # a slower mixer that knows vacuum from matter; then a solver that cannot lose bands
    ladder=(
        {"mixing": 0.1, "mixing_mode": "local-TF", "max_iterations": 200},
        {"mixing": 0.05, "mixing_history": 12, "diagonalization": "cg", "max_iterations": 400},
    ),
)
