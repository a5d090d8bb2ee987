"""Binding: which atoms of an adsorbate hold which metals, or what else they sit on."""

from __future__ import annotations

from atomsieve.analysis.geometry import BONDED, WEAK, Geometry
from atomsieve.structures.adsorbate import END_ON, Adsorbate
from atomsieve.structures.calculation import Verdict
from atomsieve.structures.site import ActiveSite

#: By how much longer than the shortest bond, in relation to the radii, that of another atom may be that binds as well.
BESIDE = 1.2


def perch_of(site: ActiveSite, geometry: Geometry, atom: int) -> int | None:
    """Return the atom of the support, metals apart, that an atom is bonded to most closely."""
    near = [i for i in range(len(site.atoms)) if i not in site.metals and geometry.ratios[i, atom] <= BONDED]
    return min(near, key=lambda i: float(geometry.ratios[i, atom]), default=None)


def binding(site: ActiveSite, adsorbate: Adsorbate, geometry: Geometry, meant: str) -> tuple[Verdict, str]:
    """Return whether an adsorbate that is whole is bound, and by which bonds.

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
    """
    start = len(site.atoms)
    candidates = [k for k, symbol in enumerate(adsorbate.symbols) if k == 0 or symbol != "H"]
    nearest = {k: min(site.metals, key=lambda m: float(geometry.ratios[m, start + k])) for k in candidates}
    ratio = {k: float(geometry.ratios[nearest[k], start + k]) for k in candidates}
    bonds = _metal_bonds(site, adsorbate, geometry, candidates)
    held = ", ".join(geometry.text(metal, start + k) for metal, k in bonds)
    found = _mode(adsorbate, bonds)
    if bonds and found != meant:
        held += f", moved from {meant} to {found}"
    perch = perch_of(site, geometry, start)
    if perch is not None:
        first, metal = adsorbate.symbols[0], geometry.symbols[nearest[0]]
        there = f"{geometry.name(perch)} ({geometry.text(perch, start)})"
        if ratio[0] > BONDED:
            return Verdict.DESORBED, f"{first} left {metal} and sits on {there}, {geometry.text(nearest[0], start)}"
        if geometry.ratios[perch, start] < ratio[0]:
            return Verdict.DESORBED, f"{first} sits on {there}, nearer than on {geometry.text(nearest[0], start)}"
        return Verdict.BOUND, f"{held}, also on {there}"
    if len(bonds) == 1 and bonds[0][1] > 0:
        return Verdict.BOUND, f"{held} through atom {bonds[0][1] + 1} of {adsorbate.name}*"
    if bonds:
        return Verdict.BOUND, held
    closest = min(candidates, key=lambda k: ratio[k])
    bond = geometry.text(nearest[closest], start + closest)
    return Verdict.WEAKLY_BOUND if ratio[closest] <= WEAK else Verdict.DESORBED, bond


def _metal_bonds(
    site: ActiveSite, adsorbate: Adsorbate, geometry: Geometry, candidates: list[int]
) -> list[tuple[int, int]]:
    """Return the bonds from metals to atoms of an adsorbate, by atom.

    All metals that the first atom touches count. Another atom counts where its bond is about as short as the shortest,
    and where it is not only drawn near by two neighbours that bind, as the carbon of a chelating formate is.
    """
    start = len(site.atoms)
    ratios = {(m, k): float(geometry.ratios[m, start + k]) for k in candidates for m in site.metals}
    near = {bond: ratio for bond, ratio in ratios.items() if ratio <= BONDED}
    shortest = min(near.values(), default=0.0)
    near = {(m, k): ratio for (m, k), ratio in near.items() if k == 0 or ratio <= BESIDE * shortest}

    def is_drawn(metal: int, atom: int) -> bool:
        beside = [sum(bond) - atom for bond in adsorbate.bonds if atom in bond]
        return sum((metal, k) in near and near[metal, k] < near[metal, atom] for k in beside) >= 2

    return [bond for bond in near if not is_drawn(*bond)]


def _mode(adsorbate: Adsorbate, bonds: list[tuple[int, int]]) -> str:
    """Return the binding mode that bonds to metals make."""
    metals, atoms = {metal for metal, _ in bonds}, {atom for _, atom in bonds}
    if len(metals) > 1:
        return "bridge" if len(atoms) == 1 else "bidentate"
    if len(atoms) < 2:
        return END_ON
    return "side-on" if any(atoms.issuperset(bond) for bond in adsorbate.bonds) else "chelate"
