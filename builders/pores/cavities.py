"""Cavity: the largest empty sphere of a framework, and the window that leads out of it."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import vdw_radii

from atomsieve.builders.vectors import Array, across

# Å: van der Waals radius where none is known (metals), spacing of the grid, and the smallest passage that is followed.
_UNKNOWN, _SPACING, _PASSAGE = 2.0, 0.40, 0.2


def radii(numbers: Any) -> Array:
    """Return van der Waals radii (A. Bondi, doi 10.1021/j100785a001, and those that follow him), Å."""
    return np.asarray(np.nan_to_num(vdw_radii[np.asarray(numbers)], nan=_UNKNOWN))


class Host:
    """A framework as its guests see it: atoms with their van der Waals radii, images included.

    Parameters
    ----------
    atoms : ase.Atoms
        Periodic in all directions.
    """

    def __init__(self, atoms: Atoms) -> None:
        from scipy.spatial import cKDTree

        self.atoms = atoms
        cell = atoms.cell.array
        heights = 1.0 / np.linalg.norm(np.linalg.inv(cell), axis=0)
        # far enough for a point of the cell and what surrounds it by a guest's half length
        ranges = [range(-n, n + 1) for n in np.ceil(14.0 / heights).astype(int)]
        shifts = np.array(list(itertools.product(*ranges))) @ cell
        fractions = atoms.get_scaled_positions(wrap=True) @ cell
        self._trees = []
        for number in np.unique(atoms.numbers):
            everything = (fractions[atoms.numbers == number][None] + shifts[:, None]).reshape(-1, 3)
            self._trees.append((float(radii(number)), cKDTree(everything)))

    def clearance(self, points: Array) -> Array:
        """Return the radius of the largest sphere about each point that holds no part of an atom, Å."""
        return np.asarray(np.min([tree.query(points)[0] - radius for radius, tree in self._trees], axis=0))

    def contact(self, points: Array, own: Array) -> Array:
        """Return for each of some sets of atoms the shortest distance from the host, as a share of the radii.

        Parameters
        ----------
        points : ndarray of float, shape (..., n, 3)
            Å.
        own : ndarray of float, shape (n,)
            Their van der Waals radii, Å.
        """
        shares = [tree.query(points)[0] / (radius + own) for radius, tree in self._trees]
        return np.asarray(np.min(shares, axis=0).min(axis=-1))


@dataclass(frozen=True, eq=False)
class Cavity:
    """The largest cavity of a framework.

    Parameters
    ----------
    centre : ndarray of float, shape (3,)
        Å.
    diameter : float
        Of the largest sphere in it, Å.
    window : float
        Diameter of the largest sphere that gets out of it to a next one, Å; 0 where none does.
    window_centre : ndarray of float, shape (3,) or None
        Where that passage is narrowest, Å.
    window_axis : ndarray of float, shape (3,) or None
        Unit vector along the passage.
    """

    centre: Array
    diameter: float
    window: float
    window_centre: Array | None
    window_axis: Array | None


def cavity(host: Host) -> Cavity:
    """Find the largest cavity of a framework and the window out of it, on a grid that is refined at its maximum."""
    cell = host.atoms.cell.array
    shape = np.maximum(np.ceil(np.linalg.norm(cell, axis=1) / _SPACING).astype(int), 3)
    grid = np.stack(np.meshgrid(*(np.arange(n) / n for n in shape), indexing="ij"), axis=-1).reshape(-1, 3)
    values = host.clearance(grid @ cell)
    top = int(np.argmax(np.round(values, 6)))
    directions = np.array([d for d in itertools.product((-1.0, 0.0, 1.0), repeat=3) if any(d)])
    centre, radius = _climbed(host, grid[top] @ cell, directions)
    way = _widest_way(values, shape, top)
    if way is None:
        return Cavity(centre, 2 * radius, 0.0, None, None)
    point, window, axis = _narrowest(host, way @ cell)
    return Cavity(centre, 2 * radius, 2 * window, point, axis)


def _climbed(host: Host, point: Array, directions: Array) -> tuple[Array, float]:
    """Move a point along some directions to where the clearance is largest nearby."""
    step, value = _SPACING, float(host.clearance(point[None])[0])
    while step > 0.002:
        values = host.clearance(point + step * directions)
        best = int(np.argmax(np.round(values, 6)))
        if values[best] > value + 1e-6:
            point, value = point + step * directions[best], float(values[best])
        else:
            step /= 2
    return point, value


def _narrowest(host: Host, way: Array) -> tuple[Array, float, Array]:
    """Return the narrowest place of a way over the grid, its clearance and its direction, free of the grid.

    Across the way the widest place is looked for, at points a little before and after the narrowest of the grid; the
    narrowest of those is the window.
    """
    values = host.clearance(way)
    tight = int(np.argmin(np.round(values, 6)))
    along = way[min(tight + 2, len(way) - 1)] - way[max(tight - 2, 0)]
    along /= np.linalg.norm(along)
    first, second = across(along)
    circle = [math.cos(t) * first + math.sin(t) * second for t in np.arange(8) * math.pi / 4]
    found = [_climbed(host, way[tight] + s * along, np.array(circle)) for s in np.linspace(-1.5, 1.5, 31) * _SPACING]
    widths = np.round([value for _, value in found], 6)
    point, value = found[int(np.argmin(widths))]
    return point, value, along


def _widest_way(values: Array, shape: Any, start: int) -> Array | None:
    """Return the widest way from a point of the grid to an image of itself, as fractions of the cell.

    The ways of a maximum spanning tree are the widest ones; a bond of the grid that is not in the tree closes a ring
    that leads to another cell where the cells on both sides do not add up.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

    free = values > _PASSAGE
    indices = np.array(np.unravel_index(np.arange(len(values)), shape)).T
    half = [d for d in itertools.product((-1, 0, 1), repeat=3) if d > (0, 0, 0)]
    first, second, cells = [], [], []
    for direction in half:
        moved = indices + direction
        wrapped = moved % shape
        other = np.ravel_multi_index(tuple(wrapped.T), shape)
        rows = np.flatnonzero(free & free[other])
        first.append(rows)
        second.append(other[rows])
        cells.append(((moved - wrapped) // shape)[rows])
    i, j, shift = np.concatenate(first), np.concatenate(second), np.concatenate(cells)
    width = np.minimum(values[i], values[j])
    size = len(values)
    tree = minimum_spanning_tree(coo_matrix((width.max(initial=0.0) + 1.0 - width, (i, j)), shape=(size, size)).tocsr())
    order, before = breadth_first_order(tree, start, directed=False)
    edges = {(int(a), int(b)): s for a, b, s in zip(i, j, shift, strict=True)}
    narrow, place = np.full(size, -np.inf), np.zeros((size, 3), dtype=int)
    narrow[start] = values[start]
    for node in order[1:].tolist():
        parent = int(before[node])
        narrow[node] = min(narrow[parent], values[node])
        place[node] = place[parent] + (edges[parent, node] if (parent, node) in edges else -edges[node, parent])
    ways = np.where(
        (place[i] + shift != place[j]).any(axis=1), np.minimum(np.minimum(narrow[i], narrow[j]), width), -1.0
    )
    if not len(ways) or ways.max() <= _PASSAGE:
        return None
    best = int(np.argmax(np.round(ways, 9)))
    there, back = _back(before, int(i[best]), start), _back(before, int(j[best]), start)
    wound = place[i[best]] + shift[best] - place[j[best]]
    cells_of_way = np.vstack([place[there[::-1]], place[back] + wound])
    return np.asarray((indices[[*there[::-1], *back]]) / shape + cells_of_way)


def _back(before: Any, node: int, start: int) -> list[int]:
    way = [node]
    while way[-1] != start:
        way.append(int(before[way[-1]]))
    return way
