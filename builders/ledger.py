"""Ledger: the formal charges of a neutral complex, part by part."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from atomsieve.builders.axial import LIGANDS

#: Highest oxidation state of the metals that do not reach IV.
_HIGHEST: Final[Mapping[str, int]] = MappingProxyType(
    {"Sc": 3, "Y": 3, "Cu": 3, "Ag": 3, "Au": 3, "Zn": 2, "Cd": 2, "Hg": 2}
)


def signed(name: str, charge: int) -> str:
    """Write a species with its charge: ``Co2+``, ``O2-``, ``Cl-``, ``NH3``."""
    size = "" if abs(charge) == 1 else str(abs(charge))
    return name if charge == 0 else f"{name}{size}{'+' if charge > 0 else '-'}"


def neutral(metal: str, ligand: str, charge: int, others: Mapping[str, int], axial: str) -> dict[str, int]:
    """Return the ledger of a neutral complex.

    The metal takes the charge of its ligands up to its highest oxidation state; beyond that the ligand is oxidised, as
    the porphyrin of a zinc porphyrin is.

    Parameters
    ----------
    metal : str
        Chemical symbol.
    ligand : str
        Name of the organic ligand or ligands.
    charge : int
        Their charge, e.
    others : mapping of str to int
        Further ligands and their charges.
    axial : str
        Name of the axial ligand, or ``none``.

    Returns
    -------
    dict of str to int
        Formal charges by part, which add up to 0.
    """
    parts = dict(others)
    if axial != "none":
        bound = LIGANDS[axial].charge
        parts[f"axial {signed(axial, bound)}"] = bound
    state = -charge - sum(parts.values())
    if excess := max(state - _HIGHEST.get(metal, 4), 0):
        ligand, charge, state = f"{ligand} oxidised by {excess}", charge + excess, state - excess
    return {signed(metal, state): state, ligand: charge, **parts}
