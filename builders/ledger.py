"""Ledger: the formal charges of a site, part by part."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from atomsieve.builders.axial import LIGANDS
from atomsieve.builders.oxidation import STATES

_IONS = re.compile(r"(?:\d+ )?([A-Z][a-z]?)\d*\+")
_PAIR = re.compile(r"([A-Z][a-z]?)2 \d+\+")


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


def states(ledger: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """Return the oxidation states of the transition metals that a ledger counts, one for each atom.

    Parameters
    ----------
    ledger : mapping of str to int
        As :func:`counted` and :func:`neutral` write it, or a pair of metals with a charge together: ``Ru2 5+``.

    Returns
    -------
    dict of str to tuple of int
        By chemical symbol, the highest first; a pair that shares an odd charge is split into neighbours.
    """
    found: dict[str, list[int]] = {}
    for part, total in ledger.items():
        pair, ions = _PAIR.fullmatch(part), _IONS.fullmatch(part)
        if pair is not None and pair[1] in STATES:
            found.setdefault(pair[1], []).extend((total - total // 2, total // 2))
        elif ions is not None and ions[1] in STATES:
            number = int(part.split(" ")[0]) if " " in part else 1
            found.setdefault(ions[1], []).extend([total // number] * number)
    return {metal: tuple(sorted(numbers, reverse=True)) for metal, numbers in found.items()}
