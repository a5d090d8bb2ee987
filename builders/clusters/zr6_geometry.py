"""Zr6 geometry: the ordered node of UiO-66, its caps, and where oxygens and a metal go at its open edges."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from atomsieve.builders.clusters import nodes
from atomsieve.builders.clusters.draft import O_H, Draft
from atomsieve.builders.vectors import Array

#: Two zirconium atoms of the octahedron, as the directions that they lie in: ``((0, 1, 0), (0, 0, 1))``.
Edge = tuple[tuple[int, int, int], tuple[int, int, int]]

#: Å; zirconium to terminal hydroxide and water, and to the oxygens that hold a grafted metal: starting values, not
#: taken from a refined structure.
ZR_OH, ZR_OH2, ZR_MU_OH, ZR_MU_O = 2.05, 2.25, 2.14, 2.02
#: Å; how close atoms that are not bonded may come: oxygens, a grafted metal and zirconium, a metal and lighter atoms.
_O_O, _O_C, _O_H, _M_ZR = 2.65, 2.95, 2.00, 3.00
_METAL_LIMITS = {"H": 2.40, "C": 2.90, "O": 2.75}


def edges() -> tuple[Edge, ...]:
    """Return the twelve edges of the octahedron in a fixed order."""
    return tuple(
        (first, second)
        for first, second in itertools.combinations(_corners(), 2)
        if not any(a * b for a, b in zip(first, second, strict=True))
    )


def _corners() -> tuple[tuple[int, int, int], ...]:
    return tuple((sign * (axis == 0), sign * (axis == 1), sign * (axis == 2)) for axis in range(3) for sign in (1, -1))


def frame(edge: Edge) -> tuple[Array, Array, Array]:
    """Return unit vectors of an edge: away from the centre of the node, towards its first zirconium, across both."""
    first, second = np.array(edge, dtype=float)
    out, along = (first + second) / math.sqrt(2), (first - second) / math.sqrt(2)
    return out, along, np.cross(out, along)


@dataclass
class Node:
    """Zr6O4(OH)4 with the atoms that are needed to go on building.

    Parameters
    ----------
    draft : Draft
        All atoms so far.
    zirconium : mapping of corner to int
        Index of each zirconium by the direction in which it lies.
    caps : list of int
        Carbon and hydrogen of the caps.
    """

    draft: Draft = field(default_factory=Draft)
    zirconium: dict[tuple[int, int, int], int] = field(default_factory=dict)
    caps: list[int] = field(default_factory=list)

    @classmethod
    def bare(cls) -> Node:
        """Return six zirconium, four oxides and four hydroxides that cap the faces in turn (Td), without hydrogens."""
        node, facts = cls(), nodes.facts("zr6")
        cell = facts["cell"]
        for corner in _corners():
            node.zirconium[corner] = node.draft.add("Zr", cell * facts["zirconium"] * np.array(corner))
        for signs in itertools.product((1, -1), repeat=3):
            hydroxide = math.prod(signs) < 0
            position = cell * facts["hydroxide" if hydroxide else "oxide"] * np.array(signs)
            face = [index for corner, index in node.zirconium.items() if np.dot(corner, signs) > 0]
            oxygen = node.draft.add("O", position, *face)
            if hydroxide:
                node.draft.add("H", position * (1 + O_H / float(np.linalg.norm(position))), oxygen)
        return node

    def oxygen_spots(self, edge: Edge) -> tuple[Array, Array]:
        """Return where a carboxylate's oxygens lie on the zirconium atoms of an edge, Å."""
        facts = nodes.facts("zr6")
        near, far = facts["oxygen"][1], facts["oxygen"][0]
        first, second = np.array(edge, dtype=float)
        return facts["cell"] * (near * first + far * second), facts["cell"] * (far * first + near * second)

    def cap(self, edge: Edge, kind: str) -> None:
        """Put formate or benzoate over an edge."""
        facts, draft = nodes.facts("zr6"), self.draft
        out, along, _ = frame(edge)
        first, second = self.oxygen_spots(edge)
        oxygens = draft.add("O", first, self.zirconium[edge[0]]), draft.add("O", second, self.zirconium[edge[1]])
        centre = facts["cell"] * facts["carbon"] * math.sqrt(2) * out
        carbon = draft.add("C", centre, *oxygens)
        self.caps.append(carbon)
        if kind == "formate":
            self.caps.append(draft.add("H", centre + nodes.facts("carboxylate")["formyl_hydrogen"] * out, carbon))
            return
        radius = nodes.facts("carboxylate")["ring"]
        middle = (facts["cell"] * facts["ring"] * math.sqrt(2) + radius) * out
        spokes = [
            math.cos(angle) * out + math.sin(angle) * along for angle in np.radians(np.arange(180.0, 540.0, 60.0))
        ]
        self.caps += nodes.ring(draft, middle, spokes, carbon, radius)


@dataclass(frozen=True)
class Loose:
    """An atom whose place is found by :func:`place`.

    Parameters
    ----------
    symbol : str
        Chemical symbol.
    start : ndarray of float, shape (3,)
        Å.
    bonds : mapping of int to float
        Wanted distances to atoms of the draft, Å.
    loose : mapping of int to float
        Wanted distances to earlier loose atoms, Å, bonded.
    shape : mapping of int to float
        Wanted distances to earlier loose atoms, Å, that fix angles.
    near : mapping of int to float
        Wanted distances to atoms of the draft that it is not bonded to, Å, that fix angles.
    """

    symbol: str
    start: Array
    bonds: Mapping[int, float] = field(default_factory=dict)
    loose: Mapping[int, float] = field(default_factory=dict)
    shape: Mapping[int, float] = field(default_factory=dict)
    near: Mapping[int, float] = field(default_factory=dict)


def place(draft: Draft, loose: Sequence[Loose], keep_clear: Sequence[Array] = ()) -> list[int]:
    """Place atoms by least squares of wanted distances and contacts, add them with their bonds, return their indices.

    Everything that is in the draft stays where it is. Bonds weigh most, then angles and contacts; what these leave free
    stays near its start.

    Parameters
    ----------
    draft : Draft
        Without the loose atoms.
    loose : sequence of Loose
        Oxygens, and a metal.
    keep_clear : sequence of ndarray of float, shape (3,)
        Points that count as oxygens in contacts, Å: where an adsorbate is to bind.
    """
    from scipy.optimize import least_squares

    fixed = np.array([*draft.positions, *keep_clear])
    elements = [*draft.symbols, *["O"] * len(keep_clear)]
    starts = np.array([atom.start for atom in loose])
    number = len(loose)
    symbols = [atom.symbol for atom in loose]
    to_fixed = [(i, j, length) for i, atom in enumerate(loose) for j, length in atom.bonds.items()]
    to_loose = [(i, j, length) for i, atom in enumerate(loose) for j, length in atom.loose.items()]
    shape = [(i, j, length) for i, atom in enumerate(loose) for j, length in atom.shape.items()]
    near = [(i, j, length) for i, atom in enumerate(loose) for j, length in atom.near.items()]
    bonded = {(i, j) for i, j, _ in to_loose + shape}
    fixed_limits = np.array(
        [
            [0.0 if j in atom.bonds else _limit(atom.symbol, symbol) for j, symbol in enumerate(elements)]
            for atom in loose
        ]
    )
    # what is far from the start stays far
    one, other = np.nonzero(np.linalg.norm(starts[:, None] - fixed, axis=-1) < fixed_limits + 2.0)
    limits = fixed_limits[one, other]
    pairs = [(i, j) for i in range(number) for j in range(i) if (i, j) not in bonded]
    left, right = np.array(pairs, dtype=int).reshape(-1, 2).T
    pair_limits = np.array([_limit(symbols[i], symbols[j]) for i, j in pairs])

    def lengths(found: Array, others: Array, listed: Sequence[tuple[int, int, float]]) -> Array:
        if not listed:
            return np.zeros(0)
        first, second = [i for i, *_ in listed], [j for _, j, _ in listed]
        wanted = np.array([length for *_, length in listed])
        return np.asarray(np.linalg.norm(found[first] - others[second], axis=1) - wanted)

    def misfit(flat: Array) -> Array:
        found = flat.reshape(-1, 3)
        contacts = np.maximum(limits - np.linalg.norm(found[one] - fixed[other], axis=1), 0.0)
        apart = np.linalg.norm(found[left] - found[right], axis=1)
        return np.concatenate(
            [
                50.0 * lengths(found, fixed, to_fixed),
                50.0 * lengths(found, found, to_loose),
                8.0 * lengths(found, found, shape),
                8.0 * lengths(found, fixed, near),
                15.0 * contacts,
                15.0 * np.maximum(pair_limits - apart, 0.0),
                0.5 * (found - starts).ravel(),
            ]
        )

    found = least_squares(misfit, starts.ravel(), method="trf", max_nfev=400, ftol=1e-7, xtol=1e-7).x.reshape(-1, 3)
    begin = len(draft.symbols)
    return [
        # rounded, so that the last digits of a minimisation do not tell machines apart
        draft.add(atom.symbol, np.round(place, 4), *atom.bonds, *(begin + j for j in atom.loose))
        for atom, place in zip(loose, found, strict=True)
    ]


def _limit(one: str, other: str) -> float:
    """Return how close two atoms that are not bonded may come, Å."""
    pair = {one, other}
    if "O" in pair and pair <= {"O", "C", "H"}:
        return {"O": _O_O, "C": _O_C, "H": _O_H}[(pair - {"O"}).pop() if len(pair) > 1 else "O"]
    return next((limit for symbol, limit in _METAL_LIMITS.items() if symbol in pair), _M_ZR)
