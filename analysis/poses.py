"""Pose: an adsorbate as it relaxed, and which of several fell together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from ase import Atoms
from ase.geometry import get_distances

from atomsieve.analysis.spin import SAME_ENERGY

#: Å by which a distance may differ between poses that are the same. Relaxed to 0.05 eV/Å, OH on cobalt porphine differs
#: by up to 0.03 Å between equivalent azimuths, by 0.17 Å and more between others.
TOLERANCE: Final = 0.1
#: Å from an atom of the adsorbate to the farthest atoms of the site that tell poses apart.
REACH: Final = 5.0

_Fingerprint = Mapping[tuple[str, ...], "np.ndarray[Any, np.dtype[np.float64]]"]


@dataclass(frozen=True, eq=False)
class RelaxedPose:
    """An adsorbate on a site, as a calculation left it.

    Parameters
    ----------
    key : str
        What it is called, as the key of its request.
    atoms : ase.Atoms
        The site's atoms followed by the adsorbate's, positions in Å.
    energy : float or None
        eV; compared only between poses that both have one.
    multiplicity : int or None
        2S + 1; poses of different spin are never the same.
    """

    key: str
    atoms: Atoms
    energy: float | None = None
    multiplicity: int | None = None


@dataclass(frozen=True, eq=False)
class PoseGroup:
    """Poses that fell together.

    Parameters
    ----------
    kept : RelaxedPose
        The one of lowest energy, which stands for all.
    folded : tuple of RelaxedPose
        The others, lowest first.
    """

    kept: RelaxedPose
    folded: tuple[RelaxedPose, ...] = ()


def distinct_poses(
    poses: Sequence[RelaxedPose],
    site_atoms: int,
    *,
    tolerance: float = TOLERANCE,
    energy_tolerance: float = SAME_ENERGY,
) -> list[PoseGroup]:
    """Group the relaxed poses of one adsorbate on one site by those that are equivalent.

    Two are, if all distances within the adsorbate and from it to the atoms of the site within :data:`REACH`, sorted by
    pairs of elements, agree. Such lists do not change where the site is turned or mirrored, nor where equal atoms
    change places, so that poses on both faces of a flat site are one. Distances are to the nearest periodic image.

    Parameters
    ----------
    poses : sequence of RelaxedPose
        Of the same adsorbate on the same site, by the same method.
    site_atoms : int
        Number of atoms of the site.
    tolerance : float
        Å by which any distance may differ.
    energy_tolerance : float
        eV by which energies may differ.

    Returns
    -------
    list of PoseGroup
        Lowest energy first; poses without one come last, in the order of their keys, and so do groups.
    """
    ordered = sorted(poses, key=lambda pose: (np.inf if pose.energy is None else pose.energy, pose.key))
    groups: list[tuple[RelaxedPose, _Fingerprint, list[RelaxedPose]]] = []
    for pose in ordered:
        own = _fingerprint(pose.atoms, site_atoms)
        for kept, other, folded in groups:
            known = kept.energy is not None and pose.energy is not None
            apart = abs((pose.energy or 0.0) - (kept.energy or 0.0)) if known else 0.0
            is_same_state = apart <= energy_tolerance and kept.multiplicity == pose.multiplicity
            if is_same_state and _deviation(own, other) <= tolerance:
                folded.append(pose)
                break
        else:
            groups.append((pose, own, []))
    return [PoseGroup(kept, tuple(folded)) for kept, _, folded in groups]


def _fingerprint(atoms: Atoms, site_atoms: int) -> _Fingerprint:
    """Return the sorted distances of each kind, Å; as far as twice the reach, so that none is cut off at its edge."""
    # a vacancy has no atoms of its own, and is told by all that are left
    site_atoms = site_atoms if site_atoms < len(atoms) else 0
    adsorbate = atoms.positions[site_atoms:]
    symbols = list(atoms.symbols)
    _, lengths = get_distances(adsorbate, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    found: dict[tuple[str, ...], list[float]] = {}
    for i, row in enumerate(lengths):
        for j, length in enumerate(row):
            one, other = symbols[site_atoms + i], symbols[j]
            if j < site_atoms:
                if length <= 2 * REACH:
                    found.setdefault(("site", one, other), []).append(float(length))
            elif j < site_atoms + i:
                found.setdefault(("within", *sorted((one, other))), []).append(float(length))
    return {kind: np.sort(values) for kind, values in found.items()}


def _deviation(one: _Fingerprint, other: _Fingerprint) -> float:
    """Return the largest difference of two lists of distances, Å, as far as either reaches."""
    largest = 0.0
    for kind in one.keys() | other.keys():
        first, second = one.get(kind, np.empty(0)), other.get(kind, np.empty(0))
        number = max(int((values <= REACH).sum()) for values in (first, second)) if kind[0] == "site" else len(first)
        if number > min(len(first), len(second)):
            return float("inf")
        largest = max(largest, float(np.abs(first[:number] - second[:number]).max(initial=0.0)))
    return largest
