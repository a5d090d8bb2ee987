"""Ligands: the organic parts that hold one metal, as the data file lists them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml


@dataclass(frozen=True)
class Ligand:
    """An organic ligand that is made from its SMILES.

    Parameters
    ----------
    smiles : str
        As bound, without the metal; the donors carry the map numbers 1, 2 ... in their order around it.
    charge : int
        e.
    formula : mapping of str to int
        Number of atoms by element.
    lengths : mapping of str to float
        Distance of cobalt(II) and a donor by the donor's element, Å.
    source : str
        Of the lengths.
    """

    smiles: str
    charge: int
    formula: Mapping[str, int]
    lengths: Mapping[str, float]
    source: str

    @property
    def composition(self) -> Counter[str]:
        """Number of atoms by element."""
        return Counter(self.formula)


@cache
def _data() -> Mapping[str, Any]:
    text = files("atomsieve.builders.clusters").joinpath("ligands.yaml").read_text(encoding="utf-8")
    data: Mapping[str, Any] = yaml.safe_load(text)
    return data


@cache
def ligand(name: str) -> Ligand:
    """Return a ligand of the data file by its name."""
    return Ligand(**_data()["chelates"][name])


def growth(metal: str) -> float:
    """Return by how much the bonds of a metal(II) to a chelate are longer than those of cobalt(II).

    Parameters
    ----------
    metal : str
        Chemical symbol.

    Returns
    -------
    float
        Å; what the planar porphyrin of the metal shows where that is known. All other metals are larger than cobalt and
        are given the mean of chromium and palladium.
    """
    lengths: Mapping[str, float] = _data()["porphyrin"]
    length = lengths.get(metal, (lengths["Cr"] + lengths["Pd"]) / 2)
    return round(length - lengths["Co"], 4)
