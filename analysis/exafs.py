"""EXAFS path table: the ways on which a photoelectron comes back to a metal atom, as a fit of its EXAFS takes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ase import Atoms

from atomsieve.structures.errors import InputError
from atomsieve.structures.site import ActiveSite, SiteKind

#: Along which of the cell's vectors a site of each kind repeats itself; the others only hold vacuum.
PERIODIC: Final[Mapping[SiteKind, tuple[bool, bool, bool]]] = {
    "sheet": (True, True, False),
    "layer": (True, True, False),
    "ribbon": (True, False, False),
    "cluster": (False, False, False),
    "bulk": (True, True, True),
}
#: Å to which paths are listed: beyond it a fit of a disordered site finds nothing.
RADIUS: Final = 5.0
#: Å that radii may have.
LOWEST, HIGHEST = 1.0, 12.0
#: Å within which distances are one line: π / 2Δk, what a fit over 12 Å⁻¹ (k from 2 to 14 Å⁻¹) tells apart.
WIDTH: Final = 0.13
#: Degrees at the near atom from which it focuses the electron on to the far one; 180 in a straight line.
FOCUS: Final = 150.0
#: Å up to which an atom is one that the metal is bound to, or next to one: farther atoms focus too little to be seen.
NEAR: Final = 3.2

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ScatteringPath:
    """Paths that a measurement does not tell apart: one line of the table.

    Parameters
    ----------
    absorber : str
        Element whose edge is measured.
    scatterers : tuple of str
        Elements on the way, in order: one for single scattering, two for a triangle, three where the near atom is
        passed on the way out and on the way back.
    distance : float
        Half the length of the way, Å, the mean of what is merged; of single scattering the distance of the scatterer.
    spread : float
        Standard deviation of that, Å: static disorder of the model, without vibrations.
    count : int
        Number of such paths, each way round a triangle counted, as FEFF does.
    angle : float or None
        Mean angle at the near atom between absorber and far atom, degrees; None for single scattering.
    """

    absorber: str
    scatterers: tuple[str, ...]
    distance: float
    spread: float
    count: int
    angle: float | None = None

    @property
    def name(self) -> str:
        """As people write it: ``Fe-N`` and ``Fe-N-C``."""
        return "-".join((self.absorber, *self.scatterers))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {"path": self.name, **vars(self), "scatterers": list(self.scatterers)}


def without_vacuum(site: ActiveSite) -> Atoms:
    """Return the atoms of a site, periodic along the directions alone in which its kind is: no cell across a vacuum."""
    atoms = site.atoms.copy()
    atoms.pbc = PERIODIC[site.kind]
    return atoms


def sphere(atoms: Atoms, absorber: int, radius: float, beyond: float = 0.0) -> tuple[list[str], Array]:
    """Return what is within a radius of an atom, nearest first.

    Images count along periodic directions alone; see :func:`without_vacuum`.

    Parameters
    ----------
    atoms : ase.Atoms
        A site.
    absorber : int
        Index of the atom.
    radius : float
        Å that half a path may have.
    beyond : float
        Å by which what is returned may be farther away.

    Returns
    -------
    symbols : list of str
        Chemical symbols.
    vectors : array of float, shape (n, 3)
        From the atom to each, Å.

    Raises
    ------
    InputError
        If there is no such atom, or the radius is out of range.
    """
    from ase.neighborlist import primitive_neighbor_list

    if not 0 <= absorber < len(atoms):
        raise InputError(f"atom {absorber} cannot absorb; there are {len(atoms)}, counted from 0")
    if not LOWEST <= radius <= HIGHEST:
        raise InputError(f"radius {radius:g} Å is out of range; allowed {LOWEST:g} to {HIGHEST:g}, {RADIUS:g} is usual")
    cell = atoms.cell.complete().array
    first, second, vectors = primitive_neighbor_list("ijD", atoms.pbc, cell, atoms.positions, radius + beyond)
    own = np.flatnonzero(first == absorber)
    vectors = np.asarray(vectors)[own]
    # equal distances come in one order, whatever the last digit
    order = np.lexsort((*np.round(vectors, 4).T, np.round(np.linalg.norm(vectors, axis=1), 4)))
    return [atoms.symbols[second[own[place]]] for place in order], vectors[order]


def single_scattering(
    atoms: Atoms, absorber: int, radius: float = RADIUS, width: float = WIDTH
) -> tuple[ScatteringPath, ...]:
    """Return the single-scattering paths of an atom, the shortest first: its shells.

    Parameters
    ----------
    atoms : ase.Atoms
        A site.
    absorber : int
        Index of the atom.
    radius : float
        Å.
    width : float
        Å; atoms of one element within it are one shell.

    Raises
    ------
    InputError
        If there is no such atom, or the radius is out of range.
    """
    symbols, vectors = sphere(atoms, absorber, radius)
    found = [((symbol,), float(length), None) for symbol, length in zip(symbols, _lengths(vectors), strict=True)]
    return _merged(atoms.symbols[absorber], found, width)


def multiple_scattering(
    atoms: Atoms, absorber: int, radius: float = RADIUS, width: float = WIDTH, focus: float = FOCUS
) -> tuple[ScatteringPath, ...]:
    """Return the focused multiple-scattering paths of an atom, the shortest first.

    An atom on the way to one behind it focuses the electron there, so that the paths over it (absorber - near - far -
    absorber, either way round, and absorber - near - far - near - absorber) may be as strong as the direct one; all
    other multiple scattering is left to FEFF (J. J. Rehr, R. C. Albers 2000, doi 10.1103/RevModPhys.72.621).

    Parameters
    ----------
    atoms : ase.Atoms
        A site.
    absorber : int
        Index of the atom.
    radius : float
        Å that half the way may have.
    width : float
        Å; paths over the same elements whose half lengths are within it are one line.
    focus : float
        Degrees at the near atom from which paths are listed.

    Raises
    ------
    InputError
        If there is no such atom, or the radius is out of range.
    """
    symbols, vectors = sphere(atoms, absorber, radius)
    lengths = _lengths(vectors)
    found: list[tuple[tuple[str, ...], float, float | None]] = []
    for near, far in permutations(range(len(symbols)), 2):
        if lengths[near] > NEAR or lengths[far] <= lengths[near]:
            continue
        leg = vectors[far] - vectors[near]
        length = float(np.linalg.norm(leg))
        cosine = -float(vectors[near] @ leg) / (lengths[near] * length)
        angle = float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
        if angle < focus:
            continue
        triangle = float(lengths[near] + length + lengths[far]) / 2
        back = float(lengths[near] + length)
        found += [((symbols[near], symbols[far]), triangle, angle)] * (2 * (triangle <= radius))
        found += [((symbols[near], symbols[far], symbols[near]), back, angle)] * (back <= radius)
    return _merged(atoms.symbols[absorber], found, width)


def nearest_image(atoms: Atoms) -> float | None:
    """Return the distance from an atom to its own nearest image, Å; None for what is not periodic.

    From there on a table sees the repetition of the model, which a site that stands alone does not have.
    """
    from ase.geometry import minkowski_reduce

    if not atoms.pbc.any():
        return None
    reduced, _ = minkowski_reduce(atoms.cell.complete().array, atoms.pbc)
    return float(min(np.linalg.norm(vector) for vector, periodic in zip(reduced, atoms.pbc, strict=True) if periodic))


def _lengths(vectors: Array) -> Array:
    return np.asarray(np.linalg.norm(vectors, axis=1))


def _merged(
    absorber: str, paths: Iterable[tuple[tuple[str, ...], float, float | None]], width: float
) -> tuple[ScatteringPath, ...]:
    """Return lines of paths over the same elements, no two in a line farther apart than the width."""
    from scipy.cluster.hierarchy import fcluster, linkage

    by_elements: dict[tuple[str, ...], list[tuple[float, float | None]]] = {}
    for elements, half, angle in paths:
        by_elements.setdefault(elements, []).append((round(half, 4), angle))
    lines = []
    for elements, entries in by_elements.items():
        halves = np.array([half for half, _ in entries])
        groups = np.ones(1, dtype=int)
        if len(halves) > 1:
            groups = fcluster(linkage(halves[:, None], "complete"), width + 1e-6, "distance")
        for group in np.unique(groups):
            own = [entry for entry, member in zip(entries, groups, strict=True) if member == group]
            lengths = np.array([entry[0] for entry in own])
            angles = [entry[1] for entry in own if entry[1] is not None]
            angle = float(np.mean(angles)) if angles else None
            lines.append(
                ScatteringPath(absorber, elements, float(lengths.mean()), float(lengths.std()), len(own), angle)
            )
    return tuple(sorted(lines, key=lambda line: (line.distance, line.scatterers)))
