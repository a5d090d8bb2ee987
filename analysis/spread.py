"""Spread: what different methods say of the same sites, each by itself; energies of two methods never meet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from atomsieve.structures.limiting import LimitingPotential

#: With fewer sites in common a rank correlation says nothing.
FEWEST = 3


@dataclass(frozen=True)
class Spread:
    """The limiting potentials of one reaction at one site by several methods.

    Parameters
    ----------
    site, reaction : str
        Key of the site, name of the reaction.
    values : mapping of str to float
        U_L by method, V against RHE.
    """

    site: str
    reaction: str
    values: Mapping[str, float]

    @property
    def lowest(self) -> float:
        """The least, V against RHE."""
        return min(self.values.values())

    @property
    def highest(self) -> float:
        """The greatest, V against RHE."""
        return max(self.values.values())

    @property
    def median(self) -> float:
        """The one in the middle, V against RHE."""
        return median(self.values.values())

    @property
    def width(self) -> float:
        """Greatest minus least, V."""
        return self.highest - self.lowest


@dataclass(frozen=True)
class Agreement:
    """How far two methods order the same sites alike.

    Parameters
    ----------
    reaction : str
        Its name.
    methods : pair of str
        As they were called.
    sites : int
        How many have a limiting potential by both.
    spearman, kendall : float or None
        Rank correlations, from -1 to 1; None with fewer than three sites, or where all are equal by one method.
    """

    reaction: str
    methods: tuple[str, str]
    sites: int
    spearman: float | None
    kendall: float | None


def spreads(potentials: Mapping[str, Iterable[LimitingPotential]]) -> list[Spread]:
    """Return the spread of each site and reaction of which two methods or more say something.

    Parameters
    ----------
    potentials : mapping of str to iterable of LimitingPotential
        By what the method is called; all of one set of conditions. What is undetermined is left out.
    """
    found: dict[tuple[str, str], dict[str, float]] = {}
    for method, entries in potentials.items():
        for entry in entries:
            if entry.limiting_potential is not None:
                found.setdefault((entry.site.key, entry.reaction), {})[method] = entry.limiting_potential
    return [Spread(site, name, values) for (site, name), values in found.items() if len(values) > 1]


def agreements(found: Iterable[Spread]) -> list[Agreement]:
    """Return for each reaction and each two methods how far they order sites alike.

    Parameters
    ----------
    found : iterable of Spread
        As :func:`spreads` gives them.
    """
    pairs: dict[tuple[str, tuple[str, str]], list[tuple[float, float]]] = {}
    for spread in found:
        for one, other in combinations(spread.values, 2):
            numbers = (spread.values[one], spread.values[other])
            pairs.setdefault((spread.reaction, (one, other)), []).append(numbers)
    return [Agreement(name, methods, len(both), *_correlations(both)) for (name, methods), both in pairs.items()]


def _correlations(both: list[tuple[float, float]]) -> tuple[float | None, float | None]:
    ours, theirs = zip(*both, strict=True)
    if len(both) < FEWEST or len(set(ours)) == 1 or len(set(theirs)) == 1:
        return None, None
    from scipy.stats import kendalltau, spearmanr

    return float(spearmanr(ours, theirs).statistic), float(kendalltau(ours, theirs).statistic)
