"""Sums: the free energies of species, states and steps, each with what it is the sum of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from atomsieve.analysis.surroundings import Surroundings
from atomsieve.structures.energies import AdsorptionEnergy, Term
from atomsieve.structures.state import State, Step


@dataclass(frozen=True)
class SpeciesSum:
    """The free energy of an adsorbate or a molecule at 0 V against RHE.

    Parameters
    ----------
    name : str
        ``OH*`` or ``O2``.
    terms : tuple of Term
        All summands; none of a molecule that energies refer to, and of an adsorbate without a bound state.
    free : float or None
        Their sum, eV; None where there is no bound state.
    """

    name: str
    terms: tuple[Term, ...]
    free: float | None

    @property
    def symbol(self) -> str:
        """What a sum calls it."""
        return f"ΔG({self.name})" if self.name.endswith("*") else f"G({self.name})"


@dataclass(frozen=True)
class StateSum:
    """The free energy of a state at 0 V against RHE.

    Parameters
    ----------
    text : str
        As written.
    parts : tuple of (int, SpeciesSum)
        How often each of its species enters; the bare site is zero.
    free : float or None
        eV; None where a species is not known.
    """

    text: str
    parts: tuple[tuple[int, SpeciesSum], ...]
    free: float | None


@dataclass(frozen=True)
class StepSum:
    """The change of free energy in a step.

    Parameters
    ----------
    text : str
        What changes.
    electrons, protons : int
        Taken up; negative where given off.
    kind : str
        What is transferred.
    start, end : float or None
        Free energies of its states, eV.
    free_at_zero : float or None
        ``end`` - ``start``, eV.
    potential, ph : float
        What the potential and the pH add, eV.
    free : float or None
        The sum of all three, eV.
    """

    text: str
    electrons: int
    protons: int
    kind: str
    start: float | None
    end: float | None
    free_at_zero: float | None
    potential: float
    ph: float
    free: float | None


class Ledger:
    """The free energies that states are summed up from.

    Parameters
    ----------
    rows : mapping of str to AdsorptionEnergy
        By adsorbate.
    around : Surroundings
        The molecules' terms, potential and pH.
    decimals : int or None
        To how many decimals summands are rounded before anything is added, so that sums that are printed with as many
        are those of what is printed; None for no rounding.
    """

    def __init__(self, rows: Mapping[str, AdsorptionEnergy], around: Surroundings, decimals: int | None = None) -> None:
        self._rows = rows
        self._around = around
        self._decimals = decimals

    def rounded(self, value: float) -> float:
        """Return a summand as it enters."""
        return value if self._decimals is None else round(value, self._decimals) + 0.0

    def _sum(self, values: Iterable[float | None]) -> float | None:
        total = 0.0
        for value in values:
            if value is None:
                return None
            total += value
        return self.rounded(total)

    def _species(self, name: str, terms: Iterable[Term], *, known: bool) -> SpeciesSum:
        own = tuple(Term(term.name, term.kind, self.rounded(term.value), term.source) for term in terms)
        return SpeciesSum(name, own, self._sum(term.value for term in own) if known else None)

    def adsorbate(self, name: str) -> SpeciesSum:
        """Return the sum of an adsorbate."""
        row = self._rows.get(name)
        terms = row.terms if row is not None else ()
        return self._species(f"{name}*", terms, known=bool(terms))

    def molecule(self, name: str) -> SpeciesSum:
        """Return the sum of a molecule."""
        terms = self._around.molecules.get(name)
        return self._species(name, terms or (), known=terms is not None)

    def state(self, state: State) -> StateSum:
        """Return the sum of a state."""
        parts = [(number, self.adsorbate(name)) for name, number in state.adsorbed.items()]
        parts += [(number, self.molecule(name)) for name, number in state.free.items()]
        free = self._sum(part.free * number if part.free is not None else None for number, part in parts)
        return StateSum(state.text, tuple(parts), free)

    def step(self, step: Step, potential: float | None = None) -> StepSum:
        """Return the change in a step, at the potential of the surroundings (V against RHE) or another."""
        start, end = self.state(step.start).free, self.state(step.end).free
        change = self._sum([end, -start]) if start is not None and end is not None else None
        against_rhe = self.rounded(self._around.potential if potential is None else potential)
        shift = self.rounded(step.electrons * against_rhe)
        ph = self.rounded(self._around.shift(step, 0.0))
        free = self._sum([change, shift, ph])
        return StepSum(
            step.text, step.electrons, step.protons, step.kind, start, end, change, shift + 0.0, ph + 0.0, free
        )
