"""Validation: what must hold of a site before anything is calculated on it."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ase import Atoms
from ase.data import chemical_symbols, covalent_radii

from atomsieve.builders.bonding import is_metal
from atomsieve.builders.family import Family
from atomsieve.structures.errors import BuildError
from atomsieve.structures.site import ActiveSite

#: Å; nothing in a site is closer, and no two atoms other than hydrogen are closer than the second.
CLOSEST, CLOSEST_HEAVY = 0.85, 1.10
#: Bond lengths as multiples of the sum of the covalent radii (doi 10.1039/b801115j).
SHORTEST_BOND, LONGEST_BOND = 0.80, 1.15
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
    _check_contacts(site)
    _check_shells(site, family)
    _check_bonds(site)


@lru_cache(maxsize=16)
def _pairs(number: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    first, second = np.triu_indices(number, k=1)
    return first, second


def distances(atoms: Atoms, first: Any, second: Any) -> npt.NDArray[np.float64]:
    """Return distances between pairs, each to the nearest image.

    Exact as long as they are below half the smallest height of the cell, as all bonds and clashes are.

    Parameters
    ----------
    atoms : ase.Atoms
        In a cell or not.
    first, second : array_like of int, shape (p,)
        Indices.

    Returns
    -------
    ndarray of float, shape (p,)
        Å.
    """
    positions = atoms.positions
    vectors = positions[first] - positions[second]
    if atoms.pbc.any():
        cell = atoms.cell.array
        fractions = positions @ np.linalg.inv(cell)
        vectors -= (np.round(fractions[first] - fractions[second]) * atoms.pbc) @ cell
    return np.asarray(np.sqrt(np.einsum("pk,pk->p", vectors, vectors)))


def _name(site: ActiveSite, index: int) -> str:
    return f"{site.atoms.symbols[int(index)]}{int(index)}"


def _formula(counts: Counter[str]) -> str:
    return "".join(f"{symbol}{counts[symbol]}" for symbol in sorted(counts))


def _check_formula(site: ActiveSite, family: Family) -> None:
    counts = np.bincount(site.atoms.numbers)
    found = Counter({chemical_symbols[number]: int(counts[number]) for number in np.flatnonzero(counts)})
    expected = family.formula(site.recipe)
    if found != expected:
        raise BuildError(f"{site.label}: the formula is {_formula(found)}; the recipe gives {_formula(expected)}")
    if sorted(site.metal_symbols) != sorted(site.recipe["metals"]):
        raise BuildError(
            f"{site.label}: the metals are {', '.join(site.metal_symbols)}; "
            f"the recipe gives {', '.join(site.recipe['metals'])}"
        )


def _check_contacts(site: ActiveSite) -> None:
    number = len(site.atoms)
    first, second = _pairs(number)
    length = distances(site.atoms, first, second)
    if not np.isfinite(length).all():
        raise BuildError(f"{site.label}: there are positions that are no numbers")
    radii, elements = covalent_radii[site.atoms.numbers], site.atoms.numbers
    near = np.flatnonzero(length < NOT_BONDED * (radii[first] + radii[second]))
    first, second, length = first[near], second[near], length[near]
    # Metals of a node that is not the site's own count as well: the carbon of a carboxylate is as near to them.
    metal = is_metal(elements)
    bonded = np.zeros((number, number), dtype=bool)
    bonded[tuple(np.array(site.bonds).T)] = True
    # What a metal's neighbours hold is near the metal as well, and metals may be bonded: both are told from a clash by
    # the shell that the builder states.
    aside = bonded[first, second] | (metal[first] & (metal | (elements == 6))[second])
    aside |= metal[second] & (metal | (elements == 6))[first]
    heavy = (elements[first] > 1) & (elements[second] > 1)
    limit = np.where(aside, np.where(heavy, CLOSEST_HEAVY, CLOSEST), NOT_BONDED * (radii[first] + radii[second]))
    limit = np.where(metal[first] & metal[second], CLOSEST_METALS, limit)
    for pair in np.flatnonzero(length < limit)[:1]:
        raise BuildError(
            f"{site.label}: {_name(site, first[pair])} and {_name(site, second[pair])} are {length[pair]:.2f} Å apart; "
            f"at least {limit[pair]:.2f} Å is needed"
        )


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


def _check_bonds(site: ActiveSite) -> None:
    first, second = np.array(site.bonds).T
    metal = is_metal(site.atoms.numbers[first]) | is_metal(site.atoms.numbers[second])
    first, second = first[~metal], second[~metal]
    radii = covalent_radii[site.atoms.numbers]
    limit = radii[first] + radii[second]
    length = distances(site.atoms, first, second)
    plausible = (length >= SHORTEST_BOND * limit) & (length <= LONGEST_BOND * limit)
    for bond in np.flatnonzero(~plausible)[:1]:
        raise BuildError(
            f"{site.label}: the bond {_name(site, first[bond])}-{_name(site, second[bond])} is {length[bond]:.2f} Å "
            f"long; allowed: {SHORTEST_BOND * limit[bond]:.2f} to {LONGEST_BOND * limit[bond]:.2f} Å"
        )
