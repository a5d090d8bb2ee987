"""Axial ligands: whether those that a site was built with are still as they were."""

from __future__ import annotations

from atomsieve.analysis.geometry import BONDED, BROKEN, Geometry
from atomsieve.structures.judgement import Verdict
from atomsieve.structures.site import ActiveSite


def axial_lost(site: ActiveSite, geometry: Geometry) -> tuple[Verdict, str] | None:
    """Find an axial ligand that left its metal, broke, or has a bond that it was not built with."""
    for metal, heads in zip(site.metals, site.axial, strict=False):
        for head in heads:
            ligand = _ligand(site, head)
            name = f"axial {site.recipe.get('axial') or site.atoms[ligand].get_chemical_formula(mode='reduce')}"
            if geometry.ratios[metal, head] > BROKEN:
                return Verdict.SUPPORT_REACTED, f"{name} left {geometry.symbols[metal]} ({geometry.text(metal, head)})"
            for i, j in site.bonds:
                if i in ligand and j in ligand and geometry.ratios[i, j] > BROKEN:
                    return Verdict.SUPPORT_REACTED, f"{name} broke at {geometry.name(i)}-{geometry.name(j)}"
            others = [i for i in range(len(site.atoms)) if i not in site.metals and i not in ligand]
            for i in ligand:
                for j in others:
                    if geometry.ratios[i, j] <= BONDED and (min(i, j), max(i, j)) not in site.bonds:
                        return (
                            Verdict.SUPPORT_REACTED,
                            f"{name} is bonded to {geometry.name(j)} ({geometry.text(j, i)})",
                        )
    return None


def _ligand(site: ActiveSite, head: int) -> list[int]:
    """Return the atoms of an axial ligand from the one that binds, in the site's order."""
    found, open_ends = {head}, [head]
    while open_ends:
        atom = open_ends.pop()
        for bond in site.bonds:
            if atom in bond and (other := sum(bond) - atom) not in found and other not in site.metals:
                found.add(other)
                open_ends.append(other)
    return sorted(found)
