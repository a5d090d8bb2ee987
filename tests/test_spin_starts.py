"""Spin starts: what d shells allow, what the electrons allow, and what is tried first."""

from __future__ import annotations

import pytest
from ase import Atoms
from hypothesis import assume, given
from hypothesis import strategies as st

from atomsieve.builders.catalog import build, families, recipes
from atomsieve.builders.ledger import counted, neutral, states
from atomsieve.builders.oxidation import STATES, unpaired
from atomsieve.builders.spin import electrons, inherited, inherited_starts, start_moments
from atomsieve.builders.spin_centres import centres, spectators, taken_by
from atomsieve.builders.spin_starts import starts
from atomsieve.structures.adsorbate import adsorbates
from atomsieve.structures.errors import InputError
from atomsieve.structures.site import ActiveSite
from atomsieve.structures.spin import SpinStart

PORPHINE = {"family": "porphine"}
GRAPHENE = {"family": "graphene"}
EXAMPLES = [(name, example) for name, family in families().items() for example in family.examples]


def made(entry: dict[str, object]) -> ActiveSite:
    return build(next(iter(recipes(entry))))


def listed(site: ActiveSite, **options: object) -> list[tuple[str, int, tuple[float, ...] | None]]:
    return [(start.name, start.multiplicity, start.moments) for start in starts(site, **options)]


# textbook: d electrons of the ion, and S = 0, 1, 2 of d6 and so on
@pytest.mark.parametrize(
    ("electrons", "expected"),
    [
        (0, (0,)), (1, (1,)), (2, (0, 2)), (3, (1, 3)), (4, (0, 2, 4)), (5, (1, 3, 5)),
        (6, (0, 2, 4)), (7, (1, 3)), (8, (0, 2)), (9, (1,)), (10, (0,)),
    ],
)  # fmt: skip
def test_unpaired_electrons_of_a_d_shell(electrons: int, expected: tuple[int, ...]) -> None:
    assert unpaired(electrons) == expected


# M(II) in a porphyrin: ground states first (V and Cr high, Mn and Fe intermediate, Co and Ni low spin; sources in
# spin_states.yaml); 4d and 5d low first
@pytest.mark.parametrize(
    ("metal", "expected"),
    [
        ("V", [("high", 4), ("low", 2)]),
        ("Cr", [("high", 5), ("intermediate", 3), ("low", 1)]),
        ("Mn", [("intermediate", 4), ("high", 6), ("low", 2)]),
        ("Fe", [("intermediate", 3), ("high", 5), ("low", 1)]),
        ("Co", [("low", 2), ("high", 4)]),
        ("Ni", [("low", 1), ("high", 3)]),
        ("Cu", [("low", 2)]),
        ("Zn", [("low", 1)]),
        ("Ru", [("low", 1), ("intermediate", 3), ("high", 5)]),
        ("Rh", [("low", 2), ("high", 4)]),
        ("Pd", [("low", 1), ("high", 3)]),
        ("Mo", [("intermediate", 3), ("low", 1), ("high", 5)]),
        ("Ir", [("low", 2), ("high", 4)]),
        ("Pt", [("low", 1), ("high", 3)]),
    ],
)
@pytest.mark.parametrize("support", [PORPHINE, GRAPHENE], ids=["porphine", "graphene"])
def test_divalent_metals_among_four_nitrogens(
    support: dict[str, object], metal: str, expected: list[tuple[str, int]]
) -> None:
    found = starts(made({**support, "metals": metal}))
    assert [(start.name, start.multiplicity) for start in found] == expected
    assert [start.moments for start in found] == [(float(start.multiplicity - 1),) for start in found]


@pytest.mark.parametrize(
    ("metal", "axial", "expected"),
    [
        ("Fe", "OH", [6, 4, 2]),  # Fe(III), d5
        ("Fe", "H2O", [3, 5, 1]),  # still Fe(II)
        ("Fe", "O", [3, 5, 1]),  # ferryl, d4: a triplet
        ("Mn", "Cl", [5, 3, 1]),  # Mn(III), d4: a quintet
        ("Co", "OH", [1, 3, 5]),  # Co(III), d6: low spin
        ("Cr", "O", [1, 3]),  # oxochromium(IV), d2: a singlet
    ],
)
@pytest.mark.parametrize("support", [PORPHINE, GRAPHENE], ids=["porphine", "graphene"])
def test_axial_anions_oxidise_the_metal(
    support: dict[str, object], metal: str, axial: str, expected: list[int]
) -> None:
    site = made({**support, "metals": metal, "axial": axial})
    assert [start.multiplicity for start in starts(site)] == expected


@pytest.mark.parametrize(
    ("metal", "adsorbate", "expected"),
    [
        ("Fe", "OH", [6, 4, 2]),
        ("Fe", "O", [3, 5, 1]),
        ("Fe", "CO", [3, 5, 1]),
        ("Fe", "OOH", [6, 4, 2]),
        ("Co", "OH", [1, 3, 5]),
        ("Ni", "H", [2, 4]),
        ("Cu", "OH", [1, 3]),
        # zinc has no d electron to give: the odd one is left on OH
        ("Zn", "OH", [2]),
    ],
)
def test_with_an_adsorbate(metal: str, adsorbate: str, expected: list[int]) -> None:
    site = made({**GRAPHENE, "metals": metal})
    found = starts(site, adsorbate=adsorbate)
    assert sorted(start.multiplicity for start in found) == sorted(expected)
    assert found[0].multiplicity == expected[0]


def test_an_odd_electron_of_the_support_couples_both_ways() -> None:
    # 46 C and 3 N with Co: 276 + 21 + 27 = 324 electrons, while d7 has an odd number of its own
    site = made({**GRAPHENE, "metals": "Co", "coordination": "N3", "supercell": "5x5"})
    assert electrons(site.atoms, site.charge) % 2 == 0
    assert listed(site) == [
        ("low, odd electron parallel", 3, (1.0,)),
        ("low, odd electron antiparallel", 1, (1.0,)),
        ("high, odd electron parallel", 5, (3.0,)),
    ]
    zinc = made({**GRAPHENE, "metals": "Zn", "coordination": "N3", "supercell": "5x5"})
    assert listed(zinc) == [("low, odd electron", 2, (0.0,))]
    values = start_moments(site, site.atoms, 1, (1.0,))
    assert sum(values) == pytest.approx(0)
    assert [values[donor] for donor in site.donors[0]] == pytest.approx([-1 / 3] * 3)


def test_dual_site() -> None:
    site = made({"family": "graphene-dual", "metals": "Fe-Co"})
    assert listed(site)[:5] == [
        ("intermediate-low", 4, (2.0, 1.0)),
        ("intermediate-low, broken symmetry", 2, (2.0, -1.0)),
        ("high-high", 8, (4.0, 3.0)),
        ("high-high, broken symmetry", 2, (4.0, -3.0)),
        ("low-low", 2, (0.0, 1.0)),
    ]
    # three states of Fe, two of Co; low-spin Fe(II) has nothing to couple
    assert len(listed(site)) == 2 * 2 * 2 + 2
    assert len(starts(site, 3)) == 3
    # hydroxide on the cobalt oxidises that: Co(III), low
    on_cobalt = starts(site, 1, adsorbate="OH", on=[site.metals[1]])
    assert (on_cobalt[0].multiplicity, on_cobalt[0].moments) == (3, (2.0, 0.0))
    # an oxide that bridges takes one electron from each
    bridged = centres(site, "O", site.metals)
    assert [centre.state for centre in bridged] == [3, 3]


def test_two_metals_alike_are_not_mixed_twice() -> None:
    names = [start.name for start in starts(made({"family": "graphene-dual", "metals": "Fe-Fe"}))]
    assert "intermediate-high" in names
    assert "high-intermediate" not in names
    assert "high-high, broken symmetry" in names


def test_three_metals_turn_one_by_one() -> None:
    found = listed(made({"family": "graphene-triple", "metals": "Fe-Fe-Fe"}))
    assert found[4:8] == [
        ("high-high-high", 13, (4.0, 4.0, 4.0)),
        ("high-high-high, broken symmetry (++-)", 5, (4.0, 4.0, -4.0)),
        ("high-high-high, broken symmetry (+-+)", 5, (4.0, -4.0, 4.0)),
        ("high-high-high, broken symmetry (-++)", 5, (-4.0, 4.0, 4.0)),
    ]


def test_a_stated_multiplicity_comes_first_and_brings_the_metals_of_the_support() -> None:
    site = made({"family": "oxo-trimer", "metals": "Fe"})
    assert site.multiplicity == 16
    assert sorted(spectators(site).values()) == [5, 5]
    assert listed(site)[:2] == [("high", 16, (5.0,)), ("high, broken symmetry", 6, (-5.0,))]
    assert listed(site, stated=6)[0] == ("high, broken symmetry", 6, (-5.0,))
    for start in starts(site):
        values = start_moments(site, site.atoms, start.multiplicity, start.moments)
        assert sum(values) == pytest.approx(start.multiplicity - 1)
        assert [values[index] for index in spectators(site)] == [5.0, 5.0]
    # S = 1/2, the ground state of such trimers, is none of the list, and is made
    assert listed(site, stated=2)[0] == ("stated", 2, (-5.0,))
    ferrocene = made({"family": "pore", "guest": "metallocene", "metals": "Fe"})
    assert listed(ferrocene)[0] == ("low", 1, (0.0,))
    # a quadruple bond, not two antiparallel triplets
    molybdenum = made({"family": "paddlewheel", "metals": "Mo"})
    assert listed(molybdenum)[0] == ("low-low", 1, (0.0, 0.0))


@pytest.mark.parametrize(("family", "example"), EXAMPLES, ids=[f"{name}-{i}" for i, (name, _) in enumerate(EXAMPLES)])
def test_every_family_has_starts_that_its_electrons_allow(family: str, example: dict[str, object]) -> None:
    site = made({"family": family, **example})
    for adsorbate in [None, "OH", "O", "OOH", "NO"]:
        atoms = site.atoms if adsorbate is None else site.atoms + Atoms(adsorbates()[adsorbate].symbols)
        total = electrons(atoms, site.charge)
        found = starts(site, adsorbate=adsorbate)
        assert found
        assert len({start.name for start in found}) == len(found)
        assert len({(start.multiplicity, start.moments) for start in found}) == len(found)
        for start in found:
            assert start.multiplicity >= 1
            assert (total - (start.multiplicity - 1)) % 2 == 0
            assert start.multiplicity - 1 <= total
            assert start.moments is not None
            assert len(start.moments) == len(site.metals)
            assert all(abs(moment) <= 5 for moment in start.moments)
            assert sum(start_moments(site, atoms, start.multiplicity, start.moments)) == pytest.approx(
                start.multiplicity - 1
            )
            assert SpinStart.from_dict(start.to_dict()) == start
        if adsorbate is None and site.multiplicity is not None:
            assert found[0].multiplicity == site.multiplicity


moments = st.one_of(st.none(), st.lists(st.floats(-5, 5), min_size=1, max_size=3).map(tuple))


@given(
    st.integers(1, 12),
    moments,
    st.sampled_from(["C26N4Co", "C26N4CoOH", "C26N4FeO", "C26N4FeO2H", "H", "O", "C44N6Fe2OH"]),
    st.integers(-1, 1),
)
def test_inherited_moments_follow_the_multiplicity(
    parent: int, before: tuple[float, ...] | None, formula: str, charge: int
) -> None:
    atoms = Atoms(formula)
    assume(charge <= atoms.numbers.sum())
    found = inherited_starts(parent, before, atoms, charge)
    assert tuple(start.multiplicity for start in found) == inherited(parent, atoms, charge)
    for start in found:
        if before is None:
            assert start.moments is None
            continue
        assert start.moments is not None
        change = sum(start.moments) - abs(sum(before))
        carried = any(abs(moment) >= 0.5 for moment in before)
        assert change == pytest.approx(start.multiplicity - parent if carried else 0, abs=1e-9)


def test_inherited_by_hand() -> None:
    hydroxide = Atoms("C26N4FeOH")
    assert inherited_starts(3, (2.2,), hydroxide, 0) == (
        SpinStart("inherited -1", 2, (pytest.approx(1.2),)),
        SpinStart("inherited +1", 4, (pytest.approx(3.2),)),
    )
    oxide = inherited_starts(1, (3.1, -3.1), Atoms("C44N6Fe2O"), 0)
    assert [(start.name, start.multiplicity) for start in oxide] == [("inherited", 1), ("inherited +2", 3)]
    assert oxide[1].moments == pytest.approx((4.1, -2.1))
    # a state and its mirror image are the same; zinc carries nothing
    assert inherited_starts(3, (-2.0,), Atoms("C26N4FeO"), 0)[0].moments == (2.0,)
    assert inherited_starts(1, (0.0,), Atoms("C26N4ZnOH"), 0)[0].moments == (0.0,)


def test_moments_of_atoms_with_an_adsorbate() -> None:
    site = made({**GRAPHENE, "metals": "Fe"})
    atoms = site.atoms + Atoms("OH", [(0, 0, 12), (0, 0, 13)])
    values = start_moments(site, atoms, 6, (4.0,))
    near = [*site.donors[0], len(site.atoms)]
    assert values[site.metals[0]] == 4.0
    assert [values[index] for index in near] == pytest.approx([0.2] * 5)
    assert values[-1] == 0.0
    assert start_moments(site, site.atoms, 3, None)[site.metals[0]] == 2.0


def test_ledgers_are_read_as_they_are_written() -> None:
    assert states(counted([(6, "Zr4+", 4), (4, "O2-", -2), (1, "Fe3+", 3), (2, "Fe2+", 2)])) == {
        "Zr": (4,) * 6,
        "Fe": (3, 2, 2),
    }
    assert states(neutral("Cu", "porphyrinate", -2, {}, "none")) == {"Cu": (2,)}
    assert states({"Cu+": 1, "Ru2 5+": 5, "2 Al3+": 6, "formate": -1}) == {"Cu": (1,), "Ru": (3, 2)}


@given(st.lists(st.tuples(st.integers(1, 9), st.sampled_from(sorted(STATES)), st.integers(1, 6)), max_size=6))
def test_every_ion_of_a_ledger_is_found(parts: list[tuple[int, str, int]]) -> None:
    written = counted((number, f"{metal}{state if state > 1 else ''}+", state) for number, metal, state in parts)
    expected: dict[str, list[int]] = {}
    for number, metal, state in parts:
        expected.setdefault(metal, []).extend([state] * number)
    assert states(written) == {metal: tuple(sorted(found, reverse=True)) for metal, found in expected.items()}


def test_every_adsorbate_has_its_electrons_counted() -> None:
    # what belongs to the lattice leaves electrons behind
    assert {name for name in adsorbates() if taken_by(name) < 0} == {"Vo", "Hlat"}
    # what is even takes none or two
    for name, species in adsorbates().items():
        if name not in ("NO", "NO-side", "ON"):
            assert (electrons(Atoms(species.symbols), 0) - taken_by(name)) % 2 == 0, name


def test_nonsense_is_refused() -> None:
    site = made({**GRAPHENE, "metals": "Fe"})
    with pytest.raises(InputError, match="0 spin starts were asked for"):
        starts(site, 0)
    with pytest.raises(InputError, match=r"210 electrons cannot have the multiplicity 2; nearest: 1, 3"):
        starts(site, stated=2)
    with pytest.raises(InputError, match="unknown adsorbate 'OHH'"):
        starts(site, adsorbate="OHH")
    with pytest.raises(InputError, match="atom 3 is no metal of"):
        starts(site, adsorbate="OH", on=[3])
