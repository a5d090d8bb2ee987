"""Ribbon: a metal in a nanoribbon of graphene, inside it, next to its edge, or in the bay of an armchair edge."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from ase import Atoms

from atomsieve.builders import axial
from atomsieve.builders.bonding import bonds_of
from atomsieve.builders.cells import folded, vacuum_parameter, vacuum_suffix
from atomsieve.builders.family import (
    METAL,
    Family,
    Parameter,
    in_order,
    one_of,
    recipe,
    stretch,
    whole_number,
)
from atomsieve.builders.lattices.sheets import apex, in_element_order
from atomsieve.builders.vectors import Array
from atomsieve.structures.errors import ParameterError
from atomsieve.structures.site import ActiveSite

#: Bond lengths, Å: graphene, and C-H as in benzene.
C_C, C_H = 1.42, 1.09
#: Metal-nitrogen distances as built for cobalt, Å: four in the plane, and two in a bay, as in complexes of
#: 1,10-phenanthroline; others follow by their radius.
METAL_N4, METAL_N2 = 1.88, 1.97
EDGES: Final = ("armchair", "zigzag")
SITES: Final = ("inside", "edge", "bay")
#: Widths (armchair: lines of dimers, zigzag: chains) and lengths (periods) that can hold a pore, by edge.
WIDTHS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType({"armchair": (5, 24), "zigzag": (4, 16)})
LENGTHS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType({"armchair": (2, 10), "zigzag": (3, 16)})
_USUAL_WIDTH, _USUAL_LENGTH = 7, 4
_ORDER = ("metals", "edge", "site", "width", "length", "vacuum", "axial")
#: Half a period of a zigzag chain, and the distance of two lines of dimers, Å.
_STEP: Final = C_C * math.sqrt(3) / 2


def period(edge: str) -> float:
    """Return the length of a ribbon's period, Å."""
    return 3 * C_C if edge == "armchair" else 2 * _STEP


def pore_row(edge: str, site: str, width: int) -> int:
    """Return the line or chain where the two carbons stood that a pore lacks, the outermost being 0.

    Next to an edge it is the first that leaves each of the four nitrogens both of its carbons.
    """
    if site == "edge":
        return 2 if edge == "armchair" else 1
    return (width - 1) // 2 if edge == "armchair" else (width - 2) // 2


def _carbons(edge: str, width: int, length: int) -> Iterator[tuple[float, float]]:
    """Yield the places of the carbons of a ribbon that lies at y from 0 on, Å."""
    for repeat in range(length):
        for row in range(width):
            start = repeat * period(edge)
            if edge == "armchair":
                start += 1.5 * C_C * (row % 2)
                yield from ((start, row * _STEP), (start + C_C, row * _STEP))
            else:
                low, high = _STEP * (row % 2), _STEP * (1 - row % 2)
                yield from ((start + low, 1.5 * C_C * row), (start + high, 1.5 * C_C * row + 0.5 * C_C))


def _neighbours(spots: Array, length: float) -> list[list[Array]]:
    """Return for each place the vectors to those a C-C bond away, images along x included, Å."""
    vectors = spots[None] - spots[:, None]
    vectors[..., 0] -= length * np.round(vectors[..., 0] / length)
    near = np.linalg.norm(vectors, axis=-1) < 1.1 * C_C
    return [[vectors[i, j] for j in np.flatnonzero(near[i]) if j != i] for i in range(len(spots))]


@lru_cache(maxsize=32)
def _host(edge: str, site: str, width: int, length: int, vacuum: float) -> tuple[Atoms, tuple[tuple[int, int], ...]]:
    """Return the ribbon without a metal, and its bonds; the pore or the bay is in the middle along x."""
    spots = np.array(list(_carbons(edge, width, length)))
    along = length * period(edge)
    neighbours = _neighbours(spots, along)
    row = 0 if site == "bay" else pore_row(edge, site, width)
    if site == "bay":
        # Between two dimers of the edge, where a third would close a hexagon.
        centre, removed, donors = np.array([2 * C_C, 0.0]), [], [(C_C, 0.0), (3 * C_C, 0.0)]
    elif edge == "armchair":
        x, y = 1.5 * C_C * (row % 2), row * _STEP
        centre, removed = np.array([x + C_C / 2, y]), [(x, y), (x + C_C, y)]
        donors = [(x + dx, y + dy) for dx in (-0.5 * C_C, 1.5 * C_C) for dy in (-_STEP, _STEP)]
    else:
        x, y = _STEP * (1 - row % 2), 1.5 * C_C * row + 0.5 * C_C
        centre, removed = np.array([x, y + C_C / 2]), [(x, y), (x, y + C_C)]
        donors = [(x + dx, y + dy) for dx in (-_STEP, _STEP) for dy in (-0.5 * C_C, 1.5 * C_C)]

    def is_one_of(spot: Array, places: list[tuple[float, float]]) -> bool:
        across = np.array(places).reshape(-1, 2) - spot
        across[:, 0] -= along * np.round(across[:, 0] / along)
        return bool((np.linalg.norm(across, axis=1) < 0.1).any())

    symbols, places = [], []
    for spot, vectors in zip(spots, neighbours, strict=True):
        if is_one_of(spot, removed):
            continue
        donor = is_one_of(spot, donors)
        symbols.append("N" if donor else "C")
        places.append(spot)
        if len(vectors) == 2 and not donor:
            outward = -(vectors[0] + vectors[1])
            symbols.append("H")
            places.append(spot + C_H * outward / np.linalg.norm(outward))

    span = float(np.ptp(np.array(places)[:, 1]))
    cell = np.diag([along, span + vacuum, vacuum])
    flat = np.array(places) - centre
    flat[:, 0] = folded(flat[:, 0] / along + 0.5) * along
    flat[:, 1] += (cell[1, 1] - span) / 2 - flat[:, 1].min()
    positions = np.column_stack([flat, np.full(len(flat), vacuum / 2)])
    atoms = in_element_order(Atoms(symbols, positions, cell=cell, pbc=(True, False, False)))
    return atoms, bonds_of(atoms)


def build(values: Mapping[str, Any]) -> ActiveSite:
    """Build a metal in a ribbon that lies in the xy plane and is periodic along x.

    Parameters
    ----------
    values : mapping
        ``metals``, ``edge``, ``site``, ``width``, ``length``, ``vacuum`` (Å) and ``axial``.

    Returns
    -------
    ActiveSite
        Carbon, hydrogen, nitrogen, the metal, its ligand; the ribbon in the middle of the cell.
    """
    (metal,) = values["metals"]
    edge, site, width, length = (values[key] for key in ("edge", "site", "width", "length"))
    host, bonds = _host(edge, site, width, length, values["vacuum"])
    positions = host.positions.copy()
    donors = [atom for atom in range(len(host)) if host.symbols[atom] == "N"]
    middle = positions[donors].mean(axis=0)
    if site == "bay":
        first, second = positions[donors][:, :2]
        metal_place = np.append(apex(first, second, METAL_N2 + stretch(metal), middle[:2] - (0.0, 1.0)), middle[2])
    else:
        outward = positions[donors] - middle
        reach = METAL_N4 + stretch(metal)
        positions[donors] = middle + reach * outward / np.linalg.norm(outward, axis=1)[:, None]
        metal_place = middle
    atoms = Atoms(host.numbers, positions, cell=host.cell, pbc=host.pbc) + Atoms([metal], [metal_place])

    kind = "N2" if site == "bay" else "N4"
    label = f"{metal}-{kind}{axial.suffix(values['axial'])}@{edge}-ribbon"
    label += {"inside": "", "edge": "-edge", "bay": "-bay"}[site]
    if (width, length) != (_USUAL_WIDTH, _USUAL_LENGTH):
        label += f"-w{width}-l{length}"
    label += vacuum_suffix(values)
    built = ActiveSite(
        label=label,
        recipe=recipe("ribbon", 1, values, _ORDER),
        atoms=atoms,
        kind="ribbon",
        metals=(len(host),),
        donors=(tuple(donors),),
        bonds=tuple(sorted({*bonds, *((donor, len(host)) for donor in donors)})),
        provenance={
            "source": "built from the graphene lattice and the parameters of the recipe",
            "remarks": "metal-donor distances follow the metal's covalent radius (doi 10.1039/b801115j)",
        },
    )
    return axial.attach(built, values["axial"])


def settle(values: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Refuse a ribbon that cannot hold its pore, and call a pore that is no nearer to an edge ``inside``."""
    edge, site, width, length = (values[key] for key in ("edge", "site", "width", "length"))
    if site == "bay" and edge == "zigzag":
        raise ParameterError(
            "site", "a zigzag edge has no bay for a metal; write edge: armchair, or site: inside or edge"
        )
    for name, value, bounds in (("width", width, WIDTHS[edge]), ("length", length, LENGTHS[edge])):
        if not bounds[0] <= value <= bounds[1]:
            raise ParameterError(
                name,
                f"{value} does not suit {'an' if edge[0] == 'a' else 'a'} {edge} ribbon; "
                f"allowed: {bounds[0]} to {bounds[1]}",
            )
    if site == "edge" and pore_row(edge, "inside", width) <= pore_row(edge, "edge", width):
        return ({**values, "site": "inside"},)
    return (values,)


def formula(values: Mapping[str, Any]) -> Counter[str]:
    """Return what a recipe must come to, number of atoms by element.

    Both edges carry one hydrogen on each carbon: two a period and edge for armchair, one for zigzag. A pore takes six
    carbons for four nitrogens, a bay two CH for two nitrogens.
    """
    width, length = values["width"], values["length"]
    count = Counter({"C": 2 * width * length, "H": (4 if values["edge"] == "armchair" else 2) * length})
    count.update({"C": -2, "H": -2, "N": 2} if values["site"] == "bay" else {"C": -6, "N": 4})
    return count + Counter(values["metals"]) + axial.composition(values["axial"])


def _bounds(by_edge: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    return min(low for low, _ in by_edge.values()), max(high for _, high in by_edge.values())


def _ranges(by_edge: Mapping[str, tuple[int, int]]) -> str:
    return ", ".join(f"{low} to {high} for {edge}" for edge, (low, high) in by_edge.items())


FAMILY: Final = Family(
    name="ribbon",
    title="a metal in a graphene nanoribbon, or at its edge",
    parameters=in_order(
        METAL,
        Parameter("edge", "the edges of the ribbon", "armchair", ", ".join(EDGES), one_of(*EDGES, what="edge")),
        Parameter(
            "site",
            "where the metal is: four nitrogens in the middle or next to the edge, two in the bay of an armchair edge",
            "inside",
            ", ".join(SITES),
            one_of(*SITES, what="site"),
        ),
        Parameter(
            "width", "lines of dimers, or zigzag chains", _USUAL_WIDTH, _ranges(WIDTHS), whole_number(*_bounds(WIDTHS))
        ),
        Parameter(
            "length", "periods along the ribbon", _USUAL_LENGTH, _ranges(LENGTHS), whole_number(*_bounds(LENGTHS))
        ),
        vacuum_parameter(),
        axial.parameter(),
    ),
    build=build,
    formula=formula,
    shells=MappingProxyType({"N": (1.80, 2.15)}),
    settle=settle,
    examples=(
        {"metals": "Fe", "edge": "armchair", "site": "inside", "length": 3},
        {"metals": "Fe", "edge": "zigzag", "site": "edge"},
        {"metals": "Co", "edge": "armchair", "site": "bay", "length": 3},
    ),
)
