"""Fragment: a cluster cut out of a structure around its metals, closed by hydrogens, each atom traced to its parent."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
from ase import Atoms

from atomsieve.builders.bonding import Graph, Link, Shift
from atomsieve.structures.errors import InputError

#: Å; bonds shorter than this are more than single, and are not cut. Others than these are never cut.
SINGLE: Final[Mapping[frozenset[str], float]] = MappingProxyType(
    {
        frozenset({"C"}): 1.43,
        frozenset({"C", "N"}): 1.38,
        frozenset({"C", "O"}): 1.35,
        frozenset({"C", "S"}): 1.70,
        frozenset({"B", "C"}): 1.53,
    }
)
#: Å; from an atom to the hydrogen that closes it (doi 10.1039/P298700000S1, averages over crystal structures).
CAPS: Final[Mapping[str, float]] = MappingProxyType({"C": 1.09, "N": 1.01, "O": 0.97, "S": 1.34, "B": 1.19})
#: Most atoms of a fragment.
LARGEST: Final = 400
#: A bond is in a ring if its atoms are connected by another way of fewer bonds than this.
_RING = 8

#: An atom of a crystal: its index, and the cell that it is in.
Node = tuple[int, Shift]


@dataclass(frozen=True, eq=False)
class Fragment:
    """A cluster cut out of a structure.

    Parameters
    ----------
    atoms : ase.Atoms
        In no cell, the first metal at the origin. Hydrogens that close cut bonds come last.
    parents : tuple of int
        For each atom the index of its parent; for a closing hydrogen that of the atom whose place it takes.
    cells : tuple of (int, int, int)
        For each atom the cell of its parent.
    caps : tuple of int
        The closing hydrogens.
    bonds : tuple of pair of int
        All bonds, the first index the smaller.
    metals : tuple of int
        The metals asked for.
    donors : tuple of tuple of int
        Their donors.
    """

    atoms: Atoms
    parents: tuple[int, ...]
    cells: tuple[Shift, ...]
    caps: tuple[int, ...]
    bonds: tuple[tuple[int, int], ...]
    metals: tuple[int, ...]
    donors: tuple[tuple[int, ...], ...]


class Carver:
    """Cuts clusters out of one structure.

    Single bonds between rings, and from rings to the groups that link them, are cut. Bonds of a metal, of its donors,
    within rings and to end groups (methyl, amino, halogen) never are; but a ring that is closed by two ether oxygens,
    as in dibenzodioxin, opens at both. What no such bond divides stays whole, so rings do.

    Parameters
    ----------
    atoms : ase.Atoms
        The parent.
    graph : Graph
        Its bonds.
    """

    def __init__(self, atoms: Atoms, graph: Graph) -> None:
        self._positions: npt.NDArray[np.float64] = atoms.positions
        self._cell: npt.NDArray[np.float64] = atoms.cell.array
        self._numbers = atoms.numbers
        self._graph = graph
        self._cut: dict[tuple[int, int, Shift], bool] = {}

    def around(self, metals: tuple[int, ...], *, radius: float = 0.0, bonds: int = 0) -> Fragment:
        """Cut out what is near some metals.

        Parameters
        ----------
        metals : tuple of int
            Indices; of several the images nearest to the first are meant.
        radius : float
            Groups with an atom within so many Å of one of the metals are kept.
        bonds : int
            Groups with an atom within so many bonds of one of the metals are kept.

        Raises
        ------
        InputError
            If no cut ends the cluster, or it is too large.
        """
        starts = [(metals[0], (0, 0, 0)), *(self._nearest(metal, metals[0]) for metal in metals[1:])]
        centres = np.array([self._place(start) for start in starts])
        steps = self._steps(starts, bonds)
        kept: set[Node] = set()
        left: list[Node] = []
        for start in starts:
            if start not in kept:
                self._add(start, kept, left)
        while left:
            node = left.pop()
            if node in kept:
                continue
            group: set[Node] = set()
            beyond: list[Node] = []
            self._add(node, group, beyond, judge=False)
            near = any(
                bool((np.linalg.norm(self._place(other) - centres, axis=1) <= radius).any()) or other in steps
                for other in group
            )
            if near:
                if (crystal := self._repeated(group)) is not None:
                    raise InputError(self._endless(crystal))
                kept |= group
                left += beyond
            if len(kept) > LARGEST:
                raise InputError(f"the cluster has over {LARGEST} atoms; write a smaller one, or none")
        return self._fragment(kept, starts)

    def _place(self, node: Node) -> npt.NDArray[np.float64]:
        return np.asarray(self._positions[node[0]] + np.array(node[1]) @ self._cell)

    def _nearest(self, metal: int, first: int) -> Node:
        shifts = [(a, b, c) for a in (-1, 0, 1) for b in (-1, 0, 1) for c in (-1, 0, 1)]
        here = self._place((first, (0, 0, 0)))
        lengths = [round(float(np.linalg.norm(self._place((metal, shift)) - here)), 6) for shift in shifts]
        return metal, min(
            zip(lengths, shifts, strict=True), key=lambda pair: (pair[0], sum(map(abs, pair[1])), pair[1])
        )[1]

    def _steps(self, starts: Iterable[Node], most: int) -> set[Node]:
        """Return everything within a number of bonds."""
        seen, front = set(starts), list(starts)
        for _ in range(most):
            front = [there for node in front for there in self._beside(node) if there not in seen]
            seen |= set(front)
        return seen

    def _beside(self, node: Node) -> list[Node]:
        return [_through(node, link) for link in self._graph.links[node[0]]]

    def _add(self, start: Node, group: set[Node], beyond: list[Node], *, judge: bool = True) -> None:
        """Add what hangs together with an atom by bonds that are not cut, and list what lies across those that are."""
        group.add(start)
        queue = deque([start])
        while queue:
            node = queue.popleft()
            for link in self._graph.links[node[0]]:
                there = _through(node, link)
                if there in group:
                    continue
                if self.may_cut(node[0], link):
                    beyond.append(there)
                else:
                    group.add(there)
                    queue.append(there)
            if len(group) > LARGEST:
                break
        if judge:
            if (atom := self._repeated(group)) is not None:
                raise InputError(self._endless(atom))
            if len(group) > LARGEST:
                raise InputError(
                    f"no bond that may be cut ends the cluster before it has {LARGEST} atoms; write none, to calculate "
                    "the structure as it is"
                )

    def _repeated(self, group: set[Node]) -> int | None:
        """Return an atom that hangs together with an image of itself."""
        seen: set[int] = set()
        for atom, _ in sorted(group):
            if atom in seen:
                return atom
            seen.add(atom)
        return None

    def _endless(self, atom: int) -> str:
        return (
            f"{self._graph.symbol(atom)}{atom} hangs together with its own periodic image by bonds that are not cut "
            "(bonds of metals and of their donors, and rings): a rod, a sheet, or a net of one ring system has no "
            "cluster; write none, to calculate the crystal as it is"
        )

    def may_cut(self, atom: int, link: Link) -> bool:
        """Tell whether a bond may be cut."""
        back = (-link.shift[0], -link.shift[1], -link.shift[2])
        key = (atom, link.atom, link.shift) if (atom, link.shift) < (link.atom, back) else (link.atom, atom, back)
        if key not in self._cut:
            self._cut[key] = self._judge(atom, link)
        return self._cut[key]

    def _judge(self, atom: int, link: Link) -> bool:
        graph, ends = self._graph, (atom, link.atom)
        single = SINGLE.get(frozenset(map(graph.symbol, ends)))
        if single is None or link.length < single:
            return False
        for end, other in (ends, ends[::-1]):
            links = graph.links[end]
            rest = [entry for entry in links if entry.atom != other]
            if any(graph.is_metal(entry.atom) for entry in links) or all(len(graph.links[e.atom]) == 1 for e in rest):
                return False
        ring = self._ring(atom, link)
        return ring is None or self._is_dioxin(ring, ends)

    def _ring(self, atom: int, link: Link) -> list[int] | None:
        """Return the atoms of the smallest ring that a bond is part of, None if there is none."""
        start, goal = (atom, (0, 0, 0)), (link.atom, link.shift)
        before: dict[Node, Node | None] = {start: None}
        front: list[Node] = [start]
        for _ in range(_RING - 1):
            following: list[Node] = []
            for node in front:
                for there in self._beside(node):
                    if there in before or (node == start and there == goal):
                        continue
                    before[there] = node
                    following.append(there)
            if goal in before:
                path, node_or_none = [], before[goal]
                while node_or_none is not None:
                    path.append(node_or_none[0])
                    node_or_none = before[node_or_none]
                return [link.atom, *path]
            front = following
        return None

    def _is_dioxin(self, ring: list[int], ends: tuple[int, int]) -> bool:
        ethers = [
            atom
            for atom in ring
            if self._graph.symbol(atom) in ("O", "S")
            and [self._graph.symbol(entry.atom) for entry in self._graph.links[atom]] == ["C", "C"]
        ]
        return len(ring) == 6 and len(ethers) == 2 and any(end in ethers for end in ends)

    def _fragment(self, kept: set[Node], starts: list[Node]) -> Fragment:
        order = sorted(kept)
        index = {node: position for position, node in enumerate(order)}
        origin = self._place(starts[0])
        positions = [self._place(node) - origin for node in order]
        numbers = [int(self._numbers[atom]) for atom, _ in order]
        parents, cells = [atom for atom, _ in order], [shift for _, shift in order]
        bonds, caps = set(), []
        for node in order:
            for link in self._graph.links[node[0]]:
                there = _through(node, link)
                here = index[node]
                if there in index:
                    bonds.add((min(here, index[there]), max(here, index[there])))
                    continue
                along = self._place(there) - self._place(node)
                length = CAPS[self._graph.symbol(node[0])]
                positions.append(positions[here] + length * along / np.linalg.norm(along))
                numbers.append(1)
                bonds.add((here, len(numbers) - 1))
                caps.append(len(numbers) - 1)
                parents.append(there[0])
                cells.append(there[1])
        metals = tuple(index[start] for start in starts)
        donors = tuple(
            tuple(sorted({index[there] for there in self._beside(start) if there in index})) for start in starts
        )
        atoms = Atoms(numbers=numbers, positions=np.array(positions), pbc=False)
        return Fragment(atoms, tuple(parents), tuple(cells), tuple(caps), tuple(sorted(bonds)), metals, donors)


def _through(node: Node, link: Link) -> Node:
    (a, b, c), (p, q, r) = node[1], link.shift
    return link.atom, (a + p, b + q, c + r)
