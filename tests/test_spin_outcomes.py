"""Spin states that calculations end in, held against the stated ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomsieve.analysis.spin import SpinOutcome, distinct_states, matched
from atomsieve.structures.spin import SpinStart

IRON = (SpinStart("intermediate", 3, (2.0,)), SpinStart("high", 5, (4.0,)), SpinStart("low", 1, (0.0,)))
PAIR = (
    SpinStart("high-high", 8, (4.0, 3.0)),
    SpinStart("high-high, broken symmetry", 2, (4.0, -3.0)),
    SpinStart("intermediate-low, broken symmetry", 2, (2.0, -1.0)),
    SpinStart("low-low", 2, (0.0, 1.0)),
)


@pytest.mark.parametrize(
    ("moments", "total", "expected"),
    [
        ((3.45,), 4.0, "high"),
        ((3.45,), None, "high"),
        ((1.95,), 2.0, "intermediate"),
        ((-1.95,), -2.0, "intermediate"),
        # oxoiron: half of the spin is on oxygen
        ((1.15,), 2.0, "intermediate"),
        ((0.05,), 0.0, "low"),
        # the electron count says triplet, but the spin is on the support
        ((0.1,), 2.0, None),
        ((3.45,), 2.0, None),
        # a smeared total
        ((3.3,), 3.7, "high"),
        ((2.6,), 3.0, None),
        (None, 2.0, "intermediate"),
        (None, 6.0, None),
        (None, None, None),
    ],
)
def test_a_single_metal(moments: tuple[float, ...] | None, total: float | None, expected: str | None) -> None:
    assert matched(moments, total, IRON) == expected


@pytest.mark.parametrize(
    ("moments", "total", "expected"),
    [
        ((3.5, 2.6), 7.0, "high-high"),
        ((3.5, -2.6), 1.0, "high-high, broken symmetry"),
        ((-3.5, 2.6), -1.0, "high-high, broken symmetry"),
        ((1.9, -0.9), 1.0, "intermediate-low, broken symmetry"),
        ((0.1, 0.8), 1.0, "low-low"),
        ((0.1, -0.8), None, "low-low"),
        ((3.5, 0.9), None, None),
        # no moments: the one that nobody had to break a symmetry for
        (None, 1.0, "low-low"),
    ],
)
def test_two_metals(moments: tuple[float, ...] | None, total: float | None, expected: str | None) -> None:
    assert matched(moments, total, PAIR) == expected


@given(st.sampled_from(PAIR), st.floats(0.75, 1.0), st.sampled_from([1, -1]))
def test_covalency_and_orientation_do_not_change_the_name(start: SpinStart, share: float, sign: int) -> None:
    assert start.moments is not None
    moments = tuple(sign * share * moment for moment in start.moments)
    assert matched(moments, sign * (start.multiplicity - 1.0), PAIR) == start.name


def test_states_are_counted_by_energy_and_moments() -> None:
    triplet, again, quintet = (
        SpinOutcome(-10.0, 3, (1.95,)),
        SpinOutcome(-9.998, 3, (-1.9,)),
        SpinOutcome(-9.7, 5, (3.5,)),
    )
    assert distinct_states([quintet, again, triplet]) == [[2, 1], [0]]
    assert len(distinct_states([quintet, triplet])) == 2
    # free moments: two starts, one end
    fell = SpinOutcome(-10.001, None, (2.0,))
    assert distinct_states([triplet, fell]) == [[1, 0]]
    # the same energy by chance, and no moments to tell
    assert len(distinct_states([SpinOutcome(-1.0, 1), SpinOutcome(-1.001, 3)])) == 2
    assert len(distinct_states([SpinOutcome(-1.0, 1), SpinOutcome(-1.001, 1)])) == 1
    # degenerate by chance, but not the same moments: ferromagnetic low against high
    assert len(distinct_states([SpinOutcome(-1.0, 3, (2.0,)), SpinOutcome(-1.001, 3, (0.3,))])) == 2
    assert distinct_states([]) == []


@given(st.lists(st.tuples(st.sampled_from([-1.0, -0.5, 0.0]), st.sampled_from([0.0, 2.0, 4.0])), max_size=8))
def test_groups_hold_every_outcome_once(found: list[tuple[float, float]]) -> None:
    outcomes = [SpinOutcome(energy, None, (moment,)) for energy, moment in found]
    groups = distinct_states(outcomes)
    assert sorted(place for group in groups for place in group) == list(range(len(found)))
    assert len(groups) == len(set(found))
    assert [outcomes[group[0]].energy for group in groups] == sorted(outcomes[group[0]].energy for group in groups)
