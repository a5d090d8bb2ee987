"""Pose: a molecule in a cavity, turned so that it is farthest from touching."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from atomsieve.builders.pores.cavities import Host, radii
from atomsieve.builders.vectors import Array, across

#: A guest does not touch where every distance is at least this multiple of the sum of the van der Waals radii.
CONTACT: Final = 0.75
#: Orientations that are tried.
ORIENTATIONS: Final = 600


def rotations(number: int = ORIENTATIONS) -> Array:
    """Spread rotations evenly: super-Fibonacci spirals (M. Alexa, doi 10.1109/CVPR52688.2022.00811).

    Returns
    -------
    ndarray of float, shape (number, 3, 3)
        Matrices.
    """
    s = np.arange(number) + 0.5
    inner, outer = np.sqrt(s / number), np.sqrt(1 - s / number)
    a, b = 2 * math.pi * s / math.sqrt(2), 2 * math.pi * s / 1.533751168755204288118041
    return _matrices(np.stack([inner * np.sin(a), inner * np.cos(a), outer * np.sin(b), outer * np.cos(b)], axis=1))


def _matrices(quaternions: Array) -> Array:
    x, y, z, w = quaternions.T
    return np.stack(
        [
            np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)], axis=1),
            np.stack([2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)], axis=1),
            np.stack([2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)], axis=1),
        ],
        axis=1,
    )


@dataclass(frozen=True, eq=False)
class Pose:
    """A molecule in a cavity.

    Parameters
    ----------
    rotation : ndarray of float, shape (3, 3)
        To be applied to columns.
    centre : ndarray of float, shape (3,)
        Where the middle of the molecule is, Å.
    contact : float
        Shortest distance from the framework or from an image of itself, as a share of the van der Waals radii.
    fitting : int
        How many of the orientations that were tried about the centre do not touch.
    """

    rotation: Array
    centre: Array
    contact: float
    fitting: int


def fitted(host: Host, positions: Array, numbers: Any, centre: Array, passage: Array | None = None) -> Pose:
    """Find the orientation of a molecule about a point in which it is farthest from touching.

    Evenly spread orientations are tried; the best of them is moved and turned in ever smaller steps while that helps.
    Nothing is random.

    Parameters
    ----------
    host : Host
        The framework.
    positions : ndarray of float, shape (n, 3)
        Å, about the middle of the molecule.
    numbers : array_like of int, shape (n,)
        Atomic numbers.
    centre : ndarray of float, shape (3,)
        Å.
    passage : ndarray of float, shape (3,) or None
        Direction along which the molecule is not moved, so that it does not slip out of a window.
    """
    own = radii(numbers)
    turns = rotations()
    placed = np.einsum("rij,nj->rni", turns, positions) + centre
    contacts = np.minimum(host.contact(placed, own), _images(host, placed, own))
    best = int(np.argmax(np.round(contacts, 6)))
    rotation, value, fitting = turns[best], float(contacts[best]), int((contacts >= CONTACT).sum())
    moves, step = _moves(passage), 0.4
    while step > 0.02:
        tried = [(_small(axis, step / 4) @ rotation, centre + step * shift) for shift, axis in moves]
        placed = np.array([positions @ turn.T + there for turn, there in tried])
        contacts = np.minimum(host.contact(placed, own), _images(host, placed, own))
        best = int(np.argmax(np.round(contacts, 6)))
        if contacts[best] > value + 1e-4:
            (rotation, centre), value = tried[best], float(contacts[best])
        else:
            step /= 2
    return Pose(rotation, centre, value, fitting)


def _images(host: Host, placed: Array, own: Array) -> Array:
    """Return the shortest distance of each pose from its own images, as a share of the radii."""
    cell = host.atoms.cell.array
    spread = float(np.linalg.norm(placed[0] - placed[0].mean(axis=0), axis=1).max())
    shifts = [np.array(n) @ cell for n in itertools.product((-1, 0, 1), repeat=3) if n > (0, 0, 0)]
    shifts = [shift for shift in shifts if np.linalg.norm(shift) < 2 * spread + 3.0]
    found = np.full(len(placed), np.inf)
    sums = own[:, None] + own
    for row, points in enumerate(placed):
        for shift in shifts:
            gaps = np.linalg.norm(points[:, None] - points - shift, axis=-1)
            found[row] = min(found[row], float((gaps / sums).min()))
    return found


def _moves(passage: Array | None) -> list[tuple[Array, Array]]:
    """Return small changes of a pose: shifts, and axes to turn about."""
    zero = np.zeros(3)
    shifts = list(np.eye(3)) if passage is None else list(across(passage))
    return [(sign * unit, zero) for unit in shifts for sign in (1.0, -1.0)] + [
        (zero, sign * unit) for unit in np.eye(3) for sign in (1.0, -1.0)
    ]


def _small(axis: Array, angle: float) -> Array:
    """Return a rotation about an axis (zero: none) by an angle in radians."""
    half = angle / 2
    return np.asarray(_matrices(np.array([[*(math.sin(half) * axis), math.cos(half) if axis.any() else 1.0]]))[0])
