"""AqueousSpecies: an ion, a hydroxo or oxo complex in which a metal dissolves, and its measured free energy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from atomsieve.structures.adsorbate import load_yaml
from atomsieve.structures.errors import InputError
from atomsieve.structures.units import BOLTZMANN, ROOM_TEMPERATURE, nernst_slope

#: Of the table of ASE.
SUPCRT: Final = "SUPCRT92 (doi 10.1016/0098-3004(92)90029-Q) and Pourbaix's atlas, as in ase.phasediagram.solvated"


@dataclass(frozen=True)
class AqueousSpecies:
    """A dissolved species of one metal: M_k O_w H_h with a charge q.

    It forms from the metal as k M + w H2O -> M_k O_w H_h^q + (2 w - h) H+ + n e-, n = q + 2 w - h.

    Parameters
    ----------
    name : str
        ``Fe++``, ``HZnO2-``.
    metal : str
        Chemical symbol.
    number : int
        k, atoms of the metal.
    oxygen, hydrogen, charge : int
        w, h and q.
    standard : float
        Free energy of that reaction for one atom of the metal at 298.15 K, pH 0, activity 1 and 0 V against SHE, eV.
    source : str
        Where the number comes from.
    """

    name: str
    metal: str
    number: int
    oxygen: int
    hydrogen: int
    charge: int
    standard: float
    source: str

    @property
    def protons(self) -> float:
        """Protons that are set free for each atom of the metal."""
        return (2 * self.oxygen - self.hydrogen) / self.number

    @property
    def electrons(self) -> float:
        """Electrons that are set free for each atom of the metal: its oxidation state."""
        return self.charge / self.number + self.protons

    @property
    def potential(self) -> float:
        """Standard potential against the metal, V against SHE."""
        return self.standard / self.electrons

    def free(self, potential: float, ph: float, activity: float) -> float:
        """Return the free energy of forming it at 298.15 K from one atom of the bulk metal, eV.

        Parameters
        ----------
        potential : float
            V against SHE.
        ph : float
            Sets the protons free.
        activity : float
            Of the species itself, against 1 mol/kg.
        """
        dilution = BOLTZMANN * ROOM_TEMPERATURE * math.log(activity) / self.number
        acid = self.protons * nernst_slope(ROOM_TEMPERATURE) * ph
        return self.standard + dilution - acid - self.electrons * potential


@cache
def aqueous_species(symbol: str) -> tuple[AqueousSpecies, ...]:
    """Return all dissolved species of a metal that are known, those of other elements than it, O and H aside.

    Raises
    ------
    InputError
        If none is known.
    """
    from ase.phasediagram import parse_formula, solvated

    extra = _extra()
    table = dict(solvated(symbol))
    water = float(table["H2O(aq)"])
    # two names of one species share their composition and charge
    found: dict[tuple[int, ...], AqueousSpecies] = {}
    for written, gibbs in table.items():
        name = written.removesuffix("(aq)")
        count, charge, _ = parse_formula(written)
        if not count.get(symbol) or name in extra["left_out"]:
            continue
        number, oxygen, hydrogen = int(count[symbol]), int(count.get("O", 0)), int(count.get("H", 0))
        standard = (float(gibbs) - oxygen * water) / number
        species = AqueousSpecies(name, symbol, number, oxygen, hydrogen, int(charge), standard, SUPCRT)
        found.setdefault((number, oxygen, hydrogen, int(charge)), species)
    for name, entry in extra["added"].items():
        if entry["metal"] == symbol:
            count, charge, _ = parse_formula(f"{name}(aq)")
            oxygen = int(count.get("O", 0))
            standard = float(entry["potential"]) * (int(charge) + 2 * oxygen)
            species = AqueousSpecies(name, symbol, 1, oxygen, 0, int(charge), standard, entry["source"])
            found.setdefault((1, oxygen, 0, int(charge)), species)
    if not found:
        raise InputError(
            f"no dissolved species of {symbol} is known, so that nothing can be said of its dissolution; its formation "
            "energy and its binding energy need none"
        )
    return tuple(found.values())


@cache
def _extra() -> Mapping[str, Mapping[str, Any]]:
    return load_yaml("aqueous.yaml")
