"""Modes from forces, and free energies from modes: worked by hand, and held against experiment."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import constants
from scipy.spatial.transform import Rotation

from atomsieve.analysis.hessian import central_differences, normal_modes, shape_of
from atomsieve.analysis.saddle import along_imaginary, followed_request
from atomsieve.analysis.thermochemistry import (
    adsorbed_terms,
    gas_terms,
    harmonic_terms,
    reference_pressure,
    symmetry_number,
)
from atomsieve.structures.calculation import Request
from atomsieve.structures.correction import TREATMENTS
from atomsieve.structures.energies import Term
from atomsieve.structures.errors import InputError, MethodMismatchError
from atomsieve.structures.judgement import Judgement, Verdict
from atomsieve.structures.method import Method
from atomsieve.structures.site import atoms_from_dict, atoms_to_dict
from atomsieve.structures.units import WAVENUMBER
from atomsieve.structures.vibrations import (
    Vibrations,
    describe_modes,
    displaced_atoms,
    displacement_requests,
    vibrations_request,
)

METHOD = Method("mock", {"functional": "none"}, "mock")
T = 298.15
KT = constants.k * T / constants.e


def vibrations(
    atoms: Atoms, wavenumbers: Sequence[float], displaced: Sequence[int] | None = None, method: Method = METHOD
) -> Vibrations:
    """Return a record of given modes, as an assembling job would leave it."""
    indices = list(range(len(atoms))) if displaced is None else list(displaced)
    relaxed = Request("adsorbed", {"adsorbate": "OH"}, method, 0.05, 1, parents=("clean",))
    return Vibrations(
        request=vibrations_request(relaxed, indices),
        atoms=atoms_to_dict(atoms),
        masses=tuple(atoms.get_masses()[indices]),
        energies=tuple(sorted(number * WAVENUMBER for number in wavenumbers)),
        modes=tuple(tuple((0.0, 0.0, 1.0) for _ in indices) for _ in wavenumbers),
        displacements=("a", "b"),
        asymmetry=0.0,
        judgement=Judgement(Verdict.INTACT, "as given"),
        force_calls=0,
    )


def by_kind(terms: Sequence[Term]) -> dict[str, float]:
    assert [term.kind for term in terms] == ["zpe", "thermal", "entropy"]
    return {term.kind: term.value for term in terms}


def quantum(stiffness: float, mass: float) -> float:
    """Return ħω in eV from SI constants, for eV/Å² and u."""
    return constants.hbar / constants.e * math.sqrt(stiffness * constants.e * 1e20 / (mass * constants.atomic_mass))


# --- modes -------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.floats(-30, 30), min_size=36, max_size=36),
    st.sampled_from([0.005, 0.01, 0.05]),
)
def test_a_quadratic_energy_gives_back_its_hessian_whatever_the_step(entries: list[float], step: float) -> None:
    matrix = np.array(entries).reshape(6, 6)
    matrix = matrix + matrix.T
    moved = step * np.eye(6)
    # F = -H x + a constant force, as of atoms that are not quite relaxed, and a cubic term's even part, which cancels
    forces = np.stack([-moved @ matrix + 0.3, moved @ matrix + 0.3], axis=1)
    hessian, asymmetry = central_differences(forces.reshape(2, 3, 2, 2, 3), step)
    assert hessian == pytest.approx(matrix, abs=1e-9)
    assert asymmetry == pytest.approx(0, abs=1e-9)


def test_asymmetry_is_the_largest_disagreement_between_two_forces() -> None:
    forces = np.zeros((1, 3, 2, 1, 3))
    forces[0, 0, :, 0, 1] = -0.03, 0.03  # F_y when moved by ±0.01 along x; F_x when moved along y stays 0
    hessian, asymmetry = central_differences(forces, 0.01)
    assert asymmetry == pytest.approx(3.0)
    assert hessian[0, 1] == hessian[1, 0] == pytest.approx(1.5)


def test_an_isotropic_oscillator_has_three_equal_modes() -> None:
    energies, modes = normal_modes(10.0 * np.eye(3), [16.0])
    assert energies == pytest.approx([quantum(10.0, 16.0)] * 3, rel=1e-6)
    assert [16.0 * np.sum(mode**2) for mode in modes] == pytest.approx([1, 1, 1])


def spring(positions: Any, i: int, j: int, stiffness: float) -> Any:
    """Return the Hessian of a spring at rest between two atoms."""
    unit = (positions[j] - positions[i]) / np.linalg.norm(positions[j] - positions[i])
    row = np.zeros_like(positions)
    row[i], row[j] = -unit, unit
    return stiffness * np.outer(row.ravel(), row.ravel())


def test_carbon_dioxide_of_springs_has_the_modes_of_the_textbook() -> None:
    # Wilson, Decius, Cross: symmetric k/m_O, antisymmetric k (1/m_O + 2/m_C), bend 2 b (1/m_O + 2/m_C) with b = k_δ/l²
    oxygen, carbon, stretch, bend = 15.999, 12.011, 95.0, 2.7
    positions = np.array([[0, 0, 1.16], [0, 0, 0], [0, 0, -1.16]], dtype=float)
    hessian = spring(positions, 0, 1, stretch) + spring(positions, 1, 2, stretch)
    for axis in range(2):
        row = np.zeros((3, 3))
        row[:, axis] = 1, -2, 1
        hessian += bend * np.outer(row.ravel(), row.ravel())
    masses = [oxygen, carbon, oxygen]
    assert shape_of(positions, masses) == "linear"
    energies, modes = normal_modes(hessian, masses, positions)
    reduced = 1 / (1 / oxygen + 2 / carbon)
    expected = [quantum(2 * bend, reduced)] * 2 + [quantum(stretch, oxygen), quantum(stretch, reduced)]
    assert energies == pytest.approx(sorted(expected), rel=1e-6)
    # nothing that is left moves the centre of mass
    assert np.einsum("i,mik->mk", masses, modes) == pytest.approx(np.zeros((4, 3)), abs=1e-9)


@settings(max_examples=25)
@given(st.integers(0, 10**6))
def test_turning_a_molecule_turns_its_modes_and_leaves_their_energies(seed: int) -> None:
    rng = np.random.default_rng(seed)
    positions = rng.normal(size=(4, 3)) * 1.2
    masses = rng.uniform(1, 60, size=4)
    hessian = sum(
        (spring(positions, i, j, float(rng.uniform(1, 50))) for i in range(4) for j in range(i)), np.zeros((12, 12))
    )
    turn = Rotation.random(random_state=seed).as_matrix()
    full = np.kron(np.eye(4), turn)
    energies, modes = normal_modes(hessian, masses, positions)
    turned, turned_modes = normal_modes(full @ hessian @ full.T, masses, positions @ turn.T + 3.0)
    assert turned == pytest.approx(energies, rel=1e-6, abs=1e-7)
    assert len(energies) == 6
    assert np.linalg.norm(turned_modes, axis=2) == pytest.approx(np.linalg.norm(modes @ turn.T, axis=2), abs=1e-4)


def test_a_molecule_under_strain_keeps_its_rotations_out_of_its_modes() -> None:
    # the force of a stretched bond gives rotations second derivatives of their own: -F/r, here -(10 eV/Å² x 0.1 Å) / r
    positions = np.array([[0.0, 0, 0], [0, 0, 1.3]])
    hessian = spring(positions, 0, 1, 10.0)
    across = np.diag([1.0, 1.0, 0.0])
    hessian += 10.0 * 0.1 / 1.3 * -np.kron(np.array([[1, -1], [-1, 1]]), across)
    plain, _ = normal_modes(hessian, [12.0, 16.0])
    assert sum(plain < -1e-6) == 2
    energies, _ = normal_modes(hessian, [12.0, 16.0], positions)
    assert energies == pytest.approx([quantum(10.0, 12 * 16 / 28)], rel=1e-6)


def test_an_atom_has_no_modes() -> None:
    energies, modes = normal_modes(np.zeros((3, 3)), [4.0026], [[1.0, 2.0, 3.0]])
    assert energies.shape == (0,)
    assert modes.shape == (0, 1, 3)


def test_a_saddle_has_an_imaginary_mode_that_leads_away_from_it() -> None:
    # E = -2 x² + 5 y² + 3 z²
    energies, modes = normal_modes(np.diag([-4.0, 10.0, 6.0]), [1.008])
    assert energies[0] == pytest.approx(-quantum(4.0, 1.008), rel=1e-6)
    assert all(energies[1:] > 0)
    assert modes[0] == pytest.approx(np.array([[1 / math.sqrt(1.008), 0, 0]]))
    record = dataclasses.replace(
        vibrations(Atoms("PtH", [[0, 0, 0], [0, 0, 1.5]]), [-100, 200, 300], [1]),
        energies=tuple(energies),
        modes=tuple(tuple(map(tuple, mode)) for mode in modes),
    )
    for sign in (1, -1):
        moved = along_imaginary(record, 0.2, sign)
        assert moved.positions == pytest.approx(np.array([[0, 0, 0], [sign * 0.2, 0, 1.5]]))
    # the force of -2 x² at x = 0.2 is 0.8 eV/Å: where that is large, the relaxation stops where others do
    assert followed_request(record, RELAXED, 0.2).fmax == RELAXED.fmax
    soft = dataclasses.replace(record, energies=(record.energies[0] / 10, *record.energies[1:]))
    follow = followed_request(soft, RELAXED, 0.2, -1)
    assert follow.fmax == pytest.approx(0.008 / 2, rel=1e-3)
    assert follow.subject == {**RELAXED.subject, "followed": {"amplitude": 0.2, "sign": -1}}
    assert follow.parents == ("clean", soft.key)
    assert follow.moves
    for refused in (lambda it: along_imaginary(it), lambda it: followed_request(it, RELAXED)):
        with pytest.raises(InputError, match="no imaginary mode"):
            refused(vibrations(Atoms("H"), [1, 2, 3]))


@pytest.mark.parametrize(
    ("positions", "symbols", "shape", "modes"),
    [
        ([[0, 0, 0]], "H", "monatomic", 0),
        ([[0, 0, 0], [0.741, 0, 0]], "HH", "linear", 1),
        # relaxed to 0.05 eV/Å a linear molecule is bent by a degree or two
        ([[0, 0.02, 1.16], [0, 0, 0], [0, 0.02, -1.16]], "OCO", "linear", 4),
        ([[0.757, 0.586, 0], [0, 0, 0], [-0.757, 0.586, 0]], "HOH", "nonlinear", 3),
        # HNCO, chain of three and a bent hydrogen: the lowest share of all small molecules
        ([[0.89, 0, -1.69], [0, 0, -1.21], [0, 0, 0], [0, 0, 1.17]], "HNCO", "nonlinear", 6),
    ],
)
def test_shape_follows_from_the_moments_of_inertia(positions: Any, symbols: str, shape: str, modes: int) -> None:
    atoms = Atoms(list(symbols), positions)
    assert shape_of(atoms.positions, atoms.get_masses()) == shape
    size = 3 * len(atoms)
    assert len(normal_modes(np.eye(size), atoms.get_masses(), atoms.positions)[0]) == modes


# --- terms -------------------------------------------------------------------------------------------------------


def test_terms_of_an_oscillator_are_those_of_its_partition_function() -> None:
    terms = harmonic_terms(vibrations(Atoms("H"), [400, 900, 3000]), "H*")
    found = by_kind(terms)
    x = np.array([400, 900, 3000]) * constants.h * constants.c * 100 / (constants.k * T)
    assert found["zpe"] == pytest.approx(KT * sum(x) / 2, rel=1e-6)
    assert found["thermal"] == pytest.approx(KT * sum(x / np.expm1(x)), rel=1e-6)
    assert sum(found.values()) == pytest.approx(KT * sum(np.log(2 * np.sinh(x / 2))), rel=1e-6)
    assert found["entropy"] < 0
    assert [term.name for term in terms] == ["ZPE(H*)", "∫Cp dT(H*)", "-TS(H*)"]


def test_terms_name_the_vibrations_that_they_come_from_and_their_weight() -> None:
    record = vibrations(Atoms("H"), [400, 900, 3000])
    once, taken_off = harmonic_terms(record, "*"), harmonic_terms(record, "*", factor=-1)
    assert {term.source for term in once} == {record.key}
    assert [term.value for term in taken_off] == [-term.value for term in once]
    assert [term.name for term in taken_off] == ["-ZPE(*)", "-∫Cp dT(*)", "TS(*)"]


def test_low_modes_are_raised_to_the_floor_and_high_ones_left() -> None:
    soft, raised = vibrations(Atoms("H"), [8, 99, 3000]), vibrations(Atoms("H"), [100, 100, 3000])
    floor = TREATMENTS["quasi-harmonic"]
    found, expected = by_kind(harmonic_terms(soft, "H*", floor=floor)), by_kind(harmonic_terms(raised, "H*"))
    assert found == pytest.approx(expected)
    assert by_kind(harmonic_terms(raised, "H*", floor=floor)) == pytest.approx(expected)
    # 8 cm⁻¹ alone is worth more than three times kT of free energy, and no adsorbate has it
    harmonic = by_kind(harmonic_terms(soft, "H*", floor=TREATMENTS["harmonic"]))
    assert sum(harmonic.values()) < sum(found.values()) - 0.05


def test_imaginary_modes_are_listed_and_enter_no_sum() -> None:
    record = vibrations(Atoms("H"), [-212, -30, 900])
    assert record.imaginary == pytest.approx((-212 * WAVENUMBER, -30 * WAVENUMBER))
    assert describe_modes(record.energies) == (
        "2 of 3 modes are imaginary (212i, 30i cm⁻¹) and enter no sum; 1 real mode, 900 cm⁻¹"
    )
    for floor in (0.0, 100.0):
        found = by_kind(harmonic_terms(record, "H*", floor=floor))
        assert found["zpe"] == pytest.approx(450 * WAVENUMBER)
    nothing = harmonic_terms(vibrations(Atoms("H"), [-3, -2, -1]), "H*")
    assert [term.value for term in nothing] == [0, 0, 0]
    assert describe_modes([0.1]) == "1 real mode, 807 cm⁻¹"


# Fundamentals (cm⁻¹) and geometries (Å, degrees) of the NIST tables: T. Shimanouchi, NSRDS-NBS 39 (1972), doi
# 10.6028/NBS.NSRDS.39; K. P. Huber, G. Herzberg, Constants of Diatomic Molecules (1979).
SIN, COS = math.sin(math.radians(52.24)), math.cos(math.radians(52.24))
WATER = Atoms("HOH", [[0.9578 * SIN, 0.9578 * COS, 0], [0, 0, 0], [-0.9578 * SIN, 0.9578 * COS, 0]])
#: N-H 1.012 Å, 106.7°: the hydrogens lie 0.937 Å from the axis, 0.382 Å below N.
AMMONIA = Atoms(
    "NH3", [[0, 0, 0.382], *([0.937 * math.cos(a), 0.937 * math.sin(a), 0] for a in 2 * math.pi / 3 * np.arange(3))]
)
METHANE = Atoms(
    "CH4", [[0, 0, 0], *(1.087 / math.sqrt(3) * np.array([[1, 1, 1], [-1, -1, 1], [-1, 1, -1], [1, -1, -1]]))]
)
MOLECULES: dict[str, tuple[Atoms, list[float], int, int]] = {
    # atoms, fundamentals, multiplicity, symmetry number
    "H2": (Atoms("H2", [[0, 0, 0], [0, 0, 0.7414]]), [4161], 1, 2),
    "N2": (Atoms("N2", [[0, 0, 0], [0, 0, 1.0977]]), [2330], 1, 2),
    "O2": (Atoms("O2", [[0, 0, 0], [0, 0, 1.2075]]), [1556], 3, 2),
    "CO": (Atoms("CO", [[0, 0, 0], [0, 0, 1.1283]]), [2143], 1, 1),
    "CO2": (Atoms("OCO", [[0, 0, 1.162], [0, 0, 0], [0, 0, -1.162]]), [667, 667, 1333, 2349], 1, 2),
    "H2O": (WATER, [1595, 3657, 3756], 1, 2),
    "NH3": (AMMONIA, [950, 1627, 1627, 3337, 3444, 3444], 1, 3),
    "CH4": (METHANE, [1306] * 3 + [1534] * 2 + [2917] + [3019] * 3, 1, 12),
}
#: T S at 298.15 K and 1 bar, eV, NASA polynomials (NASA/TP-2002-211556).
ENTROPIES = {
    "H2": 0.4038,
    "N2": 0.5921,
    "O2": 0.6339,
    "CO": 0.6108,
    "CO2": 0.6606,
    "H2O": 0.5835,
    "NH3": 0.5957,
    "CH4": 0.5759,
}
#: H(298.15 K) - H(0 K), kJ/mol, NIST-JANAF (M. W. Chase 1998).
ENTHALPIES = {
    "H2": 8.467,
    "N2": 8.670,
    "O2": 8.683,
    "CO": 8.671,
    "CO2": 9.364,
    "H2O": 9.904,
    "NH3": 10.045,
    "CH4": 10.024,
}


@pytest.mark.parametrize("name", MOLECULES)
def test_gases_have_the_entropy_and_enthalpy_of_experiment(name: str) -> None:
    atoms, wavenumbers, multiplicity, _ = MOLECULES[name]
    found = by_kind(gas_terms(vibrations(atoms, wavenumbers), name, multiplicity=multiplicity))
    # H2 turns so fast that its rotation is not classical: 1 meV in TS, 2 in the enthalpy
    assert -found["entropy"] == pytest.approx(ENTROPIES[name], abs=0.0015)
    enthalpy = ENTHALPIES[name] * 1e3 / constants.N_A / constants.e
    assert found["thermal"] == pytest.approx(enthalpy, abs=0.0025 if name == "H2" else 0.0006)
    assert found["zpe"] == pytest.approx(sum(wavenumbers) / 2 * WAVENUMBER)


@pytest.mark.parametrize("name", MOLECULES)
def test_symmetry_numbers_are_those_of_the_textbook_on_rough_geometries_too(name: str) -> None:
    atoms, _, _, number = MOLECULES[name]
    rough = atoms.copy()
    rough.rattle(0.008, seed=3)
    assert symmetry_number(atoms) == symmetry_number(rough) == number


def test_symmetry_numbers_of_less_symmetric_molecules() -> None:
    assert symmetry_number(Atoms("H")) == 1
    assert symmetry_number(Atoms("CHHO", [[0, 0, 0], [0.94, -0.59, 0], [-0.94, -0.59, 0], [0, 1.21, 0]])) == 2
    # HNO has a mirror plane, and no axis; a hydrogen peroxide has an axis, and no plane; benzene has seven axes
    turned = math.radians(111.5 / 2)
    cross = [0.94 * math.cos(turned), 0.94 * math.sin(turned)]
    peroxide = [[0, 0, 0.73], [0, 0, -0.73], [*cross, 0.88], [cross[0], -cross[1], -0.88]]
    assert symmetry_number(Atoms("OOHH", peroxide)) == 2
    ring = np.array([[math.cos(a), math.sin(a), 0] for a in math.pi / 3 * np.arange(6)])
    assert symmetry_number(Atoms("C6H6", np.concatenate([1.39 * ring, 2.48 * ring]))) == 12
    assert symmetry_number(Atoms("HNO", [[0.99, -0.35, 0], [0, 0, 0], [0, 1.21, 0]])) == 1


def test_water_at_its_vapour_pressure_has_the_entropy_of_the_tables() -> None:
    atoms, wavenumbers, multiplicity, _ = MOLECULES["H2O"]
    found = by_kind(gas_terms(vibrations(atoms, wavenumbers), "H2O", multiplicity=multiplicity, pressure=3169.0))
    assert found["entropy"] == pytest.approx(-0.672, abs=0.001)


def test_the_triplet_adds_its_own_entropy_and_a_weight_every_term() -> None:
    atoms, wavenumbers, _, _ = MOLECULES["O2"]
    record = vibrations(atoms, wavenumbers)
    singlet, triplet = (by_kind(gas_terms(record, "O2", multiplicity=number)) for number in (1, 3))
    assert singlet["entropy"] - triplet["entropy"] == pytest.approx(KT * math.log(3), rel=1e-6)
    half = gas_terms(record, "O2", multiplicity=3, factor=-0.5)
    assert by_kind(half) == pytest.approx({kind: -0.5 * value for kind, value in triplet.items()})
    assert [term.name for term in half] == ["-0.5 ZPE(O2)", "-0.5 ∫Cp dT(O2)", "+0.5 TS(O2)"]


def test_a_gas_without_modes_is_an_atom() -> None:
    # Sackur and Tetrode: S of argon is 154.846 J/(mol K) at 298.15 K and 1 bar (CODATA)
    found = by_kind(gas_terms(vibrations(Atoms("Ar"), []), "Ar", multiplicity=1))
    assert found["entropy"] == pytest.approx(-154.846 * T / constants.N_A / constants.e, rel=1e-5)
    assert found["thermal"] == pytest.approx(2.5 * KT, rel=1e-6)
    assert found["zpe"] == 0


def test_what_does_not_exist_is_refused() -> None:
    atoms, wavenumbers, _, _ = MOLECULES["H2O"]
    record = vibrations(atoms, wavenumbers)
    with pytest.raises(InputError, match="temperature -1 K"):
        harmonic_terms(record, "H2O*", temperature=-1)
    with pytest.raises(InputError, match="pressure 0 Pa"):
        gas_terms(record, "H2O", multiplicity=1, pressure=0)
    with pytest.raises(InputError, match="multiplicity of 0"):
        gas_terms(record, "H2O", multiplicity=0)
    with pytest.raises(InputError, match="not those of a free molecule"):
        gas_terms(vibrations(atoms, range(1, 10)), "H2O", multiplicity=1)
    with pytest.raises(InputError, match="not those of a free molecule"):
        gas_terms(vibrations(atoms, [3657], [0]), "H2O", multiplicity=1)


# --- the metal ---------------------------------------------------------------------------------------------------

SITE = Atoms("N4Co", [[1.9, 0, 0], [-1.9, 0, 0], [0, 1.9, 0], [0, -1.9, 0], [0, 0, 0]])
WITH_OH = SITE + Atoms("OH", [[0, 0, 1.85], [0.9, 0, 2.2]])
CLEAN = [150, 250, 260]
TOGETHER = [60, 110, 160, 270, 290, 500, 560, 900, 3600]


def test_the_metals_own_modes_are_taken_off() -> None:
    adsorbed, clean = vibrations(WITH_OH, TOGETHER, [4, 5, 6]), vibrations(SITE, CLEAN, [4])
    terms = adsorbed_terms("OH", adsorbed, clean, floor=100)
    assert [term.name for term in terms] == [
        "ZPE(OH*)",
        "∫Cp dT(OH*)",
        "-TS(OH*)",
        "-ZPE(*)",
        "-∫Cp dT(*)",
        "TS(*)",
    ]
    assert [term.source for term in terms] == [adsorbed.key] * 3 + [clean.key] * 3
    zpe = sum(term.value for term in terms if term.kind == "zpe")
    assert zpe == pytest.approx((sum(TOGETHER) + 40 - sum(CLEAN)) / 2 * WAVENUMBER)
    # a metal that feels nothing of the adsorbate drops out
    alone = adsorbed_terms("OH", vibrations(WITH_OH, TOGETHER[3:], [5, 6]))
    unmoved = adsorbed_terms("OH", vibrations(WITH_OH, CLEAN + TOGETHER[3:], [4, 5, 6]), clean)
    assert sum(term.value for term in unmoved) == pytest.approx(sum(term.value for term in alone))


def test_other_atoms_or_another_method_are_not_taken_off() -> None:
    adsorbed = vibrations(WITH_OH, TOGETHER[3:], [5, 6])
    with pytest.raises(InputError, match=r"atoms \[\] of the site were displaced with OH\*, and \[4\] without it"):
        adsorbed_terms("OH", adsorbed, vibrations(SITE, CLEAN, [4]))
    other = Method("mock", {"functional": "other"}, "mock")
    with pytest.raises(MethodMismatchError, match="functional"):
        adsorbed_terms("OH", vibrations(WITH_OH, TOGETHER, [4, 5, 6]), vibrations(SITE, CLEAN, [4], other))


# --- records and requests ----------------------------------------------------------------------------------------

RELAXED = Request("adsorbed", {"adsorbate": "OH", "site": "x"}, METHOD, 0.05, 2, charge=1, parents=("clean",))


def test_documents_give_back_their_records() -> None:
    record = vibrations(WITH_OH, TOGETHER[3:], [5, 6])
    document = record.to_dict()
    assert Vibrations.from_dict(document) == record
    assert document["key"] == record.request.key
    assert document["status"] == "done"
    assert atoms_from_dict(document["atoms"]).positions == pytest.approx(WITH_OH.positions)


def test_displacements_are_requests_of_their_own() -> None:
    asked = vibrations_request(RELAXED, [6, 5, 5])
    assert asked.subject == {"atoms": [5, 6], "displacement": 0.01}
    found = displacement_requests(RELAXED, asked)
    assert len({request.key for request in found}) == 12
    assert {request.parents for request in (asked, *found)} == {(RELAXED.key,)}
    assert {(request.multiplicity, request.charge, request.fmax) for request in found} == {(2, 1, 0.05)}
    assert not any(request.moves for request in found)
    # the metal on request asks for six more, and shares these twelve
    wider = displacement_requests(RELAXED, vibrations_request(RELAXED, [4, 5, 6]))
    assert {request.key for request in found} < {request.key for request in wider}
    moved = [displaced_atoms(WITH_OH, request).positions - WITH_OH.positions for request in found]
    assert moved[3] == pytest.approx(np.array([[0.0] * 3] * 5 + [[0, -0.01, 0], [0.0] * 3]))
    assert sum(moved) == pytest.approx(np.zeros((7, 3)))


def test_requests_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InputError, match="name at least one"):
        vibrations_request(RELAXED, [])
    with pytest.raises(InputError, match="out of range; allowed"):
        vibrations_request(RELAXED, [1], 1.0)
    water = Request("molecule", {"molecule": "H2O"}, METHOD, 0.05)
    with pytest.raises(InputError, match=r"atoms \[0, 1\] are not all 3 of H2O"):
        vibrations_request(water, [0, 1])
    (request, *_) = displacement_requests(RELAXED, vibrations_request(RELAXED, [99]))
    with pytest.raises(InputError, match="atom 99 cannot be displaced; there are 7"):
        displaced_atoms(WITH_OH, request)


def test_water_is_a_reference_at_its_vapour_pressure() -> None:
    # IAPWS-95, saturation: 298.15 K 3169.9 Pa, 373.124 K 101325 Pa, 273.16 K 611.66 Pa
    for temperature, pressure in ((298.15, 3169.9), (373.124, 101325.0), (273.16, 611.66)):
        assert reference_pressure("H2O", temperature) == pytest.approx(pressure, rel=2e-4)
    assert reference_pressure("N2", 500.0) == 1e5
    with pytest.raises(InputError, match=r"allowed 273.16 to 647.096 K"):
        reference_pressure("H2O", 200.0)
