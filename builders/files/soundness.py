"""Soundness: what is wrong with a structure that a person brings along, with the atoms named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from ase import Atoms
from ase.data import covalent_radii

from atomsieve.builders.bonding import Graph, Link, is_metal

#: Distances as multiples of the sum of the covalent radii under which two atoms lie upon each other: those of hydrogen,
#: of a metal (short bonds to oxo and nitrido), of all others (triple bonds: 0.77).
_ON_HYDROGEN, _ON_METAL, _ON_OTHERS = 0.70, 0.66, 0.72
#: Å; no two hydrogens of one structure are closer but in H2, and none are closer than the second.
_HYDROGENS, _DIHYDROGEN = 1.20, 0.65
#: Most neighbours that are no metals.
_MOST: Final = {"H": 1, "B": 6, "C": 4, "N": 4, "O": 3}
#: Å. Longer bonds of an atom that has no other are single, so that hydrogens are missing; the second of a terminal
#: oxygen or nitrogen on a metal, where oxo and nitrido are shorter.
_C_O_SINGLE, _C_N_SINGLE, _C_C_SINGLE, _TERMINAL_ON_METAL = 1.335, 1.30, 1.26, 1.78
#: Å; a shorter bond of two carbons is a triple one.
_TRIPLE = 1.25
_SHOWN = 6


def complaints(atoms: Atoms, graph: Graph, *, flat: bool = False) -> list[str]:
    """Return what is wrong with a structure, and what to do about each.

    Parameters
    ----------
    atoms : ase.Atoms
        The structure.
    graph : Graph
        Its bonds.
    flat : bool
        It is a sheet without hydrogen, in which a carbon beside a vacancy has two neighbours.

    Returns
    -------
    list of str
        Empty where nothing is wrong. Atoms are counted from 0.
    """
    overlapping = [
        f"{graph.symbol(i)}{i} and {graph.symbol(j)}{j} ({length:.2f} Å)" for i, j, length in _overlaps(atoms)
    ]
    if overlapping:
        return [f"atoms lie upon each other: {_some(overlapping)}; keep one of each pair, as in an ordered structure"]
    found = []
    crowded = [
        f"{graph.symbol(i)}{i} ({number})"
        for i in range(len(atoms))
        if graph.symbol(i) in _MOST and (number := sum(1 for _ in graph.around(i))) > _MOST[graph.symbol(i)]
    ]
    if crowded:
        found.append(
            f"atoms have too many neighbours: {_some(crowded)}; keep one of the alternatives of a disordered group"
        )
    stray = [
        f"{graph.symbol(i)}{i}"
        for i in range(len(atoms))
        if not graph.links[i] and graph.symbol(i) in ("H", "C", "N", "O", "S", "P", "B")
    ]
    if stray:
        found.append(f"atoms have no neighbour: {_some(stray)}; delete solvent, or add its hydrogens")
    strained = [f"{graph.symbol(i)}{i} ({reason})" for i, reason in _impossible(atoms, graph)]
    if strained:
        found.append(
            f"atoms are bonded as no carbon is: {_some(strained)}; correct their hydrogens and relax the structure"
        )
    bare = [f"{graph.symbol(i)}{i} ({reason})" for i, reason in _bare(atoms, graph, flat)]
    if bare:
        found.append(
            f"hydrogens are missing on {_some(bare)}; add them, for example with a crystal viewer, and relax them"
        )
    return found


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _overlaps(atoms: Atoms) -> Iterator[tuple[int, int, float]]:
    from ase.neighborlist import neighbor_list

    radii = covalent_radii[atoms.numbers]
    first, second, lengths = neighbor_list("ijd", atoms, np.maximum(0.75 * radii, 0.62))
    metal, hydrogen = is_metal(atoms.numbers), atoms.numbers == 1
    one_hydrogen = hydrogen[first] | hydrogen[second]
    share = np.where(metal[first] | metal[second], _ON_METAL, np.where(one_hydrogen, _ON_HYDROGEN, _ON_OTHERS))
    close = lengths < share * (radii[first] + radii[second])
    both = hydrogen[first] & hydrogen[second]
    close = np.where(both, (lengths < _HYDROGENS) & ((lengths < _DIHYDROGEN) | (lengths > 0.9)), close)
    for row in np.flatnonzero(close & (first <= second)).tolist():
        yield int(first[row]), int(second[row]), float(lengths[row])


def _bare(atoms: Atoms, graph: Graph, flat: bool) -> Iterator[tuple[int, str]]:
    """Yield atoms that lack hydrogens, with how that can be told."""
    for atom in range(len(atoms)):
        symbol, links = graph.symbol(atom), graph.links[atom]
        if symbol not in ("C", "N", "O") or not links:
            continue
        others = [link for link in links if not graph.is_metal(link.atom)]
        on_metal = len(others) < len(links)
        if len(links) == 1 and on_metal:
            if symbol != "C" and links[0].length > _TERMINAL_ON_METAL:
                yield atom, f"{links[0].length:.2f} Å from {graph.symbol(links[0].atom)}{links[0].atom}"
        elif len(links) == 1:
            length, single = links[0].length, {"C": _C_C_SINGLE, "N": _C_N_SINGLE, "O": _C_O_SINGLE}[symbol]
            if graph.symbol(links[0].atom) in ("C", "N") and length > single:
                yield atom, f"one neighbour at {length:.2f} Å"
        elif symbol == "C" and not on_metal and not flat and len(links) in (2, 3):
            angle = _angles(atoms, graph, atom)
            if len(links) == 2 and angle < 155.0:
                yield atom, f"two neighbours at {angle:.0f} degrees"
            elif len(links) == 3 and angle < 342.0:
                yield atom, "three neighbours that are not in its plane"


def _impossible(atoms: Atoms, graph: Graph) -> Iterator[tuple[int, str]]:
    """Yield carbons with a hydrogen too many, or a triple bond beside two others."""
    for atom in range(len(atoms)):
        if graph.symbol(atom) != "C" or any(graph.is_metal(link.atom) for link in graph.links[atom]):
            continue
        links = graph.links[atom]
        heavy = [link for link in links if graph.symbol(link.atom) != "H"]
        if len(links) == 4 and len(heavy) == 3 and _angles(atoms, graph, atom, heavy) > 355.0:
            yield atom, "a hydrogen on a flat atom"
        elif len(links) == 3 and any(link.length < _TRIPLE and graph.symbol(link.atom) == "C" for link in links):
            yield atom, f"three neighbours, one at {min(link.length for link in heavy):.2f} Å"


def _angles(atoms: Atoms, graph: Graph, atom: int, links: Iterable[Link] | None = None) -> float:
    """Return the sum of the angles between bonds of an atom (all of them unless said otherwise), degrees."""
    links = graph.links[atom] if links is None else links
    ends = [atoms.positions[link.atom] + np.array(link.shift) @ atoms.cell.array for link in links]
    units = [(end - atoms.positions[atom]) / np.linalg.norm(end - atoms.positions[atom]) for end in ends]
    pairs = [(i, j) for i in range(len(units)) for j in range(i)]
    return float(sum(np.degrees(np.arccos(np.clip(units[i] @ units[j], -1.0, 1.0))) for i, j in pairs))
