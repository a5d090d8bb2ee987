"""Pourbaix: which state of a site is the lowest at each potential and pH, as polygons, and what poisons the site."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from atomsieve.analysis.envelope import Boundary, Point, Region, boundaries, corners_of_three, joined, lower
from atomsieve.analysis.planes import Plane
from atomsieve.structures.energies import Term
from atomsieve.structures.errors import InputError
from atomsieve.structures.units import ROOM_TEMPERATURE

#: A range, from low to high.
Span = tuple[float, float]


@dataclass(frozen=True)
class Diagram:
    """Which state is the lowest at each potential and pH.

    Parameters
    ----------
    regions : tuple of Region
        By state its polygon with exact corners; they tile the box. A state has several regions where others part it.
    boundaries : tuple of Boundary
        Where two states are equally low.
    triple_points : tuple of (states, (pH, potential))
        Where three or more are.
    scale : str
        What its potentials are measured against, ``RHE`` or ``SHE``.
    ph, potentials : (float, float)
        Its box, the potentials in V.
    temperature : float
        K.
    """

    regions: tuple[Region, ...]
    boundaries: tuple[Boundary, ...]
    triple_points: tuple[tuple[tuple[str, ...], Point], ...]
    scale: str
    ph: Span
    potentials: Span
    temperature: float = ROOM_TEMPERATURE


def diagram(
    states: Sequence[Plane], potentials: Span = (-1.0, 2.0), ph: Span = (0.0, 14.0), *, scale: str = "SHE"
) -> Diagram:
    """Return which state is the lowest at each potential and pH of a box.

    The box is cut at each pH at which a plane begins or ends; between two cuts each region is the box clipped by the
    half-planes in which no other state is lower, so that its corners are exact.

    Parameters
    ----------
    states : sequence of Plane
        Of one site; at each pH at least one must hold. Of planes that are the same the first counts.
    potentials : (float, float)
        From and up to which, V.
    ph : (float, float)
        From and up to which.
    scale : str
        What the potentials are measured against: ``SHE`` or ``RHE``.

    Raises
    ------
    InputError
        If the box is empty, the scale is unknown, or no state holds at some pH.
    """
    for name, (low, high) in (("potentials", potentials), ("pH", ph)):
        if not low < high or not all(map(math.isfinite, (low, high))):
            raise InputError(f"{name} from {low:g} to {high:g} is no range; write the lower one first")
    cuts = {edge for plane in states for edge in (plane.low, plane.high) if ph[0] < edge < ph[1]}
    strips = []
    for low, high in itertools.pairwise(sorted({*ph, *cuts})):
        own = [plane for plane in states if plane.holds(low, high)]
        if not own:
            raise InputError(f"no state of the site is known from pH {low:g} to {high:g}; hand in its planes there")
        lines = [(plane.state, plane.intercept, *plane.slopes(scale)) for plane in own]
        strips.append(lower(lines, (low, high), potentials))
    return Diagram(
        regions=joined(strips),
        boundaries=boundaries(strips),
        triple_points=corners_of_three(strips, ph, potentials),
        scale=scale,
        ph=ph,
        potentials=potentials,
        temperature=states[0].temperature,
    )


@dataclass(frozen=True)
class Covering:
    """What covers a site at one potential and pH.

    Parameters
    ----------
    state : str
        The state of lowest ΔG, ``*`` or ``OH*``; what has dissolved is not among them.
    free : float
        Its ΔG against the bare site, eV.
    terms : tuple of Term
        Of this ΔG.
    order : tuple of (state, ΔG)
        All states, the lowest first.
    without : str
        The lowest state of those without a ligand.
    ligand : str or None
        The molecule whose adsorbate binds most strongly; None where no ligand has an energy.
    poison : str or None
        This adsorbate's state.
    margin : float or None
        ΔG of the poison against the lowest state without a ligand, eV: negative where it poisons the site.
    margin_terms : tuple of Term
        Of the margin.
    """

    state: str
    free: float
    terms: tuple[Term, ...]
    order: tuple[tuple[str, float], ...]
    without: str
    ligand: str | None
    poison: str | None
    margin: float | None
    margin_terms: tuple[Term, ...]

    @property
    def is_poisoned(self) -> bool:
        """Whether a ligand covers the site."""
        return self.margin is not None and self.margin < 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "state": self.state,
            "free": self.free,
            "order": [{"state": state, "free": free} for state, free in self.order],
            "without_ligands": self.without,
            "ligand": self.ligand,
            "poison": self.poison,
            "margin": self.margin,
            "is_poisoned": self.is_poisoned,
        }


def covering(states: Sequence[Plane], potential: float, ph: float, *, scale: str = "RHE") -> Covering:
    """Return what covers a site, and which ligand is the strongest poison.

    Parameters
    ----------
    states : sequence of Plane
        Of one site, the bare one among them.
    potential : float
        V on the scale.
    ph : float
        pH.
    scale : str
        ``RHE`` or ``SHE``.

    Raises
    ------
    InputError
        If the scale is unknown, or no state without a ligand is known.
    """
    here = [plane for plane in states if not plane.is_dissolved and plane.low <= ph <= plane.high]
    # of two planes that meet at a pKa one is enough
    order = list({p.state: p for p in sorted(here, key=lambda p: -p.free(potential, ph, scale))}.values())[::-1]
    bare = next((plane for plane in order if not plane.ligand), None)
    if bare is None:
        raise InputError("no state of the site without a ligand is known; hand in the bare one's plane")
    poison = next((plane for plane in order if plane.ligand), None)
    margin_terms: tuple[Term, ...] = ()
    if poison is not None:
        without = (term.taken_off for term in bare.terms_at(potential, ph, scale))
        margin_terms = (*poison.terms_at(potential, ph, scale), *without)
    lowest = order[0]
    return Covering(
        state=lowest.state,
        free=lowest.free(potential, ph, scale),
        terms=lowest.terms_at(potential, ph, scale),
        order=tuple((plane.state, plane.free(potential, ph, scale)) for plane in order),
        without=bare.state,
        ligand=poison.ligand if poison is not None else None,
        poison=poison.state if poison is not None else None,
        margin=poison.free(potential, ph, scale) - bare.free(potential, ph, scale) if poison is not None else None,
        margin_terms=margin_terms,
    )
