"""Label: what a quantity is called, so that tables, plots and exports cannot disagree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml

from atomsieve.structures.adsorbate import adsorbates
from atomsieve.structures.errors import InputError, unknown

#: What stands for a value that is not known.
UNKNOWN = "–"
#: The remark on every number of a method that is not DFT.
NOT_PREDICTIVE = "pre-screening, not predictive"


@dataclass(frozen=True)
class Label:
    """Name, symbol, unit and precision of a quantity.

    Parameters
    ----------
    label : str
        In words.
    symbol : str
        As a column or an axis writes it; the words where there is none.
    unit : str
        Empty where there is none.
    decimals : int or None
        None for what is not a number.
    """

    label: str
    symbol: str
    unit: str
    decimals: int | None

    @property
    def header(self) -> str:
        """Symbol and unit: ``U_L (V vs RHE)``."""
        return f"{self.symbol} ({self.unit})" if self.unit else self.symbol

    def text(self, value: Any) -> str:
        """Write a value with its decimals, never as -0.00; a dash for None."""
        if value is None:
            return UNKNOWN
        return f"{value:z.{self.decimals}f}" if self.decimals is not None else str(value)


def labels() -> Mapping[str, Label]:
    """Return all labels by quantity."""
    return _labels(tuple(adsorbates()))


@cache
def _labels(adsorbed: tuple[str, ...]) -> Mapping[str, Label]:
    data = yaml.safe_load((files("atomsieve.analysis") / "labels.yaml").read_text(encoding="utf-8"))
    table = {f"free_{name}": Label(f"free energy of {name}*", f"ΔG({name}*)", "eV", 2) for name in adsorbed}
    table |= {
        name: Label(
            label=entry["label"],
            symbol=entry.get("symbol", entry["label"]),
            unit=entry.get("unit", ""),
            decimals=entry.get("decimals"),
        )
        for name, entry in data.items()
    }
    return MappingProxyType(table)


def label(name: str) -> Label:
    """Return the label of a quantity.

    Raises
    ------
    InputError
        If no quantity has this name.
    """
    if name not in labels():
        raise InputError(unknown(name, labels(), "quantity"))
    return labels()[name]


def potential_label(scale: str) -> Label:
    """Return the label of a potential against ``RHE`` or ``SHE``."""
    return label("potential_she" if scale == "SHE" else "potential")
