"""Periodicity: which directions of a cell are vacuum, and the box and the k-points that follow from it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from atomsieve.structures.metal import at_experimental_volume

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

#: Å between a molecule and its nearest image, at least.
VACUUM: Final = 15.0
#: Å in which a box grows, so that molecules of nearly one size share a box.
STEP: Final = 0.5
#: Å without an atom from which on a direction counts as vacuum: layers lie closer than this, and upright adsorbates on
#: both faces of a sheet leave more.
LEAST_VACUUM: Final = 8.0


def boxed(atoms: Atoms, vacuum: float = VACUUM, step: float = STEP) -> Atoms:
    """Return a copy in a full cell: each direction that has no lattice vector gets one, and the atoms its middle.

    Parameters
    ----------
    atoms : ase.Atoms
        Periodic or not.
    vacuum : float
        Å between the atoms and their nearest image, at least.
    step : float
        Å of which the new lengths are whole multiples.
    """
    copy = atoms.copy()
    missing = [axis for axis, length in enumerate(copy.cell.lengths()) if length == 0.0]
    if missing:
        copy.center(vacuum=vacuum / 2, axis=missing)
        lengths = np.linalg.norm(copy.cell.array, axis=1)
        rounded = np.ceil(lengths / step - 1e-6) * step
        for axis in missing:
            copy.cell[axis] *= rounded[axis] / lengths[axis]
        copy.center(axis=missing)
    return copy


def vacuum_axes(atoms: Atoms) -> tuple[int, ...]:
    """Return the lattice vectors along which the atoms have vacuum: 2 for a sheet, all three for a molecule.

    Parameters
    ----------
    atoms : ase.Atoms
        In a full cell, as :func:`boxed` returns them.
    """
    return tuple(
        axis for axis in range(3) if not atoms.pbc[axis] or _gap(atoms, axis)[1] * _height(atoms, axis) >= LEAST_VACUUM
    )


def middle(atoms: Atoms, axis: int) -> float:
    """Return where along a lattice vector with vacuum the centre of mass lies, as a fraction of it in [0, 1).

    Atoms that stick out of one end of the cell and come in at the other count as one piece.
    """
    end, width = _gap(atoms, axis)
    begin = end + width
    unfolded = (_fractions(atoms, axis) - begin) % 1.0
    return float((begin + np.average(unfolded, weights=atoms.get_masses())) % 1.0)


def kpoint_mesh(atoms: Atoms, spacing: float) -> tuple[int, int, int]:
    """Return the numbers of k-points of a mesh that is centred on Γ; 1 along vacuum.

    Parameters
    ----------
    atoms : ase.Atoms
        In a full cell; of the bulk of a metal that at its experimental volume counts.
    spacing : float
        Largest distance of neighbouring points, 1/Å, the factor 2π included, as VASP's KSPACING has it; 0 for Γ alone.
    """
    atoms = at_experimental_volume(atoms)
    vacuum = vacuum_axes(atoms)
    lengths = 2 * np.pi * np.linalg.norm(atoms.cell.reciprocal().array, axis=1)
    a, b, c = (
        # a mesh that just fits must not depend on the last digit of the cell
        1 if spacing == 0.0 or axis in vacuum else max(1, math.ceil(length / spacing - 1e-6))
        for axis, length in enumerate(lengths)
    )
    return a, b, c


def _fractions(atoms: Atoms, axis: int) -> NDArray[np.float64]:
    return np.asarray(atoms.get_scaled_positions(wrap=False)[:, axis] % 1.0)


def _gap(atoms: Atoms, axis: int) -> tuple[float, float]:
    """Return where the longest stretch without atoms begins, and how long it is, as fractions of a lattice vector."""
    places = np.sort(_fractions(atoms, axis))
    widths = np.diff(places, append=places[0] + 1.0)
    widest = int(np.argmax(widths))
    return float(places[widest]), float(widths[widest])


def _height(atoms: Atoms, axis: int) -> float:
    """Return the distance of the two faces that a lattice vector joins, Å."""
    return float(1.0 / np.linalg.norm(atoms.cell.reciprocal().array[axis]))
