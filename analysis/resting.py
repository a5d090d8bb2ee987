"""Resting state: what covers a site at a potential, and the limiting potential of a reaction on the site so covered."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from atomsieve.analysis.surroundings import Surroundings
from atomsieve.structures.adsorbate import adsorbate
from atomsieve.structures.molecule import molecule
from atomsieve.structures.state import State, Step

#: The bare site.
BARE = "*"
#: V within which lines cross at once.
SAME = 1e-9


@dataclass(frozen=True)
class Candidate:
    """One state of a site.

    Parameters
    ----------
    state : str
        ``*`` or ``OH*``.
    electrons : int
        That it takes up to form from the bare site; negative where it gives them off.
    free_at_zero : float
        ΔG against the bare site at 0 V against RHE, at the pH, eV.
    """

    state: str
    electrons: int
    free_at_zero: float

    def free(self, potential: float) -> float:
        """Return ΔG against the bare site at a potential (V against RHE), eV."""
        return self.free_at_zero + self.electrons * potential


@dataclass(frozen=True)
class Window:
    """The potentials at which a state rests.

    Parameters
    ----------
    state : str
        ``*`` or ``OH*``.
    low, high : float
        V against RHE; infinite at the ends.
    """

    state: str
    low: float
    high: float

    @property
    def text(self) -> str:
        """As people read it, ``OH* from 0.75 to 0.95 V``."""
        if math.isinf(self.low):
            return f"{self.state} " + ("at all potentials" if math.isinf(self.high) else f"below {self.high:z.2f} V")
        if math.isinf(self.high):
            return f"{self.state} above {self.low:z.2f} V"
        return f"{self.state} from {self.low:z.2f} to {self.high:z.2f} V"


def candidates(
    free: Mapping[str, float | None], around: Surroundings, molecules: Iterable[str] = ()
) -> tuple[Candidate, ...]:
    """Return the states in which a site may rest, the bare one first.

    What consists of O and H alone is in equilibrium with water, protons and electrons (surface Pourbaix diagrams, doi
    10.1039/b803956a): * + a H2O + n (H+ + e-) = A*, n = H - 2 O. An adsorbate as which a molecule that is there binds
    (CO*, N2*, NH3*; Cl* of Cl-, SH* of H2S) is in equilibrium with it. Other intermediates go on to products, and never
    come to an equilibrium. Only what has an energy can be found to rest.

    Parameters
    ----------
    free : mapping of str to (float or None)
        ΔG of each adsorbate at 0 V against RHE, against H2, H2O, CO2 and N2, eV; None where it is not known.
    around : Surroundings
        Free energies of the molecules, and pH.
    molecules : iterable of str
        The molecules that are there besides water.
    """
    there = frozenset(molecules)
    found = [Candidate(BARE, 0, 0.0)]
    for name, value in free.items():
        step = formation(name, there)
        if value is not None and step is not None and not around.missing.keys() & {*step.start.free, *step.end.free}:
            change = value + around.free(step.end) - around.free(step.start) + around.shift(step, 0.0)
            found.append(Candidate(f"{name}*", step.electrons, change))
    return tuple(found)


@cache
def formation(name: str, molecules: frozenset[str]) -> Step | None:
    """Return how an adsorbate forms from the bare site; None where it has no equilibrium with what is there."""
    own = State(f"{name}*", {name: 1}, {})
    composition = adsorbate(name).composition
    if composition.keys() <= {"O", "H"}:
        waters = composition.get("O", 0)
        if waters < 0:
            return Step(State("*", {}, {}), State(own.text, own.adsorbed, {"H2O": -waters}))
        return Step(State("*", {}, {"H2O": waters} if waters else {}), own)
    found = next((other for other in sorted(molecules) if name.removesuffix("-side") in molecule(other).binds), None)
    return Step(State("*", {}, {found: 1}), own) if found is not None else None


def ordered(states: Sequence[Candidate], potential: float) -> tuple[Candidate, ...]:
    """Sort states by their free energy at a potential (V against RHE); the first is the one that rests."""
    return tuple(sorted(states, key=lambda entry: (entry.free(potential), -entry.electrons, entry.state)))


def windows(states: Sequence[Candidate]) -> tuple[Window, ...]:
    """Return the potentials at which each state rests, from the lowest to the highest.

    The lines ΔG(0) + n U have a lower envelope: from low to high potential n falls.
    """
    # of equal slopes only the lowest counts
    lines = {entry.electrons: entry for entry in reversed(ordered(states, 0.0))}
    current = lines[max(lines)]
    edges, names = [-math.inf], [current.state]
    while True:
        following = [
            ((entry.free_at_zero - current.free_at_zero) / (current.electrons - entry.electrons), entry)
            for entry in lines.values()
            if entry.electrons < current.electrons
        ]
        if not following:
            break
        edge = min(crossing for crossing, _ in following)
        # where several cross at once the steepest goes on
        current = min((entry for at, entry in following if at <= edge + SAME), key=lambda entry: entry.electrons)
        edges.append(edge)
        names.append(current.state)
    spans = pairwise([*edges, math.inf])
    return tuple(Window(name, low, high) for name, (low, high) in zip(names, spans, strict=True))


@dataclass(frozen=True)
class AtRest:
    """What a reaction does on the state in which its site rests.

    Parameters
    ----------
    state : str or None
        ``*`` or ``OH*``; None where nothing is known of the site.
    potential : float or None
        V against RHE for which this is said.
    limiting_potential : float or None
        V against RHE, on the site with the state's adsorbate on its far face.
    reason : str
        Why there is none; empty where there is one.
    """

    state: str | None
    potential: float | None
    limiting_potential: float | None
    reason: str = ""


def at_rest(
    states: Sequence[Candidate],
    limits: Mapping[str, float | None],
    *,
    is_reduction: bool,
    equilibrium: float,
    potential: float | None = None,
) -> AtRest:
    """Return the limiting potential of a reaction on the state in which the site rests where the reaction runs.

    Without a potential both are found together (as in doi 10.1039/b803956a): a reduction runs at U if U lies below U_L
    of the state that rests at U, and the highest such U is its limiting potential, an oxidation the other way round.
    This is U_L of a state that rests at its own U_L, or, where the state in whose window the reaction would begin gives
    way before, the edge of the next window. It always exists, and is found without iteration.

    Parameters
    ----------
    states : sequence of Candidate
        As :func:`candidates` gives them.
    limits : mapping of str to (float or None)
        U_L, V against RHE, by resting state: that of the bare site under ``*``, of the site with OH on its far face
        under ``OH*``; absent or None where it is not known.
    is_reduction : bool
        Of the reaction.
    equilibrium : float
        Its equilibrium potential, V against RHE, beyond which it cannot run.
    potential : float, optional
        V against RHE; where given, the state that rests there is the one.
    """
    if potential is not None:
        state = ordered(states, potential)[0].state
        known = limits.get(state)
        return AtRest(state, potential, known, "" if known is not None else _lacks(state))
    own = limits.get(BARE)
    sign = 1.0 if is_reduction else -1.0
    # of an oxidation all potentials are turned round, so that both begin at the top
    spans = [
        (entry, entry.low, entry.high) if is_reduction else (entry, -entry.high, -entry.low)
        for entry in windows(states)
    ]
    for window, low, high in sorted(spans, key=lambda span: -span[1]):
        state = window.state
        if low >= sign * equilibrium:
            continue
        known = limits.get(state)
        if known is None:
            resting = ordered(states, own)[0].state if own is not None else None
            return AtRest(resting, own, None, f"{_lacks(state)}; {window.text}")
        if sign * known > low + SAME:
            onset = sign * min(high, sign * known)
            return AtRest(state, onset, onset)
    # the last window has no end, unless it lies beyond the equilibrium
    return AtRest(None, None, None, f"it would run beyond its equilibrium potential of {equilibrium:.2f} V only")


def _lacks(state: str) -> str:
    where = "the bare site" if state == BARE else f"the site with {state.removesuffix('*')} on its far face"
    return f"U_L on {where} is not known"
