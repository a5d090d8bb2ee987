"""DBand: centre, width and filling of the d states of one metal, from its projected density of states.

The d-band model has the centre decide how strongly a transition metal binds (doi 10.1016/S0360-0564(02)45013-4). All
three are moments: of a density on a grid of energies, or of the levels themselves, each with the share of d in it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from atomsieve.structures.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

#: eV above the Fermi level up to which states count. All occupied ones do, and the whole of a d-band that is hardly
#: filled; higher states hold a little of d as well, and how many of them there are goes by the basis, or by the number
#: of bands that somebody asked for.
HIGHEST = 7.0


@dataclass(frozen=True)
class DBand:
    """The d states of one metal.

    Parameters
    ----------
    centre : float
        First moment of the density of d states, of both spins together, eV against the Fermi level.
    width : float
        Root of its second central moment, eV.
    filling : float
        Share of the d states that is occupied.
    centre_up, centre_down : float or None
        First moment of each spin, eV against the same Fermi level; None where the spins were not told apart, or where
        one has no d states.
    """

    centre: float
    width: float
    filling: float
    centre_up: float | None = None
    centre_down: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data without what is None."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def d_band(energies: ArrayLike, densities: ArrayLike, fermi: float, highest: float = HIGHEST) -> DBand:
    """Return the moments of a density of d states.

    With the density ρ, energies against the Fermi level and all integrals up to ``highest``: centre = ∫ E ρ dE / ∫ ρ
    dE, width = √(∫ (E - centre)² ρ dE / ∫ ρ dE), filling = ∫ ρ dE up to the Fermi level / ∫ ρ dE.

    Parameters
    ----------
    energies : array_like of float, shape (n,)
        eV, rising.
    densities : array_like of float, shape (n,) or (2, n)
        States per eV, of both spins together or of each; negative ones, as some smearings make them, count as none.
    fermi : float
        Fermi level, eV.
    highest : float
        Upper limit, eV above the Fermi level; ``inf`` for all that is given. There is no lower one.

    Returns
    -------
    DBand
        The moments.

    Raises
    ------
    InputError
        If there are no d states below the limit.
    """
    grid = np.asarray(energies, dtype=float) - fermi
    rows = np.clip(np.atleast_2d(np.asarray(densities, dtype=float)), 0.0, None)
    inside = grid <= highest
    grid, rows = grid[inside], rows[:, inside]
    steps = np.diff(grid)
    # the trapezoids between the points, and half of each at the points themselves
    between = (rows[:, 1:] + rows[:, :-1]) / 2 * steps
    weights = rows * (np.append(steps, 0.0) + np.append(0.0, steps)) / 2 if len(grid) else rows
    running = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(between, axis=1)], axis=1)
    filled = sum(float(np.interp(0.0, grid, own)) for own in running) if len(grid) else 0.0
    return _moments(np.broadcast_to(grid, weights.shape), weights, filled, highest)


def d_band_of_levels(
    energies: ArrayLike,
    shares: ArrayLike,
    occupations: ArrayLike,
    fermi: float,
    highest: float = HIGHEST,
) -> DBand:
    """Return the moments of d from levels, which no broadening blurs.

    Parameters
    ----------
    energies : array_like of float, shape (spins, n)
        Levels, eV, of all k-points.
    shares : array_like of float, shape (spins, n)
        How much of d is in each, times the weight of its k-point.
    occupations : array_like of float, shape (spins, n)
        From 0 to 1.
    fermi : float
        Fermi level, eV.
    highest : float
        Upper limit, eV above the Fermi level; an occupied level counts wherever it lies.

    Returns
    -------
    DBand
        As from :func:`d_band`, but for the filling, which goes by the occupations.

    Raises
    ------
    InputError
        If no level below the limit has any d in it.
    """
    levels = np.asarray(energies, dtype=float) - fermi
    occupied = np.asarray(occupations, dtype=float)
    weights = np.clip(np.asarray(shares, dtype=float), 0.0, None)
    weights = np.where((levels <= highest) | (occupied > 0.5), weights, 0.0)
    return _moments(levels, weights, float((weights * occupied).sum()), highest)


def _moments(levels: NDArray[np.float64], weights: NDArray[np.float64], filled: float, highest: float) -> DBand:
    total = float(weights.sum())
    if total <= 0.0:
        raise InputError(f"no d states lie below {highest:g} eV against the Fermi level; is it a metal with d states?")
    centre = float((weights * levels).sum() / total)
    width = float(np.sqrt((weights * (levels - centre) ** 2).sum() / total))
    spins = [
        float((own * at).sum() / own.sum()) if own.sum() > 0.0 else None
        for at, own in zip(levels, weights, strict=True)
    ]
    up, down = spins if len(spins) == 2 else (None, None)
    return DBand(centre, width, filled / total, up, down)
