"""Dopants: elements in place of carbons around a site, told by their distance from it."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from string import ascii_lowercase
from typing import Any, Final

import numpy as np

from atomsieve.builders.family import Parameter
from atomsieve.builders.lattices.honeycomb import Honeycomb, Indices
from atomsieve.builders.vectors import Array
from atomsieve.structures.errors import InputError, ParameterError

#: What can take the place of a carbon with three neighbours. Oxygen has no valence for it.
ELEMENTS: Final = ("N", "B", "P", "S")
NONE: Final = "none"
#: Å; two distances closer than this are one, and so far off a distance may be written.
SAME, WRITTEN = 0.005, 0.05
#: At most so many dopants in all.
MOST: Final = 4
_TERM = re.compile(r"([1-9]?)([A-Z][a-z]?)@(<?)\s*([0-9]+(?:\.[0-9]+)?)([a-z]{0,2})")


@dataclass(frozen=True, eq=False)
class Shells:
    """The carbons around a site in a supercell, in classes of those that are the same by symmetry.

    Parameters
    ----------
    lattice : Honeycomb
        The supercell.
    free : tuple of int
        The sites that carbons stand on.
    distances : ndarray of float, shape (n,)
        Of every site of the lattice from the middle of the site's metals, to the nearest image, Å.
    permutations : tuple of ndarray of int
        Those of the lattice that keep the site as it is.
    """

    lattice: Honeycomb
    free: tuple[int, ...]
    distances: Array
    permutations: tuple[Indices, ...]

    @cached_property
    def classes(self) -> Mapping[str, tuple[int, ...]]:
        """The sites of each class, by name: the distance, and a letter where several classes have the same."""
        orbits = {tuple(sorted({int(p[site]) for p in self.permutations})) for site in self.free}
        ordered = sorted(orbits, key=lambda orbit: (round(float(self.distances[orbit[0]]), 2), orbit))
        names: dict[str, tuple[int, ...]] = {}
        for distance, group in itertools.groupby(ordered, key=lambda orbit: f"{self.distances[orbit[0]]:.2f}"):
            members = list(group)
            for letter, orbit in zip(letters(), members, strict=False):
                names[distance + (letter if len(members) > 1 else "")] = orbit
        return names

    def canonical(self, dopants: Iterator[tuple[str, int]] | list[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
        """Return the one of all symmetry copies that stands for them."""
        given = list(dopants)
        return min(tuple(sorted((element, int(p[site])) for element, site in given)) for p in self.permutations)

    @lru_cache(maxsize=8192)  # noqa: B019 - shells are few and live as long as the program
    def expand(self, text: str) -> Mapping[str, tuple[tuple[str, int], ...]]:
        """Return all that a text stands for, by the name of each.

        Raises
        ------
        ParameterError
            If no carbon is where one is wanted.
        """
        terms = _terms(text)
        if not terms:
            return {NONE: ()}
        choice = text.partition("/")[2]
        found: dict[str, dict[tuple[tuple[str, int], ...], None]] = {}
        for places in itertools.product(*[self._places(term) for term in terms]):
            for spots in itertools.product(*[self.classes[place] for place in places]):
                if len(set(spots)) < len(spots):
                    continue
                elements = [term.element for term in terms]
                name = "+".join(sorted(f"{e}@{p}" for e, p in zip(elements, places, strict=True)))
                found.setdefault(name, {})[self.canonical(list(zip(elements, spots, strict=True)))] = None
        named = {
            name if len(members) == 1 else f"{name}/{rank}": member
            for name, members in found.items()
            for rank, member in enumerate(sorted(members), start=1)
        }
        if not named:
            raise ParameterError("dopants", f"{text!r}: there are not carbons enough; ask for fewer")
        if choice:
            if text not in named and f"{next(iter(found))}/{choice}" not in named:
                raise ParameterError("dopants", f"{text!r} is not there; allowed: {', '.join(named)}")
            name = f"{next(iter(found))}/{choice}"
            return {name: named[name]}
        return named

    def _places(self, term: _Term) -> list[str]:
        """Return the names of the classes that a term may mean."""
        exact = f"{term.distance:.2f}{term.letter}"
        if not term.within and exact in self.classes:
            return [exact]
        if term.within:
            inside = [n for n, orbit in self.classes.items() if self.distances[orbit[0]] < term.distance + SAME]
        else:
            inside = [
                name
                for name, orbit in self.classes.items()
                if abs(self.distances[orbit[0]] - term.distance) < WRITTEN
                and (not term.letter or name.endswith(term.letter))
            ]
        if not inside:
            raise ParameterError(
                "dopants",
                f"no carbon is at {term.distance:g}{term.letter} Å from the site; "
                f"allowed here: {', '.join(self.classes)}",
            )
        return inside


@dataclass(frozen=True)
class _Term:
    element: str
    within: bool
    distance: float
    letter: str


def letters() -> Iterator[str]:
    """Yield a, b ... z, aa, ab ..., which tell places of one distance apart."""
    yield from ascii_lowercase
    yield from (one + other for one in ascii_lowercase for other in ascii_lowercase)


def _terms(text: str) -> tuple[_Term, ...]:
    if text == NONE:
        return ()
    terms = []
    for part in text.partition("/")[0].split("+"):
        match = _TERM.fullmatch(part)
        assert match is not None
        number, element, within, distance, letter = match.groups()
        terms += [_Term(element, bool(within), float(distance), letter)] * int(number or 1)
    return tuple(terms)


def parse(value: Any) -> tuple[str, ...]:
    """Read dopants: ``none``, ``S@4.32``, ``N@<6`` or several of them, joined by a plus.

    Raises
    ------
    InputError
        If they are not written so, or of an element that has no valence for it.
    """
    if value == NONE:
        return (NONE,)
    text = value.replace(" ", "") if isinstance(value, str) else ""
    body, _, choice = text.partition("/")
    matches = [_TERM.fullmatch(part) for part in body.split("+")]
    if not all(matches) or (choice and not choice.isdigit()) or ("/" in text and not choice):
        raise InputError(
            f"{value!r} is not a dopant; write an element and its distance from the site in Å, as S@4.32, N@<6 for "
            "every place up to 6 Å, or 2N@<5 for two of them; join several by a plus"
        )
    for match in matches:
        if match is not None and match[2] not in ELEMENTS:
            what = (
                "oxygen has two bonds, a carbon of the sheet three" if match[2] == "O" else "not a dopant of graphene"
            )
            raise InputError(f"{match[2]} in {value!r}: {what}; allowed: {', '.join(ELEMENTS)}")
    if (number := len(_terms(text))) > MOST:
        raise InputError(f"{value!r} names {number} dopants; write at most {MOST}")
    return (text,)


@lru_cache(maxsize=4096)
def composition(text: str) -> Counter[str]:
    """Return the elements that dopants bring; shared, so never changed."""
    return Counter(term.element for term in _terms(text))


PARAMETER: Final = Parameter(
    "dopants",
    "elements in place of carbons, with their distance from the site in Å",
    NONE,
    f"none, S@4.32, N@<6 (every place up to 6 Å), 2N@<5, N@4.32+S@3.10 ...; of {', '.join(ELEMENTS)}",
    parse,
)


def nearest(vectors: Array, cell: Array) -> Array:
    """Return the lengths of vectors in a plane to their nearest images, shape (n,).

    Parameters
    ----------
    vectors : ndarray of float, shape (n, 2)
        Å.
    cell : ndarray of float, shape (2, 2)
        Å; oblique as it may be.
    """
    vectors = vectors - np.round(vectors @ np.linalg.inv(cell)) @ cell
    images = np.array(list(itertools.product((-1, 0, 1), repeat=2))) @ cell
    return np.asarray(np.linalg.norm(vectors[:, None] + images, axis=-1).min(axis=1))
