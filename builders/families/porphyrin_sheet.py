"""Porphyrin sheet: fully fused metalloporphyrins, C20N4M a cell, also called metalloporphene."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from ase import Atoms

from atomsieve.builders import axial
from atomsieve.builders.bonding import bonds_of
from atomsieve.builders.cells import nearest_four, vacuum_parameter, vacuum_suffix
from atomsieve.builders.family import REQUIRED, Family, Parameter, in_order, parse_metal, recipe, stretch
from atomsieve.builders.lattices.sheets import Unit, in_element_order, repeated
from atomsieve.builders.lattices.supercell import parse_supercell, size_of
from atomsieve.builders.vectors import Array, turned
from atomsieve.structures.errors import InputError
from atomsieve.structures.site import ActiveSite

#: Lattice constant of the square sheet, Å (GGA; doi 10.1038/s41467-023-41461-w and the work cited there).
LATTICE_CONSTANT: Final = 8.40
#: A fused porphyrin, Å and degrees: N-Cα and half of Cα-N-Cα as in porphine; Cα and N are placed for a core of this
#: radius, the nitrogens then follow the metal. How far meso and β carbons lie along the axis through the meso carbon.
N_CALPHA, HALF_ANGLE, CORE = 1.38, 53.0, 1.98
MESO, BETA, BETA_BETA = 3.46, 3.47, 1.38
#: Metal-nitrogen distance as built for cobalt, Å; others follow by their radius.
METAL_N: Final = 1.97
LARGEST: Final = 3
_ORDER = ("metals", "supercell", "vacuum", "axial")


def core(metal_nitrogen: float) -> tuple[tuple[str, ...], Array]:
    """Return a porphyrin without its metal and its hydrogens, C20N4, D4h, with the meso carbons on x and y.

    Parameters
    ----------
    metal_nitrogen : float
        Å.

    Returns
    -------
    tuple of str, ndarray of float, shape (24, 2)
        Symbols, and positions from the metal, Å.
    """
    rise = N_CALPHA * math.sin(math.radians(HALF_ANGLE))
    reach = CORE + N_CALPHA * math.cos(math.radians(HALF_ANGLE))
    alpha = turned((reach, -rise), 45.0)
    beta = np.array([BETA, BETA - BETA_BETA / math.sqrt(2)])
    mirror = np.array([1.0, -1.0])
    quarter = [
        ("N", turned((metal_nitrogen, 0.0), 45.0)),
        ("C", np.array([MESO, 0.0])),
        *(("C", point) for point in (alpha, alpha * mirror, beta, beta * mirror)),
    ]
    spots = [(symbol, turned(point, 90.0 * fourth)) for fourth in range(4) for symbol, point in quarter]
    return tuple(symbol for symbol, _ in spots), np.array([point for _, point in spots])


@lru_cache(maxsize=64)
def _whole(metal: str, supercell: str, vacuum: float) -> tuple[Atoms, tuple[tuple[int, int], ...]]:
    """Return the sheet, its metals last, and the bonds that are not the metals'."""
    symbols, positions = core(METAL_N + stretch(metal))
    unit = Unit((*symbols, metal), np.vstack([positions, np.zeros(2)]), LATTICE_CONSTANT * np.eye(2))
    atoms = repeated(unit, size_of(supercell), vacuum, (0.0, 0.0))
    occupied = np.array(atoms.symbols) == metal
    host = in_element_order(atoms[~occupied])
    return host + atoms[occupied], bonds_of(host)


def build(values: Mapping[str, Any]) -> ActiveSite:
    """Build a sheet of fused porphyrins with a metal in each, P4/mmm without ligands.

    Parameters
    ----------
    values : mapping
        ``metals``, ``supercell``, ``vacuum`` (Å) and ``axial``.

    Returns
    -------
    ActiveSite
        Carbon, nitrogen, the metals, their ligands. All metals are one element, and all count as the site's.
    """
    metal = values["metals"][0]
    atoms, bonds = _whole(metal, values["supercell"], values["vacuum"])
    metals = tuple(range(len(atoms) - len(values["metals"]), len(atoms)))
    nitrogens = np.flatnonzero(np.array(atoms.symbols) == "N")
    donors = [nearest_four(atoms, atom, nitrogens) for atom in metals]
    held = {(donor, atom) for atom, group in zip(metals, donors, strict=True) for donor in group}
    label = f"{metal}{axial.suffix(values['axial'])}-porphyrin-sheet"
    label += f"-{values['supercell']}" if values["supercell"] != "1x1" else ""
    label += vacuum_suffix(values)
    site = ActiveSite(
        label=label,
        recipe=recipe("porphyrin-sheet", 1, values, _ORDER),
        atoms=atoms.copy(),
        kind="sheet",
        metals=metals,
        donors=tuple(donors),
        bonds=tuple(sorted({*bonds, *held})),
        provenance={
            "source": "square porphene, P4/mmm, a 8.40 Å (doi 10.1038/s41467-023-41461-w)",
            "remarks": "hybrid functionals find a slightly rectangular cell with alternating bonds",
        },
    )
    return axial.attach(site, values["axial"])


def settle(values: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Name the metal once for every cell."""
    n, m = size_of(values["supercell"])
    return ({**values, "metals": [values["metals"][0]] * (n * m)},)


def formula(values: Mapping[str, Any]) -> Counter[str]:
    """Return what a recipe must come to, number of atoms by element."""
    n, m = size_of(values["supercell"])
    count = Counter({"C": 20 * n * m, "N": 4 * n * m})
    return count + Counter(values["metals"]) + axial.composition(values["axial"], n * m)


def _parse_metals(value: Any) -> tuple[list[str], ...]:
    """Read one metal, or the same metal once for every cell, as a recipe names it."""
    if not isinstance(value, list | tuple):
        return parse_metal(value)
    symbols = [metal for entry in value for (metal,) in parse_metal(entry)]
    if len(set(symbols)) != 1:
        raise InputError(f"{value!r} are different metals; all porphyrins of a sheet hold the same")
    return (symbols,)


FAMILY: Final = Family(
    name="porphyrin-sheet",
    title="a sheet of fully fused metalloporphyrins (metalloporphene)",
    parameters=in_order(
        Parameter("metals", "the metal", REQUIRED, "a transition metal of groups 3 to 12", _parse_metals),
        Parameter(
            "supercell",
            "cells along both lattice vectors, each with its metal",
            "1x1",
            f"1x1 to {LARGEST}x{LARGEST}",
            parse_supercell(1, LARGEST),
        ),
        vacuum_parameter(),
        axial.parameter(),
    ),
    build=build,
    formula=formula,
    shells=MappingProxyType({"N": (1.90, 2.15)}),
    settle=settle,
    examples=(
        {"metals": "Fe"},
        {"metals": "Co", "supercell": "2x2"},
    ),
)
