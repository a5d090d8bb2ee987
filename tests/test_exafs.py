"""EXAFS: path tables of geometries that are done by hand, and input of FEFF that pymatgen reads back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from pymatgen.io.feff.inputs import Atoms as FeffAtoms
from pymatgen.io.feff.inputs import Potential, Tags
from scipy.spatial.transform import Rotation

from atomsieve.analysis.exafs import multiple_scattering, nearest_image, single_scattering, sphere, without_vacuum
from atomsieve.analysis.feff import MARGIN, feff_files, usual_edge
from atomsieve.builders import catalog
from atomsieve.structures.errors import InputError
from atomsieve.structures.site import ActiveSite

Line = tuple[str, float, int]


def built(**recipe: Any) -> ActiveSite:
    (full, *_) = catalog.recipes(recipe)
    return catalog.build(full)


def lines(atoms: Atoms, absorber: int, **options: float) -> list[Line]:
    return [(path.name, round(path.distance, 3), path.count) for path in single_scattering(atoms, absorber, **options)]


# --- path tables ---------------------------------------------------------------------------------------------------


def test_shells_of_bcc_iron_are_those_of_the_textbook() -> None:
    a = 2.8665
    found = lines(bulk("Fe", "bcc", a=a), 0, radius=5.1)
    by_hand = [(np.sqrt(3) / 2, 8), (1.0, 6), (np.sqrt(2), 12), (np.sqrt(11) / 2, 24), (np.sqrt(3), 8)]
    assert found == [("Fe-Fe", round(share * a, 3), count) for share, count in by_hand]


def test_a_row_of_atoms_focuses_as_often_as_feff_counts() -> None:
    """Along each of the eight body diagonals of bcc iron one atom lies behind another: a way there and one back."""
    a = 2.8665
    found = multiple_scattering(bulk("Fe", "bcc", a=a), 0, radius=5.1)
    assert [(path.name, path.count, round(path.angle or 0)) for path in found] == [
        ("Fe-Fe-Fe", 16, 180),
        ("Fe-Fe-Fe-Fe", 8, 180),
    ]
    assert [path.distance for path in found] == pytest.approx([np.sqrt(3) * a] * 2, abs=1e-3)


def test_shells_of_iron_in_graphene_as_built() -> None:
    """The metal sits in the middle of a missing C2; its nitrogen is drawn to 1.895 Å, and all else is the lattice's."""
    site = built(family="graphene", metals="Fe")
    x, bond = 1.23, 1.42
    by_hand = [
        ("Fe-N", 1.895, 4),
        ("Fe-C", round(float(np.hypot(2 * x, bond / 2)), 3), 4),
        ("Fe-C", round(float(np.hypot(x, 2 * bond)), 3), 4),
        ("Fe-C", round(2.5 * bond, 3), 2),
    ]
    found = lines(without_vacuum(site), site.metals[0])
    assert [(name, pytest.approx(distance, abs=2e-3), count) for name, distance, count in by_hand] == found[:4]
    # what experimenters call the second shell
    assert sum(count for name, distance, count in found if name == "Fe-C" and distance < 3.2) == 8
    focused = multiple_scattering(without_vacuum(site), site.metals[0])
    assert [(path.name, path.count) for path in focused if path.scatterers[0] == "N"][:2] == [
        ("Fe-N-C", 8),
        ("Fe-N-C-N", 4),
    ]
    assert nearest_image(without_vacuum(site)) == pytest.approx(4 * 2.46)


def test_shells_of_a_cluster() -> None:
    """Iron porphine, D4h: four N, eight α and four meso carbons, eight β carbons, each behind a nitrogen."""
    site = built(family="porphine", metals="Fe")
    found = lines(without_vacuum(site), site.metals[0])
    assert [(name, count) for name, _, count in found] == [
        ("Fe-N", 4),
        ("Fe-C", 8),
        ("Fe-C", 4),
        ("Fe-C", 8),
        ("Fe-H", 4),
    ]
    focused = multiple_scattering(without_vacuum(site), site.metals[0])
    assert [(path.name, path.count) for path in focused] == [("Fe-N-C", 16), ("Fe-N-C-N", 8)]
    assert nearest_image(without_vacuum(site)) is None


def test_a_carbonyl_is_a_straight_row() -> None:
    atoms = Atoms("NiCO", [[0, 0, 0], [0, 0, 1.82], [0, 0, 2.96]])
    found = multiple_scattering(atoms, 0)
    assert [(path.name, path.count, path.angle) for path in found] == [
        ("Ni-C-O", 2, pytest.approx(180)),
        ("Ni-C-O-C", 1, pytest.approx(180)),
    ]
    assert [path.distance for path in found] == pytest.approx([2.96, 2.96])
    # bent by more than it takes to focus
    atoms.positions[2] = [0, 1.14 * np.sin(np.pi / 3), 1.82 + 1.14 * np.cos(np.pi / 3)]
    assert multiple_scattering(atoms, 0) == ()
    assert len(multiple_scattering(atoms, 0, focus=110)) == 2


def test_each_metal_of_a_pair_sees_the_other() -> None:
    site = built(family="graphene-dual", metals="Fe-Co")
    iron, cobalt = site.metals
    atoms = without_vacuum(site)
    assert [line for line in lines(atoms, iron) if line[0] == "Fe-Co"] == [("Fe-Co", 2.46, 1)]
    assert [line for line in lines(atoms, cobalt) if line[0] == "Co-Fe"] == [("Co-Fe", 2.46, 1)]


@pytest.mark.parametrize("family", ["graphene", "porphine", "graphene-dual"])
def test_tables_do_not_depend_on_how_a_site_lies(family: str) -> None:
    site = built(family=family, metals="Fe-Co" if family == "graphene-dual" else "Fe")
    atoms, metal = without_vacuum(site), site.metals[0]
    # off the symmetric geometry, where nothing is equal by accident
    atoms.rattle(0.02, seed=3)
    expected = (single_scattering(atoms, metal), multiple_scattering(atoms, metal))
    random = np.random.default_rng(0)
    turn = Rotation.random(rng=random).as_matrix()
    order = random.permutation(len(atoms))
    moved = atoms[order]
    moved.set_cell(atoms.cell.array @ turn.T)
    moved.positions = moved.positions @ turn.T + [1.0, -2.0, 3.0]
    there = int(np.flatnonzero(order == metal)[0])
    for before, after in zip(
        expected, (single_scattering(moved, there), multiple_scattering(moved, there)), strict=True
    ):
        assert [(p.name, p.count) for p in after] == [(p.name, p.count) for p in before]
        assert [p.distance for p in after] == pytest.approx([p.distance for p in before], abs=2e-4)
    if atoms.pbc.any():
        wider = atoms.repeat((2, 2, 1))
        assert single_scattering(wider, metal) == pytest.approx(expected[0])


def test_no_layer_is_seen_across_the_vacuum() -> None:
    """The cell of a sheet is periodic in all directions for the calculators, and its vacuum may be thin."""
    site = built(family="graphene", metals="Fe")
    assert site.atoms.pbc.all()
    thin = site.atoms.copy()
    thin.cell[2, 2] = 4.0
    atoms = without_vacuum(replace(site, atoms=thin))
    assert lines(atoms, site.metals[0], radius=8.0) == lines(without_vacuum(site), site.metals[0], radius=8.0)
    assert len(lines(thin, site.metals[0], radius=8.0)) > len(lines(atoms, site.metals[0], radius=8.0))
    # the images in the plane are real to the model
    metals = [path for path in single_scattering(atoms, site.metals[0], 10.0) if path.scatterers == ("Fe",)]
    assert [(path.count, path.distance) for path in metals] == [(6, pytest.approx(9.84))]


def test_distances_are_merged_within_a_width_and_no_farther() -> None:
    chain = Atoms("FeN4", [[0, 0, 0], [1.90, 0, 0], [-1.95, 0, 0], [0, 2.02, 0], [0, -2.10, 0]])
    assert [path.count for path in single_scattering(chain, 0, width=0.01)] == [1, 1, 1, 1]
    two = single_scattering(chain, 0, width=0.1)
    assert [(path.count, round(path.distance, 3), round(path.spread, 3)) for path in two] == [
        (2, 1.925, 0.025),
        (2, 2.06, 0.04),
    ]
    (one,) = single_scattering(chain, 0, width=0.2)
    assert (one.count, one.distance) == (4, pytest.approx(1.9925))
    assert one.spread == pytest.approx(np.std([1.90, 1.95, 2.02, 2.10]))


@pytest.mark.parametrize(
    ("absorber", "radius", "message"),
    [
        (99, 5.0, "atom 99 cannot absorb; there are 2"),
        (0, 40.0, "radius 40 Å is out of range; allowed 1 to 12"),
        (0, 0.5, "radius 0.5 Å is out of range"),
    ],
)
def test_what_has_no_table_is_refused(absorber: int, radius: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        single_scattering(Atoms("FeO", [[0, 0, 0], [0, 0, 1.6]]), absorber, radius)


# --- FEFF ----------------------------------------------------------------------------------------------------------

SITES = [
    {"family": "graphene", "metals": "Fe"},
    {"family": "porphine", "metals": "Pt"},
    {"family": "graphene-dual", "metals": "Fe-Fe"},
    {"family": "oxo-trimer", "metals": "Co"},
]


def written(site: ActiveSite, metal: int, folder: Path, **options: Any) -> Path:
    files = feff_files(without_vacuum(site), metal, source="here", comment=site.label, **options)
    assert list(files) == ["feff.inp", "HEADER", "PARAMETERS", "POTENTIALS", "ATOMS"]
    assert all(files[name] in files["feff.inp"] for name in files)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="ascii")
    return folder / "feff.inp"


@pytest.mark.parametrize("recipe", SITES, ids=lambda recipe: f"{recipe['family']}-{recipe['metals']}")
@pytest.mark.parametrize("spectrum", ["EXAFS", "XANES"])
def test_pymatgen_reads_the_input_of_feff_back(recipe: dict[str, str], spectrum: str, tmp_path: Path) -> None:
    site = built(**recipe)
    for metal, symbol in zip(site.metals, site.metal_symbols, strict=True):
        path = str(written(site, metal, tmp_path, spectrum=spectrum, radius=4.5))
        symbols, vectors = sphere(without_vacuum(site), metal, 4.5, MARGIN)

        # the atoms, the absorber first
        cluster = FeffAtoms.cluster_from_file(path)
        assert cluster[0].specie.symbol == symbol
        assert cluster[0].coords == pytest.approx([0, 0, 0])
        assert sorted(map(str, cluster.species)) == sorted([symbol, *symbols])
        expected = np.array([[0, 0, 0], *vectors])
        names = np.array([symbol, *symbols])
        for atom in cluster:
            apart = np.linalg.norm(expected - atom.coords, axis=1)
            assert apart.min() < 2e-5
            assert names[apart.argmin()] == atom.specie.symbol
        distances = [atom.distance_from_point([0, 0, 0]) for atom in cluster]
        assert distances == pytest.approx(sorted(distances), abs=1e-4)

        # each atom's potential is that of its element, none is left out, and the absorber's is 0 alone
        _, element_of = Potential.pot_dict_from_str(Potential.pot_string_from_file(path))
        assert sorted(element_of) == list(range(len(element_of)))
        assert element_of[0] == symbol
        rows = [line.split() for line in FeffAtoms.atoms_string_from_file(path).splitlines()[3:] if line.strip()]
        assert rows[0][3:5] == ["0", symbol]
        assert all(element_of[int(row[3])] == row[4] for row in rows)
        assert {int(row[3]) for row in rows[1:]} == set(element_of) - {0}
        assert (symbol in symbols) == (list(element_of.values()).count(symbol) == 2)

        tags = Tags.from_file(path)
        assert spectrum in tags
        assert tags["EDGE"] == usual_edge(symbol)
        assert tags["RPATH" if spectrum == "EXAFS" else "FMS"] in ([4.5], [4.5, 0])
        assert tags == Tags.from_file(str(tmp_path / "PARAMETERS"))
        assert f"TITLE comment: {site.label}" in Path(path).read_text(encoding="ascii")


def test_the_edge_is_what_beamlines_reach(tmp_path: Path) -> None:
    assert [usual_edge(metal) for metal in ("Fe", "Pd", "Cd", "Hf", "Pt")] == ["K", "K", "K", "L3", "L3"]
    site = built(family="graphene", metals="Pd")
    assert Tags.from_file(str(written(site, site.metals[0], tmp_path, edge="L3")))["EDGE"] == "L3"
    with pytest.raises(InputError, match="unknown edge 'M5'"):
        feff_files(without_vacuum(site), site.metals[0], edge="M5")
    with pytest.raises(InputError, match="unknown spectrum"):
        feff_files(without_vacuum(site), site.metals[0], spectrum="XES")  # type: ignore[arg-type]
