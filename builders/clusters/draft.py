"""Draft: a cluster while it is put together, atom by atom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from ase import Atoms

from atomsieve.builders.vectors import Array, sphere

#: Å; O-H of hydroxide and water.
O_H: Final = 0.97
# Charges that point hydrogens away from each other and from metals, towards oxygens that are not their own: they choose
# among orientations and mean nothing else.
_CHARGES = {"H": 0.4, "C": 0.2, "O": -0.8}
_METAL_CHARGE = 1.5
_SAMPLES = 600
# cos(110°), and what straying from it costs
_ANGLE, _STIFFNESS = -0.34, 8.0


@dataclass
class Draft:
    """Atoms and bonds of a cluster that is being built.

    Parameters
    ----------
    symbols : list of str
        Chemical symbols.
    positions : list of ndarray of float, shape (3,)
        Å.
    bonds : list of pair of int
        The first index is the smaller.
    """

    symbols: list[str] = field(default_factory=list)
    positions: list[Array] = field(default_factory=list)
    bonds: list[tuple[int, int]] = field(default_factory=list)

    def add(self, symbol: str, position: Array, *bonded: int) -> int:
        """Add an atom with its bonds to atoms that are there, and return its index."""
        index = len(self.symbols)
        self.symbols.append(symbol)
        self.positions.append(np.asarray(position, dtype=float))
        self.bonds += [(other, index) for other in bonded]
        return index

    def neighbours(self, index: int) -> list[int]:
        """Return the atoms that an atom is bonded to."""
        return [i + j - index for i, j in self.bonds if index in (i, j)]

    def atoms(self) -> Atoms:
        """Return the atoms, in no cell."""
        return Atoms(self.symbols, np.array(self.positions), pbc=False)

    def protonate(self, oxygens: Iterable[tuple[int, int]], keep_clear: Sequence[Array] = ()) -> None:
        """Give oxygens their hydrogens.

        Each hydrogen takes the direction, of many spread over a sphere, that is at about 110 degrees from the other
        bonds of its oxygen and best by simple charges, so that it turns to a free oxygen nearby. Every hydrogen is
        turned again once all are there.

        Parameters
        ----------
        oxygens : iterable of (int, int)
            Index, and number of hydrogens.
        keep_clear : sequence of ndarray of float, shape (3,)
            Points that hydrogens stay away from, Å: where an adsorbate is to bind.
        """
        placed: list[int] = []
        for oxygen, number in oxygens:
            for _ in range(number):
                hydrogen = self.add("H", self.positions[oxygen], oxygen)
                self.positions[hydrogen] = self._best(oxygen, hydrogen, keep_clear)
                placed.append(hydrogen)
        for _ in range(2):
            for hydrogen in placed:
                (oxygen,) = self.neighbours(hydrogen)
                self.positions[hydrogen] = self._best(oxygen, hydrogen, keep_clear)

    def _best(self, oxygen: int, hydrogen: int, keep_clear: Sequence[Array]) -> Array:
        directions = sphere(_SAMPLES)
        centre = self.positions[oxygen]
        cost = np.zeros(len(directions))
        for other in self.neighbours(oxygen):
            if other != hydrogen:
                bond = self.positions[other] - centre
                cost += _STIFFNESS * (directions @ bond / np.linalg.norm(bond) - _ANGLE) ** 2
        others = [i for i in range(len(self.symbols)) if i not in (oxygen, hydrogen)]
        points = np.array([*(self.positions[i] for i in others), *keep_clear])
        charges = [_CHARGES.get(self.symbols[i], _METAL_CHARGE) for i in others] + [_METAL_CHARGE] * len(keep_clear)
        spots = centre + O_H * directions
        vectors = points - centre
        squares = O_H**2 + (vectors**2).sum(axis=1) - 2 * O_H * directions @ vectors.T
        lengths = np.sqrt(np.maximum(squares, 0.0))
        # contacts below 1.5 Å are never worth it; rounded, so that equal directions tie in the same way everywhere
        cost += (np.array(charges) / np.maximum(lengths, 0.5) + np.maximum(1.5 - lengths, 0.0) * 20.0).sum(axis=1)
        return np.asarray(spots[int(np.argmin(np.round(cost, 6)))])
