"""Vector: directions in space and in the plane."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def unit(vector: Any) -> Array:
    """Return a vector at length 1."""
    return np.asarray(vector / np.linalg.norm(vector), dtype=float)


def away(length: float, atom: Any, *neighbours: Any) -> Array:
    """Return the point at a distance from an atom that is farthest from the directions of its neighbours.

    Where a hydrogen stands on an atom of a ring, in the plane or in space.

    Parameters
    ----------
    length : float
        Å.
    atom : array_like of float, shape (d,)
        Å.
    *neighbours : array_like of float, shape (d,)
        What the atom is bonded to, Å.
    """
    here = np.asarray(atom, dtype=float)
    ways = here - np.asarray(neighbours, dtype=float)
    return here + length * unit((ways / np.linalg.norm(ways, axis=1)[:, None]).sum(axis=0))


def across(axis: Array) -> tuple[Array, Array]:
    """Return two unit vectors that are perpendicular to a unit vector and to each other; the three are right-handed."""
    first = unit(np.cross(axis, np.eye(3)[int(np.argmin(np.abs(axis)))]))
    return first, np.cross(axis, first)


def turned(point: Any, degrees: float) -> Array:
    """Turn a point of the plane anticlockwise about the origin, shape (2,)."""
    angle = math.radians(degrees)
    c, s = math.cos(angle), math.sin(angle)
    x, y = point
    return np.array([c * x - s * y, s * x + c * y])


@cache
def sphere(number: int) -> Array:
    """Spread unit vectors evenly over a sphere (a spiral of the golden angle), shape (number, 3)."""
    z = 1 - (2 * np.arange(number) + 1) / number
    angle = math.pi * (3 - math.sqrt(5)) * np.arange(number)
    radius = np.sqrt(1 - z**2)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle), z])
