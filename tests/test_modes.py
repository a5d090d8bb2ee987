"""Binding modes and torsions: counts done by hand, bond lengths, and identities."""

from __future__ import annotations

import itertools
import time
from collections import Counter

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.data import atomic_numbers, covalent_radii
from hypothesis import given, settings
from hypothesis import strategies as st

from atomsieve.builders import axial
from atomsieve.builders.catalog import build, recipes
from atomsieve.builders.family import TRANSITION_METALS
from atomsieve.builders.placement import open_directions, place, poses
from atomsieve.builders.poses.placement import Placement
from atomsieve.builders.poses.stance import permutations, torsion_choices
from atomsieve.structures.adsorbate import END_ON, METAL, MODES, adsorbate, adsorbates
from atomsieve.structures.errors import InputError
from atomsieve.structures.identity import content_key
from atomsieve.structures.method import Method
from atomsieve.structures.site import ActiveSite
from atomsieve.workflows.requests import Policy


def porphine(metal: str = "Fe") -> ActiveSite:
    return build(next(recipes({"family": "porphine", "metals": metal})))


def sheet(coordination: str, metal: str = "Co") -> ActiveSite:
    return build(next(recipes({"family": "graphene", "metals": metal, "coordination": coordination})))


def dual(first: str = "Fe", second: str = "Fe", apart: float = 2.4, label: str = "dual") -> ActiveSite:
    """Two metals in a flat frame of six nitrogen atoms, two of which they share: D2h if they are equal."""
    half = apart / 2
    outer = [(side * (half + 1.33), up * 1.33, 0.0) for side in (1, -1) for up in (1, -1)]
    positions = np.array([(-half, 0, 0), (half, 0, 0), *outer, (0, 1.5, 0), (0, -1.5, 0)])
    donors = ((4, 5, 6, 7), (2, 3, 6, 7))
    bonds = tuple(sorted((metal, donor) for metal in (0, 1) for donor in donors[metal]))
    recipe = {"family": "by hand", "metals": [first, second]}
    return ActiveSite(label, recipe, Atoms([first, second, *"NNNNNN"], positions), "cluster", (0, 1), donors, bonds)


def counts(site: ActiveSite, name: str, **how) -> Counter[str]:
    return Counter(placement.mode for placement, _ in poses(site, name, azimuths=8, **how))


def length(metal: str, atom: str, factor: float = 0.96) -> float:
    return factor * float(covalent_radii[atomic_numbers[metal]] + covalent_radii[atomic_numbers[atom]])


# -- the data ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("species", adsorbates().values(), ids=lambda species: species.name)
def test_modes_and_torsions_fit_the_adsorbate(species):
    names = [mode.name for mode in species.modes]
    if species.removed:
        assert (names, species.symbols) == (["vacancy"], ())
        return
    assert species.positions[0] == (0.0, 0.0, 0.0)
    assert species.modes[0].atoms[0] == 0
    whole = len(species.fragments) == 1 and not species.name.endswith(("-side", "lat"))
    assert (END_ON in names) == (names[0] == END_ON) == whole
    if species.name.endswith("-side"):
        assert names == ["side-on"]
    bonds = {frozenset(bond) for bond in species.bonds}
    for mode in species.modes:
        assert (len(mode.atoms), mode.metals) == MODES[mode.name]
        assert all(species.symbols[atom] != "H" or not species.bonds for atom in mode.atoms)
        assert len(mode.torsions) in (0, len(species.torsions))
        if mode.metals == 1 and len(mode.atoms) == 2:
            assert (frozenset(mode.atoms) in bonds) == (mode.name == "side-on")
    for torsion in species.torsions:
        i, j, k, end = torsion.atoms
        assert {frozenset((j, k)), frozenset((k, end))} <= bonds
        assert j == 0 if i == METAL else frozenset((i, j)) in bonds
        above = Atoms(["X", *species.symbols], [(0.0, 0.0, -1.0), *species.positions])
        tabulated = above.get_dihedral(*(atom + 1 if atom != METAL else 0 for atom in torsion.atoms))
        assert (tabulated - torsion.degrees[0] + 180) % 360 - 180 == pytest.approx(0.0, abs=0.5)


@pytest.mark.parametrize("species", adsorbates().values(), ids=lambda species: species.name)
def test_the_listed_bonds_are_the_bonds(species):
    distances = Atoms(species.symbols, species.positions).get_all_distances()
    radii = covalent_radii[[atomic_numbers[symbol] for symbol in species.symbols]]
    for i, j in itertools.combinations(range(len(species.symbols)), 2):
        ratio = distances[i, j] / (radii[i] + radii[j])
        assert 0.75 < ratio < 1.12 if (i, j) in species.bonds else ratio > 1.25


@pytest.mark.parametrize(
    ("name", "free", "atoms"),
    [
        ("N2", "N2", [(0, 1)]),
        ("O2", "O2", [(0, 1)]),
        ("NO", "NO", [(0, 1)]),
        ("H2O", "H2O", [(0, 1), (0, 2), (1, 2)]),
        ("NH3", "NH3", [(0, 1), (0, 2), (1, 2)]),
        ("NH2", "NH2", [(0, 1), (0, 2), (1, 2)]),
        ("CHO", "HCO", [(0, 1), (0, 2), (1, 2)]),
    ],
)
def test_start_geometries_are_near_the_free_molecules(name, free, atoms):
    placed, alone = Atoms(adsorbate(name).symbols, adsorbate(name).positions), molecule(free)
    assert list(placed.symbols) == list(alone.symbols)
    for i, j in atoms:
        assert placed.get_distance(i, j) == pytest.approx(alone.get_distance(i, j), abs=0.06)


def test_carboxyl_is_formic_acid_without_a_hydrogen():
    placed, acid = Atoms(adsorbate("COOH").symbols, adsorbate("COOH").positions), molecule("HCOOH")
    # C, O of C=O, O of C-O, H of O-H in the order of the molecule
    order = [1, 2, 0, 3]
    assert np.allclose(placed.get_all_distances(), acid[order].get_all_distances(), atol=0.03)


def test_equal_atoms_of_an_adsorbate():
    numbers = {"O": 1, "OH": 1, "OOH": 1, "N2": 2, "CO2": 2, "NH2": 2, "NH3": 6, "NO3": 6, "OCHO": 2, "COOH": 1}
    assert {name: len(permutations(adsorbate(name))) for name in numbers} == numbers
    assert permutations(adsorbate("CO2")) == ((0, 1, 2), (0, 2, 1))


# -- one metal --------------------------------------------------------------------------------------------------------


def test_side_on_nitrogen_on_a_square_lies_along_a_bond_or_between_two():
    found = poses(porphine(), "N2", azimuths=8)
    assert [(p.mode, p.face, p.azimuth) for p, _ in found] == [
        (END_ON, "top", 0.0),
        ("side-on", "top", 0.0),
        ("side-on", "top", 45.0),
    ]
    metal = porphine().metals[0]
    for placement, atoms in found[1:]:
        first, second = len(atoms) - 2, len(atoms) - 1
        for atom in (first, second):
            assert atoms.get_distance(metal, atom) == pytest.approx(length("Fe", "N"), abs=1e-6)
        assert atoms.positions[first, 2] == pytest.approx(atoms.positions[second, 2])
        assert Placement.from_dict(placement.to_dict()) == placement


def test_carbon_dioxide_lies_on_a_metal_with_a_carbon_and_an_oxygen():
    site = porphine("Co")
    found = [atoms for placement, atoms in poses(site, "CO2", azimuths=8) if placement.mode == "side-on"]
    assert len(found) >= 1
    carbon, near, far = range(len(site.atoms), len(site.atoms) + 3)
    for atoms in found:
        assert atoms.get_distance(site.metals[0], carbon) == pytest.approx(length("Co", "C"), abs=0.02)
        assert atoms.get_distance(site.metals[0], near) == pytest.approx(length("Co", "O"), abs=0.02)
        assert atoms.get_distance(site.metals[0], far) > 2.7
        assert atoms.get_angle(near, carbon, far) == pytest.approx(135.0, abs=0.2)


def test_which_of_two_equal_atoms_is_which_makes_no_pose():
    """N3C has no mirror plane but its own, so that only the equal ends of N2 make half a turn nothing new."""
    site = sheet("N3C1")
    turns = [p.azimuth for p, _ in poses(site, "N2", azimuths=8) if p.mode == "side-on"]
    assert turns == [0.0, 45.0, 90.0, 135.0]
    # carbon dioxide has two ends; bent, it stands on its carbon alike both ways round
    found = poses(site, "CO2", azimuths=8)
    assert {p.azimuth for p, _ in found if p.mode == "side-on"} > {*turns, 180.0, 225.0}
    assert [p.azimuth for p, _ in found if p.mode == END_ON] == turns


def test_a_chelate_takes_two_longer_bonds():
    for name in ("OCHO", "NO3"):
        site = porphine("Ni")
        # between the bonds of the square: nickel is too small for one along them
        (atoms,) = (a for p, a in poses(site, name, azimuths=8) if p.mode == "chelate")
        number = len(site.atoms)
        for atom in (number, number + 1):
            assert atoms.get_distance(site.metals[0], atom) == pytest.approx(length("Ni", "O", 0.96 * 1.1), abs=1e-6)


# -- two metals -------------------------------------------------------------------------------------------------------


def test_bridges_on_a_frame_of_two_equal_metals():
    """D2h: the faces are equal, and so are the metals; what lies along their line has no second way to lie."""
    site = dual()
    assert [(d.metal, d.face) for d in open_directions(site)] == [(0, "top"), (0, "bottom"), (1, "top"), (1, "bottom")]
    assert all(abs(d.vector[2]) == pytest.approx(1.0) for d in open_directions(site))
    for name in ("O", "H"):
        assert counts(site, name) == {END_ON: 1, "bridge": 1}
    assert counts(site, "CO") == {END_ON: 1, "bridge": 1}
    for name in ("O2", "N2", "OCHO", "NO3", "CO2", "OOH", "COOH"):
        assert counts(site, name)["bidentate"] == 1
    # along the line, across it, and between
    assert counts(site, "OH")["bridge"] == 3


@pytest.mark.parametrize("metals", ["Fe-Co-Ni", "Sc-Mo-Pt"])
def test_every_edge_of_a_triangle_of_metals_is_bridged(metals: str):
    """An atom above an edge is near the third metal as well, which keeps it from no edge."""
    site = build(next(recipes({"family": "graphene-triple", "metals": metals})))
    for name in ("O", "OH", "H"):
        found = {
            frozenset(p.metals) for p, _ in poses(site, name, azimuths=8) if p.mode == "bridge" and p.face == "top"
        }
        assert found == {frozenset(pair) for pair in itertools.combinations(site.metals, 2)}


def test_the_edges_of_a_triangle_of_equal_metals_are_one():
    site = build(next(recipes({"family": "graphene-triple", "metals": "Fe-Fe-Fe"})))
    # threefold: each metal has the face above and the one below, and so has each edge
    assert counts(site, "O") == {END_ON: 2, "bridge": 2}
    below = np.array([d.vector for d in open_directions(site) if d.face == "bottom"])
    assert below[:, 2] == pytest.approx(below[0, 2], abs=0.01)
    assert below.sum(axis=0)[:2] == pytest.approx(0.0, abs=0.03)


def test_bridges_on_a_frame_of_two_metals():
    site = dual("Fe", "Co")
    assert counts(site, "O") == {END_ON: 2, "bridge": 1}
    for name, number in {"O2": 1, "N2": 1, "OCHO": 1, "NO3": 1, "CO2": 2, "OOH": 2, "COOH": 2}.items():
        assert counts(site, name)["bidentate"] == number
    assert counts(site, "OH")["bridge"] == 5
    found = [(p.metal, p.second) for p, _ in poses(site, "CO2", azimuths=8) if p.mode == "bidentate"]
    assert found == [(0, 1), (1, 0)]


@settings(deadline=None, max_examples=25)
@given(
    st.sampled_from(TRANSITION_METALS), st.sampled_from(TRANSITION_METALS), st.floats(2.2, 2.7), st.integers(0, 2**32)
)
def test_bonds_to_both_metals_are_as_long_as_to_one(first, second, apart, seed):
    site = dual(first, second, apart)
    site = site.with_positions(
        site.atoms.positions + np.random.default_rng(seed).uniform(-0.05, 0.05, site.atoms.positions.shape)
    )
    for name in ("O", "OH", "O2", "CO2", "OCHO"):
        for placement, atoms in poses(site, name, azimuths=4):
            if placement.second is None:
                continue
            atom = [8 + k for k in adsorbate(name).mode(placement.mode).atoms]
            pairs = zip(placement.metals, atom * (3 - len(atom)), strict=True)
            for metal, bound in pairs:
                wanted = length(atoms.symbols[metal], atoms.symbols[bound])
                # two atoms of fixed distance above unequal metals cannot have both bonds right at once
                assert atoms.get_distance(metal, bound) == pytest.approx(wanted, abs=1e-6 if len(atom) == 1 else 0.08)
            shape = Atoms(adsorbate(name).symbols, adsorbate(name).positions).get_all_distances()
            assert np.allclose(atoms[8:].get_all_distances(), shape, atol=1e-9)
            assert np.allclose(place(site, placement).positions, atoms.positions, atol=1e-9)


def test_metals_far_apart_are_not_bridged():
    assert set(counts(dual(apart=4.6), "OCHO")) == {END_ON, "chelate"}
    # 3.4 Å: too far for one oxygen, and for the two of O2, but not for those of formate
    assert "bridge" not in counts(dual(apart=3.6), "O")
    assert counts(dual(apart=3.6), "OCHO")["bidentate"] == 1
    with pytest.raises(InputError, match=r"metals 4.00 Å apart, as in dual, are too far for bridge O"):
        place(dual(apart=4.0), Placement("O", 0, "top", mode="bridge", second=1))


def test_metals_that_open_to_opposite_sides_are_not_bridged():
    """A copper paddlewheel: four carboxylates around two metals, whose open faces point away from each other."""
    ring = [(1.93 * np.cos(turn), 1.93 * np.sin(turn)) for turn in np.radians([0, 90, 180, 270])]
    oxygen = [(x, y, side * 1.12) for side in (1, -1) for x, y in ring]
    carbon = [(2.5 * x / 1.93, 2.5 * y / 1.93, 0.0) for x, y in ring]
    positions = np.array([(0, 0, 1.31), (0, 0, -1.31), *oxygen, *carbon])
    donors = ((2, 3, 4, 5), (6, 7, 8, 9))
    wheel = ActiveSite("w", {"family": "by hand"}, Atoms("Cu2O8C4", positions), "cluster", (0, 1), donors, ())
    assert [(d.metal, d.face) for d in open_directions(wheel)] == [(0, "top"), (1, "bottom")]
    assert counts(wheel, "O") == {END_ON: 1}
    assert counts(wheel, "OCHO")["bidentate"] == 0


def test_a_bridge_across_the_edge_of_the_cell_is_the_same():
    site = dual("Fe", "Co")
    atoms = site.atoms.copy()
    atoms.set_cell([14.0, 15.0, 16.0])
    atoms.pbc = True
    periodic = ActiveSite("p", site.recipe, atoms, "sheet", site.metals, site.donors, site.bonds)
    moved = atoms.copy()
    moved.positions += (14.0, 7.3, 0.0)
    moved.wrap()
    assert moved.get_distance(0, 1) > 5
    across = periodic.with_positions(moved.positions)
    for name in ("O", "OH", "CO2"):
        expected = [placement for placement, _ in poses(site, name, azimuths=8)]
        for other in (periodic, across):
            assert [placement for placement, _ in poses(other, name, azimuths=8)] == expected
    for _, placed in poses(across, "O", azimuths=8)[-1:]:
        assert placed.get_distance(0, 8, mic=True) == pytest.approx(length("Fe", "O"), abs=1e-6)
        assert placed.get_distance(1, 8, mic=True) == pytest.approx(length("Co", "O"), abs=1e-6)


def test_one_of_every_mode_comes_before_the_second_of_any():
    found = [p.mode for p, _ in poses(dual(), "O2", azimuths=8, most=3)]
    assert Counter(found) == {END_ON: 1, "side-on": 1, "bidentate": 1}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Placement("OH", 0, "top", mode="side-on"), r"unknown binding mode of OH 'side-on'.*allowed: end-on, bridge"),
        (Placement("O", 0, "top", mode="bridge"), r"bridge O takes 2 of the metals of dual, not \(0,\)"),
        (Placement("O", 0, "top", second=1), r"end-on O takes 1 of the metals of dual, not \(0, 1\)"),
        (Placement("O", 0, "top", mode="bridge", second=5), "unknown metal of dual 5"),
        (Placement("OOH", 0, "top", torsions=(10.0, 20.0)), "OOH has 1 torsions, not 2"),
    ],
)
def test_a_wrong_mode_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        place(dual(), wrong)


# -- identity ---------------------------------------------------------------------------------------------------------


def test_modes_metals_and_torsions_tell_placements_apart():
    plain = Placement("OOH", 0, "top")
    others = [
        Placement("OOH", 0, "top", mode="bidentate", second=1),
        Placement("OOH", 0, "top", mode="bidentate", second=2),
        Placement("OOH", 0, "top", torsions=(-110.0,)),
    ]
    assert len({content_key("pose", p.to_dict()) for p in [plain, *others]}) == 4
    assert all(Placement.from_dict(p.to_dict()) == p for p in [plain, *others])
    # what is not said is end-on and as tabulated, so that keys made before there were modes still hold
    assert set(plain.to_dict()) == {"adsorbate", "metal", "face", "tilt", "azimuth"}


def test_requests_of_all_modes_differ():
    policy = Policy(Method("mock", {}, "mock"), 0.05, torsions="all")
    for name in ("O", "O2", "COOH", "CO2"):
        requests = [request for request, _ in policy.adsorbed_requests(dual("Fe", "Co"), "0" * 64, None, name)]
        assert len({request.key for request in requests}) == len(requests)
        assert {request.subject.get("mode", END_ON) for request in requests} == {m.name for m in adsorbate(name).modes}


# -- torsions ---------------------------------------------------------------------------------------------------------


def test_torsions_are_turned_only_where_asked():
    site = porphine()
    assert counts(site, "COOH") == {END_ON: 2}
    found = poses(site, "COOH", azimuths=8, torsions=True)
    assert {p.torsions for p, _ in found} == {(), (180.0,)}
    for placement, atoms in found:
        carbon = len(site.atoms)
        dihedral = atoms.get_dihedral(carbon + 1, carbon, carbon + 2, carbon + 3)
        assert abs(np.cos(np.radians(dihedral)) - (-1.0 if placement.torsions else 1.0)) < 1e-6
    # against the metal only where one atom binds
    assert torsion_choices(adsorbate("OOH"), adsorbate("OOH").mode("bidentate")) == ((),)
    assert torsion_choices(adsorbate("COOH"), adsorbate("COOH").mode("bidentate")) == ((), (180.0,))


def test_the_other_hand_of_a_peroxide_is_new_only_where_the_site_has_no_mirror():
    for site in (porphine(), sheet("N4"), dual()):
        assert counts(site, "OOH", torsions=True) == counts(site, "OOH")
    chiral = Atoms("FeNNNNF", [(0, 0, 0), (1.9, 0, 0), (0, 1.9, 0), (-1.9, 0, 0), (0, -1.9, 0), (1.9, 1.1, 1.6)])
    site = ActiveSite("c", {"family": "by hand"}, chiral, "cluster", (0,), ((1, 2, 3, 4),), ())
    assert counts(site, "OOH", torsions=True)[END_ON] > counts(site, "OOH")[END_ON]


@settings(deadline=None, max_examples=40)
@given(st.sampled_from([s.name for s in adsorbates().values() if s.torsions]), st.floats(-180, 180))
def test_a_turned_bond_changes_the_dihedral_and_no_bond(name, angle):
    species, site = adsorbate(name), porphine()
    (torsion,), number = species.torsions, len(site.atoms)
    atoms = place(site, Placement(name, site.metals[0], "top", torsions=(angle,)))
    i, j, k, end = (site.metals[0] if atom == METAL else number + atom for atom in torsion.atoms)
    assert (atoms.get_dihedral(i, j, k, end) - angle + 180) % 360 - 180 == pytest.approx(0.0, abs=1e-4)
    before = Atoms(species.symbols, species.positions)
    for one, other in species.bonds:
        assert atoms.get_distance(number + one, number + other) == pytest.approx(before.get_distance(one, other))


# -- the far face -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ligand", ["OH", "Cl", "imidazole", "NH3"])
def test_only_the_free_face_of_a_site_with_an_axial_ligand_is_used(ligand):
    site = axial.attach(porphine(), ligand)
    for name in ("O", "OH", "OOH", "N2", "CO2"):
        found = poses(site, name, azimuths=8)
        assert found
        assert {placement.face for placement, _ in found} == {"top"}
        for _, atoms in found:
            assert (atoms.positions[: len(site.atoms)] == site.atoms.positions).all()


def test_placing_on_two_metals_is_fast():
    site = dual("Fe", "Co")
    start = time.perf_counter()
    for _ in range(10):
        poses(site, "OOH", azimuths=8)
    assert (time.perf_counter() - start) / 10 < 0.2  # about 10 ms; the rest is room for a busy machine
