"""Metals in graphene nanoribbons and at their edges."""

from __future__ import annotations

import itertools
from collections import Counter

import networkx as nx
import numpy as np
import pytest
from ase.build import graphene_nanoribbon
from hypothesis import given, settings
from hypothesis import strategies as st

from atomsieve.analysis.pictures import draw
from atomsieve.analysis.verdict import judge_clean
from atomsieve.builders import catalog
from atomsieve.builders.families.ribbon import LENGTHS, WIDTHS, pore_row
from atomsieve.builders.family import TRANSITION_METALS, stretch
from atomsieve.builders.placement import place, poses
from atomsieve.builders.poses.faces import open_directions
from atomsieve.structures.judgement import Verdict
from atomsieve.structures.site import ActiveSite

metals = st.sampled_from(TRANSITION_METALS)
sizes = st.sampled_from(["armchair", "zigzag"]).flatmap(
    lambda edge: st.tuples(
        st.just(edge),
        st.sampled_from(["inside", "edge"] + ["bay"] * (edge == "armchair")),
        st.integers(WIDTHS[edge][0], WIDTHS[edge][0] + 5),
        st.integers(LENGTHS[edge][0], LENGTHS[edge][0] + 3),
    )
)


def ribbon(metal: str = "Fe", **values: object) -> ActiveSite:
    (recipe,) = catalog.recipes({"family": "ribbon", "metals": metal, **values})
    return catalog.build(recipe)


def bare(edge: str, width: int, length: int) -> Counter[str]:
    """Atoms of a hydrogenated ribbon from ASE, whose armchair widths count pairs of lines."""
    atoms = graphene_nanoribbon(width / 2 if edge == "armchair" else width, length, edge, saturated=True, vacuum=5.0)
    return Counter(atoms.symbols)


@settings(deadline=None, max_examples=80)
@given(metals, sizes, st.floats(15.0, 30.0))
def test_a_ribbon_is_what_its_recipe_says(metal, size, vacuum):
    edge, where, width, length = size
    site = ribbon(metal, edge=edge, site=where, width=width, length=length, vacuum=vacuum)
    lost = Counter({"C": 2, "H": 2}) if where == "bay" else Counter({"C": 6})
    donors = 2 if where == "bay" else 4
    # ASE cannot make half an armchair period with hydrogen, so an odd width is the mean of its neighbours
    below, above = (
        bare(edge, width + step, length) for step in ((-1, 1) if width % 2 and edge == "armchair" else (0, 0))
    )
    whole = Counter({symbol: (below[symbol] + above[symbol]) // 2 for symbol in ("C", "H")})
    assert Counter(site.atoms.symbols) == whole - lost + Counter({"N": donors, metal: 1})

    # it lies in the xy plane, is periodic along x alone, and stands in the middle of a cell with room around it
    assert site.kind == "ribbon"
    assert list(site.atoms.pbc) == [True, False, False]
    cell, positions = site.atoms.cell.array, site.atoms.positions
    assert np.allclose(cell, np.diag(np.diag(cell)))
    assert cell[0, 0] == pytest.approx(length * (4.26 if edge == "armchair" else 2.4595), abs=1e-3)
    assert cell[2, 2] == pytest.approx(vacuum)
    assert np.ptp(positions[:, 2]) < 1e-9
    assert positions[0, 2] == pytest.approx(vacuum / 2)
    support = np.delete(positions, site.metals[0], axis=0)
    assert support[:, 1].min() == pytest.approx(vacuum / 2)
    assert cell[1, 1] - support[:, 1].max() == pytest.approx(vacuum / 2)
    carbons = positions[[atom for atom, symbol in enumerate(site.atoms.symbols) if symbol == "C"]]
    across = (width - 1) * 1.2298 if edge == "armchair" else (width - 1) * 2.13 + 0.71
    assert np.ptp(carbons[:, 1]) == pytest.approx(across, abs=1e-3)
    assert positions[site.metals[0], 0] == pytest.approx(cell[0, 0] / 2)

    # every carbon keeps three neighbours, nitrogen two carbons and the metal, hydrogen one
    bonded = nx.Graph(site.bonds)
    degrees = {(symbol, bonded.degree[atom]) for atom, symbol in enumerate(site.atoms.symbols)}
    assert degrees == {("C", 3), ("H", 1), ("N", 3), (metal, donors)}
    assert {site.atoms.symbols[atom] for atom in site.donors[0]} == {"N"}
    found = site.atoms.get_distances(site.metals[0], list(site.donors[0]), mic=True)
    assert found == pytest.approx([(1.97 if donors == 2 else 1.88) + stretch(metal)] * donors)
    assert catalog.build(site.recipe).to_dict() == site.to_dict()


def test_a_bay_is_that_of_phenanthroline():
    site = ribbon("Co", site="bay")
    bonded = nx.Graph(site.bonds)
    first, second = site.donors[0]
    # M-N-C-C-N is a ring of five, the nitrogens sit in rings of six with a CH beside each
    ring = next(ring for ring in nx.minimum_cycle_basis(bonded) if site.metals[0] in ring)
    assert sorted(site.atoms.symbols[atom] for atom in ring) == ["C", "C", "Co", "N", "N"]
    for nitrogen in (first, second):
        beside = [atom for atom in bonded[nitrogen] if site.atoms.symbols[atom] == "C"]
        hydrogens = [sum(site.atoms.symbols[other] == "H" for other in bonded[atom]) for atom in beside]
        assert sorted(hydrogens) == [0, 1]
    # 1,10-phenanthroline complexes: N...N 2.65 Å, N-Co-N 80 to 83 degrees; graphene's bay is 2.84 Å wide
    assert site.atoms.get_distance(first, second) == pytest.approx(2.84, abs=0.01)
    assert site.atoms.get_angle(first, site.metals[0], second) < 95
    # the metal is open outward, away from the ribbon
    assert any(direction.vector[1] < -0.5 for direction in open_directions(site))
    assert poses(site, "OH")


@pytest.mark.parametrize("edge", ["armchair", "zigzag"])
def test_a_pore_next_to_the_edge_is_nearer_to_it(edge):
    inside, outside = (ribbon(edge=edge, site=where, width=10) for where in ("inside", "edge"))

    def to_edge(site: ActiveSite) -> float:
        heights = site.atoms.positions[:, 1]
        return float(heights[site.metals[0]] - heights[site.atoms.numbers == 6].min())

    assert to_edge(outside) == pytest.approx(2 * 1.2298 if edge == "armchair" else 3.55, abs=0.01)
    assert to_edge(inside) > to_edge(outside) + 1.2
    # where the ribbon is too narrow for a difference there is one recipe
    narrow = {"family": "ribbon", "metals": "Fe", "edge": edge, "width": WIDTHS[edge][0], "site": ["inside", "edge"]}
    assert len(list(catalog.recipes(narrow))) == 1
    assert len(list(catalog.recipes({**narrow, "width": 10}))) == 2
    for width in range(WIDTHS[edge][0], WIDTHS[edge][1] + 1):
        count = len(list(catalog.recipes({**narrow, "width": width})))
        assert count == 1 + (pore_row(edge, "inside", width) > pore_row(edge, "edge", width))


def test_both_faces_are_open_and_the_same():
    for edge, where in itertools.product(["armchair", "zigzag"], ["inside", "edge"]):
        site = ribbon("Co", edge=edge, site=where, width=8)
        assert [direction.face for direction in open_directions(site)] == ["top", "bottom"]
        found = poses(site, "OH")
        assert {placement.face for placement, _ in found} == {"top"}
        placed = place(site, found[0][0])
        oxygen = placed.positions[len(site.atoms)]
        assert oxygen[2] - site.atoms.positions[site.metals[0], 2] == pytest.approx(1.84, abs=0.05)
    # a ligand on one face leaves the other
    site = ribbon("Fe", axial="imidazole", length=3)
    assert site.label == "Fe-N4-imidazole@armchair-ribbon-w7-l3"
    assert [direction.face for direction in open_directions(site)] == ["top"]


@pytest.mark.parametrize(
    ("entry", "parameter", "message"),
    [
        ({"edge": "zigzag", "site": "bay"}, "site", "a zigzag edge has no bay"),
        ({"edge": "armchair", "width": 4}, "width", "4 does not suit an armchair ribbon; allowed: 5 to 24"),
        ({"edge": "zigzag", "length": 2}, "length", "2 does not suit a zigzag ribbon; allowed: 3 to 16"),
        ({"edge": "zigzag", "width": 20}, "width", "allowed: 4 to 16"),
        ({"width": 7.5}, "width", "7.5 is not a whole number"),
        ({"width": "wide"}, "width", "'wide' is not a whole number"),
        ({"length": True}, "length", "True is not a whole number"),
        ({"length": float("inf")}, "length", "inf is not a whole number"),
        ({"edge": "armchair-like"}, "edge", "unknown edge"),
    ],
)
def test_what_makes_no_sense_is_refused(entry, parameter, message):
    (problem,) = catalog.check({"family": "ribbon", "metals": "Fe", **entry})
    assert problem.path == parameter
    assert message in problem.message


def test_labels_tell_recipes_apart():
    entry = {
        "family": "ribbon",
        "metals": ["Fe", "Co"],
        "edge": "armchair",
        "site": ["inside", "edge", "bay"],
        "width": [7, 8, 9],
        "length": [3, 4],
        "axial": ["none", "OH"],
    }
    sites = [catalog.build(recipe) for recipe in catalog.recipes(entry)]
    assert len(sites) == len({site.label for site in sites}) == len({site.key for site in sites})
    labels = {site.label for site in sites}
    assert {"Fe-N4@armchair-ribbon", "Co-N2@armchair-ribbon-bay", "Fe-N4-OH@armchair-ribbon-edge-w9-l4"} <= labels


def test_a_ribbon_can_be_drawn(tmp_path):
    site = ribbon("Fe", edge="zigzag", site="edge")
    assert draw(site.atoms, tmp_path / "ribbon.png").stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.xtb
@pytest.mark.parametrize(
    ("values", "multiplicity", "window"),
    [
        # PBE finds Fe-N 1.89 to 1.91 in graphene
        ({"edge": "armchair", "length": 2}, 3, (1.84, 1.95)),
        ({"metal": "Co", "edge": "armchair", "site": "bay", "width": 5, "length": 2}, 4, (1.90, 2.05)),
    ],
    ids=["inside", "bay"],
)
def test_a_relaxed_ribbon_stays_intact(values, multiplicity, window):
    from ase.optimize import BFGS
    from tblite.ase import TBLite

    site = ribbon(**{"metal": "Fe", **values})
    atoms = site.atoms.copy()
    atoms.rattle(0.03, seed=1)
    atoms.calc = TBLite(method="GFN1-xTB", multiplicity=multiplicity, spin_polarization=1.0, verbosity=0)
    with BFGS(atoms, logfile=None, maxstep=0.1) as optimizer:
        assert optimizer.run(fmax=0.1, steps=80)
    assert judge_clean(site, atoms).verdict is Verdict.INTACT
    found = atoms.get_distances(site.metals[0], list(site.donors[0]), mic=True)
    assert window[0] < found.min()
    assert found.max() < window[1]
