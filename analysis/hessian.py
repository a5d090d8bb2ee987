"""Hessian: second derivatives of the energy from displaced forces, and the normal modes that they hold."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from atomsieve.structures.units import VIBRATION

Array = npt.NDArray[np.float64]
Shape = Literal["monatomic", "linear", "nonlinear"]

#: A molecule is linear where the smallest of its moments of inertia is less than this share of the largest: 0.012 in
#: HNCO, which is bent; 0.0002 in CO2 with an angle of 177°.
LINEAR: Final = 1e-3


def central_differences(forces: npt.ArrayLike, displacement: float) -> tuple[Array, float]:
    """Return the Hessian from the forces at displaced geometries.

    H_ij = -(F_j(+δ_i) - F_j(-δ_i)) / 2δ, then made symmetric.

    Parameters
    ----------
    forces : array_like of float, shape (n, 3, 2, n, 3)
        Forces on the n displaced atoms, eV/Å, by the atom that is displaced, its axis, and the side (+, -).
    displacement : float
        Å.

    Returns
    -------
    hessian : array of float, shape (3n, 3n)
        eV/Å².
    asymmetry : float
        Largest difference between two entries that should be equal, eV/Å².
    """
    data = np.asarray(forces, dtype=float)
    size = 3 * data.shape[0]
    raw = -(data[:, :, 0] - data[:, :, 1]).reshape(size, size) / (2 * displacement)
    return (raw + raw.T) / 2, float(np.abs(raw - raw.T).max())


def normal_modes(
    hessian: npt.ArrayLike, masses: npt.ArrayLike, free: npt.ArrayLike | None = None
) -> tuple[Array, Array]:
    """Return the energies of the normal modes, and how the atoms move in them.

    Of a free molecule the translations and rotations are projected out (W. H. Miller, N. C. Handy, J. E. Adams 1980,
    doi 10.1063/1.438959): at a geometry that is not quite relaxed rotations have second derivatives of their own, real
    or imaginary, and mix with low vibrations, so that leaving out the lowest modes would leave out the wrong ones.

    Parameters
    ----------
    hessian : array_like of float, shape (3n, 3n)
        Symmetric, eV/Å².
    masses : array_like of float, shape (n,)
        u.
    free : array_like of float, shape (n, 3), optional
        Positions (Å) of a free molecule; None for atoms that others hold.

    Returns
    -------
    energies : array of float, shape (m,)
        hν in eV, ascending, imaginary ones as negative numbers; m is 3n, or 3n - 6 of a free molecule, 3n - 5 of a
        linear one, 0 of an atom.
    modes : array of float, shape (m, n, 3)
        Displacements x in Å with Σ m x² = 1 u Å²; the component that is largest is positive.
    """
    mass = np.asarray(masses, dtype=float)
    root = np.repeat(np.sqrt(mass), 3)
    weighted = np.asarray(hessian, dtype=float) / np.outer(root, root)
    basis = np.eye(root.size)
    if free is not None:
        # the columns of the full QR beyond those of the rigid motions span all else
        rigid = _rigid_motions(np.asarray(free, dtype=float), mass)
        basis = np.linalg.qr(rigid, mode="complete")[0][:, rigid.shape[1] :]
    values, inner = np.linalg.eigh(basis.T @ weighted @ basis)
    modes = (basis @ inner).T / root
    for mode in modes:
        mode *= np.sign(mode[np.argmax(np.abs(mode))]) or 1.0
    return VIBRATION * np.sign(values) * np.sqrt(np.abs(values)), modes.reshape(-1, mass.size, 3)


def shape_of(positions: npt.ArrayLike, masses: npt.ArrayLike) -> Shape:
    """Return whether a molecule is an atom, linear or neither, from its moments of inertia.

    Parameters
    ----------
    positions : array_like of float, shape (n, 3)
        Å.
    masses : array_like of float, shape (n,)
        u.
    """
    if len(np.asarray(masses)) == 1:
        return "monatomic"
    moments, _ = _inertia(np.asarray(positions, dtype=float), np.asarray(masses, dtype=float))
    return "linear" if moments[0] < LINEAR * moments[2] else "nonlinear"


def _inertia(positions: Array, masses: Array) -> tuple[Any, Any]:
    """Return the moments of inertia (u Å², ascending) and the axes, as columns."""
    centred = positions - masses @ positions / masses.sum()
    squares = np.einsum("i,ij,ik->jk", masses, centred, centred)
    return np.linalg.eigh(np.trace(squares) * np.eye(3) - squares)


def _rigid_motions(positions: Array, masses: Array) -> Array:
    """Return the mass-weighted translations and rotations of a molecule as columns."""
    root = np.sqrt(masses)
    motions = [np.outer(root, axis).ravel() for axis in np.eye(3)]
    if len(masses) > 1:
        centred = positions - masses @ positions / masses.sum()
        moments, axes = _inertia(positions, masses)
        for moment, axis in zip(moments, axes.T, strict=True):
            # about its own axis a linear molecule does not turn
            if moment >= LINEAR * moments[2]:
                motions.append((root[:, None] * np.cross(axis, centred)).ravel())
    return np.array([motion / np.linalg.norm(motion) for motion in motions]).T
