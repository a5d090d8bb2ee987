"""Graphdiyne: a metal in the triangular void between three benzenes joined by diacetylenes."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Final

import numpy as np
from ase import Atoms

from atomsieve.builders.cells import hexagonal
from atomsieve.builders.lattices.sheets import OFF_CENTRE, Pocket, Sheet, Unit, family, nearest
from atomsieve.builders.vectors import Array, turned

#: Lattice constant, Å; calculations give 9.44 (doi 10.1103/PhysRevB.58.11009) to 9.48 (doi 10.1021/nn102472s).
LATTICE_CONSTANT: Final = 9.46
#: Å: C-C of the benzene, benzene to acetylene, triple bond (planar sheet, PBE, rounded); what is left of the lattice
#: constant is the bond between both acetylenes, 1.34 Å.
BENZENE, ARM, TRIPLE = 1.43, 1.395, 1.233


def unit() -> Unit:
    """Return the cell of graphdiyne, C18, P6/mmm; a benzene is at the origin."""
    reach = np.cumsum([BENZENE, ARM, TRIPLE])
    positions = np.array([turned((r, 0.0), 60.0 * sixth) for sixth in range(6) for r in reach])
    return Unit(("C",) * 18, positions, hexagonal(LATTICE_CONSTANT))


def _corner(metal: str, host: Atoms) -> tuple[Array, tuple[int, ...]]:
    """Seat a metal between the triple bonds of two arms of a benzene, beside the middle of either.

    The arms leave the benzene at 30 degrees from the way to the metal, which fixes its distance from the four carbons
    at 2.08 Å whatever the metal.
    """
    away = (BENZENE + ARM + TRIPLE / 2) / math.cos(math.radians(30.0))
    place = turned((away, 0.0), OFF_CENTRE)
    return np.append(place, 0.0), nearest(host, place, 4)


def _centre(metal: str, host: Atoms) -> tuple[Array, tuple[int, ...]]:
    """Seat a metal in the middle of the void, 2.81 Å from the six carbons in the middle of its sides."""
    return np.zeros(3), nearest(host, (0.0, 0.0), 6)


FAMILY: Final = family(
    Sheet(
        name="graphdiyne",
        title="a metal in the triangular void of graphdiyne",
        unit=unit,
        contents={"C": 18},
        pockets=MappingProxyType(
            {"corner": Pocket((0.0, 0.0), _corner), "centre": Pocket((1 / 3, 2 / 3), _centre, "-centre")}
        ),
        choice=("site", "where in the void the metal sits"),
        supercell=(1, 2, 4),
        shells={"C": (1.95, 2.90)},
        source={
            "source": "graphdiyne, P6/mmm, a 9.46 Å (doi 10.1021/nn102472s)",
            "remarks": "at the corner two triple bonds hold the metal; at the centre nothing is near enough "
            "to, so that a metal may leave it for the corner",
        },
        examples=({"metals": "Fe"}, {"metals": "Ni", "axial": "OH"}, {"metals": "Pd", "site": "centre"}),
    )
)
