"""Lattice: the oxide ions of a node that hold a metal, which a site can lose or that can take up hydrogen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from ase.data import atomic_numbers, covalent_radii, vdw_radii

from atomsieve.builders.bonding import is_metal
from atomsieve.builders.cells import to_nearest_image
from atomsieve.builders.vectors import Array
from atomsieve.structures.site import ActiveSite

#: O-H of the hydroxyl radical, Å (CRC Handbook of Chemistry and Physics).
HYDROXYL: Final = 0.970
#: An oxide ion with so many metals around has no lone pair left that hydrogen could take.
CLOSED: Final = 4
# Closest contacts of hydrogen, as multiples of the sums of covalent and of van der Waals radii.
_COVALENT, _VDW = 1.1, 0.6
# Below this length the mean of the directions to the neighbours tells no side: they lie around the oxygen in a plane.
_FLAT = 0.1


def oxides(site: ActiveSite, metal: int) -> tuple[int, ...]:
    """Return the oxygens that hold a metal of a site and that nothing but metals hold: no linker, ligand or hydroxide.

    Parameters
    ----------
    site : ActiveSite
        As built, or relaxed.
    metal : int
        Index of one of its metals.
    """
    heads = {head for group in site.axial for head in group}
    return tuple(
        atom
        for atom in sorted(_neighbours(site, metal) - heads)
        if site.atoms.symbols[atom] == "O"
        and len(around := _neighbours(site, atom)) > 1
        and bool(is_metal(site.atoms.numbers[list(around)]).all())
    )


def hydroxyls(site: ActiveSite, oxide: int) -> Iterator[tuple[str, Array]]:
    """Yield where hydrogen sits on an oxide ion, each with the side: opposite to its metals, or above and below them.

    Parameters
    ----------
    site : ActiveSite
        As built, or relaxed.
    oxide : int
        Index of the oxygen.

    Yields
    ------
    tuple of (str, ndarray of float, shape (3,))
        ``top``, ``bottom`` (along and against the site's normal) or ``side1``, and the position, Å.
    """
    around = sorted(_neighbours(site, oxide))
    if len(around) >= CLOSED:
        return
    vectors = to_nearest_image(site.atoms.positions[around] - site.atoms.positions[oxide], site.atoms)
    vectors = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    mean = vectors.mean(axis=0)
    ways: list[tuple[str, Array]] = []
    if np.linalg.norm(mean) > _FLAT:
        ways.append(("side1", -mean))
    else:
        across = np.linalg.svd(vectors)[2][-1]
        across = across if across @ np.array(site.normal) >= 0 else -across
        ways += [("top", across), ("bottom", -across)]
    for face, way in ways:
        position = site.atoms.positions[oxide] + HYDROXYL * way / np.linalg.norm(way)
        if _is_clear(site, oxide, position):
            yield face, position


def surrounding(site: ActiveSite, position: Array) -> Array:
    """Return sorted distances of a place from the atoms of each element of a site, Å, which tell equal places."""
    found = np.linalg.norm(to_nearest_image(site.atoms.positions - position, site.atoms), axis=1)
    return np.concatenate([np.sort(found[site.atoms.numbers == number]) for number in np.unique(site.atoms.numbers)])


def _neighbours(site: ActiveSite, atom: int) -> set[int]:
    return {i + j - atom for i, j in site.bonds if atom in (i, j)}


def _is_clear(site: ActiveSite, oxide: int, position: Array) -> bool:
    hydrogen, numbers = atomic_numbers["H"], site.atoms.numbers
    limits = _COVALENT * (covalent_radii[hydrogen] + covalent_radii[numbers])
    wide = np.where(is_metal(numbers), 0.0, _VDW * (vdw_radii[hydrogen] + np.nan_to_num(vdw_radii[numbers])))
    found = np.linalg.norm(to_nearest_image(site.atoms.positions - position, site.atoms), axis=1)
    clear = found >= np.maximum(limits, wide)
    clear[oxide] = True
    return bool(clear.all())
