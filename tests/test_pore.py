"""A complex in the cavity of a framework: the framework's pores, the guests, and whether they go together."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from ase import Atoms
from ase.data import atomic_numbers
from ase.io import write
from ase.neighborlist import neighbor_list
from hypothesis import given, settings
from hypothesis import strategies as st

from atomsieve.builders import catalog
from atomsieve.builders.bonding import graph
from atomsieve.builders.families import pore
from atomsieve.builders.files import crystals
from atomsieve.builders.placement import poses
from atomsieve.builders.pores import cavities, fitting
from atomsieve.builders.pores.guests import ACAC, KINDS, METALLOCENES, guest
from atomsieve.builders.poses.faces import open_directions
from atomsieve.structures.errors import InputError
from atomsieve.structures.site import ActiveSite


def sites(**parameters: object) -> list[ActiveSite]:
    return [catalog.build(recipe) for recipe in catalog.recipes({"family": "pore", **parameters})]


def problems(**parameters: object) -> str:
    return "\n".join(map(str, catalog.check({"family": "pore", **parameters})))


def atoms_of(kind: str, metal: str) -> Atoms:
    made = guest(kind, [metal])
    return Atoms(made.symbols, made.positions)


# -- frameworks -------------------------------------------------------------------------------------------------------


def test_zif_8():
    # Park et al. 2006: a 16.991, Zn-N 1.985, cavity 11.6 and window 3.4 Å, by other radii 11.4-11.8 and 3.1-3.6
    atoms = crystals.crystal("ZIF-8")
    assert Counter(atoms.symbols) == {"Zn": 6, "N": 24, "C": 48, "H": 60}
    assert atoms.cell.cellpar() == pytest.approx(
        [16.991 * math.sqrt(3) / 2] * 3 + [math.degrees(math.acos(-1 / 3))] * 3
    )
    bonds = graph(atoms)
    for metal in range(len(atoms)):
        if atoms.symbols[metal] == "Zn":
            assert [link.length for link in bonds.links[metal]] == pytest.approx([1.985] * 4, abs=0.02)
    valence = {"Zn": 4, "N": 3, "H": 1}
    numbers = Counter()
    for i, links in enumerate(bonds.links):
        assert len(links) == valence.get(atoms.symbols[i], len(links))
        numbers[atoms.symbols[i], len(links)] += 1
    assert numbers["C", 4] == 12  # methyl, complete
    assert numbers["C", 3] == 36
    hole = cavities.cavity(cavities.Host(atoms))
    assert 11.35 <= hole.diameter <= 11.8
    assert 3.1 <= hole.window <= 3.6


@settings(deadline=None, max_examples=12)
@given(st.floats(5.0, 9.0), st.floats(0.0, 1.0))
def test_pores_of_a_simple_cubic_lattice(edge, shift):
    """Atoms at the corners of cubes: the middle is half a diagonal away, the window half that of a face."""
    atoms = Atoms("Ar", [[shift, 2 * shift, 0.3]], cell=[edge] * 3, pbc=True)
    radius = float(cavities.radii([18])[0])
    hole = cavities.cavity(cavities.Host(atoms))
    assert hole.diameter == pytest.approx(math.sqrt(3) * edge - 2 * radius, abs=0.02)
    assert hole.window == pytest.approx(max(math.sqrt(2) * edge - 2 * radius, 0.0), abs=0.02)


def test_a_cavity_without_a_window():
    """A closed shell of atoms in a cell that it fills."""
    grid = np.array(list(itertools.product(range(5), repeat=3)))
    wall = grid[(grid == 0).any(axis=1)]
    atoms = Atoms(f"Ar{len(wall)}", wall * 2.0, cell=[10.0] * 3, pbc=True)
    hole = cavities.cavity(cavities.Host(atoms))
    assert hole.diameter == pytest.approx(2 * math.sqrt(25 + 1 + 1) - 2 * float(cavities.radii([18])[0]), abs=0.02)
    assert hole.window == 0.0
    assert hole.window_centre is None


@settings(deadline=None, max_examples=20)
@given(st.integers(20, 600))
def test_rotations_are_spread_evenly(number):
    turns = fitting.rotations(number)
    assert np.allclose(turns @ turns.transpose(0, 2, 1), np.eye(3))
    assert np.allclose(np.linalg.det(turns), 1.0)
    # the mean of any vector turned in all directions vanishes
    assert np.linalg.norm(turns.mean(axis=0)) < 4.0 / number**0.5 * 0.5
    traces = np.einsum("aij,bij->ab", turns, turns) - 4.0 * np.eye(number)
    closest = np.degrees(np.arccos(np.clip((traces.max(axis=1) - 1) / 2, -1, 1)))
    ideal = np.degrees((16 * math.pi / number) ** (1 / 3))
    assert closest.min() > 0.3 * ideal


# -- guests -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metal", ACAC)
def test_acetylacetonates(metal):
    atoms = atoms_of("M(acac)3", metal)
    assert Counter(atoms.symbols) == Counter({"C": 15, "H": 21, "O": 6, metal: 1})
    assert set(graph(atoms).bonds) == set(guest("M(acac)3", [metal]).bonds)
    oxygens = atoms.symbols.search("O")
    assert atoms.get_distances(0, oxygens) == pytest.approx([ACAC[metal]] * 6)
    # octahedral: each oxygen has one opposite, and threefold
    angles = sorted(atoms.get_angle(i, 0, j) for i, j in itertools.combinations(oxygens, 2))
    assert all(angle > 168 for angle in angles[-3:])
    assert all(82 < angle < 98 for angle in angles[:-3])
    turned = atoms.copy()
    turned.rotate(120, "z")
    gaps = np.linalg.norm(turned.positions[:, None] - atoms.positions, axis=-1)
    assert gaps.min(axis=1).max() < 1e-9


def test_iron_acetylacetonate_is_as_long_as_published():
    atoms = atoms_of("M(acac)3", "Fe")
    assert atoms.get_all_distances().max() == pytest.approx(9.7, abs=0.2)
    assert atoms.get_distances(0, atoms.symbols.search("O")).mean() == pytest.approx(1.995, abs=0.01)


@pytest.mark.parametrize("metal", METALLOCENES)
def test_metallocenes(metal):
    atoms = atoms_of("metallocene", metal)
    assert Counter(atoms.symbols) == Counter({"C": 10, "H": 10, metal: 1})
    carbons = atoms.symbols.search("C")
    assert atoms.get_distances(0, carbons) == pytest.approx([METALLOCENES[metal]] * 10)
    assert np.allclose(
        np.sort(atoms.positions[carbons[:5], :2], axis=0), np.sort(atoms.positions[carbons[5:], :2], axis=0)
    )
    assert set(graph(atoms).bonds) == set(guest("metallocene", [metal]).bonds)


def test_phthalocyanine():
    made = guest("phthalocyanine", ["Fe"])
    atoms = Atoms(made.symbols, made.positions)
    assert Counter(atoms.symbols) == {"Fe": 1, "C": 32, "H": 16, "N": 8}
    assert set(graph(atoms).bonds) == set(made.bonds)
    assert len(made.bonds) == 4 + 8 + 8 + 8 + 4 + 8 + 8 + 4 + 16  # M-N, N-C, N-C, C-C, fused, rim, rim, outer, C-H
    assert np.allclose(atoms.positions[:, 2], 0.0)
    (metal,) = made.metals
    assert 1.89 <= atoms.get_distance(metal, made.donors[0][0]) <= 1.95
    first, second = np.array([b for b in made.bonds if metal not in b]).T
    lengths = atoms.get_all_distances()[first, second]
    heavy = (atoms.numbers[first] > 1) & (atoms.numbers[second] > 1)
    assert lengths[heavy].min() > 1.30
    assert lengths[heavy].max() < 1.47


@pytest.mark.parametrize("kind", KINDS)
def test_spin_and_charges_of_guests_agree(kind):
    for metal in KINDS[kind].metals:
        made = guest(kind, [metal])
        assert sum(made.ledger.values()) == 0
        if made.multiplicity is not None:
            electrons = sum(atomic_numbers[symbol] for symbol in made.symbols)
            assert (electrons + made.multiplicity) % 2 == 1
    with pytest.raises(InputError, match="forms no stable"):
        guest("M(acac)3", ["Ni"])


# -- together ---------------------------------------------------------------------------------------------------------


def test_iron_acetylacetonate_in_zif_8():
    (site,) = sites(metals="Fe")
    assert site.label == "Fe(acac)3@ZIF-8"
    assert site.kind == "bulk"
    assert len(site.atoms) == 138 + 43
    assert Counter(site.atoms.symbols) == {"Zn": 6, "N": 24, "C": 63, "H": 81, "O": 6, "Fe": 1}
    assert site.multiplicity == 6
    assert site.charge == sum(site.ledger.values()) == 0
    assert len(site.donors[0]) == 6
    fit = site.provenance["fit"]
    assert fit["guest_length"] == pytest.approx(9.7, abs=0.2)
    assert fit["guest_length_with_radii"] == pytest.approx(fit["guest_length"] + 2 * 1.2, abs=0.01)
    assert fit["guest_length"] > fit["window_diameter"]
    assert fit["contact"] >= fitting.CONTACT > fit["contact_in_window"]
    assert fit["stays"].startswith("yes")
    assert fit["enters"].startswith("no")
    # a saturated precursor: nothing binds, and the site says so
    assert open_directions(site) == ()
    assert poses(site, "OH") == ()
    assert "saturated" in site.provenance["remarks"]


def contact(site: ActiveSite, framework: int) -> float:
    """Return the shortest distance of the guest from the framework or its own images, as a share of the radii."""
    own = cavities.radii(site.atoms.numbers)
    first, second, shifts, lengths = neighbor_list("ijSd", site.atoms, own * 1.5)
    other = (first >= framework) & ((second < framework) | shifts.any(axis=1))
    return float((lengths / (own[first] + own[second]))[other].min(initial=1.5))


@pytest.mark.parametrize(
    ("kind", "metal", "cage"),
    [("M(acac)3", "Co", "ZIF-8"), ("metallocene", "Fe", "ZIF-8"), ("phthalocyanine", "Co", "HKUST-1")],
)
def test_guests_do_not_touch(kind, metal, cage):
    (site,) = sites(guest=kind, metals=metal, cage=cage)
    framework = len(crystals.crystal(cage))
    measured = contact(site, framework)
    assert measured >= fitting.CONTACT
    assert measured == pytest.approx(min(site.provenance["fit"]["contact"], 1.5), abs=2e-3)
    # the guest is what it was, and the framework as well
    inside = site.atoms[framework:]
    assert inside.get_all_distances() == pytest.approx(atoms_of(kind, metal).get_all_distances())
    assert set(graph(site.atoms).bonds) == set(site.bonds)


def test_a_placement_is_the_same_each_time():
    (first,) = sites(metals="Cr")
    for cached in (pore._placed, pore._host):
        cached.cache_clear()
    (second,) = sites(metals="Cr")
    assert (first.atoms.positions == second.atoms.positions).all()
    assert first.to_dict() == second.to_dict()
    assert catalog.build(first.recipe).key == first.key


def test_what_does_not_fit_is_refused():
    message = problems(guest="phthalocyanine", metals="Fe")
    assert message.startswith("guest: Fe-phthalocyanine does not fit into ZIF-8")
    assert "15.1 Å long" in message
    assert "write a smaller guest or a wider cage" in message


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "metals: M(acac)3 needs a metal"),
        ({"metals": "Ni"}, "Ni forms no stable M(acac)3; allowed: Sc"),
        ({"metals": "Al"}, "Al forms no stable M(acac)3"),
        ({"metals": "Fe-Co"}, "Fe-Co forms no stable"),
        ({"metals": "Fe", "guest": "ZIF-8"}, "'ZIF-8' is a framework"),
        ({"metals": "Fe", "guest": "nowhere.xyz"}, "there is no file 'nowhere.xyz'"),
        ({"metals": "Fe", "cage": "nowhere.cif"}, "there is no file 'nowhere.cif'"),
    ],
)
def test_what_makes_no_sense_is_refused(parameters, message):
    assert message in problems(**parameters)


def test_guests_and_cages_of_ones_own(tmp_path):
    write(tmp_path / "ferrocene.xyz", atoms_of("metallocene", "Fe"))
    write(tmp_path / "cage.cif", crystals.crystal("HKUST-1"))
    entry = {"guest": str(tmp_path / "ferrocene.xyz"), "cage": str(tmp_path / "cage.cif"), "metals": ["as given", "Co"]}
    first, second = sites(**entry)
    assert first.metal_symbols == ("Fe",)
    assert second.metal_symbols == ("Co",)
    assert first.label.startswith("ferrocene@cage-")
    assert second.label.startswith("Co-ferrocene@cage-")
    assert len(first.atoms) == 156 + 21
    assert len(first.donors[0]) == 10
    assert contact(first, 156) >= fitting.CONTACT
    # the windows of HKUST-1 let it through
    assert first.provenance["fit"]["enters"] == "through the window"
    assert first.provenance["fit"]["stays"].startswith("no")
    message = problems(guest=str(tmp_path / "cage.cif"))
    assert "guest: cage is periodic; write the file of a molecule" in message
    assert "is no crystal" in problems(metals="Fe", cage=str(tmp_path / "ferrocene.xyz"))
