"""Phase: what was measured of a molecule as a gas, a liquid, or in water, and its free energy at a temperature."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from atomsieve.structures.units import KILOJOULE, ROOM_TEMPERATURE

#: In which phases a molecule may be, and what they are called.
PHASES: Final[Mapping[str, str]] = MappingProxyType({"g": "a gas", "aq": "dissolved", "l": "a liquid"})


@dataclass(frozen=True)
class Phase:
    """Measured data of a molecule as a gas, a liquid, or in water.

    Parameters
    ----------
    gibbs : float
        Free energy of formation from the elements at 298.15 K, kJ/mol, at 1 bar or 1 mol/kg; that of H+ (aq) is zero.
    entropy : float
        J/(mol K); that of H+ (aq) is zero.
    heat_capacity : float or None
        J/(mol K); None where it is not known.
    source : str
        Where the numbers come from.
    """

    gibbs: float
    entropy: float
    heat_capacity: float | None
    source: str

    def free(self, temperature: float) -> float | None:
        """Return the apparent free energy at a temperature (K), eV, with a constant heat capacity.

        G(T) = G - S (T - T0) + Cp (T - T0 - T ln(T/T0)); against the elements at T0 = 298.15 K, which cancel in every
        balanced sum. None where the heat capacity is needed and not known.
        """
        change = temperature - ROOM_TEMPERATURE
        if not change:
            return self.gibbs * KILOJOULE
        if self.heat_capacity is None:
            return None
        curvature = change - temperature * math.log(temperature / ROOM_TEMPERATURE)
        return (self.gibbs + (self.heat_capacity * curvature - self.entropy * change) / 1000) * KILOJOULE
