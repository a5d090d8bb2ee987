"""VASP: its settings, what they mean in a method, and what it needs on a machine."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import yaml

from atomsieve.structures.hubbard import hubbard_tables, hubbard_u
from atomsieve.workflows.codes import vasp_inputs as inputs
from atomsieve.workflows.codes.vasp_installation import MEND, missing
from atomsieve.workflows.entry import CalculatorEntry, Setting
from atomsieve.workflows.order import Order, Relaxed, Requirement

if TYPE_CHECKING:
    from ase import Atoms

SETTINGS: Final[Mapping[str, Setting]] = MappingProxyType(
    {
        "functional": Setting("PBE", "exchange and correlation", choices=tuple(inputs.FUNCTIONALS)),
        "dispersion": Setting("D3(BJ)", "dispersion correction", choices=tuple(inputs.DISPERSIONS)),
        "u": Setting("none", "table of U", choices=("none", *hubbard_tables())),
        "cutoff": Setting(500.0, "plane-wave cutoff, eV; C, N and O need 400", 400.0, 1200.0),
        "kpoints": Setting(
            0.25,
            "largest distance of k-points, 1/Å with the factor 2π, 1 point along vacuum; 0 for Γ alone",
            0.0,
            2.0,
        ),
        "dipole": Setting("z", "dipole correction along the vacuum of a sheet", choices=("none", "z")),
        "solvent": Setting("none", "implicit solvent (a VASP with VASPsol)", choices=tuple(inputs.SOLVENTS)),
        "smearing": Setting("Gaussian", "occupation of states", choices=tuple(inputs.SMEARINGS)),
        "smearing_width": Setting(0.05, "width of the smearing, eV", 0.001, 0.5),
        "precision": Setting("Accurate", "grids of the fast Fourier transform", choices=inputs.PRECISIONS),
        "electronic_threshold": Setting(1e-6, "change of the energy at self-consistency, eV", 1e-9, 1e-3),
        # where it is held this is a tag of the method; where it is free, as nearly everywhere, there is none
        "total_spin": Setting(
            "free",
            "total moment: free, or held at that of the multiplicity",
            is_physics=False,
            choices=("free", "held"),
        ),
        "algorithm": Setting("Normal", "ALGO", is_physics=False, choices=inputs.ALGORITHMS),
        "electronic_steps": Setting(200, "NELM", 1, 5000, is_physics=False),
        "mixing": Setting("default", "mixing of densities", is_physics=False, choices=tuple(inputs.MIXINGS)),
        "ncore": Setting(0, "NCORE, cores on one band; 0 leaves it to VASP", 0, 1024, is_physics=False),
        "kpar": Setting(1, "KPAR, groups of k-points", 1, 1024, is_physics=False),
    }
)


def tags(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what fixes the physics beside the settings themselves, or stands for one of them.

    Raises
    ------
    ParameterError
        If two settings exclude each other.
    """
    inputs.check_together(settings)
    return {
        "u": hubbard_u(settings["u"]),
        "pseudopotentials": dict(potentials()),
        "kpoints": settings["kpoints"] or "Γ",
        "charge_model": "neutral",
        "spin_polarised": True,
        "relativity": "scalar",
        "aspherical": True,
        **inputs.DAMPING.get((settings["functional"], settings["dispersion"]), {}),
        **({"total_spin": "held"} if settings["total_spin"] == "held" else {}),
    }


@cache
def potentials() -> Mapping[str, str]:
    """Return the title of the PAW potential of each element."""
    text = (files("atomsieve.workflows.codes") / "potentials.yaml").read_text(encoding="utf-8")
    return MappingProxyType(yaml.safe_load(text))


def _program(order: Order, atoms: Atoms) -> Relaxed:
    from atomsieve.workflows.codes.vasp_run import run

    return run(order, atoms)


ENTRY: Final = CalculatorEntry(
    name="vasp",
    title="VASP (through atomate2 and custodian)",
    tier="dft",
    source="doi 10.1103/PhysRevB.54.11169",
    settings=SETTINGS,
    elements=frozenset(potentials()),
    spin="moments",
    seconds=2000.0,
    program=_program,
    metals=frozenset({"atom", "bulk"}),
    gives=frozenset({"charges", "moments", "d-band", "gap"}),
    requirement=Requirement(modules=("atomate2", "custodian", "pymatgen"), mend=MEND, probe=missing),
    ladder=(
        {"algorithm": "All"},
        {"algorithm": "Normal", "mixing": "cautious", "electronic_steps": 500},
    ),
    tags=tags,
)
