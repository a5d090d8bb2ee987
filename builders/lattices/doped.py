"""Doped sheet: graphene with holes, elements at their rims and around them, and metals in them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
from ase import Atoms
from ase.data import atomic_numbers

from atomsieve.builders.cells import folded
from atomsieve.builders.family import stretch
from atomsieve.builders.lattices.pattern import LATTICE_CONSTANT, Pattern
from atomsieve.builders.vectors import Array

#: Metal-donor distances as built for cobalt, Å, in the plane of a hole and above it; others follow by their radius.
IN_PLANE: Final[Mapping[str, float]] = MappingProxyType(
    {"N": 1.88, "C": 1.88, "O": 1.90, "B": 1.90, "S": 2.15, "P": 2.15}
)
RAISED: Final[Mapping[str, float]] = MappingProxyType(
    {"N": 1.85, "C": 1.85, "O": 1.88, "B": 1.95, "S": 2.15, "P": 2.15}
)
#: Å; from the middle of a double vacancy to the sites around it, on the lattice as it is.
IDEAL: Final = math.hypot(0.5, 1 / math.sqrt(3)) * LATTICE_CONSTANT
#: Å; how far the donors of a raised metal are from the axis that it stands on, and those that are too large for the
#: place of a carbon, which leave the plane.
RIM, RIM_LARGE = 1.48, 1.25
LARGE: Final = ("S", "P")
#: Bonds of a large dopant to the carbons around it, Å; it stands below the sheet, so that they fit, and all of them on
#: the same side, so that one face of the metal stays open.
_C_LARGE: Final[Mapping[str, float]] = MappingProxyType({"S": 1.75, "P": 1.77})
#: Å; metals of a triangle above a missing hexagon.
TRIANGLE: Final = 2.40


@dataclass(frozen=True)
class Host:
    """A sheet without its metals; shared by all of them, so never changed.

    Parameters
    ----------
    numbers : ndarray of int, shape (n,)
        Carbon first.
    positions : ndarray of float, shape (n, 3)
        Å.
    cell : ndarray of float, shape (3, 3)
        Å.
    seats : ndarray of float, shape (metals, 3)
        Where the metals stand, Å, were they cobalt.
    donors : tuple of tuple of int
        For each metal.
    bonds : tuple of pair of int
        The metals come after the sheet, in their order.
    """

    numbers: npt.NDArray[np.int64]
    positions: Array
    cell: Array
    seats: Array
    donors: tuple[tuple[int, ...], ...]
    bonds: tuple[tuple[int, int], ...]

    def occupied(self, metals: tuple[str, ...]) -> Atoms:
        """Return the sheet with metals in it; the donors move away from larger ones."""
        positions, seats = self.positions.copy(), self.seats.copy()
        for place, (metal, donors) in enumerate(zip(metals, self.donors, strict=True)):
            longer = stretch(metal)
            if longer == 0.0:
                continue
            rays = self.positions[list(donors)] - self.seats[place]
            lengths = np.linalg.norm(rays, axis=1)[:, None]
            if abs(self.seats[place, 2] - 0.5 * self.cell[2, 2]) < 0.1:
                positions[list(donors)] += longer * rays / lengths
            else:
                flat = float(np.linalg.norm(rays[:, :2], axis=1).mean())
                length = float(lengths.mean())
                seats[place, 2] += math.sqrt((length + longer) ** 2 - flat**2) - math.sqrt(length**2 - flat**2)
        numbers = np.append(self.numbers, [atomic_numbers[metal] for metal in metals])
        return Atoms(numbers=numbers, positions=np.vstack([positions, seats]), cell=self.cell, pbc=True)


@lru_cache(maxsize=8192)
def host(
    placed: Pattern,
    rim: tuple[str, ...],
    dopants: tuple[tuple[str, int], ...],
    lattice_constant: float,
    strain: tuple[float, float],
    vacuum: float,
) -> Host:
    """Build a sheet without its metals.

    Parameters
    ----------
    placed : Pattern
        The hole.
    rim : tuple of str
        Elements at the rim, metal by metal.
    dopants : tuple of (str, int)
        Elements in place of carbons, and the lattice sites on which they stand.
    lattice_constant, vacuum : float
        Å.
    strain : tuple of float
        Along x (zigzag) and y (armchair).
    """
    lattice = placed.lattice
    flat = lattice.cell(lattice_constant, strain)
    cell = np.zeros((3, 3))
    cell[:2, :2], cell[2, 2] = flat, vacuum
    element = dict.fromkeys(range(len(lattice.spots)), "C")
    element |= dict(zip(placed.rim, rim, strict=True)) | {site: symbol for symbol, site in dopants}
    order = ("C", "N", "B", "O", "P", "S")
    sites = sorted(set(element) - set(placed.removed), key=lambda site: (order.index(element[site]), site))
    index = {site: place for place, site in enumerate(sites)}

    # The hole stands in the middle of the cell.
    middle = placed.middles.mean(axis=0)
    fractions = folded(lattice.fractions(lattice.points[sites] - middle) + 0.5)
    positions = np.zeros((len(sites), 3))
    positions[:, :2], positions[:, 2] = fractions @ flat, 0.5 * vacuum
    seats = np.zeros((len(placed.groups), 3))
    seats[:, :2] = (lattice.fractions(placed.middles - middle) + 0.5) @ flat
    seats[:, 2] = 0.5 * vacuum

    donors = tuple(tuple(index[lattice.index(spot)] for spot in rims) for rims in placed.rims)
    for seat, group in zip(seats, donors, strict=True):
        # the images of the donors that are beside their metal
        away = np.round((positions[list(group)] - seat)[:, :2] @ np.linalg.inv(flat))
        positions[list(group), :2] -= away @ flat
    elements = iter(rim)
    _seat(positions, seats, donors, [[next(elements) for _ in group] for group in donors], placed)
    for symbol, site in dopants:
        if symbol in LARGE:
            carbons = LATTICE_CONSTANT / math.sqrt(3)
            positions[index[site], 2] -= math.sqrt(_C_LARGE[symbol] ** 2 - carbons**2)
    bonds = {
        (min(pair), max(pair))
        for site in sites
        for other in lattice.neighbours[site].tolist()
        if other in index
        for pair in [(index[site], index[other])]
    }
    metals = range(len(sites), len(sites) + len(seats))
    held = {(donor, metal) for metal, group in zip(metals, donors, strict=True) for donor in group}
    between = {
        (one, other)
        for one, other in itertools.combinations(metals, 2)
        if float(np.linalg.norm(seats[one - len(sites)] - seats[other - len(sites)])) < 2.8
    }
    numbers = np.array([atomic_numbers[element[site]] for site in sites])
    return Host(numbers, positions, cell, seats, donors, tuple(sorted(bonds | held | between)))


def _seat(
    positions: Array, seats: Array, donors: tuple[tuple[int, ...], ...], elements: list[list[str]], placed: Pattern
) -> None:
    """Move the metals, and the atoms that hold them, so that their bonds have sensible lengths."""
    plane = float(positions[0, 2])
    # three metals with two donors each, as above a missing hexagon
    raised = [len(group) for group in donors] == [2, 2, 2]
    if raised:
        centre = seats.mean(axis=0)
        outward = seats - centre
        seats += outward / np.linalg.norm(outward, axis=1)[:, None] * TRIANGLE / math.sqrt(3) - outward
    for place, (group, symbols) in enumerate(zip(donors, elements, strict=True)):
        if raised or len(placed.removed) == 1:
            _stand(positions, seats, place, group, symbols, squeeze=not raised)
            continue
        if len(group) == 3:
            # Of three donors two face each other; the metal of a chain's end stands between them.
            spots = positions[list(group)]
            ends = max(
                itertools.combinations(range(3), 2), key=lambda e: float(np.linalg.norm(spots[e[0]] - spots[e[1]]))
            )
            seats[place] = spots[list(ends)].mean(axis=0)
        for donor, symbol in zip(group, symbols, strict=True):
            ray = positions[donor] - seats[place]
            length = float(np.linalg.norm(ray))
            if symbol in LARGE:
                positions[donor, 2] = plane - math.sqrt(IN_PLANE[symbol] ** 2 - length**2)
            else:
                positions[donor] = seats[place] + ray * IN_PLANE[symbol] / IDEAL


def _stand(
    positions: Array, seats: Array, place: int, group: tuple[int, ...], symbols: list[str], *, squeeze: bool
) -> None:
    """Stand a metal above its donors; small ones stay in the plane, large ones go below it."""
    plane = float(positions[group[0], 2])
    rays = positions[list(group)] - seats[place]
    flat = np.linalg.norm(rays, axis=1)
    scale = float(flat.mean()) * math.sqrt(3) / LATTICE_CONSTANT if squeeze else 1.0
    small = scale * RIM if squeeze else float(flat.mean())
    seats[place, 2] = plane + math.sqrt(max(RAISED["N"] ** 2 - small**2, 0.3))
    for donor, symbol, ray, length in zip(group, symbols, rays, flat, strict=True):
        reach = scale * (RIM_LARGE if symbol in LARGE else RIM) if squeeze else float(length)
        positions[donor] = seats[place] * [1, 1, 0] + ray * [1, 1, 0] * reach / length
        positions[donor, 2] = seats[place, 2] - math.sqrt(RAISED[symbol] ** 2 - reach**2)


def crowded(placed: Pattern, rim: tuple[str, ...], dopants: tuple[tuple[str, int], ...]) -> bool:
    """Return whether two large elements, which leave the sheet, would be neighbours."""
    large = {site for site, symbol in zip(placed.rim, rim, strict=True) if symbol in LARGE}
    extra = {site for symbol, site in dopants if symbol in LARGE}
    neighbours = placed.lattice.neighbours
    return any(other in large | extra for site in extra for other in neighbours[site].tolist())
