"""Surroundings: what every free molecule is worth under some conditions, and the potential there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from atomsieve.structures.conditions import objections, phase_of
from atomsieve.structures.energies import Term
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.molecule import Molecule, molecule, molecules
from atomsieve.structures.state import State, Step
from atomsieve.structures.units import ABSOLUTE_SHE, BOLTZMANN, ROOM_TEMPERATURE, nernst_slope

#: What a potential may be measured against.
SCALES = ("RHE", "SHE", "absolute")


@dataclass(frozen=True)
class Surroundings:
    """Conditions, resolved.

    Parameters
    ----------
    potential : float
        V against RHE.
    ph : float
        pH.
    temperature : float
        K.
    molecules : mapping of str to tuple of Term
        By molecule the terms of its free energy against H2, H2O, CO2 and N2.
    measured : mapping of str to tuple of Term
        The same where all of them are experimental.
    missing : mapping of str to str
        By molecule why it has no free energy here.
    stated, computed : mapping
        What they were resolved from, see :func:`surroundings`.
    """

    potential: float
    ph: float
    temperature: float
    molecules: Mapping[str, tuple[Term, ...]]
    measured: Mapping[str, tuple[Term, ...]]
    missing: Mapping[str, str]
    stated: Mapping[str, Any] = field(default_factory=dict)
    computed: Mapping[str, tuple[Term, ...] | str] = field(default_factory=dict)

    def at(self, **changes: Any) -> Surroundings:
        """Return the same under other conditions: ``at(pH=7)``."""
        # the sites of a campaign share their surroundings
        key = repr(changes)
        if key not in self._others:
            self._others[key] = surroundings({**self.stated, **changes}, self.computed)
        return self._others[key]

    @cached_property
    def _others(self) -> dict[str, Surroundings]:
        return {}

    def acid_constant(self, name: str) -> float | None:
        """Return the pH at which a dissolved molecule gives way to its conjugate (the pKa); None where it has none."""
        entry = molecule(name)
        pair = _pair(entry, phase_of(name, self.stated.get("phases", {})), self.temperature)
        return None if pair is None else pair[2]

    @property
    def is_computed(self) -> bool:
        """Whether calculated molecules are among them."""
        return self.molecules != self.measured

    @property
    def experimental(self) -> Surroundings:
        """The same with experimental molecules only."""
        return replace(self, molecules=self.measured)

    def free(self, state: State) -> float:
        """Return the free energy of a state's molecules against H2, H2O, CO2 and N2, eV.

        Raises
        ------
        InputError
            If one of them has none under these conditions.
        """
        return self._sum(state, self.molecules)

    def energy(self, state: State, free: Mapping[str, Any]) -> Any:
        """Return the free energy of a whole state at 0 V against RHE, eV; None where a species of it is not known.

        Parameters
        ----------
        state : State
            The state.
        free : mapping of str to (float, array or None)
            ΔG of each adsorbate, eV; arrays of one shape for many samples at once.
        """
        if state.free.keys() & self.missing.keys():
            return None
        total: Any = self.free(state)
        for name, number in state.adsorbed.items():
            value = free.get(name)
            if value is None:
                return None
            total = total + number * value
        return total

    def change(self, step: Step, free: Mapping[str, Any]) -> Any:
        """Return ΔG of a step at 0 V against RHE, eV; None where a species is not known. See :meth:`energy`."""
        start, end = self.energy(step.start, free), self.energy(step.end, free)
        return None if start is None or end is None else end - start

    def closure(self, overall: Step) -> float | None:
        """Return by how much the free energy of a whole reaction differs from experiment, eV.

        It is the error of the calculated molecules. None where all are experimental, or one could not be calculated.
        """
        ends = ((overall.end, 1), (overall.start, -1))
        if not self.is_computed or any(name in self.missing for state, _ in ends for name in state.free):
            return None
        return sum(sign * (self.free(state) - self._sum(state, self.measured)) for state, sign in ends) + 0.0

    def _sum(self, state: State, values: Mapping[str, tuple[Term, ...]]) -> float:
        if unknown_here := [self.missing[name] for name in state.free if name not in values]:
            raise InputError("; ".join(unknown_here))
        return sum(n * sum(term.value for term in values[name]) for name, n in state.free.items())

    def shift(self, step: Step, potential: float | None = None) -> float:
        """Return what potential and pH add to ΔG of a step at 0 V and pH 0, eV.

        n e U(SHE) for n electrons taken up, and kT ln 10 pH for each proton; a proton with its electron depends on
        U(RHE) alone (doi 10.1021/jp047349j).

        Parameters
        ----------
        step : Step
            The step.
        potential : float, optional
            V against RHE; that of the surroundings unless given.
        """
        against_rhe = self.potential if potential is None else potential
        return step.electrons * against_rhe + (step.protons - step.electrons) * nernst_slope(self.temperature) * self.ph

    def equilibrium(self, overall: Step) -> float:
        """Return the experimental equilibrium potential of a whole reaction, V against RHE.

        Raises
        ------
        InputError
            If it moves no electrons.
        """
        if not overall.electrons:
            raise InputError(f"{overall.start.text} → {overall.end.text} moves no electrons, and has no potential")
        total = self._sum(overall.end, self.measured) - self._sum(overall.start, self.measured)
        total += self.shift(overall, 0.0)
        return -total / overall.electrons + 0.0


def surroundings(
    conditions: Mapping[str, Any] | None = None, computed: Mapping[str, tuple[Term, ...] | str] | None = None
) -> Surroundings:
    """Resolve conditions.

    A molecule is in the phase that is stated, or that reactions mean. What is dissolved is the acid or the base,
    whichever prevails at the pH: that adds kT ln 10 (pKa - pH) to an acid beyond its pKa, kT ln 10 (pH - pKa) to a base
    before it, with each proton given off or taken up as one at this pH. Pressures and activities add kT ln p (bar) and
    kT ln a.

    Parameters
    ----------
    conditions : mapping, optional
        ``temperature`` (K), ``pH``, ``potential`` (V), ``scale`` (``RHE``, ``SHE`` or ``absolute``); where stated
        ``she`` (V, absolute potential of the standard hydrogen electrode), and by molecule ``phases``, ``pressures``
        (bar) and ``activities``. 0 V against RHE at pH 0 and room temperature unless given. Without any: the standard
        state, each molecule as reactions are written, whether acid or base.
    computed : mapping of str to (tuple of Term or str), optional
        Free energies of molecules as gases at 1 bar, from calculations, or why there is none; the others are
        experimental.

    Returns
    -------
    Surroundings
        Free energies of the molecules, and the pH.

    Raises
    ------
    InputError
        If the scale is unknown, a molecule or its phase is, or the temperature or a pressure does not exist.
    """
    stated = {"temperature": ROOM_TEMPERATURE, "pH": 0.0, "potential": 0.0, "scale": "RHE", **(conditions or {})}
    temperature, ph = float(stated["temperature"]), float(stated["pH"])
    phases = stated.get("phases", {})
    for path, objection in objections(phases, stated.get("pressures", {}), stated.get("activities", {})):
        raise InputError(f"{path}: {objection}")
    shifts = _concentrations(stated, temperature)
    measured: dict[str, tuple[Term, ...]] = {}
    found: dict[str, tuple[Term, ...]] = {}
    missing: dict[str, str] = {}
    for name, entry in molecules().items():
        phase = phase_of(name, phases)
        try:
            other = _dissociation(entry, phase, temperature, ph) if conditions is not None else ()
            shift = (*other, *shifts.get(name, ()))
            own = _measured(entry, phase, temperature)
            if phase == entry.phase and not shift:
                # no other term from which it is to be told
                own = tuple(replace(term, name=f"G({name})") for term in own)
            measured[name] = (*own, *shift)
            gas = _calculated(entry, phase, temperature, computed or {})
            found[name] = measured[name] if gas is None else (*gas, *shift)
        except InputError as error:
            missing[name] = str(error)
    against_rhe = _against_rhe(stated, temperature, ph)
    return Surroundings(
        against_rhe, ph, temperature, found, measured, missing, dict(conditions or {}), dict(computed or {})
    )


def _against_rhe(stated: Mapping[str, Any], temperature: float, ph: float) -> float:
    """Return a potential on the scale of the reversible hydrogen electrode: U(RHE) = U(SHE) + kT ln(10)/e pH."""
    scale, potential = stated["scale"], float(stated["potential"])
    if scale not in SCALES:
        raise InputError(unknown(scale, SCALES, "potential scale"))
    if scale == "RHE":
        return potential
    if scale == "absolute":
        potential -= float(stated.get("she", ABSOLUTE_SHE))
    return potential + nernst_slope(temperature) * ph


def _concentrations(stated: Mapping[str, Any], temperature: float) -> dict[str, tuple[Term, ...]]:
    """Return what pressures and activities add, by molecule."""
    found: dict[str, tuple[Term, ...]] = {}
    for kind, plural in (("pressure", "pressures"), ("activity", "activities")):
        for name, value in stated.get(plural, {}).items():
            shift = BOLTZMANN * temperature * math.log(value)
            found[name] = (Term(f"kT ln {kind[0]}({name})", kind, shift, "conditions"),)
    return found


def _measured(entry: Molecule, phase: str, temperature: float) -> tuple[Term, ...]:
    if entry.is_reference and phase == entry.phase:
        return ()
    value, source = entry.free(phase, temperature), entry.phases[phase].source
    return (Term(f"G({entry.name}, {phase})", "experiment", value, source),)


def _calculated(
    entry: Molecule, phase: str, temperature: float, computed: Mapping[str, tuple[Term, ...] | str]
) -> tuple[Term, ...] | None:
    """Return the calculated gas, with the measured difference to its solution, or to the ion that it makes."""
    gas = entry.calculated
    if gas is None or gas not in computed:
        return None
    terms = computed[gas]
    if isinstance(terms, str):
        raise InputError(f"{gas}: {terms}")
    if entry.name == gas and phase == "g":
        return terms
    if entry.from_gas is not None:
        difference, source = entry.from_gas, entry.source
    else:
        difference = entry.free(phase, temperature) - molecule(gas).free("g", temperature)
        source = f"{entry.phases[phase].source}; {molecule(gas).phases['g'].source}"
    return (*terms, Term(f"G({entry.name}, {phase}) - G({gas}, g)", "experiment", difference, source))


def _pair(entry: Molecule, phase: str, temperature: float) -> tuple[Molecule, int, float] | None:
    """Return what a dissolved molecule turns into, the protons that this has more, and the pKa; None where nothing."""
    if phase != "aq" or entry.conjugate is None or "aq" not in molecule(entry.conjugate).phases:
        return None
    other = molecule(entry.conjugate)
    protons = other.charge - entry.charge
    difference = entry.free("aq", temperature) - other.free("aq", temperature)
    return other, protons, protons * difference / nernst_slope(temperature)


def _dissociation(entry: Molecule, phase: str, temperature: float, ph: float) -> tuple[Term, ...]:
    """Return what is won where the other one of an acid and its base prevails."""
    pair = _pair(entry, phase, temperature)
    if pair is None:
        return ()
    other, protons, constant = pair
    # each proton that the other one has more comes from the solution
    change = protons * nernst_slope(temperature) * (ph - constant)
    if change >= 0:
        return ()
    name = f"{entry.name} as {other.name} at pH {ph:g} (pKa {constant:.2f})"
    return (Term(name, "acid-base", change, other.phases["aq"].source),)
