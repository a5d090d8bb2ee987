"""Units: energies in eV, lengths in Å, potentials in V against RHE, temperatures in K, pressures in Pa."""

from __future__ import annotations

import math

#: Boltzmann constant, eV/K (exact in the SI of 2019).
BOLTZMANN = 8.617333262e-5
#: The temperature of all tabulated free energies, K.
ROOM_TEMPERATURE = 298.15


def nernst_slope(temperature: float) -> float:
    """Return kT ln(10)/e, the shift of a potential per unit of pH.

    Parameters
    ----------
    temperature : float
        K.

    Returns
    -------
    float
        V; 0.0592 at 298.15 K.
    """
    return BOLTZMANN * temperature * math.log(10)
