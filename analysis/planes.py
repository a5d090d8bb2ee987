"""Plane: the free energy of one state of a site over potential and pH: bare, covered, or dissolved."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from atomsieve.analysis.dissolution import dissolved_terms
from atomsieve.analysis.envelope import lower
from atomsieve.analysis.resting import BARE, candidates, formation
from atomsieve.analysis.surroundings import Surroundings
from atomsieve.structures.aqueous import AqueousSpecies, aqueous_species
from atomsieve.structures.energies import Term
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.state import Step
from atomsieve.structures.units import ROOM_TEMPERATURE, nernst_slope

#: What potentials of a diagram may be measured against.
SCALES: Final = ("RHE", "SHE")
#: What is left of a site whose metals have dissolved.
VACANT: Final = "vacant site"
#: The pH and the potentials (V against SHE) that any campaign may ask for.
WIDEST_PH, WIDEST_SHE = (-1.0, 15.0), (-6.0, 6.0)


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
    electrons, protons : float
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
    electrons: float
    protons: float
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
            Term(f"{self.electrons:+g} e U({scale})", "potential", by_potential * potential, "conditions"),
            Term(f"{by_ph / nernst_slope(self.temperature):+.4g} kT ln 10 pH", "pH", by_ph * ph, "conditions"),
        )
        return (*self.terms, *(term for term in shifts if term.value))

    def holds(self, low: float, high: float) -> bool:
        """Return whether it holds from one pH to another."""
        return self.low <= low and high <= self.high


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
    for name, terms in adsorbed.items():
        step = formation(name, there)
        if step is None or not terms:
            continue
        constants = {around.acid_constant(molecule) for molecule in (*step.start.free, *step.end.free)} - {None}
        edges = (-math.inf, *sorted(value for value in constants if value is not None), math.inf)
        for low, high in itertools.pairwise(edges):
            ends = _within(low, high)
            one, other = (around.at(pH=ph) for ph in ends)
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


def _within(low: float, high: float) -> tuple[float, float]:
    """Return two values between others that may be infinite."""
    if math.isinf(low):
        return (0.0, 1.0) if math.isinf(high) else (high - 2.0, high - 1.0)
    return (low + 1.0, low + 2.0) if math.isinf(high) else (low + (high - low) / 3, high - (high - low) / 3)


def _molecular(step: Step, one: Surroundings, other: Surroundings) -> tuple[Term, ...]:
    """Return the terms of a step's molecules at pH 0, drawn on from two pH between which none of them changes."""
    found = []
    # of an adsorbate that forms, one molecule is taken up, or some are set free
    for state, sign in ((step.end, 1), (step.start, -1)):
        for name, number in state.free.items():
            for here, there in zip(one.molecules[name], other.molecules[name], strict=True):
                by_ph = (there.value - here.value) / (other.ph - one.ph)
                text = here.name.replace(f" at pH {one.ph:g}", "")
                value = number * (here.value - by_ph * one.ph)
                term = Term(text if number == 1 else f"+{number} {text}", here.kind, value, here.source)
                found.append(term if sign == 1 else term.taken_off)
    return tuple(found)


def dissolved(metals: Sequence[str], formation: Sequence[Term], *, activity: float = 1.0) -> tuple[Plane, ...]:
    """Return what a site dissolves to, MS + w H2O -> S + dissolved metals + protons + electrons, each with its plane.

    Parameters
    ----------
    metals : sequence of str
        Chemical symbols of the metals that leave, one for each atom; they leave together.
    formation : sequence of Term
        Formation energy of the site against the bulk metals and the vacant site, term by term, eV.
    activity : float
        Of each dissolved species, against 1 mol/kg.

    Raises
    ------
    InputError
        If no dissolved species of a metal is known.
    """
    own = [_prevailing(aqueous_species(symbol), activity) for symbol in metals]
    taken = tuple(term.taken_off for term in formation)
    # two atoms of one metal may change places
    sets = {tuple(sorted(chosen, key=lambda one: one.name)) for chosen in itertools.product(*own)}
    return tuple(
        Plane(
            state=" + ".join([*dict.fromkeys(one.name for one in chosen), VACANT]),
            terms=(*dissolved_terms(chosen, 0.0, activity), *taken),
            electrons=0.0 - sum(one.electrons for one in chosen),
            protons=0.0 - sum(one.protons for one in chosen),
            is_dissolved=True,
        )
        for chosen in sorted(sets, key=lambda chosen: [one.name for one in chosen])
    )


def _prevailing(species: Sequence[AqueousSpecies], activity: float) -> list[AqueousSpecies]:
    """Return those species of a metal that are the lowest somewhere; the others are in no diagram."""
    slope = nernst_slope(ROOM_TEMPERATURE)
    sheets = [(one.name, one.free(0.0, 0.0, activity), -one.protons * slope, -one.electrons) for one in species]
    names = {sheet[0] for sheet, _ in lower(sheets, WIDEST_PH, WIDEST_SHE).pieces}
    return [one for one in species if one.name in names]
