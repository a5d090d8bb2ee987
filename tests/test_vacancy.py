"""Supports without their metals, with hydrogens in their place, and metals with a second one on top."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.data import covalent_radii
from ase.io import write
from hypothesis import given, settings
from hypothesis import strategies as st

from atomsieve.analysis.verdict import judge_clean
from atomsieve.builders import catalog
from atomsieve.builders.axial import LIGANDS
from atomsieve.builders.bonding import is_metal
from atomsieve.builders.family import TRANSITION_METALS
from atomsieve.builders.spin import start_moments
from atomsieve.builders.spin_starts import starts
from atomsieve.structures.errors import InputError
from atomsieve.structures.judgement import Verdict
from atomsieve.structures.reference import lowest, reference
from atomsieve.structures.site import ActiveSite
from atomsieve.workflows.calculators import calculator
from atomsieve.workflows.flows import SiteFlowMaker
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.jobs import RelaxMaker
from atomsieve.workflows.local import LocalEngine
from atomsieve.workflows.relaxation import settle
from atomsieve.workflows.requests import Policy
from atomsieve.workflows.spins import spin_judge

Recipe = dict[str, Any]
VARIANTS = {"vacant": catalog.vacant, "hydrogenated": catalog.hydrogenated, "stacked": catalog.stacked}
REFUSED = (
    "catecholate", "diimine", "dithiolene", "zr6-node", "paddlewheel", "oxo-trimer", "Zn4O-node", "MFU-4l-node",
    "MOF-74-chain", "pore",
)  # fmt: skip
SHORTEST = {"C": 1.08, "N": 1.01, "O": 0.97, "B": 1.15}
FAST = {"max_steps": 300, "optimizer": "BFGS", "seconds_per_force_call": 0.0}


def of(family: str, metals: str = "Fe", **values: Any) -> Recipe:
    (recipe,) = catalog.recipes({"family": family, "metals": metals, **values})
    return recipe


def made(recipe: Mapping[str, Any], variant: str) -> ActiveSite:
    found = VARIANTS[variant](recipe)
    assert found is not None, catalog.vacancy_problem(recipe, variant)
    return catalog.build(found)


def examples(*, refused: bool) -> list[Recipe]:
    return [
        next(catalog.recipes({"family": name, **example}))
        for name, family in catalog.families().items()
        for example in family.examples
        if (name in REFUSED or name == "structure") == refused
    ]


def one_a_family() -> list[Recipe]:
    """The first example of each family that has a support."""
    return list({recipe["family"]: recipe for recipe in reversed(examples(refused=False))}.values())


def named(recipe: Recipe) -> str:
    return "-".join(str(value) for key, value in recipe.items() if key in ("family", "metals", "axial", "coordination"))


def closest(site: ActiveSite, apart_from: set[tuple[int, int]]) -> float:
    """The shortest distance of two atoms that are not bonded, as a share of the sum of their radii."""
    lengths, radii = site.atoms.get_all_distances(mic=True), covalent_radii[site.atoms.numbers]
    shares = lengths / (radii[:, None] + radii[None])
    free = [pair for pair in itertools.combinations(range(len(radii)), 2) if pair not in apart_from]
    return min(float(shares[pair]) for pair in free)


# -- what they are made of --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", examples(refused=False), ids=named)
def test_a_variant_is_the_site_less_its_metals_or_more(recipe: Recipe) -> None:
    site = catalog.build(recipe)
    whole, metals = Counter(site.atoms.symbols), Counter(site.metal_symbols)
    carried = Counter(LIGANDS[recipe["axial"]].composition) if recipe.get("axial", "none") != "none" else Counter()
    carried = Counter({symbol: len(site.metals) * count for symbol, count in carried.items()})
    if "anions" in recipe:
        anion = LIGANDS[recipe["anions"]].composition
        carried += anion + anion
    for variant, find in VARIANTS.items():
        found = find(recipe)
        if found is None:
            assert catalog.vacancy_problem(recipe, variant)
            continue
        assert catalog.vacancy_problem(recipe, variant) == ""
        assert found["variant"] == variant
        assert find(found) is None
        built = catalog.build(json.loads(json.dumps(found)))
        assert built.key != site.key
        assert built.recipe == found
        count = Counter(built.atoms.symbols)
        if variant == "stacked":
            assert count == whole + metals
            assert built.metal_symbols == site.metal_symbols * 2
            assert built.hole == ()
            continue
        protons = Counter({"H": 2 * len(site.metals)}) if variant == "hydrogenated" else Counter()
        assert count == whole - metals - carried + protons
        assert built.metals == built.donors == built.axial == ()
        assert len(built.hole) == len(site.metals)
        assert built.charge == 0
        assert closest(built, set(built.bonds)) > 1.08
        assert ActiveSite.from_dict(json.loads(json.dumps(built.to_dict()))).hole == built.hole


@pytest.mark.parametrize("recipe", one_a_family(), ids=named)
def test_the_bonds_of_a_support_are_those_that_it_had(recipe: Recipe) -> None:
    """Told from distances, the metals apart: nothing was lost, and each hydrogen is on one donor."""
    site, vacant = catalog.build(catalog.vacant(recipe)), made(recipe, "vacant")
    assert site.recipe == vacant.recipe
    bonds = set(vacant.bonds)
    lengths, radii = vacant.atoms.get_all_distances(mic=True), covalent_radii[vacant.atoms.numbers]
    metal = is_metal(vacant.atoms.numbers)
    for i, j in bonds:
        assert lengths[i, j] < (1.4 if metal[i] or metal[j] else 1.15) * (radii[i] + radii[j])
    closed = catalog.hydrogenated(recipe)
    if closed is None:
        return
    built, size = catalog.build(closed), len(vacant.atoms)
    new = sorted(set(built.bonds) - bonds)
    assert built.atoms[:size] == vacant.atoms
    assert sorted(hydrogen for _, hydrogen in new) == list(range(size, len(built.atoms)))
    carriers = [donor for donor, _ in new]
    assert len(set(carriers)) == len(carriers)
    for group in built.hole:
        assert len(set(group) & set(carriers)) >= 2
    for donor, hydrogen in new:
        length = built.atoms.get_distance(donor, hydrogen, mic=True)
        assert length == pytest.approx(SHORTEST[built.atoms.symbols[donor]], abs=1e-6)
    hydrogens = built.atoms[size:].get_all_distances(mic=True)
    assert hydrogens[np.triu_indices(len(hydrogens), k=1)].min() > 1.4


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(examples(refused=False)), st.sampled_from(TRANSITION_METALS), st.booleans())
def test_a_support_is_one_for_all_metals_and_ligands(recipe: Recipe, metal: str, bare: bool) -> None:
    family = catalog.families()[recipe["family"]]
    entry = {name: recipe[name] for name in family.parameters if name != "lattice_constant"}
    entry["metals"] = metal if len(recipe["metals"]) == 1 or "sheet" in recipe["family"] else [
        "-".join([metal] * len(recipe["metals"]))
    ]  # fmt: skip
    if bare and "axial" in entry:
        entry["axial"] = "none"
    if catalog.check(entry):
        return
    (other,) = catalog.recipes(entry)
    for variant in ("vacant", "hydrogenated"):
        assert VARIANTS[variant](other) == VARIANTS[variant](recipe)


def test_a_support_is_one_for_two_metals_in_any_order() -> None:
    wanted = catalog.vacant(of("graphene-dual", "Co-Co"))
    for metals in ("Fe-Co", "Zn-Fe", "Ni-Ni"):
        assert catalog.vacant(of("graphene-dual", metals)) == wanted
    uneven = {"supercell": "6x6", "coordination": "N5C1"}
    found = {
        catalog.build(catalog.vacant(recipe)).key
        for recipe in catalog.recipes({"family": "graphene-dual", "metals": ["Fe-Co", "Ni-Ni"], **uneven})
    }
    assert len(found) == len(list(catalog.recipes({"family": "graphene-dual", "metals": "Ni-Ni", **uneven})))


def test_dopants_stay_where_they_are_beside_metals_that_differ() -> None:
    """Their names follow from which metals are alike, so that two different ones stand in for those that differ."""
    entry = {"family": "graphene-dual", "metals": "Fe-Cu", "supercell": "6x6", "dopants": "B@4"}
    for recipe in itertools.islice(catalog.recipes(entry), 6):
        site, vacant = catalog.build(recipe), made(recipe, "vacant")
        size = len(vacant.atoms)
        assert list(site.atoms.symbols[:size]) == list(vacant.atoms.symbols)
        assert np.abs(site.atoms.positions[:size] - vacant.atoms.positions).max() < 0.05


# -- what a chemist knows ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "values", "labels", "formula"),
    [
        ("graphene", {}, ("N4@graphene-4x4", "H2-N4@graphene-4x4", "Fe2-N4@graphene-4x4"), "C26H2N4"),
        ("porphine", {}, ("porphine", "H2-porphine", "Fe2-porphine"), "C20H14N4"),
        ("porphine", {"axial": "OH"}, ("porphine", "H2-porphine", "Fe2-porphine-OH"), "C20H14N4"),
        ("tetraphenylporphyrin", {}, ("tetraphenylporphyrin", None, None), "C44H30N4"),
        ("phthalocyanine", {}, ("phthalocyanine", "H2-phthalocyanine", None), "C32H18N8"),
        ("salen", {}, ("salen", "H2-salen", "Fe2-salen"), "C16H16N2O2"),
        ("EDDA", {}, ("EDDA", "H2-EDDA", None), "C6H12N2O4"),
        ("g-C3N4", {}, ("g-C3N4", "H2@g-C3N4", "Fe2@g-C3N4"), "C24H2N32"),
        ("cof-366", {}, ("COF-366", "COF-366-H2", "COF-366-Fe2"), "C60H38N8"),
        ("conductive-mof", {"node": "Ni"}, ("vacant@Ni3(HITP)2", "H2@Ni3(HITP)2", None), "C36H26N12Ni2"),
    ],
)
def test_names_and_formulas(family: str, values: dict[str, Any], labels: tuple[str | None, ...], formula: str) -> None:
    recipe = of(family, **values)
    for variant, label in zip(VARIANTS, labels, strict=True):
        assert label is None or made(recipe, variant).label == label
    assert made(recipe, "hydrogenated").atoms.get_chemical_formula() == formula


def test_free_base_porphine_carries_its_hydrogens_on_opposite_nitrogens() -> None:
    site = made(of("porphine"), "hydrogenated")
    carriers = [i for i, j in site.bonds if j >= len(site.atoms) - 2]
    assert [site.atoms.symbols[i] for i in carriers] == ["N", "N"]
    assert site.atoms.get_distance(*carriers) == pytest.approx(3.90, abs=0.01)
    assert np.abs(site.atoms.positions[:, 2]).max() < 1e-6


def test_hydrogens_of_a_narrow_hole_leave_the_plane_to_both_sides() -> None:
    site = made(of("graphene", coordination="N3", supercell="5x5"), "hydrogenated")
    rises = site.atoms.positions[-2:, 2] - 0.5 * site.atoms.cell[2, 2]
    assert rises[0] > 0.2
    assert rises[1] == pytest.approx(-rises[0])
    assert site.atoms.get_distance(-1, -2, mic=True) >= 1.8


@pytest.mark.parametrize("family", ["salen", "EDDA"])
def test_ligands_take_protons_where_they_gave_them(family: str) -> None:
    site = made(of(family, "Co"), "hydrogenated")
    assert [site.atoms.symbols[i] for i, j in site.bonds if j >= len(site.atoms) - 2] == ["O", "O"]


def test_a_second_metal_leans_from_the_normal_and_stands_off_by_its_radii() -> None:
    for recipe in (of("graphene"), of("porphine", "Co"), of("graphene", "Ni", coordination="N3", supercell="5x5")):
        site = made(recipe, "stacked")
        first, second = site.metals
        bond = site.atoms.get_distance(first, second, mic=True, vector=True)
        radius = covalent_radii[site.atoms.numbers[first]]
        assert np.linalg.norm(bond) == pytest.approx(2 * radius)
        assert bond[2] / np.linalg.norm(bond) == pytest.approx(math.cos(math.radians(20.0)))
        # off every mirror plane through the metal and a donor, or between two
        for donor in site.donors[0]:
            way = site.atoms.get_distance(first, donor, mic=True, vector=True)[:2]
            angle = math.degrees(math.atan2(way[1], way[0]) - math.atan2(bond[1], bond[0])) % 30.0
            assert min(angle, 30.0 - angle) > 5.0


# -- what there is not ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", examples(refused=True), ids=named)
def test_parts_of_a_node_cannot_be_taken_out(recipe: Recipe) -> None:
    for variant, find in VARIANTS.items():
        assert find(recipe) is None
        assert len(catalog.vacancy_problem(recipe, variant)) > 40
        with pytest.raises(InputError, match="there is no"):
            catalog.build({**recipe, "variant": variant})


@pytest.mark.parametrize(
    ("recipe", "variant", "why"),
    [
        (of("graphene-dual", "Fe-Co"), "stacked", "2 metals"),
        (of("graphdiyne"), "hydrogenated", "none of the donors"),
        (of("bipyridine", "Pd"), "hydrogenated", "neutral"),
        (of("bipyridine", "Zn", shape="tetrahedral"), "stacked", "no open face"),
    ],
    ids=["dual", "graphdiyne", "bipyridine", "tetrahedral"],
)
def test_refusals_say_why(recipe: Recipe, variant: str, why: str) -> None:
    assert why in catalog.vacancy_problem(recipe, variant)
    assert VARIANTS[variant](recipe) is None
    assert catalog.vacant(recipe) is not None


def test_a_recipe_that_is_not_final_is_refused() -> None:
    recipe = of("graphene")
    with pytest.raises(InputError, match="drawn with"):
        catalog.build({**recipe, "variant": "vacant"})
    with pytest.raises(InputError, match="unknown variant"):
        catalog.build({**recipe, "variant": "vacnt"})
    assert "vacant site itself" in catalog.vacancy_problem(catalog.vacant(recipe) or {})
    assert "no builder" in catalog.vacancy_problem({"family": "brought in"})


def test_a_structure_of_ones_own_is_taken_where_it_is_plain(tmp_path: Path) -> None:
    site = catalog.build(of("graphene"))
    write(tmp_path / "mine.cif", site.atoms)
    entry = {"family": "structure", "file": str(tmp_path / "mine.cif")}
    (own,) = catalog.recipes(entry)
    (exchanged,) = catalog.recipes({**entry, "metals": "Ni"})
    vacant = made(own, "vacant")
    assert catalog.vacant(own) == catalog.vacant(exchanged)
    assert vacant.atoms.get_chemical_formula() == "C26N4"
    assert vacant.label.startswith("vacant@mine-Fe")
    assert made(own, "hydrogenated").atoms.get_chemical_formula() == "C26H2N4"
    assert made(exchanged, "stacked").atoms.get_chemical_formula() == "C26N4Ni2"

    write(tmp_path / "covered.cif", catalog.build(of("graphene", axial="OH")).atoms)
    (covered,) = catalog.recipes({**entry, "file": str(tmp_path / "covered.cif")})
    assert "pieces" in catalog.vacancy_problem(covered)


# -- spins ------------------------------------------------------------------------------------------------------------


def test_supports_start_from_the_lowest_multiplicities() -> None:
    assert [start.multiplicity for start in starts(made(of("graphene"), "vacant"))] == [1, 3]
    odd = made(of("graphene", coordination="N3", supercell="5x5"), "vacant")
    assert [start.multiplicity for start in starts(odd)] == [2, 4]
    assert [start.multiplicity for start in starts(odd, 1)] == [2]
    moments = np.array(start_moments(odd, odd.atoms, 4, ()))
    assert moments.sum() == pytest.approx(3.0)
    assert set(np.flatnonzero(moments)) == set(odd.hole[0])
    assert spin_judge(odd, 6)(list(moments)) is None


def test_requests_of_every_kind_of_method() -> None:
    vacant, stacked = made(of("graphene"), "vacant"), made(of("graphene"), "stacked")
    method = calculator("mock").method({})
    for clean in ("scan", "fixed", 2):
        for spin in ("none", "multiplicity", "moments"):
            policy = Policy(method, 0.05, clean=clean, spin=spin)
            requests = policy.clean_requests(vacant)
            wanted = 1 if spin == "none" or clean == "fixed" else 2
            assert len(requests) == wanted
            assert len({request.key for request in requests}) == wanted
            for request in policy.clean_requests(stacked):
                assert (request.moments is None) == (spin != "moments" or request.multiplicity is None)
                assert request.moments is None or len(request.moments) == 2


def test_two_metals_on_each_other_start_as_two_beside_each_other_do() -> None:
    names = [start.name for start in starts(made(of("graphene"), "stacked"))]
    assert len(names) > 4
    assert any("broken symmetry" in name for name in names)


# -- verdicts ---------------------------------------------------------------------------------------------------------


def moved(site: ActiveSite, atom: int, to: Any) -> Atoms:
    atoms = site.atoms.copy()
    atoms.positions[atom] = to
    return atoms


def test_a_support_that_keeps_its_bonds_is_intact() -> None:
    for recipe, variant in itertools.product((of("graphene"), of("porphine"), of("salen")), VARIANTS):
        site = made(recipe, variant)
        assert judge_clean(site, site.atoms).verdict is Verdict.INTACT


def test_a_hydrogen_may_go_to_another_donor_but_nowhere_else() -> None:
    site = made(of("porphine"), "hydrogenated")
    (hole,), hydrogen = site.hole, len(site.atoms) - 1
    carriers = [i for i, j in site.bonds if j >= hydrogen - 1]
    free = next(donor for donor in hole if donor not in carriers)
    tautomer = judge_clean(site, moved(site, hydrogen, 0.48 * site.atoms.positions[free]))
    assert tautomer.verdict is Verdict.INTACT
    assert f"H{hydrogen} went from N{carriers[1]} to N{free}" in tautomer.reason
    gone = judge_clean(site, moved(site, hydrogen, site.atoms.positions[0] + (0.0, 0.0, 1.09)))
    assert gone.verdict is Verdict.SUPPORT_REACTED
    assert f"N{carriers[1]}-H{hydrogen}" in gone.reason


def test_broken_bonds_may_pair_across_a_hole() -> None:
    site = made(of("graphene", coordination="C4"), "vacant")
    (hole,) = site.hole
    atoms = site.atoms.copy()
    first, second = hole[0], min(hole[1:], key=lambda donor: atoms.get_distance(hole[0], donor, mic=True))
    atoms.set_distance(first, second, 1.6, mic=True)
    judged = judge_clean(site, atoms)
    assert judged.verdict is Verdict.INTACT
    assert "the hole closed at" in judged.reason


def test_a_second_metal_stays_leans_or_leaves() -> None:
    site = made(of("graphene"), "stacked")
    first, second = site.metals
    assert "Fe-Fe 2.64 Å" in judge_clean(site, site.atoms).reason
    below = site.atoms.positions[first]
    away = judge_clean(site, moved(site, second, below + np.array((0.0, 0.0, 4.5))))
    assert away.verdict is Verdict.METAL_LEFT
    assert f"Fe{second} left Fe{first} (Fe-Fe 4.50 Å)" in away.reason
    carbon = int(np.argmax(site.atoms.get_distances(first, range(26), mic=True)))
    slid = judge_clean(site, moved(site, second, site.atoms.positions[carbon] + (0.0, 0.0, 1.9)))
    assert slid.verdict is Verdict.METAL_LEFT
    assert re.search(rf"left Fe{first} .* for .*C{carbon}\b", slid.reason)
    assert judge_clean(site, moved(site, first, below - (0.0, 0.0, 2.5))).verdict is Verdict.METAL_LEFT


# -- calculations -----------------------------------------------------------------------------------------------------


def settled(site: ActiveSite, name: str, numerics: dict[str, Any], folder: Path, clean: int | str) -> dict[str, Any]:
    """Relax a clean site from each of its spins, and return the lowest."""
    policy = Policy(calculator(name).method({}), 0.05, clean=clean)
    found = [
        settle(request, site.atoms, lambda relaxed: judge_clean(site, relaxed), numerics, Folder(folder))
        for request in policy.clean_requests(site)
    ]
    best = lowest(reference(document) for document in found)
    assert best is not None, [document["judgement"] for document in found]
    return next(document for document in found if document["key"] == best["key"])


@pytest.mark.parametrize("family", ["graphene", "porphine", "conductive-mof"])
def test_the_mock_binds_the_metal_to_its_support(family: str, tmp_path: Path) -> None:
    recipe = of(family, "Fe")
    site = catalog.build(recipe)
    energies = {"site": settled(site, "mock", FAST, tmp_path, "fixed")["energy"]}
    for variant in VARIANTS:
        energies[variant] = settled(made(recipe, variant), "mock", FAST, tmp_path, "fixed")["energy"]
    assert energies["site"] < energies["vacant"] - 2.0
    assert energies["hydrogenated"] < energies["vacant"] - 2.0
    assert energies["stacked"] < energies["site"]


def test_a_flow_without_adsorbates_refines_its_clean_state(tmp_path: Path) -> None:
    mock = calculator("mock").method({})
    policy = Policy(mock, 0.05, clean=1, single_point=mock)
    maker = SiteFlowMaker(policy, (), RelaxMaker(numerics={mock.key: FAST}))
    runs = list(LocalEngine(Folder(tmp_path), 1).run([(None, maker.make(made(of("graphene"), "vacant")))]))
    assert [run.errors for run in runs] == [{}]
    (clean,) = runs[0].output["clean"]
    point = runs[0].output["energies"][clean["key"]]
    assert point["status"] == "done"
    assert point["key"] != clean["key"]
    assert runs[0].output["adsorbed"] == {}


XTB = {"max_steps": 200, "optimizer": "BFGS", "max_iterations": 250, "mixer_damping": 0.4}


@pytest.mark.slow
@pytest.mark.xtb
@pytest.mark.parametrize(
    ("family", "variant", "multiplicity"),
    [
        ("graphene", "vacant", 1),
        ("graphene", "hydrogenated", 1),
        ("porphine", "hydrogenated", 1),
        ("porphine", "vacant", 1),
        ("graphene", "stacked", None),
    ],
)
def test_variants_relax_with_xtb(family: str, variant: str, multiplicity: int | None, tmp_path: Path) -> None:
    site = made(of(family), variant)
    document = settled(site, "gfn1-xtb", XTB, tmp_path, "fixed" if variant == "stacked" else 2)
    assert document["judgement"]["verdict"] == "intact"
    assert multiplicity in (None, document["request"]["multiplicity"])
    relaxed = site.with_positions(document["atoms"]["positions"])
    if variant == "hydrogenated":
        carriers = [(i, j) for i, j in site.bonds if j >= len(site.atoms) - 2]
        lengths = [relaxed.atoms.get_distance(*bond, mic=True) for bond in carriers]
        assert lengths == pytest.approx([1.015, 1.015], abs=0.03)
    if variant == "stacked":
        assert 2.0 < relaxed.atoms.get_distance(*site.metals, mic=True) < 2.8
