"""Graph: who is bonded to whom, told from distances, periodic images told apart."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, chemical_symbols, covalent_radii

from atomsieve.builders.cells import distances
from atomsieve.builders.family import TRANSITION_METALS

Shift = tuple[int, int, int]

#: Elements that are held by donors and never count as such.
METALS: Final[tuple[str, ...]] = tuple(
    sorted(
        {
            *TRANSITION_METALS,
            *(chemical_symbols[number] for number in (*range(57, 72), *range(89, 104))),
            *("Li", "Na", "K", "Rb", "Cs", "Be", "Mg", "Ca", "Sr", "Ba"),
            *("Al", "Ga", "In", "Tl", "Ge", "Sn", "Pb", "Sb", "Bi"),
        },
        key=lambda symbol: atomic_numbers[symbol],
    )
)
_IS_METAL = np.zeros(len(chemical_symbols), dtype=bool)
_IS_METAL[[atomic_numbers[symbol] for symbol in METALS]] = True

# Distances as multiples of the sum of the covalent radii (doi 10.1039/b801115j). Two atoms that are no metals are
# bonded up to the first. A metal holds everything up to the second, and beyond it, up to the last, what is within the
# third of its average bond: the weight in an effective coordination number (R. Hoppe, Z. Kristallogr. 150 (1979) 23) is
# then above 0.2. Of two donors bonded to each other the farther one counts only if it is hardly farther (side-on O2,
# rings), so that the carbon of a carboxylate is none.
_NEAR, _HELD, _AVERAGE, _LIMIT, _SIDE_ON = 1.15, 1.08, 1.173, 1.25, 0.08
# The same for two atoms of an organic host as built, where nothing else is near.
_AS_BUILT = 1.2
#: Å; an atom as far as this from a metal, or farther, is no donor carbon.
_CARBON = 2.60


class Link(NamedTuple):
    """A bond as seen from one of its atoms: the other, in which image of the cell, and how far (Å)."""

    atom: int
    shift: Shift
    length: float


@dataclass(frozen=True, eq=False)
class Graph:
    """Bonds of a structure.

    Parameters
    ----------
    numbers : tuple of int
        Atomic numbers.
    links : tuple of tuple of Link
        For each atom its bonds, by index of the other; each bond is there twice. Metals are not bonded to metals.
    """

    numbers: tuple[int, ...]
    links: tuple[tuple[Link, ...], ...]

    @cached_property
    def bonds(self) -> tuple[tuple[int, int], ...]:
        """All bonds, the first index the smaller; images are not told apart."""
        return tuple(sorted({(i, link.atom) for i, links in enumerate(self.links) for link in links if i < link.atom}))

    def is_metal(self, atom: int) -> bool:
        """Tell whether an atom is a metal."""
        return bool(_IS_METAL[self.numbers[atom]])

    def symbol(self, atom: int) -> str:
        """Return the chemical symbol of an atom."""
        return str(chemical_symbols[self.numbers[atom]])

    def donors(self, metal: int) -> tuple[int, ...]:
        """Return the atoms that hold a metal."""
        return tuple(sorted({link.atom for link in self.links[metal]}))

    def around(self, atom: int) -> Iterator[Link]:
        """Yield the bonds of an atom to atoms that are no metals."""
        return (link for link in self.links[atom] if not self.is_metal(link.atom))


def is_metal(numbers: np.ndarray) -> np.ndarray:
    """Return for each atomic number whether it is that of a metal."""
    return np.asarray(_IS_METAL[numbers])


def graph(atoms: Atoms) -> Graph:
    """Find the bonds of a structure from its distances.

    Parameters
    ----------
    atoms : ase.Atoms
        Complete and ordered; in a cell or not.

    Returns
    -------
    Graph
        Distances decide alone: no valence is assumed.
    """
    from ase.neighborlist import neighbor_list

    numbers, radii = atoms.numbers, covalent_radii[atoms.numbers]
    first, second, shifts, lengths = neighbor_list("ijSd", atoms, _LIMIT * radii)
    order = np.lexsort((*shifts.T[::-1], second, first))
    first, second, shifts, lengths = first[order], second[order], shifts[order], lengths[order]
    ratio = lengths / (radii[first] + radii[second])
    metal = _IS_METAL[numbers]
    hydrogen = numbers == 1

    bonded = (ratio <= _NEAR) & ~metal[first] & ~metal[second] & ~(hydrogen[first] & hydrogen[second])
    _keep_nearest_of_hydrogens(bonded, first, second, lengths, hydrogen)
    covalent: dict[int, set[int]] = {}
    for i, j in zip(first[bonded].tolist(), second[bonded].tolist(), strict=True):
        covalent.setdefault(i, set()).add(j)

    starts = np.searchsorted(first, np.arange(len(numbers) + 1))
    held: set[tuple[int, int, Shift]] = set()
    for centre in np.flatnonzero(metal).tolist():
        rows = np.arange(starts[centre], starts[centre + 1])
        rows = rows[~metal[second[rows]]]
        rows = rows[[not (hydrogen[j] and covalent.get(j)) for j in second[rows].tolist()]] if len(rows) else rows
        for row in _held(rows, ratio, lengths, numbers[second], second, covalent):
            shift = _shift(shifts[row])
            held.add((centre, int(second[row]), shift))
            held.add((int(second[row]), centre, (-shift[0], -shift[1], -shift[2])))

    links: list[list[Link]] = [[] for _ in numbers]
    for row, (i, j) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        shift = _shift(shifts[row])
        if bonded[row] or (i, j, shift) in held:
            links[i].append(Link(j, shift, float(lengths[row])))
    return Graph(tuple(numbers.tolist()), tuple(tuple(entry) for entry in links))


def bonds_of(atoms: Atoms) -> tuple[tuple[int, int], ...]:
    """Return the bonds of an organic host as built, told from distances.

    Parameters
    ----------
    atoms : ase.Atoms
        Without metals; the cell, if any, at least 5 Å wide.
    """
    first, second = np.triu_indices(len(atoms), k=1)
    radii = covalent_radii[atoms.numbers]
    near = distances(atoms, first, second) < _AS_BUILT * (radii[first] + radii[second])
    return tuple(zip(first[near].tolist(), second[near].tolist(), strict=True))


def _shift(row: np.ndarray) -> Shift:
    a, b, c = (int(value) for value in row)
    return a, b, c


def _keep_nearest_of_hydrogens(
    bonded: np.ndarray, first: np.ndarray, second: np.ndarray, lengths: np.ndarray, hydrogen: np.ndarray
) -> None:
    """Leave each hydrogen with its shortest bond only, in place."""
    rows = np.flatnonzero(bonded & (hydrogen[first] | hydrogen[second]))
    nearest: dict[int, float] = {}
    for row in rows.tolist():
        for atom in (int(first[row]), int(second[row])):
            if hydrogen[atom]:
                nearest[atom] = min(nearest.get(atom, math.inf), float(lengths[row]))
    for row in rows.tolist():
        for atom in (int(first[row]), int(second[row])):
            if hydrogen[atom] and lengths[row] > nearest[atom] + 1e-6:
                bonded[row] = False


def _held(
    rows: np.ndarray,
    ratio: np.ndarray,
    lengths: np.ndarray,
    elements: np.ndarray,
    second: np.ndarray,
    covalent: dict[int, set[int]],
) -> list[int]:
    """Return which of the neighbours of a metal are its donors."""
    if not len(rows):
        return []
    values = ratio[rows]
    average = float(values.min())
    for _ in range(20):
        weights = np.exp(1.0 - (values / average) ** 6)
        average = float((weights * values).sum() / weights.sum())
    limit = max(_HELD, min(_AVERAGE * average, _LIMIT))
    found = [int(row) for row in rows[values <= limit] if elements[row] != 6 or lengths[row] < _CARBON]
    closest = {int(second[row]): float(ratio[row]) for row in sorted(found, key=lambda row: -ratio[row])}
    return [
        row
        for row in found
        if all(
            ratio[row] <= closest[other] + _SIDE_ON
            for other in covalent.get(int(second[row]), ())
            if other in closest and elements[row] != 1
        )
    ]
