"""Bond graph: an adsorbate as it was meant and as it relaxed, whatever its equal atoms are called."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from atomsieve.analysis.binding import perch_of
from atomsieve.analysis.geometry import BONDED, BROKEN, DIHYDROGEN, Geometry
from atomsieve.analysis.isomers import Bond, graph, known_as
from atomsieve.structures.adsorbate import Adsorbate
from atomsieve.structures.judgement import Verdict
from atomsieve.structures.site import ActiveSite


def roles(adsorbate: Adsorbate, geometry: Geometry, start: int) -> list[tuple[int, ...]]:
    """Return the ways in which the atoms play the parts of an adsorbate that kept all its bonds and gained none.

    Hydrogen that went from one oxygen of OOH to the other leaves an OOH whose oxygens have changed parts.

    Parameters
    ----------
    adsorbate : Adsorbate
        As it was meant.
    geometry : Geometry
        As it relaxed.
    start : int
        Index of its first atom.

    Returns
    -------
    list of tuple of int
        For each way the index of the atom that plays each part; none if the bonds are no longer those of the adsorbate.
    """
    from networkx.algorithms.isomorphism import GraphMatcher, categorical_node_match

    size = len(adsorbate.symbols)
    tight, loose = _closer(geometry, start, size, BONDED), _closer(geometry, start, size, BROKEN)
    meant = [frozenset(bond) for bond in adsorbate.bonds]
    same = categorical_node_match("symbol", None)
    matcher = GraphMatcher(graph(adsorbate.symbols, loose), graph(adsorbate.symbols, meant), node_match=same)
    found = []
    for atom_to_part in matcher.subgraph_monomorphisms_iter():
        played = tuple(atom for atom, _ in sorted(atom_to_part.items(), key=lambda item: item[1]))
        if tight <= {frozenset(played[part] for part in bond) for bond in meant}:
            found.append(tuple(start + atom for atom in played))
    return sorted(found)


def dissociated(site: ActiveSite, adsorbate: Adsorbate, geometry: Geometry) -> tuple[Verdict, str] | None:
    """Find an adsorbate in more pieces than were meant, and say where the ends of the broken bond sit."""
    start, bonds = len(site.atoms), _bonds_now(adsorbate, geometry, len(site.atoms))
    if _pieces(len(adsorbate.symbols), bonds) <= len(adsorbate.fragments):
        return None
    i, j = next(bond for bond in adsorbate.bonds if frozenset(bond) not in bonds)
    perches = ((k, perch_of(site, geometry, start + k)) for k in (i, j))
    sits = [
        f"{adsorbate.symbols[k]} sits on {geometry.name(perch)} ({geometry.text(perch, start + k)})"
        for k, perch in perches
        if perch is not None
    ]
    return Verdict.DISSOCIATED, "; ".join([geometry.text(start + i, start + j), *sits])


def isomerised(site: ActiveSite, adsorbate: Adsorbate, geometry: Geometry) -> tuple[Verdict, str]:
    """Say what became of an adsorbate that other bonds hold together than were meant, fragments joined included."""
    start, bonds = len(site.atoms), _bonds_now(adsorbate, geometry, len(site.atoms))
    meant = {frozenset(bond) for bond in adsorbate.bonds}
    changes = {"lost": meant - bonds, "gained": bonds - meant}
    clauses = [f"{verb} {_listed(geometry, start, changed)}" for verb, changed in changes.items() if changed]
    name = known_as(adsorbate.symbols, bonds)
    became = f"became {name}" if name is not None else "rearranged"
    return Verdict.ISOMERISED, f"{adsorbate.name}* {became}: {', '.join(clauses)}"


def _bonds_now(adsorbate: Adsorbate, geometry: Geometry, start: int) -> set[Bond]:
    """Return the bonds within an adsorbate as it relaxed, its atoms counted from 0.

    Two elements that it was to bond are bonded until they are broken, any others from when they are bonded on.
    """
    size, symbols = len(adsorbate.symbols), adsorbate.symbols
    meant = {frozenset((symbols[i], symbols[j])) for i, j in adsorbate.bonds}
    loose = _closer(geometry, start, size, BROKEN)
    kept = {bond for bond in loose if frozenset(symbols[atom] for atom in bond) in meant}
    return kept | _closer(geometry, start, size, BONDED)


def _pieces(size: int, bonds: Iterable[Bond]) -> int:
    """Return in how many pieces so many atoms are, with these bonds."""
    import networkx

    made = networkx.Graph(tuple(bond) for bond in bonds)
    made.add_nodes_from(range(size))
    return int(networkx.number_connected_components(made))


def _listed(geometry: Geometry, start: int, bonds: Iterable[Bond]) -> str:
    return ", ".join(geometry.text(start + i, start + j) for i, j in sorted(sorted(bond) for bond in bonds))


def _closer(geometry: Geometry, start: int, size: int, ratio: float) -> set[Bond]:
    found = set()
    for first, second in itertools.combinations(range(size), 2):
        i, j = start + first, start + second
        is_dihydrogen = geometry.symbols[i] == geometry.symbols[j] == "H" and geometry.distances[i, j] <= DIHYDROGEN
        if is_dihydrogen or geometry.ratios[i, j] <= ratio:
            found.add(frozenset((first, second)))
    return found
