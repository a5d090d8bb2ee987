"""Macrocycle: a metal in a porphyrin or phthalocyanine, as a molecule."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ase import Atoms
from ase.data import atomic_numbers

from atomsieve.builders import axial
from atomsieve.builders.families.ligands import growth
from atomsieve.builders.family import REQUIRED, Family, Parameter, in_order, parse_metal, recipe, stretch
from atomsieve.builders.oxidation import neutral
from atomsieve.structures.site import ActiveSite

Array = npt.NDArray[np.float64]

#: Å; C-H and the C-C of benzene.
C_H: Final = 1.08
C_C: Final = 1.39
#: Å and degrees; the bond from the macrocycle to a phenyl, and by how much that is turned out of the plane. Neighbours
#: turn to opposite sides, so that both faces of the metal are alike (D2d).
C_PHENYL: Final = 1.49
PHENYL_TURN: Final = 70.0

_SCHEMA = 1
_ORDER = ("metals", "axial")
_SCHEIDT = "W. R. Scheidt and Y. J. Lee, Struct. Bonding 64 (1987) 1"


@dataclass(frozen=True)
class Macrocycle:
    """Internal geometry of a fourfold macrocycle, Å and degrees.

    Parameters
    ----------
    title : str
        What it is.
    ion : str
        The macrocycle without its metal, of charge -2.
    formula : mapping of str to int
        Its atoms by element.
    metal_nitrogen : callable
        From the symbol of the metal to its distance from nitrogen.
    shell : (float, float)
        Shortest and longest such distance.
    source : str
        Of the numbers.
    n_alpha, alpha_beta, beta_beta, alpha_bridge, alpha_n_alpha : float
        Bond lengths and the angle at nitrogen.
    bridge : {"C", "N"}
        What links the pyrroles.
    benzo : bool
        A benzene ring is fused to each pyrrole.
    phenyl : bool
        The bridges carry phenyls.
    """

    title: str
    ion: str
    formula: Mapping[str, int]
    metal_nitrogen: Callable[[str], float]
    shell: tuple[float, float]
    source: str
    n_alpha: float = 1.38
    alpha_beta: float = 1.44
    beta_beta: float = 1.36
    alpha_bridge: float = 1.38
    alpha_n_alpha: float = 105.0
    bridge: str = "C"
    benzo: bool = False
    phenyl: bool = False


# Averages over crystal structures of metalloporphyrins, rounded, are the defaults above.
_MACROCYCLES: Final[Mapping[str, Macrocycle]] = MappingProxyType(
    {
        "porphine": Macrocycle(
            title="a metalloporphine molecule",
            ion="porphyrinate",
            formula={"C": 20, "H": 12, "N": 4},
            # Metals as large as the covalent radius says: what recipes of this family have always stood for.
            metal_nitrogen=lambda metal: 1.95 + stretch(metal),
            shell=(1.88, 2.15),
            source=f"bond lengths of metalloporphyrins, {_SCHEIDT}",
        ),
        "tetraphenylporphyrin": Macrocycle(
            title="a metal tetraphenylporphyrin molecule",
            ion="tetraphenylporphyrinate",
            formula={"C": 44, "H": 28, "N": 4},
            metal_nitrogen=lambda metal: 1.95 + growth(metal),
            shell=(1.88, 2.15),
            source=f"bond lengths of metalloporphyrins, {_SCHEIDT}",
            phenyl=True,
        ),
        "tetrabenzoporphyrin": Macrocycle(
            title="a metal tetrabenzoporphyrin molecule, the pyrrolic flake",
            ion="tetrabenzoporphyrinate",
            formula={"C": 36, "H": 20, "N": 4},
            metal_nitrogen=lambda metal: 1.95 + growth(metal),
            shell=(1.88, 2.15),
            source=f"bond lengths of metalloporphyrins, {_SCHEIDT}; fused rings as in phthalocyanines",
            beta_beta=1.40,
            benzo=True,
        ),
        "phthalocyanine": Macrocycle(
            title="a metal phthalocyanine molecule",
            ion="phthalocyaninate",
            formula={"C": 32, "H": 16, "N": 8},
            # The smaller, stiffer hole gives way by little more than half of what a porphyrin's does: Zn 1.98.
            metal_nitrogen=lambda metal: 1.91 + 0.6 * growth(metal),
            shell=(1.85, 2.05),
            source=(
                "rounded bond lengths of crystalline phthalocyanines, J. F. Kirner, W. Dow and W. R. Scheidt, "
                "Inorg. Chem. 15 (1976) 1685, and works cited there"
            ),
            alpha_beta=1.45,
            beta_beta=1.40,
            alpha_bridge=1.33,
            alpha_n_alpha=107.5,
            bridge="N",
            benzo=True,
        ),
    }
)


def _unit(vector: Array) -> Array:
    return np.asarray(vector / np.linalg.norm(vector))


def _hydrogen(atom: Array, *neighbours: Array) -> Array:
    """Return the hydrogen of an atom of a ring, away from its neighbours."""
    outward = sum((_unit(atom - other) for other in neighbours), np.zeros(len(atom)))
    return np.asarray(atom + C_H * _unit(outward))


@dataclass
class _Quarter:
    """Atoms of a quarter as they are put there."""

    symbols: list[str]
    positions: list[Array]
    bonds: list[tuple[int, int]]

    def put(self, symbol: str, position: Array, *neighbours: int) -> int:
        self.symbols.append(symbol)
        self.positions.append(np.append(position, 0.0) if len(position) == 2 else position)
        self.bonds += [(neighbour, len(self.symbols) - 1) for neighbour in neighbours]
        return len(self.symbols) - 1


def _quarter(shape: Macrocycle, metal_nitrogen: float, turn: float) -> _Quarter:
    """Place one pyrrole on the x axis, the bridge that follows it anticlockwise, and what they carry."""
    mirror = np.array([1.0, -1.0])
    half_angle = math.radians(shape.alpha_n_alpha / 2)
    alpha = np.array([metal_nitrogen + shape.n_alpha * math.cos(half_angle), shape.n_alpha * math.sin(half_angle)])
    rise = alpha[1] - shape.beta_beta / 2
    beta = np.array([alpha[0] + math.sqrt(shape.alpha_beta**2 - rise**2), shape.beta_beta / 2])
    # The bridge lies on the diagonal (m, m), the outer of the two points at its distance from Cα.
    mean, spread = alpha.mean(), (alpha[0] - alpha[1]) / 2
    bridge = np.full(2, mean + math.sqrt(shape.alpha_bridge**2 / 2 - spread**2))

    quarter = _Quarter([], [], [])
    nitrogen = quarter.put("N", np.array([metal_nitrogen, 0.0]))
    first, second = quarter.put("C", alpha, nitrogen), quarter.put("C", alpha * mirror, nitrogen)
    third = quarter.put("C", beta, first)
    fourth = quarter.put("C", beta * mirror, second, third)
    meso = quarter.put(shape.bridge, bridge, first)
    if shape.benzo:
        gamma = beta + C_C * np.array([math.sqrt(3) / 2, 0.5])
        delta = np.array([gamma[0] + math.sqrt(C_C**2 - (gamma[1] - C_C / 2) ** 2), C_C / 2])
        fifth, sixth = quarter.put("C", gamma, third), quarter.put("C", gamma * mirror, fourth)
        seventh = quarter.put("C", delta, fifth)
        eighth = quarter.put("C", delta * mirror, sixth, seventh)
        inner, outer = _hydrogen(gamma, beta, delta), _hydrogen(delta, gamma, delta * mirror)
        rim = [(inner, fifth), (inner * mirror, sixth), (outer, seventh), (outer * mirror, eighth)]
    else:
        hydrogen = _hydrogen(beta, alpha, beta * mirror)
        rim = [(hydrogen, third), (hydrogen * mirror, fourth)]
    for position, carrier in rim:
        quarter.put("H", position, carrier)
    if shape.phenyl:
        _put_phenyl(quarter, meso, turn)
    elif shape.bridge == "C":
        quarter.put("H", _hydrogen(bridge, alpha, alpha[::-1]), meso)
    return quarter


def _put_phenyl(quarter: _Quarter, meso: int, turn: float) -> None:
    """Put a phenyl on a bridge, turned out of the plane about its bond (radians)."""
    out = np.array([1.0, 1.0, 0.0]) / math.sqrt(2)
    across = np.array([-math.cos(turn), math.cos(turn), 0.0]) / math.sqrt(2) + np.array([0.0, 0.0, math.sin(turn)])
    ipso = quarter.positions[meso] + C_PHENYL * out
    centre = ipso + C_C * out
    corners = [math.radians(180.0 - 60.0 * k) for k in range(6)]
    spokes = [math.cos(corner) * out + math.sin(corner) * across for corner in corners]
    ring = [quarter.put("C", ipso, meso)]
    for spoke in spokes[1:]:
        ring.append(quarter.put("C", centre + C_C * spoke, ring[-1]))
    quarter.bonds.append((ring[0], ring[-1]))
    for carbon, spoke in zip(ring[1:], spokes[1:], strict=True):
        quarter.put("H", centre + (C_C + C_H) * spoke, carbon)


@cache
def _molecule(name: str, metal_nitrogen: float) -> tuple[Atoms, tuple[int, ...], tuple[tuple[int, int], ...]]:
    """Return the macrocycle about the origin, sorted into C, H, N, its donors, and its bonds with the metal, the last.

    Shared by all sites, so never changed.
    """
    shape = _MACROCYCLES[name]
    symbols: list[str] = []
    rows, bonds, starts = [], [], []
    anticlockwise = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    for q in range(4):
        quarter = _quarter(shape, metal_nitrogen, math.radians(PHENYL_TURN) * (-1) ** q)
        starts.append(len(symbols))
        bonds += [(starts[q] + i, starts[q] + j) for i, j in quarter.bonds]
        rows.append(np.array(quarter.positions) @ np.linalg.matrix_power(anticlockwise, q))
        symbols += quarter.symbols
    # The bridge (5) of each quarter holds the second Cα (2) of the next.
    bonds += [(starts[q] + 5, starts[(q + 1) % 4] + 2) for q in range(4)]
    bonds += [(start, len(symbols)) for start in starts]
    order = sorted(range(len(symbols)), key=lambda atom: ("C", "H", "N").index(symbols[atom]))
    place = {atom: position for position, atom in enumerate([*order, len(symbols)])}
    renamed = sorted((min(place[i], place[j]), max(place[i], place[j])) for i, j in bonds)
    atoms = Atoms([symbols[atom] for atom in order], np.vstack(rows)[order])
    return atoms, tuple(place[start] for start in starts), tuple(renamed)


def build(name: str, values: Mapping[str, Any]) -> ActiveSite:
    """Build a metal in a macrocycle: planar but for phenyls, centred on its metal, in no cell.

    Parameters
    ----------
    name : str
        The macrocycle.
    values : mapping
        ``metals`` and ``axial``.

    Returns
    -------
    ActiveSite
        Carbon, hydrogen, nitrogen, the metal, then the axial ligand.
    """
    (metal,) = values["metals"]
    shape = _MACROCYCLES[name]
    ring, donors, bonds = _molecule(name, shape.metal_nitrogen(metal))
    atoms = Atoms(
        numbers=[*ring.numbers, atomic_numbers[metal]],
        positions=np.vstack([ring.positions, np.zeros((1, 3))]),
        pbc=False,
    )
    site = ActiveSite(
        label=f"{metal}-{name}{axial.suffix(values['axial'])}",
        recipe=recipe(name, _SCHEMA, values, _ORDER),
        atoms=atoms,
        kind="cluster",
        metals=(len(ring),),
        donors=(donors,),
        bonds=bonds,
        ledger=neutral(metal, shape.ion, -2, {}, values["axial"]),
        provenance={"source": shape.source, "remarks": "metal-nitrogen distances follow the size of the metal"},
    )
    return axial.attach(site, values["axial"])


def formula(name: str, values: Mapping[str, Any]) -> Counter[str]:
    """Return what a recipe must come to, number of atoms by element."""
    return Counter(_MACROCYCLES[name].formula) + Counter(values["metals"]) + axial.composition(values["axial"])


def _family(name: str) -> Family:
    shape = _MACROCYCLES[name]
    return Family(
        name=name,
        title=shape.title,
        parameters=in_order(
            Parameter("metals", "the metal", REQUIRED, "a transition metal of groups 3 to 12", parse_metal),
            axial.parameter(),
        ),
        build=partial(build, name),
        formula=partial(formula, name),
        shells=MappingProxyType({"N": shape.shell}),
        examples=({"family": name, "metals": "Co"}, {"family": name, "metals": "Fe", "axial": "OH"}),
        schema=_SCHEMA,
    )


FAMILIES: Final = tuple(_family(name) for name in _MACROCYCLES)
