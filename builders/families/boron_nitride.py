"""Boron nitride: a metal above a boron or a nitrogen vacancy of a hexagonal BN sheet."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Final

import numpy as np
from ase import Atoms

from atomsieve.builders.cells import hexagonal
from atomsieve.builders.family import stretch
from atomsieve.builders.lattices.sheets import Pocket, Seat, Sheet, Unit, family, from_middle, nearest
from atomsieve.builders.vectors import Array

#: Lattice constant of hexagonal boron nitride at room temperature, Å (doi 10.1007/s003390100999).
LATTICE_CONSTANT: Final = 2.504
#: Distance of a metal from its three donors as built for cobalt, Å, by donor; others follow by their radius.
LENGTHS: Final = MappingProxyType({"N": 1.85, "B": 2.00})
_SITES: Final = MappingProxyType({"B": (1 / 3, 2 / 3), "N": (2 / 3, 1 / 3)})


def unit() -> Unit:
    """Return the cell of a BN sheet, P-6m2."""
    vectors = hexagonal(LATTICE_CONSTANT)
    return Unit(("B", "N"), np.array([_SITES["B"], _SITES["N"]]) @ vectors, vectors)


def _without_middle(host: Atoms) -> Atoms:
    """Take out the atom in the middle of the cell."""
    return host[np.linalg.norm(from_middle(host), axis=1) > 0.1]


def _above(donor: str) -> Seat:
    """Return the seat above a vacancy, whose three neighbours stay on the lattice."""

    def seat(metal: str, host: Atoms) -> tuple[Array, tuple[int, ...]]:
        height = math.sqrt((LENGTHS[donor] + stretch(metal)) ** 2 - LATTICE_CONSTANT**2 / 3)
        return np.array([0.0, 0.0, height]), nearest(host, (0.0, 0.0), 3)

    return seat


FAMILY: Final = family(
    Sheet(
        name="BN",
        title="a metal above a vacancy of a hexagonal boron nitride sheet",
        unit=unit,
        contents={"B": 1, "N": 1},
        pockets=MappingProxyType(
            {
                "B": Pocket(_SITES["B"], _above("N"), "-VB", _without_middle, {"B": -1}),
                "N": Pocket(_SITES["N"], _above("B"), "-VN", _without_middle, {"N": -1}),
            }
        ),
        choice=("vacancy", "the element that the metal stands for"),
        supercell=(3, 4, 12),
        shells={"N": (1.75, 2.05), "B": (1.90, 2.25)},
        # A ligand on the far face would have to pass through the vacancy.
        ligands=False,
        source={"source": "h-BN, P-6m2, a 2.504 Å (doi 10.1007/s003390100999)"},
        examples=({"metals": "Fe", "vacancy": "B"}, {"metals": "Co", "vacancy": "N"}),
    )
)
