"""Carbon nitride: a metal in the six-nitrogen pocket of planar g-C3N4 (heptazine) or of C2N."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Final

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii

from atomsieve.builders.cells import hexagonal
from atomsieve.builders.family import stretch
from atomsieve.builders.lattices.sheets import OFF_CENTRE, Pocket, Sheet, Unit, apex, family, from_middle, nearest
from atomsieve.builders.validation import NOT_BONDED
from atomsieve.builders.vectors import Array, turned

#: Lattice constants, Å. g-C3N4: planar, PBE (arXiv 2002.06995 and others); C2N: PBE (doi 10.1038/ncomms7486).
C3N4_LATTICE, C2N_LATTICE = 7.13, 8.33
#: Bond lengths of heptazine, Å: central N-C, C-N of the rim, C-N of the bridges (planar sheet, PBE, rounded).
CENTRAL, RIM, BRIDGE = 1.393, 1.33, 1.47
#: C2N, Å: C-C shared with the pyrazine, C-N; from the benzene's centre to the middle of that C-C.
SHARED, PYRAZINE, BENZENE_HEIGHT = 1.43, 1.335, 1.25
#: Metal-nitrogen distance as built for cobalt, Å; others follow by their radius.
METAL_N: Final = 1.98
# Å from the middle of either pocket, about where its nitrogens are; those of the bridges are at 4.1.
_POCKET = 2.4


def heptazine_unit() -> Unit:
    """Return the cell of planar g-C3N4, C6N8, P-6m2; the pocket is at the origin."""
    vectors = hexagonal(C3N4_LATTICE)
    centre = np.array([1 / 3, 2 / 3]) @ vectors
    towards = (np.array([2 / 3, 4 / 3]) @ vectors - centre) / (C3N4_LATTICE / math.sqrt(3))
    outer = (C3N4_LATTICE / math.sqrt(3) - BRIDGE) * towards
    spots: list[tuple[str, Array]] = [("N", centre), ("N", np.array([2 / 3, 1 / 3]) @ vectors)]
    for third in range(3):
        inner = [CENTRAL * turned(towards, sign * 60.0) for sign in (1, -1)]
        rim = [apex(outer, point, RIM, outer + point) for point in inner]
        corner = [("C", outer), ("C", inner[0]), ("N", rim[0]), ("N", rim[1])]
        spots += [(symbol, centre + turned(point, 120.0 * third)) for symbol, point in corner]
    return Unit(tuple(symbol for symbol, _ in spots), np.array([point for _, point in spots]), vectors)


def c2n_unit() -> Unit:
    """Return the cell of C2N, C12N6, P6/mmm; the pocket is at the origin."""
    vectors = hexagonal(C2N_LATTICE)
    centre, other = np.array([1 / 3, 2 / 3]) @ vectors, np.array([2 / 3, 1 / 3]) @ vectors
    half = C2N_LATTICE / math.sqrt(3) / 2
    rise = SHARED / 2 + math.sqrt(PYRAZINE**2 - (half - BENZENE_HEIGHT) ** 2)
    along = (other - centre) / (2 * half)
    across = turned(along, 90.0)
    spots: list[tuple[str, Array]] = []
    for third in range(3):
        for sign in (1, -1):
            carbon = BENZENE_HEIGHT * along + sign * SHARED / 2 * across
            nitrogen = half * along + sign * rise * across
            spots.append(("C", centre + turned(carbon, 120.0 * third)))
            spots.append(("C", other - turned(carbon, 120.0 * third)))
            spots.append(("N", centre + turned(nitrogen, 120.0 * third)))
    return Unit(tuple(symbol for symbol, _ in spots), np.array([point for _, point in spots]), vectors)


def _seat(metal: str, host: Atoms) -> tuple[Array, tuple[int, ...]]:
    """Seat a metal between two neighbouring nitrogens of a pocket, at one distance from both.

    The next two of heptazine's pocket are 2.4 Å away, which is a bond for metals as large as titanium, and the last
    two for yttrium.
    """
    pair = nearest(host, turned((_POCKET, 0.0), OFF_CENTRE), 2, "N")
    first, second = from_middle(host)[list(pair)]
    place = apex(first, second, METAL_N + stretch(metal), (0.0, 0.0))
    reach = NOT_BONDED * float(covalent_radii[atomic_numbers[metal]] + covalent_radii[atomic_numbers["N"]])
    around = nearest(host, place, 6, "N")
    held = np.linalg.norm(from_middle(host)[list(around)] - place, axis=1) < reach
    return np.append(place, 0.0), tuple(sorted({*pair, *(a for a, near in zip(around, held, strict=True) if near)}))


HEPTAZINE: Final = family(
    Sheet(
        name="g-C3N4",
        title="a metal in the pocket of planar heptazine carbon nitride",
        unit=heptazine_unit,
        contents={"C": 6, "N": 8},
        pockets=MappingProxyType({"pocket": Pocket((0.0, 0.0), _seat)}),
        supercell=(2, 2, 6),
        shells={"N": (1.85, 2.85)},
        source={
            "source": "planar heptazine g-C3N4, P-6m2, a 7.13 Å (PBE; arXiv 2002.06995)",
            "remarks": "the metal starts between two nitrogens of different heptazines; the sheet starts flat, while "
            "corrugated forms are lower by up to 0.09 eV an atom (arXiv 2002.06995): relax it rattled, and "
            "compare supercells",
        },
        examples=({"metals": "Fe"}, {"metals": "Ni", "supercell": "3x3"}),
    )
)

C2N: Final = family(
    Sheet(
        name="C2N",
        title="a metal in the pocket of C2N, nitrogenated holey graphene",
        unit=c2n_unit,
        contents={"C": 12, "N": 6},
        pockets=MappingProxyType({"pocket": Pocket((0.0, 0.0), _seat)}),
        supercell=(1, 2, 5),
        shells={"N": (1.85, 2.25)},
        source={
            "source": "C2N, P6/mmm, a 8.33 Å (doi 10.1038/ncomms7486)",
            "remarks": "the metal is held by two nitrogens of neighbouring pyrazines",
        },
        examples=({"metals": "Co"}, {"metals": "Mn", "axial": "OH"}),
    )
)
