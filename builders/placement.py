"""Placement: an adsorbate on its metals, told by its mode, face, tilt, azimuth and torsions."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers

from atomsieve.builders.cells import distances
from atomsieve.builders.poses import contacts, lattice
from atomsieve.builders.poses.faces import OpenDirection, open_directions
from atomsieve.builders.poses.outlook import look, look_as_built
from atomsieve.builders.poses.placement import Placement
from atomsieve.builders.poses.stance import torsion_choices
from atomsieve.builders.vectors import Array
from atomsieve.structures.adsorbate import OF_LATTICE, VACANCY, Adsorbate, Mode
from atomsieve.structures.adsorbate import adsorbate as named
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.site import ActiveSite

__all__ = ["OpenDirection", "Placement", "count_poses", "open_directions", "place", "poses"]

#: Å between two metals that an adsorbate may bind to at once; two fragments that share no bond reach as far as both
#: metals are seen with what is around them.
BRIDGED, SHARED = (2.0, 4.5), (2.0, 9.0)


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
        The atoms of the site, unchanged, then those of the adsorbate in their own order; for a vacancy those of the
        site but one.

    Raises
    ------
    InputError
        If the adsorbate is not known or does not bind in this mode, a metal is none of the site's or they are too far
        apart, or the face is not open.
    """
    species = named(placement.adsorbate)
    mode, metals = species.mode(placement.mode), placement.metals
    for metal in metals:
        if metal not in site.metals:
            raise InputError(unknown(metal, site.metals, f"metal of {site.label}"))
    if len(set(metals)) != mode.metals:
        raise InputError(f"{mode.name} {species.name} takes {mode.metals} of the metals of {site.label}, not {metals}")
    if mode.name in OF_LATTICE:
        for pose in _of_lattice(site, species, mode):
            if (pose.placement.oxide, pose.placement.face) == (placement.oxide, placement.face):
                return _join(placement.host(site), species, pose.positions)
        raise InputError(f"{species.name} has no place at oxygen {placement.oxide} of {site.label}")
    view = look(site, metals)
    if placement.face not in view.faces:
        allowed = ", ".join(view.faces) or "none; no face of it is open"
        raise InputError(
            f"the {placement.face} face of {site.label} is not open to {placement.adsorbate}; allowed: {allowed}"
        )
    angles = np.array([[placement.tilt, placement.azimuth]])
    coordinates = view.coordinates(species, mode, placement.torsions, placement.face, angles)
    if coordinates is None:
        apart = float(np.linalg.norm(view.around.span))
        raise InputError(f"metals {apart:.2f} Å apart, as in {site.label}, are too far for {mode.name} {species.name}")
    return _join(site, species, view.around.centre + coordinates[0])


def poses(
    site: ActiveSite,
    adsorbate: str,
    *,
    tilts: tuple[float, ...] = (0.0,),
    azimuths: int = 4,
    torsions: bool = False,
    most: int | None = None,
) -> tuple[tuple[Placement, Atoms], ...]:
    """Place an adsorbate on a site in every way that is different.

    It is placed in each of its binding modes: on every metal, and on every two that are 2.0 to 4.5 Å apart (9.0 Å for
    two fragments that share no bond) and open to the same side. Poses that clash are left out. Two poses are the same
    if the shortest distances to the atoms of each element are, on the site as its recipe builds it and, more loosely,
    on the site as it is: small displacements of a relaxation make no pose of their own, a metal that moved out of the
    plane tells the two faces apart. Mirror images are the same, and so are poses that differ by which of two equal
    atoms is which.

    Parameters
    ----------
    site : ActiveSite
        As built, or relaxed.
    adsorbate : str
        Its name.
    tilts : tuple of float
        Degrees; used where one atom binds.
    azimuths : int
        How many, spread evenly over the circle from the first donor, or the second metal, on. Two atoms on two metals
        have no choice.
    torsions : bool
        Whether bonds that turn are turned, each to the angles that the adsorbate lists.
    most : int or None
        Keep at most so many, one of every face and mode before the second of any.

    Returns
    -------
    tuple of (Placement, ase.Atoms)
        By metal (single ones before two), face, mode, torsions, tilt and azimuth; empty where nothing fits. A single
        atom has one pose for each face and mode.

    Raises
    ------
    InputError
        If the adsorbate is not known, or no tilts, azimuths or poses are asked for.
    """
    kept = _poses(site, adsorbate, tilts, azimuths, torsions=torsions, most=most)
    species = named(adsorbate)
    return tuple((pose.placement, _join(pose.placement.host(site), species, pose.positions)) for pose in kept)


def count_poses(
    site: ActiveSite,
    adsorbate: str,
    *,
    tilts: tuple[float, ...] = (0.0,),
    azimuths: int = 4,
    torsions: bool = False,
    most: int | None = None,
) -> int:
    """Return how many poses :func:`poses` gives, without making their atoms."""
    return len(_poses(site, adsorbate, tilts, azimuths, torsions=torsions, most=most))


def _poses(
    site: ActiveSite, adsorbate: str, tilts: tuple[float, ...], azimuths: int, *, torsions: bool, most: int | None
) -> list[_Pose]:
    species = named(adsorbate)
    if not tilts or azimuths < 1 or (most is not None and most < 1):
        raise InputError(f"tilts {tilts}, {azimuths} azimuths and {most} poses at most leave nothing to place")
    elements = np.unique(site.atoms.numbers)
    found = [pose for mode in species.modes if mode.name in OF_LATTICE for pose in _of_lattice(site, species, mode)]
    for metals, modes in _hosts(site, species):
        view, built = look(site, metals), look_as_built(site, metals)
        if not view.faces.keys() <= built.faces.keys() or view.is_like(built):
            built = view
        for face, mode in itertools.product(view.faces, modes):
            angles = _angles(species, mode, tilts, azimuths)
            for chosen in torsion_choices(species, mode) if torsions else ((),):
                ideal = actual = built.trials(species, mode, chosen, face, angles, elements)
                if built is not view:
                    actual = view.trials(species, mode, chosen, face, angles, elements, contacts.LENIENCE)
                if ideal is None or actual is None:
                    continue
                for k in np.flatnonzero(ideal.fits & actual.fits):
                    prints = (ideal.prints[k], actual.prints[k])
                    if not contacts.is_known(species, mode, prints, [pose.prints for pose in found]):
                        tilt, azimuth = (float(angle) for angle in angles[k])
                        second = metals[1] if len(metals) == 2 else None
                        placement = Placement(adsorbate, metals[0], face, tilt, azimuth, mode.name, second, chosen)
                        found.append(_Pose(placement, view.around.centre + actual.coordinates[k], prints))
    return found if most is None else _spread(found, most)


@dataclass(frozen=True, eq=False)
class _Pose:
    """A placement, its positions, and its fingerprints on the site as built and on the site as it is."""

    placement: Placement
    positions: Array
    prints: tuple[Array, Array]


def _of_lattice(site: ActiveSite, species: Adsorbate, mode: Mode) -> Iterator[_Pose]:
    """Yield a pose for each oxide ion at the metals of a site, and each side of it, that is like none before."""
    known: list[Array] = []
    for metal in site.metals:
        for oxide in lattice.oxides(site, metal):
            ways = [("top", site.atoms.positions[oxide])] if mode.name == VACANCY else lattice.hydroxyls(site, oxide)
            for face, position in ways:
                around = lattice.surrounding(site, position)
                if all(np.abs(around - other).max() > contacts.SAME_BINDING for other in known):
                    known.append(around)
                    placement = Placement(species.name, metal, face, mode=mode.name, oxide=oxide)
                    yield _Pose(placement, np.array([position] * len(species.symbols)).reshape(-1, 3), (around, around))


def _hosts(site: ActiveSite, species: Adsorbate) -> Iterator[tuple[tuple[int, ...], list[Mode]]]:
    """Yield single metals, then pairs of them in both orders, each with the modes that take them."""
    for metal in site.metals:
        yield (metal,), [mode for mode in species.modes if mode.metals == 1 and mode.name not in OF_LATTICE]
    for first, second in itertools.permutations(site.metals, 2):
        # one atom between two metals is the same from either of them
        wanted = [mode for mode in species.modes if mode.metals == 2 and (len(mode.atoms) == 2 or first < second)]
        low, high = SHARED if len(species.fragments) > 1 else BRIDGED
        if wanted and low <= distances(site.atoms, [first], [second])[0] <= high:
            yield (first, second), wanted


def _angles(species: Adsorbate, mode: Mode, tilts: tuple[float, ...], azimuths: int) -> Array:
    """Return the tilts and azimuths that a mode leaves open, degrees, shape (poses, 2)."""
    if len(species.symbols) == 1 or len(mode.atoms) == mode.metals == 2:
        return np.zeros((1, 2))
    leans = tilts if len(mode.atoms) == 1 else (0.0,)
    return np.array(list(itertools.product(leans, (360.0 * k / azimuths for k in range(azimuths)))))


def _spread(found: list[_Pose], most: int) -> list[_Pose]:
    """Keep the first poses, one of every face and mode before the second of any, in the order in which they came."""
    seen: Counter[tuple[Any, ...]] = Counter()
    ranks = []
    for position, pose in enumerate(found):
        kind = (pose.placement.metals, pose.placement.face, pose.placement.mode)
        ranks.append((seen[kind], position))
        seen[kind] += 1
    return [found[position] for position in sorted(position for _, position in sorted(ranks)[:most])]


def _join(site: ActiveSite, species: Adsorbate, positions: Array) -> Atoms:
    atoms = site.atoms
    return Atoms(
        numbers=[*atoms.numbers, *(atomic_numbers[symbol] for symbol in species.symbols)],
        positions=np.vstack([atoms.positions, positions]),
        cell=atoms.cell,
        pbc=atoms.pbc,
    )
