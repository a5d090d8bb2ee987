from __future__ import annotations

from dataclasses import replace

import pytest
from ase import Atoms
from hypothesis import given
from hypothesis import strategies as st

from atomsieve.builders.catalog import build
from atomsieve.builders.spin import electrons, inherited, multiplicities
from atomsieve.structures.errors import InputError
from atomsieve.structures.method import Method
from atomsieve.workflows.requests import Policy

formulas = st.sampled_from(["H", "H2", "O", "OH", "OOH", "H2O", "Fe", "Co", "C26N4Co", "C26N4CoOH", "C26N4CoO2H"])


@pytest.mark.parametrize(
    ("formula", "charge", "number", "lowest"),
    [
        ("H", 0, 1, (2,)),
        ("H", 1, 0, (1,)),
        ("H", -1, 2, (1, 3)),
        ("H2", 0, 2, (1, 3)),
        ("H2O", 0, 10, (1, 3, 5)),
        ("OH", 0, 9, (2, 4, 6)),
        ("Fe", 0, 26, (1, 3, 5)),
        ("Fe", 3, 23, (2, 4, 6)),
        ("C26N4Co", 0, 26 * 6 + 4 * 7 + 27, (2, 4, 6)),
        ("C26N4CoOH", 0, 26 * 6 + 4 * 7 + 27 + 9, (1, 3, 5)),
        ("C26N4CoO", 0, 26 * 6 + 4 * 7 + 27 + 8, (2, 4, 6)),
        ("C26N4CoO2H", 0, 26 * 6 + 4 * 7 + 27 + 17, (1, 3, 5)),
        ("C26N4Ni", 0, 26 * 6 + 4 * 7 + 28, (1, 3, 5)),
    ],
)
def test_parity(formula, charge, number, lowest):
    atoms = Atoms(formula)
    assert electrons(atoms, charge) == number
    assert multiplicities(atoms, charge, 3) == lowest
    assert multiplicities(atoms, charge, 1) == lowest[:1]


@pytest.mark.parametrize(
    ("parent", "formula", "expected"),
    [
        (2, "C26N4CoOH", (1, 3)),
        (4, "C26N4CoOH", (3, 5)),
        (2, "C26N4CoO", (2, 4)),
        (4, "C26N4CoO", (4, 2, 6)),
        (6, "C26N4CoO", (6, 4, 8)),
        (1, "C26N4NiOH", (2, 4)),
        (1, "C26N4NiO", (1, 3)),
        (3, "C26N4FeOH", (2, 4)),
        (3, "C26N4FeO", (3, 1, 5)),
        (9, "H2", (3, 1)),
        (1, "H", (2,)),
    ],
)
def test_inherited(parent, formula, expected):
    assert inherited(parent, Atoms(formula), 0) == expected


@given(formulas, st.integers(-3, 1), st.integers(1, 12), st.integers(1, 6))
def test_what_is_offered_is_allowed_and_closest(formula, charge, parent, number):
    atoms = Atoms(formula)
    offered = inherited(parent, atoms, charge)
    total = electrons(atoms, charge)
    allowed = [m for m in range(1, total + 2) if (total - (m - 1)) % 2 == 0]
    assert list(offered) == sorted(allowed, key=lambda m: (abs(m - parent), m))[: len(offered)]
    assert 1 <= len(offered) <= 3
    if parent in allowed:
        assert set(offered) == {m for m in allowed if abs(m - parent) <= 2}
    assert set(multiplicities(atoms, charge, number)) == set(allowed[:number])


@pytest.mark.parametrize(
    ("formula", "charge", "number", "near", "expected"),
    [
        ("C26N4Co", 0, 1, 4, (4,)),
        ("C26N4Co", 0, 3, 4, (4, 2, 6)),
        ("Fe3O13C6H6", 1, 3, 16, (16, 14, 18)),
        ("C26N4Ni", 0, 2, 1, (1, 3)),
        # a stated spin of the wrong parity lies between the two nearest; one that H2 cannot have ends at its highest
        ("C26N4Ni", 0, 3, 4, (3, 5, 1)),
        ("H2", 0, 2, 9, (3, 1)),
    ],
)
def test_multiplicities_near_a_stated_one(formula, charge, number, near, expected):
    assert multiplicities(Atoms(formula), charge, number, near=near) == expected


@given(formulas, st.integers(-3, 1), st.integers(1, 40), st.integers(1, 8))
def test_the_nearest_multiplicities_are_the_nearest_of_all(formula, charge, near, number):
    atoms = Atoms(formula)
    total = electrons(atoms, charge)
    allowed = [m for m in range(1, total + 2) if (total - (m - 1)) % 2 == 0]
    expected = sorted(allowed, key=lambda m: (abs(m - near), m))[:number]
    assert list(multiplicities(atoms, charge, number, near=near)) == expected


def test_a_site_starts_from_the_spin_that_it_states():
    site = build({"family": "porphine", "schema": 1, "metals": ["Fe"], "axial": "none"})
    policy = Policy(Method("gfn1-xtb", {}, "xtb"), 0.05, clean=2)
    assert [request.multiplicity for request in policy.clean_requests(site)] == [1, 3]
    stated = replace(site, multiplicity=5)
    assert [request.multiplicity for request in policy.clean_requests(stated)] == [5, 3]
    counted = replace(policy, adsorbed=2)
    assert {r.multiplicity for r, _ in counted.adsorbed_requests(stated, "0" * 64, 5, "OH")} == {4, 6}
    assert {r.multiplicity for r, _ in counted.adsorbed_requests(site, "0" * 64, 1, "OH")} == {2, 4}


def test_nonsense_is_refused():
    with pytest.raises(InputError, match="a charge of 2 is more than the 1 electrons of H"):
        electrons(Atoms("H"), 2)
    with pytest.raises(InputError, match="ask for at least 1"):
        multiplicities(Atoms("H"), 0, 0)
    with pytest.raises(InputError, match="a multiplicity of 0 does not exist"):
        inherited(0, Atoms("H"), 0)
