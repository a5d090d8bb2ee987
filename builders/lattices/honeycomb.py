"""Honeycomb: the lattice of a graphene sheet in a supercell, its symmetry, and the sites of which it consists."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from atomsieve.builders.cells import hexagonal
from atomsieve.builders.family import Parameter
from atomsieve.builders.vectors import Array
from atomsieve.structures.errors import InputError

Indices = npt.NDArray[np.int64]
#: A lattice site: 0 or 1 for the two atoms of a primitive cell, and the cell.
Spot = tuple[int, int, int]

#: Primitive cells (or, in a rectangular supercell, cells of four atoms) along each vector.
SMALLEST, LARGEST = 3, 12
#: Smallest second number of a rectangular supercell, whose second vector is longer.
SMALLEST_RECTANGLE: Final = 2
# Atoms A and B of the primitive cell, whose vectors are at 120 degrees, and from A the cells of its neighbours B.
BASIS: Final = np.array([[1 / 3, 2 / 3], [2 / 3, 1 / 3]])
_NEIGHBOURS_OF_A: Final = ((0, 0), (-1, 0), (0, 1))
# Rotation by 60 degrees about the middle of a hexagon, and the mirror that exchanges the vectors; rows are images.
_TURN: Final = np.array([[1, 1], [-1, 0]])
_MIRROR: Final = np.array([[0, 1], [1, 0]])


@dataclass(frozen=True, eq=False)
class Honeycomb:
    """A supercell of the honeycomb lattice.

    Parameters
    ----------
    matrix : ndarray of int, shape (2, 2)
        Its vectors in terms of those of the primitive cell; lower triangular.
    """

    matrix: Indices

    @cached_property
    def spots(self) -> Indices:
        """All lattice sites, shape (n, 3)."""
        (p, _), (_, r) = self.matrix.tolist()
        return np.array([(s, i, j) for i in range(p) for j in range(r) for s in (0, 1)])

    @cached_property
    def points(self) -> Array:
        """Their places in units of the primitive vectors, shape (n, 2)."""
        return np.asarray(self.spots[:, 1:] + BASIS[self.spots[:, 0]])

    @cached_property
    def neighbours(self) -> Indices:
        """For each site the three that it is bonded to, shape (n, 3)."""
        table = [
            [self.index((1 - s, i + (d if s == 0 else -d), j + (e if s == 0 else -e))) for d, e in _NEIGHBOURS_OF_A]
            for s, i, j in self.spots.tolist()
        ]
        return np.array(table)

    def index(self, spot: Spot) -> int:
        """Return the place of a site, or of the one that it is an image of, in :attr:`spots`."""
        s, i, j = spot
        (p, _), (q, r) = self.matrix.tolist()
        shift, j = divmod(j, r)
        return int(2 * (((i - shift * q) % p) * r + j) + s)

    def cell(self, lattice_constant: float, strain: tuple[float, float]) -> Array:
        """Return both vectors, Å, shape (2, 2), for strains along x (zigzag) and y (armchair)."""
        return np.asarray(self.matrix @ hexagonal(lattice_constant) * (1.0 + np.array(strain)))

    def fractions(self, points: Array) -> Array:
        """Turn points in units of the primitive vectors into fractions of the supercell."""
        return np.asarray(points @ np.linalg.inv(self.matrix))

    def symmetries(self, uniaxial: bool) -> tuple[Indices, ...]:
        """Return the point operations that leave the supercell, and a uniaxial strain along x or y, as they are."""
        operations = [
            np.linalg.matrix_power(_TURN, k) @ flip for flip in (np.eye(2, dtype=int), _MIRROR) for k in range(6)
        ]
        primitive = hexagonal(1.0)
        inverse = np.linalg.inv(self.matrix)
        kept = []
        for operation in operations:
            image = self.matrix @ operation @ inverse
            turned = np.linalg.inv(primitive) @ operation @ primitive
            if np.allclose(image, np.round(image)) and (not uniaxial or abs(turned[0, 1]) < 1e-9):
                kept.append(operation)
        return tuple(kept)

    def permutation(self, operation: Indices, shift: Indices) -> Indices:
        """Return where an operation followed by a translation takes every site, shape (n,)."""
        images = self.points @ operation + shift
        cells = np.round(images - BASIS[0]).astype(int)
        second = np.abs(images - BASIS[0] - cells).max(axis=1) > 1e-6
        cells[second] = np.round(images[second] - BASIS[1]).astype(int)
        (p, _), (q, r) = self.matrix.tolist()
        wraps = cells[:, 1] // r
        return np.asarray(2 * (((cells[:, 0] - wraps * q) % p) * r + cells[:, 1] % r) + second)

    def stabilizer(self, marked: Sequence[int], uniaxial: bool) -> tuple[Indices, ...]:
        """Return the permutations of all sites that keep a set of sites as it is, the identity among them."""
        return self.mappings(marked, marked, uniaxial)

    def mappings(self, marked: Sequence[int], onto: Sequence[int], uniaxial: bool) -> tuple[Indices, ...]:
        """Return the permutations of all sites that take a set of sites onto another; none if they are not alike."""
        wanted, found = set(onto), {}
        for operation in self.symmetries(uniaxial):
            image = self.points[marked[0]] @ operation
            for target in onto:
                shift = self.points[target] - image
                if np.allclose(shift, np.round(shift)):
                    permutation = self.permutation(operation, np.round(shift).astype(int))
                    if {int(permutation[mark]) for mark in marked} == wanted:
                        found[permutation.tobytes()] = permutation
        return tuple(found[key] for key in sorted(found))


def moved(spot: Spot, operation: Indices, shift: tuple[int, int] = (0, 0)) -> Spot:
    """Return where a point operation followed by a translation takes a lattice site."""
    image = (BASIS[spot[0]] + np.array(spot[1:])) @ operation + np.array(shift)
    cell = np.round(image - BASIS[0]).astype(int)
    if np.abs(image - BASIS[0] - cell).max() < 1e-6:
        return 0, int(cell[0]), int(cell[1])
    cell = np.round(image - BASIS[1]).astype(int)
    return 1, int(cell[0]), int(cell[1])


def turn(sixths: int) -> Indices:
    """Return the rotation by so many times 60 degrees about the middle of a hexagon."""
    return np.asarray(np.linalg.matrix_power(_TURN, sixths % 6))


@lru_cache(maxsize=64)
def honeycomb(supercell: str) -> Honeycomb:
    """Return the lattice of a supercell as recipes write it: ``4x4``, or ``rect-5x3``."""
    first, second = size(supercell)
    if supercell.startswith("rect-"):
        return Honeycomb(np.array([[first, 0], [second, 2 * second]]))
    return Honeycomb(np.array([[first, 0], [0, second]]))


def size(supercell: str) -> tuple[int, int]:
    """Return the two numbers of a supercell."""
    first, second = supercell.removeprefix("rect-").split("x")
    return int(first), int(second)


def atoms_in(supercell: str) -> int:
    """Return the number of atoms in a supercell of the clean sheet."""
    first, second = size(supercell)
    return (4 if supercell.startswith("rect-") else 2) * first * second


def parse_supercell(value: Any) -> tuple[str]:
    """Read a supercell.

    Raises
    ------
    InputError
        If it is not written as one, or out of bounds.
    """
    match = (
        re.fullmatch(r"\s*(rect-)?\s*([0-9]{1,4})\s*[x×]\s*([0-9]{1,4})\s*", value, re.IGNORECASE)
        if isinstance(value, str)
        else None
    )
    if match is None:
        raise InputError(
            f"{value!r} is not a supercell; write the primitive cells along both lattice vectors, as 4x4, or those of "
            "a rectangle (2.46 by 4.26 Å), as rect-5x3"
        )
    kind, n, m = (match[1] or "").lower(), int(match[2]), int(match[3])
    low = SMALLEST_RECTANGLE if kind else SMALLEST
    if n < SMALLEST or m < low:
        raise InputError(
            f"{kind}{n}x{m} is too small: the site would touch its periodic image; "
            f"write at least {kind}{SMALLEST}x{low}"
        )
    if max(n, m) > LARGEST:
        raise InputError(f"{kind}{n}x{m} is too large; write at most {kind}{LARGEST}x{LARGEST}")
    return (f"{kind}{n}x{m}",)


def supercell_parameter(default: str) -> Parameter:
    """Return the parameter ``supercell`` of the families of graphene."""
    return Parameter(
        "supercell",
        "primitive cells along both lattice vectors",
        default,
        f"{SMALLEST}x{SMALLEST} to {LARGEST}x{LARGEST}, or of a rectangle, rect-{SMALLEST}x{SMALLEST_RECTANGLE} to "
        f"rect-{LARGEST}x{LARGEST}",
        parse_supercell,
    )
