"""Input set of VASP: INCAR, k-points and potentials of one calculation, from the tags of a method.

Each tag is explained at https://www.vasp.at/wiki; what a method says by name and VASP by number is written once, here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from atomsieve.structures.errors import ParameterError
from atomsieve.structures.metal import at_experimental_volume
from atomsieve.workflows.codes.periodicity import kpoint_mesh, middle, vacuum_axes
from atomsieve.workflows.codes.vasp_electronic import TAGS

if TYPE_CHECKING:
    from ase import Atoms
    from atomate2.vasp.sets.base import VaspInputGenerator

    from atomsieve.workflows.order import Order

#: The set of PAW potentials, as pymatgen calls it.
POTENTIAL_SET: Final = "PBE_54"
#: INCAR tags of each functional: doi 10.1103/PhysRevLett.77.3865, 10.1103/PhysRevB.59.7413, 10.1103/PhysRevB.85.235149
#: (its correlation is that of vdW-DF2), 10.1063/1.2404663.
FUNCTIONALS: Final[Mapping[str, Mapping[str, Any]]] = {
    "PBE": {"GGA": "PE"},
    "RPBE": {"GGA": "RP"},
    "BEEF-vdW": {"GGA": "BF", "LUSE_VDW": True, "ZAB_VDW": -1.8867},
    "HSE06": {"GGA": "PE", "LHFCALC": True, "HFSCREEN": 0.2},
}
#: INCAR tags of each dispersion correction: doi 10.1063/1.3382344, 10.1002/jcc.21759.
DISPERSIONS: Final[Mapping[str, Mapping[str, Any]]] = {"none": {}, "D3(zero)": {"IVDW": 11}, "D3(BJ)": {"IVDW": 12}}
#: Damping that VASP does not know by itself: of HSE06, doi 10.1021/jp501237c.
DAMPING: Final[Mapping[tuple[str, str], Mapping[str, float]]] = {
    ("HSE06", "D3(zero)"): {"VDW_SR": 1.129, "VDW_S8": 0.109},
    ("HSE06", "D3(BJ)"): {"VDW_S8": 2.31, "VDW_A1": 0.383, "VDW_A2": 5.685},
}
#: INCAR tags of each solvent, in VASPsol (doi 10.1063/1.4865107) with its own cavity and surface tension.
SOLVENTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "none": {},
    "VASPsol water eps=78.4": {"LSOL": True, "EB_K": 78.4},
}
SMEARINGS: Final = {"Gaussian": 0, "Methfessel-Paxton 1": 1, "tetrahedron (Blöchl)": -5}
PRECISIONS: Final = ("Normal", "Accurate")
#: Mixing of charge and spin densities; "cautious" is VASP's advice for magnetic systems that do not converge.
MIXINGS: Final[Mapping[str, Mapping[str, float]]] = {
    "default": {},
    "cautious": {"AMIX": 0.2, "BMIX": 0.0001, "AMIX_MAG": 0.8, "BMIX_MAG": 0.0001},
}
ALGORITHMS: Final = ("Normal", "Fast", "All", "Damped")
#: The INCAR tags behind each tag of a method. With one of them in another state than was asked for, the energy is that
#: of another method: no correction that is made while VASP runs may touch them.
METHOD_TAGS: Final[Mapping[str, tuple[str, ...]]] = {
    "functional": ("GGA", "METAGGA", "LUSE_VDW", "ZAB_VDW", "LHFCALC", "HFSCREEN", "AEXX"),
    "dispersion": ("IVDW", "LVDW", "VDW_S8", "VDW_SR", "VDW_A1", "VDW_A2"),
    "u": ("LDAU", "LDAUTYPE", "LDAUL", "LDAUU", "LDAUJ"),
    "cutoff": ("ENCUT",),
    "precision": ("PREC", "LREAL", "LASPH"),
    "electronic_threshold": ("EDIFF",),
    "smearing": ("ISMEAR", "SIGMA"),
    "spin_polarised": ("ISPIN",),
    "total_spin": ("NUPDOWN",),
    "charge_model": ("NELECT",),
    "solvent": ("LSOL", "EB_K", "TAU", "LAMBDA_D_K"),
    "dipole": ("LDIPOL", "IDIPOL"),
}


def input_generator(order: Order, atoms: Atoms, *, keep_waves: bool = False) -> VaspInputGenerator:
    """Return what writes the input of one calculation.

    Parameters
    ----------
    order : Order
        What is asked; its settings hold the tags of the method and the numerics.
    atoms : ase.Atoms
        In a full cell, atoms of one element together, with their start moments.
    keep_waves : bool
        Whether the wave functions are written.
    """
    from atomate2.vasp.sets.base import VaspInputGenerator
    from pymatgen.io.vasp.inputs import Kpoints

    elements = sorted(set(atoms.symbols))
    incar = incar_tags(order, atoms) | {"LWAVE": keep_waves}
    if hubbard := {element: u for element, u in order.settings["u"].items() if element in elements and u}:
        # pymatgen puts these in the order of the species in POSCAR; -1 leaves an element without U
        incar |= {
            "LDAU": True,
            "LDAUTYPE": 2,
            "LDAUPRINT": 1,
            "LDAUL": {element: 2 if element in hubbard else -1 for element in elements},
            "LDAUU": {element: hubbard.get(element, 0.0) for element in elements},
            "LDAUJ": dict.fromkeys(elements, 0.0),
        }
    # the middle word of a title, PAW_PBE Fe_pv 02Aug2007, is the name of the folder
    potentials = {element: order.settings["pseudopotentials"][element].split()[1] for element in elements}
    return VaspInputGenerator(
        config_dict={"INCAR": incar, "KPOINTS": {}, "POTCAR": potentials, "POTCAR_FUNCTIONAL": POTENTIAL_SET},
        # atomate2 reads the tag of a run in which nothing moves; pymatgen leaves it out unless a user has set it
        user_incar_settings={} if order.steps else {"IBRION": -1},
        user_kpoints_settings=Kpoints.gamma_automatic(kpoint_mesh(atoms, _spacing(order.settings["kpoints"]))),
        sort_structure=False,
        auto_ismear=False,
        auto_metal_kpoints=False,
        inherit_incar=False,
    )


def incar_tags(order: Order, atoms: Atoms) -> dict[str, Any]:
    """Return the INCAR of one calculation without U, which goes by element."""
    tags = order.settings
    incar: dict[str, Any] = {
        **FUNCTIONALS[tags["functional"]],
        **DISPERSIONS[tags["dispersion"]],
        **DAMPING.get((tags["functional"], tags["dispersion"]), {}),
        **SOLVENTS[tags["solvent"]],
        **MIXINGS[tags["mixing"]],
        "ENCUT": tags["cutoff"],
        "PREC": tags["precision"],
        # exact projectors: those in real space are quicker, with an error that grows with the number of atoms
        "LREAL": False,
        # non-spherical terms inside the spheres matter for U, hybrids and vdW functionals
        "LASPH": True,
        "EDIFF": tags["electronic_threshold"],
        "NELM": tags["electronic_steps"],
        "ALGO": tags["algorithm"],
        "ISMEAR": SMEARINGS[tags["smearing"]],
        "SIGMA": tags["smearing_width"],
        "ISPIN": 2,
        # a broken symmetry at the start, of spin or of geometry, must be able to stay; a bulk metal has many k-points
        "ISYM": 0 if at_experimental_volume(atoms) is atoms else 2,
        "LORBIT": 11,
        "LCHARG": False,
        "NCORE": tags["ncore"] or None,
        "KPAR": tags["kpar"],
    }
    if order.steps:
        incar |= {"IBRION": 2, "ISIF": 2, "NSW": order.steps, "EDIFFG": -order.fmax}
    else:
        incar |= {"NSW": 0}
    if atoms.has("initial_magmoms"):
        # pymatgen reads them from the sites
        incar["MAGMOM"] = {}
    if tags.get("total_spin", "free") == "held" and order.multiplicity is not None:
        incar["NUPDOWN"] = order.multiplicity - 1
    if order.electronic:
        incar |= TAGS
    vacuum = vacuum_axes(atoms)
    if tags["dipole"] == "z" and len(vacuum) == 1:
        (axis,) = vacuum
        centre = [0.5, 0.5, 0.5]
        centre[axis] = round(middle(atoms, axis), 4)
        incar |= {"LDIPOL": True, "IDIPOL": axis + 1, "DIPOL": centre}
    return {tag: value for tag, value in incar.items() if value is not None}


def check_together(settings: Mapping[str, Any]) -> None:
    """Refuse settings that exclude each other.

    Raises
    ------
    ParameterError
        Names the one to change, and what to do.
    """
    functional = settings["functional"]
    if functional == "BEEF-vdW" and settings["dispersion"] != "none":
        raise ParameterError(
            "dispersion", f"{settings['dispersion']} counts twice what BEEF-vdW holds already; write 'dispersion: none'"
        )
    if functional == "HSE06" and settings["u"] != "none":
        raise ParameterError(
            "u", f"{settings['u']!r} and HSE06 mend the same error twice; write 'u: none', or another functional"
        )
    if functional == "HSE06" and settings["algorithm"] == "Fast":
        raise ParameterError("algorithm", "'Fast' is not for HSE06; write 'algorithm: All', Damped or Normal")


def _spacing(kpoints: float | str) -> float:
    return 0.0 if isinstance(kpoints, str) else float(kpoints)
