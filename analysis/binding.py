"""Binding: which atoms of an adsorbate hold which metals, or what else they sit on."""

from __future__ import annotations

from collections.abc import Sequence

from atomsieve.analysis.geometry import BESIDE, BONDED, BROKEN, WEAK, Geometry
from atomsieve.analysis.isomers import renamed
from atomsieve.structures.adsorbate import END_ON, LATTICE, Adsorbate
from atomsieve.structures.judgement import Verdict
from atomsieve.structures.site import ActiveSite


def perch_of(site: ActiveSite, geometry: Geometry, atom: int) -> int | None:
    """Return the atom of the support, metals apart, that an atom is bonded to most closely."""
    near = [i for i in range(len(site.atoms)) if i not in site.metals and geometry.ratios[i, atom] <= BONDED]
    return min(near, key=lambda i: float(geometry.ratios[i, atom]), default=None)


def best_fit(
    site: ActiveSite, geometry: Geometry, ways: Sequence[tuple[int, ...]], binding_atoms: Sequence[int]
) -> tuple[int, ...]:
    """Return the way to name equal atoms by which those that were to bind are nearest to a metal."""

    def distance(way: tuple[int, ...]) -> tuple[float, tuple[int, ...]]:
        nearest = (min(float(geometry.ratios[metal, way[k]]) for metal in site.metals) for k in binding_atoms)
        return round(sum(nearest), 6), way

    return min(ways, key=distance)


def took_hydrogen(site: ActiveSite, geometry: Geometry) -> tuple[Verdict, str] | None:
    """Find a hydrogen of the support that is bonded to the adsorbate."""
    start = len(site.atoms)
    for hydrogen in (i for i in range(start) if geometry.symbols[i] == "H"):
        for atom in range(start, len(geometry.symbols)):
            if geometry.ratios[hydrogen, atom] <= BONDED:
                bond = geometry.text(hydrogen, atom)
                took = f"{geometry.symbols[atom]} took {geometry.name(hydrogen)} from the support ({bond})"
                return Verdict.SUPPORT_REACTED, took
    return None


def held_twice(
    site: ActiveSite, adsorbate: Adsorbate, geometry: Geometry, atoms: Sequence[int]
) -> tuple[Verdict, str] | None:
    """Find an atom of an adsorbate that bonds to the support while another one holds a metal."""
    bonds = metal_bonds(site.metals, adsorbate, geometry, atoms)
    for fragment in adsorbate.fragments:
        ratios = [(float(geometry.ratios[metal, atoms[k]]), k) for metal, k in bonds if k in fragment]
        for k in fragment if ratios else ():
            perch = perch_of(site, geometry, atoms[k])
            if k != min(ratios)[1] and perch is not None:
                bond = f"{geometry.name(perch)} ({geometry.text(perch, atoms[k])})"
                return Verdict.SUPPORT_REACTED, f"atom {k + 1} of {adsorbate.name}* is bonded to {bond}"
    return None


def binding(
    site: ActiveSite,
    adsorbate: Adsorbate,
    geometry: Geometry,
    meant: str,
    *,
    atoms: Sequence[int],
    metals: Sequence[int],
) -> tuple[Verdict, str]:
    """Return whether an adsorbate that is whole is bound where it should be, and by which bonds.

    Parameters
    ----------
    site : ActiveSite
        The site; its atoms come first in the geometry.
    adsorbate : Adsorbate
        What was placed.
    geometry : Geometry
        As it relaxed.
    meant : str
        The binding mode that it was placed in.
    atoms : sequence of int
        Index of the atom that plays each part of the adsorbate.
    metals : sequence of int
        Indices of the metals that it was placed on.
    """
    bonds = metal_bonds(site.metals, adsorbate, geometry, atoms)
    if meant == LATTICE and (hydroxyl := _on_lattice(site, adsorbate, geometry, atoms[0], bonds)) is not None:
        return hydroxyl
    for fragment in adsorbate.fragments:
        loose = _loose(site, adsorbate, geometry, [k for k in _candidates(adsorbate) if k in fragment], atoms, bonds)
        if loose is not None:
            return loose
    held = ", ".join(geometry.text(metal, atoms[k]) for metal, k in bonds)
    if not any(metal in metals for metal, _ in bonds):
        names = (", ".join(map(geometry.name, group)) for group in (metals, dict.fromkeys(m for m, _ in bonds)))
        return Verdict.MOVED, f"{held}, moved from {' to '.join(names)}"
    found = mode_made(adsorbate, bonds)
    name = renamed(adsorbate, found, frozenset(k for _, k in bonds))
    if name is not None:
        return Verdict.ISOMERISED, f"{adsorbate.name}* became {name}*: {held}, {found}"
    if found != meant:
        held += f", moved from {meant} to {found}"
    for k in dict.fromkeys(k for _, k in bonds):
        if (perch := perch_of(site, geometry, atoms[k])) is not None:
            return Verdict.BOUND, f"{held}, also on {geometry.name(perch)} ({geometry.text(perch, atoms[k])})"
    if len(bonds) == 1 and bonds[0][1] > 0:
        return Verdict.BOUND, f"{held} through atom {bonds[0][1] + 1} of {adsorbate.name}*"
    return Verdict.BOUND, held


def _on_lattice(
    site: ActiveSite, adsorbate: Adsorbate, geometry: Geometry, atom: int, bonds: Sequence[tuple[int, int]]
) -> tuple[Verdict, str] | None:
    """Return whether hydrogen sits on an oxygen that holds a metal, or went to the metal; None if it does neither."""
    perch = perch_of(site, geometry, atom)
    if perch is None:
        text = ", ".join(geometry.text(metal, atom) for metal, _ in bonds)
        return (Verdict.ISOMERISED, f"{adsorbate.name}* became H*: {text}") if bonds else None
    nearest = min(site.metals, key=lambda metal: float(geometry.ratios[metal, perch]))
    if geometry.symbols[perch] != "O" or geometry.ratios[nearest, perch] > BROKEN:
        return None
    there = f"{geometry.text(perch, atom)} on {geometry.name(perch)}, {geometry.text(nearest, perch)}"
    return Verdict.BOUND, there


def _loose(
    site: ActiveSite,
    adsorbate: Adsorbate,
    geometry: Geometry,
    candidates: Sequence[int],
    atoms: Sequence[int],
    bonds: Sequence[tuple[int, int]],
) -> tuple[Verdict, str] | None:
    """Find a fragment, given by the atoms that may bind, that no metal holds, or that sits nearer to the support."""
    nearest = {k: min(site.metals, key=lambda m: float(geometry.ratios[m, atoms[k]])) for k in candidates}
    ratio = {k: float(geometry.ratios[nearest[k], atoms[k]]) for k in candidates}
    holding = [k for _, k in bonds if k in candidates]
    for k in sorted(holding or candidates, key=lambda k: ratio[k]):
        perch = perch_of(site, geometry, atoms[k])
        if perch is None:
            continue
        there = f"{geometry.name(perch)} ({geometry.text(perch, atoms[k])})"
        on_metal = geometry.text(nearest[k], atoms[k])
        if not holding:
            metal = geometry.symbols[nearest[k]]
            return Verdict.MOVED, f"{adsorbate.symbols[k]} left {metal} and sits on {there}, {on_metal}"
        if geometry.ratios[perch, atoms[k]] < ratio[k]:
            return Verdict.MOVED, f"{adsorbate.symbols[k]} sits on {there}, nearer than on {on_metal}"
    if holding:
        return None
    closest = min(candidates, key=lambda k: ratio[k])
    reason = geometry.text(nearest[closest], atoms[closest])
    if len(adsorbate.fragments) > 1:
        reason = f"one fragment of {adsorbate.name}* is not held ({reason})"
    return Verdict.WEAKLY_BOUND if ratio[closest] <= WEAK else Verdict.DESORBED, reason


def _candidates(adsorbate: Adsorbate) -> list[int]:
    """Return the atoms that may bind: those of its modes, and all but hydrogen."""
    listed = {atom for mode in adsorbate.modes for atom in mode.atoms}
    return [k for k, symbol in enumerate(adsorbate.symbols) if k in listed or symbol != "H"]


def mode_of(site: ActiveSite, adsorbate: Adsorbate, geometry: Geometry) -> str:
    """Return the mode in which an adsorbate holds the metals, its first where it has no such mode, or holds none.

    Parameters
    ----------
    site : ActiveSite
        The site; its atoms come first in the geometry.
    adsorbate : Adsorbate
        Its atoms come next, in its order.
    geometry : Geometry
        As it relaxed.
    """
    atoms = range(len(site.atoms), len(site.atoms) + len(adsorbate.symbols))
    found = mode_made(adsorbate, metal_bonds(site.metals, adsorbate, geometry, atoms))
    return found if found in {mode.name for mode in adsorbate.modes} else adsorbate.modes[0].name


def metal_bonds(
    metals: Sequence[int], adsorbate: Adsorbate, geometry: Geometry, atoms: Sequence[int]
) -> list[tuple[int, int]]:
    """Return the bonds from metals to atoms of an adsorbate, by atom.

    All metals that the first atom touches count. Another atom counts where its bond is about as short as the shortest
    of its fragment, and where it is not only drawn near by two neighbours that bind, as the carbon of a chelating
    formate is.

    Parameters
    ----------
    metals : sequence of int
        Indices of the metals.
    adsorbate : Adsorbate
        What is bound.
    geometry : Geometry
        As it relaxed.
    atoms : sequence of int
        Index of the atom that plays each part of the adsorbate.

    Returns
    -------
    list of tuple of int
        The metal's index, and the atom as the adsorbate counts it.
    """
    ratios = {(m, k): float(geometry.ratios[m, atoms[k]]) for k in _candidates(adsorbate) for m in metals}
    near: dict[tuple[int, int], float] = {}
    for fragment in adsorbate.fragments:
        own = {(m, k): ratio for (m, k), ratio in ratios.items() if k in fragment and ratio <= BONDED}
        shortest = min(own.values(), default=0.0)
        near |= {(m, k): ratio for (m, k), ratio in own.items() if k == 0 or ratio <= BESIDE * shortest}

    def is_drawn(metal: int, atom: int) -> bool:
        beside = [sum(bond) - atom for bond in adsorbate.bonds if atom in bond]
        return sum((metal, k) in near and near[metal, k] < near[metal, atom] for k in beside) >= 2

    return [bond for bond in near if not is_drawn(*bond)]


def mode_made(adsorbate: Adsorbate, bonds: Sequence[tuple[int, int]]) -> str:
    """Return the binding mode that bonds to metals make."""
    metals, atoms = {metal for metal, _ in bonds}, {atom for _, atom in bonds}
    if len(metals) > 1:
        return "bridge" if len(atoms) == 1 else "bidentate"
    if len(atoms) < 2:
        return END_ON
    return "side-on" if any(atoms.issuperset(bond) for bond in adsorbate.bonds) else "chelate"
