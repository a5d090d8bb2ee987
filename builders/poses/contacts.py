"""Contact: the distances of a pose from all that is around it, which tell whether it fits and whether it is new."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from ase.data import atomic_numbers, covalent_radii, vdw_radii

from atomsieve.builders.bonding import METALS
from atomsieve.builders.poses.faces import Surroundings
from atomsieve.builders.poses.stance import permutations
from atomsieve.builders.vectors import Array
from atomsieve.structures.adsorbate import END_ON, Adsorbate, Mode

#: Closest contacts on the site as built, as multiples of the sums of van der Waals and of covalent radii, and by how
#: much less is enough on the site as it is: a displacement of 0.02 Å must not decide whether a pose is tried.
CLASH_VDW, CLASH_COVALENT, LENIENCE = 0.72, 1.0, 0.9
#: The same for van der Waals radii where atoms do not stand straight above one metal: they lean over donors, and those
#: that bridge stand beside donors that the metals share (the corners of such a diamond core are 2.1 to 2.4 Å apart).
CLASH_ASIDE: Final = 0.62
#: What is nearer to a metal than this multiple of the covalent radii binds to it. Of metals beside those that the mode
#: takes all atoms stay clear, of two metals that one atom bridges the others: else it is a pose of another mode. The
#: atom that bridges may be near a third metal: above an edge of a triangle it always is (Fe 2.5 Å), and it slides from
#: there into the hollow where that is better.
UNBOUND: Final = 1.25
#: Å; two poses are one if no distance on the site as built differs by more (8 degrees aside from over a donor differ by
#: 0.12, over a hollow by 0.35), nor on the site as it is: from the binding atoms (the faces differ by 0.3 with the
#: metal 0.2 Å out of the plane) and from the others, which reach farther over the ripples of a sheet.
SAME_AS_BUILT, SAME_BINDING, SAME_BEYOND = 0.16, 0.30, 0.60
# Distances that enter a fingerprint, for each atom of the adsorbate and each element of the site: the shortest ones,
# and beyond so many Å all alike, so that the images of a small cell make no pose of their own.
_SHORTEST, _FAR = 8, 4.5

_VDW = np.nan_to_num(vdw_radii)
_VDW[[atomic_numbers[metal] for metal in METALS]] = 0.0


def distances(around: Surroundings, coordinates: Array) -> Array:
    """Return the distances of the atoms of each pose from all that is around, shape (poses, atoms, n), Å."""
    flat = coordinates.reshape(-1, 3)
    squares = (flat**2).sum(axis=1)[:, None] + (around.vectors**2).sum(axis=1) - 2 * flat @ around.vectors.T
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)).reshape(*coordinates.shape[:2], -1))


def fits(
    species: Adsorbate, mode: Mode, around: Surroundings, found: Array, share: float = 1.0
) -> npt.NDArray[np.bool_]:
    """Return which poses have no atom too close to another, shape (poses,); bonds to the metals do not count.

    Parameters
    ----------
    species : Adsorbate
        The adsorbate.
    mode : Mode
        How it binds.
    around : Surroundings
        Of its metals.
    found : ndarray of float, shape (poses, atoms, n)
        What :func:`distances` returned.
    share : float
        How much of the closest contacts is enough.
    """
    own = np.array([atomic_numbers[symbol] for symbol in species.symbols])[:, None]
    covalent = CLASH_COVALENT * (covalent_radii[own] + covalent_radii[around.numbers])
    covalent[:, around.fellows] *= UNBOUND / CLASH_COVALENT
    factors = np.full(own.shape, CLASH_VDW)
    if mode.name != END_ON:
        factors[list(mode.atoms)] = CLASH_ASIDE
    if mode.name == "bridge":
        covalent[:, :2] *= UNBOUND / CLASH_COVALENT
        covalent[np.ix_(np.array(mode.atoms), np.flatnonzero(around.fellows))] /= UNBOUND / CLASH_COVALENT
    both = (_VDW[own] > 0) & (_VDW[around.numbers] > 0)
    limits = np.maximum(covalent, np.where(both, factors * (_VDW[own] + _VDW[around.numbers]), 0.0))
    bound = max(len(mode.atoms), mode.metals)
    limits[list(mode.atoms) * (bound // len(mode.atoms)), list(range(mode.metals)) * (bound // mode.metals)] = 0.0
    return np.asarray((found >= share * limits).all(axis=(1, 2)))


def fingerprints(elements: npt.NDArray[np.int64], around: Surroundings, found: Array) -> Array:
    """Return for each pose the shortest distances from its atoms to the atoms of each element.

    Parameters
    ----------
    elements : ndarray of int, shape (e,)
        Atomic numbers.
    around : Surroundings
        Of the metals.
    found : ndarray of float, shape (poses, atoms, n)
        What :func:`distances` returned.

    Returns
    -------
    ndarray of float, shape (poses, atoms, e, 8)
        Å.
    """
    result = np.full((*found.shape[:2], len(elements), _SHORTEST), _FAR)
    for column, element in enumerate(elements):
        nearest = np.sort(found[:, :, around.numbers == element], axis=-1)[:, :, :_SHORTEST]
        result[:, :, column, : nearest.shape[-1]] = np.minimum(nearest, _FAR)
    return result


def is_known(species: Adsorbate, mode: Mode, one: tuple[Array, Array], others: Sequence[tuple[Array, Array]]) -> bool:
    """Return whether a pose is one of some others, from fingerprints on the site as built and on the site as it is.

    Equal atoms of the adsorbate may change places.
    """
    if not others:
        return False
    ideal, actual = (np.stack(prints) for prints in zip(*others, strict=True))
    limits = np.full(len(species.symbols), SAME_BEYOND)
    limits[list(mode.atoms)] = SAME_BINDING
    for order in permutations(species):
        places = list(order)
        near = np.abs(ideal[:, places] - one[0]).max(axis=(1, 2, 3)) < SAME_AS_BUILT
        if near.any():
            apart = np.abs(actual[near][:, places] - one[1]).max(axis=(2, 3))
            if (apart < limits).all(axis=1).any():
                return True
    return False
