"""Reactions: they balance, close on experiment, and refuse what does not."""

from __future__ import annotations

import pytest

from atomsieve.structures.errors import InputError
from atomsieve.structures.molecule import molecule, reference_amounts
from atomsieve.structures.reaction import Reaction, reaction, reactions
from atomsieve.structures.state import State, free_formation


@pytest.mark.parametrize("name", reactions())
def test_every_step_balances_with_one_site(name: str) -> None:
    for step in reaction(name).steps:
        start, end = dict(step.start.composition), dict(step.end.composition)
        start["H"] = start.get("H", 0) + step.protons
        assert {e: n for e, n in start.items() if n} == {e: n for e, n in end.items() if n}
        assert step.start.charge + step.protons - step.electrons == step.end.charge
        assert abs(step.electrons) <= 1


@pytest.mark.parametrize(
    ("name", "electrons", "potential"),
    [("ORR", 4, 1.2289), ("OER", -4, 1.2289), ("ORR-2e", 2, 0.6945), ("HER", 2, 0.0)],
)
def test_equilibrium_potentials(name: str, electrons: int, potential: float) -> None:
    assert reaction(name).electrons == electrons
    assert reaction(name).is_reduction == (electrons > 0)
    assert reaction(name).equilibrium_potential == pytest.approx(potential, abs=1e-3)


def test_oxygen_couple_agrees_with_the_formation_of_liquid_water() -> None:
    # CODATA: ΔfH -285.830 kJ/mol, S° of H2O(l), H2 and O2 69.95, 130.680 and 205.152 J/(mol K)
    gibbs = -285.830 - 298.15e-3 * (69.95 - 130.680 - 205.152 / 2)
    assert free_formation(State.parse("* + O2")) == pytest.approx(-2 * gibbs / 96.48533, abs=1e-3)


def test_peroxide_couple_is_half_of_the_way() -> None:
    o2, peroxide = molecule("O2").formation, molecule("H2O2").formation
    assert o2 is not None
    assert peroxide is not None
    first, second = (o2 - peroxide) / 2, peroxide / 2
    assert first == pytest.approx(0.6945, abs=1e-3)
    # E°(H2O2/H2O) of the tables is 1.763 V
    assert second == pytest.approx(1.763, abs=1e-3)


def test_forward_and_backward_oxygen_reactions_are_mirror_images() -> None:
    assert [s.text for s in reaction("OER").states] == [s.text for s in reversed(reaction("ORR").states)]
    assert reaction("OER").experimental_total == pytest.approx(-reaction("ORR").experimental_total)


def test_adsorbates_in_the_order_of_the_path() -> None:
    assert reaction("ORR").adsorbates == ("OOH", "O", "OH")
    assert reaction("OER").adsorbates == ("OH", "O", "OOH")


def test_numbers_of_molecules() -> None:
    assert dict(State.parse("* + 2 H2O").free) == {"H2O": 2}
    assert State.parse("OOH* + H2O").composition == {"O": 3, "H": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("OH", "unknown molecule 'OH'"),
        ("OX*", "unknown adsorbate 'OX'"),
        ("* + OH*", "holds 2 sites"),
        ("H2O", "holds 0 sites"),
        ("OH* + ", "not a species"),
        ("OH* & H2O", "not a species"),
    ],
)
def test_states_that_mean_nothing_are_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message.replace("*", r"\*")):
        State.parse(text)


def test_unbalanced_step_names_the_element() -> None:
    broken = Reaction("broken", "", {"only": (State.parse("* + O2"), State.parse("OH*"))}, "")
    with pytest.raises(InputError, match=r"does not balance in O \(2 before, 1 after\)"):
        _ = broken.steps


def test_unknown_reaction_suggests_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'ORR'"):
        reaction("orr")


def test_references_make_up_each_adsorbate() -> None:
    assert reference_amounts({"O": 2, "H": 1}) == {"H2O": 2, "H2": -1.5}
    assert reference_amounts({"O": 1}) == {"H2O": 1, "H2": -1}
    assert reference_amounts({"H": 1}) == {"H2": 0.5}
    # H of one water is exactly that of one H2: none is left to name
    assert reference_amounts({"O": 1, "H": 2}) == {"H2O": 1}
