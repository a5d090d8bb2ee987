"""Zr6 site: an open zirconium, or a grafted metal with its ligands, on an open edge of the node."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from atomsieve.builders import oxidation
from atomsieve.builders.clusters import zr6_geometry as geometry
from atomsieve.builders.clusters.zr6_geometry import Edge, Loose, Node
from atomsieve.builders.family import stretch
from atomsieve.builders.ions import Ion
from atomsieve.builders.ledger import signed
from atomsieve.structures.errors import ParameterError

#: Ligands of a grafted metal beside the two oxygens of the node.
TERMINAL: Final = MappingProxyType({"SIM": 3, "AIM": 2})
#: Å; bonds of a grafted metal as built for cobalt: bridging oxide and hydroxide, terminal hydroxide and water. Others
#: follow by their radius, no bond leaving 1.80 to 2.15 Å.
M_MU_O, M_MU_OH, M_OH, M_OH2, LONGEST = 1.86, 2.00, 1.88, 2.08, 2.15
#: Degrees by which the metal is folded from the plane of zirconium and bridges, and its distance to zirconium in Å that
#: pulls it there. A start, chosen and not fitted: in the plane the bridges would be opened to 143 degrees. Of 0 and 50
#: degrees, the only ones tried, GFN1-xTB has 50 lower by 0.43 eV for Co on UiO-66 (SIM) with the shell held.
FOLD, M_ZR = 50.0, 3.5


class Placed(NamedTuple):
    """What was put on an open edge.

    Parameters
    ----------
    metal : int
        Index of the active metal.
    donors, axial : tuple of int
        The oxygens of the node that hold it, and those of its own ligands.
    normal : ndarray of float, shape (3,)
        To where an adsorbate binds; of any length.
    charges : mapping of str to int
        Formal charges, part by part.
    """

    metal: int
    donors: tuple[int, ...]
    axial: tuple[int, ...]
    normal: npt.NDArray[np.float64]
    charges: Mapping[str, int]


def protons(graft: str, metal: str, state: int) -> tuple[tuple[int, int], tuple[int, ...]]:
    """Return the hydrogens of the oxygens around a grafted metal, such that it replaces a carboxylate's charge.

    The metal's own ligands lose protons first (water to hydroxide), then the bridges (hydroxide to oxide), as the
    strengths of the bonds to zirconium (1/2) and to the metal add up (Pauling's electrostatic valence).

    Parameters
    ----------
    graft : {"SIM", "AIM"}
        Five- or four-coordinate.
    metal : str
        Chemical symbol.
    state : int
        Its oxidation state.

    Returns
    -------
    tuple of int, tuple of int
        Of the two bridges and of the other ligands.

    Raises
    ------
    ParameterError
        If the charge is too high.
    """
    # two bridging hydroxides, and waters, carry -2; -1 - state is needed
    missing, number = state - 1, TERMINAL[graft]
    hydroxides = min(missing, number)
    oxides = missing - hydroxides
    if oxides > 2:
        raise ParameterError(
            "oxidation_state",
            f"{number + 2} oxygens cannot balance {Ion(metal, state).named} in {graft}; lower it, or use SIM",
        )
    return (int(oxides < 2), int(oxides < 1)), (1,) * hydroxides + (2,) * (number - hydroxides)


def pair(node: Node, edge: Edge) -> list[tuple[Loose, int]]:
    """Return hydroxide and water on an edge, with the number of their hydrogens."""
    spots = node.oxygen_spots(edge)
    return [
        (Loose("O", spots[0], {node.zirconium[edge[0]]: geometry.ZR_OH}), 1),
        (Loose("O", spots[1], {node.zirconium[edge[1]]: geometry.ZR_OH2}), 2),
    ]


def open_zirconium(node: Node, edge: Edge, others: list[tuple[Loose, int]]) -> Placed:
    """Leave the second zirconium of an edge open, and put a hydroxide on the first.

    Parameters
    ----------
    node : Node
        With its caps.
    edge : Edge
        An open one.
    others : list of (Loose, int)
        Oxygens of the other open edges, with their hydrogens.
    """
    metal = node.zirconium[edge[1]]
    spots = node.oxygen_spots(edge)
    loose = [(Loose("O", spots[0], {node.zirconium[edge[0]]: geometry.ZR_OH}), 1), *others]
    indices = geometry.place(node.draft, [atom for atom, _ in loose], [spots[1]])
    node.draft.protonate(zip(indices, [number for _, number in loose], strict=True), [spots[1]])
    donors = [atom for atom in node.draft.neighbours(metal) if node.draft.symbols[atom] == "O"]
    return Placed(metal, tuple(donors), (), spots[1] - node.draft.positions[metal], {"OH-": -1})


def grafted(node: Node, edge: Edge, others: list[tuple[Loose, int]], *, metal: str, state: int, graft: str) -> Placed:
    """Put a metal on an edge, between an oxygen of each zirconium, and give it its other ligands.

    Parameters
    ----------
    node : Node
        With its caps.
    edge : Edge
        An open one.
    others : list of (Loose, int)
        Oxygens of the other open edges, with their hydrogens.
    metal : str
        Chemical symbol.
    state : int
        Its oxidation state.
    graft : {"SIM", "AIM"}
        Five- or four-coordinate.
    """
    bridges, terminal = protons(graft, metal, state)
    straight, along, across = geometry.frame(edge)
    # folded towards the face that is capped by an oxide, away from the hydrogen of the other
    across = across * float(np.sign(np.prod(straight + across)))
    fold = math.radians(FOLD)
    out = math.cos(fold) * straight + math.sin(fold) * across
    across = math.cos(fold) * across - math.sin(fold) * straight
    longer = stretch(metal)

    def bond(base: float) -> float:
        return min(base + longer, LONGEST)

    # bonds from the metal: at right angles to its two bridges, in their plane and across it
    first, second = (-out + along) / math.sqrt(2), (-out - along) / math.sqrt(2)
    lean = math.radians(15.0)
    up, down = (math.cos(lean) * side * across + math.sin(lean) * out for side in (1.0, -1.0))
    if len(terminal) == 2:
        directions = [-second, -first] if _is_planar(metal, state) else [up, down]
        normal = -across if _is_planar(metal, state) else out
    else:
        directions = [-second, -first, across] if _is_planar(metal, state) else [-second, across, -across]
        normal = -across if _is_planar(metal, state) else -first
    spots = node.oxygen_spots(edge)
    held = [bond(M_MU_OH if protonated else M_MU_O) for protonated in bridges]
    lengths = [bond(M_OH if number == 1 else M_OH2) for number in terminal]
    angles = [first, second, *directions]
    distances = [*held, *lengths]
    start = (spots[0] + spots[1]) / 2 + 0.7 * held[0] * out
    zirconium = [
        (node.zirconium[corner], geometry.ZR_MU_OH if protonated else geometry.ZR_MU_O)
        for corner, protonated in zip(edge, bridges, strict=True)
    ]
    loose = [Loose(metal, start, near={index: M_ZR for index, _ in zirconium})]
    for k, (direction, distance) in enumerate(zip(angles, distances, strict=True)):
        apart = {1 + j: float(np.linalg.norm(distance * direction - distances[j] * angles[j])) for j in range(k)}
        held_by = dict([zirconium[k]]) if k < 2 else {}
        loose.append(Loose("O", start + distance * direction, held_by, {0: distance}, apart))
    hydrogens = [0, *bridges, *terminal, *(number for _, number in others)]
    indices = geometry.place(node.draft, [*loose, *(atom for atom, _ in others)])
    centre = node.draft.positions[indices[0]]
    clear = [centre + 2.0 * normal / np.linalg.norm(normal)]
    node.draft.protonate(zip(indices, hydrogens, strict=True), clear)
    ligands = indices[1 : 1 + len(angles)]
    parts = {signed(metal, state): state}
    for name, charge, number in (
        ("bridging O2-", -2, bridges.count(0)),
        ("bridging OH-", -1, bridges.count(1)),
        ("OH- on the metal", -1, terminal.count(1)),
    ):
        if number:
            parts[f"{number} {name}"] = charge * number
    return Placed(indices[0], tuple(ligands[:2]), tuple(ligands[2:]), normal, parts)


def _is_planar(metal: str, state: int) -> bool:
    """Tell whether four ligands lie in a plane with the metal: d9, and d8 without unpaired electrons."""
    electrons = oxidation.d_electrons(metal, state)
    return electrons == 9 or (electrons == 8 and oxidation.weak_field(metal, state) == 1)
