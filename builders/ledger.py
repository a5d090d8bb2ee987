"""Ledger: the formal charges of a site, part by part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from atomsieve.builders.axial import LIGANDS
from atomsieve.builders.oxidation import STATES


def signed(name: str, charge: int) -> str:
    """Write a species with its charge: ``Co2+``, ``O2-``, ``Cl-``, ``NH3``."""
    size = "" if abs(charge) == 1 else str(abs(charge))
    return name if charge == 0 else f"{name}{size}{'+' if charge > 0 else '-'}"


def counted(parts: Iterable[tuple[int, str, int]]) -> dict[str, int]:
    """Return a ledger from (number, name, charge of one) of its parts; those of the same name are joined."""
    numbers: dict[tuple[str, int], int] = {}
    for number, name, charge in parts:
        numbers[name, charge] = numbers.get((name, charge), 0) + number
    return {
        (f"{number} {name}" if number > 1 else name): number * charge
        for (name, charge), number in numbers.items()
        if number
    }


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
    if excess := max(state - max(STATES[metal]), 0):
        ligand, charge, state = f"{ligand} oxidised by {excess}", charge + excess, state - excess
    return {signed(metal, state): state, ligand: charge, **parts}
