"""Adsorbates of the networks: names, isomers, fragments on metals of their own, side-on names and oxygens of a node."""

from __future__ import annotations

import itertools
from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.data import covalent_radii
from hypothesis import given, settings
from hypothesis import strategies as st

from atomsieve.analysis.isomers import known_as, renamed
from atomsieve.analysis.verdict import judge_adsorbed
from atomsieve.builders.catalog import build, recipes
from atomsieve.builders.placement import place, poses
from atomsieve.builders.poses.placement import Placement
from atomsieve.builders.spin_centres import taken_by
from atomsieve.structures.adsorbate import OF_LATTICE, adsorbate, adsorbates
from atomsieve.structures.grammar import parse_condition
from atomsieve.structures.judgement import Judgement, Verdict
from atomsieve.structures.method import Method
from atomsieve.structures.molecule import reference_amounts
from atomsieve.structures.site import ActiveSite
from atomsieve.workflows.carrying import adsorbed_starts
from atomsieve.workflows.requests import Policy

# fmt: off
NAMES = {
    "OH", "O", "OOH", "H", "O2", "H2O", "CO", "CO2", "COOH", "OCHO", "CHO", "COH", "N2", "NNH", "NH2", "NH3", "NO",
    "NO3", "HCOOH", "CH2O", "CHOH", "OCH3", "CH2OH", "CH3OH", "C", "CH", "CH2", "CH3", "OCCO", "OCCOH", "OCCHO",
    "CCO", "CHCO", "CH2CO", "CH2CHO", "CHOCHO", "CHOCHOH", "CHCHO", "CH3CHO", "CH3CH2O", "N", "NH", "NNH2", "NHNH",
    "NHNH2", "NH2NH2", "N2-side", "NNH-side", "NHNH-side", "NHNH2-side", "NH2NH2-side", "NO3H", "NO2", "NO2H", "NHO",
    "NOH", "NHOH", "NH2O", "NH2OH", "NO-side", "NHO-side", "NH2O-side", "ON", "ONH", "ONH2", "N2O2", "N2O2H", "N2O",
    "H.H", "O.O", "O.OH", "OH.OH", "CO.CO", "CO.CHO", "Vo", "Hlat",
}
# fmt: on
PAIRS = [name for name in adsorbates() if "." in name]
#: On one metal of M-N4.
SINGLE = [name for name, species in adsorbates().items() if species.modes[0].name not in ("bidentate", *OF_LATTICE)]


@cache
def site(name: str) -> ActiveSite:
    entries: dict[str, dict[str, Any]] = {
        "single": {"family": "graphene", "metals": "Fe"},
        "porphine": {"family": "porphine", "metals": "Co"},
        "dual": {"family": "graphene-dual", "metals": "Fe-Co"},
        "apart": {"family": "graphene-pair", "metals": "Fe-Co", "distance": 4.92},
        "trimer": {"family": "oxo-trimer", "metals": "Fe"},
        "oxide": {"family": "zr6-node", "metals": "Mo", "graft": "SIM"},
        "hydroxide": {"family": "zr6-node", "metals": "Fe", "graft": "SIM"},
        "zinc": {"family": "Zn4O-node", "metals": "Co"},
        "linker": {"family": "MOF-74-chain", "metals": "Fe"},
    }
    return build(next(iter(recipes(entries[name]))))


def judged(where: ActiveSite, placement: Placement, atoms: Atoms) -> Judgement:
    species, host = adsorbate(placement.adsorbate), placement.host(where)
    return judge_adsorbed(host, species, atoms, mode=placement.mode, metals=placement.host_metals)


# -- names ------------------------------------------------------------------------------------------------------------


def test_every_name_of_the_networks_is_there() -> None:
    assert set(adsorbates()) >= NAMES
    assert all(taken_by(name) is not None for name in adsorbates())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CHO", "COH"),
        ("COOH", "OCHO"),
        ("NNH2", "NHNH"),
        ("NOH", "NHO"),
        ("NHOH", "NH2O"),
        ("OCCO", "CO.CO"),
        ("OCCHO", "CO.CHO"),
        ("O2", "O.O"),
        ("OOH", "O.OH"),
        ("CHOH", "CH2O"),
        ("CH2OH", "OCH3"),
        ("CHCHO", "CH2CO"),
    ],
)
def test_isomers_differ_in_their_bonds(one: str, other: str) -> None:
    first, second = adsorbate(one), adsorbate(other)
    assert first.composition == second.composition
    for species, name in ((first, one), (second, other)):
        assert known_as(species.symbols, [frozenset(bond) for bond in species.bonds]) == f"{name}*"


def test_names_of_the_same_bonds_differ_in_what_binds() -> None:
    same = {"NO": "ON", "NHO": "ONH", "NH2O": "ONH2"}
    for nitrogen, oxygen in same.items():
        assert (adsorbate(nitrogen).symbols[0], adsorbate(oxygen).symbols[0]) == ("N", "O")
        assert renamed(adsorbate(oxygen), "end-on", frozenset({1})) == nitrogen
        assert renamed(adsorbate(nitrogen), "end-on", frozenset({1})) == oxygen
    for name in adsorbates():
        if name.endswith("-side"):
            assert renamed(adsorbate(name), "side-on", frozenset({0, 1})) is None
            assert renamed(adsorbate(name), "end-on", frozenset({0})) == name.removesuffix("-side")
    # what may bind in every way keeps its name, and of CO no other end has one
    assert renamed(adsorbate("N2"), "side-on", frozenset({0, 1})) is None
    assert renamed(adsorbate("NHNH"), "side-on", frozenset({0, 1})) is None
    assert renamed(adsorbate("CO"), "end-on", frozenset({1})) is None


def test_names_are_read_where_they_are_written() -> None:
    names = {"adsorbate": list(adsorbates()), "reaction": [], "family": []}
    for name in ("CO.CO", "N2-side", "ON", "Vo"):
        assert parse_condition(f"adsorption energy of {name} < -0.5 eV", names).of == name
        assert parse_condition(f"verdict of {name}* is not isomerised", names).of == name


def test_what_the_lattice_lost_is_counted() -> None:
    assert adsorbate("Vo").composition == {"O": -1}
    assert reference_amounts(adsorbate("Vo").composition) == {"H2O": -1.0, "H2": 1.0}
    assert adsorbate("Hlat").composition == adsorbate("H").composition


# -- poses ------------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=120)
@given(st.sampled_from(sorted(adsorbates())), st.sampled_from(["single", "porphine", "dual"]), st.randoms())
def test_poses_hold_what_is_meant(name: str, where: str, random: Any) -> None:
    host, species = site(where), adsorbate(name)
    found = poses(host, name, azimuths=8)
    if name in SINGLE and (where, name) != ("porphine", "CHOCHO"):
        assert found
    if where != "dual":
        assert all(placement.second is None for placement, _ in found)
    elif name in PAIRS:
        assert "bidentate" in {placement.mode for placement, _ in found}
    start = len(host.atoms)
    for placement, atoms in random.sample(found, min(len(found), 6)):
        assert Counter(atoms.symbols[start:]) == species.composition
        assert np.allclose(place(host, Placement.from_dict(placement.to_dict())).positions, atoms.positions)
        lengths, own = atoms[start:].get_all_distances(), atoms.numbers[start:]
        for i, j in itertools.combinations(range(len(own)), 2):
            ratio = lengths[i, j] / (covalent_radii[own[i]] + covalent_radii[own[j]])
            assert (ratio < 1.15) if (i, j) in species.bonds else (ratio > 1.25)
        judgement = judged(host, placement, atoms)
        assert judgement.verdict == Verdict.BOUND, judgement.reason
        assert "moved" not in judgement.reason


@pytest.mark.parametrize("where", ["dual", "apart"])
@pytest.mark.parametrize("name", PAIRS)
def test_fragments_stand_upright_on_metals_of_their_own(name: str, where: str) -> None:
    host, species = site(where), adsorbate(name)
    start = len(host.atoms)
    found = [(p, atoms) for p, atoms in poses(host, name, azimuths=8) if p.mode == "bidentate"]
    # unequal fragments either way round
    assert {p.metals for p, _ in found} >= ({host.metals} if len(set(species.fragments)) == 1 else set())
    assert found
    for placement, atoms in found:
        for metal, atom in zip(placement.metals, species.mode("bidentate").atoms, strict=True):
            bond = atoms.get_distance(metal, start + atom, mic=True, vector=True)
            wanted = 0.96 * (covalent_radii[atoms.numbers[metal]] + covalent_radii[atoms.numbers[start + atom]])
            assert bond == pytest.approx((0.0, 0.0, np.sign(bond[2]) * wanted), abs=0.02)
    orders = {placement.metals for placement, _ in found}
    is_unequal = name in ("O.OH", "CO.CHO", "CO.COOH")
    assert len(orders) == (2 if is_unequal else 1)


def test_on_one_metal_two_fragments_lean_apart() -> None:
    host = site("single")
    for name in ("H.H", "O.O", "O.OH", "OH.OH", "CO.CO"):
        found = poses(host, name, azimuths=8)
        assert {placement.mode for placement, _ in found} == {"chelate"}
        first, second = (len(host.atoms) + atom for atom in adsorbate(name).mode("chelate").atoms)
        assert 60 < found[0][1].get_angle(first, host.metals[0], second, mic=True) < 90
    assert poses(host, "CO.CHO", azimuths=8) == ()


def test_what_is_flat_about_two_binding_atoms_lies_down() -> None:
    host = site("single")
    found = [atoms for placement, atoms in poses(host, "CH2O", azimuths=8) if placement.mode == "side-on"]
    for atoms in found:
        above = atoms.positions[len(host.atoms) :, 2] - atoms.positions[host.metals[0], 2]
        assert np.ptp(above) < 0.25


def test_a_mode_has_torsions_of_its_own() -> None:
    host = site("dual")
    start = len(host.atoms)
    dihedrals: dict[str, set[int]] = {}
    for placement, atoms in poses(host, "OCCHO", azimuths=8):
        turned = round(atoms.get_dihedral(start + 2, start, start + 1, start + 3)) % 360
        dihedrals.setdefault(placement.mode, set()).add(turned)
    assert dihedrals == {"end-on": {0}, "bidentate": {180}}


# -- verdicts ---------------------------------------------------------------------------------------------------------

PORPHINE = site("porphine")
(METAL,) = PORPHINE.metals


def above(name: str, positions: list[tuple[float, float, float]], **how: Any) -> Judgement:
    atoms = PORPHINE.atoms + Atoms(adsorbate(name).symbols, np.array(positions) + PORPHINE.atoms.positions[METAL])
    return judge_adsorbed(PORPHINE, adsorbate(name), atoms, **how)


@pytest.mark.parametrize(
    ("name", "positions", "reason"),
    [
        ("ON", [(0, 0, 2.9), (0, 0, 1.75)], "ON* became NO*: Co-N 1.75 Å, end-on"),
        ("NO", [(0, 0, 2.95), (0, 0, 1.8)], "NO* became ON*: Co-O 1.80 Å, end-on"),
        ("N2-side", [(0, 0, 1.8), (0, 0, 2.92)], "N2-side* became N2*: Co-N 1.80 Å, end-on"),
        ("NO-side", [(0, 0, 1.75), (0, 0, 2.9)], "NO-side* became NO*: Co-N 1.75 Å, end-on"),
        ("NO-side", [(0, 0, 2.95), (0, 0, 1.8)], "NO-side* became ON*: Co-O 1.80 Å, end-on"),
        ("NNH-side", [(0, 0, 2.95), (0, 0, 1.8), (0.95, 0, 1.5)], "NNH-side* became NNH*: Co-N 1.80 Å, end-on"),
        ("O.O", [(-0.65, 0, 1.8), (0.65, 0, 1.8)], "O.O* became O2*: gained O-O 1.30 Å"),
        ("H.H", [(-0.45, 0, 1.6), (0.45, 0, 1.6)], "H.H* became H2: gained H-H 0.90 Å"),
        (
            "CO.CO",
            [(-0.7, 0, 1.8), (-1.2, 0, 2.9), (0.7, 0, 1.8), (1.2, 0, 2.9)],
            "CO.CO* became OCCO*: gained C-C 1.40 Å",
        ),
    ],
)
def test_what_was_placed_is_told_from_its_isomers(
    name: str, positions: list[tuple[float, float, float]], reason: str
) -> None:
    judgement = above(name, positions)
    assert (judgement.verdict, judgement.reason) == (Verdict.ISOMERISED, reason)


def test_fragments_are_told_one_by_one() -> None:
    placed = [(-1.15, 0, 1.45), (1.15, 0, 1.45), (0.7, 0.8, 1.6)]
    assert above("O.OH", placed).verdict == Verdict.BOUND
    gone = above("O.OH", [(0, 0, 1.7), (2.0, 0, 4.5), (2.9, 0, 4.7)])
    assert (gone.verdict, gone.reason) == (Verdict.DESORBED, "one fragment of O.OH* is not held (Co-O 4.92 Å)")
    # hydrogen on a nitrogen of the ring
    donor = PORPHINE.atoms.positions[PORPHINE.donors[0][0]] - PORPHINE.atoms.positions[METAL]
    moved = above("H.H", [(0, 0, 1.5), tuple(donor + np.array([0, 0, 1.03]))])
    assert moved.verdict == Verdict.MOVED
    assert moved.reason.startswith("H left Co and sits on N")
    # its own bond is that of one of them
    broken = above("O.OH", [(-1.15, 0, 1.45), (1.15, 0, 1.45), (3.2, 0, 3.4)])
    assert broken.verdict == Verdict.DISSOCIATED


# -- oxygens of a node ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "vacancies", "hydroxyls"),
    [("trimer", 1, 1), ("oxide", 2, 2), ("zinc", 1, 0), ("hydroxide", 0, 0), ("linker", 0, 0), ("single", 0, 0)],
)
def test_only_an_oxide_that_metals_alone_hold_is_of_the_lattice(where: str, vacancies: int, hydroxyls: int) -> None:
    host = site(where)
    for name, number, change in (("Vo", vacancies, {"O": -1}), ("Hlat", hydroxyls, {"H": 1})):
        found = poses(host, name)
        assert len(found) == number
        for placement, atoms in found:
            now, before = Counter(atoms.symbols), Counter(host.atoms.symbols)
            assert {element: now[element] - before[element] for element in now if now[element] != before[element]} == (
                change
            )
            assert host.atoms.symbols[placement.oxide] == "O"
            assert Placement.from_dict(placement.to_dict()) == placement
            assert (place(host, placement).positions == atoms.positions).all()
            assert judged(host, placement, atoms).verdict == Verdict.BOUND
    assert {adsorbate(name).modes[0].name for name in ("Vo", "Hlat")} == set(OF_LATTICE)


def test_a_site_without_an_atom_is_the_same_site() -> None:
    host = site("oxide")
    placement, atoms = poses(host, "Vo")[0]
    assert placement.oxide is not None
    left = placement.host(host)
    assert (left.atoms.positions == atoms.positions).all()
    assert left.metal_symbols == host.metal_symbols
    assert placement.host_metals == left.metals
    for old, new in zip(host.donors, left.donors, strict=True):
        assert [host.atoms.positions[i].tolist() for i in old if i != placement.oxide] == [
            left.atoms.positions[i].tolist() for i in new
        ]
    assert len(left.bonds) == len(host.bonds) - sum(placement.oxide in bond for bond in host.bonds)
    for old, new in ((host.frozen, left.frozen), (host.axial[0], left.axial[0])):
        assert [host.atoms.symbols[i] for i in old] == [left.atoms.symbols[i] for i in new]
    assert left.atoms.get_distance(*left.bonds[-1]) < 2.5


def test_a_vacancy_starts_from_what_is_left() -> None:
    class Nothing:
        def stored(self, key: str) -> dict[str, Any]:
            return {"moments": None}

    host, policy = site("trimer"), Policy(Method("mock", {}, "mock"), 0.05)
    for name, atoms in (("Vo", 0), ("Hlat", 1)):
        found, dropped = adsorbed_starts(policy, host, {"key": "0" * 64, "multiplicity": None}, name, [], Nothing())
        assert not dropped
        for request, start, extra in found:
            assert (len(extra), len(start.atoms)) == (atoms, len(host.atoms) - (name == "Vo"))
            assert request.subject["oxide"] == 0


def test_hydrogen_of_the_lattice_is_told_from_that_of_the_metal() -> None:
    host = site("trimer")
    placement, atoms = poses(host, "Hlat")[0]
    metal, oxide = host.metals[0], 0
    on_metal = atoms.copy()
    out = on_metal.positions[metal] - on_metal.positions[oxide]
    on_metal.positions[-1] = on_metal.positions[metal] + 1.55 * out / np.linalg.norm(out)
    judgement = judged(host, placement, on_metal)
    assert (judgement.verdict, judgement.reason) == (Verdict.ISOMERISED, "Hlat* became H*: Fe-H 1.55 Å")
    away = atoms.copy()
    away.positions[-1] += (0, 0, 4.0)
    assert judged(host, placement, away).verdict == Verdict.DESORBED
    carbon = next(i for i, symbol in enumerate(host.atoms.symbols) if symbol == "C")
    elsewhere = atoms.copy()
    elsewhere.positions[-1] = elsewhere.positions[carbon] + (0, 0, 1.1)
    assert judged(host, placement, elsewhere).verdict == Verdict.MOVED


def test_a_vacancy_in_a_site_that_falls_apart_is_not_bound() -> None:
    host = site("oxide")
    placement, atoms = poses(host, "Vo")[0]
    left = placement.host(host)
    atoms.positions[left.metals[0]] += (0, 0, 6.0)
    assert judged(host, placement, atoms).verdict == Verdict.METAL_LEFT
