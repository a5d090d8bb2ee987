"""CorrectionTable: tabulated terms that turn an electronic adsorption energy into a free energy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from atomsieve.structures.adsorbate import load_yaml
from atomsieve.structures.errors import InputError, unknown

#: The terms that a table may hold, in the order in which they are written.
TERMS = ("correction", "zpe", "thermal", "entropy", "solvation")

#: What a campaign calls a treatment of modes, and the wavenumber (cm⁻¹) to which it raises all that lie below: the
#: entropy of a harmonic oscillator grows without bound as its mode softens, that of the hindered motion does not.
#: 100 cm⁻¹ is the choice of Ribeiro, Marenich, Cramer and Truhlar 2011, doi 10.1021/jp205508z.
TREATMENTS: Mapping[str, float] = MappingProxyType({"harmonic": 0.0, "quasi-harmonic": 100.0})


@dataclass(frozen=True)
class CorrectionTable:
    """Terms by adsorbate, all of one convention.

    Parameters
    ----------
    name : str
        What a campaign calls it.
    title : str
        What it is.
    convention : {"reaction", "adsorbate"}
        ``reaction``: ΔG - ΔE, the gases' terms inside. ``adsorbate``: G - E of the adsorbed species alone.
    adsorbates : mapping of str to mapping
        Terms (eV) by adsorbate, with their source.
    solvation : mapping of str to mapping
        Solvation terms (eV) by adsorbate, with their source.
    """

    name: str
    title: str
    convention: Literal["reaction", "adsorbate"]
    adsorbates: Mapping[str, Mapping[str, Any]]
    solvation: Mapping[str, Mapping[str, Any]]

    def terms(self, adsorbate: str, *, solvation: bool = False) -> list[tuple[str, float, str]]:
        """Return the terms of an adsorbate as (name, value in eV, source).

        Raises
        ------
        InputError
            If the table does not know the adsorbate.
        """
        if adsorbate not in self.adsorbates:
            raise InputError(
                unknown(adsorbate, self.adsorbates, f"adsorbate for the corrections {self.name!r}")
                + "; choose another under thermochemistry.corrections"
            )
        rows = [self.adsorbates[adsorbate]]
        if solvation:
            rows.append(self.solvation.get(adsorbate, {}))
        return [(term, float(row[term]), str(row["source"])) for row in rows for term in TERMS if term in row]


@cache
def correction_tables() -> Mapping[str, CorrectionTable]:
    """Return all tables by name."""
    tables = {
        name: CorrectionTable(
            name=name,
            title=entry["title"],
            convention=entry["convention"],
            adsorbates=MappingProxyType(entry["adsorbates"]),
            solvation=MappingProxyType(entry.get("solvation", {})),
        )
        for name, entry in load_yaml("corrections.yaml").items()
    }
    return MappingProxyType(tables)
