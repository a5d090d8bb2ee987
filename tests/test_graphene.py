"""Graphene: what is built, that nothing is built twice, and that the counts are those of group theory."""

from __future__ import annotations

import itertools
from collections import Counter
from functools import cache

import numpy as np
import pytest
from ase import Atom, Atoms
from hypothesis import given, settings
from hypothesis import strategies as st

from atomsieve.builders.catalog import build, check, recipes
from atomsieve.builders.families.graphene import strains
from atomsieve.builders.families.graphene_pair import pairs
from atomsieve.builders.family import TRANSITION_METALS
from atomsieve.builders.lattices import vacancies
from atomsieve.builders.lattices.honeycomb import Honeycomb, honeycomb
from atomsieve.builders.placement import poses
from atomsieve.builders.poses.faces import open_directions
from atomsieve.structures.errors import InputError
from atomsieve.structures.site import ActiveSite

ELEMENTS = vacancies.RIM_ELEMENTS


def entry(family="graphene", metals="Co", **values):
    return {"family": family, "metals": metals, **values}


def sites(**values) -> list[ActiveSite]:
    return [build(recipe) for recipe in recipes(entry(**values))]


def one(**values) -> ActiveSite:
    (site,) = sites(**values)
    return site


def bond_lengths(site: ActiveSite, metal: int = 0) -> np.ndarray:
    return site.atoms.get_distances(site.metals[metal], list(site.donors[metal]), mic=True)


def fingerprint(atoms: Atoms) -> tuple:
    """Element-labelled distances of every atom to all others, sorted: the same for symmetry copies alone."""
    distances = np.round(atoms.get_all_distances(mic=True), 4)
    rows = (
        (int(number), tuple(sorted(zip(atoms.numbers.tolist(), row.tolist(), strict=True))))
        for number, row in zip(atoms.numbers, distances, strict=True)
    )
    return tuple(sorted(rows))


@cache
def multisets(size: int, number: int) -> tuple[str, ...]:
    return tuple(
        vacancies.written(Counter(chosen))
        for chosen in itertools.combinations_with_replacement(ELEMENTS[:number], size)
    )


# -- first shell ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "elements", "expected"),
    [
        # Burnside's lemma: (k^4 + 3 k^2) / 4 for the four places around a double vacancy (C2v), and
        # (k^3 + 3 k^2 + 2 k) / 6 for the three around a single one (C3v), with k elements to choose from
        (4, 2, 7),
        (4, 6, 351),
        (3, 2, 4),
        (3, 6, 56),
    ],
)
def test_first_shells_of_one_metal_are_counted_by_burnside(size, elements, expected):
    names = [name for wanted in multisets(size, elements) for name in vacancies.arrangements(1, wanted)]
    assert len(names) == len(set(names)) == expected


@pytest.mark.parametrize(
    ("family", "coordination", "alike", "different"),
    [
        # k = 2 around two metals: all 2^6 where they differ, (2^6 + 2^3) / 2 where a rotation exchanges them
        ("graphene-dual", multisets(6, 2), 36, 64),
        # chain of three: (2^8 + 2^4) / 2; three different metals have three orders up to the rotation, of 2^8 each
        ("graphene-triple", multisets(8, 2), 136, 768),
        # triangle above a missing hexagon (C3v): (2^6 + 3 * 2^3 + 2 * 2^2) / 6; all 2^6 for different metals
        ("graphene-triple", multisets(6, 2), 16, 64),
    ],
)
def test_first_shells_of_several_metals_are_counted_by_burnside(family, coordination, alike, different):
    number = 2 if family == "graphene-dual" else 3
    for metals, expected in (("-".join(["Fe"] * number), alike), ("-".join(("Fe", "Co", "Ni")[:number]), different)):
        found = list(recipes(entry(family, metals, coordination=list(coordination), supercell="8x8")))
        assert len(found) == expected


def test_occupations_that_are_told_apart_are_different_and_the_same_once_named():
    found = sites(coordination=["N2C2", "N2S2", "N2C1S1", "N1O1S1P1", "N3C1"], supercell="6x6")
    assert len({fingerprint(site.atoms) for site in found}) == len({site.label for site in found}) == len(found) == 16


def test_isomers_are_what_their_names_say():
    """The rings that the metal closes: two carbons between cis5 neighbours, three between cis6 ones."""
    import networkx

    for name, ring in (("N2C2-cis5", 5), ("N2C2-cis6", 6)):
        site = one(coordination=name, supercell="5x5")
        carbons = [donor for donor in site.donors[0] if site.atoms.symbols[donor] == "C"]
        graph = networkx.Graph([bond for bond in site.bonds if site.metals[0] not in bond])
        assert networkx.shortest_path_length(graph, *carbons) + 2 == ring
    trans = one(coordination="N2C2-trans", supercell="5x5")
    carbons = [donor for donor in trans.donors[0] if trans.atoms.symbols[donor] == "C"]
    assert trans.atoms.get_angle(carbons[0], trans.metals[0], carbons[1], mic=True) == pytest.approx(180)


@pytest.mark.parametrize(
    ("coordination", "bands"),
    [
        # Å; 3d metals in the plane, above a single vacancy, and beside S, P (relaxed: 2.17, 2.16), O and B
        ("N4", {"N": (1.85, 1.95)}),
        ("N3", {"N": (1.78, 1.90)}),
        ("N3S1", {"N": (1.82, 1.95), "S": (2.05, 2.30)}),
        ("N3P1", {"N": (1.82, 1.95), "P": (2.05, 2.30)}),
        ("N2S2", {"N": (1.82, 1.95), "S": (2.05, 2.30)}),
        ("N3O1", {"N": (1.82, 1.95), "O": (1.85, 2.00)}),
        ("N3B1", {"N": (1.82, 1.95), "B": (1.85, 2.10)}),
        ("N2S1", {"N": (1.78, 1.90), "S": (2.05, 2.30)}),
    ],
)
def test_bond_lengths_of_first_shells(coordination, bands):
    for metal in ("Mn", "Fe", "Co", "Ni", "Cu", "Zn"):
        for site in sites(metals=metal, coordination=coordination, supercell="6x6"):
            for donor, length in zip(site.donors[0], bond_lengths(site), strict=True):
                low, high = bands[site.atoms.symbols[donor]]
                assert low <= length <= high
            if len(site.donors[0]) == 3:
                height = site.atoms.positions[site.metals[0], 2] - 7.5
                assert 0.9 < height < 1.3


@settings(deadline=None, max_examples=80)
@given(
    st.sampled_from(TRANSITION_METALS),
    st.sampled_from(multisets(4, 6) + multisets(3, 6)),
    st.sampled_from(["5x5", "4x6", "rect-5x3", "rect-4x4"]),
    st.sampled_from([0.0, 0.02, "zigzag 0.03", "armchair -0.02"]),
    st.sampled_from(["none", "N@<5", "S@3.7", "P@<4+N@<4"]),
)
def test_every_site_is_sound_and_stands_for_itself(metal, coordination, supercell, strain, dopants):
    """Building validates formula, contacts and bonds; on top of that names are unique and final, and metals open."""
    wanted = entry(
        metals=metal, coordination=coordination, supercell=supercell, strain=strain, dopants=dopants, vacuum=16
    )
    if problems := check(wanted):
        assert {problem.path for problem in problems} <= {"dopants", "supercell"}
        return
    found = list(itertools.islice(recipes(wanted), 6))
    built = [build(recipe) for recipe in found]
    assert len({site.label for site in built}) == len({site.key for site in built}) == len(built)
    for site, recipe in zip(built, found, strict=True):
        assert list(recipes({k: v for k, v in recipe.items() if k != "schema"} | {"metals": metal})) == [recipe]
        assert open_directions(site)


# -- dopants ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("coordination", "supercell", "dopants"),
    [
        ("N4", "4x4", "N@<9"),
        ("N4", "5x5", "B@<9"),
        ("N3C1", "4x4", "N@<9"),
        ("N3", "4x4", "N@<9"),
        ("N4", "rect-3x2", "N@<9"),
        ("N4", "4x5", "N@<9"),
        ("N4", "4x4", "2N@<4"),
        ("N3", "4x4", "2B@<4"),
        ("N4", "4x4", "N@<4+B@<4"),
    ],
)
def test_dopants_are_counted_as_if_each_had_been_built(coordination, supercell, dopants):
    """Every place and pair of places is built by hand, and told apart by all distances."""
    found = sites(coordination=coordination, supercell=supercell, dopants=dopants)
    prints = [fingerprint(site.atoms) for site in found]
    assert len(set(prints)) == len(prints)
    assert len({site.label for site in found}) == len(found)

    bare = one(coordination=coordination, supercell=supercell)
    middle = np.array([0.5, 0.5, 0.5]) @ bare.atoms.cell.array
    limit = float(dopants.split("<")[-1])
    held = {*bare.donors[0], *bare.metals}
    flat = bare.atoms.copy()
    flat.append("X")
    flat.positions[-1] = middle
    ways = flat.get_distances(len(flat) - 1, list(range(len(bare.atoms))), mic=True)
    free = [i for i in range(len(bare.atoms)) if i not in held and ways[i] < limit]
    elements = {"N@<9": [7], "B@<9": [5], "2N@<4": [7, 7], "2B@<4": [5, 5], "N@<4+B@<4": [7, 5]}[dopants]
    by_hand = set()
    for places in itertools.permutations(free, len(elements)):
        numbers = bare.atoms.numbers.copy()
        numbers[list(places)] = elements
        atoms = bare.atoms.copy()
        atoms.numbers[:] = numbers
        by_hand.add(fingerprint(atoms))
    assert set(prints) == by_hand


def test_a_dopant_is_where_its_label_says():
    site = one(metals="Fe", supercell="6x6", dopants="S@4.32")
    assert site.label == "Fe-N4+S(4.32)@graphene-6x6"
    (sulfur,) = [i for i, symbol in enumerate(site.atoms.symbols) if symbol == "S"]
    flat = (site.atoms.positions[sulfur] - site.atoms.positions[site.metals[0]])[:2]
    assert np.linalg.norm(flat) == pytest.approx(4.32, abs=0.01)
    carbons = [next(iter({*bond} - {sulfur})) for bond in site.bonds if sulfur in bond]
    assert site.atoms.get_distances(sulfur, carbons, mic=True) == pytest.approx([1.75] * 3, abs=0.05)


def test_large_elements_are_never_neighbours():
    for site in sites(coordination="N3S1", supercell="6x6", dopants="S@<4"):
        large = [i for i, symbol in enumerate(site.atoms.symbols) if symbol == "S"]
        assert tuple(large) not in site.bonds


# -- pairs ------------------------------------------------------------------------------------------------------------


def beside(lattice: Honeycomb) -> tuple[frozenset[int], list[frozenset[int]]]:
    """The first double vacancy, and by brute force every second one that shares no atom and no bond with it."""
    first = frozenset(lattice.index(spot) for spot in vacancies.DOUBLE.removed)
    rim = around(lattice, first)
    beyond = {int(n) for site in rim for n in lattice.neighbours[site]}
    edges = {frozenset((a, int(b))) for a in range(len(lattice.spots)) for b in lattice.neighbours[a]}
    apart = (edge for edge in edges if not (edge | around(lattice, edge)) & (first | rim))
    return first, [edge for edge in apart if not beyond & around(lattice, edge)]


def around(lattice: Honeycomb, hole: frozenset[int]) -> set[int]:
    return {int(n) for site in hole for n in lattice.neighbours[site]} - hole


def pair_by_hand(
    lattice: Honeycomb, holes: tuple[frozenset[int], ...], metals: tuple[str, ...], strain: tuple[float, float]
) -> Atoms:
    """Two metals in holes of a sheet of which nothing has moved."""
    cell = np.diag([0.0, 0.0, 20.0])
    cell[:2, :2] = lattice.cell(2.46, strain)
    numbers = np.full(len(lattice.spots), 6)
    numbers[[site for hole in holes for site in around(lattice, hole)]] = 7
    places = lattice.fractions(lattice.points) @ cell[:2]
    sheet = Atoms(numbers, places, cell=cell, pbc=True)
    for hole, metal in zip(holes, metals, strict=True):
        a, b = hole
        sheet.append(Atom(metal, places[a] + 0.5 * sheet.get_distance(a, b, mic=True, vector=True)))
    del sheet[sorted(frozenset.union(*holes))]
    return sheet


@pytest.mark.parametrize(
    ("supercell", "strain"),
    [
        ("5x5", 0.0),
        ("6x6", 0.0),
        # no symmetry takes a second hole that is turned onto the first
        ("rect-5x3", 0.0),
        ("4x6", 0.0),
        ("5x5", "zigzag 0.02"),
        ("5x5", "armchair -0.03"),
    ],
)
def test_pairs_are_counted_as_if_each_had_been_built(supercell, strain):
    lattice = honeycomb(supercell)
    first, seconds = beside(lattice)
    for metals in (("Fe", "Fe"), ("Fe", "Co")):
        by_hand = {
            fingerprint(pair_by_hand(lattice, (first, second), order, strains(strain)))
            for second in seconds
            for order in set(itertools.permutations(metals))
        }
        found = sites(
            family="graphene-pair", metals="-".join(metals), supercell=supercell, strain=strain, distance="<12"
        )
        prints = {fingerprint(site.atoms) for site in found}
        assert len(prints) == len({site.label for site in found}) == len(found) == len(by_hand)
        largest = max(map(abs, strains(strain)))
        for site in found:
            unstrained = float(site.recipe["distance"].rstrip("abcdefgh"))
            measured = site.atoms.get_distance(*site.metals, mic=True)
            assert measured == pytest.approx(unstrained, abs=0.01 + largest * unstrained)


def test_all_pairs_of_a_cell_are_there():
    lattice = honeycomb("6x6")
    first, seconds = beside(lattice)
    keeping = lattice.stabilizer(sorted(first), False)
    orbits = 0
    for pattern, _ in pairs("6x6", False).values():
        second = [lattice.index(spot) for spot in pattern.groups[1]]
        orbits += len({frozenset(int(p[site]) for site in second) for p in keeping})
    assert orbits == len(seconds)


# -- several metals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "metals", "values"),
    [
        ("graphene-dual", ("Co", "Fe"), {"coordination": ["N6", "N5C1", "N4C2"]}),
        ("graphene-triple", ("Ni", "Fe", "Co"), {"coordination": ["N6", "N8"], "supercell": "7x7"}),
        ("graphene-pair", ("Cu", "Fe"), {"supercell": "6x6"}),
    ],
)
def test_the_order_of_metals_does_not_matter(family, metals, values):
    sets = [
        {build(recipe).label for recipe in recipes(entry(family, separator.join(order), **values))}
        for order in itertools.permutations(metals)
        for separator in ("-", "")
    ]
    assert all(found == sets[0] for found in sets)


def test_dual_sites_are_as_reported():
    site = one(family="graphene-dual", metals="Fe-Co")
    assert site.label == "FeCo-N6@graphene-5x5"
    # 2.2 to 2.6 Å between the metals, 1.79 to 2.0 Å to the nitrogens
    assert 2.2 < site.atoms.get_distance(*site.metals, mic=True) < 2.6
    for metal in (0, 1):
        assert ((bond_lengths(site, metal) > 1.79) & (bond_lengths(site, metal) < 2.0)).all()
    assert site.metals in site.bonds
    assert {(d.metal, d.face) for d in open_directions(site)} == {
        (m, f) for m in site.metals for f in ("top", "bottom")
    }
    assert poses(site, "O")


def test_triple_sites_are_as_described():
    triangle = one(family="graphene-triple", metals="Fe-Fe-Fe")
    lengths = [triangle.atoms.get_distance(a, b, mic=True) for a, b in itertools.combinations(triangle.metals, 2)]
    assert lengths == pytest.approx([2.4] * 3)
    chain = {
        site.label for site in sites(family="graphene-triple", metals="FeCoNi", coordination="N8", supercell="7x7")
    }
    assert chain == {"FeCoNi-N8@graphene-7x7", "FeNiCo-N8@graphene-7x7", "CoFeNi-N8@graphene-7x7"}


# -- model ------------------------------------------------------------------------------------------------------------


def test_a_mirror_image_of_the_cell_is_the_same_site():
    assert list(recipes(entry(supercell="5x4"))) == list(recipes(entry(supercell="4x5")))
    assert len(list(recipes(entry(supercell=["5x4", "4x5"], coordination=["N4", "N3C1"])))) == 2
    # but not under a strain along one axis, nor for a chain of metals along one of the vectors
    assert len(list(recipes(entry(supercell=["5x4", "4x5"], strain="zigzag 0.02")))) == 2
    assert len(list(recipes(entry("graphene-dual", "Fe-Co", supercell=["5x6", "6x5"])))) == 2


def test_strain_stretches_the_cell_and_the_bonds_of_the_metal():
    bare, both = one(supercell="rect-5x3"), one(supercell="rect-5x3", strain=0.02)
    zigzag, armchair = (
        one(supercell="rect-5x3", strain="zigzag 0.02"),
        one(supercell="rect-5x3", strain="armchair 0.02"),
    )
    assert both.atoms.cell.lengths()[:2] == pytest.approx(1.02 * bare.atoms.cell.lengths()[:2])
    assert zigzag.atoms.cell.lengths() == pytest.approx(bare.atoms.cell.lengths() * (1.02, 1, 1))
    assert armchair.atoms.cell.lengths() == pytest.approx(bare.atoms.cell.lengths() * (1, 1.02, 1))
    assert bare.atoms.cell.lengths() == pytest.approx([5 * 2.46, 3 * np.sqrt(3) * 2.46, 15])
    assert bond_lengths(both) == pytest.approx(1.02 * bond_lengths(bare))
    labels = [site.label.removeprefix("Co-N4@graphene-rect-5x3") for site in (both, zigzag, armchair)]
    assert labels == ["-strain0.02", "-zigzag0.02", "-armchair0.02"]


def test_a_ligand_takes_the_far_face():
    for ligand in ("O", "OH", "Cl", "H2O", "NH3", "imidazole", "CN"):
        site = one(metals="Fe", axial=ligand)
        (binding,) = site.axial[0]
        assert site.label == f"Fe-N4-{ligand}@graphene-4x4"
        assert site.atoms.positions[binding, 2] < site.atoms.positions[site.metals[0], 2] - 1.5
        assert [direction.face for direction in open_directions(site)] == ["top"]
        assert {placement.face for placement, _ in poses(site, "OH")} == {"top"}
    hydroxide = one(metals="Fe", axial="OH")
    # Fe-OH of 1.78 to 1.90 Å
    assert 1.78 < hydroxide.atoms.get_distance(hydroxide.metals[0], hydroxide.axial[0][0]) < 1.90


def test_both_metals_of_a_dual_site_carry_a_ligand():
    for ligand in ("O", "OH", "Cl", "H2O", "NH3", "CN", "CO", "F"):
        for metals in ("Fe-Co", "Y-Hg"):
            for site in sites(family="graphene-dual", metals=metals, axial=ligand):
                assert site.label.endswith(f"-N6-{ligand}@graphene-5x5")
                assert [len(bound) for bound in site.axial] == [1, 1]
                assert {direction.face for direction in open_directions(site)} == {"top"}


REFUSED = [
    (entry(coordination="N3", axial="OH"), "axial", "a metal above a single vacancy has one open face"),
    (
        entry("graphene-dual", "Fe-Co", supercell="3x3"),
        "supercell",
        "3x3 is too small for the hole of this coordination (fused double",
    ),
    (entry("graphene-dual", "Fe-Co", axial="Br"), "axial", "unknown axial ligand 'Br'"),
    (entry("graphene-dual", "Fe"), "metals", "'Fe' names 1 metal(s), but the site has 2; write them as Fe-Co"),
    (entry("graphene-dual", "Fe-Co-Ni"), "metals", "names 3 metal(s), but the site has 2"),
    (entry("graphene-dual", "Fe-Si"), "metals", "Si is not a transition metal"),
    (entry(metals="Fe-Co"), "metals", "'Fe-Co' names several metals, but the site has one"),
    (entry(dopants="O@4.32"), "dopants", "oxygen has two bonds, a carbon of the sheet three"),
    (entry(dopants="S@1.0"), "dopants", "no carbon is at 1 Å from the site; allowed here: 2.56, 3.1"),
    (entry(dopants="S"), "dopants", "'S' is not a dopant; write an element and its distance"),
    (entry(dopants="9N@<6"), "dopants", "names 9 dopants; write at most 4"),
    (entry(coordination="N3F1"), "coordination", "F in 'N3F1' cannot hold a metal; allowed: N, C, O, S, P, B"),
    (entry(coordination="N2C2-cis"), "coordination", "unknown isomer 'N2C2-cis'; allowed: N2C2-cis5"),
    (entry(strain=0.3), "strain", "0.3 is out of bounds; allowed: -0.1 to 0.1"),
    (entry(strain="sideways 0.02"), "strain", "is not a strain; write a number such as 0.02, or zigzag 0.02"),
    (entry(axial="OHH"), "axial", "unknown axial ligand 'OHH' (did you mean 'OH'?)"),
    (entry(supercell="rect-2x2"), "supercell", "rect-2x2 is too small"),
    (entry("graphene-pair", "Fe-Co", distance=1.5), "distance", "no two M-N4 are 1.50 Å apart in 8x8; allowed: 4.92"),
    (entry("graphene-pair", "Fe-Co", supercell="3x3"), "distance", "it is too small for two of them"),
]


@pytest.mark.parametrize(("wrong", "path", "message"), REFUSED, ids=[f"{w['family']} {m}" for w, _, m in REFUSED])
def test_what_makes_no_sense_is_refused_by_its_parameter(wrong, path, message):
    (problem,) = check(wrong)
    assert problem.path == path
    assert message in problem.message
    with pytest.raises(InputError):
        list(recipes(wrong))


# -- for real ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.xtb
@pytest.mark.parametrize(
    ("values", "multiplicity", "bands", "between"),
    [
        # as built from the lattice; M-M of 2.2 to 2.5 Å in fused pairs and chains, less in a triangle of nickel
        ({"metals": "Co", "coordination": "N3S1"}, 1, {"N": (1.78, 2.0), "S": (2.02, 2.30)}, None),
        ({"metals": "Fe", "axial": "OH"}, 1, {"N": (1.86, 1.98), "O": (1.70, 1.95)}, None),
        ({"family": "graphene-dual", "metals": "Fe-Co", "supercell": "4x4"}, 2, {"N": (1.77, 2.05)}, (2.25, 2.50)),
        ({"family": "graphene-triple", "metals": "Ni-Ni-Ni", "supercell": "5x5"}, 1, {"N": (1.9, 2.1)}, (2.0, 2.4)),
        (
            {"family": "graphene-triple", "metals": "Ni-Ni-Ni", "coordination": "N8", "supercell": "5x5"},
            1,
            {"N": (1.8, 2.15)},
            (2.2, 2.5),
        ),
        (
            {"family": "graphene-pair", "metals": "Fe-Co", "distance": 4.92, "supercell": "5x5"},
            2,
            {"N": (1.84, 1.94)},
            (4.8, 5.05),
        ),
    ],
    ids=["N3S1", "axial", "dual", "triangle", "chain", "pair"],
)
def test_a_relaxed_site_stays_intact(values, multiplicity, bands, between):
    from ase.optimize import BFGS
    from tblite.ase import TBLite

    from atomsieve.analysis.verdict import Verdict, judge_clean

    site = one(**values)
    atoms = site.atoms.copy()
    atoms.rattle(0.03, seed=1)
    atoms.calc = TBLite(method="GFN1-xTB", multiplicity=multiplicity, spin_polarization=1.0, verbosity=0)
    with BFGS(atoms, logfile=None, maxstep=0.1) as optimizer:
        assert optimizer.run(fmax=0.08, steps=100)
    assert judge_clean(site, atoms).verdict is Verdict.INTACT
    axial = site.axial or ((),) * len(site.metals)
    for metal, donors, ligands in zip(site.metals, site.donors, axial, strict=True):
        for atom in (*donors, *ligands):
            low, high = bands[site.atoms.symbols[atom]]
            assert low < atoms.get_distance(metal, atom, mic=True) < high
    if between is not None:
        shortest = min(atoms.get_distance(a, b, mic=True) for a, b in itertools.combinations(site.metals, 2))
        assert between[0] < shortest < between[1]
