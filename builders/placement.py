"""Placement: an adsorbate on a metal, told by its face, tilt and azimuth."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii, vdw_radii

from atomsieve.builders import catalog
from atomsieve.builders.faces import Array, OpenDirection, Surroundings, directions_of, frame, open_directions
from atomsieve.builders.family import TRANSITION_METALS
from atomsieve.structures.adsorbate import Adsorbate
from atomsieve.structures.adsorbate import adsorbate as named
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.identity import canonical
from atomsieve.structures.site import ActiveSite

__all__ = ["OpenDirection", "Placement", "open_directions", "place", "poses"]

#: The bond to the metal as built, as a multiple of the sum of the covalent radii: Co-O 1.84, Co-H 1.51 Å.
BOND: Final = 0.96
#: Closest contacts on the site as built, as multiples of the sums of van der Waals and of covalent radii, and by how
#: much less is enough on the site as it is: a displacement of 0.02 Å must not decide whether a pose is tried.
CLASH_VDW, CLASH_COVALENT, LENIENCE = 0.72, 1.0, 0.9
#: Å; two poses are one if no distance on the site as built differs by more (8 degrees aside from over a donor differ by
#: 0.12, over a hollow by 0.35), nor on the site as it is: from the binding atom (the faces differ by 0.3 with the metal
#: 0.2 Å out of the plane) and from the others, which reach farther over the ripples of a sheet.
SAME_AS_BUILT, SAME_BINDING, SAME_BEYOND = 0.16, 0.30, 0.60
# Distances that enter a fingerprint, for each atom of the adsorbate and each element of the site: the shortest ones,
# and beyond so many Å all alike, so that the images of a small cell make no pose of their own.
_SHORTEST, _FAR = 8, 4.5

_VDW = np.nan_to_num(vdw_radii)
_VDW[[atomic_numbers[metal] for metal in TRANSITION_METALS]] = 0.0


@dataclass(frozen=True)
class Placement:
    """A pose: what is chosen, never what comes of it.

    Parameters
    ----------
    adsorbate : str
        Its name.
    metal : int
        Index of the metal that it binds to.
    face : str
        The open direction: ``top``, ``bottom``, ``side1`` ...
    tilt : float
        Degrees by which it leans from the open direction, towards its azimuth. A bent adsorbate (OH, OOH) points that
        way already: negative tilts straighten it, positive ones lay it on the support.
    azimuth : float
        Degrees about the open direction, anticlockwise from the first donor as seen from outside.
    """

    adsorbate: str
    metal: int
    face: str
    tilt: float = 0.0
    azimuth: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, which is the identity of the pose."""
        return {
            "adsorbate": self.adsorbate,
            "metal": self.metal,
            "face": self.face,
            "tilt": self.tilt,
            "azimuth": self.azimuth,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Placement:
        """Make a placement from what :meth:`to_dict` returned."""
        return cls(data["adsorbate"], data["metal"], data["face"], float(data["tilt"]), float(data["azimuth"]))


def place(site: ActiveSite, placement: Placement) -> Atoms:
    """Put an adsorbate on a site.

    Parameters
    ----------
    site : ActiveSite
        As built, or relaxed.
    placement : Placement
        The pose; contacts are not looked at.

    Returns
    -------
    ase.Atoms
        The atoms of the site, unchanged, then those of the adsorbate in their own order.

    Raises
    ------
    InputError
        If the adsorbate is not known, the metal is none of the site's, or the face is not open.
    """
    species = named(placement.adsorbate)
    if placement.metal not in site.metals:
        raise InputError(unknown(placement.metal, site.metals, f"metal of {site.label}"))
    around, faces = _look(site, placement.metal)
    if placement.face not in faces:
        allowed = ", ".join(faces) or "none; no face of it is open"
        raise InputError(
            f"the {placement.face} face of {site.label} is not open to {placement.adsorbate}; allowed: {allowed}"
        )
    angles = np.array([[placement.tilt, placement.azimuth]])
    coordinates = _coordinates(species, around, faces[placement.face], angles)
    return _join(site, placement.metal, species, coordinates[0])


def poses(
    site: ActiveSite,
    adsorbate: str,
    *,
    tilts: tuple[float, ...] = (0.0,),
    azimuths: int = 4,
    most: int | None = None,
) -> tuple[tuple[Placement, Atoms], ...]:
    """Place an adsorbate on a site in every way that is different.

    Poses that clash are left out. Two poses are the same if the shortest distances to the atoms of each element are, on
    the site as its recipe builds it and, more loosely, on the site as it is: small displacements of a relaxation make
    no pose of their own, a metal that moved out of the plane tells the two faces apart. Mirror images are the same.

    Parameters
    ----------
    site : ActiveSite
        As built, or relaxed.
    adsorbate : str
        Its name.
    tilts : tuple of float
        Degrees.
    azimuths : int
        How many, spread evenly over the circle from the first donor on.
    most : int or None
        Keep at most so many, one of every face before the second of any.

    Returns
    -------
    tuple of (Placement, ase.Atoms)
        By metal, face, tilt and azimuth; empty where nothing fits. An atom has one pose for each face.

    Raises
    ------
    InputError
        If the adsorbate is not known, or no tilts, azimuths or poses are asked for.
    """
    species = named(adsorbate)
    if not tilts or azimuths < 1 or (most is not None and most < 1):
        raise InputError(f"tilts {tilts}, {azimuths} azimuths and {most} poses at most leave nothing to place")
    turns = list(itertools.product(tilts, (360.0 * k / azimuths for k in range(azimuths))))
    angles = np.array(turns if len(species.symbols) > 1 else [(0.0, 0.0)], dtype=float)

    found: list[tuple[Placement, Array, Array, Array]] = []
    for metal in site.metals:
        around, vectors = _look(site, metal)
        model, built_vectors = _as_built(site, metal)
        if not vectors.keys() <= built_vectors.keys():
            model, built_vectors = around, vectors
        for face, vector in vectors.items():
            coordinates = _coordinates(species, around, vector, angles)
            distances = _distances(around, coordinates)
            built = _distances(model, _coordinates(species, model, built_vectors[face], angles))
            actual, ideal = _fingerprints(site, around, distances), _fingerprints(site, model, built)
            fits = _fits(species, model, built, 1.0) & _fits(species, around, distances, LENIENCE)
            for pose in np.flatnonzero(fits):
                if not _is_known(found, ideal[pose], actual[pose]):
                    tilt, azimuth = (float(angle) for angle in angles[pose])
                    placement = Placement(adsorbate, metal, face, tilt, azimuth)
                    found.append((placement, coordinates[pose], ideal[pose], actual[pose]))
    kept = found if most is None else _spread(found, most)
    return tuple((placement, _join(site, placement.metal, species, xyz)) for placement, xyz, _, _ in kept)


def _coordinates(species: Adsorbate, around: Surroundings, vector: Array, angles: Array) -> Array:
    """Return positions from the metal, shape (poses, atoms, 3), for tilts and azimuths in degrees, shape (poses, 2)."""
    tilt, azimuth = np.radians(angles).T[:, :, None]
    x, y, z = np.array(species.positions).T[:, None, :]
    across, height = x * np.cos(tilt) + z * np.sin(tilt), z * np.cos(tilt) - x * np.sin(tilt)
    binding = atomic_numbers[species.symbols[0]]
    height = height + BOND * (covalent_radii[around.numbers[0]] + covalent_radii[binding])
    turned = [across * np.cos(azimuth) - y * np.sin(azimuth), across * np.sin(azimuth) + y * np.cos(azimuth), height]
    return np.asarray(np.stack(turned, axis=-1) @ frame(vector, around.donors))


def _distances(around: Surroundings, coordinates: Array) -> Array:
    """Return the distances of the atoms of each pose from all that is around, shape (poses, atoms, n), Å."""
    flat = coordinates.reshape(-1, 3)
    squares = (flat**2).sum(axis=1)[:, None] + (around.vectors**2).sum(axis=1) - 2 * flat @ around.vectors.T
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)).reshape(*coordinates.shape[:2], -1))


def _fits(species: Adsorbate, around: Surroundings, distances: Array, share: float) -> npt.NDArray[np.bool_]:
    """Return which poses have no atom too close to another, shape (poses,); the bond to the metal does not count."""
    own = np.array([atomic_numbers[symbol] for symbol in species.symbols])[:, None]
    covalent = CLASH_COVALENT * (covalent_radii[own] + covalent_radii[around.numbers])
    both = (_VDW[own] > 0) & (_VDW[around.numbers] > 0)
    limits = np.maximum(covalent, np.where(both, CLASH_VDW * (_VDW[own] + _VDW[around.numbers]), 0.0))
    limits[0, 0] = 0.0
    return np.asarray((distances >= share * limits).all(axis=(1, 2)))


def _fingerprints(site: ActiveSite, around: Surroundings, distances: Array) -> Array:
    """Return for each pose the shortest distances from its atoms to the atoms of each element, shape (poses, ...)."""
    elements = np.unique(site.atoms.numbers)
    result = np.full((*distances.shape[:2], len(elements), _SHORTEST), _FAR)
    for column, element in enumerate(elements):
        nearest = np.sort(distances[:, :, around.numbers == element], axis=-1)[:, :, :_SHORTEST]
        result[:, :, column, : nearest.shape[-1]] = np.minimum(nearest, _FAR)
    return result


def _is_known(found: list[tuple[Placement, Array, Array, Array]], ideal: Array, actual: Array) -> bool:
    limits = np.array([SAME_BINDING] + [SAME_BEYOND] * (len(actual) - 1))
    return any(
        np.abs(other_ideal - ideal).max() < SAME_AS_BUILT
        and (np.abs(other_actual - actual).max(axis=(1, 2)) < limits).all()
        for _, _, other_ideal, other_actual in found
    )


def _spread(
    found: list[tuple[Placement, Array, Array, Array]], most: int
) -> list[tuple[Placement, Array, Array, Array]]:
    """Keep the first poses, one of every face before the second of any, in the order in which they came."""
    seen: dict[tuple[int, str], int] = {}
    ranks = []
    for position, (placement, *_) in enumerate(found):
        face = (placement.metal, placement.face)
        ranks.append((seen.get(face, 0), position))
        seen[face] = seen.get(face, 0) + 1
    return [found[position] for position in sorted(position for _, position in sorted(ranks)[:most])]


def _join(site: ActiveSite, metal: int, species: Adsorbate, coordinates: Array) -> Atoms:
    atoms = site.atoms
    return Atoms(
        numbers=[*atoms.numbers, *(atomic_numbers[symbol] for symbol in species.symbols)],
        positions=np.vstack([atoms.positions, atoms.positions[metal] + coordinates]),
        cell=atoms.cell,
        pbc=atoms.pbc,
    )


def _look(site: ActiveSite, metal: int) -> tuple[Surroundings, dict[str, Array]]:
    """Return the surroundings of a metal, and its open directions by face."""
    around = Surroundings.of(site, metal)
    return around, {direction.face: np.array(direction.vector) for direction in directions_of(around, metal)}


def _as_built(site: ActiveSite, metal: int) -> tuple[Surroundings, dict[str, Array]]:
    """Look at a metal as the recipe builds it, or as it is where no family of the catalog does."""
    return _built(canonical(site.recipe), metal) if site.family in catalog.families() else _look(site, metal)


@lru_cache(maxsize=256)
def _built(recipe: str, metal: int) -> tuple[Surroundings, dict[str, Array]]:
    return _look(catalog.build(json.loads(recipe)), metal)
