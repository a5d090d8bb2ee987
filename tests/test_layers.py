from __future__ import annotations

import itertools
import warnings
from collections import Counter

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atomsieve.analysis.verdict import judge_clean
from atomsieve.builders.axial import LIGANDS
from atomsieve.builders.catalog import build, check, recipes
from atomsieve.builders.family import TRANSITION_METALS
from atomsieve.builders.placement import poses
from atomsieve.builders.poses.faces import open_directions
from atomsieve.structures.errors import InputError
from atomsieve.structures.judgement import Verdict
from atomsieve.structures.site import ActiveSite

HITP = {"family": "conductive-mof"}
HHTP = {"family": "conductive-mof", "ligand": "HHTP"}
COF366 = {"family": "cof-366"}
PBBA = {"family": "phthalocyanine-cof"}
PZ = {"family": "phthalocyanine-cof", "linker": "pz"}
LAYERS = {"HITP": HITP, "HHTP": HHTP, "COF-366": COF366, "PBBA": PBBA, "pz": PZ}
#: The metal that each is known with.
KNOWN = {"HITP": "Ni", "HHTP": "Cu", "COF-366": "Co", "PBBA": "Co", "pz": "Zn"}
metals = st.sampled_from(TRANSITION_METALS)
layers = st.sampled_from(sorted(LAYERS))
each_layer = pytest.mark.parametrize("name", sorted(LAYERS))


def made(entry: dict, metal: str, **values: object) -> ActiveSite:
    (recipe,) = recipes({**entry, "metals": metal, **values})
    return build(recipe)


def known(name: str, **values: object) -> ActiveSite:
    return made(LAYERS[name], KNOWN[name], **values)


def lengths(site: ActiveSite, *elements: str) -> np.ndarray:
    """Return the lengths of all bonds between two elements."""
    bonds = [(i, j) for i, j in site.bonds if sorted(site.atoms.symbols[[i, j]]) == sorted(elements)]
    return np.array([site.atoms.get_distance(i, j, mic=True) for i, j in bonds])


def symmetry(site: ActiveSite):
    import spglib

    atoms = site.atoms
    cell = (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of how it reports errors
        return spglib.get_symmetry_dataset(cell, symprec=1e-4)


# -- what they are made of --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        # three Ni, two C18H6(NH)6
        ("HITP", {"Ni": 3, "C": 36, "H": 24, "N": 12}),
        # three Cu, two C18H6O6
        ("HHTP", {"Cu": 3, "C": 36, "H": 12, "O": 12}),
        # tetraphenylporphyrin C44H28N4Co less four H, four N, two CH-C6H4-CH
        ("COF-366", {"Co": 1, "C": 60, "H": 36, "N": 8}),
        # phthalocyanine C32H16N8Co less eight H, eight O, two C6H4B2
        ("PBBA", {"Co": 1, "C": 44, "H": 16, "B": 4, "N": 8, "O": 8}),
        # phthalocyanine less eight H, eight N, two pyrenes C16H10 less four H
        ("pz", {"Zn": 1, "C": 64, "H": 20, "N": 16}),
    ],
)
def test_formulas_are_those_of_the_compounds(name, formula):
    site = known(name)
    assert Counter(site.atoms.symbols) == formula
    assert site.kind == "layer"
    assert site.charge == 0
    assert site.multiplicity is None


@each_layer
def test_every_atom_has_its_bonds(name):
    site = known(name)
    symbols, metal = site.atoms.symbols, KNOWN[name]
    bonded = Counter(itertools.chain.from_iterable(site.bonds))
    allowed = {"C": {3}, "H": {1}, "B": {3}, "O": {2}, "N": {2, 3}, metal: {4}}
    assert all(bonded[atom] in allowed[symbols[atom]] for atom in range(len(site.atoms)))
    threes = sum(bonded[atom] == 3 for atom in range(len(site.atoms)) if symbols[atom] == "N")
    # NH of the imines on a metal; pyrrole and isoindole nitrogens
    assert threes == {"HITP": 12, "HHTP": 0}.get(name, 4)
    graph = networkx.Graph(site.bonds)
    assert networkx.is_connected(graph)
    # Euler for a net on a torus: as many faces as edges less vertices. Of the conductive MOFs two triphenylenes of four
    # rings and six chelates; a porphyrin of 4 + 4 with four phenyls and two phenylenes; a phthalocyanine of 4 + 4 + 4
    # with four boronates and two phenylenes, or with four pyrazines and two pyrenes of four; and the pore
    faces = graph.number_of_edges() - graph.number_of_nodes()
    assert faces == {"HITP": 8 + 6, "HHTP": 8 + 6, "COF-366": 8 + 4 + 2, "PBBA": 12 + 4 + 2, "pz": 12 + 4 + 8}[name] + 1


@each_layer
def test_bond_lengths_and_angles_are_those_of_aromatic_rings(name):
    site = known(name)
    carbon = lengths(site, "C", "C")
    assert carbon.min() > 1.34
    assert carbon.max() < 1.50
    assert np.all(np.abs(lengths(site, "C", "H") - 1.08) < 1e-4)
    if name != "HHTP":
        assert np.all((lengths(site, "C", "N") > 1.27) & (lengths(site, "C", "N") < 1.42))
    if name == "PBBA":
        assert np.all(np.abs(lengths(site, "B", "O") - 1.39) < 0.02)
        assert np.all(np.abs(lengths(site, "B", "C") - 1.55) < 0.02)
    neighbours: dict[int, list[int]] = {}
    for i, j in site.bonds:
        neighbours.setdefault(i, []).append(j)
        neighbours.setdefault(j, []).append(i)
    for atom, around in neighbours.items():
        if len(around) > 1 and site.atoms.symbols[atom] not in TRANSITION_METALS:
            angles = [site.atoms.get_angle(a, atom, b, mic=True) for a, b in itertools.combinations(around, 2)]
            assert 102 < min(angles) <= max(angles) < 136
            if len(around) == 3:
                assert sum(angles) == pytest.approx(360, abs=1e-6)


# -- against measurements ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        # powder: 21.55 to 21.75 Å (J. Am. Chem. Soc. 136 (2014) 8859)
        ("HITP", 21.5, 21.8),
        ("HHTP", 21.2, 22.0),
        # 25.417 Å, doi 10.1021/cm201140r
        ("COF-366", 25.417 * 0.995, 25.417 * 1.005),
        # half of 46.23 Å, doi 10.1039/c2cc33929c
        ("PBBA", 23.117 * 0.995, 23.117 * 1.005),
        # 22.771 Å, with tert-butyl groups
        ("pz", 22.771 * 0.995, 22.771 * 1.005),
    ],
)
def test_lattice_constants_that_follow_from_bond_lengths_are_those_measured(name, low, high):
    site = known(name)
    a, b, c, alpha, beta, gamma = site.atoms.cell.cellpar()
    assert low < a < high
    assert (b, c, alpha, beta) == pytest.approx((a, 15, 90, 90))
    assert gamma == pytest.approx(120 if site.family == "conductive-mof" else 90)


@pytest.mark.parametrize(
    ("entry", "metal", "low", "high"),
    [
        (HITP, "Ni", 1.82, 1.86),
        (HHTP, "Cu", 1.90, 1.96),
        # bis(diiminosemiquinonates), J. Am. Chem. Soc. 125 (2003) 9116, and usual square-planar bonds
        (HITP, "Pd", 1.92, 2.00),
        (HHTP, "Pd", 1.94, 2.02),
        (COF366, "Co", 1.93, 2.00),
        # phthalocyanines of Co and Fe 1.91 and 1.93, of Zn 1.98
        (PBBA, "Co", 1.90, 1.93),
        (PZ, "Fe", 1.91, 1.95),
        (PZ, "Zn", 1.90, 2.02),
    ],
)
def test_metal_donor_distances(entry, metal, low, high):
    site = made(entry, metal)
    (donors,) = site.donors
    found = site.atoms.get_distances(site.metals[0], list(donors), mic=True)
    assert np.ptp(found) < 1e-9
    assert low < found[0] < high
    # square or rectangle, with the metal in its middle
    across = site.atoms.get_distances(site.metals[0], list(donors), mic=True, vector=True)
    assert np.allclose(across.sum(axis=0), 0.0, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "group", "orbits"),
    [
        # metal; C of the inner ring, CH, CX; donor; H on C, H on N
        ("HITP", "P6/mmm", 7),
        ("HHTP", "P6/mmm", 6),
        # metal; N, two Cα, two Cβ, two H, Cmeso; phenyl C1, C4, four CH; N; CH; phenylene C and two CH
        ("COF-366", "P4", 27),
        # metal; N, N; Cα, Cβ, CH, CO, O, B, C, CH; two H
        ("PBBA", "P4/mmm", 13),
        # metal; N, N; Cα, Cβ, CH, CN, N; pyrene: C4, C3a, C3, C2, C10b; three H
        ("pz", "P4/mmm", 16),
    ],
)
def test_the_layer_has_its_symmetry(name, group, orbits):
    found = symmetry(known(name))
    assert found.international == group
    assert len(set(found.equivalent_atoms)) == orbits


@each_layer
def test_planar_where_the_chemistry_is(name):
    site = known(name)
    heights = site.atoms.positions[:, 2] - 7.5
    out = np.abs(heights) > 1e-9
    if name != "COF-366":
        assert not out.any()
        return
    # the four phenyls of the porphyrin, but for the carbons on their axes: four C and four H each
    assert Counter(site.atoms.symbols[out]) == {"C": 16, "H": 16}
    assert np.isclose(np.abs(heights[out]), np.array([[1.395], [1.395 + 1.08]]) * 0.75, atol=1e-9).any(axis=0).all()


# -- as sites ---------------------------------------------------------------------------------------------------------


@each_layer
def test_both_faces_are_open_and_take_a_hydroxyl(name):
    site = known(name)
    assert [direction.face for direction in open_directions(site)] == ["top", "bottom"]
    found = poses(site, "OH")
    assert found
    for placement, atoms in found:
        assert placement.metal == site.metals[0]
        oxygen = len(site.atoms)
        assert 1.7 < atoms.get_distance(site.metals[0], oxygen, mic=True) < 2.1
        assert abs(atoms.positions[oxygen, 2] - 7.5) > 1.7


@each_layer
def test_a_ligand_takes_the_far_face(name):
    plain, site = known(name), known(name, axial="OH")
    assert Counter(site.atoms.symbols) - Counter(plain.atoms.symbols) == {"O": 1, "H": 1}
    assert site.label.endswith("-OH")
    assert [direction.face for direction in open_directions(site)] == ["top"]
    ((oxygen,),) = site.axial
    assert site.atoms.positions[oxygen, 2] < 7.5 - 1.7
    # neutral, so that the metal is 3+ beside OH-
    assert site.charge == sum(site.ledger.values()) == 0
    metal = KNOWN[name]
    # zinc stays 2+: then the ring is oxidised
    state = 2 if metal == "Zn" else 3
    assert site.ledger[f"{metal}{state}+"] == state
    assert site.ledger["axial OH-"] == -1


@settings(deadline=None, max_examples=80)
@given(layers, metals, metals, st.sampled_from(["none", *LIGANDS]), st.floats(15.0, 40.0), st.floats(-0.029, 0.029))
def test_a_layer_is_what_its_recipe_says(name, metal, node, axial, vacuum, strain):
    entry = dict(LAYERS[name]) | ({"node": node} if LAYERS[name]["family"] == "conductive-mof" else {})
    (plain,) = recipes({**entry, "metals": metal})
    constant = plain["lattice_constant"] * (1 + strain)
    (recipe,) = recipes(
        {**entry, "metals": metal, "axial": axial, "vacuum": vacuum, "lattice_constant": constant},
    )
    site = build(recipe)
    again = build(recipe)
    assert site.recipe == again.recipe == recipe
    assert (site.atoms.positions == again.atoms.positions).all()
    assert site.metal_symbols == (metal,)
    assert site.atoms.get_scaled_positions()[site.metals[0], :2] == pytest.approx([0.5, 0.5])
    assert site.atoms.cell.cellpar()[:3] == pytest.approx([constant, constant, vacuum])
    extra = 0 if axial == "none" else len(LIGANDS[axial].symbols)
    assert len(site.atoms) == len(known(name).atoms) + extra
    assert sum(site.ledger.values()) == site.charge == 0
    faces = [direction.face for direction in open_directions(site)]
    assert faces[:2] == ["top", "bottom"] if axial == "none" else faces[0] == "top" and "bottom" not in faces


def test_labels_are_those_of_chemists_and_unique():
    assert known("HITP").label == "Ni@Ni3(HITP)2"
    assert made(HITP, "Co", node="Ni").label == "Co@Ni3(HITP)2"
    assert made(HHTP, "Co", node="Cu", axial="OH", vacuum=20).label == "Co@Cu3(HHTP)2-OH-c20"
    assert known("COF-366", lattice_constant=25.4).label == "COF-366-Co-a25.4"
    assert known("PBBA").label == "CoPc-PBBA-COF"
    assert known("pz", axial="imidazole").label == "ZnPc-pz-COF-imidazole"
    made_of = {"metals": ["Fe", "Co", "Ni"], "axial": ["none", "OH"], "vacuum": [15, 20], "lattice_constant": ["auto"]}
    entries = [
        {**made_of, "family": "conductive-mof", "ligand": ["HITP", "HHTP"], "node": ["same", "Ni", "Co", "Fe"]},
        {**made_of, "family": "cof-366"},
        {**made_of, "family": "phthalocyanine-cof", "linker": ["PBBA", "pz"]},
    ]
    found = [build(recipe) for entry in entries for recipe in recipes(entry)]
    # "same" is one of the three nodes: 3 x 3 x 2 x 2 x 2 and not 3 x 4 x 2 x 2 x 2
    assert len(found) == 72 + 12 + 24
    assert len({site.label for site in found}) == len({site.key for site in found}) == len(found)


def test_the_lattice_constant_is_written_out():
    (automatic,) = recipes({**HITP, "metals": "Ni"})
    assert automatic["lattice_constant"] == pytest.approx(21.65, abs=0.01)
    assert automatic["node"] == "Ni"
    entry = {
        **HITP,
        "metals": "Ni",
        "node": ["same", "Ni"],
        "lattice_constant": ["auto", automatic["lattice_constant"]],
    }
    assert list(recipes(entry)) == [automatic]
    with pytest.raises(InputError, match="not in its final form"):
        build({**automatic, "lattice_constant": "auto"})
    # a guest leaves the lattice to the nodes
    (guest,) = recipes({**HITP, "metals": "Pd", "node": "Ni"})
    assert guest["lattice_constant"] == automatic["lattice_constant"]
    assert made(HITP, "Pd").atoms.cell[0, 0] > 22.0


def test_a_guest_widens_its_node_and_no_other():
    plain, guest = made(HITP, "Ni"), made(HITP, "Pd", node="Ni")
    assert symmetry(guest).international == "Cmmm"
    moved = np.linalg.norm(guest.atoms.positions - plain.atoms.positions, axis=1) > 1e-9
    assert Counter(guest.atoms.symbols[moved]) == {"N": 4, "H": 4}
    length = guest.atoms.get_distances(guest.metals[0], list(guest.donors[0]), mic=True)[0]
    own = made(HITP, "Pd")
    assert length == pytest.approx(
        (1.84 + own.atoms.get_distance(own.metals[0], own.donors[0][0], mic=True)) / 2, abs=1e-4
    )
    assert guest.ledger == {"Pd2+": 2, "2 Ni2+": 4, "2 HITP3-": -6}
    assert plain.ledger == {"3 Ni2+": 6, "2 HITP3-": -6}


def test_what_makes_no_sense_is_refused_by_name():
    def problems(**entry):
        return {problem.path: problem.message for problem in check({**HITP, "metals": "Ni", **entry})}

    assert "22.5 Å would break bonds" in problems(lattice_constant=22.5)["lattice_constant"]
    assert "allowed: 21.00 to 22.30 Å, or auto" in problems(lattice_constant=20.5)["lattice_constant"]
    assert "write auto, or a number" in problems(lattice_constant="21.7")["lattice_constant"]
    assert "La is not a transition metal" in problems(node="La")["node"]
    assert problems(node="Nj")["node"].endswith(", or same")
    assert "false is no metal" in problems(metals=False)["metals"]
    assert "did you mean 'HITP'" in problems(ligand="HITT")["ligand"]
    assert "unknown linker 'pyrazine'" in str(check({**PBBA, "metals": "Co", "linker": "pyrazine"})[0])


# -- for real ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.xtb
@pytest.mark.parametrize(
    ("name", "multiplicity", "low", "high"),
    [
        ("HITP", 1, 1.78, 1.86),
        # the method makes Cu-O 0.1 Å too short
        ("HHTP", 2, 1.80, 1.96),
        ("COF-366", 2, 1.94, 2.00),
        ("PBBA", 2, 1.88, 1.95),
        ("pz", 1, 1.96, 2.03),
    ],
)
def test_a_relaxation_leaves_the_layer_as_it_was_built(name, multiplicity, low, high):
    from ase.optimize import BFGS
    from tblite.ase import TBLite

    site = known(name)
    atoms = site.atoms.copy()
    atoms.rattle(0.03, seed=1)
    atoms.calc = TBLite(method="GFN1-xTB", charge=0, multiplicity=multiplicity, verbosity=0)
    assert BFGS(atoms, logfile=None).run(fmax=0.1, steps=60)
    assert judge_clean(site, atoms).verdict is Verdict.INTACT
    first, second = np.array(site.bonds).T
    change = [atoms.get_distance(i, j, mic=True) - site.atoms.get_distance(i, j, mic=True) for i, j in site.bonds]
    support = ~np.isin(site.atoms.symbols[first], TRANSITION_METALS)
    support &= ~np.isin(site.atoms.symbols[second], TRANSITION_METALS)
    assert np.abs(np.array(change)[support]).max() < 0.05
    found = atoms.get_distances(site.metals[0], list(site.donors[0]), mic=True)
    assert low < found.min() <= found.max() < high
    heights = atoms.positions[:, 2] - atoms.positions[:, 2].mean()
    assert np.sqrt((heights**2).mean()) < (1.0 if name == "COF-366" else 0.1)
