"""Linker clusters: macrocycles, salen and other chelates, the units of conductive frameworks."""

from __future__ import annotations

import itertools
from collections import Counter

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atomsieve.analysis.verdict import judge_clean
from atomsieve.builders import axial
from atomsieve.builders.catalog import build, check, families, recipes
from atomsieve.builders.clusters.organic import chelate
from atomsieve.builders.family import TRANSITION_METALS
from atomsieve.builders.placement import poses
from atomsieve.builders.poses.faces import open_directions
from atomsieve.structures.errors import BuildError, InputError
from atomsieve.structures.site import ActiveSite

MACROCYCLES = ("porphine", "tetraphenylporphyrin", "tetrabenzoporphyrin", "phthalocyanine")
LINKERS = ("catecholate", "diimine", "dithiolene")
CHELATES = ("salen", "EDDA", "bipyridine", "ethylenediamine")
FAMILIES = MACROCYCLES + LINKERS + CHELATES
ANIONS = ("F", "Cl", "Br", "OH", "CN")
SALEN = "[O-:1]c1ccccc1C=[N:2]CC[N:3]=Cc1ccccc1[O-:4]"


def site(family: str, metal: str = "Co", **rest: str) -> ActiveSite:
    (recipe,) = recipes({"family": family, "metals": metal, **rest})
    return build(recipe)


def lengths(made: ActiveSite) -> dict[str, list[float]]:
    """Distances of the metal and its donors by element, Å."""
    found: dict[str, list[float]] = {}
    for donor in made.donors[0]:
        found.setdefault(made.atoms.symbols[donor], []).append(made.atoms.get_distance(made.metals[0], donor))
    return found


def graph(made: ActiveSite) -> networkx.Graph:
    return networkx.Graph(made.bonds)


@st.composite
def entries(draw: st.DrawFn) -> dict[str, str]:
    family = draw(st.sampled_from(FAMILIES))
    entry = {"family": family, "metals": draw(st.sampled_from(TRANSITION_METALS))}
    entry["axial"] = draw(st.sampled_from(["none", *axial.LIGANDS]))
    if family == "salen":
        entry["bridge"] = draw(st.sampled_from(["ethylene", "phenylene"]))
    if family in ("bipyridine", "ethylenediamine"):
        entry["anions"] = draw(st.sampled_from(ANIONS))
        if entry["axial"] == "none":
            entry["shape"] = draw(st.sampled_from(["square-planar", "tetrahedral"]))
    return entry


@settings(deadline=None, max_examples=120)
@given(entries())
def test_a_cluster_is_one_neutral_molecule_of_coordination_four(entry: dict[str, str]) -> None:
    (recipe,) = recipes(entry)
    made = build(recipe)
    atoms, bonded = made.atoms, graph(made)
    assert made.kind == "cluster"
    assert not atoms.pbc.any()
    assert made.recipe == recipe
    assert networkx.is_connected(bonded)
    assert len(bonded) == len(atoms)

    (metal,) = made.metals
    ligand = made.axial[0] if made.axial else ()
    assert set(bonded[metal]) == {*made.donors[0], *ligand}
    assert len(made.donors[0]) == 4
    assert len(ligand) == (entry["axial"] != "none")
    for atom, symbol in enumerate(atoms.symbols):
        if atom not in (metal, *ligand):
            most = {"H": 1, "C": 4, "N": 4, "O": 3, "S": 2, "F": 1, "Cl": 1, "Br": 1}[symbol]
            assert 1 <= bonded.degree[atom] <= most

    # bonds are the short distances, and nothing else is near
    listed = {bond for bond in made.bonds if metal not in bond}
    distances = atoms.get_all_distances()
    reach = {"H": 0.31, "C": 0.76, "N": 0.71, "O": 0.66, "S": 1.05, "F": 0.57, "Cl": 1.02, "Br": 1.20}
    near = {
        (i, j)
        for i, j in itertools.combinations(range(len(atoms)), 2)
        if metal not in (i, j) and distances[i, j] < 1.2 * (reach[atoms.symbols[i]] + reach[atoms.symbols[j]])
    }
    assert near == listed

    assert made.charge == sum(made.ledger.values()) == 0
    again = build(recipe)
    assert (again.atoms.positions == atoms.positions).all()
    assert again.to_dict() == made.to_dict()


def test_formulas_of_the_literature() -> None:
    published = {
        "porphine": "C20H12N4Co",
        "tetraphenylporphyrin": "C44H28N4Co",
        "tetrabenzoporphyrin": "C36H20N4Co",
        "phthalocyanine": "C32H16N8Co",
        "salen": "C16H14N2O2Co",
        "EDDA": "C6H10N2O4Co",
        "bipyridine": "C10H8N2Cl2Co",
        "ethylenediamine": "C2H8N2Cl2Co",
        "catecholate": "C12H8O4Co",
        "diimine": "C12H12N4Co",
        "dithiolene": "C12H8S4Co",
    }
    assert set(published) == set(FAMILIES)
    for family, formula in published.items():
        assert site(family).atoms.symbols.formula == formula
    assert site("salen", bridge="phenylene").atoms.symbols.formula == "C20H14N2O2Co"
    assert Counter(site("bipyridine", anions="OH").atoms.symbols) == {"C": 10, "H": 10, "N": 2, "O": 2, "Co": 1}


# RPBE calculations of porphyrin molecules, Å
PORPHYRIN = {
    "Co": 1.950,
    "Ni": 1.953,
    "Fe": 1.966,
    "Mn": 1.999,
    "Cr": 2.040,
    "Cu": 2.031,
    "Zn": 2.066,
    "Pd": 2.041,
    "Pt": 2.025,
}


@pytest.mark.parametrize("metal", PORPHYRIN)
def test_metal_nitrogen_distances_of_porphyrins(metal: str) -> None:
    for family in ("porphine", "tetraphenylporphyrin", "tetrabenzoporphyrin"):
        (found,) = lengths(site(family, metal)).values()
        assert np.ptp(found) < 1e-9
        assert found == pytest.approx([PORPHYRIN[metal]] * 4, abs=0.001)


# Crystals: phthalocyanines (Fe 1.926, Co 1.911, Ni 1.90, Cu 1.944, Zn 1.98); M3(HITP)2 and M3(HHTP)2; Co(salen);
# PdCl2(bpy), PtCl2(bpy), ZnCl2(bpy)
MEASURED = [
    ("phthalocyanine", "Fe", {}, {"N": 1.926}),
    ("phthalocyanine", "Co", {}, {"N": 1.911}),
    ("phthalocyanine", "Ni", {}, {"N": 1.90}),
    ("phthalocyanine", "Cu", {}, {"N": 1.944}),
    ("phthalocyanine", "Zn", {}, {"N": 1.98}),
    ("diimine", "Ni", {}, {"N": 1.838}),
    ("catecholate", "Cu", {}, {"O": 1.93}),
    ("dithiolene", "Ni", {}, {"S": 2.15}),
    ("salen", "Co", {}, {"N": 1.85, "O": 1.85}),
    ("salen", "Ni", {}, {"N": 1.85, "O": 1.85}),
    ("salen", "Cu", {}, {"N": 1.94, "O": 1.90}),
    ("bipyridine", "Pd", {}, {"N": 2.03, "Cl": 2.29}),
    ("bipyridine", "Pt", {}, {"N": 2.01, "Cl": 2.30}),
    ("bipyridine", "Zn", {"shape": "tetrahedral"}, {"N": 2.06, "Cl": 2.20}),
    ("ethylenediamine", "Pd", {}, {"N": 2.04, "Cl": 2.31}),
]


@pytest.mark.parametrize(("family", "metal", "rest", "published"), MEASURED)
def test_metal_donor_distances_of_crystals(family: str, metal: str, rest: dict, published: dict) -> None:
    found = lengths(site(family, metal, **rest))
    assert set(found) == set(published)
    for element, value in published.items():
        assert found[element] == pytest.approx([value] * len(found[element]), abs=0.05)


def test_the_cores_of_macrocycles_are_planar_and_their_angles_sensible() -> None:
    # crystals: 122 to 126 degrees at the bridge, nickel to zinc
    for family, metal in itertools.product(MACROCYCLES, ("Ni", "Co", "Fe", "Cu", "Zn", "Pd")):
        made = site(family, metal)
        phenyl = family == "tetraphenylporphyrin"
        near = np.linalg.norm(made.atoms.positions, axis=1) < (4.0 if phenyl else 99.0)
        assert np.abs(made.atoms.positions[near, 2]).max() < 1e-12
        # the bridges: beside two of the carbons that are beside the donors
        bonded, donors = graph(made), set(made.donors[0])
        beside = {atom for donor in donors for atom in bonded[donor]} - set(made.metals)
        bridges = [atom for atom in set(bonded) - donors - beside if len(set(bonded[atom]) & beside) == 2]
        assert len(bridges) == 4
        for bridge in bridges:
            first, second = set(bonded[bridge]) & beside
            angle = made.atoms.get_angle(first, bridge, second)
            assert 120.0 < angle < 127.5
            assert made.atoms.symbols[bridge] == ("N" if family == "phthalocyanine" else "C")


def test_phenyls_are_turned_out_of_the_plane() -> None:
    made = site("tetraphenylporphyrin")
    positions = made.atoms.positions
    bonded = graph(made)
    rings = [ring for ring in networkx.minimum_cycle_basis(bonded) if np.abs(positions[ring, 2]).max() > 0.5]
    assert len(rings) == 4
    for ring in rings:
        _, spread, axes = np.linalg.svd(positions[ring] - positions[ring].mean(axis=0))
        assert spread[2] < 1e-9
        assert np.degrees(np.arccos(abs(axes[2][2]))) == pytest.approx(70.0)


POINT_GROUPS = [
    ("porphine", {}, "D4h"),
    ("tetrabenzoporphyrin", {}, "D4h"),
    ("phthalocyanine", {}, "D4h"),
    ("tetraphenylporphyrin", {}, "D2d"),
    ("catecholate", {}, "D2h"),
    ("diimine", {}, "D2h"),
    ("dithiolene", {}, "D2h"),
    ("salen", {}, "C2"),
    ("salen", {"bridge": "phenylene"}, "C2v"),
    ("EDDA", {}, "C2"),
    ("bipyridine", {}, "C2v"),
    ("bipyridine", {"shape": "tetrahedral"}, "C2v"),
    ("bipyridine", {"anions": "OH"}, "C2"),
    ("ethylenediamine", {}, "C2"),
]


@pytest.mark.parametrize(("family", "rest", "expected"), POINT_GROUPS)
def test_point_groups(family: str, rest: dict, expected: str) -> None:
    from pymatgen.core import Molecule
    from pymatgen.symmetry.analyzer import PointGroupAnalyzer

    atoms = site(family, "Ni", **rest).atoms
    analyzer = PointGroupAnalyzer(Molecule(list(atoms.symbols), atoms.positions), tolerance=0.05)
    assert str(analyzer.sch_symbol) == expected


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("metal", ["Fe", "Co", "Ni", "Cu", "Pt"])
def test_an_adsorbate_binds_on_both_faces_and_an_axial_ligand_takes_one(family: str, metal: str) -> None:
    bare = site(family, metal)
    assert [direction.face for direction in open_directions(bare)] == ["top", "bottom"]
    assert poses(bare, "OH")
    for name in ("OH", "imidazole"):
        held = site(family, metal, axial=name)
        assert [direction.face for direction in open_directions(held)] == ["top"]
        assert {placement.face for placement, _ in poses(held, "OH")} == {"top"}
        vector = held.atoms.positions[held.axial[0][0]] - held.atoms.positions[held.metals[0]]
        assert vector @ np.array(held.normal) < -0.99 * np.linalg.norm(vector)


def test_a_tetrahedral_metal_has_no_room() -> None:
    assert poses(site("bipyridine", "Zn", shape="tetrahedral"), "OH") == ()
    entry = {"family": "bipyridine", "metals": "Co", "shape": "tetrahedral", "axial": "Cl"}
    (problem,) = check(entry)
    assert problem.path == "axial"
    assert "Cl has no place on a tetrahedral metal; use none" in problem.message


def test_ledgers() -> None:
    assert site("porphine").ledger == {"Co2+": 2, "porphyrinate": -2}
    assert site("porphine", "Fe", axial="OH").ledger == {"Fe3+": 3, "porphyrinate": -2, "axial OH-": -1}
    assert site("phthalocyanine", "Mn", axial="O").ledger["Mn4+"] == 4
    assert site("salen", axial="NH3").ledger["Co2+"] == 2
    assert site("bipyridine", anions="OH").ledger == {"Co2+": 2, "bipyridine": 0, "2 OH-": -2}
    # neutral as in the layers of the frameworks: both linkers are one electron short of the dianion
    assert site("diimine", "Ni").ledger == {"Ni2+": 2, "2 diiminosemiquinonate-": -2}
    # there is no zinc(III): the porphyrin gives the electron
    assert site("porphine", "Zn", axial="Cl").ledger == {
        "Zn2+": 2,
        "porphyrinate oxidised by 1": -1,
        "axial Cl-": -1,
    }


def test_labels() -> None:
    assert site("porphine").label == "Co-porphine"
    assert site("porphine", axial="OH").label == "Co-porphine-OH"
    assert site("tetraphenylporphyrin", "Fe").label == "Fe-tetraphenylporphyrin"
    assert site("phthalocyanine", "Fe").label == "Fe-phthalocyanine"
    assert site("salen").label == "Co-salen"
    assert site("salen", bridge="phenylene").label == "Co-salphen"
    assert site("bipyridine").label == "Co-bipyridine-Cl2"
    assert site("bipyridine", anions="OH", axial="H2O").label == "Co-bipyridine-(OH)2-H2O"
    assert site("bipyridine", "Zn", shape="tetrahedral").label == "Zn-bipyridine-Cl2-tetrahedral"
    assert site("diimine", "Ni").label == "Ni-bis(diimine)"
    for family in FAMILIES:
        entry = {"family": family, "metals": ["Fe", "Co"], "axial": ["none", *axial.LIGANDS]}
        if "anions" in families()[family].parameters:
            entry["anions"] = list(ANIONS)
        made = [build(recipe) for recipe in recipes(entry)]
        assert len({one.label for one in made}) == len({one.key for one in made}) == len(made)


def test_a_ligand_is_the_same_conformer_for_every_metal() -> None:
    reference = site("salen", "Co").atoms.positions
    for metal in ("Ni", "Mn", "Zn", "Pt"):
        assert np.abs(site("salen", metal).atoms.positions - reference).max() < 0.25
    ethylene = [
        i for i, s in enumerate(site("salen").atoms.symbols) if s == "C" and graph(site("salen")).degree[i] == 4
    ]
    torsions = []
    for metal in ("Co", "Zn"):
        made = site("salen", metal)
        first, second = (next(n for n in graph(made)[carbon] if made.atoms.symbols[n] == "N") for carbon in ethylene)
        torsion = made.atoms.get_dihedral(first, *ethylene, second)
        torsions.append(min(torsion, 360 - torsion))
    assert all(30 < torsion < 55 for torsion in torsions)  # gauche


def test_a_made_ligand_keeps_the_bonds_of_organic_chemistry() -> None:
    held = chelate(SALEN, (1.85,) * 4)
    distances = np.linalg.norm(held.positions[:, None] - held.positions, axis=-1)
    oxygen, nitrogen = held.donors[0], held.donors[1]
    bonded = networkx.Graph(held.bonds)
    (phenolic,) = bonded[oxygen]
    assert distances[oxygen, phenolic] == pytest.approx(1.31, abs=0.05)
    assert min(distances[nitrogen, other] for other in bonded[nitrogen]) == pytest.approx(1.29, abs=0.04)
    assert np.allclose(np.linalg.norm(held.positions[list(held.donors)], axis=1), 1.85)


@pytest.mark.parametrize("metal", ["Co", "Cu", "Zn", "Sc"])
@pytest.mark.parametrize("family", ["EDDA", "salen", "ethylenediamine"])
def test_no_bond_between_carbons_is_stretched_by_a_metal(family: str, metal: str) -> None:
    site = build(next(recipes({"family": family, "metals": metal})))
    carbons = [pair for pair in site.bonds if all(site.atoms.symbols[atom] == "C" for atom in pair)]
    assert max(site.atoms.get_distance(*pair) for pair in carbons) < 1.57


@pytest.mark.parametrize(("ligand", "angle"), [("H2O", 104.5), ("NH3", 106.7)])
def test_axial_hydrides_have_the_angles_of_the_molecules(ligand: str, angle: float) -> None:
    """Those of free water and ammonia (CRC Handbook of Chemistry and Physics, gas-phase geometries)."""
    site = build(next(recipes({"family": "porphine", "metals": "Fe", "axial": ligand})))
    (binding,) = site.axial[0]
    first, second = [b for a, b in site.bonds if a == binding][:2]
    assert site.atoms.get_angle(first, binding, second) == pytest.approx(angle, abs=2.0)


def test_smiles_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(InputError, match="numbers 4 donors, but 2 lengths"):
        chelate(SALEN, (1.9, 1.9))
    with pytest.raises(InputError, match="must number its donors"):
        chelate("n1ccccc1-c1ccccn1", (1.9, 1.9))
    with pytest.raises(BuildError, match="cannot hold one metal with all of its 2 donors"):
        chelate("[NH2:1]c1ccc([NH2:2])cc1", (1.9, 1.9))


FIRST = [{"family": name, **families()[name].examples[0]} for name in FAMILIES]
#: 2S + 1 for GFN1-xTB of the first example.
SPINS = {"Co": 2, "Cu": 2, "Ni": 1, "Pd": 1}


@pytest.mark.slow
@pytest.mark.xtb
@pytest.mark.parametrize("entry", FIRST, ids=lambda entry: entry["family"])
def test_a_relaxation_leaves_every_bond(entry: dict[str, str]) -> None:
    from ase.optimize import BFGS
    from tblite.ase import TBLite

    (recipe,) = recipes(entry)
    made = build(recipe)
    atoms = made.atoms.copy()
    atoms.rattle(0.03, seed=1)
    multiplicity = SPINS[made.metal_symbols[0]]
    atoms.calc = TBLite(method="GFN1-xTB", multiplicity=multiplicity, spin_polarization=1.0, verbosity=0)
    assert BFGS(atoms, logfile=None).run(fmax=0.1, steps=120)
    assert judge_clean(made, atoms).verdict.value == "intact"
    metal, donors = made.metals[0], list(made.donors[0])
    change = atoms.get_distances(metal, donors) - made.atoms.get_distances(metal, donors)
    assert np.abs(change).max() < 0.2
