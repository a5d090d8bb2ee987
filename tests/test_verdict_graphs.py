"""Verdicts that compare bond graphs: isomers, other sites, reactions with the support, and equal atoms."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st

from atomsieve.analysis.verdict import judge_adsorbed, judge_clean
from atomsieve.builders.catalog import build, recipes
from atomsieve.structures.adsorbate import END_ON, adsorbate, adsorbates
from atomsieve.structures.judgement import USABLE, Judgement, Verdict
from atomsieve.structures.site import ActiveSite

SITE = build(next(iter(recipes({"family": "porphine", "metals": "Co"}))))
(METAL,) = SITE.metals
START = len(SITE.atoms)


def on_metal(name: str, positions: list[tuple[float, float, float]], site: ActiveSite = SITE) -> Atoms:
    """Put atoms, in the order of an adsorbate, at places relative to the first metal."""
    places = np.array(positions) + site.atoms.positions[site.metals[0]]
    return site.atoms + Atoms(adsorbate(name).symbols, places)


def judged(name: str, positions: list[tuple[float, float, float]], **options: object) -> Judgement:
    return judge_adsorbed(SITE, adsorbate(name), on_metal(name, positions), **options)


def test_none_but_bound_and_intact_is_used() -> None:
    assert {Verdict.BOUND, Verdict.INTACT} == USABLE


@pytest.mark.parametrize(
    ("name", "positions", "became", "lost", "gained"),
    [
        # formate held by an oxygen: H has gone from O to C
        ("COOH", [(1.0, 0, 2.7), (0, 0, 1.9), (2.2, 0, 2.4), (0.9, 0, 3.8)], "OCHO", "O-H", "C-H"),
        # H has gone from C to O, and back
        ("CHO", [(0, 0, 1.8), (0, 0, 3.1), (0.91, 0, 3.43)], "COH", "C-H", "O-H"),
        ("COH", [(0, 0, 1.8), (1.01, 0, 2.43), (-1.02, 0, 2.26)], "CHO", "O-H", "C-H"),
        ("OCHO", [(1.03, 0, 2.54), (-1.24, 0, 2.43), (0, 0, 1.9), (-1.12, 0, 3.4)], "COOH", "C-H", "O-H"),
    ],
)
def test_isomers_are_named(
    name: str, positions: list[tuple[float, float, float]], became: str, lost: str, gained: str
) -> None:
    judgement = judged(name, positions)
    assert judgement.verdict == Verdict.ISOMERISED
    pattern = rf"{re.escape(name)}\* became {became}\*: lost {lost} \d\.\d\d Å, gained {gained} \d\.\d\d Å"
    assert re.fullmatch(pattern, judgement.reason)


def test_an_isomer_without_a_name_is_rearranged() -> None:
    # carbon dioxide whose oxygens have closed to a ring
    judgement = judged("CO2", [(0, 0, 1.9), (0.74, 0, 3.0), (-0.74, 0, 3.0)])
    assert judgement.verdict == Verdict.ISOMERISED
    assert judgement.reason == "CO2* rearranged: gained O-O 1.48 Å"
    # amide with its hydrogens in a row
    judgement = judged("NH2", [(0, 0, 1.9), (0.6, 0, 2.7), (0.88, 0, 3.38)])
    assert judgement.verdict == Verdict.ISOMERISED


@pytest.mark.parametrize(
    ("name", "positions"),
    [
        # CO and H, both on the metal
        ("CHO", [(0, 0, 1.75), (0, 0, 2.9), (1.45, 0, 0.6)]),
        # O and OH
        ("OOH", [(0.9, 0, 1.45), (-1.1, 0, 1.5), (-1.6, 0.5, 2.2)]),
        # CO2 and H
        ("COOH", [(0, 0, 3.2), (1.16, 0, 3.2), (-1.16, 0, 3.2), (0, 0, 1.5)]),
        # N2 and H in the gas
        ("NNH", [(0, 0, 1.8), (0, 0, 2.92), (0, 0, 5.0)]),
    ],
)
def test_pieces_are_dissociated(name: str, positions: list[tuple[float, float, float]]) -> None:
    assert judged(name, positions).verdict == Verdict.DISSOCIATED


def dual() -> ActiveSite:
    """Fe and Co, 2.4 Å apart, in a flat frame of six nitrogen atoms."""
    corners = [(x, y, 0.0) for x in (2.53, -2.53) for y in (1.33, -1.33)]
    atoms = Atoms("FeCoN6", [(-1.2, 0, 0), (1.2, 0, 0), *corners, (0, 1.5, 0), (0, -1.5, 0)])
    donors = ((4, 5, 6, 7), (2, 3, 6, 7))
    bonds = tuple(sorted((metal, donor) for metal in (0, 1) for donor in donors[metal]))
    return ActiveSite("FeCo", {"family": "test"}, atoms, "cluster", (0, 1), donors, bonds)


def test_another_metal_is_another_site() -> None:
    site = dual()
    oxygen = adsorbate("O")
    on_cobalt = on_metal("O", [(2.4, 0, 1.65)], site)
    between = on_metal("O", [(1.2, 0, 1.5)], site)
    judgement = judge_adsorbed(site, oxygen, on_cobalt, metals=[0])
    assert judgement.verdict == Verdict.MOVED
    assert judgement.reason == "Co-O 1.65 Å, moved from Fe0 to Co1"
    assert judge_adsorbed(site, oxygen, on_cobalt, metals=[1]).verdict == Verdict.BOUND
    assert judge_adsorbed(site, oxygen, on_cobalt).verdict == Verdict.BOUND
    # one of its metals is enough
    assert judge_adsorbed(site, oxygen, between, metals=[0]).verdict == Verdict.BOUND
    slid = judge_adsorbed(site, oxygen, on_cobalt, mode="bridge", metals=[0, 1])
    assert (slid.verdict, slid.reason) == (Verdict.BOUND, "Co-O 1.65 Å, moved from bridge to end-on")


def test_an_atom_of_the_support_is_another_site() -> None:
    carbon = next(i for i, j in SITE.bonds if SITE.atoms.symbols[i] == "C" and SITE.atoms.symbols[j] == "H")
    relaxed = SITE.atoms + Atoms("OH", SITE.atoms.positions[carbon] + [(0, 0, 1.42), (0.92, 0, 1.7)])
    judgement = judge_adsorbed(SITE, adsorbate("OH"), relaxed)
    assert judgement.verdict == Verdict.MOVED
    assert judgement.reason.startswith(f"O left Co and sits on C{carbon} (C-O 1.42 Å), Co-O ")
    # held by its other end: as much elsewhere
    turned = SITE.atoms + Atoms("CO", SITE.atoms.positions[carbon] + [(0, 0, 2.6), (0, 0, 1.42)])
    judgement = judge_adsorbed(SITE, adsorbate("CO"), turned)
    assert judgement.verdict == Verdict.MOVED
    assert judgement.reason.startswith(f"O left Co and sits on C{carbon}")


def test_a_second_bond_to_the_support_is_a_reaction() -> None:
    donor = SITE.donors[0][0]
    beside = SITE.atoms.get_distance(METAL, donor, vector=True)
    along = beside / np.linalg.norm(beside)
    up = np.array([0, 0, 1.0])
    first = 0.55 * along + 1.75 * up
    second = beside + 1.45 * up
    last = second + 0.7 * along + 0.7 * up
    judgement = judged("OOH", [tuple(first), tuple(second), tuple(last)])
    assert judgement.verdict == Verdict.SUPPORT_REACTED
    assert judgement.reason == f"atom 2 of OOH* is bonded to N{donor} (N-O 1.45 Å)"


def test_a_hydrogen_of_the_support_that_came_along_is_a_reaction() -> None:
    relaxed = on_metal("O", [(0, 0, 1.85)])
    hydrogen = next(i for i in range(START) if SITE.atoms.symbols[i] == "H")
    relaxed.positions[hydrogen] = relaxed.positions[START] + [0.93, 0, 0.25]
    judgement = judge_adsorbed(SITE, adsorbate("O"), relaxed)
    assert judgement.verdict == Verdict.SUPPORT_REACTED
    assert judgement.reason == f"O took H{hydrogen} from the support (H-O 0.96 Å)"


def test_a_bond_that_formed_in_the_support_is_a_reaction() -> None:
    site = dual()
    relaxed = site.atoms.copy()
    assert judge_clean(site, relaxed).verdict == Verdict.INTACT
    # two of the four corners close to a hydrazide
    relaxed.positions[2] = [2.53, 0.72, 0]
    relaxed.positions[3] = [2.53, -0.72, 0]
    judgement = judge_clean(site, relaxed)
    assert judgement.verdict == Verdict.SUPPORT_REACTED
    assert judgement.reason == "the support closed at N2-N3 (1.44 Å)"


def test_the_gravest_is_named() -> None:
    # COOH that became OCHO while a bond of the ring broke
    relaxed = on_metal("COOH", [(1.0, 0, 2.7), (0, 0, 1.9), (2.2, 0, 2.4), (0.9, 0, 3.8)])
    carbon = next(i for i, j in SITE.bonds if SITE.atoms.symbols[i] == "C" and SITE.atoms.symbols[j] == "H")
    relaxed.positions[carbon] -= [0, 0, 2.0]
    assert judge_adsorbed(SITE, adsorbate("COOH"), relaxed).verdict == Verdict.SUPPORT_REACTED
    relaxed.positions[START + 3] += [0, 0, 3.0]
    assert judge_adsorbed(SITE, adsorbate("COOH"), relaxed).verdict == Verdict.DISSOCIATED
    relaxed.positions[METAL] += [0, 0, 4.0]
    assert judge_adsorbed(SITE, adsorbate("COOH"), relaxed).verdict == Verdict.METAL_LEFT


def exchanges(symbols: tuple[str, ...]) -> list[tuple[int, ...]]:
    """Return every way to exchange equal atoms."""
    ways = itertools.permutations(range(len(symbols)))
    return [way for way in ways if all(symbols[a] == symbols[b] for a, b in enumerate(way))]


#: Those that stand on one metal by themselves.
SINGLE = sorted(name for name, species in adsorbates().items() if species.modes[0].name == END_ON)


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from([name for name in SINGLE if 1 < len(exchanges(adsorbate(name).symbols)) < 100]),
    st.floats(1.2, 3.0),
    st.integers(0, 2**32 - 1),
    st.floats(0.0, 0.6),
)
def test_equal_atoms_may_change_names(name: str, height: float, seed: int, disorder: float) -> None:
    species, rng = adsorbate(name), np.random.default_rng(seed)
    places = np.array(species.positions) + rng.normal(scale=disorder, size=(len(species.symbols), 3))
    places[:, 2] += height
    verdicts = set()
    for way in exchanges(species.symbols):
        verdicts.add(judged(name, [tuple(places[atom]) for atom in way]).verdict)
    assert len(verdicts) == 1


@pytest.mark.parametrize("name", SINGLE)
def test_what_was_placed_and_nothing_else_is_bound(name: str) -> None:
    species = adsorbate(name)
    bonds = {"H": 1.5, "C": 1.85, "N": 1.9, "O": 1.85, "F": 1.85, "S": 2.25, "Cl": 2.2}
    metal_bond = bonds[species.symbols[0]]
    judgement = judged(name, [(x, y, z + metal_bond) for x, y, z in species.positions])
    assert (judgement.verdict, judgement.reason) == (Verdict.BOUND, f"Co-{species.symbols[0]} {metal_bond:.2f} Å")
