"""Surroundings: what every free molecule is worth under some conditions, and the potential there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from atomsieve.structures.energies import Term
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.molecule import molecules
from atomsieve.structures.state import State, Step
from atomsieve.structures.units import ROOM_TEMPERATURE, nernst_slope, require_room_temperature

#: What a potential may be measured against.
SCALES = ("RHE", "SHE")


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
    """

    potential: float
    ph: float
    temperature: float
    molecules: Mapping[str, tuple[Term, ...]]

    def free(self, state: State) -> float:
        """Return the free energy of a state's molecules against H2, H2O, CO2 and N2, eV."""
        return sum(n * sum(term.value for term in self.molecules[name]) for name, n in state.free.items())

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
        """Return the equilibrium potential of a whole reaction, V against RHE.

        Raises
        ------
        InputError
            If it moves no electrons.
        """
        if not overall.electrons:
            raise InputError(f"{overall.start.text} → {overall.end.text} moves no electrons, and has no potential")
        total = self.free(overall.end) - self.free(overall.start) + self.shift(overall, 0.0)
        return -total / overall.electrons + 0.0


def surroundings(conditions: Mapping[str, Any] | None = None) -> Surroundings:
    """Resolve conditions.

    Parameters
    ----------
    conditions : mapping, optional
        ``temperature`` (K), ``pH``, ``potential`` (V) and ``scale`` (``RHE`` or ``SHE``); 0 V against RHE at pH 0 and
        room temperature unless given.

    Raises
    ------
    InputError
        If the scale is unknown, or the temperature is not that of the tabulated free energies.
    """
    stated = conditions or {"temperature": ROOM_TEMPERATURE, "pH": 0.0, "potential": 0.0, "scale": "RHE"}
    temperature, ph, scale = float(stated["temperature"]), float(stated["pH"]), stated["scale"]
    if scale not in SCALES:
        raise InputError(unknown(scale, SCALES, "potential scale"))
    require_room_temperature(temperature, "the free energies of the molecules")
    # U(RHE) = U(SHE) + kT ln(10)/e pH
    against_rhe = float(stated["potential"]) + (nernst_slope(temperature) * ph if scale == "SHE" else 0.0)
    known = {
        name: ()
        if entry.is_reference
        else (Term(f"G({name})", "experiment", entry.formation, entry.phases[entry.phase].source),)
        for name, entry in molecules().items()
    }
    return Surroundings(against_rhe, ph, temperature, known)
