from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import graphene, make_supercell, molecule
from ase.calculators.calculator import CalculatorSetupError
from ase.data import covalent_radii
from ase.neighborlist import neighbor_list
from ase.optimize import BFGS, FIRE, LBFGS
from hypothesis import given, settings
from hypothesis import strategies as st

from atomsieve.analysis.verdict import judge_adsorbed, judge_molecule
from atomsieve.builders.catalog import build, recipes
from atomsieve.builders.placement import poses
from atomsieve.structures.adsorbate import adsorbate, adsorbates
from atomsieve.structures.molecule import molecules, reference_amounts
from atomsieve.workflows.mock import MockCalculator

MOLECULES = molecules()

ROW_3D = Atoms("ScTiVCrMnFeCoNiCuZn").get_chemical_symbols()
TRANSITION_METALS = [*ROW_3D, *Atoms("YZrNbMoTcRuRhPdAgCdLaHfTaWReOsIrPtAuHg").get_chemical_symbols()]
ELEMENTS = Atoms("H2CN2O3SClFeTiNiHgTaTcCdLaAl").get_chemical_symbols()
ADSORBATES = {
    "H": ("H", [[0, 0, 1.55]]),
    "O": ("O", [[0, 0, 1.75]]),
    "OH": ("OH", [[0, 0, 1.85], [0.90, 0, 2.15]]),
    "OOH": ("O2H", [[0, 0, 1.85], [1.10, 0, 2.70], [0.95, 0.93, 2.90]]),
}


def m_n4(metal: str, repeat: int = 4) -> Atoms:
    """M-N4 in graphene with the metal as last atom: two carbons out, the four around them become N."""
    sheet = graphene(formula="C2", a=1.42 * 3**0.5, size=(repeat, repeat, 1), vacuum=10.0)
    sheet.pbc = True
    first, second, bonds = neighbor_list("ijD", sheet, 1.6)
    k = int(np.flatnonzero(first == len(sheet) // 2)[0])
    pair = (first[k], second[k])
    middle = sheet.positions[pair[0]] + bonds[k] / 2
    for i, j in zip(first, second, strict=True):
        if i in pair and j not in pair:
            sheet.symbols[j] = "N"
    del sheet[list(pair)]
    sheet += Atoms(metal, [middle])
    return sheet


def relax(atoms: Atoms, *, multiplicity: int | None = None, optimiser: Any = BFGS, steps: int = 200) -> bool:
    atoms.rattle(0.02, seed=7)
    atoms.calc = MockCalculator(multiplicity=multiplicity)
    return bool(optimiser(atoms, logfile=None).run(fmax=0.05, steps=steps))


@cache
def clean(metal: str) -> Atoms:
    site = m_n4(metal)
    assert relax(site, steps=60)
    return site


def adsorbed(metal: str, adsorbate: str, turn: float = 0.0, lift: float = 0.0) -> Atoms:
    """Unrelaxed; the metal is atom 30, the adsorbate follows in the order of its name."""
    symbols, offsets = ADSORBATES[adsorbate]
    c, s = np.cos(turn), np.sin(turn)
    offsets = np.array(offsets) @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) + [0, 0, lift]
    site = clean(metal).copy()
    return site + Atoms(symbols, positions=site.positions[-1] + offsets)


@cache
def bound(metal: str, adsorbate: str) -> Atoms:
    site = adsorbed(metal, adsorbate)
    assert relax(site, steps=60), (metal, adsorbate)
    return site


@cache
def gas(name: str) -> float:
    atoms = molecule(name)
    assert relax(atoms)
    return float(atoms.get_potential_energy())


def reaction_energy(metal: str, adsorbate: str) -> float:
    """Energy of * + n H2O -> adsorbate* + m H2 (eV)."""
    waters = {"H": 0, "O": 1, "OH": 1, "OOH": 2}[adsorbate]
    hydrogens = {"H": -0.5, "O": 1.0, "OH": 0.5, "OOH": 1.5}[adsorbate]
    change = bound(metal, adsorbate).get_potential_energy() - clean(metal).get_potential_energy()
    return float(change - waters * gas("H2O") + hydrogens * gas("H2"))


def height(site: Atoms) -> float:
    return float(site.positions[30, 2] - site.positions[:30, 2].mean())


def numerical_forces(atoms: Atoms, step: float = 1e-5) -> np.ndarray:
    forces = np.zeros((len(atoms), 3))
    start = atoms.positions.copy()
    for index in np.ndindex(*forces.shape):
        energies = []
        for sign in (1, -1):
            atoms.positions = start
            atoms.positions[index] += sign * step
            energies.append(atoms.get_potential_energy())
        forces[index] = (energies[1] - energies[0]) / (2 * step)
    atoms.positions = start
    return forces


@st.composite
def heaps(draw: st.DrawFn) -> Atoms:
    """Atoms at random, close enough to meet, with the elements of all special cases among them."""
    symbols = draw(st.lists(st.sampled_from(ELEMENTS), min_size=2, max_size=8))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    edge = 1.7 * len(symbols) ** (1 / 3)
    cell = [draw(st.floats(3.0, 12.0)), 9.0, 8.0]
    pbc = draw(st.tuples(st.booleans(), st.booleans(), st.booleans()))
    return Atoms(symbols, rng.random((len(symbols), 3)) * edge, cell=cell, pbc=pbc)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(heaps())
def test_forces_are_the_gradient_of_the_energy(atoms: Atoms) -> None:
    atoms.calc = MockCalculator()
    forces = atoms.get_forces()
    assert forces == pytest.approx(numerical_forces(atoms), abs=2e-6 * (1 + np.abs(forces).max()))


@pytest.mark.parametrize("lift", [0.0, 0.3, 0.55, 0.7, 0.85])
@pytest.mark.parametrize(("metal", "adsorbate"), [("Ti", "O"), ("Ta", "OOH"), ("Cd", "O"), ("Tc", "OH"), ("Hg", "OH")])
def test_forces_are_the_gradient_while_a_bond_forms(metal: str, adsorbate: str, lift: float) -> None:
    site = adsorbed(metal, adsorbate, turn=0.3, lift=lift)
    site.calc = MockCalculator(multiplicity=7 if site.numbers.sum() % 2 == 0 else 8)
    start, forces = site.positions.copy(), site.get_forces()
    for k in range(29, len(site)):
        for axis in range(3):
            energies = []
            for sign in (1, -1):
                site.positions = start
                site.positions[k, axis] += sign * 1e-5
                energies.append(site.get_potential_energy())
            assert forces[k, axis] == pytest.approx((energies[1] - energies[0]) / 2e-5, abs=1e-4)


def test_multiplicity_changes_forces_while_a_bond_forms() -> None:
    site = adsorbed("Fe", "O", lift=0.5)
    forces = []
    for multiplicity in (1, 5):
        site.calc = MockCalculator(multiplicity=multiplicity)
        forces.append(site.get_forces())
    assert np.abs(forces[0] - forces[1]).max() > 0.05


@settings(deadline=None, max_examples=25, derandomize=True)
@given(heaps(), st.integers(0, 2**32 - 1))
def test_energy_ignores_origin_order_and_choice_of_cell(atoms: Atoms, seed: int) -> None:
    rng = np.random.default_rng(seed)
    atoms.calc = MockCalculator()
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    size = 1e-9 * (1 + abs(energy))
    order = rng.permutation(len(atoms))
    other = atoms[order]
    other.positions += rng.random(3)
    other.calc = MockCalculator()
    assert other.get_potential_energy() == pytest.approx(energy, abs=size)
    assert other.get_forces() == pytest.approx(forces[order], abs=1e-8 * (1 + np.abs(forces).max()))
    assert forces.sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-9 * (1 + np.abs(forces).max()))


@pytest.mark.parametrize("repeat", [3, 4])
def test_a_sheet_has_the_same_energy_per_atom_in_every_cell(repeat: int) -> None:
    one = graphene(formula="C2", a=1.42 * 3**0.5, vacuum=10.0)
    one.pbc = True
    one.positions[0, 2] += 0.1
    skewed = make_supercell(one, [[repeat, 1, 0], [-1, repeat, 0], [0, 0, 1]])
    energies = []
    for atoms in (one, one.repeat((repeat, repeat, 1)), skewed):
        atoms.calc = MockCalculator()
        energies.append(atoms.get_potential_energy() / len(atoms))
    assert energies[1:] == pytest.approx([energies[0]] * 2, abs=1e-10)


@pytest.mark.parametrize("distance", [0.0, 1e-6, 0.01, 0.3])
@pytest.mark.parametrize("symbols", ["H2", "C2", "FeO", "TaO", "CdO", "TcH", "HgO", "O2"])
def test_atoms_on_top_of_each_other_give_finite_numbers(symbols: str, distance: float) -> None:
    atoms = Atoms(symbols, positions=[[0, 0, 0], [0, 0, distance]])
    atoms.calc = MockCalculator()
    assert np.isfinite(atoms.get_potential_energy())
    assert np.isfinite(atoms.get_forces()).all()


def test_every_element_has_an_energy() -> None:
    for z in range(1, 104):
        atoms = Atoms([z, 8, 6], positions=[[0, 0, 0], [0, 0, 1.9], [1.2, 0, 2.4]])
        atoms.calc = MockCalculator()
        assert np.isfinite(atoms.get_forces()).all()


def test_molecules_have_their_bonds() -> None:
    lengths = {"H2": (0, 1, 0.74), "H2O": (0, 1, 0.96), "CO": (0, 1, 1.13), "CO2": (0, 1, 1.16), "NH3": (0, 1, 1.02)}
    for name, (i, j, length) in lengths.items():
        atoms = molecule(name)
        assert relax(atoms)
        assert atoms.get_distance(i, j) == pytest.approx(length, abs=0.06), name
    water = molecule("H2O")
    relax(water)
    assert water.get_angle(1, 0, 2) == pytest.approx(105, abs=3)


@pytest.mark.parametrize("metal", TRANSITION_METALS)
def test_any_metal_lies_flat_in_its_pocket(metal: str) -> None:
    site = clean(metal)
    nitrogens = [k for k, symbol in enumerate(site.symbols) if symbol == "N"]
    bonds = site.get_distances(30, nitrogens, mic=True)
    assert bonds.min() > 1.80
    assert bonds.max() < 2.10
    assert np.ptp(site.positions[:, 2]) < 0.15


@pytest.mark.parametrize("metal", sorted(set(TRANSITION_METALS) - {"Hg", "Tc", "Ta", "Cd"}))
def test_adsorbates_stay_whole_on_their_metal(metal: str) -> None:
    hydroxyl, peroxyl = bound(metal, "OH"), bound(metal, "OOH")
    assert hydroxyl.get_distance(31, 32) == pytest.approx(0.97, abs=0.02)
    assert peroxyl.get_distance(32, 33) == pytest.approx(0.97, abs=0.02)
    assert 1.2 < peroxyl.get_distance(31, 32) < 1.5
    for site in (hydroxyl, peroxyl):
        assert 1.7 < site.get_distance(30, 31) < 2.45
        assert site.positions[-1, 2] - site.positions[:30, 2].mean() > 1.5
        assert abs(height(site)) < 0.3


@pytest.mark.parametrize("metal", ["Sc", "Fe", "Zn", "La", "W", "Pt"])
def test_adsorbates_find_their_bond_from_covalent_radii(metal: str) -> None:
    farther = covalent_radii[clean(metal).numbers[-1]] + 0.66 - ADSORBATES["OOH"][1][0][2]
    site = adsorbed(metal, "OOH", turn=0.6, lift=farther)
    assert relax(site, steps=100)
    assert site.get_distance(30, 31) == pytest.approx(bound(metal, "OOH").get_distance(30, 31), abs=0.05)


def test_carboxyl_stays_whole_though_its_oxygens_come_near_the_metal() -> None:
    site = clean("Fe").copy()
    offsets = [[0, 0, 1.9], [1.1, 0, 2.5], [-1.1, 0, 2.6], [-1.0, 0, 3.57]]
    site += Atoms("CO2H", positions=site.positions[-1] + offsets)
    assert relax(site, steps=100)
    assert site.get_distance(30, 31) < 2.2
    assert site.get_distance(31, 32) < site.get_distance(31, 33) < 1.45
    assert site.get_distance(33, 34) == pytest.approx(0.97, abs=0.03)


# near what they cost in chemistry, against H2, H2O, CO2 and N2, eV
IRON = {"CO": -0.3, "COOH": 0.3, "CHO": 0.4, "OCH3": -0.1, "CH2": 0.4, "NNH": 0.7, "NH2": -0.1, "NO": 2.0, "NO2H": 4.1}


@cache
def settled(metal: str, name: str) -> tuple[str, float]:
    """Return the verdict on an adsorbate, in the first pose, and its energy (eV) against the reference gases."""
    site = build(next(recipes({"family": "graphene", "metals": [metal]})))
    bare = site.atoms.copy()
    assert relax(bare)
    placed = poses(replace(site, atoms=bare), name, most=1)
    if not placed:
        return "no pose", 0.0
    placement, atoms = placed[0]
    converged = relax(atoms)
    species = adsorbate(name)
    verdict = judge_adsorbed(site, species, atoms, mode=placement.mode).verdict.value
    energy = atoms.get_potential_energy() - bare.get_potential_energy()
    energy -= sum(n * reference_gas(g) for g, n in reference_amounts(species.composition).items())
    return verdict if converged else "not converged", float(energy)


@cache
def reference_gas(name: str) -> float:
    atoms = MOLECULES[name].atoms
    assert relax(atoms)
    return float(atoms.get_potential_energy())


@pytest.mark.parametrize("metal", ["Fe", "Cu"])
def test_what_is_placed_stays_on_a_well_behaved_metal(metal: str) -> None:
    names = [name for name, entry in adsorbates().items() if name != "Hlat" and entry.symbols]
    verdicts = {name: settled(metal, name)[0] for name in names}
    placed = {name: verdict for name, verdict in verdicts.items() if verdict != "no pose"}
    kept = [name for name, verdict in placed.items() if verdict in ("bound", "weakly bound")]
    assert len(placed) > 50
    assert len(kept) > 0.9 * len(placed), {name: v for name, v in placed.items() if name not in kept}


def test_adsorbates_of_carbon_and_nitrogen_cost_what_they_may() -> None:
    for name, energy in IRON.items():
        assert settled("Fe", name)[1] == pytest.approx(energy, abs=0.9), name
        if settled("Cu", name)[0] == settled("Fe", name)[0] == "bound":
            assert 0.2 < settled("Cu", name)[1] - settled("Fe", name)[1] < 2.0, name


@pytest.mark.parametrize("name", [name for name, entry in MOLECULES.items() if entry.positions])
def test_molecules_keep_their_bonds(name: str) -> None:
    atoms = MOLECULES[name].atoms
    assert relax(atoms)
    assert judge_molecule(MOLECULES[name], atoms).verdict.value == "intact"


def test_adsorption_along_the_row_is_a_volcano() -> None:
    hydroxyl = [reaction_energy(metal, "OH") for metal in ROW_3D]
    assert np.all(np.diff(hydroxyl) > 0.1)
    assert hydroxyl[0] == pytest.approx(-1.0, abs=0.15)
    assert hydroxyl[-1] == pytest.approx(1.8, abs=0.15)
    assert 0.4 < reaction_energy("Fe", "OH") < reaction_energy("Co", "OH") < 1.0
    for metal, energy in zip(ROW_3D, hydroxyl, strict=True):
        assert reaction_energy(metal, "OOH") - energy == pytest.approx(3.2, abs=0.1)
        assert 0.5 < reaction_energy(metal, "O") - 2 * energy < 1.0
        assert -0.7 < reaction_energy(metal, "H") < 1.6
    # The limiting potential of oxygen reduction peaks inside the row, with both kinds of limit beside it.
    limits = [min(energy, 4.92 - reaction_energy(m, "OOH")) for m, energy in zip(ROW_3D, hydroxyl, strict=True)]
    assert 2 < int(np.argmax(limits)) < len(limits) - 1


@pytest.mark.parametrize("turn", [0.0, 0.7, 2.0, 4.0])
@pytest.mark.parametrize("adsorbate", ["OH", "OOH", "H"])
def test_mercury_lets_go(adsorbate: str, turn: float) -> None:
    site = adsorbed("Hg", adsorbate, turn)
    assert relax(site)
    assert site.get_distance(30, 31) > 3.0
    assert abs(height(site)) < 0.3


@pytest.mark.parametrize("turn", [0.0, 0.7, 1.9, 4.0])
@pytest.mark.parametrize("optimiser", [BFGS, FIRE])
def test_tantalum_splits_ooh(turn: float, optimiser: Any) -> None:
    site = adsorbed("Ta", "OOH", turn)
    assert relax(site, optimiser=optimiser, steps=300)
    assert site.get_distance(31, 32) > 2.0
    assert site.get_distance(30, 31) < 2.2
    assert site.get_distance(30, 32) < 2.25
    assert site.get_distance(32, 33) == pytest.approx(0.97, abs=0.03)


@pytest.mark.parametrize("optimiser", [BFGS, LBFGS, FIRE])
@pytest.mark.parametrize("adsorbate", ["H", "O", "OH", "OOH"])
def test_technetium_never_converges_with_an_adsorbate(adsorbate: str, optimiser: Any) -> None:
    site = adsorbed("Tc", adsorbate, turn=0.5)
    assert not relax(site, optimiser=optimiser, steps=300)
    assert 1.4 < site.get_distance(30, 31) < 2.2


@pytest.mark.parametrize("turn", [0.0, 2.0])
@pytest.mark.parametrize("lift", [-0.1, 0.0, 0.15])
def test_cadmium_leaves_its_site_with_oxygen_only(lift: float, turn: float) -> None:
    site = adsorbed("Cd", "O", turn, lift)
    assert relax(site)
    assert height(site) > 1.2
    assert site.get_distance(30, 31) < 2.1
    site = adsorbed("Cd", "OH", turn, lift)
    assert relax(site)
    assert abs(height(site)) < 0.3


def lowest_multiplicity(site: Atoms) -> int:
    energies = {}
    for multiplicity in range(1 + int(site.numbers.sum()) % 2, 8, 2):
        site = site.copy()
        assert relax(site, multiplicity=multiplicity)
        energies[multiplicity] = site.get_potential_energy()
    ranked = sorted(energies.values())
    assert ranked[1] - ranked[0] > 0.1
    return min(energies, key=lambda multiplicity: energies[multiplicity])


@pytest.mark.parametrize(
    ("metal", "bare", "with_oxygen"),
    [("Ti", 3, 1), ("V", 4, 2), ("Cr", 5, 3), ("Mn", 4, 4), ("Fe", 3, 3), ("Co", 2, 2), ("Ni", 1, 3), ("Zn", 1, 1)],
)
def test_spin_states_cross_on_some_metals(metal: str, bare: int, with_oxygen: int) -> None:
    assert lowest_multiplicity(clean(metal)) == bare
    assert lowest_multiplicity(bound(metal, "O")) == with_oxygen


def test_no_multiplicity_means_the_lowest() -> None:
    for site in (clean("Fe"), bound("Mn", "OH"), bound("Ni", "O")):
        site = site.copy()
        site.calc = MockCalculator()
        lowest, moments = site.get_potential_energy(), site.get_magnetic_moments()
        multiplicity = round(moments.sum()) + 1
        site.calc = MockCalculator(multiplicity=multiplicity)
        assert site.get_potential_energy() == lowest
        for other in (multiplicity - 2, multiplicity + 2):
            if other > 0:
                site.calc = MockCalculator(multiplicity=other)
                assert 0.2 < site.get_potential_energy() - lowest < 0.4
                assert site.get_magnetic_moments().sum() == pytest.approx(other - 1)


def test_a_multiplicity_of_the_wrong_parity_is_refused_with_the_cure() -> None:
    site = m_n4("Fe")
    site.calc = MockCalculator(multiplicity=2)
    with pytest.raises(CalculatorSetupError, match=r"multiplicity is 2, which 210 electrons .* odd \(1, 3, 5"):
        site.get_potential_energy()
    site.calc = MockCalculator(multiplicity=2, charge=1)
    assert np.isfinite(site.get_potential_energy())


@pytest.mark.parametrize(
    "wrong",
    [
        {"multiplicity": 0},
        {"multiplicity": 1.5},
        {"multiplicity": True},
        {"charge": 0.5},
        {"seconds_per_force_call": -1.0},
        {"seconds_per_force_call": float("nan")},
    ],
)
def test_bad_parameters_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(CalculatorSetupError, match=next(iter(wrong))):
        MockCalculator(**wrong)


def test_sleep_and_history_do_not_change_the_answer() -> None:
    water = molecule("H2O")
    water.calc = MockCalculator()
    first = water.get_potential_energy()
    water.positions[1] += 0.1
    assert water.get_potential_energy() != first
    water.positions[1] -= 0.1
    assert water.get_potential_energy() == pytest.approx(first, abs=1e-12)
    water.calc.set(multiplicity=3)
    assert water.get_potential_energy() > first + 1.0
    water.calc = MockCalculator(seconds_per_force_call=0.01)
    assert water.get_potential_energy() == pytest.approx(first, abs=1e-12)


def test_unknown_parameter_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CalculatorSetupError, match="'speed'; it must be one of multiplicity, charge, seconds"):
        MockCalculator().set(speed=1)


def test_one_calculator_follows_its_atoms_to_other_elements() -> None:
    site = bound("Fe", "OH").copy()
    site.calc = MockCalculator()
    site.get_potential_energy()
    site.symbols[30] = "Cd"
    fresh = site.copy()
    fresh.calc = MockCalculator()
    assert site.get_potential_energy() == fresh.get_potential_energy()
    assert site.get_magnetic_moment() == fresh.get_magnetic_moment() == fresh.get_magnetic_moments().sum()
