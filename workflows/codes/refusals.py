"""Refusals: what codes turn down before they start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ase.calculators.calculator import CalculatorSetupError
from ase.data import atomic_numbers

#: eV; no U in the literature of these metals is larger.
LARGEST_U = 12.0


def refuse_charge(charge: int) -> None:
    """Refuse a charge in a periodic cell.

    Raises
    ------
    ase.calculators.calculator.CalculatorSetupError
        For any but 0.
    """
    if charge:
        raise CalculatorSetupError(
            f"charge {charge:+d}: the energy of a charged periodic cell depends on the cell; write 0, or carve a "
            "cluster and take gpaw"
        )


def refuse_u(u: Mapping[str, Any]) -> None:
    """Refuse U on what is no element, and values that are none.

    Raises
    ------
    ase.calculators.calculator.CalculatorSetupError
        Names the entry.
    """
    for element, value in u.items():
        if element not in atomic_numbers:
            raise CalculatorSetupError(f"u: {element!r} is no element; write the symbol, as in {{Fe: 4.0}}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LARGEST_U:
            raise CalculatorSetupError(f"u: {value!r} for {element}; allowed: 0 to {LARGEST_U} eV")
