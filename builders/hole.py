"""Hole: what a metal leaves in its support, and the hydrogens that close it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii

from atomsieve.builders.cells import to_nearest_image
from atomsieve.builders.vectors import Array
from atomsieve.structures.errors import InputError
from atomsieve.structures.site import ActiveSite

#: Hydrogens that take the place of a metal: it leaves as M2+.
HYDROGENS: Final = 2
#: Å; bonds to hydrogen, other elements by their covalent radii (doi 10.1039/b801115j).
LENGTHS: Final[Mapping[str, float]] = MappingProxyType({"C": 1.08, "N": 1.01, "O": 0.97})
#: Neighbours, the metal apart, with which a donor has no bond to give to a hydrogen.
_SATURATED: Final[Mapping[str, int]] = MappingProxyType({"O": 2, "S": 2, "N": 3, "P": 3, "C": 3, "B": 3})
#: Which donors are taken first. Of holes of nitrogen and carbon GFN1-xTB finds the hydrogens as low on carbon (N2C2:
#: within 0.05 eV), so that the nitrogens, which protons from solution reach, come before.
_RANK: Final[Mapping[str, int]] = MappingProxyType({"O": 0, "S": 0, "N": 1, "P": 2, "C": 3, "B": 3})
#: Å; hydrogens of a hole are not closer to each other, nor to atoms that they are not bonded to.
CLEAR_OF_HYDROGEN, CLEAR_OF_OTHERS = 1.80, 1.60
#: Degrees by which hydrogens leave the plane, each as little as all of them need.
_LIFTS: Final = (0.0, 15.0, 30.0, 45.0, 60.0)
#: cos(150°): a carbon whose two neighbours are as straight as this has no broken bond.
_STRAIGHT: Final = -math.cos(math.radians(30.0))


def pieces(site: ActiveSite) -> list[tuple[int, ...]]:
    """Return the atoms that stay together once the metals of a site are gone, the largest piece first."""
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(atom for atom in range(len(site.atoms)) if atom not in site.metals)
    graph.add_edges_from((i, j) for i, j in site.bonds if i not in site.metals and j not in site.metals)
    found = (tuple(sorted(piece)) for piece in nx.connected_components(graph))
    return sorted(found, key=lambda piece: (-len(piece), piece))


def emptied(site: ActiveSite) -> ActiveSite:
    """Take the metals out of a site, and what they alone hold; the rest stays where it was built.

    Parameters
    ----------
    site : ActiveSite
        As built.

    Returns
    -------
    ActiveSite
        Without metals, ledger and multiplicity; its ``hole`` holds the donors that are left.
    """
    kept = set(pieces(site)[0])
    donors = tuple(tuple(donor for donor in group if donor in kept) for group in site.donors)
    left = replace(site, hole=donors, donors=(), axial=(), ledger={}, multiplicity=None)
    for atom in reversed(range(len(site.atoms))):
        if atom not in kept:
            left = left.without(atom)
    return left


def closed(site: ActiveSite) -> ActiveSite:
    """Take the metals out of a site and put two hydrogens in the place of each.

    They go to donors with a bond to give: anionic oxygen or sulfur, then nitrogen, phosphorus, and at last carbon and
    boron with a broken bond; of these to those that are farthest from each other. They point to where the metal was,
    within the plane of the hole, and leave it to either side by as much as keeps them clear of each other.

    Parameters
    ----------
    site : ActiveSite
        As built, with its metals.

    Raises
    ------
    InputError
        If a metal has not two donors that take a hydrogen.
    """
    pairs = _pairs(site)
    vacant, atoms = emptied(site), site.atoms
    kept = pieces(site)[0]
    ways = []
    for metal, pair in zip(site.metals, pairs, strict=True):
        for donor in pair:
            inward = to_nearest_image(atoms.positions[metal] - atoms.positions[donor], atoms)
            ways.append(inward - (inward @ np.array(site.normal)) * np.array(site.normal))
    carriers = [kept.index(donor) for pair in pairs for donor in pair]
    spots = _lifted(vacant, carriers, np.array(ways))
    count = len(vacant.atoms)
    return replace(
        vacant,
        atoms=vacant.atoms + Atoms(["H"] * len(spots), spots),
        bonds=tuple(sorted({*vacant.bonds, *((carrier, count + k) for k, carrier in enumerate(carriers))})),
    )


def _pairs(site: ActiveSite) -> list[tuple[int, ...]]:
    """Return for each metal the donors that take its hydrogens."""
    found: list[tuple[int, ...]] = []
    for donors in site.donors:
        taken = {donor for pair in found for donor in pair}
        able = [donor for donor in donors if donor not in taken and _is_open(site, donor)]
        if len(able) < HYDROGENS:
            elements = ", ".join(site.atoms.symbols[donor] for donor in donors)
            raise InputError(
                f"{len(able) or 'none'} of the donors ({elements}) can take a hydrogen; {HYDROGENS} are needed for "
                "each metal, which leaves as M2+"
            )
        found.append(min(itertools.combinations(able, HYDROGENS), key=lambda pair: _preference(site, pair)))
    return found


def _preference(site: ActiveSite, pair: Sequence[int]) -> tuple[int, float, Sequence[int]]:
    """Rank a pair of donors: by element, then the farther apart the better."""
    span = to_nearest_image(site.atoms.positions[pair[1]] - site.atoms.positions[pair[0]], site.atoms)
    ranks = sum(_RANK[site.atoms.symbols[donor]] for donor in pair)
    return ranks, -round(float(np.linalg.norm(span)), 2), pair


def _is_open(site: ActiveSite, donor: int) -> bool:
    """Tell whether a donor has a bond to give once its metals are gone."""
    symbol = site.atoms.symbols[donor]
    others = [i + j - donor for i, j in site.bonds if donor in (i, j)]
    others = [other for other in others if other not in site.metals]
    if len(others) >= _SATURATED.get(symbol, 0):
        return False
    if symbol == "C" and len(others) == 2:
        first, second = to_nearest_image(site.atoms.positions[others] - site.atoms.positions[donor], site.atoms)
        return bool(first @ second > _STRAIGHT * np.linalg.norm(first) * np.linalg.norm(second))
    return True


def _lifted(site: ActiveSite, carriers: Sequence[int], ways: Array) -> Array:
    """Return the places of hydrogens on their carriers, lifted out of the plane by as little as keeps them clear."""
    atoms, normal = site.atoms, np.array(site.normal)
    ways = ways / np.linalg.norm(ways, axis=1)[:, None]
    symbols = [str(atoms.symbols[carrier]) for carrier in carriers]
    lengths = np.array([LENGTHS.get(symbol) or _sum_of_radii(symbol) for symbol in symbols])
    best, room = atoms.positions[list(carriers)], -np.inf
    for lift in np.radians(_LIFTS):
        # a hole looks the same from both sides, so that the first hydrogen always goes up
        for signs in itertools.product((1, -1), repeat=len(carriers) - 1):
            rise = np.sin(lift) * np.array([1, *signs])[:, None] * normal
            spots = atoms.positions[list(carriers)] + lengths[:, None] * (np.cos(lift) * ways + rise)
            margin = _margin(atoms, carriers, spots)
            if margin > room + 1e-6:
                best, room = spots, margin
        if room >= 0.0:
            break
    return np.asarray(best)


def _margin(atoms: Atoms, carriers: Sequence[int], spots: Array) -> float:
    """Return by how much the nearest contact of hydrogens is longer than it must be, Å."""
    rest = np.linalg.norm(to_nearest_image(spots[:, None] - atoms.positions[None], atoms), axis=-1)
    rest[range(len(spots)), list(carriers)] = np.inf
    limits = np.where(atoms.numbers == 1, CLEAR_OF_HYDROGEN, CLEAR_OF_OTHERS)
    first, second = np.triu_indices(len(spots), k=1)
    own = np.linalg.norm(to_nearest_image(spots[first] - spots[second], atoms), axis=-1)
    return min(float((rest - limits).min()), float((own - CLEAR_OF_HYDROGEN).min()))


def _sum_of_radii(symbol: str) -> float:
    return float(covalent_radii[atomic_numbers[symbol]] + covalent_radii[1])


def composition(symbols: Iterable[str]) -> dict[str, int]:
    """Return what stands in the place of metals, by element."""
    return {"H": HYDROGENS * len(list(symbols))}
