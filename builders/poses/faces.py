"""OpenDirection: a way along which an adsorbate reaches a metal."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from ase.data import atomic_numbers, covalent_radii

from atomsieve.builders.cells import to_nearest_image
from atomsieve.builders.vectors import Array, sphere
from atomsieve.structures.site import ActiveSite

#: A direction is open from this openness on. Blocked ones score 1.51 or less; planar sites 1.93 with nitrogen around
#: the metal, 1.82 with carbon, and less on the side from which a relaxation moved the metal away by a tenth of an Å.
OPEN: Final = 1.65
#: Straight across a plane of donors so much is enough: between four sulfur atoms a metal scores 1.62 to 1.71.
OPEN_STRAIGHT: Final = 1.58
#: Å; how far around a metal atoms are looked at.
REACH: Final = 7.0
_OXYGEN = float(covalent_radii[atomic_numbers["O"]])
_PROBE = 0.7
# Another metal of the site blocks less, by this factor: what lands between the two binds to both.
_FELLOW = 1.4
# Degrees between open directions of two metals that are one face of both.
_SAME_FACE = 60.0
# Degrees: within the first of the normal a direction is the normal, and no two directions are closer than the second.
_SNAP, _APART = 35.0, 45.0
# Å; donors that are no farther from the plane through their metal lie in it.
_FLAT = 0.6
_SAMPLES, _NEIGHBOURS = 400, 8
_AXES = np.eye(3)


@dataclass(frozen=True)
class OpenDirection:
    """A way along which an adsorbate reaches a metal.

    Parameters
    ----------
    metal : int
        Index of the metal.
    vector : tuple of float
        Unit vector from the metal.
    openness : float
        Smallest distance of another atom from a probe at the length of an M-O bond, as a multiple of that atom's
        covalent radius plus 0.7 Å.
    face : str
        ``top`` along the normal of the site, ``bottom`` against it, otherwise ``side1``, ``side2`` ...
    """

    metal: int
    vector: tuple[float, float, float]
    openness: float
    face: str


@dataclass(frozen=True, eq=False)
class Surroundings:
    """One metal or two and all atoms within reach, periodic images included, seen from the metal or the middle of both.

    Parameters
    ----------
    metals : tuple of int
        Their indices in the site.
    centre : ndarray of float, shape (3,)
        Where it is seen from, Å.
    numbers : ndarray of int, shape (n,)
        Atomic numbers.
    vectors : ndarray of float, shape (n, 3)
        Positions from the centre, Å; the metals themselves come first.
    fellows : ndarray of bool, shape (n,)
        Which of them are other metals of the site.
    normal : ndarray of float, shape (3,)
        Unit vector across the plane of the donors, to the side of the site's own normal.
    guides : ndarray of float, shape (g, 3)
        Where azimuths count from, Å from the centre: the donors of one metal, the second of two metals.
    """

    metals: tuple[int, ...]
    centre: Array
    numbers: npt.NDArray[np.int64]
    vectors: Array
    fellows: npt.NDArray[np.bool_]
    normal: Array
    guides: Array

    @property
    def span(self) -> Array:
        """The vector from the first metal to the last, Å, shape (3,)."""
        return np.asarray(self.vectors[len(self.metals) - 1] - self.vectors[0])

    @classmethod
    def of(cls, site: ActiveSite, *metals: int) -> Surroundings:
        """Look around one metal of a site, or around two."""
        atoms = site.atoms
        first, last = atoms.positions[[metals[0], metals[-1]]]
        centre = first + to_nearest_image(last - first, atoms) / 2
        numbers, vectors = atoms.numbers, to_nearest_image(atoms.positions - centre, atoms)
        shifts = np.zeros((1, 3))
        if atoms.pbc.any():
            cell = atoms.cell.array
            heights = 1.0 / np.linalg.norm(np.linalg.inv(cell), axis=0)
            images = [
                (0, 1, -1) if wrap and height < 2 * REACH else (0,)
                for wrap, height in zip(atoms.pbc, heights, strict=True)
            ]
            shifts = np.array(np.meshgrid(*images, indexing="ij")).reshape(3, -1).T @ cell
        donors = vectors[list(site.donors[site.metals.index(metals[0])])]
        everything = (vectors[None] + shifts[:, None]).reshape(-1, 3)
        squares = np.einsum("nk,nk->n", everything, everything)
        near = np.flatnonzero(squares < REACH**2)
        rank = np.select([near == metal for metal in metals], range(len(metals)), len(metals))
        near = near[np.argsort(rank, kind="stable")]
        fellows = np.isin(near % len(numbers), [metal for metal in site.metals if metal not in metals])
        guides = donors if len(metals) == 1 else vectors[[metals[-1]]]
        normal = _normal(donors, site.normal)
        return cls(metals, centre, numbers[near % len(numbers)], everything[near], fellows, normal, guides)

    def openness(self, directions: Array) -> Array:
        """Return the openness along each of some unit vectors, shape (p, 3)."""
        bond = float(covalent_radii[self.numbers[0]]) + _OXYGEN
        others = self.vectors[1:]
        squares = bond**2 + np.einsum("nk,nk->n", others, others) - 2 * bond * directions @ others.T
        distances = np.sqrt(np.maximum(squares, 0.0))
        sizes = (covalent_radii[self.numbers[1:]] + _PROBE) / np.where(self.fellows[1:], _FELLOW, 1.0)
        return np.asarray((distances / sizes).min(axis=1, initial=np.inf))


def open_directions(site: ActiveSite) -> tuple[OpenDirection, ...]:
    """Return the ways along which an adsorbate reaches the metals of a site.

    A sphere around each metal is sampled; the local maxima of the openness are the directions. One near the normal of
    the donors' plane is the normal.

    Parameters
    ----------
    site : ActiveSite
        As built, or relaxed.

    Returns
    -------
    tuple of OpenDirection
        By metal: top, bottom, then the sides, the most open first.
    """
    return tuple(direction for metal in site.metals for direction in directions_of(Surroundings.of(site, metal)))


def shared_faces(around: Surroundings, first: Mapping[str, Array], second: Mapping[str, Array]) -> dict[str, Array]:
    """Return the directions, square to the line between two metals, along which both are reached at once.

    Parameters
    ----------
    around : Surroundings
        Of the two metals.
    first, second : mapping of str to ndarray of float, shape (3,)
        Their open directions by face.

    Returns
    -------
    dict of str to ndarray of float, shape (3,)
        By the first metal's face.
    """
    axis = around.span / np.linalg.norm(around.span)
    found = {}
    for face, vector in first.items():
        fitting = [other for other in second.values() if vector @ other > math.cos(math.radians(_SAME_FACE))]
        if not fitting:
            continue
        middle = vector + max(fitting, key=lambda other: float(vector @ other))
        middle = middle - (middle @ axis) * axis
        # one metal hides behind the other where their open directions run along the line between them
        if (length := float(np.linalg.norm(middle))) > 1.0:
            found[face] = middle / length
    return found


def directions_of(around: Surroundings) -> Iterator[OpenDirection]:
    """Yield the open directions of one metal, top, bottom and sides in this order."""
    samples, neighbours = _sphere()
    openness = around.openness(samples)
    peaks = np.flatnonzero((openness >= openness[neighbours].max(axis=1)) & (openness >= OPEN))
    peaks = peaks[np.argsort(-openness[peaks], kind="stable")]
    along_normal = around.openness(np.array([around.normal, -around.normal]))

    def is_apart(vector: Array) -> bool:
        return all(vector @ other < math.cos(math.radians(_APART)) for other, _ in found.values())

    straight = {"top": (around.normal, float(along_normal[0])), "bottom": (-around.normal, float(along_normal[1]))}
    # Across a plane of donors the ways along the normal are ways of their own: samples beside them may lean into a
    # void, or miss a narrow one.
    is_plane = len(around.guides) > 2 and bool((np.abs(around.guides @ around.normal) < _FLAT).all())
    found = {face: way for face, way in straight.items() if is_plane and way[1] >= OPEN}
    for peak in peaks:
        vector, value = samples[peak], float(openness[peak])
        if not _snaps(vector, around.normal, straight):
            vector, value = _climbed(around, vector, value)
        face = f"side{1 + sum(name[0] == 's' for name in found)}"
        slope = float(vector @ around.normal)
        if abs(slope) > math.cos(math.radians(_SNAP)):
            face = "top" if slope > 0 else "bottom"
            if straight[face][1] >= OPEN:
                vector, value = straight[face]
        if face not in found and is_apart(vector):
            found[face] = vector, value
    for face, (vector, value) in straight.items():
        if face not in found and is_plane and value >= OPEN_STRAIGHT and is_apart(vector):
            found[face] = vector, value
    for face in sorted(
        found, key=lambda name: (("top", "bottom").index(name) if name[0] != "s" else 2, len(name), name)
    ):
        x, y, z = (float(component) for component in found[face][0])
        yield OpenDirection(around.metals[0], (x, y, z), found[face][1], face)


def _snaps(vector: Array, normal: Array, straight: Mapping[str, tuple[Array, float]]) -> bool:
    slope = float(vector @ normal)
    return abs(slope) > math.cos(math.radians(_SNAP)) and straight["top" if slope > 0 else "bottom"][1] >= OPEN


def _climbed(around: Surroundings, vector: Array, value: float) -> tuple[Array, float]:
    """Climb from a sample to the maximum beside it: equal metals have equal directions, wherever the samples lie."""
    step = math.radians(6.0)
    turns = np.radians(np.arange(0.0, 360.0, 30.0))
    while step > math.radians(0.2):
        axes = frame(vector, _AXES)
        ring = np.cos(turns)[:, None] * axes[0] + np.sin(turns)[:, None] * axes[1]
        tried = math.cos(step) * vector + math.sin(step) * ring
        openness = around.openness(tried)
        best = int(np.argmax(openness))
        if openness[best] > value + 1e-9:
            vector, value = tried[best], float(openness[best])
        else:
            step /= 2
    return vector, value


def frame(vector: Array, guides: Array) -> Array:
    """Return right-handed axes with z along a direction and x towards the first guide.

    Parameters
    ----------
    vector : ndarray of float, shape (3,)
        Unit vector.
    guides : ndarray of float, shape (g, 3)
        Points seen from the origin, Å. Where the first lies along the direction the next is taken, and at last the
        axes of space.

    Returns
    -------
    ndarray of float, shape (3, 3)
        x, y and z as rows.
    """
    for candidate in itertools.chain(guides, _AXES):
        across = candidate - (candidate @ vector) * vector
        length = float(np.linalg.norm(across))
        if length > 0.3 * float(np.linalg.norm(candidate)):
            x = across / length
            break
    (a, b, c), (p, q, r) = vector.tolist(), x.tolist()
    return np.array([x, [b * r - c * q, c * p - a * r, a * q - b * p], vector])


def _normal(donors: Array, expected: tuple[float, float, float]) -> Array:
    """Return the normal of the best plane through the donors, or the expected one where they lie on a line."""
    given = np.array(expected)
    if len(donors) < 3:
        return given
    _, spread, axes = np.linalg.svd(donors - donors.mean(axis=0))
    if spread[1] < 0.3 * spread[0]:
        return given
    normal: Array = axes[2]
    return normal if normal @ given >= 0 else -normal


@cache
def _sphere() -> tuple[Array, npt.NDArray[np.intp]]:
    """Spread points evenly over a sphere, and list the nearest neighbours of each."""
    points = sphere(_SAMPLES)
    neighbours = np.argsort(-(points @ points.T), axis=1, kind="stable")[:, 1 : _NEIGHBOURS + 1]
    return points, neighbours
