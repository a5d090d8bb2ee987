"""Selectivity: what comes first where electrons may go several ways."""

from __future__ import annotations

import pytest

from atomsieve.analysis.selectivity import selectivity
from atomsieve.analysis.surroundings import surroundings
from atomsieve.structures.reaction import reaction, reactions

AROUND = surroundings()
#: Pt(111), eV at 0 V (Hansen 2014).
PT = {"OH": 0.75, "O": 1.70, "OOH": 3.91}
PEROXIDE = 2 * 1.763  # 2 H2O -> H2O2 + 2 (H+ + e-), E° of the tables


def test_on_platinum_oxygen_goes_on_to_water() -> None:
    found = selectivity(reaction("ORR"), PT, AROUND)
    # OOH* -> O* + H2O gives 2.21 eV, OOH* -> * + H2O2 3.91 - 3.526 = 0.384 eV
    (rival,) = found.rivals
    assert (rival.name, rival.basis) == ("H2O2", "steps from OOH*")
    assert rival.wanted == pytest.approx(2.21)
    assert rival.unwanted == pytest.approx(3.91 - PEROXIDE, abs=1e-3)
    assert rival.difference == pytest.approx(2.21 - (3.91 - PEROXIDE), abs=1e-3)
    assert found.strongest is rival
    assert found.is_covered is None


def test_where_peroxide_is_wanted_the_same_two_steps_count_the_other_way() -> None:
    (rival,) = selectivity(reaction("ORR-2e"), PT, AROUND).rivals
    (mirror,) = selectivity(reaction("ORR"), PT, AROUND).rivals
    assert rival.difference == pytest.approx(-(mirror.difference or 0.0))
    # a site that binds O* weakly, as a single cobalt atom does, gives peroxide
    weak = selectivity(reaction("ORR-2e"), {"OOH": 4.0, "O": 3.6, "OH": 0.9}, AROUND).strongest
    assert weak is not None
    assert weak.difference == pytest.approx((4.0 - PEROXIDE) - (4.0 - 3.6), abs=1e-3)
    assert weak.difference > 0


def test_without_the_oxygen_atom_nothing_is_said() -> None:
    found = selectivity(reaction("ORR-2e"), {"OOH": 4.0}, AROUND)
    assert found.strongest is None
    assert [rival.difference for rival in found.rivals] == [None]


def test_hydrogen_against_carbon_dioxide() -> None:
    # COOH* 0.6, CO* 0.3 against CO2: the hardest step is the first, U_L -0.6 V; H* at +0.4 eV: U_L -0.4 V
    free = {"COOH": 0.6, "CO": 0.3, "H": 0.4}
    found = selectivity(reaction("CO2RR-CO"), free, AROUND)
    hydrogen = next(rival for rival in found.rivals if rival.name == "HER")
    assert hydrogen.wanted == pytest.approx(-0.6)
    assert hydrogen.unwanted == pytest.approx(-0.4)
    assert hydrogen.difference == pytest.approx(-0.2)
    # at -0.6 V: H* -0.2 eV, COOH* 0.0 eV, the bare site 0
    assert found.is_covered is True


def test_hydrogen_that_binds_weakly_covers_nothing() -> None:
    free = {"COOH": 0.6, "CO": 0.3, "H": 1.0}
    found = selectivity(reaction("CO2RR-CO"), free, AROUND)
    hydrogen = next(rival for rival in found.rivals if rival.name == "HER")
    # the hardest step of HER is then H* from H+ at +1.0 eV
    assert hydrogen.difference == pytest.approx(0.4)
    assert found.is_covered is False


def test_a_product_that_leaves_by_a_proton_and_an_electron() -> None:
    # COOH* 0.6: to CO* + H2O 0.3 - 0.6 = -0.3 eV, to HCOOH its formation - 0.6
    free = {"COOH": 0.6, "CO": 0.3, "H": 2.0}
    found = selectivity(reaction("CO2RR-CO"), free, AROUND)
    acid = next(rival for rival in found.rivals if rival.name == "HCOOH")
    assert acid.wanted == pytest.approx(0.3)
    assert acid.unwanted == pytest.approx(0.6 - sum(term.value for term in AROUND.molecules["HCOOH"]))


def test_the_strongest_rival_comes_first() -> None:
    found = selectivity(reaction("CO2RR-CO"), {"COOH": 0.6, "CO": 0.3, "H": 0.4}, AROUND)
    differences = [rival.difference for rival in found.rivals if rival.difference is not None]
    assert len(differences) == 2
    assert differences == sorted(differences)


@pytest.mark.parametrize("name", reactions())
def test_every_network_can_be_asked(name: str) -> None:
    found = selectivity(reaction(name), dict.fromkeys((*reaction(name).adsorbates, "H"), 0.1), AROUND)
    assert {rival.name for rival in found.rivals} >= set(reaction(name).competes)
    assert (found.is_covered is not None) == ("HER" in reaction(name).competes)
    assert selectivity(reaction(name), {}, AROUND).strongest is None
