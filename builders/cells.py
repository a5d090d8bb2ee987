"""Cell: the box that a sheet or a layer is repeated in, its vacuum, and distances to the nearest image."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ase import Atoms

from atomsieve.builders.family import Parameter, number_between, written
from atomsieve.builders.vectors import Array

#: Height of the cell of a sheet, Å.
VACUUM: Final = 15.0


def vacuum_parameter() -> Parameter:
    """Return the parameter ``vacuum``."""
    return Parameter("vacuum", "height of the cell, Å", VACUUM, "15 to 40", number_between(15.0, 40.0, "Å"))


def vacuum_suffix(values: Mapping[str, Any]) -> str:
    """Return what a label says of the vacuum: ``-c20``; nothing where it is the usual one."""
    return f"-c{written(values['vacuum'])}" if values["vacuum"] != VACUUM else ""


def hexagonal(length: float) -> Array:
    """Return lattice vectors at 120 degrees, as rows, shape (2, 2), Å."""
    return length * np.array([[1.0, 0.0], [-0.5, 0.5 * math.sqrt(3)]])


def folded(fractions: Array) -> Array:
    """Bring fractions into the cell; a small shift keeps atoms on its border on one side."""
    return np.asarray((fractions + 1e-9) % 1.0 - 1e-9)


def to_nearest_image(vectors: Array, atoms: Atoms) -> Array:
    """Return vectors to the nearest images of what they lead to, shape (..., 3), Å.

    Exact as long as they are shorter than half the smallest height of the cell, as all bonds and clashes are.

    Parameters
    ----------
    vectors : ndarray of float, shape (..., 3)
        Å.
    atoms : ase.Atoms
        In a cell or not.
    """
    if not atoms.pbc.any():
        return vectors
    cell = atoms.cell.array
    return np.asarray(vectors - (np.round(vectors @ _inverse(cell.tobytes())) * atoms.pbc) @ cell)


def distances(atoms: Atoms, first: Any, second: Any) -> npt.NDArray[np.float64]:
    """Return distances between pairs, each to the nearest image.

    Parameters
    ----------
    atoms : ase.Atoms
        In a cell or not.
    first, second : array_like of int, shape (p,)
        Indices.

    Returns
    -------
    ndarray of float, shape (p,)
        Å.
    """
    vectors = to_nearest_image(atoms.positions[first] - atoms.positions[second], atoms)
    return np.asarray(np.sqrt(np.einsum("pk,pk->p", vectors, vectors)))


def nearest_four(atoms: Atoms, metal: int, able: npt.NDArray[np.intp]) -> tuple[int, ...]:
    """Return the four donors of a metal among the atoms that are able to hold it: the nearest ones, by index."""
    lengths = distances(atoms, np.full(len(able), metal), able)
    return tuple(sorted(int(donor) for donor in able[np.argsort(lengths, kind="stable")[:4]]))


@lru_cache(maxsize=64)
def _inverse(cell: bytes) -> npt.NDArray[np.float64]:
    return np.asarray(np.linalg.inv(np.frombuffer(cell).reshape(3, 3)))
