"""Validation: what must hold of a site before anything is calculated on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ase import Atoms
from ase.data import chemical_symbols, covalent_radii

from atomsieve.structures.errors import BuildError
from atomsieve.structures.site import ActiveSite

#: Å; nothing in a site is closer, and no two atoms other than hydrogen are closer than the second.
CLOSEST, CLOSEST_HEAVY = 0.85, 1.10
#: Bond lengths as multiples of the sum of the covalent radii (doi 10.1039/b801115j).
SHORTEST_BOND, LONGEST_BOND = 0.80, 1.15
#: Å; the metal and its donors, by family.
SHELLS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {"graphene": (1.70, 2.20), "porphine": (1.88, 2.15)}
)


def _graphene(recipe: Mapping[str, Any]) -> Counter[str]:
    n, m = (int(part) for part in recipe["supercell"].split("x"))
    donors = recipe["coordination"].split("-")[0]
    nitrogen = int(donors[1])
    carbon_donors = int(donors[3]) if len(donors) > 2 else 0
    missing = 2 if nitrogen + carbon_donors == 4 else 1
    return Counter({"C": 2 * n * m - missing - nitrogen, "N": nitrogen}) + Counter(recipe["metals"])


def _porphine(recipe: Mapping[str, Any]) -> Counter[str]:
    return Counter({"C": 20, "H": 12, "N": 4}) + Counter(recipe["metals"])


#: What a recipe must come to, by family; told from the recipe alone and not by the builder.
FORMULAS: Final[Mapping[str, Callable[[Mapping[str, Any]], Counter[str]]]] = MappingProxyType(
    {"graphene": _graphene, "porphine": _porphine}
)


def validate(site: ActiveSite) -> None:
    """Check formula, contacts, the metal's shell and the bonds of a site.

    Parameters
    ----------
    site : ActiveSite
        Of a family in :data:`FORMULAS`.

    Raises
    ------
    BuildError
        Says what is wrong, with the number and the bounds.
    """
    _check_formula(site)
    _check_contacts(site)
    _check_shells(site)
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


def _check_formula(site: ActiveSite) -> None:
    if site.family not in FORMULAS:
        raise BuildError(f"{site.label}: no formula is known for the family {site.family!r}, so it cannot be checked")
    counts = np.bincount(site.atoms.numbers)
    found = Counter({chemical_symbols[number]: int(counts[number]) for number in np.flatnonzero(counts)})
    expected = FORMULAS[site.family](site.recipe)
    if found != expected:
        raise BuildError(f"{site.label}: the formula is {_formula(found)}; the recipe gives {_formula(expected)}")
    if sorted(site.metal_symbols) != sorted(site.recipe["metals"]):
        raise BuildError(
            f"{site.label}: the metals are {', '.join(site.metal_symbols)}; "
            f"the recipe gives {', '.join(site.recipe['metals'])}"
        )


def _check_contacts(site: ActiveSite) -> None:
    first, second = _pairs(len(site.atoms))
    length = distances(site.atoms, first, second)
    if not length.min(initial=np.inf) < CLOSEST_HEAVY and np.isfinite(length).all():
        return
    heavy = (site.atoms.numbers[first] > 1) & (site.atoms.numbers[second] > 1)
    limit = np.where(heavy, CLOSEST_HEAVY, CLOSEST)
    for pair in np.flatnonzero(~(length >= limit))[:1]:
        raise BuildError(
            f"{site.label}: {_name(site, first[pair])} and {_name(site, second[pair])} are {length[pair]:.2f} Å apart; "
            f"at least {limit[pair]:.2f} Å is needed"
        )


def _check_shells(site: ActiveSite) -> None:
    low, high = SHELLS[site.family]
    if len(site.donors) != len(site.metals):
        raise BuildError(f"{site.label}: {len(site.metals)} metals but donors for {len(site.donors)}")
    for metal, donors in zip(site.metals, site.donors, strict=True):
        if not donors:
            raise BuildError(f"{site.label}: {_name(site, metal)} has no donors")
        lengths = distances(site.atoms, np.full(len(donors), metal), np.array(donors))
        for donor, length in zip(donors, lengths, strict=True):
            if not low <= length <= high:
                raise BuildError(
                    f"{site.label}: {_name(site, metal)} and its donor {_name(site, donor)} are {length:.2f} Å apart; "
                    f"allowed: {low:.2f} to {high:.2f} Å"
                )


def _check_bonds(site: ActiveSite) -> None:
    first, second = np.array(site.bonds).T
    metal = np.isin(first, site.metals) | np.isin(second, site.metals)
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
