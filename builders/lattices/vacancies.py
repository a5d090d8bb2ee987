"""Vacancy: a hole in graphene for one metal or several, and the ways in which elements can sit at its rim."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from ase.data import atomic_numbers

from atomsieve.builders.lattices.honeycomb import BASIS, Honeycomb, Indices, Spot, honeycomb
from atomsieve.builders.vectors import Array
from atomsieve.structures.errors import InputError

#: Elements at the rim, in the order in which a coordination names them.
RIM_ELEMENTS: Final = ("N", "C", "O", "S", "P", "B")
# Carbons that a hole takes out, by the metal that comes in their place. A chain runs along the zigzag direction.
_CHAIN: Final[tuple[Spot, ...]] = ((0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0), (0, 2, 0), (1, 2, 0))
_HEXAGON: Final[tuple[Spot, ...]] = ((1, 0, 0), (0, 0, 0), (1, -1, 0), (0, -1, -1), (1, -1, -1), (0, 0, -1))
# A cell so large that no hole meets its own image: there the symmetry is the hole's own.
_LARGE: Final = "12x12"


@dataclass(frozen=True, eq=False)
class Vacancy:
    """A hole in the honeycomb; there is one of each kind.

    Parameters
    ----------
    name : str
        What a chemist calls it.
    groups : tuple of tuple of (int, int, int)
        For each metal the lattice sites that it replaces.
    """

    name: str
    groups: tuple[tuple[Spot, ...], ...]

    @property
    def removed(self) -> tuple[Spot, ...]:
        """All lattice sites that are empty."""
        return tuple(itertools.chain.from_iterable(self.groups))

    @cached_property
    def rims(self) -> tuple[tuple[Spot, ...], ...]:
        """For each metal the sites around its hole, anticlockwise about it."""
        removed = set(self.removed)
        found = []
        for group in self.groups:
            centre = np.mean([point(spot) for spot in group], axis=0)
            rim = {spot for taken in group for spot in _around(taken)} - removed
            found.append(tuple(sorted(rim, key=lambda spot, centre=centre: _angle(point(spot) - centre))))  # type: ignore[misc]
        return tuple(found)

    @property
    def rim(self) -> tuple[Spot, ...]:
        """The sites around the hole, metal by metal."""
        return tuple(itertools.chain.from_iterable(self.rims))

    @cached_property
    def symmetries(self) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
        """How the hole's own symmetry permutes its metals, and the sites of its rim."""
        lattice = honeycomb(_LARGE)
        removed = [lattice.index(spot) for spot in self.removed]
        return self.actions(lattice, lattice.stabilizer(removed, False))

    def actions(
        self, lattice: Honeycomb, permutations: tuple[Indices, ...]
    ) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
        """Return what permutations of a lattice that keep the hole do to its metals and its rim."""
        groups = [frozenset(lattice.index(spot) for spot in group) for group in self.groups]
        rim = [lattice.index(spot) for spot in self.rim]
        found = []
        for p in permutations:
            images = [frozenset(int(p[site]) for site in group) for group in groups]
            if set(images) == set(groups):
                found.append(
                    (tuple(groups.index(image) for image in images), tuple(rim.index(int(p[site])) for site in rim))
                )
        return tuple(sorted(set(found)))


def point(spot: Spot) -> Array:
    """Return where a lattice site lies, in units of the primitive vectors."""
    return np.asarray(BASIS[spot[0]] + np.array(spot[1:]))


def _around(spot: Spot) -> list[Spot]:
    s, i, j = spot
    sign = 1 if s == 0 else -1
    return [(1 - s, i + sign * d, j + sign * e) for d, e in ((0, 0), (-1, 0), (0, 1))]


def _angle(vector: Array) -> float:
    """Return the angle of a vector in units of the primitive ones, degrees from just below the first of them."""
    x, y = vector[0] - 0.5 * vector[1], math.sqrt(0.75) * vector[1]
    return (math.degrees(math.atan2(y, x)) + 1e-6) % 360.0


SINGLE: Final = Vacancy("single vacancy", (_CHAIN[:1],))
DOUBLE: Final = Vacancy("double vacancy", (_CHAIN[:2],))
FUSED: Final = Vacancy("fused double vacancies", (_CHAIN[:2], _CHAIN[2:4]))
CHAIN: Final = Vacancy("chain of three double vacancies", (_CHAIN[:2], _CHAIN[2:4], _CHAIN[4:6]))
HEXAGON: Final = Vacancy("missing hexagon", (_HEXAGON[:2], _HEXAGON[2:4], _HEXAGON[4:6]))
#: The holes by the number of atoms at their rims, for one, two and three metals.
VACANCIES: Final[Mapping[int, Mapping[int, Vacancy]]] = MappingProxyType(
    {1: {3: SINGLE, 4: DOUBLE}, 2: {6: FUSED}, 3: {6: HEXAGON, 8: CHAIN}}
)


def vacancy(metals: int, coordination: str) -> Vacancy:
    """Return the hole of a coordination, as ``N3C1`` or ``N2C2-trans``."""
    return VACANCIES[metals][sum(composition(coordination).values())]


@lru_cache(maxsize=4096)
def composition(coordination: str) -> Counter[str]:
    """Return the elements at the rim that a coordination names; shared, so never changed."""
    counts = Counter[str]()
    for element, number in re.findall(r"([A-Z])([0-9]*)", coordination.split("-")[0]):
        counts[element] += int(number or 1)
    return counts


def written(counts: Mapping[str, int]) -> str:
    """Write a composition as a coordination does: ``N3S1``."""
    return "".join(f"{element}{counts[element]}" for element in RIM_ELEMENTS if counts.get(element))


@lru_cache(maxsize=4096)
def arrangements(metals: int, wanted: str) -> Mapping[str, tuple[str, ...]]:
    """Return every way to put the elements of a coordination at the rim, by name.

    Parameters
    ----------
    metals : int
        How many the hole holds.
    wanted : str
        A composition such as ``N2S2``.

    Returns
    -------
    mapping of str to tuple of str
        Elements in the order of the rim. With one metal no two are the same by symmetry; with several all are there,
        because which are the same depends on the metals: see :func:`settled`.
    """
    hole = vacancy(metals, wanted)
    counts = composition(wanted)
    found: dict[str, tuple[str, ...]] = {}
    for rim in _orders(counts):
        if metals > 1:
            found[_positions(rim, counts)] = rim
        elif rim == min((_image(rim, order) for _, order in hole.symmetries), key=_rank):
            found[_isomer(rim, counts)] = rim
    return MappingProxyType(found)


def _orders(counts: Counter[str]) -> Iterator[tuple[str, ...]]:
    """Yield every different order of some elements."""
    if not counts.total():
        yield ()
    for element in RIM_ELEMENTS:
        if counts[element]:
            for rest in _orders(counts - Counter((element,))):
                yield (element, *rest)


def _rank(rim: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(RIM_ELEMENTS.index(element) for element in rim)


def _image(rim: tuple[str, ...], order: tuple[int, ...]) -> tuple[str, ...]:
    """Return a rim after the site ``k`` has moved to ``order[k]``."""
    moved = [""] * len(rim)
    for element, place in zip(rim, order, strict=True):
        moved[place] = element
    return tuple(moved)


def _positions(rim: tuple[str, ...], counts: Counter[str]) -> str:
    """Name an arrangement by the places of all but the most frequent element, counted from 1."""
    name, most = written(counts), max(counts, key=lambda element: (counts[element], -RIM_ELEMENTS.index(element)))
    places = "".join(f"{element}{place}" for place, element in enumerate(rim, start=1) if element != most)
    return f"{name}-{places}" if places else name


def _isomer(rim: tuple[str, ...], counts: Counter[str]) -> str:
    """Name an arrangement around one metal by what faces what across the hole."""
    name = written(counts)
    if len(rim) == 3 or len(counts) == 1 or (len(counts) == 2 and 1 in counts.values()):
        return name
    if len(counts) == 4:
        partners = {
            _relation(rim.index("N" if "N" in rim else rim[0]), place): element for place, element in enumerate(rim)
        }
        return f"{name}-{partners['trans']}{partners['cis5']}"
    last = [element for element in RIM_ELEMENTS if counts[element] == 2][-1] if len(counts) == 2 else None
    single = [place for place, element in enumerate(rim) if (element == last if last else counts[element] == 1)]
    return f"{name}-{_relation(*single)}"


def _relation(one: int, other: int) -> str:
    """Return how two places at the rim of a double vacancy are related: by the ring that the metal closes with them."""
    between = point(DOUBLE.rim[one]) - point(DOUBLE.rim[other])
    x, y = between[0] - 0.5 * between[1], math.sqrt(0.75) * between[1]
    distance = math.hypot(x, y)
    return "self" if distance < 0.1 else "cis6" if distance < 1.05 else "cis5" if distance < 1.3 else "trans"


def settled(metals: tuple[str, ...], coordination: str) -> tuple[tuple[str, ...], str]:
    """Return the one form of metals and their coordination that stands for all copies by the hole's symmetry."""
    if len(metals) == 1:
        return metals, coordination
    hole, counts = vacancy(len(metals), coordination), composition(coordination)
    rim = arrangements(len(metals), written(counts))[coordination]
    forms = [(_image(metals, swap), _image(rim, order)) for swap, order in hole.symmetries]
    best = min(forms, key=lambda form: ([atomic_numbers[metal] for metal in form[0]], _rank(form[1])))
    return best[0], _positions(best[1], counts)


def parse_coordination(metals: int) -> Callable[[Any], tuple[str, ...]]:
    """Return the parser of the coordination of so many metals."""
    sizes = VACANCIES[metals]

    def parse(value: Any) -> tuple[str, ...]:
        match = re.fullmatch(r"((?:[A-Z][0-9]?)+)(-[A-Za-z0-9]+)?", value) if isinstance(value, str) else None
        if match is None:
            raise InputError(f"{value!r} is not a coordination; {hint}")
        counts = composition(match[1])
        for element in counts:
            if element not in RIM_ELEMENTS:
                raise InputError(f"{element} in {value!r} cannot hold a metal; allowed: {', '.join(RIM_ELEMENTS)}")
        if sum(counts.values()) not in sizes:
            raise InputError(f"{value!r} names {sum(counts.values())} atoms; {hint}")
        names = arrangements(metals, written(counts))
        if match[2] is None:
            return tuple(names)
        full = written(counts) + match[2]
        if full not in names:
            raise InputError(f"unknown isomer {value!r}; allowed: {', '.join(itertools.islice(names, 24))}")
        return (full,)

    holes = " or ".join(f"{number} ({hole.name})" for number, hole in sizes.items())
    hint = f"write {holes} of {', '.join(RIM_ELEMENTS)}, as N{next(reversed(sizes))}"
    return parse


def rim_of(metals: int, coordination: str) -> tuple[str, ...]:
    """Return the elements at the rim, metal by metal, anticlockwise about each."""
    return arrangements(metals, written(composition(coordination)))[coordination]


def described(metals: int) -> str:
    """Return what may be written for a coordination, for people."""
    return " or ".join(f"{number} atoms ({hole.name})" for number, hole in VACANCIES[metals].items())
