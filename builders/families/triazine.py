"""Triazine framework: a metal in a chelating pocket of one layer of CTF-1.

A nitrogen of a triazine alone cannot hold a metal in the layer: the hydrogens of both phenylenes beside it would be
1.5 Å away. With the neighbouring CH of one phenylene it makes a chelate of five-membered rings: with a nitrogen in
place of the CH as in 2,2'-bipyridine (frameworks made from 2,5-dicyanopyridine), or with the bare carbon, as in
cyclometallated 2-phenylpyridine.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import MappingProxyType
from typing import Final

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii

from atomsieve.builders.cells import hexagonal
from atomsieve.builders.family import TRANSITION_METALS, stretch
from atomsieve.builders.lattices.sheets import OFF_CENTRE, Pocket, Sheet, Unit, apex, family, from_middle, nearest
from atomsieve.builders.vectors import Array, turned

#: Lattice constant and bond lengths of CTF-1, Å: entry 08020N2 of the CURATED-COFs database, which optimised the
#: framework of doi 10.1002/anie.200705710 with PBE-D3 (doi 10.1021/acscentsci.9b00619).
LATTICE_CONSTANT: Final = 14.574
C_N, TRIAZINE_PHENYLENE, C_IPSO, C_ORTHO, C_H = 1.350, 1.480, 1.406, 1.387, 1.085
#: Half the distance across a phenylene between carbons that carry hydrogen, Å.
_HALF_WIDTH: Final = 1.2177
# From the middle of a phenylene to its carbons that carry triazines, Å.
_IPSO: Final = C_ORTHO / 2 + math.sqrt(C_IPSO**2 - _HALF_WIDTH**2)
#: Distance of a metal from both donors as built for cobalt, Å; others follow by their radius.
LENGTH: Final = 1.97

#: Metals with a larger covalent radius would touch the hydrogen of the phenylene on the other side, Å.
LARGEST_RADIUS: Final = 1.50


def unit() -> Unit:
    """Return the cell of a CTF-1 layer, C24H12N6, P6/mmm; the pore is at the origin."""
    vectors = hexagonal(LATTICE_CONSTANT)
    centre, other = np.array([1 / 3, 2 / 3]) @ vectors, np.array([2 / 3, 1 / 3]) @ vectors
    half = LATTICE_CONSTANT / math.sqrt(3) / 2
    along = (other - centre) / (2 * half)
    across = turned(along, 90.0)
    ipso = half - _IPSO
    carbon = ipso - TRIAZINE_PHENYLENE
    nitrogen = apex(carbon * along, turned(carbon * along, 120.0), C_N, turned(3.0 * along, 60.0))
    spots: list[tuple[str, Array]] = []
    for third in range(3):
        for symbol, point in (("C", carbon * along), ("N", nitrogen), ("C", ipso * along)):
            spots.append((symbol, centre + turned(point, 120.0 * third)))
            spots.append((symbol, other - turned(point, 120.0 * third)))
        for end in (1, -1):
            for side in (1, -1):
                ring = (half + end * C_ORTHO / 2) * along + side * _HALF_WIDTH * across
                outward = end * math.cos(math.pi / 3) * along + side * math.sin(math.pi / 3) * across
                spots.append(("C", centre + turned(ring, 120.0 * third)))
                spots.append(("H", centre + turned(ring + C_H * outward, 120.0 * third)))
    return Unit(tuple(symbol for symbol, _ in spots), np.array([point for _, point in spots]), vectors)


# The nitrogen of a triazine stands in the middle of the cell, the pore lies ahead of it and phenylenes on both sides.
# The second donor is 1.46 Å ahead and 2.46 Å aside; its hydrogen, if any, 2.0 and 1.5 Å.
_AHEAD, _ASIDE = turned((1.0, 0.0), OFF_CENTRE + 180.0), turned((1.0, 0.0), OFF_CENTRE - 90.0)


def _nitrogen() -> tuple[float, float]:
    """Return the nitrogen that comes in the middle, as fractions of the lattice vectors."""
    vectors = hexagonal(LATTICE_CONSTANT)
    carbon = LATTICE_CONSTANT / math.sqrt(3) / 2 - (_IPSO + TRIAZINE_PHENYLENE)
    inner = carbon / 2 + math.sqrt(C_N**2 - 3 * carbon**2 / 4)
    first, second = turned((LATTICE_CONSTANT / math.sqrt(3) - inner, 0.0), OFF_CENTRE) @ np.linalg.inv(vectors)
    return float(first), float(second)


def _flank(host: Atoms) -> int:
    """Return the second donor."""
    return nearest(host, 1.46 * _AHEAD + 2.46 * _ASIDE, 1)[0]


def _opened(element: str) -> Callable[[Atoms], Atoms]:
    """Return what takes the hydrogen from the second donor and makes it an atom of an element."""

    def edit(host: Atoms) -> Atoms:
        host.symbols[_flank(host)] = element
        (hydrogen,) = nearest(host, 2.0 * _AHEAD + 1.5 * _ASIDE, 1, "H")
        del host[hydrogen]
        return host

    return edit


def _seat(metal: str, host: Atoms) -> tuple[Array, tuple[int, ...]]:
    """Seat a metal at one distance from both donors, on the side of the pore."""
    (nitrogen,), flank = nearest(host, (0.0, 0.0), 1, "N"), _flank(host)
    first, second = from_middle(host)[[nitrogen, flank]]
    place = apex(first, second, LENGTH + stretch(metal), 5.0 * _AHEAD)
    return np.append(place, 0.0), tuple(sorted((nitrogen, flank)))


FAMILY: Final = family(
    Sheet(
        name="CTF",
        title="a metal in a chelating pocket of a layer of the triazine framework CTF-1",
        unit=unit,
        contents={"C": 24, "H": 12, "N": 6},
        pockets=MappingProxyType(
            {
                "N2": Pocket(_nitrogen(), _seat, "", _opened("N"), {"C": -1, "H": -1, "N": 1}),
                "NC": Pocket(_nitrogen(), _seat, "-NC", _opened("C"), {"H": -1}),
            }
        ),
        choice=("coordination", "the donors: triazine nitrogen with a pyridine's, or with a phenylene carbon"),
        supercell=(1, 1, 2),
        metals=tuple(metal for metal in TRANSITION_METALS if covalent_radii[atomic_numbers[metal]] <= LARGEST_RADIUS),
        shells={"N": (1.85, 2.20), "C": (1.85, 2.20)},
        source={
            "source": "CTF-1 (doi 10.1002/anie.200705710), a layer of 08020N2 of CURATED-COFs, P6/mmm, a 14.574 Å",
            "remarks": "N2 has a nitrogen in place of one CH, as frameworks made from 2,5-dicyanopyridine; NC lacks "
            "the hydrogen of that CH",
        },
        examples=({"metals": "Ni"}, {"metals": "Fe", "axial": "Cl"}, {"metals": "Ni", "coordination": "NC"}),
    )
)
