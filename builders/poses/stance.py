"""Stance: how an adsorbate stands on the metals that it binds to, for each of its binding modes and torsions."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from ase.data import atomic_numbers, covalent_radii

from atomsieve.builders.vectors import Array
from atomsieve.structures.adsorbate import METAL, Adsorbate, Mode
from atomsieve.structures.errors import InputError

#: A bond to a metal as built, as a multiple of the sum of the covalent radii: Co-O 1.84, Co-H 1.51 Å.
BOND: Final = 0.96
#: By how much the bonds of a chelate are longer: κ2 nitrates and formates have 2.0 to 2.2 Å on 3d metals.
CHELATE: Final = 1.1
#: Degrees by which a bent adsorbate straightens up, at most, where one atom bridges two metals.
STRAIGHTEN: Final = 45.0

# Å by which an atom may lie below two that bind.
_SUNK: Final = 0.1


@dataclass(frozen=True, eq=False)
class Stance:
    """An adsorbate above its metals: x along the line of two binding atoms or of two metals, z away from the metals.

    Two fragments that share no bond are given whole, from a foot at the metal or in the middle of two.

    Parameters
    ----------
    shape : ndarray of float, shape (atoms, 3)
        Positions from the binding atom, or from the middle of two, Å.
    foot : ndarray of float, shape (3,)
        Where that point is, seen from the metal or from the middle of two metals, Å.
    """

    shape: Array
    foot: Array


def stance(
    species: Adsorbate, mode: Mode, torsions: tuple[float, ...], numbers: tuple[int, ...], apart: float
) -> Stance | None:
    """Return how an adsorbate stands on one metal or on two.

    Every bond has the length :data:`BOND` tells. Two binding atoms lie square to the open direction, but for the
    difference of their bond lengths. Of two fragments that share no bond each stands upright on its own metal, however
    far that is from the other; on one metal they lean apart, as far as the table has them.

    Parameters
    ----------
    species : Adsorbate
        The adsorbate.
    mode : Mode
        One of its binding modes.
    torsions : tuple of float
        Degrees, one for each of its torsions; empty for the tabulated geometry.
    numbers : tuple of int
        Atomic numbers of the metals.
    apart : float
        Distance of two metals, Å; 0 for one.

    Returns
    -------
    Stance or None
        None where the metals are too far apart for these bonds.
    """
    shape = _shape(species, mode, torsions)
    binding = [atomic_numbers[species.symbols[atom]] for atom in mode.atoms]
    pairs = zip(numbers * (3 - len(numbers)), binding * (3 - len(binding)), strict=True)
    is_pair = len(species.fragments) == 2
    bond = BOND * (CHELATE if mode.name == "chelate" and not is_pair else 1.0)
    first, second = (bond * float(covalent_radii[metal] + covalent_radii[atom]) for metal, atom in pairs)
    if is_pair:
        return Stance(_pair(species, mode, (first, second), apart), np.zeros(3))
    if len(binding) == 1:
        # a triangle of three known sides
        along = (first**2 - second**2) / (2 * apart) if apart else 0.0
        square = first**2 - (along + apart / 2) ** 2
        return Stance(shape, np.array([along, 0.0, math.sqrt(square)])) if square > 0 else None
    length = float(np.linalg.norm(shape[mode.atoms[1]] - shape[mode.atoms[0]]))
    overhang = (apart - length) / 2
    if min(first, second) <= abs(overhang):
        return None
    low, high = (math.sqrt(side**2 - overhang**2) for side in (first, second))
    lean = math.asin(max(-1.0, min(1.0, (high - low) / length)))
    x, y, z = shape.T
    leaning = np.column_stack([x * math.cos(lean) - z * math.sin(lean), y, x * math.sin(lean) + z * math.cos(lean)])
    return Stance(leaning, np.array([0.0, 0.0, (low + high) / 2]))


def _pair(species: Adsorbate, mode: Mode, lengths: tuple[float, float], apart: float) -> Array:
    """Return two fragments upright at the ends of a line of some length, or leaning apart from one point."""
    tabulated = np.array(species.positions)
    placed = np.empty_like(tabulated)
    between = float(np.linalg.norm(tabulated[mode.atoms[1]] - tabulated[mode.atoms[0]]))
    lean = 0.0 if apart else math.asin(min(1.0, between / sum(lengths)))
    for side, atom, length in zip((-1.0, 1.0), mode.atoms, lengths, strict=True):
        fragment = list(next(group for group in species.fragments if atom in group))
        upright = tabulated[fragment] - tabulated[atom] + (0.0, 0.0, length)
        placed[fragment] = _rotated(upright, np.eye(3)[1], side * lean) + np.array([side * apart / 2, 0.0, 0.0])
    return placed


def torsion_choices(species: Adsorbate, mode: Mode) -> tuple[tuple[float, ...], ...]:
    """Return all that the torsions of an adsorbate may be in a mode, degrees; the tabulated geometry, ``()``, first.

    A torsion against the metal is turned only where one atom binds, and none where the mode says what they are.
    """
    if mode.torsions:
        return ((),)
    free = [len(mode.atoms) == 1 or METAL not in torsion.atoms for torsion in species.torsions]
    values = [
        torsion.degrees if is_free else torsion.degrees[:1]
        for torsion, is_free in zip(species.torsions, free, strict=True)
    ]
    first, *others = itertools.product(*values)
    del first
    return ((), *others)


@cache
def permutations(species: Adsorbate) -> tuple[tuple[int, ...], ...]:
    """Return the orders of an adsorbate's atoms that are the same to chemistry: equal elements, equal bonds.

    The unchanged order comes first.
    """
    symbols = species.symbols
    bonds = {frozenset(bond) for bond in species.bonds}
    alike = [[i for i, symbol in enumerate(symbols) if symbol == element] for element in dict.fromkeys(symbols)]
    orders = []
    for exchanged in itertools.product(*(itertools.permutations(group) for group in alike)):
        taken = dict(zip(itertools.chain(*alike), itertools.chain(*exchanged), strict=True))
        if {frozenset(taken[i] for i in bond) for bond in bonds} == bonds:
            orders.append(tuple(taken[i] for i in range(len(symbols))))
    return tuple(orders)


@cache
def _shape(species: Adsorbate, mode: Mode, torsions: tuple[float, ...]) -> Array:
    """Return the positions from the foot, turned so that two binding atoms lie along x and the rest points up."""
    positions = _turned(species, torsions or mode.torsions)
    binding = list(mode.atoms)
    centred: Array = positions - positions[binding].mean(axis=0)
    if len(binding) == 1:
        return _straightened(species, centred, binding[0]) if mode.name == "bridge" else centred
    x = centred[binding[1]] - centred[binding[0]]
    x = x / np.linalg.norm(x)
    rest = np.delete(centred, binding, axis=0)
    upward = [rest.mean(axis=0)] if len(rest) else []
    for direction in (*upward, *np.eye(3)[[2, 0]]):
        across = direction - (direction @ x) * x
        if (size := float(np.linalg.norm(across))) > 0.1:
            z = across / size
            break
    shape: Array = centred @ np.array([x, np.cross(z, x), z]).T
    others = np.delete(shape, binding, axis=0)
    if len(others) and others[:, 2].min() < -_SUNK:
        # what is flat about the two, as formaldehyde, lies down rather than turn an edge to the metal
        turns = np.radians(np.arange(0.0, 360.0, 5.0))
        lowest = [np.round(_rotated(others, np.eye(3)[0], turn)[:, 2].min(), 6) for turn in turns]
        shape = _rotated(shape, np.eye(3)[0], float(turns[int(np.argmax(lowest))]))
    return shape


def _straightened(species: Adsorbate, positions: Array, binding: int) -> Array:
    """Lean what is bonded to an atom towards the vertical, as it stands on two metals: OH by 30 degrees, not by 75."""
    beside = [sum(bond) - binding for bond in species.bonds if binding in bond]
    if not beside:
        return positions
    x, y, z = positions[beside].mean(axis=0)
    if math.hypot(x, y) < 0.01:
        return positions
    angle = min(math.radians(STRAIGHTEN), math.atan2(math.hypot(x, y), z))
    return _rotated(positions, np.array([y, -x, 0.0]) / math.hypot(x, y), angle)


def _rotated(vectors: Array, axis: Array, angle: float) -> Array:
    """Turn vectors about a unit vector, in radians (Rodrigues)."""
    along = (vectors @ axis)[:, None] * axis
    rotated: Array = math.cos(angle) * (vectors - along) + math.sin(angle) * np.cross(axis, vectors) + along
    return rotated


def _turned(species: Adsorbate, torsions: tuple[float, ...]) -> Array:
    """Return the positions with the torsions set to some angles, degrees; those of the table where there are none."""
    positions: Array = np.array(species.positions)
    if torsions and len(torsions) != len(species.torsions):
        raise InputError(f"{species.name} has {len(species.torsions)} torsions, not {len(torsions)}: {torsions}")
    for torsion, wanted in zip(species.torsions, torsions, strict=False):
        i, j, k, end = torsion.atoms
        below = positions[j] - (0.0, 0.0, 1.0) if i == METAL else positions[i]
        axis = (positions[k] - positions[j]) / np.linalg.norm(positions[k] - positions[j])
        sides = [vector - (vector @ axis) * axis for vector in (below - positions[j], positions[end] - positions[k])]
        now = math.atan2(float(np.cross(sides[0], sides[1]) @ axis), float(sides[0] @ sides[1]))
        angle = math.radians(wanted) - now
        moving = [atom for atom in _beyond(species, j, k) if atom != k]
        positions[moving] = positions[k] + _rotated(positions[moving] - positions[k], axis, angle)
    return positions


def _beyond(species: Adsorbate, j: int, k: int) -> set[int]:
    """Return the atoms on the far side of the bond j-k, k included."""
    reached, open_ends = {j, k}, [k]
    while open_ends:
        atom = open_ends.pop()
        for bond in species.bonds:
            if atom in bond and (other := bond[0] + bond[1] - atom) not in reached:
                reached.add(other)
                open_ends.append(other)
    return reached - {j}
