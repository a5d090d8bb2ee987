"""Hole: what may become of a support without its metals, and of a second metal on the first."""

from __future__ import annotations

from collections.abc import Iterator

from atomsieve.analysis.geometry import BONDED, BROKEN, Geometry
from atomsieve.structures.judgement import Verdict
from atomsieve.structures.site import ActiveSite


def has_moved(site: ActiveSite, geometry: Geometry, i: int, j: int) -> bool:
    """Tell whether a broken bond of a hole's donor to hydrogen is one to another donor instead: a tautomer.

    Parameters
    ----------
    site : ActiveSite
        As built.
    geometry : Geometry
        As relaxed.
    i, j : int
        Indices of the atoms that were bonded.
    """
    rim = _rim(site)
    hydrogen, donor = (i, j) if geometry.symbols[i] == "H" else (j, i)
    return geometry.symbols[hydrogen] == "H" and donor in rim and _carrier(rim, geometry, hydrogen) is not None


def closes(site: ActiveSite, i: int, j: int) -> bool:
    """Tell whether two atoms are donors of a hole, whose broken bonds may pair with each other (5-8-5 graphene)."""
    return {i, j} <= _rim(site)


def fate(site: ActiveSite, geometry: Geometry) -> Iterator[str]:
    """Say what became of the donors of a hole and of their hydrogens; nothing of other sites.

    Parameters
    ----------
    site : ActiveSite
        As built.
    geometry : Geometry
        As relaxed.
    """
    rim = _rim(site)
    ordered = sorted(rim)
    known = set(site.bonds)
    closed = [(i, j) for i in ordered for j in ordered if i < j and (i, j) not in known]
    for i, j in closed:
        if geometry.ratios[i, j] <= BONDED:
            yield f"the hole closed at {geometry.name(i)}-{geometry.name(j)} ({geometry.distances[i, j]:.2f} Å)"
    for i, j in site.bonds:
        if geometry.symbols[j] == "H" and i in rim and geometry.ratios[i, j] > BROKEN:
            carrier = _carrier(rim, geometry, j)
            if carrier is not None:
                yield f"{geometry.name(j)} went from {geometry.name(i)} to {geometry.name(carrier)}"


def second_metal_left(site: ActiveSite, geometry: Geometry) -> tuple[Verdict, str] | None:
    """Find a second metal that is no longer bonded to the first: gone, or slid to a place of its own on the support."""
    for first, second in stacked(site):
        held = _held(site, geometry, second)
        if geometry.ratios[first, second] > (BONDED if held else BROKEN):
            bond = f"{geometry.name(second)} left {geometry.name(first)} ({geometry.text(first, second)})"
            where = ", ".join(map(geometry.name, held))
            return Verdict.METAL_LEFT, f"{bond} for {where}" if where else bond
    return None


def stacked(site: ActiveSite) -> Iterator[tuple[int, int]]:
    """Yield the metals that no donor holds after the metals that they stand on."""
    for second, donors in zip(site.metals, site.donors, strict=True):
        for bond in site.bonds if not donors else ():
            if second in bond and (first := sum(bond) - second) in site.metals:
                yield first, second


def leaning(site: ActiveSite, geometry: Geometry) -> Iterator[str]:
    """Say how far a second metal is from the first, and which atoms of the support it touches as well."""
    for first, second in stacked(site):
        held = ", ".join(map(geometry.name, _held(site, geometry, second)))
        yield geometry.text(first, second) + (f" ({geometry.name(second)} touches {held} as well)" if held else "")


def _held(site: ActiveSite, geometry: Geometry, metal: int) -> list[int]:
    """Return the atoms of the support that a metal is bonded to."""
    return [i for i in range(len(site.atoms)) if i not in site.metals and geometry.ratios[metal, i] <= BONDED]


def _carrier(rim: set[int], geometry: Geometry, hydrogen: int) -> int | None:
    """Return the donor of a hole that a hydrogen is bonded to."""
    near = [donor for donor in rim if geometry.ratios[donor, hydrogen] <= BONDED]
    return min(near, key=lambda donor: float(geometry.ratios[donor, hydrogen]), default=None)


def _rim(site: ActiveSite) -> set[int]:
    return {donor for donors in site.hole for donor in donors}
