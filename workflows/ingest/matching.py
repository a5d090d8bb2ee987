"""Match: which atoms of a structure are those of the clean site, and which came on top."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.geometry import get_distances

from atomsieve.builders.bonding import is_metal
from atomsieve.structures.errors import InputError

#: Å by which the cells of two calculations of one site may differ.
SAME_CELL = 0.05
#: Å by which the atoms of a support may lie elsewhere, root mean square, beside an adsorbate.
SAME_SUPPORT = 1.0
#: Å beyond which it no longer counts how far an atom went: a metal that left must not spoil the match of the rest.
_CAP = 2.0
#: Å, root mean square, below which no other shift is tried.
_GOOD = 0.3
#: Metals of the structure onto which the first metal of the clean site is laid, at most.
_SHIFTS = 24


@dataclass(frozen=True)
class Match:
    """How a structure lies on a clean site.

    Parameters
    ----------
    host : tuple of int
        Its atoms that are the clean site's, in the clean site's order.
    extra : tuple of int
        All others.
    shift : numpy.ndarray of float, shape (3,)
        Å by which it is moved against the clean site.
    deviation : float
        Root mean square of how far the host's atoms lie from those of the clean site, Å.
    farthest : float
        The largest of these distances, Å.
    """

    host: tuple[int, ...]
    extra: tuple[int, ...]
    shift: np.ndarray
    deviation: float
    farthest: float


def difference(clean: Atoms, other: Atoms) -> Counter[str]:
    """Return the elements that a structure has beyond a clean site, with their number; negative where it lacks some."""
    found = Counter(other.symbols)
    found.subtract(Counter(clean.symbols))
    return Counter({element: number for element, number in found.items() if number})


def match(clean: Atoms, other: Atoms) -> Match:
    """Find the atoms of a clean site in a structure.

    Equal elements are paired so that the squares of all distances add up to the least; the whole may be shifted, and
    lie in another image of the cell.

    Parameters
    ----------
    clean, other : ase.Atoms
        Positions in Å.

    Raises
    ------
    InputError
        If atoms of the clean site are missing, the cells differ, or the support lies elsewhere.
    """
    if lacking := [f"{-number} {element}" for element, number in difference(clean, other).items() if number < 0]:
        raise InputError(f"it lacks {' and '.join(lacking)} of the clean site")
    if list(clean.pbc) != list(other.pbc):
        raise InputError("one is periodic where the other is not")
    if clean.pbc.any() and not np.allclose(clean.cell.array, other.cell.array, atol=SAME_CELL):
        ours, theirs = (", ".join(f"{x:.2f}" for x in atoms.cell.lengths()) for atoms in (clean, other))
        raise InputError(f"its cell ({theirs} Å) is not that of the clean site ({ours} Å)")
    best: Match | None = None
    for shift in _shifts(clean, other):
        found = _paired(clean, other, shift)
        if found.deviation >= _GOOD:
            # what relaxed moves about the common shift
            found = _paired(clean, other, found.shift)
        if best is None or found.deviation < best.deviation:
            best = found
        if best.deviation < _GOOD:
            break
    assert best is not None
    if best.deviation > SAME_SUPPORT:
        raise InputError(f"its support lies {best.deviation:.1f} Å from that of the clean site: it is another site")
    return best


def _shifts(clean: Atoms, other: Atoms) -> Iterator[np.ndarray]:
    yield np.zeros(3)
    yield other.positions.mean(axis=0) - clean.positions.mean(axis=0)
    metals = np.flatnonzero(is_metal(clean.numbers))
    if len(metals):
        first = metals[0]
        alike = np.flatnonzero(other.numbers == clean.numbers[first])[:_SHIFTS]
        yield from other.positions[alike] - clean.positions[first]


def _paired(clean: Atoms, other: Atoms, shift: np.ndarray) -> Match:
    from scipy.optimize import linear_sum_assignment

    host = np.full(len(clean), -1)
    moves = np.zeros((len(clean), 3))
    for number in np.unique(clean.numbers):
        ours, theirs = np.flatnonzero(clean.numbers == number), np.flatnonzero(other.numbers == number)
        vectors, lengths = get_distances(
            clean.positions[ours] + shift, other.positions[theirs], cell=clean.cell, pbc=clean.pbc
        )
        rows, columns = linear_sum_assignment(np.minimum(lengths, _CAP) ** 2 + 1e-3 * lengths)
        host[ours[rows]] = theirs[columns]
        moves[ours[rows]] = vectors[rows, columns]
    shift = shift + np.median(moves, axis=0)
    lengths = np.linalg.norm(moves - np.median(moves, axis=0), axis=1)
    extra = np.setdiff1d(np.arange(len(other)), host)
    return Match(
        host=tuple(int(i) for i in host),
        extra=tuple(int(i) for i in extra),
        shift=shift,
        deviation=float(np.sqrt((np.minimum(lengths, _CAP) ** 2).mean())),
        farthest=float(lengths.max()),
    )
