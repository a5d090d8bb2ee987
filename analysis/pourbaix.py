"""Pourbaix: which state of a site is the lowest at each potential and pH, as polygons, and what poisons the site."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from atomsieve.analysis.envelope import Boundary, Point, Region, boundaries, corners_of_three, joined, lower
from atomsieve.analysis.resting import BARE, candidates, formation
from atomsieve.analysis.surroundings import Surroundings
from atomsieve.structures.energies import Term
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.state import Step
from atomsieve.structures.units import ROOM_TEMPERATURE, nernst_slope

#: What potentials of a diagram may be measured against.
SCALES: Final = ("RHE", "SHE")
#: A range, from low to high.
Span = tuple[float, float]


@dataclass(frozen=True)
class Plane:
    """The free energy of one state of a site against the bare one, linear in potential and pH.

    ΔG = Σ terms + n e U(SHE) + p kT ln 10 pH for n electrons and p protons taken up (doi 10.1039/b803956a).

    Parameters
    ----------
    state : str
        ``*``, ``OH*``, or what is left of a site that dissolves.
    terms : tuple of Term
        ΔG at 0 V and pH 0, term by term, eV.
    electrons, protons : int
        That the state takes up to form from the bare site; negative where it gives them off.
    temperature : float
        K.
    ligand : str
        The molecule of the surroundings that it is made of; empty where that is water alone.
    is_dissolved : bool
        Whether the site has lost a metal.
    low, high : float
        The pH from which and up to which it holds: where a molecule has an acid or a base, one plane ends at the pKa,
        and another begins.
    """

    state: str
    terms: tuple[Term, ...]
    electrons: int
    protons: int
    temperature: float = ROOM_TEMPERATURE
    ligand: str = ""
    is_dissolved: bool = False
    low: float = -math.inf
    high: float = math.inf

    @property
    def intercept(self) -> float:
        """ΔG at 0 V and pH 0, eV; on either scale, which agree there."""
        return sum(term.value for term in self.terms)

    def slopes(self, scale: str = "RHE") -> tuple[float, float]:
        """Return by how much ΔG changes with pH and with the potential: eV per unit of pH, and eV/V.

        Raises
        ------
        InputError
            If the scale is neither ``RHE`` nor ``SHE``.
        """
        if scale not in SCALES:
            raise InputError(unknown(scale, SCALES, "potential scale of a diagram"))
        protons = self.protons - (self.electrons if scale == "RHE" else 0)
        return protons * nernst_slope(self.temperature), float(self.electrons)

    def free(self, potential: float, ph: float, scale: str = "RHE") -> float:
        """Return ΔG at a potential (V on the scale) and a pH, eV."""
        by_ph, by_potential = self.slopes(scale)
        return self.intercept + by_ph * ph + by_potential * potential

    def terms_at(self, potential: float, ph: float, scale: str = "RHE") -> tuple[Term, ...]:
        """Return all terms at a potential (V on the scale) and a pH; they add up to :meth:`free`."""
        by_ph, by_potential = self.slopes(scale)
        shifts = (
            Term(f"{self.electrons:+d} e U({scale})", "potential", by_potential * potential, "conditions"),
            Term(f"{by_ph / nernst_slope(self.temperature):+.0f} kT ln 10 pH", "pH", by_ph * ph, "conditions"),
        )
        return (*self.terms, *(term for term in shifts if term.value))

    def holds(self, low: float, high: float) -> bool:
        """Return whether it holds from one pH to another."""
        return self.low <= low and high <= self.high


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


def planes(
    adsorbed: Mapping[str, Sequence[Term]], around: Surroundings, molecules: Iterable[str] = ()
) -> tuple[Plane, ...]:
    """Return the states in which a site may rest, each with its plane; the bare one first.

    They are those of :func:`~atomsieve.analysis.resting.candidates`, which is their cut at one pH. Where a molecule is
    an acid or a base, ΔG has a kink at its pKa; there is then one plane on either side of it.

    Parameters
    ----------
    adsorbed : mapping of str to sequence of Term
        ΔG of each adsorbate at 0 V against RHE, against the reference molecules, term by term, eV; empty where it is
        not known.
    around : Surroundings
        Free energies of the molecules; neither their pH nor their potential matters.
    molecules : iterable of str
        The molecules that are there besides water.
    """
    there = frozenset(molecules)
    found = [Plane(BARE, (), 0, 0, around.temperature)]
    known: dict[float, Surroundings] = {}
    for name, terms in adsorbed.items():
        step = formation(name, there)
        if step is None or not terms:
            continue
        constants = {around.acid_constant(molecule) for molecule in (*step.start.free, *step.end.free)} - {None}
        edges = (-math.inf, *sorted(value for value in constants if value is not None), math.inf)
        for low, high in pairwise(edges):
            ends = _within(low, high)
            one, other = (known.setdefault(ph, around.at(pH=ph)) for ph in ends)
            free = {name: sum(term.value for term in terms)}
            cuts = [candidates(free, cut, there)[1:] for cut in (one, other)]
            if not all(cuts):
                continue
            by_ph = (cuts[1][0].free_at_zero - cuts[0][0].free_at_zero) / (ends[1] - ends[0])
            electrons = cuts[0][0].electrons
            found.append(
                Plane(
                    state=cuts[0][0].state,
                    terms=(*terms, *_molecular(step, one, other)),
                    electrons=electrons,
                    protons=electrons + round(by_ph / nernst_slope(around.temperature)),
                    temperature=around.temperature,
                    ligand=next((own for own in (*step.start.free, *step.end.free) if own != "H2O"), ""),
                    low=low,
                    high=high,
                )
            )
    return tuple(found)


def _within(low: float, high: float) -> Span:
    """Return two values between others that may be infinite."""
    if math.isinf(low):
        return (0.0, 1.0) if math.isinf(high) else (high - 2.0, high - 1.0)
    return (low + 1.0, low + 2.0) if math.isinf(high) else (low + (high - low) / 3, high - (high - low) / 3)


def _molecular(step: Step, one: Surroundings, other: Surroundings) -> tuple[Term, ...]:
    """Return the terms of a step's molecules at pH 0, drawn on from two pH between which none of them changes."""
    found = []
    for state, sign in ((step.end, 1), (step.start, -1)):
        for name, number in state.free.items():
            factor = sign * number
            for here, there in zip(one.molecules[name], other.molecules[name], strict=True):
                by_ph = (there.value - here.value) / (other.ph - one.ph)
                text = here.name.replace(f" at pH {one.ph:g}", "")
                weighed = f"{'-' if factor == -1 else f'{factor:+d} '}{text}" if factor != 1 else text
                found.append(Term(weighed, here.kind, factor * (here.value - by_ph * one.ph), here.source))
    return tuple(found)


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
    for low, high in pairwise(sorted({*ph, *cuts})):
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
    poison_terms : tuple of Term
        Of the poison's ΔG against the bare site.
    """

    state: str
    free: float
    terms: tuple[Term, ...]
    order: tuple[tuple[str, float], ...]
    without: str
    ligand: str | None
    poison: str | None
    margin: float | None
    poison_terms: tuple[Term, ...]

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
        poison_terms=poison.terms_at(potential, ph, scale) if poison is not None else (),
    )
