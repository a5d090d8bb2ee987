from __future__ import annotations

import itertools
import json
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import yaml
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st

from atomsieve.analysis.pictures import draw
from atomsieve.builders import catalog
from atomsieve.builders.catalog import build, check, families, recipes
from atomsieve.builders.family import TRANSITION_METALS, stretch
from atomsieve.builders.validation import validate
from atomsieve.structures.errors import BuildError, InputError
from atomsieve.structures.site import ActiveSite

COORDINATIONS = ("N4", "N3C1", "N2C2-trans", "N2C2-cis5", "N2C2-cis6", "N3")
metals = st.sampled_from(TRANSITION_METALS)
coordinations = st.sampled_from(COORDINATIONS)
supercells = st.tuples(st.integers(3, 6), st.integers(3, 6)).map(lambda nm: f"{nm[0]}x{nm[1]}")


def sheet(metal="Co", coordination="N4", supercell="4x4", lattice_constant=2.46, vacuum=15.0) -> ActiveSite:
    return build(
        {
            "family": "graphene",
            "schema": 2,
            "metals": [metal],
            "coordination": coordination,
            "supercell": "x".join(sorted(supercell.split("x"), key=int)),
            "lattice_constant": lattice_constant,
            "strain": 0.0,
            "vacuum": vacuum,
            "dopants": "none",
            "axial": "none",
        }
    )


def porphine(metal="Co") -> ActiveSite:
    return build({"family": "porphine", "schema": 1, "metals": [metal], "axial": "none"})


def all_distances(site: ActiveSite) -> np.ndarray:
    return site.atoms.get_all_distances(mic=True)


def fingerprint(numbers: np.ndarray, distances: np.ndarray) -> Counter:
    """All pairs of elements with their distance to 0.001 Å: the same for the same structure in any orientation."""
    return Counter(
        (*sorted((int(numbers[i]), int(numbers[j]))), round(float(distances[i, j]), 3))
        for i, j in itertools.combinations(range(len(numbers)), 2)
    )


# -- graphene ---------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=150)
@given(metals, coordinations, supercells, st.floats(2.3, 2.6), st.floats(15.0, 40.0))
def test_a_sheet_is_what_its_recipe_says(metal, coordination, supercell, lattice_constant, vacuum):
    site = sheet(metal, coordination, supercell, lattice_constant, vacuum)
    n, m = sorted(int(part) for part in supercell.split("x"))
    pore = {"N4": (2, 4), "N3C1": (2, 3), "N3": (1, 3)}.get(coordination, (2, 2))
    assert Counter(site.atoms.symbols) == {"C": 2 * n * m - pore[0] - pore[1], "N": pore[1], metal: 1}
    assert site.charge == 0
    assert site.kind == "sheet"
    assert site.metals == (len(site.atoms) - 1,)
    assert site.metal_symbols == (metal,)

    # the donors are the nearest atoms of the metal, and are the elements that the name says
    distances = all_distances(site)
    (donors,) = site.donors
    nearest = np.argsort(distances[-1])[1 : len(donors) + 1]
    assert set(nearest) == set(donors)
    assert Counter(site.atoms.symbols[list(donors)])["N"] == pore[1]
    assert np.ptp(distances[-1, list(donors)]) < 1e-9
    assert distances[-1, nearest[-1]] < np.sort(distances[-1])[len(donors) + 1] - 0.4

    # bonds: every atom of the sheet keeps its three neighbours or has lost one to the hole, and got the metal for it
    bonded = Counter(itertools.chain.from_iterable(site.bonds))
    assert all(i < j for i, j in site.bonds)
    assert len(set(site.bonds)) == len(site.bonds)
    assert bonded[len(site.atoms) - 1] == len(donors)
    assert all(bonded[atom] == 3 for atom in range(len(site.atoms) - 1))
    listed = {frozenset(bond) for bond in site.bonds}
    close = {frozenset((int(i), int(j))) for i, j in np.argwhere(distances[:-1, :-1] < 1.75) if i != j}
    assert close == {pair for pair in listed if len(site.atoms) - 1 not in pair}

    # the sheet lies in the middle, and so does the metal unless it is raised
    heights = site.atoms.positions[:, 2]
    assert np.allclose(heights[:-1], vacuum / 2)
    assert (heights[-1] > vacuum / 2 + 0.8) == (coordination == "N3")
    assert np.allclose(site.atoms.get_scaled_positions()[-1, :2], 0.5)
    assert site.atoms.cell.cellpar() == pytest.approx([n * lattice_constant, m * lattice_constant, vacuum, 90, 90, 120])
    fractions = site.atoms.get_scaled_positions(wrap=False)
    assert fractions.min() > -1e-6
    assert fractions.max() < 1.0


@settings(deadline=None, max_examples=60)
@given(metals, coordinations, supercells)
def test_a_build_is_deterministic_and_keeps_its_host(metal, coordination, supercell):
    first = sheet(metal, coordination, supercell)
    first.atoms.positions += 1.0  # a site that is spoilt must not spoil the next
    first.recipe["metals"].append("Fe")
    second, third = sheet(metal, coordination, supercell), sheet(metal, coordination, supercell)
    assert (second.atoms.positions == third.atoms.positions).all()
    assert second.atoms == third.atoms
    assert second.to_dict() == third.to_dict()
    assert ActiveSite.from_dict(second.to_dict()).key == second.key


def test_keys_tell_recipes_apart_and_nothing_else():
    entry = {
        "family": "graphene",
        "metals": ["Co", "Fe"],
        "coordination": ["N4", "N2C2", "N3"],
        "supercell": ["4x4", "4x5"],
        "lattice_constant": [2.46, 2.47],
        "vacuum": [15, 20.5],
    }
    sites = [build(recipe) for recipe in recipes(entry)]
    assert len({site.key for site in sites}) == len({site.label for site in sites}) == len(sites) == 2 * 5 * 2 * 2 * 2
    for site in sites[:4]:
        backwards = dict(reversed(list(site.recipe.items())))
        assert build(backwards).key == site.key
        whole = {key: int(value) if value == 15.0 else value for key, value in site.recipe.items()}
        assert build(whole).key == site.key
    assert porphine("Co").key != porphine("Ni").key


def test_labels_and_recipe_of_the_defaults():
    site = sheet()
    assert site.label == "Co-N4@graphene-4x4"
    assert site.recipe == {
        "family": "graphene",
        "schema": 2,
        "metals": ["Co"],
        "coordination": "N4",
        "supercell": "4x4",
        "lattice_constant": 2.46,
        "strain": 0.0,
        "vacuum": 15.0,
        "dopants": "none",
        "axial": "none",
    }
    assert list(recipes({"family": "graphene", "metals": "Co"})) == [site.recipe]
    assert sheet(vacuum=20.0, lattice_constant=2.45).label == "Co-N4@graphene-4x4-a2.45-c20"
    assert porphine().label == "Co-porphine"


def test_geometry_of_the_usual_sites():
    # bands for 3d metals in double and single vacancies: 1.85-1.95 Å; 1.78-1.90 Å at a height of 0.9-1.3 Å
    for metal in ("Mn", "Fe", "Co", "Ni", "Cu", "Zn"):
        flat, raised = sheet(metal), sheet(metal, "N3")
        assert np.all(np.abs(all_distances(flat)[-1, list(flat.donors[0])] - 1.90) < 0.05)
        assert np.all(np.abs(all_distances(raised)[-1, list(raised.donors[0])] - 1.84) < 0.06)
        assert 0.9 < raised.atoms.positions[-1, 2] - 7.5 < 1.3
    assert stretch("Co") == 0.0
    assert stretch("Ni") == 0.0
    assert 0.0 < stretch("Fe") < stretch("Mn") < stretch("Sc") < stretch("Y") == 0.12


def rings(site: ActiveSite, first: int, second: int) -> int:
    """Return the size of the smallest ring that holds the metal and two of its donors."""
    metal = site.metals[0]
    neighbours: dict[int, set[int]] = {}
    for i, j in site.bonds:
        if metal not in (i, j):
            neighbours.setdefault(i, set()).add(j)
            neighbours.setdefault(j, set()).add(i)
    seen, front, steps = {first}, {first}, 0
    while second not in front:
        front = {there for here in front for there in neighbours[here]} - seen
        seen |= front
        steps += 1
    return steps + 2


@pytest.mark.parametrize(("coordination", "size"), [("N2C2-cis5", 5), ("N2C2-cis6", 6)])
def test_the_cis_isomers_share_the_ring_in_their_name(coordination, size):
    site = sheet(coordination=coordination)
    first, second = (donor for donor in site.donors[0] if site.atoms.symbols[donor] == "N")
    assert rings(site, first, second) == size
    trans = sheet(coordination="N2C2-trans")
    first, second = (donor for donor in trans.donors[0] if trans.atoms.symbols[donor] == "N")
    assert trans.atoms.get_angle(first, trans.metals[0], second, mic=True) == pytest.approx(180.0, abs=1e-4)


def test_no_other_isomers_exist():
    """Occupy the rim of the double vacancy in every way and see which are the same."""
    plain = sheet(coordination="N4")
    distances, (donors,) = all_distances(plain), plain.donors
    classes: dict[int, set[frozenset]] = {}
    for nitrogen in itertools.product((False, True), repeat=4):
        numbers = plain.atoms.numbers.copy()
        numbers[list(donors)] = [7 if is_nitrogen else 6 for is_nitrogen in nitrogen]
        found = frozenset(fingerprint(numbers, distances).items())
        classes.setdefault(sum(nitrogen), set()).add(found)
    assert {number: len(found) for number, found in classes.items()} == {0: 1, 1: 1, 2: 3, 3: 1, 4: 1}

    for number, names in ((2, [name for name in COORDINATIONS if name.startswith("N2C2")]), (3, ["N3C1"]), (4, ["N4"])):
        built = {frozenset(fingerprint(s.atoms.numbers, all_distances(s)).items()) for s in map(of_coordination, names)}
        assert built == classes[number]


def of_coordination(name: str) -> ActiveSite:
    return sheet(coordination=name)


def test_a_cell_and_its_transpose_hold_the_same_site():
    one, other = sheet(supercell="3x5", coordination="N2C2-cis6"), sheet(supercell="5x3", coordination="N2C2-cis6")
    near = [np.sort(all_distances(site)[-1])[:10] for site in (one, other)]
    assert np.allclose(near[0], near[1])


# -- porphine ---------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=29)
@given(metals)
def test_a_porphine_is_planar_and_fourfold(metal):
    site = porphine(metal)
    atoms = site.atoms
    assert Counter(atoms.symbols) == {"C": 20, "H": 12, "N": 4, metal: 1}
    assert site.kind == "cluster"
    assert not atoms.pbc.any()
    assert np.allclose(atoms.positions[:, 2], 0.0)
    assert site.metals == (36,)
    (donors,) = site.donors
    assert set(atoms.symbols[list(donors)]) == {"N"}
    lengths = atoms.get_distances(36, list(donors))
    assert np.ptp(lengths) < 1e-12
    assert 1.93 <= lengths[0] <= 2.10

    def image(matrix: np.ndarray) -> bool:
        moved = Atoms(atoms.numbers, atoms.positions @ matrix.T)
        gaps = np.linalg.norm(moved.positions[:, None] - atoms.positions, axis=-1)
        nearest = gaps.argmin(axis=1)
        return bool(gaps.min(axis=1).max() < 1e-9 and (atoms.numbers[nearest] == atoms.numbers).all())

    assert image(np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]))
    assert image(np.diag([1.0, -1.0, 1.0]))

    bonded = Counter(itertools.chain.from_iterable(site.bonds))
    valence = {"C": 3, "N": 3, "H": 1, metal: 4}
    assert all(bonded[atom] == valence[atoms.symbols[atom]] for atom in range(37))
    distances = atoms.get_all_distances()
    close = {(int(i), int(j)) for i, j in np.argwhere(distances[:36, :36] < 1.7) if i < j}
    assert close == {bond for bond in site.bonds if 36 not in bond}


@pytest.mark.xtb
def test_nickel_porphine_barely_moves_in_a_relaxation():
    from ase.optimize import BFGS
    from tblite.ase import TBLite

    site = porphine("Ni")
    atoms = site.atoms.copy()
    atoms.rattle(0.02, seed=1)
    atoms.calc = TBLite(method="GFN1-xTB", multiplicity=1, verbosity=0)
    assert BFGS(atoms, logfile=None).run(fmax=0.05, steps=100)
    first, second = np.array(site.bonds).T
    before, after = site.atoms.get_all_distances()[first, second], atoms.get_all_distances()[first, second]
    assert np.abs(after - before).max() < 0.05
    centred = atoms.positions - atoms.positions.mean(axis=0)
    assert np.linalg.svd(centred)[1][2] / np.sqrt(len(atoms)) < 0.1
    assert np.all(np.abs(atoms.get_distances(36, list(site.donors[0])) - 1.975) < 0.045)


# -- catalog ----------------------------------------------------------------------------------------------------------


def test_an_entry_means_every_combination_in_the_order_of_the_file():
    entry = {
        "supercell": ["5x5", "4 X 4", "5×5"],
        "family": "graphene",
        "coordination": ["N2C2", "N4", "N2C2-trans"],
        "metals": ["Ni", "Co", "Ni"],
    }
    assert check(entry) == []
    found = [(r["metals"][0], r["coordination"], r["supercell"]) for r in recipes(entry)]
    assert found == [
        (metal, coordination, supercell)
        for metal in ("Ni", "Co")
        for coordination in ("N2C2-cis5", "N2C2-trans", "N2C2-cis6", "N4")
        for supercell in ("5x5", "4x4")
    ]
    assert len(list(recipes(entry))) == len(found) == 16


@pytest.mark.parametrize("family", ["graphene", "porphine"])
def test_what_two_entries_share_comes_once(family):
    first, second = {"family": family, "metals": ["Co", "Fe"]}, {"family": family, "metals": ["Ni", "Fe"]}
    assert [recipe["metals"] for recipe in recipes(first, second)] == [["Co"], ["Fe"], ["Ni"]]
    with pytest.raises(InputError, match="unknown metal 'Xx'"):
        recipes(first, {"family": family, "metals": "Xx"})


def test_recipes_come_lazily_and_are_not_shared():
    entry = {
        "family": "graphene",
        "metals": list(TRANSITION_METALS),
        "coordination": list(COORDINATIONS),
        "supercell": [f"{n}x{m}" for n in range(3, 13) for m in range(3, 13)],
        "vacuum": [15 + 0.01 * step for step in range(100)],
    }
    first, second = itertools.islice(recipes(entry), 2)
    first["metals"].append("Fe")
    assert second["metals"] == ["Sc"]


@pytest.mark.parametrize("name", list(families()))
def test_every_family_lists_what_its_recipes_hold(name):
    family = families()[name]
    assert family.name == name
    assert family.examples
    assert all(parameter.allowed and parameter.title for parameter in family.parameters.values())
    labels = set()
    for example in family.examples:
        entry = {"family": name, **example}
        assert check(entry) == []
        (recipe,) = recipes(entry)
        assert list(recipe) == ["family", "schema", *family.parameters]
        site = build(recipe)
        assert site.recipe == recipe
        assert build(json.loads(json.dumps(recipe))).to_dict() == site.to_dict()
        assert ActiveSite.from_dict(json.loads(json.dumps(site.to_dict()))).to_dict() == site.to_dict()
        labels.add(site.label)
    assert len(labels) == len(family.examples)


MALFORMED = [
    ("[]", {"": "is not an entry"}),
    ("metals: Co", {"family": "is missing; allowed: graphene, graphene-dual"}),
    ("{family: grafene, metals: Co}", {"family": "unknown family 'grafene' (did you mean 'graphene'?)"}),
    ("{family: [graphene], metals: Co}", {"family": "unknown family ['graphene']"}),
    ("{family: graphene}", {"metals": "is missing"}),
    ("{family: graphene, metals: }", {"metals": "is empty"}),
    ("{family: graphene, metals: []}", {"metals": "is empty"}),
    ("{family: graphene, metals: Feo}", {"metals": "unknown metal 'Feo' (did you mean 'Fe'?)"}),
    ("{family: graphene, metals: [Fe, co]}", {"metals[1]": "unknown metal 'co' (did you mean 'Co'?)"}),
    ("{family: graphene, metals: [CO]}", {"metals[0]": "unknown metal 'CO' (did you mean 'Co'?)"}),
    ("{family: graphene, metals: [iron]}", {"metals[0]": "unknown metal 'iron' (did you mean 'Fe'?)"}),
    ("{family: graphene, metals: [No]}", {"metals[0]": "false is no metal: YAML reads No"}),
    ("{family: graphene, metals: on}", {"metals": "true is no metal: YAML reads No"}),
    ("{family: graphene, metals: ['No']}", {"metals[0]": "No is not a transition metal of groups 3 to 12"}),
    ("{family: graphene, metals: [Al, La]}", {"metals[0]": "Al is not a transition", "metals[1]": "La is not a"}),
    ("{family: graphene, metals: 26}", {"metals": "26 is no metal; write one chemical symbol"}),
    ("{family: graphene, metals: [[Fe, Co]]}", {"metals[0]": "['Fe', 'Co'] is not one value"}),
    ("{family: graphene, metals: [Fe, ~]}", {"metals[1]": "None is not one value"}),
    ("{family: graphene, metals: X}", {"metals": "unknown metal 'X'"}),
    (
        "{family: graphene, metal: Fe}",
        {"metal": "unknown key 'metal' (did you mean 'metals'?)", "metals": "is missing"},
    ),
    ("{family: porphine, metals: Fe, supercell: 4x4}", {"supercell": "unknown key 'supercell'"}),
    ("{family: graphene, metals: Fe, 3: 4}", {"3": "unknown key 3"}),
    (
        "{family: graphene, metals: Fe, coordination: N5}",
        {"coordination": "'N5' names 5 atoms; write 3 (single vacancy) or 4"},
    ),
    ("{family: graphene, metals: Fe, coordination: n4}", {"coordination": "'n4' is not a coordination; write"}),
    ("{family: graphene, metals: Fe, supercell: 2x4}", {"supercell": "2x4 is too small: the site would touch"}),
    ("{family: graphene, metals: Fe, supercell: 4x13}", {"supercell": "4x13 is too large; write at most 12x12"}),
    ("{family: graphene, metals: Fe, supercell: 4}", {"supercell": "4 is not a supercell; write"}),
    ("{family: graphene, metals: Fe, supercell: 4x4x1}", {"supercell": "'4x4x1' is not a supercell"}),
    ("{family: graphene, metals: Fe, supercell: [4, 4]}", {"supercell[0]": "4 is not", "supercell[1]": "4 is not"}),
    ("{family: graphene, metals: Fe, vacuum: 14}", {"vacuum": "14 is out of bounds; allowed: 15 to 40 Å"}),
    ("{family: graphene, metals: Fe, vacuum: '15'}", {"vacuum": "'15' is not a number"}),
    ("{family: graphene, metals: Fe, vacuum: yes}", {"vacuum": "True is not a number"}),
    ("{family: graphene, metals: Fe, vacuum: .nan}", {"vacuum": "nan is out of bounds"}),
    ("{family: graphene, metals: Fe, lattice_constant: 2.7}", {"lattice_constant": "allowed: 2.3 to 2.6 Å"}),
    (
        "{family: graphene, metals: [Feo], supercell: 2x2, vacuum: 3, colour: red}",
        {"colour": "unknown key", "metals[0]": "unknown metal", "supercell": "too small", "vacuum": "out of bounds"},
    ),
]


@pytest.mark.parametrize(("text", "expected"), MALFORMED, ids=[text for text, _ in MALFORMED])
def test_a_malformed_entry_says_everything_that_is_wrong(text, expected):
    entry = yaml.safe_load(text)
    problems = check(entry)
    assert [problem.path for problem in problems] == list(expected)
    for problem in problems:
        assert expected[problem.path] in problem.message
    with pytest.raises(InputError) as caught:
        recipes(entry)
    assert str(caught.value) == "\n".join(map(str, problems))
    with pytest.raises(InputError):
        len(list(recipes(entry)))


WRONG_RECIPES = [
    ({"family": "grafene"}, "did you mean 'graphene'"),
    ({"family": None}, "unknown family None"),
    ({"schema": 1}, "the recipe has schema 1, but graphene is built by schema 2"),
    ({"metals": "Co"}, r"metals is 'Co' in the recipe; there it is written \['Co'\]"),
    ({"metals": ["Co", "Fe"]}, r"\['Co', 'Fe'\] is no metal"),
    ({"coordination": "N2C2"}, "'N2C2-cis5' or 'N2C2-trans' or 'N2C2-cis6'"),
    ({"supercell": "4 x 4"}, "there it is written '4x4'"),
    ({"colour": "red"}, "unknown parameter of graphene 'colour'"),
    ({"vacuum": None}, "None is not a number"),
]


@pytest.mark.parametrize(("change", "message"), WRONG_RECIPES)
def test_a_wrong_recipe_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        build({**sheet().recipe, **change})


def test_a_recipe_writes_out_every_parameter():
    recipe = {key: value for key, value in sheet().recipe.items() if key != "vacuum"}
    with pytest.raises(InputError, match="the recipe lacks 'vacuum'"):
        build(recipe)


# -- validation -------------------------------------------------------------------------------------------------------


def moved(site: ActiveSite, atom: int, vector: tuple[float, float, float]) -> ActiveSite:
    positions = site.atoms.positions.copy()
    positions[atom] += vector
    return site.with_positions(positions)


def valid(site: ActiveSite) -> None:
    validate(site, families()[site.family])


def test_a_clash_is_named():
    site = sheet()
    metal = site.metals[0]
    carbon = next(i for i in range(metal) if min(all_distances(site)[i, [0, metal]]) > 4)
    there = site.atoms.positions[carbon] - site.atoms.positions[0] + (0.0, 0.0, 0.9)
    with pytest.raises(BuildError, match=rf"C0 and C{carbon} are 0.90 Å apart; at least 1.10 Å"):
        valid(moved(site, 0, tuple(there)))


def test_a_clash_across_the_border_of_the_cell_is_seen():
    site = sheet()
    distances = all_distances(site)
    metal = site.metals[0]
    straight = site.atoms.get_all_distances(mic=False)
    i, j = next((i, j) for i, j in site.bonds if straight[i, j] > 4 and metal not in (i, j))
    vector = site.atoms.get_distance(i, j, mic=True, vector=True)
    with pytest.raises(BuildError, match="apart; at least"):
        valid(moved(site, i, tuple(vector * (1 - 0.9 / distances[i, j]))))


def test_hydrogen_may_be_closer_than_heavy_atoms():
    site = porphine()
    bond = next((i, j) for i, j in site.bonds if site.atoms.symbols[j] == "H")
    vector = site.atoms.positions[bond[1]] - site.atoms.positions[bond[0]]
    valid(moved(site, bond[1], tuple(-0.1 * vector)))
    with pytest.raises(BuildError, match=r"apart; at least 0.85 Å"):
        valid(moved(site, bond[1], tuple(-0.3 * vector)))


def test_a_metal_that_left_and_a_bond_that_broke_are_named():
    with pytest.raises(BuildError, match=r"Co30 and its donor N\d+ are 2.\d\d Å apart; allowed: 1.68 to 2.18 Å"):
        valid(moved(sheet(), 30, (0.0, 0.0, 1.6)))
    with pytest.raises(BuildError, match=r"the bond C0-C\d+ is \d.\d\d Å long; allowed: 1.17 to 1.75 Å"):
        valid(moved(sheet(), 0, (0.0, 0.0, 1.5)))
    with pytest.raises(BuildError, match="no numbers"):
        valid(moved(sheet(), 0, (float("nan"), 0.0, 0.0)))


def test_a_wrong_formula_is_named():
    site = sheet()
    site.atoms.numbers[0] = 7
    with pytest.raises(BuildError, match="the formula is C25Co1N5; the recipe gives C26Co1N4"):
        valid(site)
    site = porphine()
    with pytest.raises(BuildError, match="the recipe gives C20Fe1H12N4"):
        valid(ActiveSite(**{**vars(site), "recipe": {**site.recipe, "metals": ["Fe"]}}))
    with pytest.raises(BuildError, match="the metals are C; the recipe gives Co"):
        valid(ActiveSite(**{**vars(site), "metals": (0,)}))
    with pytest.raises(BuildError, match="has no donors"):
        valid(ActiveSite(**{**vars(site), "donors": ((),)}))


def test_a_charge_that_does_not_add_up_and_a_spin_that_cannot_be_are_named():
    site = porphine("Co")
    valid(replace(site, ledger={"Co2+": 2, "porphyrinate": -2}, multiplicity=2))
    with pytest.raises(BuildError, match=r"the charge is \+0, but its parts come to Co3\+ \+3, porphyrinate -2"):
        valid(replace(site, ledger={"Co3+": 3, "porphyrinate": -2}))
    with pytest.raises(BuildError, match="187 electrons cannot have the multiplicity 1"):
        valid(replace(site, multiplicity=1))


def test_atoms_that_are_near_must_be_bonded():
    site = porphine("Co")
    hydrogens = [bond for bond in site.bonds if site.atoms.symbols[bond[1]] == "H"]
    with pytest.raises(BuildError, match="apart; at least"):
        valid(replace(site, bonds=tuple(bond for bond in site.bonds if bond != hydrogens[0])))


def test_a_builder_that_errs_is_caught(monkeypatch):
    """The catalog checks what comes out of a family, whatever the family thinks of it."""
    family = families()["porphine"]

    def broken(values):
        site = family.build(values)
        return moved(site, 36, (0.5, 0.0, 0.0))

    replaced = replace(family, build=broken)
    monkeypatch.setattr(catalog, "_FAMILIES", {**families(), "porphine": replaced})
    with pytest.raises(BuildError, match=r"allowed: 1\.88 to 2\.15"):
        porphine()


def test_a_picture_joins_what_the_site_calls_bonded(tmp_path):
    """The metal of a triangle is as near to carbons of the hole as to its nitrogens: they are no bonds of it."""
    site = build(next(recipes({"family": "graphene-triple", "metals": "Fe-Fe-Fe"})))
    by_bonds = draw(site.atoms, tmp_path / "bonds.svg", bonds=site.bonds).read_text()
    by_distance = draw(site.atoms, tmp_path / "distance.svg").read_text()
    assert by_distance.count("LineCollection") == by_bonds.count("LineCollection")
    assert by_distance.count("<path") > by_bonds.count("<path")


def test_building_is_fast():
    sheet()
    start = time.perf_counter()
    for _ in range(50):
        sheet()
    assert (time.perf_counter() - start) / 50 < 0.01  # about 0.3 ms; the rest is room for a busy machine


# -- pictures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".png", ".svg"])
@pytest.mark.parametrize("site", [sheet("Fe", "N3", "3x4"), porphine()], ids=["sheet", "porphine"])
def test_a_picture_is_drawn_the_same_each_time(tmp_path, site, suffix):
    path = draw(site.atoms, tmp_path / "new" / f"site{suffix}", title=site.label)
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG" if suffix == ".png" else b"<?xml")
    assert len(content) > 5000
    assert draw(site.atoms, tmp_path / f"again{suffix}", title=site.label).read_bytes() == content
    assert draw(site.atoms[:-1], tmp_path / f"less{suffix}", title=site.label).read_bytes() != content


def test_what_cannot_be_drawn_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"'site.pdf' cannot be drawn; allowed: names that end in .png or .svg"):
        draw(porphine().atoms, tmp_path / "site.pdf")
    with pytest.raises(InputError, match="no atoms"):
        draw(Atoms(), tmp_path / "site.png")
