"""CO probe: the C-O stretch of carbon monoxide on a site among its vibrations, and where infrared would show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from atomsieve.structures.errors import InputError
from atomsieve.structures.site import atoms_from_dict
from atomsieve.structures.units import WAVENUMBER
from atomsieve.structures.vibrations import Vibrations

#: Harmonic wavenumber of gaseous CO, and its fundamental ωe - 2 ωexe, which a spectrum shows, cm⁻¹.
HARMONIC: Final = 2169.81
FUNDAMENTAL: Final = HARMONIC - 2 * 13.29
SOURCE: Final = "K. P. Huber, G. Herzberg 1979, NIST WebBook"
#: By how much estimates of a calculator have been off, cm⁻¹: the most of Ni(CO)4, Cr(CO)6 and CO on Fe(II) porphyrin,
#: as docs/fingerprints.md lists them. Of others nothing is known here.
ERRORS: Final[Mapping[str, float]] = {"gfn1-xtb": 60.0, "gfn2-xtb": 60.0}
#: Share of a mode that is a stretch and not some other motion.
_MOSTLY: Final = 0.5


@dataclass(frozen=True)
class Stretch:
    """The mode that stretches the bond of a carbon monoxide most.

    Parameters
    ----------
    wavenumber : float
        Harmonic, cm⁻¹.
    share : float
        How much of the mode is the stretch of a free CO, 0 to 1.
    length : float
        Of the bond, Å.
    """

    wavenumber: float
    share: float
    length: float


def stretch_of(vibrations: Vibrations) -> Stretch:
    """Return the C-O stretch among the modes of a carbon monoxide.

    Each mode is projected on the stretch of the bond, in mass-weighted coordinates; the largest projection tells,
    whatever the order of the wavenumbers.

    Parameters
    ----------
    vibrations : Vibrations
        Of one carbon monoxide, with or without others that move.

    Raises
    ------
    InputError
        If C and O are not both among the displaced atoms, each once, or no mode is mainly a stretch of their bond.
    """
    atoms = atoms_from_dict(vibrations.atoms)
    symbols = [atoms.symbols[index] for index in vibrations.displaced]
    if symbols.count("C") != 1 or symbols.count("O") != 1:
        what = ", ".join(symbols)
        raise InputError(f"the vibrations {vibrations.key[:8]} are of {what}; the C-O stretch takes one C and one O")
    carbon, oxygen = symbols.index("C"), symbols.index("O")
    bond = atoms.get_distance(vibrations.displaced[carbon], vibrations.displaced[oxygen], mic=True, vector=True)
    length = float(np.linalg.norm(bond))
    masses = np.asarray(vibrations.masses)
    reduced = masses[carbon] * masses[oxygen] / (masses[carbon] + masses[oxygen])
    # of unit length in mass-weighted coordinates, as the modes are
    modes = np.asarray(vibrations.modes)
    change = (modes[:, oxygen] - modes[:, carbon]) @ (bond / length)
    shares = reduced * change**2
    best = int(np.argmax(shares))
    if shares[best] < _MOSTLY:
        raise InputError(f"no mode of {vibrations.key[:8]} is mainly the C-O stretch; the most is {shares[best]:.0%}")
    return Stretch(vibrations.energies[best] / WAVENUMBER, float(shares[best]), length)


@dataclass(frozen=True)
class Probe:
    """Carbon monoxide on a site, against the gas by the same method.

    Parameters
    ----------
    adsorbed, gas : Stretch
        Both calculated.
    calculator : str
        Name.
    multiplicity : int or None
        2S + 1 of the site with carbon monoxide; None where the method knows no spin.
    """

    adsorbed: Stretch
    gas: Stretch
    calculator: str
    multiplicity: int | None = None

    @property
    def shift(self) -> float:
        """By how much the site moves the stretch, cm⁻¹; negative where it takes electrons into π*."""
        return self.adsorbed.wavenumber - self.gas.wavenumber

    @property
    def estimate(self) -> float:
        """Where infrared would show it, cm⁻¹: the measured fundamental of the gas and the calculated shift.

        What a method gets wrong of the bond itself, and the anharmonicity, is taken for the same in both.
        """
        return FUNDAMENTAL + self.shift

    @property
    def scaled(self) -> float:
        """The same with the calculated wavenumber scaled by measured over calculated gas, cm⁻¹."""
        return FUNDAMENTAL * self.adsorbed.wavenumber / self.gas.wavenumber

    @property
    def gas_error(self) -> float:
        """By how much the method is off for the harmonic wavenumber of the gas, cm⁻¹."""
        return self.gas.wavenumber - HARMONIC

    @property
    def error(self) -> float | None:
        """By how much the method has been off for estimates, cm⁻¹; None where that was not measured."""
        return ERRORS.get(self.calculator)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        names = ("shift", "estimate", "scaled", "gas_error", "error")
        return {
            "adsorbed": vars(self.adsorbed),
            "gas": vars(self.gas),
            "multiplicity": self.multiplicity,
            **{name: getattr(self, name) for name in names},
            "measured_gas": {"fundamental": FUNDAMENTAL, "harmonic": HARMONIC, "source": SOURCE},
        }
