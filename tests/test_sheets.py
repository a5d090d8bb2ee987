"""Sheets that are not graphene: carbon nitrides, graphdiyne, CTF-1, boron nitride, fused porphyrins."""

from __future__ import annotations

import warnings
from collections import Counter

import networkx as nx
import numpy as np
import pytest
import spglib
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii
from hypothesis import given, settings
from hypothesis import strategies as st

from atomsieve.analysis.verdict import judge_clean
from atomsieve.builders import axial, catalog
from atomsieve.builders.families import (
    boron_nitride,
    carbon_nitride,
    graphdiyne,
    porphyrin_graphene,
    porphyrin_sheet,
    triazine,
)
from atomsieve.builders.family import TRANSITION_METALS, stretch
from atomsieve.builders.lattices.sheets import Unit, apex, repeated
from atomsieve.builders.placement import poses
from atomsieve.builders.poses.faces import open_directions
from atomsieve.builders.vectors import turned
from atomsieve.structures.errors import InputError
from atomsieve.structures.judgement import Verdict
from atomsieve.structures.site import ActiveSite

PORPHENE = Unit(*porphyrin_sheet.core(1.98), porphyrin_sheet.LATTICE_CONSTANT * np.eye(2))
# the bare sheets: smallest cell, lattice constant, atoms, space group, bonds in a cell
BARE = {
    "g-C3N4": (carbon_nitride.heptazine_unit(), 7.13, {"C": 6, "N": 8}, "P-6m2", 18),
    "C2N": (carbon_nitride.c2n_unit(), 8.33, {"C": 12, "N": 6}, "P6/mmm", 24),
    "graphdiyne": (graphdiyne.unit(), 9.46, {"C": 18}, "P6/mmm", 21),
    "CTF": (triazine.unit(), 14.574, {"C": 24, "H": 12, "N": 6}, "P6/mmm", 48),
    "BN": (boron_nitride.unit(), 2.504, {"B": 1, "N": 1}, "P-6m2", 3),
    "porphyrin-sheet": (PORPHENE, 8.40, {"C": 20, "N": 4}, "P4/mmm", 34),
}
# by entry: atoms of an n x m supercell less the metal, donors with their distances (Co; low, high) and their elements
SITES = {
    ("g-C3N4",): (lambda c: {"C": 6 * c, "N": 8 * c}, {"N": 2}, (1.93, 2.03)),
    ("C2N",): (lambda c: {"C": 12 * c, "N": 6 * c}, {"N": 2}, (1.93, 2.03)),
    ("graphdiyne", "site", "corner"): (lambda c: {"C": 18 * c}, {"C": 4}, (2.03, 2.13)),
    ("graphdiyne", "site", "centre"): (lambda c: {"C": 18 * c}, {"C": 6}, (2.78, 2.84)),
    ("CTF", "coordination", "N2"): (
        lambda c: {"C": 24 * c - 1, "H": 12 * c - 1, "N": 6 * c + 1},
        {"N": 2},
        (1.92, 2.05),
    ),
    ("CTF", "coordination", "NC"): (
        lambda c: {"C": 24 * c, "H": 12 * c - 1, "N": 6 * c},
        {"N": 1, "C": 1},
        (1.92, 2.05),
    ),
    ("BN", "vacancy", "B"): (lambda c: {"B": c - 1, "N": c}, {"N": 3}, (1.80, 1.90)),
    ("BN", "vacancy", "N"): (lambda c: {"B": c, "N": c - 1}, {"B": 3}, (1.95, 2.10)),
}
metals = st.sampled_from(TRANSITION_METALS)


def one(family: str, metal: str = "Co", **values: object) -> ActiveSite:
    """Build the one site of an entry."""
    (recipe,) = catalog.recipes({"family": family, "metals": metal, **values})
    return catalog.build(recipe)


def group(atoms: Atoms) -> str:
    with warnings.catch_warnings():
        # spglib warns about how it will report errors in future
        warnings.simplefilter("ignore", DeprecationWarning)
        found = spglib.get_spacegroup((atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers), symprec=1e-3)
    return str(found).split()[0]


def lengths(site: ActiveSite, metal: int = 0) -> np.ndarray:
    """Distances of a metal and its donors."""
    return site.atoms.get_distances(site.metals[metal], list(site.donors[metal]), mic=True)


def graph(site: ActiveSite) -> nx.Graph:
    return nx.Graph(site.bonds)


# -- the bare sheets --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BARE)
def test_a_bare_sheet_has_its_space_group(name):
    unit, constant, contents, expected, bonds = BARE[name]
    atoms = repeated(unit, (1, 1), 15.0, (0.0, 0.0))
    assert Counter(atoms.symbols) == contents
    assert atoms.cell.lengths()[:2] == pytest.approx([constant, constant])
    assert atoms.cell.angles()[2] == pytest.approx(90 if name == "porphyrin-sheet" else 120)
    assert group(atoms) == expected
    # bonds between all images, counted in a cell large enough to tell them apart
    cells = 2 if constant > 7 else 4
    near = repeated(unit, (cells, cells), 15.0, (0.0, 0.0)).get_all_distances(mic=True)
    assert np.count_nonzero(np.triu(near < 1.75, 1)) == cells**2 * bonds
    assert near[near > 0].min() > (1.05 if "H" in contents else 1.2)


def test_bond_lengths_are_those_of_the_molecules():
    # heptazine: C-N 1.33 in the rim, 1.39 to the central N, 1.47 of the bridges; diacetylene: 1.23, 1.34 and 1.40
    expected = {
        "g-C3N4": [1.33, 1.39, 1.47],
        "C2N": [1.33, 1.43, 1.47],
        "graphdiyne": [1.23, 1.34, 1.40, 1.43],
        "CTF": [1.085, 1.35, 1.39, 1.41, 1.48],
        "BN": [1.446],
        "porphyrin-sheet": [1.38, 1.40, 1.46],
    }
    for name, (unit, *_) in BARE.items():
        near = repeated(unit, (2, 2), 15.0, (0.0, 0.0)).get_all_distances(mic=True)
        found = near[(near > 0) & (near < 1.75)]
        for length in expected[name]:
            assert np.abs(found - length).min() < 0.02, (name, length)
        assert all(min(abs(length - known) for known in expected[name]) < 0.03 for length in found), name


def test_apex_lies_on_the_side_that_is_asked_for():
    for degrees in range(0, 360, 30):
        first, second = turned((1.0, 0.5), degrees), turned((1.0, -0.5), degrees)
        for towards in ((0.0, 0.0), turned((9.0, 0.0), degrees)):
            point = apex(first, second, 2.0, towards)
            assert np.linalg.norm(point - first) == pytest.approx(2.0)
            assert np.linalg.norm(point - second) == pytest.approx(2.0)
            assert (np.linalg.norm(point) < 1.0) == (tuple(towards) == (0.0, 0.0))


# -- metals in them ---------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(SITES)), metals, st.integers(3, 5), st.integers(3, 4), st.floats(15.0, 40.0))
def test_a_site_is_what_its_recipe_says(entry, metal, n, m, vacuum):
    name, *choice = entry
    n, m = (n, m) if name == "BN" else (2, m - 1) if name != "CTF" else (1, 2)
    chosen = dict([choice]) if choice else {}
    if name == "CTF" and covalent_radii[atomic_numbers[metal]] > 1.5:
        (problem,) = catalog.check({"family": name, "metals": metal})
        assert f"{metal} is not possible here" in problem.message
        return
    (recipe,) = catalog.recipes({"family": name, "metals": metal, **chosen, "supercell": f"{n}x{m}", "vacuum": vacuum})
    site = catalog.build(recipe)
    contents, donors, (low, high) = SITES[entry]
    assert Counter(site.atoms.symbols) == Counter(contents(n * m)) + Counter([metal])
    assert site.kind == "sheet"
    assert site.atoms.pbc.all()
    assert site.atoms.cell.array[2, 2] == pytest.approx(vacuum)
    assert site.recipe["supercell"] == "x".join(map(str, sorted((n, m))))
    assert catalog.build(site.recipe).to_dict() == site.to_dict()

    found = np.sort(lengths(site))
    if name == "g-C3N4" and len(found) > 2:
        # a large metal binds the other two nitrogens of both heptazines as well, and yttrium all six
        assert covalent_radii[atomic_numbers[metal]] > 1.5
        assert found[2:4] == pytest.approx([2.42, 2.42], abs=0.03)
        donors = {"N": 6 if metal == "Y" else 4}
    assert Counter(site.atoms.symbols[atom] for atom in site.donors[0]) == donors
    assert np.ptp(found[:2] if name == "g-C3N4" else found) < 1e-6
    # in graphdiyne the void fixes the place, elsewhere the metal's radius does
    expected = (low, high) if name == "graphdiyne" else (low + stretch(metal), high + stretch(metal))
    assert expected[0] <= found[0] <= expected[1]
    # the donors are the nearest of their elements, and the sheet is flat
    every = site.atoms.get_all_distances(mic=True)[site.metals[0]]
    held = np.isin(site.atoms.symbols, list(donors)) & (np.arange(len(site.atoms)) != site.metals[0])
    assert set(np.flatnonzero(held)[np.argsort(every[held])][: sum(donors.values())]) == set(site.donors[0])
    heights = site.atoms.positions[:, 2] - vacuum / 2
    assert np.abs(np.delete(heights, site.metals[0])).max() < 1e-9
    assert (heights[site.metals[0]] > 0.5) == (name == "BN")
    # every bond is listed, and nothing else is near
    near = site.atoms.get_all_distances(mic=True)
    near[list(site.metals)] = near[:, list(site.metals)] = np.inf
    close = {(int(i), int(j)) for i, j in np.argwhere(near < 1.75) if i < j}
    hydrogens = {i for i, symbol in enumerate(site.atoms.symbols) if symbol == "H"}
    close = {pair for pair in close if not hydrogens & set(pair) or near[pair] < 1.3}
    assert close == {pair for pair in site.bonds if site.metals[0] not in pair}


def test_the_metal_breaks_the_symmetry_as_its_place_says():
    assert group(one("graphdiyne", supercell="2x2", site="centre").atoms) == "P-6m2"
    assert group(one("BN", vacancy="B").atoms) == group(one("BN", vacancy="N").atoms) == "P3m1"
    # off-centre on a mirror: two planes cross in an axis along the way off the centre
    assert group(one("g-C3N4").atoms) == group(one("C2N").atoms) == group(one("graphdiyne").atoms) == "Amm2"
    # a chelate with one phenylene of two keeps the plane of the layer only
    assert group(one("CTF").atoms) == "Pm"
    assert group(one("porphyrin-sheet").atoms) == "P4/mmm"
    assert group(one("porphyrin-sheet", supercell="2x2").atoms) == "P4/mmm"
    assert group(one("porphyrin-graphene").atoms) == "Pmmm"


def test_pockets_hold_a_metal_as_a_chemist_would_draw_them():
    # g-C3N4: nitrogens of two heptazines, C, the bridging N and C between them; C2N: of two pyrazines on a benzene,
    # as in phenanthroline; CTF: of a triazine and a pyridine, as in bipyridine
    for name, ring in (("g-C3N4", 6), ("C2N", 5), ("CTF", 5)):
        site = one(name)
        bonded = graph(site)
        bonded.remove_node(site.metals[0])
        first, second = site.donors[0]
        assert nx.shortest_path_length(bonded, first, second) + 2 == ring, name
    # graphdiyne: two triple bonds
    site = one("graphdiyne")
    inside = [pair for pair in site.bonds if set(pair) <= set(site.donors[0])]
    assert len(inside) == 2
    assert [site.atoms.get_distance(*pair, mic=True) for pair in inside] == pytest.approx([1.233, 1.233], abs=1e-6)
    # BN: each donor has lost one of its three neighbours and got the metal for it
    site = one("BN", vacancy="N")
    assert all(graph(site).degree[atom] == 3 for atom in range(len(site.atoms)))


def test_a_metal_in_plain_ctf_would_touch_hydrogen():
    atoms = repeated(triazine.unit(), (1, 1), 15.0, (0.0, 0.0))
    middle = atoms.cell.array.sum(axis=0) / 2
    nitrogen = min(np.flatnonzero(atoms.numbers == 7), key=lambda i: np.linalg.norm(atoms.positions[i] - middle))
    inward = middle - atoms.positions[nitrogen]
    metal = atoms.positions[nitrogen] + 1.97 * inward / np.linalg.norm(inward)
    hydrogen = atoms.positions[atoms.numbers == 1]
    assert np.linalg.norm(hydrogen - metal, axis=1).min() < 1.55


def test_mirror_images_are_one_recipe_and_labels_tell_recipes_apart():
    for name in ("g-C3N4", "C2N", "graphdiyne", "CTF", "BN", "porphyrin-sheet"):
        cells = ["3x4", "4x3"] if name not in ("CTF", "porphyrin-sheet") else ["1x2", "2x1"]
        assert len(list(catalog.recipes({"family": name, "metals": "Fe", "supercell": cells}))) == 1
    entries = [
        {"family": "g-C3N4", "supercell": ["2x2", "2x3"], "axial": ["none", "OH"]},
        {"family": "C2N", "supercell": ["1x1", "2x2"], "vacuum": [15, 20]},
        {"family": "graphdiyne", "site": ["corner", "centre"], "axial": ["none", "O"]},
        {"family": "CTF", "coordination": ["N2", "NC"]},
        {"family": "BN", "vacancy": ["B", "N"], "supercell": ["4x4", "5x5"]},
        {"family": "porphyrin-sheet", "supercell": ["1x1", "1x2", "2x2"]},
        {"family": "porphyrin-graphene", "supercell": ["4x8", "4x9"], "axial": ["none", "Cl"]},
    ]
    sites = [
        catalog.build(recipe) for entry in entries for recipe in catalog.recipes({**entry, "metals": ["Fe", "Ni"]})
    ]
    assert len(sites) == 2 * (4 + 4 + 4 + 2 + 4 + 3 + 4)
    assert len({site.label for site in sites}) == len({site.key for site in sites}) == len(sites)
    labels = {site.label for site in sites}
    assert {"Fe@g-C3N4", "Fe-OH@g-C3N4-2x3", "Ni@graphdiyne-centre", "Fe@BN-VB", "Ni@CTF-NC", "Fe@C2N-c20"} <= labels
    assert {"Fe-porphyrin-sheet-2x2", "Fe-porphyrin-Cl@graphene", "Ni-porphyrin@graphene-4x9"} <= labels


@pytest.mark.parametrize(
    ("entry", "parameter"),
    [
        ({"family": "g-C3N4", "supercell": "1x1"}, "supercell"),
        ({"family": "g-C3N4", "supercell": "1x2"}, "supercell"),
        ({"family": "g-C3N4", "supercell": "two"}, "supercell"),
        ({"family": "BN", "supercell": "2x4"}, "supercell"),
        ({"family": "BN", "vacancy": "C"}, "vacancy"),
        ({"family": "BN", "axial": "OH"}, "axial"),
        ({"family": "graphdiyne", "site": "center"}, "site"),
        ({"family": "porphyrin-graphene", "supercell": "3x8"}, "supercell"),
        ({"family": "porphyrin-graphene", "supercell": "4x7"}, "supercell"),
        ({"family": "porphyrin-sheet", "supercell": "4x4"}, "supercell"),
    ],
)
def test_what_makes_no_sense_is_refused(entry, parameter):
    (problem,) = catalog.check({**entry, "metals": "Fe"})
    assert problem.path == parameter


@settings(deadline=None, max_examples=20)
@given(
    st.sampled_from(["g-C3N4", "C2N", "porphyrin-sheet", "porphyrin-graphene"]),
    metals,
    st.sampled_from(sorted(axial.LIGANDS)),
)
def test_a_ligand_stands_on_the_far_face(name, metal, ligand):
    bare, site = one(name, metal), one(name, metal, axial=ligand)
    assert Counter(site.atoms.symbols) - Counter(bare.atoms.symbols) == axial.LIGANDS[ligand].composition
    ((bound,),) = site.axial
    below = site.atoms.positions[bound] - site.atoms.positions[site.metals[0]]
    assert below[2] < -1.4
    assert np.abs(below[:2]).max() < 1e-9
    # hydrogen is so small that the wide pore of C2N leaves a way beside it
    beside = {"side1"} if (name, ligand) == ("C2N", "H") else set()
    assert {direction.face for direction in open_directions(site)} - beside == {"top"}


def test_every_example_is_open_to_an_adsorbate():
    for name in ("g-C3N4", "C2N", "graphdiyne", "CTF", "BN", "porphyrin-sheet", "porphyrin-graphene"):
        for entry in catalog.families()[name].examples:
            (recipe,) = catalog.recipes({"family": name, **entry})
            site = catalog.build(recipe)
            assert poses(site, "OH"), site.label
            faces = {direction.face for direction in open_directions(site)}
            # a metal held from two sides of its plane is open in the plane as well; one above a vacancy from above
            if name == "BN":
                assert faces == {"top"}
            elif name in ("g-C3N4", "C2N", "porphyrin-sheet", "porphyrin-graphene"):
                assert faces == ({"top"} if site.axial else {"top", "bottom"}), site.label


# -- porphyrins -------------------------------------------------------------------------------------------------------


def test_a_porphyrin_sheet_holds_a_metal_in_every_cell():
    site = one("porphyrin-sheet", "Fe", supercell="2x3")
    assert site.recipe["metals"] == ["Fe"] * 6
    assert Counter(site.atoms.symbols) == {"C": 120, "N": 24, "Fe": 6}
    bonded = graph(site)
    assert all(bonded.degree[atom] == (4 if atom in site.metals else 3) for atom in range(len(site.atoms)))
    for metal in range(6):
        # Fe-N of porphyrins: 1.97 (S = 1) to 2.07 (S = 2)
        assert lengths(site, metal) == pytest.approx([1.985] * 4, abs=1e-9)
    assert sorted(atom for group in site.donors for atom in group) == [
        atom for atom, symbol in enumerate(site.atoms.symbols) if symbol == "N"
    ]
    assert catalog.build(site.recipe).to_dict() == site.to_dict()
    with pytest.raises(InputError, match="different metals"):
        catalog.build({**site.recipe, "metals": ["Fe", "Fe", "Fe", "Fe", "Fe", "Co"]})
    with pytest.raises(InputError, match="final form"):
        catalog.build({**site.recipe, "metals": ["Fe"] * 4})


@settings(deadline=None, max_examples=15)
@given(metals, st.integers(4, 6), st.integers(8, 11))
def test_a_porphyrin_fits_into_a_hole_of_graphene(metal, n, m):
    site = one("porphyrin-graphene", metal, supercell=f"{n}x{m}")
    assert site.recipe["supercell"] == f"{n}x{m}"
    bonded = graph(site)
    degrees = Counter((symbol, bonded.degree[atom]) for atom, symbol in enumerate(site.atoms.symbols))
    assert set(degrees) == {("C", 3), ("H", 1), ("N", 3), (metal, 4)}
    # what is closed around the hole is graphene: only the porphyrin has rings of five
    rings = Counter(len(ring) for ring in nx.minimum_cycle_basis(bonded.subgraph(_around_the_metal(site))))
    assert rings[5] == 4
    assert rings[6] == 4 + 4
    assert lengths(site) == pytest.approx([porphyrin_graphene.METAL_N + stretch(metal)] * 4)
    # each nitrogen is a pyrrole's: with both carbons in a ring of five, which pyridinic ones are not
    hydrogens = site.atoms.get_all_distances(mic=True)[np.ix_(site.atoms.numbers == 1, site.atoms.numbers == 1)]
    assert hydrogens[hydrogens > 0].min() > 1.7


def _around_the_metal(site: ActiveSite) -> list[int]:
    """Atoms of the porphyrin and of the two zigzag edges that it is fused to."""
    return [
        atom
        for atom, distance in enumerate(site.atoms.get_distances(site.metals[0], range(len(site.atoms)), mic=True))
        if distance < 6.3
    ]


RELAXED = [
    # entry, multiplicity, donors after GFN1-xTB (Å)
    ({"family": "BN", "metals": "Co", "vacancy": "N"}, 1, (1.85, 2.10)),
    ({"family": "CTF", "metals": "Ni"}, 1, (1.85, 2.15)),
    ({"family": "porphyrin-sheet", "metals": "Fe"}, 3, (1.95, 2.10)),
    ({"family": "porphyrin-graphene", "metals": "Ni"}, 1, (1.93, 2.05)),
    ({"family": "graphdiyne", "metals": "Ni", "supercell": "1x2"}, 1, (1.80, 2.02)),
    # GFN1 pulls the metal towards the middle of a wide pocket; how far it really goes is for DFT to say
    ({"family": "C2N", "metals": "Ni", "supercell": "1x2"}, 1, (1.85, 2.30)),
    ({"family": "g-C3N4", "metals": "Ni"}, 1, (1.85, 2.45)),
]


@pytest.mark.slow
@pytest.mark.xtb
@pytest.mark.parametrize(("entry", "multiplicity", "window"), RELAXED, ids=[entry["family"] for entry, *_ in RELAXED])
def test_a_relaxed_site_stays_intact(entry, multiplicity, window):
    from ase.optimize import BFGS
    from tblite.ase import TBLite

    (recipe,) = catalog.recipes(entry)
    site = catalog.build(recipe)
    atoms = site.atoms.copy()
    atoms.rattle(0.03, seed=1)
    atoms.calc = TBLite(method="GFN1-xTB", multiplicity=multiplicity, spin_polarization=1.0, verbosity=0)
    with BFGS(atoms, logfile=None, maxstep=0.1) as optimizer:
        assert optimizer.run(fmax=0.1, steps=80)
    assert judge_clean(site, atoms).verdict is Verdict.INTACT
    found = atoms.get_distances(site.metals[0], list(site.donors[0]), mic=True)
    assert window[0] < found.min()
    assert found.max() < window[1]
    assert np.ptp(np.delete(atoms.positions[:, 2], site.metals)) < 0.6
