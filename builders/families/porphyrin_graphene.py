"""Porphyrin graphene: a metalloporphyrin in a hole of graphene, fused to it on two sides.

A pyrrolic M-N4 in a sheet. Closed graphene has no room for one: with four pyrrolic nitrogens around a hole of ten
carbons the Fe-N distance comes out at 2.41 Å, where porphyrins have 1.95 to 2.10 Å. A whole porphyrin does fit. Its
β, meso and β carbons on one side lie 2.48 Å apart, as the atoms of a zigzag edge do (2.46 Å), and both its sides bridge
a gap of four zigzag chains with bonds of 1.50 Å. The other two sides meet armchair edges, which they do not match, so
porphyrin and graphene end there in hydrogens; the bonds are those of porphyrins fused to nanoribbons
(doi 10.1038/s41557-025-01887-9).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from ase import Atoms

from atomsieve.builders import axial
from atomsieve.builders.bonding import bonds_of
from atomsieve.builders.cells import vacuum_parameter, vacuum_suffix
from atomsieve.builders.families.porphyrin_sheet import METAL_N, core
from atomsieve.builders.family import (
    METAL,
    Family,
    Parameter,
    in_order,
    recipe,
    stretch,
)
from atomsieve.builders.lattices.sheets import Unit, from_middle, in_element_order, nearest, repeated
from atomsieve.builders.lattices.supercell import parse_supercell, size_of
from atomsieve.structures.site import ActiveSite

#: Lattice constant of graphene, Å, and C-H as in benzene.
LATTICE_CONSTANT, C_H = 2.46, 1.09
#: Rectangular cells of four carbons (4.26 by 2.46 Å) along x and y: the hole needs the first, and two zigzag chains
#: and three armchair lines are left beside it.
SMALLEST, USUAL, LARGEST = (4, 8), (4, 8), (8, 14)
#: Atoms of graphene that the hole takes, and hydrogens: 20 on its rim, 6 on the porphyrin.
REMOVED, HYDROGENS = 64, 26
_BOND: Final = LATTICE_CONSTANT / np.sqrt(3)
_ORDER = ("metals", "supercell", "vacuum", "axial")


def _graphene() -> Unit:
    """Return the rectangular cell of graphene, armchair along x; the origin is between two zigzag chains."""
    half = LATTICE_CONSTANT / 2
    positions = np.array([[0.0, 0.0], [_BOND, 0.0], [1.5 * _BOND, half], [2.5 * _BOND, half]])
    return Unit(("C",) * 4, positions, np.diag([3 * _BOND, LATTICE_CONSTANT]))


@lru_cache(maxsize=64)
def _host(metal: str, supercell: str, vacuum: float) -> tuple[Atoms, tuple[tuple[int, int], ...]]:
    """Return graphene with the porphyrin in its hole, without the metal, and the bonds."""
    # The middle of the porphyrin is 3.5 bonds from the atoms of both edges that it is fused to.
    sheet = repeated(_graphene(), size_of(supercell), vacuum, (3.5 / 3, 0.0))
    x, y = np.abs(from_middle(sheet)).T
    # Beside the porphyrin both edges step back by a chain, so that hydrogens have room.
    gone = ((x < 3.4 * _BOND) & (y < 4.0)) | ((x < 4.2 * _BOND) & (y > 4.0) & (y < 8.0))
    symbols, flat = core(METAL_N + stretch(metal))
    middle = sheet.cell.array.sum(axis=0) / 2
    atoms = sheet[~gone] + Atoms(symbols, middle + np.column_stack([flat, np.zeros(len(flat))]))
    atoms = in_element_order(atoms + _hydrogens(atoms))
    return atoms, bonds_of(atoms)


def _hydrogens(atoms: Atoms) -> Atoms:
    """Return a hydrogen for each carbon with two neighbours."""
    bonds = bonds_of(atoms)
    neighbours: dict[int, list[int]] = {}
    for first, second in bonds:
        neighbours.setdefault(first, []).append(second)
        neighbours.setdefault(second, []).append(first)
    spots = []
    for atom, bonded in sorted(neighbours.items()):
        if atoms.symbols[atom] == "C" and len(bonded) == 2:
            vectors = atoms.get_distances(atom, bonded, mic=True, vector=True)
            outward = -(vectors / np.linalg.norm(vectors, axis=1)[:, None]).sum(axis=0)
            spots.append(atoms.positions[atom] + C_H * outward / np.linalg.norm(outward))
    return Atoms(["H"] * len(spots), spots)


def build(values: Mapping[str, Any]) -> ActiveSite:
    """Build a metalloporphyrin in a hole of graphene.

    Parameters
    ----------
    values : mapping
        ``metals``, ``supercell``, ``vacuum`` (Å) and ``axial``.

    Returns
    -------
    ActiveSite
        Carbon, hydrogen, nitrogen, the metal in the middle of the cell, its ligand.
    """
    (metal,) = values["metals"]
    host, bonds = _host(metal, values["supercell"], values["vacuum"])
    donors = nearest(host, (0.0, 0.0), 4, "N")
    label = f"{metal}-porphyrin{axial.suffix(values['axial'])}@graphene"
    label += f"-{values['supercell']}" if size_of(values["supercell"]) != USUAL else ""
    label += vacuum_suffix(values)
    site = ActiveSite(
        label=label,
        recipe=recipe("porphyrin-graphene", 1, values, _ORDER),
        atoms=host + Atoms([metal], [host.cell.array.sum(axis=0) / 2]),
        kind="sheet",
        metals=(len(host),),
        donors=(donors,),
        bonds=tuple(sorted({*bonds, *((donor, len(host)) for donor in donors)})),
        provenance={
            "source": "built from the graphene lattice and a porphyrin",
            "remarks": "pyrrolic nitrogens; fused on two sides as in doi 10.1038/s41557-025-01887-9",
        },
    )
    return axial.attach(site, values["axial"])


def formula(values: Mapping[str, Any]) -> Counter[str]:
    """Return what a recipe must come to, number of atoms by element."""
    n, m = size_of(values["supercell"])
    count = Counter({"C": 4 * n * m - REMOVED + 20, "H": HYDROGENS, "N": 4})
    return count + Counter(values["metals"]) + axial.composition(values["axial"])


FAMILY: Final = Family(
    name="porphyrin-graphene",
    title="a metalloporphyrin fused into a hole of graphene (pyrrolic M-N4)",
    parameters=in_order(
        METAL,
        Parameter(
            "supercell",
            "rectangular cells of four carbons, 4.26 by 2.46 Å",
            "{}x{}".format(*USUAL),
            "{}x{} to {}x{}".format(*SMALLEST, *LARGEST),
            parse_supercell(SMALLEST, LARGEST),
        ),
        vacuum_parameter(),
        axial.parameter(),
    ),
    build=build,
    formula=formula,
    shells=MappingProxyType({"N": (1.90, 2.15)}),
    examples=(
        {"metals": "Fe"},
        {"metals": "Co", "axial": "OH"},
    ),
)
