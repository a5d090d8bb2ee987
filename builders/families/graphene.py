"""Graphene: a metal in a vacancy of a nitrogen-doped graphene sheet."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ase import Atoms
from ase.data import atomic_numbers

from atomsieve.builders.family import REQUIRED, Family, Parameter, number_between, parse_metal, recipe, stretch, written
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.site import ActiveSite

#: Lattice constant of graphene, Å (experiment: 2.46).
LATTICE_CONSTANT: Final = 2.46
#: Height of the cell, Å.
VACUUM: Final = 15.0
#: Primitive cells along each lattice vector.
SMALLEST, LARGEST = 3, 12
#: The elements at the rim of the vacancy, anticlockwise from the first donor. Neighbours 0-1 and 2-3 of a double
#: vacancy close a five-membered ring with the metal, 1-2 and 3-0 a six-membered one.
PORES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "N4": ("N", "N", "N", "N"),
        "N3C1": ("N", "N", "C", "N"),
        "N2C2-trans": ("N", "C", "N", "C"),
        "N2C2-cis5": ("N", "N", "C", "C"),
        "N2C2-cis6": ("N", "C", "C", "N"),
        "N3": ("N", "N", "N"),
    }
)
#: A name that stands for several coordinations.
GROUPS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"N2C2": tuple(name for name in PORES if name.startswith("N2C2-"))}
)
# Metal-donor distances as built for cobalt, Å: in the plane of a double vacancy, and above a single one, whose donors
# stand 1.48 Å from its centre. Others follow by their radius.
_IN_PLANE, _RAISED, _RIM = 1.88, 1.85, 1.48
_ORDER = ("metals", "coordination", "supercell", "lattice_constant", "vacuum")
_SCHEMA = 1

# Atoms A (1/3, 2/3) and B (2/3, 1/3) of the primitive cell at 120 degrees, and from each the cells of its neighbours.
_BASIS = ((1 / 3, 2 / 3), (2 / 3, 1 / 3))
_NEIGHBOURS_OF_A = ((0, 0), (-1, 0), (0, 1))
_DOUBLE_RIM = ((0, 1, 0), (1, 0, 1), (1, -1, 0), (0, 0, -1))
_SINGLE_RIM = ((1, 0, 0), (1, 0, 1), (1, -1, 0))


@dataclass(frozen=True)
class _Host:
    """The sheet with its pore, without a metal; shared by all metals, so never changed."""

    numbers: npt.NDArray[np.int64]
    positions: npt.NDArray[np.float64]
    cell: npt.NDArray[np.float64]
    centre: npt.NDArray[np.float64]
    outward: npt.NDArray[np.float64]
    donors: tuple[int, ...]
    bonds: tuple[tuple[int, int], ...]


def size(supercell: str) -> tuple[int, int]:
    """Return the primitive cells along each lattice vector of a supercell as recipes write it."""
    first, second = supercell.split("x")
    return int(first), int(second)


@lru_cache(maxsize=64)
def _host(coordination: str, supercell: str, lattice_constant: float, vacuum: float) -> _Host:
    rim = PORES[coordination]
    double = len(rim) == 4
    n, m = size(supercell)
    vacancy = [(0, 0, 0), (1, 0, 0)] if double else [(0, 0, 0)]
    middle = (0.5, 0.5) if double else _BASIS[0]
    donor_keys = [(s, i % n, j % m) for s, i, j in (_DOUBLE_RIM if double else _SINGLE_RIM)]

    doped = {key: element for key, element in zip(donor_keys, rim, strict=True) if element != "C"}
    keys = [(s, i, j) for i in range(n) for j in range(m) for s in (0, 1) if (s, i, j) not in vacancy]
    keys.sort(key=doped.__contains__)
    index = {key: position for position, key in enumerate(keys)}
    numbers = np.array([atomic_numbers[doped.get(key, "C")] for key in keys])

    # The metal stands in the middle of the cell; the small shift keeps atoms on the border of the cell on one side.
    fractions = np.array([((i + _BASIS[s][0] - middle[0]) / n, (j + _BASIS[s][1] - middle[1]) / m) for s, i, j in keys])
    fractions = (fractions + 0.5 + 1e-9) % 1.0 - 1e-9
    cell = np.array(
        [
            [n * lattice_constant, 0.0, 0.0],
            [-0.5 * m * lattice_constant, 0.5 * math.sqrt(3) * m * lattice_constant, 0.0],
            [0.0, 0.0, vacuum],
        ]
    )
    positions = np.column_stack([fractions, np.full(len(keys), 0.5)]) @ cell
    centre = np.array([0.5, 0.5, 0.5]) @ cell

    donors = tuple(index[key] for key in donor_keys)
    rim_vectors = positions[list(donors)] - centre
    bonds = {
        (min(pair), max(pair))
        for i in range(n)
        for j in range(m)
        for di, dj in _NEIGHBOURS_OF_A
        if (0, i, j) in index and (other := (1, (i + di) % n, (j + dj) % m)) in index
        for pair in [(index[0, i, j], index[other])]
    }
    return _Host(
        numbers=np.append(numbers, 0),
        positions=np.vstack([positions, centre]),
        cell=cell,
        centre=centre,
        outward=rim_vectors / np.linalg.norm(rim_vectors, axis=1)[:, None],
        donors=donors,
        bonds=tuple(sorted(bonds | {(donor, len(keys)) for donor in donors})),
    )


def build(values: Mapping[str, Any]) -> ActiveSite:
    """Build a metal in N-doped graphene.

    The rim of the pore is moved so that the metal's bonds have a sensible length; all else stands on the lattice.
    Nothing is displaced at random: a symmetric site stays symmetric until a calculation breaks it.

    Parameters
    ----------
    values : mapping
        ``metals``, ``coordination``, ``supercell``, ``lattice_constant`` and ``vacuum`` (Å).

    Returns
    -------
    ActiveSite
        Carbon first, then nitrogen, the metal last; the sheet in the middle of the cell.
    """
    (metal,) = values["metals"]
    coordination, supercell = values["coordination"], values["supercell"]
    lattice_constant, vacuum = values["lattice_constant"], values["vacuum"]
    host = _host(coordination, supercell, lattice_constant, vacuum)
    scale = lattice_constant / LATTICE_CONSTANT

    numbers, positions = host.numbers.copy(), host.positions.copy()
    numbers[-1] = atomic_numbers[metal]
    if len(host.donors) == 4:
        rim = (_IN_PLANE + stretch(metal)) * scale
    else:
        rim = _RIM * scale
        positions[-1, 2] += math.sqrt((_RAISED + stretch(metal)) ** 2 - rim**2)
    positions[list(host.donors)] = host.centre + rim * host.outward

    label = f"{metal}-{coordination}@graphene-{supercell}"
    label += f"-a{written(lattice_constant)}" if lattice_constant != LATTICE_CONSTANT else ""
    label += f"-c{written(vacuum)}" if vacuum != VACUUM else ""
    return ActiveSite(
        label=label,
        recipe=recipe("graphene", _SCHEMA, values, _ORDER),
        atoms=Atoms(numbers=numbers, positions=positions, cell=host.cell, pbc=True),
        kind="sheet",
        metals=(len(numbers) - 1,),
        donors=(host.donors,),
        bonds=host.bonds,
        provenance={
            "source": "built from the graphene lattice and the parameters of the recipe",
            "remarks": "metal-donor distances follow the metal's covalent radius (doi 10.1039/b801115j)",
        },
    )


def _parse_coordination(value: Any) -> tuple[str, ...]:
    if value in tuple(PORES):
        return (str(value),)
    if value in tuple(GROUPS):
        return GROUPS[str(value)]
    raise InputError(unknown(value, (*PORES, *GROUPS), "coordination"))


def _parse_supercell(value: Any) -> tuple[str]:
    match = (
        re.fullmatch(r"\s*([0-9]{1,4})\s*[x×]\s*([0-9]{1,4})\s*", value, re.IGNORECASE)
        if isinstance(value, str)
        else None
    )
    if match is None:
        raise InputError(f"{value!r} is not a supercell; write the primitive cells along both lattice vectors, as 4x4")
    n, m = int(match[1]), int(match[2])
    if min(n, m) < SMALLEST:
        raise InputError(
            f"{n}x{m} is too small: the site would touch its periodic image; write at least {SMALLEST}x{SMALLEST}"
        )
    if max(n, m) > LARGEST:
        raise InputError(f"{n}x{m} is too large; write at most {LARGEST}x{LARGEST}")
    return (f"{n}x{m}",)


def formula(values: Mapping[str, Any]) -> Counter[str]:
    """Return what a recipe must come to, number of atoms by element."""
    n, m = size(values["supercell"])
    donors = values["coordination"].split("-")[0]
    nitrogen = int(donors[1])
    carbon_donors = int(donors[3]) if len(donors) > 2 else 0
    missing = 2 if nitrogen + carbon_donors == 4 else 1
    return Counter({"C": 2 * n * m - missing - nitrogen, "N": nitrogen}) + Counter(values["metals"])


FAMILY: Final = Family(
    name="graphene",
    title="a metal in a vacancy of nitrogen-doped graphene",
    parameters=MappingProxyType(
        {
            parameter.name: parameter
            for parameter in (
                Parameter("metals", "the metal", REQUIRED, "a transition metal of groups 3 to 12", parse_metal),
                Parameter(
                    "coordination",
                    "the atoms that hold the metal",
                    "N4",
                    f"{', '.join(PORES)}; N2C2 stands for all three of its isomers",
                    _parse_coordination,
                ),
                Parameter(
                    "supercell",
                    "primitive cells along both lattice vectors",
                    "4x4",
                    f"{SMALLEST}x{SMALLEST} to {LARGEST}x{LARGEST}",
                    _parse_supercell,
                ),
                Parameter(
                    "lattice_constant",
                    "lattice constant of graphene, Å",
                    LATTICE_CONSTANT,
                    "2.3 to 2.6",
                    number_between(2.3, 2.6, "Å"),
                ),
                Parameter("vacuum", "height of the cell, Å", VACUUM, "15 to 40", number_between(15.0, 40.0, "Å")),
            )
        }
    ),
    build=build,
    formula=formula,
    shells=MappingProxyType({"N": (1.70, 2.20), "C": (1.70, 2.20)}),
    schema=_SCHEMA,
)
