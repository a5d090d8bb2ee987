"""Dissolution: the potential at which a site gives up its metals to water, and what it costs to swap them for protons.

Free energies of dissolved species are measured, those of the site come as its formation energy against bulk metals, so
that no charged species is ever calculated.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from atomsieve.structures.aqueous import AqueousSpecies, aqueous_species
from atomsieve.structures.energies import Term
from atomsieve.structures.errors import InputError
from atomsieve.structures.units import BOLTZMANN, ROOM_TEMPERATURE, nernst_slope, require_room_temperature


@dataclass(frozen=True)
class Dissolution:
    """The potential from which on a site dissolves, MS + w H2O -> S + dissolved metals + protons + n e-.

    Parameters
    ----------
    potential : float
        V against RHE; above it the site dissolves.
    potential_she : float
        V against SHE.
    electrons : float
        n, that all metals of the site give off.
    species : tuple of AqueousSpecies
        What each metal becomes, in the order of the metals.
    terms : tuple of Term
        Summands of n times ``potential_she``, eV.
    """

    potential: float
    potential_she: float
    electrons: float
    species: tuple[AqueousSpecies, ...]
    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Demetallation:
    """What it costs to take the metals out and put protons in, MS + h (H+ + e-) + ... -> HhS + dissolved metals + n e-.

    Parameters
    ----------
    energy : float
        Free energy at the potential, eV; below zero the site is demetallated.
    electrons : float
        n - h: electrons that are set free in all; where it is zero no potential holds the metal.
    species : tuple of AqueousSpecies
        What each metal becomes, in the order of the metals.
    terms : tuple of Term
        Summands of ``energy``, eV.
    """

    energy: float
    electrons: float
    species: tuple[AqueousSpecies, ...]
    terms: tuple[Term, ...]


def dissolution(
    metals: Sequence[str],
    formation_energy: float,
    *,
    ph: float = 0.0,
    activity: float = 1.0,
    temperature: float = ROOM_TEMPERATURE,
) -> Dissolution:
    """Return the dissolution potential of a site, over all dissolved species of its metals that are known.

    U = (Σ ΔG(species) - E_f) / n: that of bulk metals where the formation energy is zero. Several metals leave
    together, as that set of species that needs the lowest potential.

    Parameters
    ----------
    metals : sequence of str
        Chemical symbols of the metals that leave, one for each atom.
    formation_energy : float
        E(site) - E(site without its metals) - Σ E(bulk metal), eV; the lower, the more stable the site.
    ph : float
        Sets the protons.
    activity : float
        Of each dissolved species, against 1 mol/kg; 1e-6 is the usual mark of corrosion.
    temperature : float
        K; the free energies are those at 298.15 K.

    Raises
    ------
    InputError
        If no dissolved species of a metal is known, the temperature is not that of the table, or a number makes no
        sense.
    """
    _check(metals, formation_energy, ph, activity, temperature)
    sets = itertools.product(*(aqueous_species(symbol) for symbol in metals))
    found = [(_at_zero(chosen, ph, activity), chosen) for chosen in sets]
    (_, species) = min(found, key=lambda one: ((one[0] - formation_energy) / _electrons(one[1]), _names(one[1])))
    terms = (
        *dissolved_terms(species, ph, activity),
        Term("-E(formation)", "electronic", -formation_energy, "the site"),
    )
    electrons = _electrons(species)
    she = sum(term.value for term in terms) / electrons
    return Dissolution(she + nernst_slope(ROOM_TEMPERATURE) * ph, she, electrons, species, terms)


def demetallation(
    metals: Sequence[str],
    formation_energy: float,
    hydrogenation_energy: float,
    hydrogens: int,
    *,
    potential: float,
    ph: float = 0.0,
    activity: float = 1.0,
    temperature: float = ROOM_TEMPERATURE,
) -> Demetallation:
    """Return the free energy of the exchange of a site's metals for protons at a potential.

    Parameters
    ----------
    metals, formation_energy, ph, activity, temperature
        As in :func:`dissolution`.
    hydrogenation_energy : float
        E(HhS) - E(S) - h/2 E(H2), eV; with vibrations where they are known.
    hydrogens : int
        h, that the site without its metals takes up.
    potential : float
        V against RHE.

    Raises
    ------
    InputError
        As :func:`dissolution`.
    """
    _check(metals, formation_energy, ph, activity, temperature)
    she = potential - nernst_slope(ROOM_TEMPERATURE) * ph
    species = tuple(
        min(aqueous_species(symbol), key=lambda one: (one.free(she, ph, activity), one.name)) for symbol in metals
    )
    electrons = _electrons(species)
    terms = (
        *dissolved_terms(species, ph, activity),
        Term("-E(formation)", "electronic", -formation_energy, "the site"),
        Term("E(hydrogenation)", "electronic", hydrogenation_energy, "the site"),
        Term(f"{-electrons:+g} e U", "potential", -electrons * she, "U against SHE"),
        Term(f"{hydrogens:+d} e U", "potential", hydrogens * potential, "U against RHE"),
    )
    return Demetallation(sum(term.value for term in terms), electrons - hydrogens, species, terms)


def dissolved_terms(species: Iterable[AqueousSpecies], ph: float, activity: float) -> tuple[Term, ...]:
    """Return the free energy of dissolved species at 0 V against SHE, term by term."""
    terms: list[Term] = []
    for one in species:
        dilution = BOLTZMANN * ROOM_TEMPERATURE * math.log(activity) / one.number
        acid = -one.protons * nernst_slope(ROOM_TEMPERATURE) * ph
        terms.append(Term(f"G({one.name})", "experiment", one.standard, one.source))
        if dilution:
            terms.append(Term(f"kT ln a({one.name})", "activity", dilution, f"a = {activity:g}"))
        if acid:
            terms.append(Term(f"{one.protons:+g} H+", "pH", acid, f"pH {ph:g}"))
    return tuple(terms)


def _at_zero(species: Iterable[AqueousSpecies], ph: float, activity: float) -> float:
    return sum(one.free(0.0, ph, activity) for one in species)


def _electrons(species: Iterable[AqueousSpecies]) -> float:
    return sum(one.electrons for one in species)


def _names(species: Iterable[AqueousSpecies]) -> tuple[str, ...]:
    return tuple(one.name for one in species)


def _check(metals: Sequence[str], formation_energy: float, ph: float, activity: float, temperature: float) -> None:
    require_room_temperature(temperature, "free energies of dissolved metals")
    if not metals:
        raise InputError("a site without metals has none to give up; name at least one")
    if not (math.isfinite(activity) and activity > 0):
        raise InputError(f"activity {activity:g} is not possible; write a number above 0, such as 1e-6")
    if not math.isfinite(ph) or not math.isfinite(formation_energy):
        raise InputError(f"pH {ph:g} and a formation energy of {formation_energy:g} eV must be numbers")
