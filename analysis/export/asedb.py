"""ASE database: the relaxed geometry of each row with its energy, the row itself as key-value pairs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atomsieve.analysis.export import Written
from atomsieve.analysis.export.columns import Column, columns_of, plain, title
from atomsieve.analysis.export.states import States
from atomsieve.analysis.whole import whole_file

if TYPE_CHECKING:
    from atomsieve.analysis import Results


def write_ase(results: Results, out: Path) -> Written:
    """Write an ASE database (SQLite): ``ase db OUT overpotential<0.4``, or ``ase.db.connect(OUT)``.

    Names that ASE keeps for itself get ``atomsieve_`` before them. The names, units and the title stand in the
    database's metadata, each row as plain data in its ``data``.

    Parameters
    ----------
    results : Results
        Rows that belong to a site.
    out : Path
        The file.
    """
    from ase.db import connect

    columns = columns_of(results)
    states = States(results)
    number = 0
    # the type is stated, whatever the name ends in
    with whole_file(out) as partial, connect(partial, type="db", use_lock_file=False) as database:
        database.metadata = {"title": title(results), "key_descriptions": dict(map(_description, columns))}
        for state in states:
            row = {column.name: plain(column.of(state.row)) for column in columns}
            database.write(state.atoms, _pairs(columns, row), data={"row": row, "key": state.row["key"]})
            number += 1
    return Written(number, "structures", states.notes)


def _name(column: Column) -> str:
    from ase.db.core import reserved_keys

    return f"atomsieve_{column.name}" if column.name in reserved_keys else column.name


def _description(column: Column) -> tuple[str, tuple[str, str, str]]:
    return _name(column), (column.label.symbol, column.label.label, column.label.unit)


def _pairs(columns: tuple[Column, ...], row: Mapping[str, Any]) -> dict[str, Any]:
    from ase.db.core import str_represents

    found = {}
    for column in columns:
        value = row[column.name]
        if isinstance(value, list):
            value = ", ".join(map(str, value))
        if value is None or isinstance(value, dict):
            continue
        # ASE refuses words that could be numbers; they are in the row's data
        if isinstance(value, str) and any(str_represents(value, kind) for kind in (bool, int, float)):
            continue
        found[_name(column)] = value
    return found
