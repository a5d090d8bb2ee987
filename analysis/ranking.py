"""Ranking: the places of sites by a quantity, and how they move within its error bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from atomsieve.structures.criterion import DECIMALS
from atomsieve.structures.errors import InputError

#: How many rankings are drawn, from which seed, and how many numbers are held at a time.
SAMPLES, SEED, HELD = 1000, 6, 4_000_000
#: Share of the error that all sites have in common: none unless stated, which makes ranks as uncertain as they can be.
COMMON = 0.0

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Place:
    """Where a site stands.

    Parameters
    ----------
    rank : int
        By the value; 1 is the best, equal values share a place.
    best, worst : int
        By the error bars: before it stand those alone whose whole bar is better, behind it those whose whole bar is
        worse.
    probability : float
        To be among the first so many.
    """

    rank: int
    best: int
    worst: int
    probability: float


def ranking(
    values: Sequence[float | None],
    error_bars: Sequence[float],
    *,
    top: int = 10,
    highest: bool = False,
    common: float = COMMON,
    samples: int = SAMPLES,
) -> list[Place | None]:
    """Return the place of each value.

    Errors are normal. What they have in common moves all sites alike and leaves their order (DFT errors are largely
    common: doi 10.1126/science.1253486); a bar is shortened to its own part, √(1 - common). Takes O(n log n), and
    O(n) for each sample.

    Parameters
    ----------
    values : sequence of (float or None)
        One a site, V or eV; all of one reaction and one method. What is None has no place and moves nobody.
    error_bars : sequence of float
        One standard deviation each, in the same unit.
    top : int
        How many places the probability is for.
    highest : bool
        Whether high values come first.
    common : float
        Correlation of the errors of two sites, from 0 (independent) to 1 (all in common).
    samples : int
        How many rankings are drawn for the probability.

    Returns
    -------
    list of (Place or None)
        In the order given.

    Raises
    ------
    InputError
        If the correlation or the number of places is out of bounds.
    """
    if not 0.0 <= common <= 1.0:
        raise InputError(f"common is {common}; a correlation lies from 0 to 1")
    if top < 1:
        raise InputError(f"top is {top}; ask for one place at least")
    known = [position for position, value in enumerate(values) if value is not None]
    # small comes first
    centre = np.array([float(values[position] or 0.0) for position in known]) * (-1.0 if highest else 1.0)
    centre = np.round(centre, DECIMALS)
    bars = np.array([error_bars[position] for position in known], dtype=float)
    own = bars * np.sqrt(1.0 - common)
    low, high = np.round(centre - own, DECIMALS), np.round(centre + own, DECIMALS)
    ranks = 1 + np.searchsorted(np.sort(centre), centre, side="left")
    best = 1 + np.searchsorted(np.sort(high), low, side="left")
    worst = np.searchsorted(np.sort(low), high, side="right")
    shares = _shares(centre, bars, top, common, samples)
    found: list[Place | None] = [None] * len(values)
    for place, position in enumerate(known):
        found[position] = Place(int(ranks[place]), int(best[place]), int(worst[place]), float(shares[place]))
    return found


def _shares(centre: Array, bars: Array, top: int, common: float, samples: int) -> Array:
    """Return how often each value is among the first so many."""
    number = len(centre)
    if number <= top:
        return np.ones(number)
    generator = np.random.default_rng(SEED)
    counts = np.zeros(number)
    done = 0
    while done < samples:
        block = min(samples - done, max(1, HELD // number))
        errors = np.sqrt(1.0 - common) * generator.standard_normal((block, number))
        errors += np.sqrt(common) * generator.standard_normal((block, 1))
        first = np.argpartition(centre + bars * errors, top - 1, axis=1)[:, :top]
        counts += np.bincount(first.ravel(), minlength=number)
        done += block
    return counts / samples
