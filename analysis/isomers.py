"""Isomer: adsorbates of one formula, told by their bonds and by the atoms that hold the metals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from atomsieve.analysis.geometry import BONDED, Geometry
from atomsieve.structures.adsorbate import END_ON, Adsorbate, adsorbates, tabulated_adsorbates
from atomsieve.structures.molecule import molecules

Bond = frozenset[int]


def graph(symbols: tuple[str, ...], bonds: Iterable[Iterable[int]]) -> Any:
    """Return atoms and bonds as a graph of networkx, each node with its ``symbol``."""
    import networkx

    made = networkx.Graph()
    made.add_nodes_from((atom, {"symbol": symbol}) for atom, symbol in enumerate(symbols))
    made.add_edges_from(tuple(bond) for bond in bonds)
    return made


def known_as(symbols: tuple[str, ...], bonds: Iterable[Bond]) -> str | None:
    """Return the adsorbate, with its star, or the molecule that has these bonds; None if none is tabulated."""
    found = tuple(bonds)
    for name, species in adsorbates().items():
        if next(_mappings(species.symbols, species.bonds, symbols, found), None) is not None:
            return f"{name}*"
    for name, molecule in molecules().items():
        if sorted(molecule.symbols) == sorted(symbols) and molecule.positions:
            near = Geometry(molecule.atoms).ratios <= BONDED
            own = [(i, j) for j in range(len(symbols)) for i in range(j) if near[i, j]]
            if next(_mappings(molecule.symbols, own, symbols, found), None) is not None:
                return name
    return None


@cache
def renamed(adsorbate: Adsorbate, mode: str, atoms: frozenset[int]) -> str | None:
    """Return the adsorbate of the same bonds that another way of binding makes; None if it still is the same.

    One that binds end-on is the same in every mode, but for the end that holds the metal where both ends have a name
    (NO and ON). One that has no end-on mode is only held in its own: N2-side that stands up is N2.

    Parameters
    ----------
    adsorbate : Adsorbate
        As it was meant.
    mode : str
        The mode in which it is held.
    atoms : frozenset of int
        Its atoms that hold metals.
    """
    if len(adsorbate.fragments) > 1 or _has(adsorbate, adsorbate, mode, atoms):
        return None
    is_strict = END_ON not in {own.name for own in adsorbate.modes}
    if not is_strict and mode != END_ON:
        return None
    namesakes = [
        other
        # what some other campaign defines has no say in a verdict that its own requests are not keyed by
        for other in tabulated_adsorbates().values()
        if other.name != adsorbate.name
        and next(_mappings(other.symbols, other.bonds, adsorbate.symbols, adsorbate.bonds), None) is not None
    ]
    for other in namesakes:
        if _has(other, adsorbate, mode, atoms):
            return other.name
    return namesakes[0].name if is_strict and namesakes else None


def _has(other: Adsorbate, adsorbate: Adsorbate, mode: str, atoms: frozenset[int]) -> bool:
    """Return whether an adsorbate binds in a mode through the atoms that some of another with equal bonds are."""
    own = [known.atoms for known in other.modes if known.name == mode]
    mappings = _mappings(other.symbols, other.bonds, adsorbate.symbols, adsorbate.bonds) if own else iter(())
    return any(atoms == {mapping[atom] for atom in binding} for mapping in mappings for binding in own)


def _mappings(
    symbols: tuple[str, ...],
    bonds: Iterable[Iterable[int]],
    other_symbols: tuple[str, ...],
    other_bonds: Iterable[Iterable[int]],
) -> Iterator[dict[int, int]]:
    """Yield each way in which atoms are those of another species of the same bonds."""
    from networkx.algorithms.isomorphism import GraphMatcher, categorical_node_match

    if sorted(symbols) != sorted(other_symbols):
        return
    same = categorical_node_match("symbol", None)
    matcher = GraphMatcher(graph(symbols, bonds), graph(other_symbols, other_bonds), node_match=same)
    yield from matcher.isomorphisms_iter()
