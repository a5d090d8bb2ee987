"""Folder of structures: a CIF or a POSCAR of each row's relaxed geometry, and an index that says which is which."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from atomsieve.analysis.export import Written
from atomsieve.analysis.export.columns import cell, columns_of
from atomsieve.analysis.export.states import State, States, boxed
from atomsieve.analysis.whole import whole_folder

if TYPE_CHECKING:
    from ase import Atoms

    from atomsieve.analysis import Results

#: The file that names the others.
INDEX = "index.csv"


def write_cif(results: Results, out: Path) -> Written:
    """Write a folder of CIF files; sheets and clusters in the cell that they were calculated in, or in a box."""
    return _write(results, out, ".cif", _cif)


def write_poscar(results: Results, out: Path) -> Written:
    """Write a folder of POSCAR files (``.vasp``), atoms sorted by element."""
    return _write(results, out, ".vasp", _poscar)


def _write(results: Results, out: Path, suffix: str, write: Callable[[Path, Atoms, str], None]) -> Written:
    columns = [column for column in columns_of(results) if column.name != "key"]
    states = States(results)
    number = 0
    with whole_folder(out) as folder, (folder / INDEX).open("w", newline="", encoding="utf-8") as file:
        index = csv.writer(file, lineterminator="\n")
        index.writerow(["file", "key", "energy (eV)", *(column.header for column in columns)])
        for state in states:
            path = folder / f"{_stem(state)}{suffix}"
            # the reactions of a site share its geometry
            if not path.exists():
                write(path, boxed(state.atoms), f"{state.label}; {state.method.title()}; {state.calculation['key']}")
                number += 1
            cells = [cell(column.of(state.row)) for column in columns]
            index.writerow([path.name, state.row["key"], state.calculation["energy"], *cells])
    return Written(number, "structures", states.notes)


def _stem(state: State) -> str:
    """Return the label as file systems take it, with as much of the calculation's key as makes it one of its kind."""
    return re.sub(r"[^A-Za-z0-9._()+-]+", "_", f"{state.label} {str(state.calculation['key'])[:12]}")


def _cif(path: Path, atoms: Atoms, words: str) -> None:
    from ase.io.cif import write_cif

    with path.open("wb") as file:
        # CIF knows no other letters than ASCII's
        file.write(f"# {words}\n".encode("ascii", "replace"))
        write_cif(file, atoms)


def _poscar(path: Path, atoms: Atoms, words: str) -> None:
    from ase.io.vasp import write_vasp

    text = StringIO()
    write_vasp(text, atoms, direct=True, sort=True)
    # its first line is for people, and the elements stand in the sixth again
    _, _, rest = text.getvalue().partition("\n")
    path.write_text(f"{words}\n{rest}", encoding="utf-8")
