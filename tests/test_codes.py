"""Codes of density functional theory: what they are given, what they refuse, and what they answer where they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.calculator import CalculatorSetupError
from ase.calculators.emt import EMT
from ase.units import Bohr, Debye, Hartree
from ase.vibrations import Vibrations

from atomsieve.builders import catalog
from atomsieve.structures.errors import CalculationError, FailureClass
from atomsieve.structures.hubbard import hubbard_tables
from atomsieve.workflows.calculators import CALCULATORS, calculator
from atomsieve.workflows.codes import cp2k, cp2k_output, espresso
from atomsieve.workflows.codes.frames import Framed, start_moments
from atomsieve.workflows.codes.periodicity import boxed
from atomsieve.workflows.optimization import optimize
from atomsieve.workflows.order import Order, Relaxed

CODES = ("gpaw", "cp2k", "espresso")
#: eV. Atomisation energies by PBE: doi 10.1002/(SICI)1097-461X(1999)75:4/5<889::AID-QUA54>3.0.CO;2-8, in kcal/mol.
KCAL = 0.0433641


def order(name: str, folder: Path, multiplicity: int | None = 1, charge: int = 0, **settings: object) -> Order:
    entry = CALCULATORS[name]
    resolved = {**entry.numerics(settings), **entry.method(settings).physics}
    return Order(resolved, multiplicity, charge, folder, fmax=0.05, steps=0)


def fe_n4(metals: object = "Fe") -> Atoms:
    (recipe,) = catalog.recipes({"family": "graphene", "metals": metals})
    return catalog.build(recipe).atoms.copy()


# ---------------------------------------------------------------------------------------------------- cells and boxes


def test_boxes_hold_whole_steps_and_leave_periodic_cells_alone() -> None:
    water = molecule("H2O")
    box = boxed(water, vacuum=10.0, step=0.8)
    lengths = box.cell.lengths()
    assert np.allclose(lengths / 0.8, np.round(lengths / 0.8))
    assert (box.positions.min(axis=0) >= 5.0 - 1e-9).all()
    assert (lengths - box.positions.max(axis=0) >= 5.0 - 1e-9).all()
    assert np.allclose(box.get_all_distances(), water.get_all_distances())
    sheet = fe_n4()
    assert np.array_equal(boxed(sheet, 10.0, 0.8).positions, sheet.positions)


# ----------------------------------------------------------------------------------------------------- start moments


def test_start_moments_add_up_to_the_total() -> None:
    site = fe_n4()
    assert start_moments(site, 5)[site.symbols == "Fe"] == pytest.approx([4.0])
    assert start_moments(site, 5).sum() == pytest.approx(4.0)
    assert not start_moments(site, 1).any()
    # stated moments stay in proportion to what they were told, and an antiferromagnet keeps its total of none
    pair = Atoms("Fe2O", [[0, 0, 0], [2.5, 0, 0], [1.2, 1, 0]])
    pair.set_initial_magnetic_moments([2.0, -2.0, 0.0])
    assert start_moments(pair, 1).tolist() == [2.0, -2.0, 0.0]
    assert start_moments(pair, 3).tolist() == [3.0, -1.0, 0.0]
    assert start_moments(pair, None).tolist() == [2.0, -2.0, 0.0]
    assert start_moments(Atoms("OH", [[0, 0, 0], [0, 0, 1]]), 2).tolist() == [1.0, 0.0]
    assert start_moments(Atoms("O2", [[0, 0, 0], [0, 0, 1.2]]), 3).tolist() == [1.0, 1.0]
    assert start_moments(Atoms("H"), 2).tolist() == [1.0]


# ---------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("name", CODES)
def test_a_charged_cell_is_refused_with_a_cure(name: str, tmp_path: Path) -> None:
    make = CALCULATORS[name].calculator
    assert make is not None
    with pytest.raises(CalculatorSetupError, match=r"\+1.*carve a cluster"):
        make(order(name, tmp_path, charge=1), fe_n4())


def test_elements_without_a_pseudopotential_are_refused_with_a_cure(tmp_path: Path) -> None:
    make = calculator("espresso").calculator
    assert make is not None
    with pytest.raises(CalculatorSetupError, match=r"of Co is in Debian's package; there are H, B, C.*gpaw, cp2k"):
        make(order("espresso", tmp_path), fe_n4("Co"))
    with pytest.raises(CalculatorSetupError, match=r"C\.pbe.*apt-get install quantum-espresso-data"):
        make(order("espresso", tmp_path, pseudopotential_folder=str(tmp_path)), fe_n4())


def test_methods_speak_the_language_of_the_gate() -> None:
    for name in CODES:
        entry = CALCULATORS[name]
        physics = entry.method({}).physics
        assert {"functional", "dispersion", "u", "charge_model", "spin_polarised", "relativity"} <= physics.keys()
        assert {"kpoints", "dipole", "smearing", "smearing_width"} <= physics.keys()
        assert physics["u"] == {}
    assert calculator("gpaw").method({"kpoints": 0.0}).physics["kpoints"] == "Γ"
    table = next(iter(hubbard_tables()))
    u = calculator("gpaw").method({"u": table}).physics["u"]
    assert u == hubbard_tables()[table].values


@pytest.mark.parametrize("name", CODES)
def test_ladders_change_numerics_alone(name: str) -> None:
    entry = CALCULATORS[name]
    assert entry.ladder
    for rung in entry.ladder:
        assert rung.keys() <= set(entry.numerics({}))
        assert entry.method(rung).key == entry.method({}).key
    assert entry.method({"functional": "RPBE"} if name != "espresso" else {"cutoff": 700.0}).key != entry.method({}).key


# ------------------------------------------------------------------------------------------- what passes through them


class Shy(EMT):
    """EMT that does not converge where two atoms are close."""

    def calculate(self, atoms: Atoms = None, properties: object = None, system_changes: object = ()) -> None:
        if atoms.get_distance(0, 1) < 1.0:
            raise ArithmeticError("density 17")
        super().calculate(atoms, properties, system_changes)

    def get_magnetic_moments(self, atoms: Atoms = None) -> np.ndarray:
        return np.zeros(len(atoms))


def shy(atoms: Atoms) -> Framed:
    return Framed(boxed(atoms), atoms, lambda _: Shy(), lambda e: f"told: {e}" if "17" in str(e) else None)


def test_a_frame_changes_neither_energy_nor_forces() -> None:
    plain = molecule("CO")
    plain.calc = EMT()
    boxed = plain.copy()
    boxed.calc = shy(boxed)
    for move in (0.0, 0.05, -0.1):
        for atoms in (plain, boxed):
            atoms.positions[0, 2] += move
        assert boxed.get_potential_energy() == pytest.approx(plain.get_potential_energy())
        assert boxed.get_forces() == pytest.approx(plain.get_forces())


def test_an_scf_that_does_not_converge_asks_for_other_settings() -> None:
    atoms = Atoms("CO", [[0, 0, 0], [0, 0, 0.9]])
    atoms.calc = shy(atoms)
    with pytest.raises(CalculationError, match="told: density 17") as caught:
        atoms.get_potential_energy()
    assert caught.value.failure_class is FailureClass.OTHER_SETTINGS


# ------------------------------------------------------------------------------------------- inputs and outputs of CP2K


def test_the_input_of_cp2k_holds_spin_by_atom_and_in_all(tmp_path: Path) -> None:
    atoms = boxed(Atoms("Fe2O", [[0, 0, 0], [2.5, 0, 0], [1.2, 1, 0]]))
    atoms.set_initial_magnetic_moments([4.0, -4.0, 0.0])
    text = cp2k.written(order("cp2k", tmp_path, multiplicity=1), atoms, corrected=False)
    lines = [line.strip() for line in text.splitlines()]
    assert "UKS T" in lines
    assert "MULTIPLICITY 1" in lines
    assert "FIXED_MAGNETIC_MOMENT 0" in lines
    first, second = lines.index("&KIND Fe"), lines.index("&KIND Fe1")
    assert lines[first + 1 : first + 5] == [
        "ELEMENT Fe",
        "BASIS_SET DZVP-MOLOPT-SR-GTH",
        "POTENTIAL GTH-PBE",
        "MAGNETIZATION 4.0",
    ]
    assert lines[second + 4] == "MAGNETIZATION -4.0"
    assert [line.split()[0] for line in lines[lines.index("&COORD") + 1 : lines.index("&END COORD")]] == [
        "Fe",
        "Fe1",
        "O",
    ]
    assert "TYPE DFTD3(BJ)" in lines
    (temperature,) = (line.split()[-1] for line in lines if line.startswith("ELECTRONIC_TEMPERATURE [K]"))
    assert float(temperature) == pytest.approx(0.1 / 8.617333e-5, rel=1e-5)
    assert sum(line.startswith("&") and not line.startswith("&END") for line in lines) == sum(
        line.startswith("&END") for line in lines
    )


def test_the_input_of_cp2k_pairs_spins_where_there_are_none(tmp_path: Path) -> None:
    text = cp2k.written(order("cp2k", tmp_path, smearing_width=0.0), boxed(molecule("H2O")), corrected=True)
    assert "UKS" not in text
    assert "MAGNETIZATION" not in text
    assert "&OT" in text
    assert "&SMEAR" not in text
    assert "SURF_DIP_DIR Z" in text


def test_moments_and_entropy_are_read_from_outputs() -> None:
    with_spins = """
  Electronic entropic energy:                                  -0.00367493220000
                     Mulliken Population Analysis

 #  Atom  Element  Kind  Atomic population (alpha,beta) Net charge  Spin moment
       1     O        1          3.735432    2.735432    -0.470864     1.000000
       2     H        2          0.264568    0.264568     0.470864    -0.100000
 # Total charge and spin          4.000000    3.000000     0.000000     0.900000
"""
    assert cp2k_output.mulliken_moments(with_spins, 2) == pytest.approx([1.0, -0.1])
    assert cp2k_output.entropic_energy(with_spins) == pytest.approx(-0.1, abs=1e-6)
    paired = """
                     Mulliken Population Analysis
 #  Atom  Element  Kind  Atomic population                           Net charge
       1     O        1          6.243527                             -0.243527
"""
    assert cp2k_output.mulliken_moments(paired, 1) == pytest.approx([0.0])
    output = """
     atom:    1    charge:    1.0000    magn:    9.0000    constr:    0.0000
     smearing contrib. (-TS)   =      -0.00734986 Ry
     atom:    1    charge:    1.0000    magn:    1.2500    constr:    0.0000
     atom:    2    charge:    1.0000    magn:   -0.5000    constr:    0.0000
"""
    assert espresso.site_moments(output, 2) == pytest.approx([1.25, -0.5])
    assert espresso.entropic_energy(output) == pytest.approx(-0.1, abs=1e-6)


def test_what_a_program_says_last_is_told(tmp_path: Path) -> None:
    said = """
 *   ___                                                                       *
 *  /   \\                                                                      *
 * [ABORT]                                                                     *
 *  \\___/         Poisson solver for non cubic cells not yet implemented       *
 *    |                                                                        *
 *  O/|                                                                        *
 * /| |                                                                        *
 * / \\                                             pw/ps_wavelet_methods.F:103 *
"""
    assert cp2k_output.complaint(said) == "Poisson solver for non cubic cells not yet implemented"
    assert cp2k_output.complaint("all is well") == ""
    output = tmp_path / "espresso.pwo"
    output.write_text(
        " %%%%%%%%%%%%%\n     Error in routine readpp (2):\n     file X.UPF not found\n %%%%%%%%%%%%%\n", "utf-8"
    )
    assert espresso.complaint(output) == "Error in routine readpp (2): file X.UPF not found"


# ------------------------------------------------------------------------------------------------------------ for real


def answer(name: str, atoms: Atoms, asked: Order) -> Relaxed:
    """Return what a code answers; skip where it is not there."""
    entry = CALCULATORS[name]
    missing = entry.requirement.missing()
    if missing:
        pytest.skip(f"{', '.join(missing)} not there: {entry.requirement.mend}")
    assert entry.calculator is not None
    return optimize(entry.calculator, asked, atoms.copy())


def energy(name: str, atoms: Atoms, folder: Path, multiplicity: int = 1, **settings: object) -> Relaxed:
    return answer(name, atoms, order(name, folder, multiplicity, **settings))


#: Cheap settings.
SMALL: dict[str, dict[str, object]] = {
    "gpaw": {"vacuum": 8.0},
    "cp2k": {"vacuum": 6.0, "cutoff": 4000.0},
    "espresso": {"vacuum": 7.0, "cutoff": 600.0, "density_cutoff": 3000.0},
}
#: How much longer than PBE's, 0.750 Å, a basis of few orbitals makes the bond of hydrogen, Å.
LONGER = {"gpaw": 0.03, "cp2k": 0.0, "espresso": 0.0}


@pytest.mark.slow
@pytest.mark.parametrize("name", CODES)
def test_hydrogen_relaxes_to_the_bond_of_pbe(name: str, tmp_path: Path) -> None:
    asked = replace(order(name, tmp_path, **SMALL[name]), steps=10)
    found = answer(name, Atoms("H2", [[0, 0, 0], [0, 0, 0.80]]), asked)
    assert found.converged
    assert found.atoms.get_distance(0, 1) == pytest.approx(0.750 + LONGER[name], abs=0.01)
    assert found.forces.sum(axis=0) == pytest.approx(0.0, abs=0.02)
    assert found.moments == pytest.approx((0.0, 0.0))
    assert set(found.versions) == {"gpaw": set(), "cp2k": {"cp2k"}, "espresso": {"pw.x"}}[name]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "error"), [("gpaw", 0.20), ("cp2k", 0.10), ("espresso", 0.05)])
def test_hydrogen_is_bound_as_by_pbe(name: str, error: float, tmp_path: Path) -> None:
    h2 = energy(name, Atoms("H2", [[0, 0, 0], [0, 0, 0.75]]), tmp_path, 1, **SMALL[name], dispersion="none")
    h = energy(name, Atoms("H"), tmp_path, 2, **SMALL[name], dispersion="none")
    assert 2 * h.energy - h2.energy == pytest.approx(104.6 * KCAL, abs=error)
    assert h.moments is not None
    assert h.moments[0] > 0.2


@pytest.mark.slow
def test_cp2k_makes_ammonia_as_pbe_does(tmp_path: Path) -> None:
    found = {}
    for name in ("N2", "H2", "NH3"):
        (tmp_path / name).mkdir()
        settings = {**SMALL["cp2k"], "basis": "TZVP-MOLOPT", "dispersion": "none"}
        found[name] = energy("cp2k", molecule(name), tmp_path / name, **settings).energy
    made = 2 * found["NH3"] - found["N2"] - 3 * found["H2"]
    assert made == pytest.approx((243.2 + 3 * 104.6 - 2 * 301.7) * KCAL, abs=0.1)


#: Cheap settings for layers.
LAYER: dict[str, dict[str, object]] = {
    "gpaw": {"kpoints": 0.0},
    "cp2k": {"cutoff": 4000.0},
    "espresso": {"kpoints": 0.0, "cutoff": 400.0, "density_cutoff": 2400.0},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CODES)
def test_dipoles_of_sheets_are_freed_from_their_images(name: str, tmp_path: Path) -> None:
    layer = molecule("H2O")
    layer.set_cell([5, 5, 14])
    layer.pbc = True
    layer.center()
    found = {}
    for dipole in ("none", "z"):
        (tmp_path / dipole).mkdir()
        found[dipole] = energy(name, layer, tmp_path / dipole, dipole=dipole, dispersion="none", **LAYER[name]).energy
    # images along z stabilise a layer of dipoles p by 2 π p² / (A c); each is of 1.63 D here (PBE, plane waves)
    image = 2 * np.pi * (1.63 * Debye) ** 2 / (25 * 14) * Hartree * Bohr
    assert found["z"] - found["none"] == pytest.approx(image, rel=0.15)


@pytest.mark.slow
def test_gpaw_corrects_the_dipole_of_a_sheet_whose_spin_is_held(tmp_path: Path) -> None:
    layer = Atoms("OH", [[2, 2, 5], [2, 2, 5.98]], cell=[4, 4, 12], pbc=True)
    found = {dipole: energy("gpaw", layer, tmp_path, 2, dipole=dipole, kpoints=0.0) for dipole in ("none", "z")}
    assert 0.01 < found["z"].energy - found["none"].energy < 0.1
    assert found["z"].moments == pytest.approx(found["none"].moments, abs=0.02)


@pytest.mark.slow
def test_gpaw_holds_the_spin_of_iron_in_graphene(tmp_path: Path) -> None:
    # one k-point and a coarse grid: a minute
    atoms = fe_n4()
    found = energy("gpaw", atoms, tmp_path, 3, kpoints=0.0, grid_spacing=0.25)
    assert found.moments is not None
    (iron,) = np.flatnonzero(atoms.symbols == "Fe")
    # intermediate spin: two unpaired electrons, nearly all of them on the metal
    assert 1.5 < found.moments[iron] < 2.2
    # the site has the symmetry of a rectangle, so that nothing pulls the metal away
    assert found.forces[iron] == pytest.approx(0.0, abs=0.1)
    assert np.abs(found.forces[:, 2]).max() < 0.05


@pytest.mark.slow
@pytest.mark.parametrize(("name", "published"), [("H2", 0.27), ("H2O", 0.57)])
def test_zero_point_energies_by_gpaw(name: str, published: float, tmp_path: Path) -> None:
    tight = {"vacuum": 8.0, "dispersion": "none", "electronic_threshold": 1e-6, "density_threshold": 1e-6}
    relaxed = answer("gpaw", molecule(name), replace(order("gpaw", tmp_path, **tight), fmax=0.01, steps=30))
    assert relaxed.converged
    vibrations = Vibrations(relaxed.atoms, name=str(tmp_path / "vibrations"), delta=0.01)
    vibrations.run()
    genuine = np.sort(vibrations.get_energies().real)[-(1 if name == "H2" else 3) :]
    assert genuine.sum() / 2 == pytest.approx(published, abs=0.02)


#: So tight, and so slow, that ten iterations do not do.
HARD: dict[str, dict[str, object]] = {
    "gpaw": {"density_threshold": 1e-9, "mixing": 0.01},
    "cp2k": {"scf_threshold": 1e-9, "mixing": 0.01, "diis_start": 0.0, "cutoff": 2000.0},
    "espresso": {"electronic_threshold": 1e-10, "mixing": 0.01, "cutoff": 400.0, "density_cutoff": 2000.0},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CODES)
def test_an_scf_that_is_cut_short_gives_no_energy(name: str, tmp_path: Path) -> None:
    with pytest.raises(CalculationError, match=r"does not converge.*mix less") as caught:
        energy(name, molecule("H2"), tmp_path, vacuum=6.0, max_iterations=10, **HARD[name])
    assert caught.value.failure_class is FailureClass.OTHER_SETTINGS
