"""Zr6 nodes: UiO-66, MOF-808 and NU-1000 with an open zirconium or a grafted metal."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.constraints import FixAtoms
from ase.optimize import BFGS
from hypothesis import given, settings
from hypothesis import strategies as st

from atomsieve.analysis.verdict import Verdict, judge_clean
from atomsieve.builders import catalog, oxidation
from atomsieve.builders.clusters import zr6_site
from atomsieve.builders.clusters.zr6_geometry import Node, edges
from atomsieve.builders.families import zr6
from atomsieve.builders.placement import open_directions, poses
from atomsieve.structures.errors import InputError, ParameterError
from atomsieve.structures.site import ActiveSite

NODES = ("UiO-66", "MOF-808", "NU-1000")


def site(metal: str, node: str, graft: str, **more: Any) -> ActiveSite:
    entry = {"family": "zr6-node", "metals": metal, "node": node, "graft": graft, **more}
    (recipe,) = catalog.recipes(entry)
    return catalog.build(recipe)


def whole() -> Node:
    """Zr6O4(OH)4(HCOO)12, no linker missing."""
    node = Node.bare()
    for edge in edges():
        node.cap(edge, "formate")
    return node


def lengths(atoms: Atoms, bonds: Any, one: str, other: str) -> np.ndarray:
    pairs = [(i, j) for i, j in bonds if {atoms.symbols[i], atoms.symbols[j]} == {one, other}]
    return np.array([atoms.get_distance(i, j) for i, j in pairs])


def test_the_whole_node_has_the_distances_of_the_crystal() -> None:
    node = whole()
    atoms = node.draft.atoms()
    assert Counter(atoms.symbols) == Counter({"Zr": 6, "O": 32, "C": 12, "H": 16})
    oxides, hydroxides, carboxylates = [], [], []
    for i, j in node.draft.bonds:
        if (atoms.symbols[i], atoms.symbols[j]) == ("Zr", "O"):
            around = Counter(atoms.symbols[k] for k in node.draft.neighbours(j))
            group = carboxylates if around["C"] else hydroxides if around["H"] else oxides
            group.append(atoms.get_distance(i, j))
    # ordered node of COD 4512072, doi 10.1021/cg501386j
    assert (len(oxides), len(hydroxides), len(carboxylates)) == (12, 12, 24)
    assert np.allclose(oxides, 2.064, atol=0.002)
    assert np.allclose(hydroxides, 2.256, atol=0.002)
    assert np.allclose(carboxylates, 2.2135, atol=0.002)
    zirconium = atoms.get_all_distances()[:6, :6][np.triu_indices(6, 1)]
    assert np.allclose(np.sort(zirconium)[:12], 3.513, atol=0.002)


def test_the_whole_node_is_tetrahedral() -> None:
    analyzer = pytest.importorskip("pymatgen.symmetry.analyzer")
    core = pytest.importorskip("pymatgen.core")
    atoms = whole().draft.atoms()
    molecule = core.Molecule(atoms.symbols, atoms.positions)
    assert analyzer.PointGroupAnalyzer(molecule, tolerance=0.05).sch_symbol == "Td"


# counted by hand: Zr6 O4 (OH)4, 11 / 6 / 8 HCOO, 0 / 5 / 3 pairs of OH and H2O, and on the site's edge OH, or
# Co(OH)2(OH)(H2O) (AIM) or Co(OH)2(OH)(H2O)2 (SIM)
@pytest.mark.parametrize(
    ("metal", "node", "graft", "expected"),
    [
        ("Zr", "UiO-66", "none", {"Zr": 6, "O": 31, "H": 16, "C": 11}),
        ("Zr", "MOF-808", "none", {"Zr": 6, "O": 31, "H": 26, "C": 6}),
        ("Zr", "NU-1000", "none", {"Zr": 6, "O": 31, "H": 22, "C": 8}),
        ("Co", "UiO-66", "AIM", {"Zr": 6, "O": 34, "H": 20, "C": 11, "Co": 1}),
        ("Co", "UiO-66", "SIM", {"Zr": 6, "O": 35, "H": 22, "C": 11, "Co": 1}),
        ("Co", "MOF-808", "SIM", {"Zr": 6, "O": 35, "H": 32, "C": 6, "Co": 1}),
        ("Co", "NU-1000", "AIM", {"Zr": 6, "O": 34, "H": 26, "C": 8, "Co": 1}),
    ],
)
def test_formula(metal: str, node: str, graft: str, expected: dict[str, int]) -> None:
    built = site(metal, node, graft)
    assert Counter(built.atoms.symbols) == Counter(expected)
    assert built.charge == sum(built.ledger.values()) == 0


@pytest.mark.parametrize("node", NODES)
def test_open_zirconium_is_seven_coordinate_and_open_where_the_linker_was(node: str) -> None:
    built = site("Zr", node, "none")
    assert built.label == f"Zr@{node}-node"
    assert len(built.donors[0]) == 7
    assert built.multiplicity == 1
    (direction,) = open_directions(built)
    assert float(np.dot(direction.vector, built.normal)) > 0.9
    assert poses(built, "OH")


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize(("graft", "metal"), [("none", "Zr"), ("SIM", "Fe"), ("AIM", "Ni")])
def test_node_keeps_four_bridging_hydroxides_and_closed_shells_of_zirconium(node: str, graft: str, metal: str) -> None:
    built = site(metal, node, graft)
    symbols, around = built.atoms.symbols, {i: set[int]() for i in range(len(built.atoms))}
    for i, j in built.bonds:
        around[i].add(j)
        around[j].add(i)
    bridging = [i for i in around if symbols[i] == "O" and sum(symbols[j] == "Zr" for j in around[i]) == 3]
    assert sorted(sum(symbols[j] == "H" for j in around[i]) for i in bridging) == [0] * 4 + [1] * 4
    # eight oxygens around each zirconium, seven where one is open
    numbers = sorted(len(around[i]) for i in range(6))
    assert numbers == ([7] if graft == "none" else [8]) + [8] * 5


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("graft", ["SIM", "AIM"])
@pytest.mark.parametrize("metal", ["V", "Co", "Cu", "Zn", "Pd"])
def test_grafts(node: str, graft: str, metal: str) -> None:
    built = site(metal, node, graft)
    (index,) = built.metals
    ligands = (*built.donors[0], *built.axial[0])
    assert len(ligands) == {"SIM": 5, "AIM": 4}[graft]
    assert built.label == f"{metal}@{node}-node-{graft}"
    distances = built.atoms.get_distances(index, list(ligands))
    assert 1.80 <= distances.min() <= distances.max() <= 2.151
    assert built.atoms.get_distances(index, range(6)).min() >= 2.9
    assert open_directions(built)
    assert poses(built, "OH")
    assert built.multiplicity == oxidation.weak_field(metal, oxidation.STATES[metal][0])


def test_charge_is_balanced_by_protons() -> None:
    # bridges OH and OH with OH and H2O on Co(II); O and OH with two OH on V(IV); two O with two OH on V(V)
    assert zr6_site.protons("AIM", "Co", 2) == ((1, 1), (1, 2))
    assert zr6_site.protons("SIM", "Co", 2) == ((1, 1), (1, 2, 2))
    assert zr6_site.protons("AIM", "V", 4) == ((1, 0), (1, 1))
    assert zr6_site.protons("AIM", "V", 5) == ((0, 0), (1, 1))
    assert zr6_site.protons("SIM", "W", 6) == ((0, 0), (1, 1, 1))


GRAFTS = [
    (metal, state, graft)
    for metal, states in oxidation.STATES.items()
    for state in states
    for graft in ("SIM", "AIM")
    if (state, graft) != (6, "AIM")
]


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(GRAFTS),
    st.sampled_from(NODES),
    st.sampled_from(["formate", "benzoate"]),
    st.booleans(),
)
def test_every_metal_and_state_builds(graft: tuple[str, int, str], node: str, caps: str, frozen: bool) -> None:
    metal, state, kind = graft
    built = site(metal, node, kind, oxidation_state=state, caps=caps, caps_frozen=frozen)
    assert built.recipe["oxidation_state"] == state
    assert built.recipe["charge"] == 0
    again = catalog.build(built.recipe)
    assert again.label == built.label
    assert np.array_equal(again.atoms.positions, built.atoms.positions)
    hydrogens_and_carbons = {i for i in built.frozen if built.atoms.symbols[i] in "CH"}
    linkers, size = zr6.LINKERS[node], {"formate": 2, "benzoate": 12}[caps]
    assert len(hydrogens_and_carbons) == len(built.frozen) == (linkers * size if frozen else 0)
    assert open_directions(built)


def test_labels_are_unique() -> None:
    entry = {
        "family": "zr6-node",
        "metals": ["Co", "V"],
        "node": [*NODES, "UiO-67"],
        "graft": ["SIM", "AIM"],
        "oxidation_state": ["auto", 3],
        "caps": ["formate", "benzoate"],
        "caps_frozen": [True, False],
        "multiplicity": ["auto"],
    }
    recipes = list(catalog.recipes(entry))
    labels = {zr6.label(recipe) for recipe in recipes}
    # the node of UiO-67 is that of UiO-66
    assert len(recipes) == len(labels) == 2 * 3 * 2 * 2 * 2 * 2
    assert "Co(III)@NU-1000-node-AIM-benzoate-free" in labels
    assert "V@NU-1000-node-AIM" in labels
    assert site("Co", "UiO-66", "SIM", multiplicity=2).label == "Co@UiO-66-node-SIM-doublet"


@pytest.mark.parametrize(
    ("entry", "parameter"),
    [
        ({"metals": "Co", "graft": "none"}, "graft"),
        ({"metals": "Zn", "graft": "SIM", "oxidation_state": 3}, "oxidation_state"),
        ({"metals": "Mo", "graft": "AIM"}, "oxidation_state"),
        ({"metals": "Co", "graft": "SIM", "charge": 1}, "charge"),
        ({"metals": "Co", "graft": "SIM", "multiplicity": 3}, "multiplicity"),
    ],
)
def test_what_does_not_go_together_names_the_parameter(entry: dict[str, Any], parameter: str) -> None:
    with pytest.raises(ParameterError) as error:
        list(catalog.recipes({"family": "zr6-node", **entry}))
    assert error.value.parameter == parameter


def test_a_metal_alone_is_enough() -> None:
    labels = [zr6.label(recipe) for recipe in catalog.recipes({"family": "zr6-node", "metals": ["Zr", "Co"]})]
    assert labels == ["Zr@UiO-66-node", "Co@UiO-66-node-SIM"]


def test_unknown_node_is_refused() -> None:
    with pytest.raises(InputError, match="node"):
        list(catalog.recipes({"family": "zr6-node", "metals": "Co", "node": "UiO-68", "graft": "SIM"}))


@pytest.mark.slow
@pytest.mark.xtb
@pytest.mark.parametrize(
    ("metal", "node", "graft"), [("Zr", "UiO-66", "none"), ("Zr", "NU-1000", "none"), ("Co", "UiO-66", "SIM")]
)
def test_xtb_keeps_the_bond_graph(metal: str, node: str, graft: str) -> None:
    tblite = pytest.importorskip("tblite.ase")
    built = site(metal, node, graft)
    held = set(built.frozen)
    if graft != "none":
        # free xTB takes ligands from a grafted metal: its shell is left to DFT, the node around it moves
        held |= {*built.metals, *built.donors[0], *built.axial[0]}
    atoms = built.atoms.copy()
    atoms.rattle(0.03, seed=1)
    atoms.positions[list(held)] = built.atoms.positions[list(held)]
    atoms.set_constraint(FixAtoms(sorted(held)))
    atoms.calc = tblite.TBLite(
        method="GFN1-xTB",
        charge=built.charge,
        multiplicity=built.multiplicity,
        spin_polarization=1.0,
        verbosity=0,
    )
    assert BFGS(atoms, logfile=None).run(fmax=0.1, steps=100)
    assert judge_clean(built, atoms).verdict == Verdict.INTACT


def test_a_charge_of_one_is_written_as_a_sign():
    site = catalog.build(next(catalog.recipes({"family": "zr6-node", "metals": "Ag", "graft": "SIM"})))
    assert site.ledger["Ag+"] == 1
