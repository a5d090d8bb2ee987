"""GPAW: projector-augmented waves, in atomic orbitals or on a grid."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ase.data import chemical_symbols

from atomsieve.structures.hubbard import hubbard_tables, hubbard_u
from atomsieve.structures.metal import at_experimental_volume
from atomsieve.workflows.codes.frames import NO_MOMENT, Framed, refuse_charge, start_moments
from atomsieve.workflows.codes.periodicity import boxed, kpoint_mesh, vacuum_axes
from atomsieve.workflows.entry import CalculatorEntry, Setting
from atomsieve.workflows.order import Order, Requirement

if TYPE_CHECKING:
    from ase import Atoms

#: Points of the grid in which the box of a cluster grows: GPAW's grids are whole multiples of four.
POINTS = 4


def calculator(order: Order, atoms: Atoms) -> Framed:
    """Return the ASE calculator of an order.

    Raises
    ------
    ase.calculators.calculator.CalculatorSetupError
        For a charge in a periodic cell.
    """
    s = order.settings
    if atoms.pbc.any():
        refuse_charge(order.charge)
    cell = boxed(atoms, s["vacuum"], POINTS * s["grid_spacing"])
    moments = start_moments(atoms, order.multiplicity)
    cell.set_initial_magnetic_moments(moments)
    points = kpoint_mesh(cell, 0.0 if s["kpoints"] == "Γ" else s["kpoints"])
    corrected = s["dipole"] == "z" and vacuum_axes(cell) == (2,)
    if corrected:
        cell.pbc = (True, True, False)
    # without moments, two spins give twice what one gives, at twice the price
    spins = bool((abs(moments) > NO_MOMENT).any())
    held = spins and order.multiplicity is not None

    def make(atoms: Atoms) -> Any:
        from gpaw import GPAW, Mixer, MixerDif, MixerSum
        from gpaw.utilities import h2gpts

        mixer = {"difference": MixerDif, "sum": MixerSum}[s["mixer"]] if spins else Mixer
        form = {"mode": "fd"} if s["basis"] == "grid" else {"mode": "lcao", "basis": s["basis"]}
        # at all volumes of a metal the grid has as many points
        usual = at_experimental_volume(cell)
        grid = {"h": s["grid_spacing"]} if usual is cell else {"gpts": h2gpts(s["grid_spacing"], usual.cell)}
        if order.electronic and s["basis"] != "grid":
            # empty d levels count as well; they are there, and cost nothing
            form["nbands"] = "nao"
        calculator = GPAW(
            **form,
            xc=s["functional"],
            **grid,
            charge=order.charge,
            spinpol=spins,
            kpts={"size": points, "gamma": True},
            # a symmetric start must be free to lose its symmetry; a metal cannot, and has many k-points
            symmetry={"point_group": usual is not cell},
            occupations={
                "name": "fermi-dirac",
                "width": s["smearing_width"],
                "fixmagmom": held,
            },
            mixer=mixer(s["mixing"], s["mixing_history"], s["mixing_weight"]),
            maxiter=s["max_iterations"],
            convergence={
                "energy": {"name": "energy", "tol": s["electronic_threshold"], "relative": False},
                "density": s["density_threshold"],
            },
            poissonsolver={"dipolelayer": "xy"} if corrected else {},
            setups={element: f":d,{value}" for element, value in s["u"].items() if element in atoms.symbols},
            txt=str(order.directory / "gpaw.txt"),
        )
        if corrected and held:
            # GPAW 26.7 takes the work function of such a sheet from its one Fermi level; where the spin is held are two
            calculator.hooks["scf_step"] = lambda step: _leave_out_work_functions(calculator)
        return calculator

    dispersion = None
    if s["dispersion"] != "none":
        from dftd3.ase import DFTD3

        dispersion = DFTD3(method=s["functional"], damping={"D3(BJ)": "d3bj", "D3(zero)": "d3zero"}[s["dispersion"]])
    return Framed(cell, atoms, make, _explained, dispersion=dispersion)


def _leave_out_work_functions(calculator: Any) -> None:
    def correction() -> float:
        raise NotImplementedError

    calculator.dft.pot_calc.poisson_solver.dipole_layer_correction = correction


def _electronic(order: Order, atoms: Atoms) -> dict[str, Any]:
    from atomsieve.workflows.codes.gpaw_electronic import electronic

    return electronic(order, atoms)


def tags(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what fixes the physics beside the settings themselves, or stands for one of them."""
    return {
        "u": hubbard_u(settings["u"]),
        "pseudopotential_set": "GPAW PAW 1",
        "kpoints": settings["kpoints"] or "Γ",
        # of clusters, which have no images; a charged cell is refused
        "charge_model": "open boundaries",
        "spin_polarised": True,
        "relativity": "scalar",
        "smearing": "Fermi-Dirac",
    }


def _explained(error: Exception) -> str | None:
    from gpaw import ConvergenceError

    if isinstance(error, ConvergenceError):
        return f"the SCF of GPAW does not converge ({error}); gpaw.txt has its course; mix less"
    return None


#: Those that have a dzp basis and setups of all three functionals in gpaw-data 1.2: neither lanthanides nor Tc, Po, At.
_ELEMENTS = frozenset(chemical_symbols[1:57] + chemical_symbols[72:87]) - {"Tc", "Po", "At"}
#: GPAW in the table of calculators.
ENTRY = CalculatorEntry(
    name="gpaw",
    title="GPAW",
    tier="dft",
    source="doi 10.1063/5.0182685",
    settings=MappingProxyType(
        {
            "functional": Setting("PBE", "exchange and correlation", choices=("PBE", "RPBE", "revPBE")),
            "dispersion": Setting("D3(BJ)", "dispersion correction", choices=("none", "D3(BJ)", "D3(zero)")),
            "u": Setting("none", "table of U", choices=("none", *hubbard_tables())),
            "basis": Setting("dzp", "atomic orbitals, or the grid itself", choices=("dzp", "grid")),
            "grid_spacing": Setting(0.2, "spacing of the grid in space, Å", 0.08, 0.3),
            "vacuum": Setting(10.0, "between a molecule and its image, Å", 6.0, 40.0),
            "kpoints": Setting(0.4, "largest distance of k-points, 1/Å with the factor 2π; 0 for Γ alone", 0.0, 2.0),
            "dipole": Setting("z", "dipole correction of sheets", choices=("none", "z")),
            "smearing_width": Setting(0.1, "width of the smearing, eV", 0.0, 0.5),
            "electronic_threshold": Setting(1e-3, "change of the energy at convergence, eV", 1e-9, 0.1),
            "density_threshold": Setting(1e-4, "change of the density at convergence, electrons each", 1e-9, 1e-3),
            "mixing": Setting(0.1, "share of the new density", 0.001, 1.0, is_physics=False),
            "mixing_history": Setting(8, "densities that are mixed", 1, 20, is_physics=False),
            "mixing_weight": Setting(50.0, "weight of long waves in mixing", 1.0, 500.0, is_physics=False),
            "mixer": Setting("difference", "what is mixed", is_physics=False, choices=("difference", "sum")),
            "max_iterations": Setting(150, "SCF iterations", 10, 2000, is_physics=False),
        }
    ),
    elements=_ELEMENTS,
    tags=tags,
    spin="moments",
    seconds=120.0,
    calculator=calculator,
    metals=frozenset({"atom", "bulk"}),
    gives=frozenset({"charges", "moments", "d-band", "gap"}),
    electronic=_electronic,
    requirement=Requirement(
        modules=("gpaw", "gpaw_data", "dftd3"),
        mend="apt-get install g++ libxc-dev libopenblas-dev; pip install 'atomsieve[gpaw]' (docs/dft.md)",
    ),
    # a slower mixer; then one that leaves the magnetisation as it comes
    ladder=(
        {"mixing": 0.05, "mixing_history": 5, "mixing_weight": 100.0, "max_iterations": 300},
        {"mixing": 0.02, "mixing_history": 5, "mixing_weight": 100.0, "mixer": "sum", "max_iterations": 600},
    ),
)
