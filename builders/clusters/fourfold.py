"""Fourfold: the geometry of macrocycles of four pyrroles, from a few bond lengths."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from ase import Atoms

from atomsieve.builders.vectors import Array, away

#: Å; C-H and the C-C of benzene.
C_H: Final = 1.08
C_C: Final = 1.39
#: Å and degrees; the bond from the macrocycle to a phenyl, and by how much that is turned out of the plane. Neighbours
#: turn to opposite sides, so that both faces of the metal are alike (D2d).
C_PHENYL: Final = 1.49
PHENYL_TURN: Final = 70.0

# Growth of the angle at nitrogen (degrees) and of the bond to the bridge (Å) for each Å of the metal-nitrogen bond.
_OPENING_ANGLE, _OPENING_BOND = 22.0, 0.35


@dataclass(frozen=True)
class Fourfold:
    """Internal geometry of a fourfold macrocycle, Å and degrees.

    Parameters
    ----------
    n_alpha, alpha_beta, beta_beta, alpha_bridge, alpha_n_alpha : float
        Bond lengths and the angle at nitrogen.
    bridge : {"C", "N"}
        What links the pyrroles.
    benzo : bool
        A benzene ring is fused to each pyrrole.
    phenyl : bool
        The bridges carry phenyls.
    fitted_to : float
        Metal-nitrogen distance that the numbers above go with; the ring opens around a larger metal, as crystal
        structures from nickel to zinc show. 0 for a ring that is the same around all metals.
    """

    n_alpha: float = 1.38
    alpha_beta: float = 1.44
    beta_beta: float = 1.36
    alpha_bridge: float = 1.38
    alpha_n_alpha: float = 105.0
    bridge: str = "C"
    benzo: bool = False
    phenyl: bool = False
    fitted_to: float = 0.0


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


def on_diagonal(x: float, y: float, bond: float) -> float:
    """Return where the bridge (m, m) of two pyrroles is, the outer of two places at its bond from Cα at (x, y), Å."""
    mean, spread = (x + y) / 2, (x - y) / 2
    return mean + math.sqrt(bond**2 / 2 - spread**2)


def _quarter(shape: Fourfold, metal_nitrogen: float, turn: float) -> _Quarter:
    """Place one pyrrole on the x axis, the bridge that follows it anticlockwise, and what they carry."""
    mirror = np.array([1.0, -1.0])
    larger = metal_nitrogen - shape.fitted_to if shape.fitted_to else 0.0
    half_angle = math.radians((shape.alpha_n_alpha + _OPENING_ANGLE * larger) / 2)
    alpha_bridge = shape.alpha_bridge + _OPENING_BOND * larger
    alpha = np.array([metal_nitrogen + shape.n_alpha * math.cos(half_angle), shape.n_alpha * math.sin(half_angle)])
    rise = alpha[1] - shape.beta_beta / 2
    beta = np.array([alpha[0] + math.sqrt(shape.alpha_beta**2 - rise**2), shape.beta_beta / 2])
    bridge = np.full(2, on_diagonal(alpha[0], alpha[1], alpha_bridge))

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
        inner, outer = away(C_H, gamma, beta, delta), away(C_H, delta, gamma, delta * mirror)
        rim = [(inner, fifth), (inner * mirror, sixth), (outer, seventh), (outer * mirror, eighth)]
    else:
        hydrogen = away(C_H, beta, alpha, beta * mirror)
        rim = [(hydrogen, third), (hydrogen * mirror, fourth)]
    for position, carrier in rim:
        quarter.put("H", position, carrier)
    if shape.phenyl:
        _put_phenyl(quarter, meso, turn)
    elif shape.bridge == "C":
        quarter.put("H", away(C_H, bridge, alpha, alpha[::-1]), meso)
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


@lru_cache(maxsize=256)
def molecule(shape: Fourfold, metal_nitrogen: float) -> tuple[Atoms, tuple[int, ...], tuple[tuple[int, int], ...]]:
    """Return a macrocycle about a metal at the origin.

    Parameters
    ----------
    shape : Fourfold
        Its geometry.
    metal_nitrogen : float
        Å.

    Returns
    -------
    atoms : ase.Atoms
        Sorted into C, H, N, without the metal. Shared by all sites, so never to be changed.
    donors : tuple of int
        Nitrogen of each pyrrole, anticlockwise.
    bonds : tuple of pair of int
        Those of the metal included, which comes after all other atoms.
    """
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
