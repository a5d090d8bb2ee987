"""Oxidation states, d electrons and spins."""

from __future__ import annotations

import pytest
from ase.data import atomic_numbers

from atomsieve.builders import oxidation
from atomsieve.builders.family import TRANSITION_METALS
from atomsieve.structures.errors import ParameterError


# ground terms of the ions in weak octahedral fields, from any textbook
@pytest.mark.parametrize(
    ("metal", "state", "electrons", "high", "expected"),
    [
        ("Ti", 4, 0, 1, 1),
        ("V", 4, 1, 2, 2),
        ("Cr", 3, 3, 4, 4),
        ("Mn", 2, 5, 6, 6),
        ("Fe", 3, 5, 6, 6),
        ("Fe", 2, 6, 5, 5),
        ("Co", 2, 7, 4, 4),
        ("Ni", 2, 8, 3, 3),
        ("Cu", 2, 9, 2, 2),
        ("Zn", 2, 10, 1, 1),
        ("Zr", 4, 0, 1, 1),
        ("Mo", 3, 3, 4, 4),
        ("Ru", 3, 5, 6, 2),
        ("Ru", 2, 6, 5, 1),
        ("Rh", 3, 6, 5, 1),
        ("Pd", 2, 8, 3, 1),
        ("Hf", 4, 0, 1, 1),
        ("W", 4, 2, 3, 3),
        ("Ir", 4, 5, 6, 2),
        ("Pt", 2, 8, 3, 1),
        ("Hg", 2, 10, 1, 1),
    ],
)
def test_d_electrons_and_spin(metal: str, state: int, electrons: int, high: int, expected: int) -> None:
    assert oxidation.d_electrons(metal, state) == electrons
    assert oxidation.high_spin(metal, state) == high
    assert oxidation.weak_field(metal, state) == expected


def test_every_metal_has_states_that_leave_it_zero_to_ten_d_electrons() -> None:
    assert set(oxidation.STATES) == set(TRANSITION_METALS)
    for metal, states in oxidation.STATES.items():
        assert states
        for state in states:
            electrons = oxidation.d_electrons(metal, state)
            assert 0 <= electrons <= 10
            # the inner shells are closed, so that the nucleus tells the parity
            assert (atomic_numbers[metal] - state - electrons) % 2 == 0
            assert (oxidation.high_spin(metal, state) + electrons) % 2 == 1
            assert (oxidation.low_spin(metal, state) + electrons) % 2 == 1


@pytest.mark.parametrize(("metal", "state"), [("Zn", 3), ("Sc", 4), ("Ni", 6), ("Zr", 2)])
def test_impossible_valences_are_refused(metal: str, state: int) -> None:
    with pytest.raises(ParameterError, match=f"oxidation_state: {metal} does not take the oxidation state {state}"):
        oxidation.high_spin(metal, state)
