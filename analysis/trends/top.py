"""Top: the best that an activity reaches, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from atomsieve.analysis.pathways import DECIMALS
from atomsieve.analysis.trends.activity import Activity
from atomsieve.structures.errors import InputError
from atomsieve.structures.reaction import Path

#: Over which descriptor energies the top is looked for unless said otherwise, eV.
RANGE = (-3.0, 6.0)
#: Points a descriptor that are looked at beside what linear programmes give, and how often the best is closed in on.
POINTS, ROUNDS = 121, 12
#: V within which two tops are equally high.
EQUAL = 1e-6

#: A position, and from where to where it is as good.
Found = tuple[tuple[float, ...], tuple[tuple[float, float], ...]]


@dataclass(frozen=True)
class Top:
    """The best point of an activity.

    Parameters
    ----------
    position : tuple of float
        Descriptor energies, eV; the middle where many are as good.
    extent : tuple of (float, float)
        By descriptor from where to where the same path is as good, eV.
    limiting_potential : float
        V against RHE.
    overpotential : float
        V: what scaling leaves of it.
    steps : tuple of str
        What limits there, as :func:`~atomsieve.analysis.pathways.search` has it.
    path : str
        The cheapest path.
    is_on_edge : bool
        Whether it lies where the range ends, and a wider one may hold a better.
    """

    position: tuple[float, ...]
    extent: tuple[tuple[float, float], ...]
    limiting_potential: float
    overpotential: float
    steps: tuple[str, ...]
    path: str
    is_on_edge: bool


def top(activity: Activity, ranges: Sequence[tuple[float, float]] | None = None) -> Top:
    """Find the top of a volcano.

    Along one path U_L is the least of straight lines, and its best is found exactly by a linear programme. Where
    another path is cheaper at that point (chemical steps enter what a path costs, but not its U_L, which therefore
    jumps where one path gives way to another) the best of a grid is closed in on.

    Parameters
    ----------
    activity : Activity
        Of one or two descriptors.
    ranges : sequence of (float, float), optional
        From where to where each descriptor is looked at, eV; -3 to 6 unless given.

    Returns
    -------
    Top
        Where it is, and how high.

    Raises
    ------
    InputError
        If there is not one range a descriptor, or one is empty.
    """
    box = list(ranges) if ranges is not None else [RANGE] * len(activity.descriptors)
    if len(box) != len(activity.descriptors) or any(low >= high for low, high in box):
        names = ", ".join(descriptor.name for descriptor in activity.descriptors)
        raise InputError(f"ranges are {box}; give (low, high) of each of {names}, low first")
    paths = activity.at(*(low for low, _ in box)).paths
    found = [_of_path(activity, path, box) for path in paths]
    found.append(_of_grid(activity, box))
    heights = np.array([activity.at(*position).overpotential.item() for position, _ in found])
    # of equal ones the first path's
    position, extent = found[int(np.flatnonzero(heights <= heights.min() + EQUAL)[0])]
    best = activity.search(*position).best
    if best.limiting_potential is None or best.overpotential is None:
        raise InputError(f"{activity.reaction.name}: no path is determined; add scaling relations")
    return Top(
        position,
        extent,
        float(best.limiting_potential) + 0.0,
        float(best.overpotential) + 0.0,
        best.potential_determining_steps,
        best.path.name,
        any(min(value - low, high - value) < EQUAL for value, (low, high) in zip(position, box, strict=True)),
    )


def _of_path(activity: Activity, path: Path, box: Sequence[tuple[float, float]]) -> Found:
    """Return where the hardest proton-electron step of a path is easiest, by linear programmes."""
    from scipy.optimize import linprog

    count = len(box)
    steps = [step for step in path.steps if step.kind == "proton-electron"]
    # the free energy of each step for each electron, where all descriptors are 0 and where one is 1
    corners = [activity.free(*corner) for corner in [np.zeros(count), *np.eye(count)]]
    values = np.array([[activity.around.change(s, free) / abs(s.electrons) for free in corners] for s in steps])
    slopes, constants = values[:, 1:] - values[:, :1], values[:, 0]
    # the hardness is a variable as well: no step lies above it
    rows = np.column_stack([slopes, -np.ones(len(steps))])
    least = linprog([0.0] * count + [1.0], A_ub=rows, b_ub=-constants, bounds=[*box, (None, None)])
    height = float(least.x[-1]) + EQUAL / 10
    ends = []
    for direction in [sign * axis for axis in np.eye(count) for sign in (1.0, -1.0)]:
        one = linprog(direction, A_ub=slopes, b_ub=height - constants, bounds=box)
        ends.append(one.x if one.success else least.x[:-1])
    corners_found = np.unique(np.round(ends, DECIMALS) + 0.0, axis=0)
    extent = tuple((float(own.min()), float(own.max())) for own in corners_found.T)
    # the mean of corners of a convex area lies within it
    return tuple(round(float(value), DECIMALS) for value in corners_found.mean(axis=0)), extent


def _of_grid(activity: Activity, box: Sequence[tuple[float, float]]) -> Found:
    """Return the best point of a grid, with ever finer grids around it."""
    near = list(box)
    position: tuple[float, ...] = ()
    for _ in range(ROUNDS):
        axes = [np.linspace(low, high, POINTS) for low, high in near]
        mesh = np.meshgrid(*axes, indexing="ij")
        best = int(np.nanargmin(activity.at(*mesh).overpotential))
        # not rounded: U_L jumps where another path becomes cheaper
        position = tuple(float(own.ravel()[best]) for own in mesh)
        near = [
            (max(low, value - 3 * (axis[1] - axis[0])), min(high, value + 3 * (axis[1] - axis[0])))
            for value, axis, (low, high) in zip(position, axes, box, strict=True)
        ]
    return position, tuple((value, value) for value in position)
