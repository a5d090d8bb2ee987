"""Recognition: what somebody's atoms are: a clean site, an adsorbate by formula and bonds, or a gas molecule."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers

from atomsieve.analysis.binding import metal_bonds, mode_made
from atomsieve.analysis.geometry import BONDED, Geometry
from atomsieve.analysis.isomers import known_as, renamed
from atomsieve.builders.bonding import is_metal
from atomsieve.builders.files.parents import Parent, normal_of
from atomsieve.structures.adsorbate import END_ON, Adsorbate, adsorbates
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.identity import geometry_key
from atomsieve.structures.molecule import REFERENCE_GASES, Molecule, molecules
from atomsieve.structures.site import ActiveSite
from atomsieve.workflows.ingest.matching import Match

#: The family of all sites that were ingested.
FAMILY = "ingested"
#: Raised when the same structure comes to have another key.
SCHEMA = 1
#: Up to so many metal atoms all count as the site's; of more, those of the rarest elements.
MOST_METALS = 3


@dataclass(frozen=True)
class Kind:
    """What an adsorbate or a molecule is made of.

    Parameters
    ----------
    symbols : tuple of str
        Chemical symbols, in the order of its table.
    bonds : frozenset of frozenset of int
        All bonds.
    """

    symbols: tuple[str, ...]
    bonds: frozenset[frozenset[int]]

    @classmethod
    def of(cls, species: Adsorbate | Molecule) -> Kind:
        """Return what a species of the tables is made of."""
        if isinstance(species, Adsorbate):
            return cls(species.symbols, frozenset(frozenset(bond) for bond in species.bonds))
        return cls(species.symbols, bonds_among(Geometry(species.atoms), range(len(species.symbols))))


def bonds_among(geometry: Geometry, atoms: Sequence[int]) -> frozenset[frozenset[int]]:
    """Return the bonds among some atoms, by their position in the sequence."""
    pairs = itertools.combinations(range(len(atoms)), 2)
    return frozenset(frozenset((i, j)) for i, j in pairs if geometry.ratios[atoms[i], atoms[j]] <= BONDED)


def arranged(kind: Kind, geometry: Geometry, atoms: Sequence[int], metals: Sequence[int]) -> tuple[list[int], int]:
    """Put atoms in the order of a kind of the same formula.

    Parameters
    ----------
    kind : Kind
        What they may be.
    geometry : Geometry
        Of the whole structure.
    atoms : sequence of int
        Their indices.
    metals : sequence of int
        Indices of the metals: of equally good orders that is taken in which the first atom is nearest to one.

    Returns
    -------
    list of int
        The indices in the order of the kind.
    int
        Number of bonds that are missing or too many; 0 if they are bonded like it.
    """
    found = bonds_among(geometry, atoms)

    def badness(order: tuple[int, ...]) -> tuple[int, float]:
        own = {frozenset(order.index(i) for i in bond) for bond in found}
        first = atoms[order[0]]
        return len(own ^ kind.bonds), min((float(geometry.ratios[metal, first]) for metal in metals), default=0.0)

    best = min(_orders(kind.symbols, [geometry.symbols[i] for i in atoms]), key=badness)
    return [atoms[i] for i in best], badness(best)[0]


def _orders(wanted: Sequence[str], given: Sequence[str]) -> Iterator[tuple[int, ...]]:
    """Yield every order of the given symbols that gives the wanted ones."""
    elements = list(dict.fromkeys(wanted))
    choices = [itertools.permutations([i for i, symbol in enumerate(given) if symbol == e]) for e in elements]
    for choice in itertools.product(*choices):
        left = {element: iter(group) for element, group in zip(elements, choice, strict=True)}
        yield tuple(next(left[symbol]) for symbol in wanted)


def same_formula(table: Mapping[str, Adsorbate] | Mapping[str, Molecule], symbols: Sequence[str]) -> list[str]:
    """Return the names of the species with a formula."""
    wanted = Counter(symbols)
    return [name for name, entry in table.items() if Counter(entry.symbols) == wanted]


def adsorbate_in(atoms: Atoms, matched: Match, metals: Sequence[int], stated: str | None) -> tuple[str, list[int]]:
    """Return which adsorbate the extra atoms of a structure are, and their indices in its order.

    Parameters
    ----------
    atoms : ase.Atoms
        The structure.
    matched : Match
        How it lies on the clean site.
    metals : sequence of int
        Indices of the metals in the structure.
    stated : str or None
        What a person says that it is.

    Raises
    ------
    InputError
        If the extra atoms are none that is known, not the one that is stated, or could be several.
    """
    symbols = [str(atoms.symbols[i]) for i in matched.extra]
    formula = " ".join(f"{number} {element}" for element, number in sorted(Counter(symbols).items()))
    candidates = same_formula(adsorbates(), symbols)
    if stated is not None and stated not in candidates:
        raise InputError(f"it is said to hold {stated}*, but what it has beyond the clean site is {formula}")
    if not candidates:
        raise InputError(f"what it has beyond the clean site, {formula}, is no adsorbate; those are {_names()}")
    geometry = Geometry(atoms)
    fits = {name: arranged(Kind.of(adsorbates()[name]), geometry, matched.extra, metals) for name in candidates}
    if stated is not None:
        return stated, fits[stated][0]
    for name in (name for name, (_, wrong) in fits.items() if wrong == 0):
        if _is_told(adsorbates()[name], geometry, fits[name][0], metals):
            return name, fits[name][0]
    kinds = {_bonding(name): name for name in reversed(candidates) if len(adsorbates()[name].fragments) == 1}
    if len(kinds) != 1:
        names = ", ".join(reversed(kinds.values())) or ", ".join(candidates)
        raise InputError(
            f"what it has beyond the clean site, {formula}, is bonded like none of {names}; say which it is meant "
            "to be, by the pattern or in the mapping"
        )
    (name,) = kinds.values()
    return name, fits[name][0]


def _is_told(species: Adsorbate, geometry: Geometry, order: Sequence[int], metals: Sequence[int]) -> bool:
    """Return whether the way in which atoms are held is that of an adsorbate that has their bonds.

    Of those that differ only in the mode the one that binds end-on is told; the others are for a person to state.
    Fragments that share no bond are told where a metal holds each: else they are one adsorbate that fell apart.
    """
    bonds = metal_bonds(metals, species, geometry, order)
    if len(species.fragments) > 1:
        return all(any(k in fragment for _, k in bonds) for fragment in species.fragments)
    if END_ON not in {mode.name for mode in species.modes}:
        return False
    return not bonds or renamed(species, mode_made(species, bonds), frozenset(k for _, k in bonds)) is None


def _bonding(name: str) -> str:
    """Return the adsorbate of the same bonds that is listed first."""
    species = adsorbates()[name]
    return known_as(species.symbols, [frozenset(bond) for bond in species.bonds]) or name


def _names() -> str:
    return ", ".join(adsorbates())


def gas_in(atoms: Atoms, stated: str | None) -> tuple[str, list[int]]:
    """Return which gas molecule a structure is, and its atoms in the order of the table.

    Raises
    ------
    InputError
        If it is none that energies refer to, or not the one that is stated.
    """
    calculated = {name: entry for name, entry in molecules().items() if entry.is_reference}
    if stated is not None and stated not in molecules():
        raise InputError(unknown(stated, molecules(), "gas"))
    if stated is not None and stated not in calculated:
        raise InputError(_never(stated))
    candidates = same_formula(calculated, list(atoms.symbols))
    formula = atoms.get_chemical_formula()
    if stated is not None and stated not in candidates:
        raise InputError(f"it is said to be {stated}, but its formula is {formula}")
    if not candidates:
        known = [name for name, entry in molecules().items() if Counter(entry.symbols) == Counter(atoms.symbols)]
        raise InputError(_never(known[0]) if known else f"{formula} is no gas that energies refer to")
    geometry = Geometry(atoms)
    fits = {name: arranged(Kind.of(calculated[name]), geometry, range(len(atoms)), ()) for name in candidates}
    name = stated or min(candidates, key=lambda name: fits[name][1])
    return name, fits[name][0]


def _never(name: str) -> str:
    return f"{name} is not needed: its free energy is experimental, and energies refer to {_references()}"


def _references() -> str:
    return ", ".join(REFERENCE_GASES)


def has_metal(atoms: Atoms) -> bool:
    """Tell whether a structure holds a metal."""
    return bool(is_metal(atoms.numbers).any())


def site_of(atoms: Atoms, label: str, metals: Sequence[str] = ()) -> ActiveSite:
    """Return the site that a clean structure is.

    Parameters
    ----------
    atoms : ase.Atoms
        As it relaxed; positions in Å.
    label : str
        What a person calls it.
    metals : sequence of str
        The elements whose atoms are the site's; all that are held by donors if none are given, or, where there are
        none such, as on a surface of a metal, all metals.

    Raises
    ------
    InputError
        If it holds none of them.
    """
    key = geometry_key(atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc)
    of = Parent(label, atoms, key)
    wanted = {atomic_numbers[symbol] for symbol in metals}
    everywhere = [int(i) for i in np.flatnonzero(is_metal(atoms.numbers))]
    chosen = [i for i in (of.metals or everywhere) if not wanted or int(atoms.numbers[i]) in wanted]
    if not chosen:
        raise InputError(f"there is no {' or '.join(metals) or 'metal'} in the clean site {label}")
    return ActiveSite(
        label=label,
        recipe={"family": FAMILY, "schema": SCHEMA, "geometry": key},
        atoms=atoms,
        kind=of.kind,
        metals=tuple(chosen),
        donors=tuple(of.graph.donors(metal) for metal in chosen),
        bonds=of.graph.bonds,
        normal=normal_of(of, chosen) if of.metals else (0.0, 0.0, 1.0),
        provenance={"source": "ingested"},
    )


def metals_of(site: ActiveSite) -> tuple[str, ...]:
    """Return the metals by which a site is known: its own, or of many the rarest elements, as the Fe on a Zr6 node."""
    counts = Counter(site.metal_symbols)
    if len(site.metals) <= MOST_METALS:
        return site.metal_symbols
    fewest = min(counts.values())
    rare = tuple(symbol for symbol in site.metal_symbols if counts[symbol] == fewest)
    return rare if len(rare) <= MOST_METALS else tuple(sorted(counts))


def support_of(site: ActiveSite) -> str:
    """Return what holds the metals of a site, in words: ``Fe held by N4 in C26N4 (sheet)``."""
    chosen = metals_of(site)
    held = []
    for metal, donors in zip(site.metals, site.donors, strict=True):
        symbol = str(site.atoms.symbols[metal])
        shell = Counter(str(site.atoms.symbols[donor]) for donor in donors)
        if symbol in chosen and shell:
            held.append(f"{symbol} held by " + "".join(f"{e}{n if n > 1 else ''}" for e, n in sorted(shell.items())))
    rest = site.atoms[[i for i in range(len(site.atoms)) if i not in site.metals]]
    words = ", ".join(dict.fromkeys(held)) or "-".join(chosen)
    return f"{words} in {rest.get_chemical_formula()} ({site.kind})" if len(rest) else f"{words} ({site.kind})"
