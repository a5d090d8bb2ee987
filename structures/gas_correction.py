"""GasCorrection: known errors of a functional for gas molecules, and what mends them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from atomsieve.structures.adsorbate import load_yaml
from atomsieve.structures.errors import InputError, unknown


@dataclass(frozen=True)
class GasCorrection:
    """What is added to the energy of molecules, by functional.

    Parameters
    ----------
    name : str
        What a campaign calls it.
    title : str
        What it is.
    source : str
        Where the numbers come from.
    functionals : mapping of str to mapping of str to float
        By functional and molecule, eV. O2, which is never calculated, is not among them.
    """

    name: str
    title: str
    source: str
    functionals: Mapping[str, Mapping[str, float]]

    def values(self, method: Mapping[str, Any]) -> Mapping[str, float]:
        """Return what is added to each molecule that a method (as its document) calculates, eV.

        Raises
        ------
        InputError
            If the errors of its functional are not in the table.
        """
        functional = str(method["physics"].get("functional", "none"))
        if functional not in self.functionals:
            raise InputError(
                f"the gas corrections {self.name!r} are those of {', '.join(self.functionals)}, and "
                f"{method['calculator']} calculates with functional {functional!r}; choose another table, or 'none'"
            )
        return self.functionals[functional]


@cache
def gas_corrections() -> Mapping[str, GasCorrection]:
    """Return all tables by name."""
    tables = {
        name: GasCorrection(
            name,
            entry["title"],
            entry["source"],
            MappingProxyType({key: MappingProxyType(values) for key, values in entry["functionals"].items()}),
        )
        for name, entry in load_yaml("gas_corrections.yaml").items()
    }
    return MappingProxyType(tables)


def gas_correction(name: str) -> GasCorrection | None:
    """Return one table, None of ``none``.

    Raises
    ------
    InputError
        If there is none of this name.
    """
    if name == "none":
        return None
    if name not in gas_corrections():
        raise InputError(unknown(name, [*gas_corrections(), "none"], "table of gas corrections"))
    return gas_corrections()[name]
