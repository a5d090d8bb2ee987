"""Units: energies in eV, lengths in Å, potentials in V against RHE, temperatures in K, pressures in Pa."""

from __future__ import annotations

import math

from atomsieve.structures.errors import InputError

#: Boltzmann constant, eV/K (exact in the SI of 2019).
BOLTZMANN = 8.617333262e-5
#: 1 kJ/mol, eV (exact in the SI of 2019).
KILOJOULE = 1 / 96.4853321233
#: hc, the energy of a vibration of one wavenumber, eV cm (exact in the SI of 2019).
WAVENUMBER = 1.239841984e-4
#: ħ (eV/Å² u)^½, the energy of a vibration whose mass-weighted second derivative is 1 eV/(Å² u), eV (CODATA 2018).
VIBRATION = 0.0646541513
#: Absolute potential of the standard hydrogen electrode, V (S. Trasatti 1986, doi 10.1351/pac198658070955).
ABSOLUTE_SHE = 4.44
#: The temperature of all tabulated free energies, K.
ROOM_TEMPERATURE = 298.15
#: Triple point and critical temperature of water, K (doi 10.1063/1.1461829): between them it is a liquid.
TRIPLE_POINT, CRITICAL_TEMPERATURE = 273.16, 647.096


def is_room_temperature(temperature: float) -> bool:
    """Return whether tabulated free energies hold at a temperature (K)."""
    return abs(temperature - ROOM_TEMPERATURE) <= 0.01


def require_room_temperature(temperature: float, what: str) -> None:
    """Refuse a temperature at which tabulated free energies do not hold.

    Parameters
    ----------
    temperature : float
        K.
    what : str
        What holds at room temperature only, for the message.

    Raises
    ------
    InputError
        If it is another temperature.
    """
    if not is_room_temperature(temperature):
        raise InputError(
            f"temperature {temperature:g} K: {what} hold at {ROOM_TEMPERATURE} K; set temperature to {ROOM_TEMPERATURE}"
        )


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
