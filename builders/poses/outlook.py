"""Outlook: a metal or two with what is around them, and how an adsorbate fits in there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from atomsieve.builders import catalog
from atomsieve.builders.poses import contacts
from atomsieve.builders.poses.faces import Surroundings, directions_of, frame, shared_faces
from atomsieve.builders.poses.stance import stance
from atomsieve.builders.vectors import Array
from atomsieve.structures.adsorbate import Adsorbate, Mode
from atomsieve.structures.identity import canonical
from atomsieve.structures.site import ActiveSite


class Trials(NamedTuple):
    """Poses of one mode and face: positions from the centre, which of them fit, and their fingerprints."""

    coordinates: Array
    fits: npt.NDArray[np.bool_]
    prints: Array


@dataclass(frozen=True, eq=False)
class Outlook:
    """One metal or two.

    Parameters
    ----------
    around : Surroundings
        What is around them.
    faces : mapping of str to ndarray of float, shape (3,)
        The directions that are open, by face.
    """

    around: Surroundings
    faces: Mapping[str, Array]

    def is_like(self, other: Outlook) -> bool:
        """Return whether the atoms around are where they are around another, as on a site that was not relaxed."""
        mine, theirs = self.around.vectors, other.around.vectors
        return mine.shape == theirs.shape and bool((mine == theirs).all())

    def coordinates(
        self, species: Adsorbate, mode: Mode, torsions: tuple[float, ...], face: str, angles: Array
    ) -> Array | None:
        """Return positions from the centre, shape (poses, atoms, 3), for tilts and azimuths in degrees (poses, 2).

        None where two metals are too far apart for the mode.
        """
        around = self.around
        numbers = tuple(int(number) for number in around.numbers[: len(around.metals)])
        standing = stance(species, mode, torsions, numbers, float(np.linalg.norm(around.span)))
        if standing is None:
            return None
        tilt, azimuth = np.radians(angles).T[:, :, None]
        x, y, z = standing.shape.T[:, None, :]
        along, _, height = standing.foot
        across, up = x * np.cos(tilt) + z * np.sin(tilt), z * np.cos(tilt) - x * np.sin(tilt) + height
        turned = [
            across * np.cos(azimuth) - y * np.sin(azimuth) + along,
            across * np.sin(azimuth) + y * np.cos(azimuth),
            up,
        ]
        return np.asarray(np.stack(turned, axis=-1) @ frame(self.faces[face], around.guides))

    def trials(
        self,
        species: Adsorbate,
        mode: Mode,
        torsions: tuple[float, ...],
        face: str,
        angles: Array,
        elements: npt.NDArray[np.int64],
        share: float = 1.0,
    ) -> Trials | None:
        """Place, and look at contacts, of which a share is enough; None as for the coordinates."""
        coordinates = self.coordinates(species, mode, torsions, face, angles)
        if coordinates is None:
            return None
        lengths = contacts.distances(self.around, coordinates)
        fits = contacts.fits(species, mode, self.around, lengths, share)
        return Trials(coordinates, fits, contacts.fingerprints(elements, self.around, lengths))


@lru_cache(maxsize=64)
def look(site: ActiveSite, metals: tuple[int, ...]) -> Outlook:
    """Look around one metal of a site, or around two at once; all adsorbates share what is seen."""
    around = Surroundings.of(site, *metals)
    if len(metals) == 1:
        return Outlook(around, {direction.face: np.array(direction.vector) for direction in directions_of(around)})
    first, second = (look(site, (metal,)).faces for metal in metals)
    return Outlook(around, shared_faces(around, first, second))


def look_as_built(site: ActiveSite, metals: tuple[int, ...]) -> Outlook:
    """Look at metals as the recipe builds them, or as they are where no family of the catalog does."""
    return _built(canonical(site.recipe), metals) if site.family in catalog.families() else look(site, metals)


@lru_cache(maxsize=256)
def _built(recipe: str, metals: tuple[int, ...]) -> Outlook:
    return look(_built_site(recipe), metals)


@lru_cache(maxsize=64)
def _built_site(recipe: str) -> ActiveSite:
    return catalog.build(json.loads(recipe))
