"""Pattern: a hole placed in a supercell of graphene, and what is around it by symmetry."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import numpy as np

from atomsieve.builders.lattices.dopants import Shells, nearest
from atomsieve.builders.lattices.honeycomb import Honeycomb, Indices, Spot, honeycomb, moved, turn
from atomsieve.builders.lattices.vacancies import Vacancy, point
from atomsieve.builders.vectors import Array
from atomsieve.structures.errors import ParameterError

#: Lattice constant of graphene, Å (experiment: 2.46).
LATTICE_CONSTANT: Final = 2.46
#: Å; a metal in a hole of its own, and its image, are not closer.
APART: Final = 5.5


@dataclass(frozen=True, eq=False)
class Pattern:
    """A hole placed in a supercell; made once, so that it can be told by what it is in memory.

    Parameters
    ----------
    supercell : str
        As recipes write it.
    groups, rims : tuple of tuple of (int, int, int)
        For each metal the lattice sites that it replaces, and those around them.
    """

    supercell: str
    groups: tuple[tuple[Spot, ...], ...]
    rims: tuple[tuple[Spot, ...], ...]

    @property
    def lattice(self) -> Honeycomb:
        """The supercell's lattice."""
        return honeycomb(self.supercell)

    @cached_property
    def removed(self) -> tuple[int, ...]:
        """Lattice sites without an atom."""
        return tuple(self.lattice.index(spot) for spot in itertools.chain.from_iterable(self.groups))

    @cached_property
    def rim(self) -> tuple[int, ...]:
        """Lattice sites around the holes, metal by metal."""
        return tuple(self.lattice.index(spot) for spot in itertools.chain.from_iterable(self.rims))

    @property
    def middles(self) -> Array:
        """The middle of the hole of each metal, in units of the primitive vectors, shape (metals, 2)."""
        return np.array([np.mean([point(spot) for spot in group], axis=0) for group in self.groups])

    def symmetries(self, metals: tuple[str, ...], rim: tuple[str, ...], uniaxial: bool) -> tuple[Indices, ...]:
        """Return the permutations of the lattice that keep the hole, its metals and the elements at its rim."""
        groups = [frozenset(self.lattice.index(spot) for spot in group) for group in self.groups]
        element = dict(zip(self.rim, rim, strict=True))
        kept = []
        for p in self.lattice.stabilizer(self.removed, uniaxial):
            images = [frozenset(int(p[site]) for site in group) for group in groups]
            same = all(
                image in groups and metals[groups.index(image)] == metal
                for image, metal in zip(images, metals, strict=True)
            )
            if same and all(element.get(int(p[site])) == element[site] for site in self.rim):
                kept.append(p)
        return tuple(kept)


@lru_cache(maxsize=512)
def pattern(hole: Vacancy, supercell: str) -> Pattern:
    """Place a hole in a supercell.

    In a rectangle a double vacancy is turned so that its axis is that of the rectangle.

    Raises
    ------
    ParameterError
        If the hole touches its own image.
    """
    operation = turn(0)
    if supercell.startswith("rect-") and len(hole.removed) == 2:
        # From the direction of the first bond, at -30 degrees, to that of the second vector.
        operation = turn(2)
    groups = tuple(tuple(moved(spot, operation) for spot in group) for group in hole.groups)
    rims = tuple(tuple(moved(spot, operation) for spot in rim) for rim in hole.rims)
    return checked(Pattern(supercell, groups, rims), hole.name)


def checked(placed: Pattern, name: str) -> Pattern:
    """Return a pattern unless it touches its own image.

    Raises
    ------
    ParameterError
        Names the supercell.
    """
    edge = placed.removed + placed.rim
    cell = placed.lattice.cell(LATTICE_CONSTANT, (0.0, 0.0))
    images = [np.array(steps) @ cell for steps in itertools.product((-1, 0, 1), repeat=2) if steps != (0, 0)]
    metals = placed.lattice.fractions(placed.middles) @ cell
    closest = min(float(np.linalg.norm(one + image - other)) for one in metals for other in metals for image in images)
    if len(set(edge)) < len(edge) or closest < APART:
        raise ParameterError(
            "supercell",
            f"{placed.supercell} is too small for the hole of this coordination ({name}): it would touch its periodic "
            "image; write a larger one",
        )
    return placed


@lru_cache(maxsize=512)
def shells(placed: Pattern, metals: tuple[str, ...], rim: tuple[str, ...], uniaxial: bool) -> Shells:
    """Return the carbons around a site by symmetry, for its dopants."""
    lattice = placed.lattice
    middle = placed.middles.mean(axis=0)
    cell = lattice.cell(LATTICE_CONSTANT, (0.0, 0.0))
    distances = nearest(lattice.fractions(lattice.points - middle) @ cell, cell)
    taken = {*placed.removed, *placed.rim}
    free = tuple(site for site in range(len(lattice.spots)) if site not in taken)
    return Shells(lattice, free, distances, placed.symmetries(metals, rim, uniaxial))
