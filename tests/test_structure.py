"""A site in a structure of one's own: read, chosen, substituted, carved, or refused with what to do."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.io import write
from hypothesis import given, settings
from hypothesis import strategies as st

from atomsieve.builders import catalog
from atomsieve.builders.bonding import METALS, graph
from atomsieve.builders.families import structure
from atomsieve.builders.files import crystals, parents, reading
from atomsieve.builders.files.carving import Carver
from atomsieve.builders.files.soundness import complaints
from atomsieve.builders.placement import poses
from atomsieve.builders.pores.guests import guest
from atomsieve.builders.poses.faces import open_directions
from atomsieve.structures.errors import InputError
from atomsieve.structures.site import ActiveSite

HKUST = crystals.crystal("HKUST-1")
DEFAULTS = {"site": "each", "metals": "as given", "carve": "none", "caps": "frozen", "charge": 0}


def sites(file: Path | str, **parameters: object) -> list[ActiveSite]:
    """Build every site that an entry of a campaign stands for."""
    return [catalog.build(r) for r in catalog.recipes({"family": "structure", "file": str(file), **parameters})]


def of_atoms(atoms: Atoms, name: str = "mine", **parameters: object) -> list[ActiveSite]:
    """Build the sites of a structure that was never in a file."""
    values = {**DEFAULTS, **parameters, "file": reading.described(name, atoms)}
    parsed = {p.name: p.parse(values[p.name])[0] for p in structure.FAMILY.parameters.values()}
    return [
        catalog.build({"family": "structure", "schema": structure.FAMILY.schema, **settled})
        for settled in structure.settle(parsed)
    ]


def problem(file: Path | str, **parameters: object) -> str:
    (found,) = catalog.check({"family": "structure", "file": str(file), **parameters})
    return str(found)


def porphine(metal: str = "Co") -> Atoms:
    (recipe,) = catalog.recipes({"family": "porphine", "metals": metal})
    return catalog.build(recipe).atoms


def graphene(metal: str = "Fe") -> ActiveSite:
    (recipe,) = catalog.recipes({"family": "graphene", "metals": metal})
    return catalog.build(recipe)


# -- carving ----------------------------------------------------------------------------------------------------------


def test_the_paddlewheel_of_hkust_1():
    # doi 10.1126/science.283.5405.1148: Cu-O 1.95, Cu-Cu 2.63 Å
    (site,) = sites("HKUST-1", carve=2.5)
    assert site.label == "Cu@HKUST-1-Cu0-O4-2.5A"
    assert Counter(site.atoms.symbols) == {"Cu": 2, "C": 4, "O": 8, "H": 4}
    assert site.kind == "cluster"
    assert not site.atoms.pbc.any()
    lengths = site.atoms.get_distances(site.metals[0], list(site.donors[0]))
    assert lengths == pytest.approx([1.95] * 4, abs=0.01)
    first, second = (i for i, symbol in enumerate(site.atoms.symbols) if symbol == "Cu")
    assert site.atoms.get_distance(first, second) == pytest.approx(2.63, abs=0.01)
    assert len(site.frozen) == 4
    assert set(site.atoms.symbols[list(site.frozen)]) == {"H"}
    # one open face, away from the other copper, and OH stands on it
    (direction,) = open_directions(site)
    away = site.atoms.positions[site.metals[0]] - site.atoms.positions[second if site.metals[0] == first else first]
    assert direction.face == "top"
    assert np.dot(direction.vector, away / np.linalg.norm(away)) == pytest.approx(1.0, abs=1e-3)
    assert poses(site, "OH")
    (free,) = sites("HKUST-1", carve=2.5, caps="free")
    assert free.frozen == ()
    assert free.label != site.label


def test_the_way_back_to_the_parent():
    (site,) = sites("HKUST-1", carve=5.0)
    map_back, cells = site.provenance["parent_atoms"], site.provenance["parent_cells"]
    caps = set(site.provenance["caps"])
    assert len(map_back) == len(cells) == len(site.atoms)
    there = HKUST.positions[map_back] + np.array(cells) @ HKUST.cell.array
    shift = site.atoms.positions[site.metals[0]] - there[site.metals[0]]
    for atom in range(len(site.atoms)):
        if atom in caps:  # it stands on the bond to the atom that it takes the place of
            (keeper,) = (i + j - atom for i, j in site.bonds if atom in (i, j))
            bond = site.atoms.positions[atom] - site.atoms.positions[keeper]
            cut = there[atom] + shift - site.atoms.positions[keeper]
            assert np.linalg.norm(bond) == pytest.approx(1.09)
            assert np.dot(bond, cut) == pytest.approx(np.linalg.norm(bond) * np.linalg.norm(cut))
            assert site.atoms.symbols[atom] == "H"
        else:
            assert site.atoms.symbols[atom] == HKUST.symbols[map_back[atom]]
            assert site.atoms.positions[atom] == pytest.approx(there[atom] + shift, abs=2e-3)
    assert len({(atom, *cell) for atom, cell in zip(map_back, cells, strict=True)}) == len(map_back)


@settings(deadline=None, max_examples=25)
@given(st.one_of(st.floats(1.0, 8.0), st.integers(1, 9).map(lambda n: f"{n} bonds")), st.integers(0, 11))
def test_what_is_carved_is_whole(carve, copper):
    (site,) = of_atoms(HKUST, site=copper, carve=carve)
    bonded = Counter(itertools.chain.from_iterable(site.bonds))
    valence = {"Cu": 4, "O": 2, "C": 3, "H": 1}
    assert all(bonded[i] == valence[symbol] for i, symbol in enumerate(site.atoms.symbols))
    # rings come whole: all carbon that is in no carboxylate is in rings of six
    counts = Counter(site.atoms.symbols)
    assert counts["Cu"] % 2 == 0
    assert counts["O"] == 2 * sum(
        1
        for i, s in enumerate(site.atoms.symbols)
        if s == "C" and any("O" in site.atoms.symbols[list(b)] for b in site.bonds if i in b)
    )
    assert (counts["C"] - counts["O"] // 2) % 6 == 0
    inside = [i for i in range(len(site.atoms)) if i not in site.frozen]
    assert counts == Counter(HKUST.symbols[[site.provenance["parent_atoms"][i] for i in inside]]) + Counter(
        {"H": len(site.frozen)}
    )


@settings(deadline=None, max_examples=15)
@given(st.randoms(use_true_random=False), st.floats(0.0, 360.0), st.sampled_from([2.5, 5.0]))
def test_the_same_site_however_the_structure_lies(random, angle, carve):
    order = list(range(len(HKUST)))
    random.shuffle(order)
    moved = HKUST[order]
    moved.rotate(angle, (1.0, 2.0, 3.0), rotate_cell=True)
    moved.positions += moved.cell.array.T @ np.array([0.3, random.random(), -0.4])
    moved.wrap()
    (first,), (second,) = of_atoms(HKUST, carve=carve), of_atoms(moved, carve=carve)
    assert Counter(first.atoms.symbols) == Counter(second.atoms.symbols)
    ours, theirs = (np.sort(s.atoms.get_all_distances(), axis=None) for s in (first, second))
    assert ours == pytest.approx(theirs, abs=0.02)
    assert [d.face for d in open_directions(first)] == [d.face for d in open_directions(second)]


CUTS = [  # bonds that may be cut, out of all
    ("c1ccccc1-c1ccccc1", 1),  # biphenyl: the bond between the rings
    ("Cc1ccccc1", 0),  # toluene: an end group stays
    ("OC(=O)c1ccccc1", 1),
    ("c1ccc2c(c1)Oc1ccccc1O2", 4),  # dibenzodioxin opens at its ether oxygens
    ("c1ccc2c(c1)oc1ccccc12", 0),  # dibenzofuran is one ring system
    ("c1ccc(cc1)N=Cc1ccccc1", 2),  # an imine: both single bonds, not the double one
    ("c1ccc(cc1)C#Cc1ccccc1", 2),
    ("C1CCCCC1", 0),
]


@pytest.mark.parametrize(("smiles", "number"), CUTS)
def test_only_single_bonds_between_groups_are_cut(smiles, number):
    from rdkit import Chem
    from rdkit.Chem import AllChem

    made = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(made, randomSeed=7)
    AllChem.MMFFOptimizeMolecule(made)
    atoms = Atoms([a.GetSymbol() for a in made.GetAtoms()], made.GetConformer().GetPositions())
    bonds = graph(atoms)
    assert set(bonds.bonds) == {tuple(sorted((b.GetBeginAtomIdx(), b.GetEndAtomIdx()))) for b in made.GetBonds()}
    carver = Carver(atoms, bonds)
    cut = {
        (min(i, link.atom), max(i, link.atom))
        for i, links in enumerate(bonds.links)
        for link in links
        if carver.may_cut(i, link)
    }
    assert len(cut) == number
    rings = made.GetRingInfo()
    for i, j in cut:
        bond = made.GetBondBetweenAtoms(i, j)
        assert bond.GetBondType() == Chem.BondType.SINGLE
        assert not bond.IsInRing() or {made.GetAtomWithIdx(k).GetSymbol() for k in (i, j)} == {"C", "O"}
    assert rings.NumRings() > 0


def test_what_has_no_end_is_not_carved(tmp_path):
    assert "carve: 3.0 around Zn" in problem("ZIF-8", carve=3)
    write(tmp_path / "sheet.xyz", graphene().atoms)
    message = problem(tmp_path / "sheet.xyz", carve="2 bonds")
    assert "hangs together with its own periodic image" in message
    assert "write none" in message


# -- reading ----------------------------------------------------------------------------------------------------------


def boxed(atoms: Atoms) -> Atoms:
    atoms = atoms.copy()
    atoms.center(vacuum=6.0)
    atoms.pbc = True
    atoms.positions += (4.0, 0.0, 9.0)  # across the borders of the box
    atoms.wrap()
    return atoms


def write_pymatgen(path: Path, atoms: Atoms) -> None:
    from pymatgen.io.ase import AseAtomsAdaptor

    path.write_text(json.dumps(AseAtomsAdaptor.get_structure(boxed(atoms)).as_dict()))


WRITERS = {
    "mine.xyz": lambda path, atoms: write(path, atoms),
    "mine.cif": lambda path, atoms: write(path, boxed(atoms)),
    "Co-N4/POSCAR": lambda path, atoms: write(path, boxed(atoms), format="vasp"),
    "mine.db": lambda path, atoms: write(path, atoms),
    "mine.traj": lambda path, atoms: write(path, atoms),
    "mine.json": write_pymatgen,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_site(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    WRITERS[name](path, porphine())
    (site,) = sites(path)
    assert site.kind == "cluster"
    assert site.metal_symbols == ("Co",)
    assert site.atoms.symbols[list(site.donors[0])].get_chemical_formula() == "N4"
    assert np.sort(site.atoms.get_all_distances(), axis=None) == pytest.approx(
        np.sort(porphine().get_all_distances(), axis=None), abs=5e-3
    )
    assert site.label.startswith(f"Co@{'Co-N4' if '/' in name else 'mine'}-Co")
    assert [d.face for d in open_directions(site)] == ["top", "bottom"]


def test_a_recipe_stands_on_its_own(tmp_path):
    path = tmp_path / "mine.xyz"
    write(path, porphine())
    entry = {"family": "structure", "file": str(path), "metals": ["as given", "Fe", "Ni"]}
    recipes = list(catalog.recipes(entry))
    path.unlink()
    built = [catalog.build(json.loads(json.dumps(recipe))) for recipe in recipes]
    assert [site.metal_symbols for site in built] == [("Co",), ("Fe",), ("Ni",)]
    assert len({site.label for site in built}) == len({site.key for site in built}) == 3
    for site in built:
        assert json.loads(json.dumps(site.to_dict())) == site.to_dict()
        assert site.atoms.positions == pytest.approx(built[0].atoms.positions)
    assert "Fe in place of Co" in built[1].provenance["remarks"]
    assert built[0].label == f"Co@mine-Co36-N4-{built[0].provenance['geometry'][:6]}"


def test_one_of_several(tmp_path):
    path = tmp_path / "many.traj"
    write(path, [porphine("Co"), porphine("Ni")])
    assert "holds 2 structures; write many.traj@0 to many.traj@1" in problem(path)
    (site,) = sites(f"{path}@1")
    assert site.metal_symbols == ("Ni",)
    assert "there is no @2" in problem(f"{path}@2")


def test_sheets_are_turned_to_lie_flat(tmp_path):
    flat = graphene()
    turned = Atoms(
        flat.atoms.symbols,
        flat.atoms.positions[:, [2, 0, 1]],
        cell=flat.atoms.cell.array[[2, 0, 1]][:, [2, 0, 1]],
        pbc=True,
    )
    turned.positions += (9.0, 0.3, 0.2)
    turned.wrap()
    write(tmp_path / "CONTCAR", turned, format="vasp")
    (site,) = sites(tmp_path / "CONTCAR")
    assert site.kind == "sheet"
    assert site.normal == (0.0, 0.0, 1.0)
    assert np.ptp(site.atoms.positions[:, 2]) < 1e-6
    assert site.atoms.cell.cellpar() == pytest.approx([9.84, 9.84, 15, 90, 90, 120], abs=2e-3)
    assert np.sort(site.atoms.get_all_distances(mic=True), axis=None) == pytest.approx(
        np.sort(flat.atoms.get_all_distances(mic=True), axis=None), abs=5e-3
    )
    assert len(site.bonds) == len(flat.bonds)
    assert "charge" in problem(tmp_path / "CONTCAR", charge=1)


# -- who holds the metal ----------------------------------------------------------------------------------------------


def shell(atoms: Atoms, metal: str) -> str:
    of = parents.parent(reading.described("x", atoms))
    return of.shell(atoms.symbols.search(metal)[0])


def test_coordination_is_what_a_chemist_counts():
    assert shell(porphine(), "Co") == "N4"
    assert shell(HKUST, "Cu") == "O4"  # not the carbon of the carboxylates, nor the other copper
    assert shell(crystals.crystal("ZIF-8"), "Zn") == "N4"
    hydroxo = graphene().atoms
    hydroxo += Atoms("OH", hydroxo.positions[-1] + np.array([[0, 0, 1.82], [0.9, 0, 2.1]]))
    assert shell(hydroxo, "Fe") == "N4O"
    for kind, expected in (("metallocene", "C10"), ("M(acac)3", "O6"), ("phthalocyanine", "N4")):
        made = guest(kind, ["Fe"])
        assert shell(Atoms(made.symbols, made.positions), "Fe") == expected


def test_metals_are_chosen():
    assert [s.metals for s in sites("HKUST-1")] == [(0,)]  # twelve coppers, one by symmetry
    assert [s.metals for s in sites("HKUST-1", site=["Cu", 7, "Cu-O4"])] == [(0,)]
    assert "no metal of HKUST-1 is 'Cu-N4'; there are Cu-O4" in problem("HKUST-1", site="Cu-N4")
    assert "atom 20 of HKUST-1 is O, no metal" in problem("HKUST-1", site=20)
    assert "has no atom 999" in problem("HKUST-1", site=999)
    assert "chooses no metal" in problem("HKUST-1", site="N4")
    assert "unknown metal 'Xx'" in problem("HKUST-1", site="Xx-N4")


def test_a_site_of_two_metals():
    pairs = HKUST.get_all_distances(mic=True)[:12, :12]
    partner = int(np.argsort(pairs[0])[1])
    (site,) = sites("HKUST-1", site=f"{partner}+0", carve=2.5, metals="as given")
    assert len(site.metals) == 2
    assert site.atoms.get_distance(*site.metals) == pytest.approx(2.63, abs=0.01)
    mixed = sites("HKUST-1", site=f"0+{partner}", carve=2.5, metals="Fe-Co")
    assert {s.metal_symbols for s in mixed} == {("Fe", "Co"), ("Co", "Fe")}
    assert len({s.label for s in mixed}) == 2
    assert "metals: Fe are 1, but the site has 2" in problem("HKUST-1", site=f"0+{partner}", metals="Fe")


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(METALS))
def test_any_metal_may_be_put_in(metal):
    (site,) = of_atoms(porphine(), metals=metal)
    assert site.metal_symbols == (metal,)
    assert Counter(site.atoms.symbols) == Counter({"C": 20, "H": 12, "N": 4, metal: 1})


# -- what cannot be used ----------------------------------------------------------------------------------------------

DISORDERED = """data_x
_cell_length_a 12
_cell_length_b 12
_cell_length_c 12
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_occupancy
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Fe1 Fe 1.0 0.5 0.5 0.5
O1A O 0.5 0.65 0.5 0.5
O1B O 0.5 0.66 0.53 0.5
"""


def without(atoms: Atoms, symbol: str) -> Atoms:
    atoms = atoms.copy()
    del atoms[atoms.symbols.search(symbol)[0]]
    return atoms


def test_what_is_wrong_is_named(tmp_path):
    assert "there is no file 'nowhere.cif'" in problem("nowhere.cif")
    (tmp_path / "x.cif").write_text(DISORDERED)
    message = problem(tmp_path / "x.cif")
    assert "O1A (0.5), O1B (0.5) are occupied in part; keep one" in message
    assert str(tmp_path / "x.cif") in message
    (tmp_path / "empty.xyz").write_text("nonsense\n")
    assert "cannot be read" in problem(tmp_path / "empty.xyz")
    write(tmp_path / "bare.xyz", without(porphine(), "H"))
    message = problem(tmp_path / "bare.xyz")
    assert "hydrogens are missing on C" in message
    assert "two neighbours at" in message
    doubled = porphine() + Atoms("C", [porphine().positions[0] + 0.2])
    write(tmp_path / "doubled.xyz", doubled)
    assert "atoms lie upon each other: C0 and C37 (0.35 Å); keep one" in problem(tmp_path / "doubled.xyz")
    write(tmp_path / "water.xyz", molecule("H2O"))
    assert "there is no metal with a donor in water" in problem(tmp_path / "water.xyz")
    write(tmp_path / "small.cif", Atoms("FeO", [[0, 0, 0], [1.9, 0, 0]], cell=[3.8, 20, 20], pbc=True))
    assert "only 3.80 Å high; repeat it" in problem(tmp_path / "small.cif")
    lone = porphine() + Atoms("O", [[9.0, 0.0, 0.0]])
    write(tmp_path / "lone.xyz", lone)
    assert "atoms have no neighbour: O37; delete solvent" in problem(tmp_path / "lone.xyz")
    terminal = porphine() + Atoms("O", [[0.0, 0.0, 2.1]])
    write(tmp_path / "aqua.xyz", terminal)
    assert "hydrogens are missing on O37 (2.10 Å from Co36)" in problem(tmp_path / "aqua.xyz")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"carve": 0.5}, "radius of 1 to 15"),
        ({"carve": "lots"}, "is no cluster"),
        ({"charge": 0.5}, "whole number"),
        ({"charge": 2}, "not possible in a periodic cell"),
        ({"metals": "Cl"}, "Cl is not possible here"),
        ({"metals": "Fe-Co"}, "are 2, but the site has 1"),
        ({"caps": "held"}, "unknown treatment of caps"),
        ({"site": -1}, "chooses no metal"),
        ({"site": "3+3"}, "chooses no metal"),
    ],
)
def test_parameters_that_make_no_sense(parameters, message):
    assert message in "\n".join(map(str, catalog.check({"family": "structure", "file": "HKUST-1", **parameters})))


@settings(deadline=None, max_examples=24)
@given(st.integers(0, 35))
def test_no_atom_can_be_lost_unnoticed(index):
    """Take one atom of the ligand away: the rest is complete no more."""
    atoms = porphine()
    del atoms[index]
    assert complaints(atoms, graph(atoms))


def test_nothing_is_wrong_with_what_comes_along():
    for name in crystals.names():
        atoms = crystals.crystal(name)
        assert complaints(atoms, graph(atoms)) == []
    with pytest.raises(InputError, match="a structure in a recipe has"):
        reading.parse({"numbers": []})


# -- relaxed ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.xtb
def test_the_carved_paddlewheel_stays_intact():
    from ase.constraints import FixAtoms
    from ase.optimize import BFGS
    from tblite.ase import TBLite

    from atomsieve.analysis.verdict import Verdict, judge_clean

    (site,) = sites("HKUST-1", carve=2.5)
    atoms = site.atoms.copy()
    atoms.rattle(0.03, seed=1)
    atoms.positions[list(site.frozen)] = site.atoms.positions[list(site.frozen)]
    atoms.set_constraint(FixAtoms(list(site.frozen)))
    # the triplet: both coppers ferromagnetic, a surrogate of the antiferromagnetic ground state
    atoms.calc = TBLite(method="GFN1-xTB", multiplicity=3, spin_polarization=1.0, verbosity=0)
    assert BFGS(atoms, logfile=None).run(fmax=0.05, steps=150)
    assert judge_clean(site, atoms).verdict is Verdict.INTACT
    assert atoms.get_distances(site.metals[0], list(site.donors[0])) == pytest.approx([1.95] * 4, abs=0.08)
