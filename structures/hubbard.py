"""HubbardTable: the +U of each metal, by the name of the table that it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from atomsieve.structures.adsorbate import load_yaml
from atomsieve.structures.errors import InputError, unknown


@dataclass(frozen=True)
class HubbardTable:
    """U_eff = U - J of the d electrons, in the form of Dudarev (doi 10.1103/PhysRevB.57.1505).

    Parameters
    ----------
    name : str
        What a campaign calls it.
    title : str
        What it is.
    source : str
        DOI.
    fitted_to : str
        What its values make right.
    values : mapping of str to float
        eV by element; an element that is not there has none.
    """

    name: str
    title: str
    source: str
    fitted_to: str
    values: Mapping[str, float]


@cache
def hubbard_tables() -> Mapping[str, HubbardTable]:
    """Return all tables by name."""
    return MappingProxyType(
        {name: HubbardTable(name, **data) for name, data in load_yaml("hubbard.yaml").items()},
    )


def hubbard_u(name: str) -> dict[str, float]:
    """Return U_eff (eV) by element from a table; of the table ``none``, nothing.

    Raises
    ------
    InputError
        If there is no table of this name.
    """
    tables = hubbard_tables()
    if name == "none":
        return {}
    if name not in tables:
        raise InputError(unknown(name, ("none", *tables), "table of U"))
    return dict(tables[name].values)
