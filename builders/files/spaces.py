"""Space: in which directions a structure from a file goes on, and how it is turned to lie as sites do."""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np
import numpy.typing as npt
from ase import Atoms

from atomsieve.builders.vectors import across
from atomsieve.structures.errors import InputError
from atomsieve.structures.site import SiteKind

#: Å; an empty slice of the cell as thick as this is vacuum.
GAP: Final = 8.0
#: Å; a cell that is shorter along a periodic direction has bonds that cannot be told apart.
SHORTEST: Final = 5.0
#: Å; vacuum that is added where a file tells no cell across a sheet or ribbon.
VACUUM: Final = 15.0
_SHEET_THICKNESS = 4.0


def space(atoms: Atoms) -> SiteKind:
    """Return what kind of site a structure is.

    A sheet or a layer has vacuum along one of its lattice vectors, a ribbon along two; a sheet is thin and without
    hydrogen.
    """
    if not atoms.pbc.any():
        return "cluster"
    empty = _empty(atoms)
    if sum(empty) == 1:
        thin = float(np.ptp(atoms.positions[:, 2])) < _SHEET_THICKNESS
        return "sheet" if thin and 1 not in atoms.numbers else "layer"
    return ("bulk", "bulk", "ribbon", "cluster")[sum(empty)]


def oriented(atoms: Atoms) -> Atoms:
    """Turn a structure so that a sheet lies in the xy plane, a ribbon in it along x, and a molecule in no cell.

    Crystals stay as they are. Atoms of sheets, ribbons and molecules are brought to one side of the vacuum, and the
    lattice vectors across it are made upright.

    Parameters
    ----------
    atoms : ase.Atoms
        As read.

    Raises
    ------
    InputError
        If it is periodic over so short a distance that its bonds cannot be told apart.
    """
    if not atoms.pbc.any():
        return Atoms(numbers=atoms.numbers, positions=atoms.positions, pbc=False)
    atoms = atoms.copy()
    if not atoms.pbc.all():
        _complete(atoms)
    empty = _empty(atoms)
    heights = _heights(atoms)
    short = [
        f"{height:.2f} Å" for height, vacuum in zip(heights, empty, strict=True) if not vacuum and height < SHORTEST
    ]
    if short:
        raise InputError(f"the cell is only {short[0]} high; repeat it to at least {SHORTEST:g} Å in the file")
    if sum(empty) == 0:
        return Atoms(numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=True)

    fractions = _gathered(atoms, empty)
    order = _order(atoms, empty, fractions)
    cell = atoms.cell.array[order]
    fractions = fractions[:, order]
    if np.linalg.det(cell) < 0:
        first, second = (0, 1) if not (empty[order[0]] or empty[order[1]]) else (1, 2)
        cell[[first, second]], fractions[:, [first, second]] = cell[[second, first]], fractions[:, [second, first]]
    turned = _upper(cell)
    positions = fractions @ turned
    if sum(empty) == 3:
        return Atoms(numbers=atoms.numbers, positions=positions - positions.mean(axis=0), pbc=False)
    upright = turned.copy()
    upright[2] = (0.0, 0.0, turned[2, 2])
    if sum(empty) == 2:
        upright[1] = (0.0, turned[1, 1], 0.0)
        positions[:, 1] += turned[1, 1] / 2 - (positions[:, 1].min() + positions[:, 1].max()) / 2
    positions[:, 2] += turned[2, 2] / 2 - (positions[:, 2].min() + positions[:, 2].max()) / 2
    return Atoms(numbers=atoms.numbers, positions=positions, cell=upright, pbc=True)


def _complete(atoms: Atoms) -> None:
    """Give a structure a cell across the directions in which it is not periodic, in place."""
    cell = atoms.cell.array.copy()
    given = [bool(np.linalg.norm(vector) > 1e-6) for vector in cell]
    periodic = [i for i in range(3) if atoms.pbc[i]]
    for i in range(3):
        if atoms.pbc[i]:
            continue
        others = [cell[j] / np.linalg.norm(cell[j]) for j in range(3) if j != i and (given[j] or j in periodic)]
        axis = np.cross(others[0], others[1]) if len(others) == 2 else across(others[0])[0]
        axis /= np.linalg.norm(axis)
        length = float(np.ptp(atoms.positions @ axis)) + VACUUM
        if not given[i] or abs(float(cell[i] @ axis)) < length:
            cell[i], given[i] = length * axis, True
    atoms.set_cell(cell)
    atoms.pbc = True


def _heights(atoms: Atoms) -> npt.NDArray[np.float64]:
    return np.asarray(1.0 / np.linalg.norm(np.linalg.inv(atoms.cell.array), axis=0))


def _slices(atoms: Atoms) -> list[tuple[float, float]]:
    """Return for each lattice vector the thickest empty slice, Å, and the fraction at which it ends."""
    found = []
    for column, height in zip(atoms.get_scaled_positions().T, _heights(atoms), strict=True):
        levels = np.sort(column % 1.0)
        gaps = np.diff(np.append(levels, levels[0] + 1.0))
        widest = int(np.argmax(gaps))
        found.append((float(gaps[widest] * height), float(levels[(widest + 1) % len(levels)])))
    return found


def _empty(atoms: Atoms) -> list[bool]:
    return [thickness >= GAP for thickness, _ in _slices(atoms)]


def _gathered(atoms: Atoms, empty: list[bool]) -> npt.NDArray[np.float64]:
    """Return fractions with the atoms on one side of the vacuum."""
    fractions = np.array(atoms.get_scaled_positions(wrap=False))
    for axis, (_, start) in enumerate(_slices(atoms)):
        if empty[axis]:
            fractions[:, axis] = start + (fractions[:, axis] - start + 1e-6) % 1.0 - 1e-6
    return fractions


def _order(atoms: Atoms, empty: list[bool], fractions: npt.NDArray[np.float64]) -> list[int]:
    """Return the lattice vectors in the order in which the site has them."""
    if sum(empty) == 1:
        last = empty.index(True)
        return [(last + 1) % 3, (last + 2) % 3, last]
    if sum(empty) == 3:
        return [0, 1, 2]
    first = empty.index(False)
    extents = np.ptp(fractions, axis=0) * _heights(atoms)
    wide, thin = sorted((i for i in range(3) if i != first), key=lambda i: (-round(float(extents[i]), 3), i))
    return [first, wide, thin]


def _upper(cell: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return a right-handed cell turned so that the first vector lies along x and the second in the xy plane."""
    turned = np.asarray(np.linalg.cholesky(cell @ cell.T), dtype=np.float64)
    for i, j in itertools.product(range(3), repeat=2):
        if abs(turned[i, j]) < 1e-12:
            turned[i, j] = 0.0
    return turned
