"""Bonds of the mock: what each element's bonds to each other are, shaped like chemistry."""

from __future__ import annotations

import functools
from importlib import resources
from typing import TYPE_CHECKING, Any

import yaml
from ase.data import chemical_symbols, covalent_radii

from atomsieve.workflows.bond import Bond
from atomsieve.workflows.potential import BENT, FLAT, SPLIT_RANGE

if TYPE_CHECKING:
    pass

TRANS_INFLUENCE = 0.06  # relative loss of depth of M-O and M-H for each donor beyond four
NOBLE = frozenset({"He", "Ne", "Ar", "Kr", "Xe", "Rn"})
DONOR_WEIGHT = {"N": 1.0, "C": 1.3, "O": 0.8, "S": 0.9, "H": 0.8}
D_ROWS = {3: range(21, 31), 4: range(39, 49), 5: (57, *range(72, 81))}
D_BLOCK = {z: (row, group) for row, numbers in D_ROWS.items() for group, z in enumerate(numbers, start=3)}
DATA: dict[str, Any] = yaml.safe_load((resources.files("atomsieve.workflows") / "mock.yaml").read_text("utf-8"))


def is_metal(z: int) -> bool:
    """Return whether an element is a metal to the mock."""
    return chemical_symbols[z] not in DATA["valence"] and chemical_symbols[z] not in NOBLE


def _oxygen_depth(z: int) -> float:
    """Depth of a single M-O bond (eV): linear in the group, which makes the volcano."""
    if z not in D_BLOCK:
        return float(DATA["main_group_depth"].get(chemical_symbols[z], 3.5))
    row, group = D_BLOCK[z]
    return 3.70 - 0.311 * (group - 3) - (0.0, 0.02, 0.03)[row - 3] * (group - 6)


def _strength(z: int) -> float:
    """How strongly a metal holds C and N of an adsorbate, beside iron: along the row as O, but less steeply."""
    return 0.4 + 0.6 * _oxygen_depth(z) / _oxygen_depth(26)


def _metal_bond(metal: int, other: int) -> Bond:
    """Return what a bond of a metal is from both sides."""
    name, symbol = chemical_symbols[metal], chemical_symbols[other]
    if is_metal(other):
        length = min(0.9 * float(covalent_radii[metal] + covalent_radii[other]), 2.5)
        return Bond(length, 1.5, 0.8, 2.7, 2.7, 3.1, 3.1)
    size = float(covalent_radii[metal]) - 1.32
    if symbol == "N":
        # Nearly one length for all: the pocket of a sheet is 1.88 Å wide and any metal must lie flat in it.
        on, off = (3.0, 3.5) if name == DATA["leaves_its_site"] else (2.2, 2.75)
        return Bond(1.87 + 0.06 * size, 1.8, 2.6, on, 2.2, off, 2.75)
    if symbol == "C":
        return Bond(1.88 + 0.06 * size, 1.8, 2.2, 2.15, 2.15, 2.5, 2.5)
    if name == DATA["desorbs"]:
        return Bond(3.4, 1.5, 0.03, 3.7, 2.0, 4.2, 2.4)
    length, depth = 1.14 + 0.8 * size + float(covalent_radii[other]), _oxygen_depth(metal)
    if symbol == "H":
        length, depth = 1.52 + 0.6 * size, 0.06 + 0.75 * depth
    if name == DATA["dissociates"]:
        # Wide enough to catch the OH that it has split off.
        return Bond(length, 1.3, depth, 2.9, 1.15 * length, 3.9, 1.4 * length)
    on, off = min(1.25 * length, 2.6), min(1.6 * length, 3.1)
    return Bond(length, 1.9, depth, on, 1.2 * length, off, 1.33 * length)


@functools.cache
def bond(a: int, b: int) -> Bond:
    """Return how an atom of number a sees a neighbour of number b."""
    first, second = chemical_symbols[a], chemical_symbols[b]
    if is_metal(a):
        weight = 0.0 if is_metal(b) else DONOR_WEIGHT.get(second, 1.0)
        return _metal_bond(a, b)._replace(weight_all=weight, trans=TRANS_INFLUENCE if second in ("O", "H") else 0.0)
    valence, last, *more = DATA["valence"].get(first, (4, 1.0))
    last_apart = more[0] if more else 0.0
    if is_metal(b):
        bond = _metal_bond(b, a)._replace(
            valence=valence, last=last, last_apart=last_apart, oxidation=float(a in BENT or valence == 1)
        )
        if a in BENT:
            unsaturated = max(0.0, 1.0 - 0.75 / _oxygen_depth(b))
            bond = bond._replace(unsaturated=unsaturated, shared=0.4, oxidation_second=1.0)
        if first in DATA["adsorbed"]:
            gains = [depth * _strength(b) / bond.depth - 1.0 for depth in DATA["adsorbed"][first]]
            steps = [gain - more for gain, more in zip(gains, [*gains[1:], 0.0], strict=True)]
            first_gain, second_gain, third_gain, apart = steps
            bond = bond._replace(apart=apart, apart_third=third_gain, apart_second=second_gain, apart_first=first_gain)
        return bond
    low, high = sorted((a, b))
    row = DATA["bonds"].get(f"{chemical_symbols[low]}-{chemical_symbols[high]}")
    if row is None:
        weak = 0.01 if NOBLE & {first, second} else 3.0
        row = [float(covalent_radii[a] + covalent_radii[b]), weak, 2.0]
    length, depth, steepness, *ends = row
    unsaturated, second_gain, apart = ends[a != low] if ends else (0.0, 0.0, 0.0)
    soft, soft_range = 0.0, 1.0
    if {a, b}.intersection(FLAT) and {first, second} & {"O", "H"}:
        soft, soft_range = 0.6, 2.6 if "H" in (first, second) else 3.1
    if first == second == "O":
        soft_range = SPLIT_RANGE  # the quirk of dissociation reaches as far
    return Bond(
        length, steepness, depth, 1.2 * length, 1.15 * length, 1.5 * length, 1.45 * length, soft, soft_range,
        weight_valence=1.0, unsaturated=unsaturated, unsaturated_second=second_gain, valence=valence, last=last,
        last_apart=last_apart, weight_support=DATA["support"].get(first, {}).get(second, 0.0), apart=apart,
    )  # fmt: skip
