"""Validation: what must hold of a site before anything is calculated on it."""

from __future__ import annotations

import hashlib
from collections import Counter
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from ase.data import chemical_symbols, covalent_radii

from atomsieve.builders.bonding import is_metal
from atomsieve.builders.cells import distances
from atomsieve.builders.family import Family
from atomsieve.structures.errors import BuildError
from atomsieve.structures.site import ActiveSite

#: Å; nothing in a site is closer, and no two atoms other than hydrogen are closer than the second.
CLOSEST, CLOSEST_HEAVY = 0.85, 1.10
#: Bond lengths as multiples of the sum of the covalent radii (doi 10.1039/b801115j). The shortest are triple bonds: the
#: 1.16 Å of cyanide are 0.79, the 1.21 Å of an alkyne 0.80.
SHORTEST_BOND, LONGEST_BOND = 0.77, 1.15
#: Å; two metals of a site are not closer. Multiply bonded ones are: paddlewheels of Mo, W, Cr.
CLOSEST_METALS: Final = 2.0
#: Atoms that are not bonded are farther apart than this multiple of the sum of their covalent radii.
NOT_BONDED: Final = 1.08


def validate(site: ActiveSite, family: Family) -> None:
    """Check formula, charges, spin, contacts, the metal's shell and the bonds of a site.

    Parameters
    ----------
    site : ActiveSite
        As built.
    family : Family
        The one that it is of.

    Raises
    ------
    BuildError
        Says what is wrong, with the number and the bounds.
    """
    _check_formula(site, family)
    _check_charge(site)
    moving = tuple(sorted({*site.metals, *(donor for group in site.donors for donor in group)}))
    host = _host(site, moving)
    seen = host in _SOUND
    _check_contacts(site, moving if seen else None)
    _check_shells(site, family)
    _check_bonds(site, moving if seen else None)
    if len(_SOUND) >= _REMEMBERED:
        _SOUND.clear()
    _SOUND.add(host)


# Hosts whose atoms have been seen to be far enough from each other. Sites that differ in their metal share them, and
# then it is enough to look at the metals and what they push aside.
_SOUND: set[bytes] = set()
_REMEMBERED: Final = 10_000


def _host(site: ActiveSite, moving: tuple[int, ...]) -> bytes:
    """Return a digest of a site without its metals and their donors."""
    atoms = site.atoms
    rest = np.ones(len(atoms), dtype=bool)
    rest[list(moving)] = False
    digest = hashlib.blake2b(atoms.positions[rest].tobytes(), digest_size=16)
    digest.update(atoms.numbers[rest].tobytes() + atoms.cell.array.tobytes() + atoms.pbc.tobytes())
    digest.update(_ends(site.bonds).tobytes() + np.array(moving).tobytes())
    return digest.digest()


@lru_cache(maxsize=64)
def _ends(bonds: tuple[tuple[int, int], ...]) -> npt.NDArray[np.intp]:
    """Return the first and the second atoms of bonds, shape (2, n)."""
    return np.array(bonds, dtype=np.intp).reshape(-1, 2).T


@lru_cache(maxsize=64)
def _pairs(number: int, moving: tuple[int, ...] | None) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return all pairs of atoms, or those in which one of some atoms takes part."""
    first, second = np.triu_indices(number, k=1)
    if moving is not None:
        kept = np.isin(first, moving) | np.isin(second, moving)
        first, second = first[kept], second[kept]
    return first, second


def _name(site: ActiveSite, index: int) -> str:
    return f"{site.atoms.symbols[int(index)]}{int(index)}"


def _is_on_top(site: ActiveSite, metal: int) -> bool:
    """Tell whether a metal is a second atom on another, which holds it in the place of donors."""
    place = site.metals.index(metal)
    held = place < len(site.donors) and bool(site.donors[place])
    return not held and any(metal in bond and sum(bond) - metal in site.metals for bond in site.bonds)


def _formula(counts: Counter[str]) -> str:
    return "".join(f"{symbol}{counts[symbol]}" for symbol in sorted(counts))


def _check_formula(site: ActiveSite, family: Family) -> None:
    counts = np.bincount(site.atoms.numbers)
    found = Counter({chemical_symbols[number]: int(counts[number]) for number in np.flatnonzero(counts)})
    expected = family.formula(site.recipe)
    if found != expected:
        raise BuildError(f"{site.label}: the formula is {_formula(found)}; the recipe gives {_formula(expected)}")
    wanted = () if site.hole else site.recipe["metals"]
    metals = [site.atoms.symbols[metal] for metal in site.metals if not _is_on_top(site, metal)]
    if sorted(metals) != sorted(wanted):
        raise BuildError(f"{site.label}: the metals are {', '.join(metals)}; the recipe gives {', '.join(wanted)}")


def _check_contacts(site: ActiveSite, moving: tuple[int, ...] | None) -> None:
    number = len(site.atoms)
    first, second = _pairs(number, moving)
    length = distances(site.atoms, first, second)
    if not np.isfinite(length).all():
        raise BuildError(f"{site.label}: there are positions that are no numbers")
    radii, elements = covalent_radii[site.atoms.numbers], site.atoms.numbers
    near = np.flatnonzero(length < NOT_BONDED * (radii[first] + radii[second]))
    first, second, length = first[near], second[near], length[near]

    def require(limit: npt.NDArray[np.float64]) -> None:
        for pair in np.flatnonzero(length < limit)[:1]:
            raise BuildError(
                f"{site.label}: {_name(site, first[pair])} and {_name(site, second[pair])} are {length[pair]:.2f} Å "
                f"apart; at least {limit[pair]:.2f} Å is needed"
            )

    # Metals of a node that are not the site's own count as well: the carbon of a carboxylate is as near to them.
    metal = is_metal(elements)
    heavy = (elements[first] > 1) & (elements[second] > 1)
    # what bridges metals holds them closer than their radii would have it (Zr-Zr 3.51, Cu-Cu 2.63)
    require(np.where(metal[first] & metal[second], CLOSEST_METALS, np.where(heavy, CLOSEST_HEAVY, CLOSEST)))
    bonds = set(site.bonds)
    loose = [pair not in bonds for pair in zip(first.tolist(), second.tolist(), strict=True)]
    if not any(loose):
        return
    first, second, length = first[loose], second[loose], length[loose]
    bonded = np.zeros((number, number), dtype=bool)
    bonded[tuple(_ends(site.bonds))] = True
    bonded |= bonded.T
    # What a metal's neighbours hold is near the metal as well, and metals may be bonded: both are told from a clash by
    # the shell that the builder states.
    aside = (bonded[first] & bonded[second]).any(axis=1)
    beside = (elements == 5) | (elements == 6)
    beside |= metal
    aside |= (metal[first] & beside[second]) | (metal[second] & beside[first])
    # donors stay as near to each other as their metal held them
    held = np.isin(np.arange(number), [donor for group in site.hole for donor in group])
    aside |= held[first] & held[second]
    require(np.where(aside, 0.0, NOT_BONDED * (radii[first] + radii[second])))


def _check_charge(site: ActiveSite) -> None:
    if site.ledger and sum(site.ledger.values()) != site.charge:
        parts = ", ".join(f"{part} {charge:+d}" for part, charge in site.ledger.items())
        raise BuildError(f"{site.label}: the charge is {site.charge:+d}, but its parts come to {parts}")
    electrons = int(site.atoms.numbers.sum()) - site.charge
    if site.multiplicity is not None and (electrons + site.multiplicity) % 2 == 0:
        raise BuildError(f"{site.label}: {electrons} electrons cannot have the multiplicity {site.multiplicity}")


def _check_shells(site: ActiveSite, family: Family) -> None:
    if len(site.donors) != len(site.metals):
        raise BuildError(f"{site.label}: {len(site.metals)} metals but donors for {len(site.donors)}")
    for metal, donors in zip(site.metals, site.donors, strict=True):
        if _is_on_top(site, metal):
            continue
        if not donors:
            raise BuildError(f"{site.label}: {_name(site, metal)} has no donors")
        lengths = distances(site.atoms, np.full(len(donors), metal), np.array(donors))
        for donor, length in zip(donors, lengths, strict=True):
            low, high = family.shells[site.atoms.symbols[donor]]
            if not low <= length <= high:
                raise BuildError(
                    f"{site.label}: {_name(site, metal)} and its donor {_name(site, donor)} are {length:.2f} Å apart; "
                    f"allowed: {low:.2f} to {high:.2f} Å"
                )


def _check_bonds(site: ActiveSite, moving: tuple[int, ...] | None) -> None:
    first, second = _ends(site.bonds)
    metal = is_metal(site.atoms.numbers)
    wanted = ~(metal[first] | metal[second])
    if moving is not None:
        moved = np.zeros(len(metal), dtype=bool)
        moved[list(moving)] = True
        wanted &= moved[first] | moved[second]
    first, second = first[wanted], second[wanted]
    radii = covalent_radii[site.atoms.numbers]
    limit = radii[first] + radii[second]
    length = distances(site.atoms, first, second)
    plausible = (length >= SHORTEST_BOND * limit) & (length <= LONGEST_BOND * limit)
    for bond in np.flatnonzero(~plausible)[:1]:
        raise BuildError(
            f"{site.label}: the bond {_name(site, first[bond])}-{_name(site, second[bond])} is {length[bond]:.2f} Å "
            f"long; allowed: {SHORTEST_BOND * limit[bond]:.2f} to {LONGEST_BOND * limit[bond]:.2f} Å"
        )
