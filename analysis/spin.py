"""Spin state: which of the stated ones a calculation ended in, and how many different ones were found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from atomsieve.structures.spin import SpinStart

#: Share of a metal's spin that its ligands may carry: high-spin iron(III) keeps about 4 of 5 unpaired electrons.
COVALENCY: Final = 0.3
#: μB by which a moment may in any case be off: half of what two states of a metal differ by. Oxoiron(IV) needs it:
#: oxygen has half of its two unpaired electrons.
LEAST: Final = 1.0
#: μB by which a total moment may differ from a whole number, for smeared or free moments.
TOTAL: Final = 0.5
#: eV below which two energies are the same state, μB below which two moments are.
SAME_ENERGY: Final = 0.005
SAME_MOMENT: Final = 0.3


@dataclass(frozen=True)
class SpinOutcome:
    """What a converged calculation of one geometry ended in.

    Parameters
    ----------
    energy : float
        eV.
    multiplicity : int or None
        2S + 1 where the calculation was held to it.
    moments : tuple of float or None
        Final moments of the site's metals, μB.
    """

    energy: float
    multiplicity: int | None = None
    moments: tuple[float, ...] | None = None


def matched(moments: Sequence[float] | None, total: float | None, starts: Sequence[SpinStart]) -> str | None:
    """Return the name of the stated state that a calculation ended in, None if in none of them.

    The total must agree within :data:`TOTAL`, and every metal within :data:`COVALENCY` of its stated moment or
    :data:`LEAST`, whichever is more; of several states that agree the nearest is taken, and of those as near the first.
    All spins turned round are the same state.

    Parameters
    ----------
    moments : sequence of float or None
        Final moments of the site's metals, μB, in the order of its ``metals``; None where the method gives none, and
        the least polarised state of the total is taken.
    total : float or None
        Total moment, μB: 2S where the multiplicity was held; None where it is not known.
    starts : sequence of SpinStart
        The stated states.

    Examples
    --------
    >>> states = [SpinStart("high", 5, (4.0,)), SpinStart("intermediate", 3, (2.0,))]
    >>> matched([3.4], 4.0, states), matched([1.9], 2.0, states), matched([0.1], 0.0, states)
    ('high', 'intermediate', None)
    """
    found: list[tuple[float, int, str]] = []
    for place, start in enumerate(starts):
        if total is not None and abs(abs(total) - (start.multiplicity - 1)) > TOTAL:
            continue
        if moments is None or start.moments is None:
            if total is not None:
                found.append((sum(map(abs, start.moments or ())), place, start.name))
            continue
        off = min(_off(moments, start.moments, sign) for sign in (1, -1))
        if off <= 1.0:
            found.append((off, place, start.name))
    return min(found)[2] if found else None


def distinct_states(outcomes: Sequence[SpinOutcome]) -> list[list[int]]:
    """Group converged calculations of one geometry by the state that they ended in.

    Two are the same state if their energies agree within :data:`SAME_ENERGY` and the sizes of their metals' moments
    within :data:`SAME_MOMENT`; where moments are not known, if they were held to the same multiplicity. Sizes only,
    because a state and its mirror image are one, and because some methods give nothing else.

    Parameters
    ----------
    outcomes : sequence of SpinOutcome
        Of one site, or of one pose: energies of different poses tell poses apart, not spins.

    Returns
    -------
    list of list of int
        Places in the sequence, the group of lowest energy first, and the lowest first in each.
    """
    groups: list[list[int]] = []
    for place in sorted(range(len(outcomes)), key=lambda place: (outcomes[place].energy, place)):
        same = next((group for group in groups if _is_same(outcomes[group[0]], outcomes[place])), None)
        if same is None:
            groups.append([place])
        else:
            same.append(place)
    return groups


def _off(moments: Sequence[float], stated: Sequence[float], sign: int) -> float:
    """Return the largest deviation of a moment in units of what is allowed."""
    pairs = zip(moments, stated, strict=True)
    return max((abs(sign * one - other) / max(COVALENCY * abs(other), LEAST) for one, other in pairs), default=0.0)


def _is_same(one: SpinOutcome, other: SpinOutcome) -> bool:
    if abs(one.energy - other.energy) > SAME_ENERGY:
        return False
    if one.moments is None or other.moments is None:
        return one.multiplicity == other.multiplicity
    pairs = zip(one.moments, other.moments, strict=True)
    return all(abs(abs(first) - abs(second)) <= SAME_MOMENT for first, second in pairs)
