"""Centre: a metal atom with its d electrons, and the numbers of them that may stay unpaired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

import yaml
from ase.data import atomic_numbers

from atomsieve.builders import oxidation
from atomsieve.builders.axial import LIGANDS
from atomsieve.builders.ledger import states
from atomsieve.structures.adsorbate import adsorbates
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.site import ActiveSite

#: The oxidation state where a site keeps no ledger: N-doped carbon takes the two electrons of its M-N4 as a
#: porphyrinate does. Other numbers of donors leave it uncertain, which the parity of all electrons then corrects.
ASSUMED: Final = 2
#: Donors that split the d orbitals of a 3d metal by less than it costs to pair electrons.
_WEAK: Final = frozenset({"O", "F", "Cl", "Br", "I"})
_NAMES: Final = ("low", "intermediate", "high")


@dataclass(frozen=True)
class Centre:
    """A metal atom whose d electrons may be unpaired.

    Parameters
    ----------
    index : int
        Of the atom in its site.
    state : int
        Oxidation state.
    options : tuple of int
        Numbers of unpaired electrons, from low to high spin.
    likely : tuple of int
        The same, most likely first.
    """

    index: int
    state: int
    options: tuple[int, ...]
    likely: tuple[int, ...]

    def named(self, unpaired: int) -> str:
        """Return what a number of unpaired electrons is called: ``low`` where there is no choice."""
        if unpaired == self.options[0]:
            return _NAMES[0]
        return _NAMES[2] if unpaired == self.options[-1] else _NAMES[1]


@cache
def _table() -> Mapping[str, Any]:
    text = resources.files("atomsieve.builders").joinpath("spin_states.yaml").read_text(encoding="utf-8")
    return MappingProxyType(dict(yaml.safe_load(text)))


def taken_by(adsorbate: str) -> int:
    """Return the electrons that an adsorbate formally takes from its metals: 1 for OH, 2 for O, 0 for CO, -2 for Vo.

    Raises
    ------
    InputError
        If the adsorbate is not in ``spin_states.yaml``, and no campaign defines it.
    """
    own = adsorbates()[adsorbate].takes if adsorbate in adsorbates() else None
    if own is not None:
        return own
    if adsorbate not in _table()["takes"]:
        raise InputError(unknown(adsorbate, _table()["takes"], "adsorbate"))
    return int(_table()["takes"][adsorbate])


def centres(site: ActiveSite, adsorbate: str | None = None, on: Sequence[int] | None = None) -> tuple[Centre, ...]:
    """Return the metals of a site, in the order of its ``metals``.

    Oxidation states come from the ledger. Where there is none they are :data:`ASSUMED`, and one more for each negative
    charge of an axial ligand. What an adsorbate takes is shared by the metals that it binds to; a metal in its highest
    state gives no more. A metal that is no transition metal has no d electrons to count.

    Parameters
    ----------
    site : ActiveSite
        The site.
    adsorbate : str or None
        Name of what is bound to it.
    on : sequence of int or None
        Indices of the metals that hold the adsorbate; None for the first.

    Raises
    ------
    InputError
        If the adsorbate is unknown, or a metal that should hold it is none of the site's.
    """
    held = [site.metals[0]] if on is None else list(on)
    if strange := [index for index in held if index not in site.metals]:
        raise InputError(f"atom {strange[0]} is no metal of {site.label}; allowed: {', '.join(map(str, site.metals))}")
    numbers = _own_states(site)
    axial = LIGANDS.get(str(site.recipe.get("axial")))
    taken = taken_by(adsorbate) if adsorbate is not None else 0
    for given in range(abs(taken)):
        metal = held[given % len(held)]
        highest = max(numbers[metal], _highest(site.atoms.symbols[metal]))
        numbers[metal] = min(numbers[metal] + 1, highest) if taken > 0 else max(numbers[metal] - 1, 0)
    found = []
    for metal, donors in zip(site.metals, site.donors, strict=True):
        symbol = str(site.atoms.symbols[metal])
        if symbol not in oxidation.STATES:
            found.append(Centre(metal, numbers[metal], (0,), (0,)))
            continue
        electrons = min(max(oxidation.group(symbol) - numbers[metal], 0), 10)
        options = oxidation.unpaired(electrons)
        ligands = [-axial.charge if axial is not None else 0, taken if metal in held else 0]
        expected = _expected(symbol, electrons, is_weak=_is_weak(site, donors), charge=max(ligands))
        # of two as far from what is expected, more unpaired electrons in a 3d shell, fewer below
        sign = -1 if atomic_numbers[symbol] <= 30 else 1
        likely = sorted(options, key=lambda number: (abs(number - expected), sign * number))
        found.append(Centre(metal, numbers[metal], options, tuple(likely)))
    return tuple(found)


def spectators(site: ActiveSite) -> Mapping[int, int]:
    """Return the unpaired electrons of metals that hold no adsorbate, by the index of their atom.

    Only where the site states its multiplicity, for then they are counted in it, high-spin among oxygen and parallel
    (Fe3O, MOF-74); elsewhere they are left to pair with each other.

    Parameters
    ----------
    site : ActiveSite
        The site.
    """
    if site.multiplicity is None:
        return {}
    left = {metal: list(numbers) for metal, numbers in states(site.ledger).items()}
    for metal in site.metal_symbols:
        if left.get(metal):
            left[metal].pop(0)
    found = {}
    for index, symbol in enumerate(site.atoms.symbols):
        if index not in site.metals and left.get(symbol):
            found[index] = oxidation.weak_field(symbol, left[symbol].pop(0)) - 1
    return {index: number for index, number in found.items() if number}


def _own_states(site: ActiveSite) -> dict[int, int]:
    """Return the oxidation state of each metal of a site, by the index of its atom."""
    counted = {metal: list(numbers) for metal, numbers in states(site.ledger).items()}
    axial = LIGANDS.get(str(site.recipe.get("axial")))
    assumed = ASSUMED - (axial.charge if axial is not None else 0)
    numbers = {}
    for metal in site.metals:
        symbol = str(site.atoms.symbols[metal])
        numbers[metal] = counted[symbol].pop(0) if counted.get(symbol) else min(assumed, _highest(symbol))
    return numbers


def _highest(metal: str) -> int:
    return max(oxidation.STATES.get(metal, (ASSUMED,)))


def _is_weak(site: ActiveSite, donors: tuple[int, ...]) -> bool:
    """Return whether donors leave a 3d metal high-spin: oxygen and halides, or a site that says so itself."""
    own = site.multiplicity is not None and bool(site.ledger)
    return own or 2 * sum(site.atoms.symbols[donor] in _WEAK for donor in donors) > len(donors)


def _expected(metal: str, electrons: int, *, is_weak: bool, charge: int) -> int:
    """Return the likely number of unpaired electrons; the charge is that of an anion on the metal's axis."""
    if atomic_numbers[metal] > 30:
        return oxidation.low(electrons)
    if is_weak:
        return oxidation.unpaired(electrons)[-1]
    beside = ("planar", "with_anion", "with_oxide")[min(max(charge, 0), 2)]
    return int(_table()[beside].get(electrons, _table()["planar"][electrons]))
