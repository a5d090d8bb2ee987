"""Saddle: a geometry with an imaginary mode, and the way down from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from ase import Atoms

from atomsieve.structures.calculation import Request
from atomsieve.structures.errors import InputError
from atomsieve.structures.site import atoms_from_dict
from atomsieve.structures.units import VIBRATION
from atomsieve.structures.vibrations import Vibrations

#: Å by which the atom that moves most is moved along an imaginary mode, to leave a saddle for good.
AMPLITUDE: Final = 0.3

Side = Literal[1, -1]


def followed_request(vibrations: Vibrations, relaxed: Request, amplitude: float = AMPLITUDE, sign: Side = 1) -> Request:
    """Return the request of the relaxation that starts where :func:`along_imaginary` leads.

    It is one more try at the same state, beside the poses: its subject and its first parents are those of the
    relaxation that ended at the saddle. A soft mode pulls less than most relaxations stop at (a turning OH with 70i
    cm⁻¹ by 0.005 eV/Å where its hydrogen is 0.3 Å off), so this one goes on until forces are half as large as the
    mode's own at the start.

    Parameters
    ----------
    vibrations : Vibrations
        With at least one imaginary mode.
    relaxed : Request
        The relaxation that ended there.
    amplitude, sign
        As for :func:`along_imaginary`.

    Raises
    ------
    InputError
        If no mode is imaginary.
    """
    step = _imaginary_step(vibrations, amplitude)
    pull = (vibrations.energies[0] / VIBRATION) ** 2 * np.asarray(vibrations.masses)[:, None] * step
    return replace(
        relaxed,
        subject={**relaxed.subject, "followed": {"amplitude": amplitude, "sign": sign}},
        fmax=min(relaxed.fmax, round(float(np.linalg.norm(pull, axis=1).max()) / 2, 6)),
        parents=(*relaxed.parents, vibrations.key),
    )


def along_imaginary(vibrations: Vibrations, amplitude: float = AMPLITUDE, sign: Side = 1) -> Atoms:
    """Return the geometry displaced along its largest imaginary mode, from where a relaxation finds a minimum.

    Parameters
    ----------
    vibrations : Vibrations
        With at least one imaginary mode.
    amplitude : float
        How far the atom that moves most moves, Å.
    sign : {1, -1}
        To which side; the sign of a mode itself means nothing, but it is always the same for the same result.

    Raises
    ------
    InputError
        If no mode is imaginary.
    """
    step = _imaginary_step(vibrations, amplitude)
    atoms = atoms_from_dict(vibrations.atoms)
    positions = atoms.positions.copy()
    positions[list(vibrations.displaced)] += sign * step
    atoms.set_positions(positions)
    return atoms


def _imaginary_step(vibrations: Vibrations, amplitude: float) -> npt.NDArray[np.float64]:
    """Return how the displaced atoms move (Å) along the largest imaginary mode."""
    if not vibrations.imaginary:
        raise InputError(f"the vibrations {vibrations.key[:8]} have no imaginary mode to follow: it is a minimum")
    mode = np.array(vibrations.modes[0])
    return amplitude * mode / float(np.linalg.norm(mode, axis=1).max())
