"""OPTIMADE: relaxed geometries as a server answers a query for structures (doi 10.1038/s41597-021-00974-z)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from math import gcd
from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any, Final

from atomsieve.analysis.export import Written
from atomsieve.analysis.export.columns import Column, columns_of, plain, title
from atomsieve.analysis.export.states import State, States
from atomsieve.analysis.whole import whole_file

if TYPE_CHECKING:
    from atomsieve.analysis import Results

#: The version of the specification.
API_VERSION: Final = "1.2.0"
#: What properties of ours begin with; the specification keeps names without one for itself.
PREFIX: Final = "_atomsieve_"
#: Names for the elements of anonymous formulas, that of the most frequent first; no site holds more than 26.
_LETTERS: Final = ascii_uppercase


def write_optimade(results: Results, out: Path) -> Written:
    """Write the relaxed geometry of each row as OPTIMADE has structures, the row as properties of our own.

    Those begin with ``_atomsieve_``; their units stand in ``meta``. Lengths are in Å, energies in eV.

    Parameters
    ----------
    results : Results
        Rows that belong to a site.
    out : Path
        The file.
    """
    columns = columns_of(results)
    states = States(results)
    number = 0
    with whole_file(out) as partial, partial.open("w", encoding="utf-8") as file:
        file.write('{"data": [')
        for state in states:
            file.write(",\n" if number else "\n")
            file.write(json.dumps(_resource(state, columns), ensure_ascii=False, allow_nan=False))
            number += 1
        file.write(f'\n], "meta": {json.dumps(_meta(results, columns, number), ensure_ascii=False)}}}\n')
    return Written(number, "structures", states.notes)


def _meta(results: Results, columns: tuple[Column, ...], number: int) -> dict[str, Any]:
    return {
        "api_version": API_VERSION,
        "query": {"representation": "/structures"},
        "more_data_available": False,
        "data_returned": number,
        "time_stamp": datetime.now(UTC).isoformat(timespec="seconds"),
        "provider": {"name": "atomsieve", "description": title(results), "prefix": PREFIX.strip("_")},
        f"{PREFIX}units": {
            f"{PREFIX}energy": "eV",
            **{f"{PREFIX}{column.name}": column.label.unit for column in columns if column.label.unit},
        },
    }


def _resource(state: State, columns: tuple[Column, ...]) -> dict[str, Any]:
    modified = state.calculation.get("last_updated")
    return {
        "id": state.row["key"],
        "type": "structures",
        "attributes": {
            "immutable_id": state.calculation["key"],
            "last_modified": modified.isoformat(timespec="seconds") + "Z" if modified is not None else None,
            "chemical_formula_descriptive": state.label,
            **_structure(state.calculation["atoms"]),
            f"{PREFIX}energy": state.calculation["energy"],
            f"{PREFIX}geometry_method": state.method.title(),
            **{f"{PREFIX}{column.name}": plain(column.of(state.row)) for column in columns},
        },
    }


def _structure(atoms: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties of a structure that the specification names."""
    from ase.data import chemical_symbols
    from ase.formula import Formula

    symbols = [chemical_symbols[number] for number in atoms["numbers"]]
    counts = {symbol: symbols.count(symbol) for symbol in sorted(set(symbols))}
    unit = gcd(*counts.values())
    parts = sorted((count // unit for count in counts.values()), reverse=True)
    lattice = [
        [float(component) for component in vector] if any(vector) else [None, None, None] for vector in atoms["cell"]
    ]
    return {
        "elements": list(counts),
        "nelements": len(counts),
        "elements_ratios": [count / len(symbols) for count in counts.values()],
        "chemical_formula_reduced": "".join(_part(symbol, count // unit) for symbol, count in counts.items()),
        "chemical_formula_anonymous": "".join(map(_part, _LETTERS, parts)),
        "chemical_formula_hill": f"{Formula.from_dict(counts).convert('hill')}",
        "dimension_types": [int(periodic) for periodic in atoms["pbc"]],
        "nperiodic_dimensions": sum(map(int, atoms["pbc"])),
        "lattice_vectors": lattice,
        "cartesian_site_positions": atoms["positions"],
        "nsites": len(symbols),
        "species": [{"name": symbol, "chemical_symbols": [symbol], "concentration": [1.0]} for symbol in counts],
        "species_at_sites": symbols,
        "structure_features": [],
    }


def _part(name: str, count: int) -> str:
    return name if count == 1 else f"{name}{count}"
