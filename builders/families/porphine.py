"""Porphine: a metal in the smallest porphyrin, C20H12N4M, as a molecule."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ase import Atoms
from ase.data import atomic_numbers

from atomsieve.builders.family import REQUIRED, Family, Parameter, parse_metal, recipe, stretch
from atomsieve.structures.site import ActiveSite

#: Internal geometry of the macrocycle, Å and degrees: averages over crystal structures of metalloporphyrins
#: (W. R. Scheidt and Y. J. Lee, Structure and Bonding 64 (1987) 1), rounded; C-H as in benzene.
N_CALPHA: Final = 1.38
CALPHA_CBETA: Final = 1.44
CBETA_CBETA: Final = 1.36
CALPHA_CMESO: Final = 1.38
C_H: Final = 1.08
CALPHA_N_CALPHA: Final = 105.0
#: Metal-nitrogen distance as built for cobalt; others follow by their radius.
METAL_N: Final = 1.95

_SCHEMA = 1
# Elements of a quarter: N, both Cα, both Cβ, Cmeso, both H on Cβ, H on Cmeso; then the order of the whole molecule.
_QUARTER = ("N", "C", "C", "C", "C", "C", "H", "H", "H")
_QUARTER_BONDS = ((0, 1), (0, 2), (1, 3), (2, 4), (3, 4), (1, 5), (3, 6), (4, 7), (5, 8))


def _quarter(metal_nitrogen: float) -> npt.NDArray[np.float64]:
    """Place one pyrrole on the x axis and the meso carbon that follows it anticlockwise."""
    half_angle = math.radians(CALPHA_N_CALPHA / 2)
    alpha = np.array([metal_nitrogen + N_CALPHA * math.cos(half_angle), N_CALPHA * math.sin(half_angle)])
    rise = alpha[1] - CBETA_CBETA / 2
    beta = np.array([alpha[0] + math.sqrt(CALPHA_CBETA**2 - rise**2), CBETA_CBETA / 2])
    # The meso carbon lies on the diagonal (m, m), the outer of the two points at its distance from Cα.
    mean, spread = alpha.mean(), (alpha[0] - alpha[1]) / 2
    meso = np.full(2, mean + math.sqrt(CALPHA_CMESO**2 / 2 - spread**2))

    def hydrogen(atom: npt.NDArray[np.float64], *neighbours: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        outward = sum(((atom - other) / np.linalg.norm(atom - other) for other in neighbours), np.zeros(2))
        return np.asarray(atom + C_H * outward / np.linalg.norm(outward))

    mirror = np.array([1.0, -1.0])
    beta_hydrogen = hydrogen(beta, alpha, beta * mirror)
    meso_hydrogen = hydrogen(meso, alpha, alpha[::-1])
    rows = [[metal_nitrogen, 0.0], alpha, alpha * mirror, beta, beta * mirror, meso]
    return np.array([*rows, beta_hydrogen, beta_hydrogen * mirror, meso_hydrogen])


@cache
def _order() -> tuple[tuple[int, ...], tuple[tuple[int, int], ...]]:
    """Sort the atoms of four quarters into C, H, N, and return the bonds with the metal (last) in that order."""
    symbols = _QUARTER * 4
    order = tuple(sorted(range(36), key=lambda atom: ("C", "H", "N").index(symbols[atom])))
    place = {atom: position for position, atom in enumerate(order)}
    pairs = [(9 * q + i, 9 * q + j) for q in range(4) for i, j in _QUARTER_BONDS]
    pairs += [(9 * q + 5, 9 * ((q + 1) % 4) + 2) for q in range(4)]
    bonds = [tuple(sorted((place[i], place[j]))) for i, j in pairs] + [(place[9 * q], 36) for q in range(4)]
    return order, tuple(sorted((i, j) for i, j in bonds))


def build(values: Mapping[str, Any]) -> ActiveSite:
    """Build a metalloporphine: planar, fourfold symmetric (D4h), centred on its metal, in no cell.

    Parameters
    ----------
    values : mapping
        ``metals``.

    Returns
    -------
    ActiveSite
        Carbon, hydrogen, nitrogen, the metal last.
    """
    (metal,) = values["metals"]
    quarter = _quarter(METAL_N + stretch(metal))
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    flat = np.vstack([quarter @ np.linalg.matrix_power(turn, q) for q in range(4)])
    order, bonds = _order()
    positions = np.zeros((37, 3))
    positions[:36, :2] = flat[list(order)]
    numbers = [atomic_numbers[(_QUARTER * 4)[atom]] for atom in order] + [atomic_numbers[metal]]
    return ActiveSite(
        label=f"{metal}-porphine",
        recipe=recipe("porphine", _SCHEMA, values, ("metals",)),
        atoms=Atoms(numbers=numbers, positions=positions, pbc=False),
        kind="cluster",
        metals=(36,),
        donors=((32, 33, 34, 35),),
        bonds=bonds,
        provenance={
            "source": "bond lengths of metalloporphyrins, W. R. Scheidt and Y. J. Lee, Struct. Bonding 64 (1987) 1",
            "remarks": "metal-nitrogen distances follow the metal's covalent radius (doi 10.1039/b801115j)",
        },
    )


def formula(values: Mapping[str, Any]) -> Counter[str]:
    """Return what a recipe must come to, number of atoms by element."""
    return Counter({"C": 20, "H": 12, "N": 4}) + Counter(values["metals"])


FAMILY: Final = Family(
    name="porphine",
    title="a metalloporphine molecule",
    parameters=MappingProxyType(
        {"metals": Parameter("metals", "the metal", REQUIRED, "a transition metal of groups 3 to 12", parse_metal)}
    ),
    build=build,
    formula=formula,
    shells=MappingProxyType({"N": (1.88, 2.15)}),
    schema=_SCHEMA,
)
