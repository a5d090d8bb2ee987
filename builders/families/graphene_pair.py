"""Graphene pair: two M-N4 sites as neighbours in one graphene sheet."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from string import ascii_lowercase
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from ase.data import atomic_numbers

from atomsieve.builders.cells import hexagonal
from atomsieve.builders.families.graphene import SHELLS, model_parameters, model_suffix, strains
from atomsieve.builders.family import REQUIRED, Family, Parameter, in_order, metals, recipe
from atomsieve.builders.lattices import vacancies
from atomsieve.builders.lattices.dopants import letters, nearest
from atomsieve.builders.lattices.doped import host
from atomsieve.builders.lattices.honeycomb import (
    Honeycomb,
    Indices,
    atoms_in,
    honeycomb,
    moved,
    supercell_parameter,
    turn,
)
from atomsieve.builders.lattices.pattern import LATTICE_CONSTANT, Pattern
from atomsieve.builders.lattices.vacancies import point
from atomsieve.structures.errors import InputError, ParameterError
from atomsieve.structures.site import ActiveSite

#: Å; pairs farther apart are two sites rather than one, and those closer share atoms.
FARTHEST: Final = 12.0
_WRITTEN: Final = 0.05
_RIM: Final = ("N",) * 8


@lru_cache(maxsize=64)
def pairs(supercell: str, uniaxial: bool) -> Mapping[str, tuple[Pattern, str | None]]:
    """Return every way to put a second double vacancy beside the first, by the distance of their middles in Å.

    Parameters
    ----------
    supercell : str
        As recipes write it.
    uniaxial : bool
        Whether the sheet is strained in one direction, which leaves less symmetry.

    Returns
    -------
    mapping of str to (Pattern, str or None)
        The pair, and the name of the one that it becomes when its metals are exchanged; None where no symmetry takes
        the second hole onto the first, so that the two orders of its metals are two sites. A letter tells pairs of one
        distance apart.
    """
    one = vacancies.DOUBLE
    lattice = honeycomb(supercell)
    cell = lattice.cell(LATTICE_CONSTANT, (0.0, 0.0))
    first = {lattice.index(spot) for spot in one.removed}
    rim = {lattice.index(spot) for spot in one.rim}
    keeping = lattice.stabilizer(sorted(first), uniaxial)

    placed: dict[tuple[int, ...], Pattern] = {}
    for sixths, site in itertools.product((0, 2, 4), range(len(lattice.spots))):
        operation = turn(sixths)
        image = moved(one.removed[0], operation)
        s, i, j = lattice.spots[site].tolist()
        if s != image[0]:
            continue
        shift = _nearest_image(lattice, (i - image[1], j - image[2]), operation)
        groups = tuple(tuple(moved(spot, operation, shift) for spot in group) for group in one.groups)
        rims = tuple(tuple(moved(spot, operation, shift) for spot in group) for group in one.rims)
        second = sorted(lattice.index(spot) for spot in groups[0])
        around = {lattice.index(spot) for spot in rims[0]}
        touching = {int(n) for site in rim for n in lattice.neighbours[site]}
        if len({*first, *rim, *second, *around}) == 12 and not touching & around:
            placed[tuple(second)] = Pattern(supercell, one.groups + groups, one.rims + rims)

    def canonical(second: tuple[int, ...]) -> tuple[int, ...]:
        return min(tuple(sorted(int(p[site]) for site in second)) for p in keeping)

    distinct = sorted({canonical(second) for second in placed})
    distance = {
        second: float(nearest(lattice.fractions(np.diff(placed[second].middles, axis=0)) @ cell, cell)[0])
        for second in distinct
    }
    near = sorted((s for s in distinct if distance[s] < FARTHEST), key=lambda s: (round(distance[s], 2), s))
    names: dict[tuple[int, ...], str] = {}
    for text, group in itertools.groupby(near, key=lambda s: f"{distance[s]:.2f}"):
        members = list(group)
        names |= {m: text + (a if len(members) > 1 else "") for a, m in zip(letters(), members, strict=False)}

    def exchanged(second: tuple[int, ...]) -> str | None:
        """Return the name of a pair as seen from its second hole, put where the first was, if a symmetry does so."""
        ways = lattice.mappings(second, sorted(first), uniaxial)
        return names[canonical(tuple(int(ways[0][site]) for site in first))] if ways else None

    return MappingProxyType({name: (placed[second], exchanged(second)) for second, name in names.items()})


def _nearest_image(lattice: Honeycomb, shift: tuple[int, int], operation: Indices) -> tuple[int, int]:
    """Return the translation that puts the second hole at its nearest image to the first."""
    middle = np.mean([point(spot) for spot in vacancies.DOUBLE.removed], axis=0)
    steps = np.array(list(itertools.product((-2, -1, 0, 1, 2), repeat=2))) @ lattice.matrix
    flat = (middle @ operation + np.array(shift) + steps - middle) @ hexagonal(1.0)
    # the first of equally near ones, whatever the last digit says
    best = int(np.argmin(np.round(np.linalg.norm(flat, axis=1), 6)))
    return int(shift[0] + steps[best, 0]), int(shift[1] + steps[best, 1])


def settle(values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the values that stand for all symmetry copies of a pair, one for each pair of the distance.

    Metals are put in the order of their atomic numbers wherever a symmetry exchanges the holes, and stay in the order
    given elsewhere.

    Raises
    ------
    ParameterError
        If no pair has the distance.
    """
    known = pairs(values["supercell"], isinstance(values["strain"], str))
    wanted = values["distance"]
    within, number = wanted.startswith("<"), float(wanted.lstrip("<").rstrip(ascii_lowercase))
    if wanted in known:
        names = [wanted]
    elif within:
        names = [name for name in known if float(name.rstrip(ascii_lowercase)) < number]
    else:
        names = [name for name in known if abs(float(name.rstrip(ascii_lowercase)) - number) < _WRITTEN]
    if not names or (wanted[-1:].isalpha() and wanted not in known):
        raise ParameterError(
            "distance",
            f"no two M-N4 are {wanted} Å apart in {values['supercell']}; "
            + (f"allowed: {', '.join(known)}" if known else "it is too small for two of them, write a larger one"),
        )
    symbols = sorted(values["metals"], key=lambda symbol: atomic_numbers[symbol])
    for name in names:
        other = known[name][1]
        if other is None:
            yield {**values, "distance": name}
            continue
        if symbols[0] == symbols[1]:
            name = min(name, other)
        elif list(values["metals"]) != symbols:
            name = other
        yield {**values, "metals": symbols, "distance": name}


def parse_distance(value: Any) -> tuple[str, ...]:
    """Read a distance in Å: a number, ``<7`` for all up to there, or the name of a pair, ``8.52b``.

    Raises
    ------
    InputError
        If it is none of these.
    """
    text = f"{value:.2f}" if isinstance(value, int | float) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not re.fullmatch(
        r"<\s*[0-9]+(\.[0-9]+)?|[0-9]+(\.[0-9]+)?[a-z]{0,2}", text.strip()
    ):
        raise InputError(f"{value!r} is not a distance in Å; write 4.92, <7 for all up to there, or a name as 8.52b")
    return (text.replace(" ", ""),)


def build(values: Mapping[str, Any]) -> ActiveSite:
    """Build two M-N4 sites beside each other.

    Parameters
    ----------
    values : mapping
        As :func:`settle` gives them.
    """
    symbols, strain = tuple(values["metals"]), values["strain"]
    placed = pairs(values["supercell"], isinstance(strain, str))[values["distance"]][0]
    sheet = host(placed, _RIM, (), values["lattice_constant"], strains(strain), values["vacuum"])
    count = len(sheet.numbers)
    return ActiveSite(
        label=f"{''.join(symbols)}-2N4-{values['distance']}@graphene-{values['supercell']}{model_suffix(values)}",
        recipe=recipe("graphene-pair", 1, values, _ORDER),
        atoms=sheet.occupied(symbols),
        kind="sheet",
        metals=(count, count + 1),
        donors=sheet.donors,
        bonds=sheet.bonds,
        provenance={
            "source": "built from the graphene lattice and the parameters of the recipe",
            "remarks": "metal-donor distances follow the metal's covalent radius (doi 10.1039/b801115j)",
        },
    )


def formula(values: Mapping[str, Any]) -> Counter[str]:
    """Return what a recipe must come to, number of atoms by element."""
    return Counter({"C": atoms_in(values["supercell"]) - 12, "N": 8}) + Counter(values["metals"])


_PARAMETERS: Final = in_order(
    Parameter("metals", "both metals", REQUIRED, "a transition metal of groups 3 to 12 each, as Fe-Co", metals(2)),
    Parameter(
        "distance",
        "distance of the metals on the lattice, Å",
        "<7",
        f"4.92, <7 for every pair up to there, or a name as 8.52b; below {FARTHEST:g}",
        parse_distance,
    ),
    supercell_parameter("8x8"),
    *model_parameters(),
)
_ORDER: Final = tuple(_PARAMETERS)
FAMILY: Final = Family(
    name="graphene-pair",
    title="two M-N4 sites as neighbours in graphene",
    parameters=_PARAMETERS,
    build=build,
    formula=formula,
    shells=SHELLS,
    settle=settle,
    examples=({"metals": "Fe-Co", "distance": 4.92},),
)
