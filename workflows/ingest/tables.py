"""Table: energies without structures, as a CSV lists them."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path

from atomsieve.structures.errors import InputError, unknown
from atomsieve.workflows.ingest.mapping import Mapped
from atomsieve.workflows.ingest.mapping_file import CLEAN
from atomsieve.workflows.ingest.records import Refused, Run

#: The columns of a table; a row has a site and perhaps an adsorbate, or a gas.
COLUMNS = ("site", "adsorbate", "gas", "energy", "method", "multiplicity", "metals", "uncertainty")


def read_csv(path: Path, source: str, mapped: Mapped, method: str | None) -> Iterator[Run | Refused]:
    """Yield the rows of a CSV, plain or compressed; a row is called ``source:7`` by its line.

    Parameters
    ----------
    path : Path
        The file; energies in eV.
    source : str
        What it is called.
    mapped : Mapped
        Says the method.
    method : str or None
        The name of the method of rows that state none, if the mapping gives the file one.
    """
    from monty.io import zopen

    with zopen(path, mode="rt", encoding="utf-8-sig", errors="replace") as file:
        rows = csv.DictReader(str(line) for line in file)
        names = {name: str(name).strip().casefold() for name in rows.fieldnames or ()}
        wrong = [name for name in names.values() if name not in COLUMNS]
        if wrong or "energy" not in names.values() or not {"site", "gas"} & set(names.values()):
            yield Refused(
                source,
                f"{unknown(wrong[0], COLUMNS, 'column')}" if wrong else "needs the columns energy, and site or gas",
            )
            return
        for row in rows:
            cells = {names[name]: (value or "").strip() for name, value in row.items() if name in names}
            yield _run(f"{source}:{rows.line_num}", cells, None in row, mapped, method)


def _run(source: str, cells: dict[str, str], too_long: bool, mapped: Mapped, method: str | None) -> Run | Refused:
    if too_long:
        return Refused(source, "it has more cells than the head; is a comma the separator, and a dot the decimal sign?")
    try:
        energy = float(cells["energy"])
    except ValueError:
        return Refused(source, f"{cells['energy']!r} is no energy; write eV with a decimal dot")
    if not math.isfinite(energy):
        return Refused(source, f"its energy is {energy}")
    if bool(cells.get("gas")) == bool(cells.get("site")):
        return Refused(source, "it names a site and a gas; keep one" if cells.get("gas") else "it names no site or gas")
    spin = cells.get("multiplicity", "")
    if spin and not (spin.isdigit() and int(spin) > 0):
        return Refused(source, f"{spin!r} is no multiplicity; write 2S + 1")
    uncertainty = None
    if stated_error := cells.get("uncertainty", ""):
        try:
            uncertainty = float(stated_error)
        except ValueError:
            uncertainty = math.nan
        if not 0 <= uncertainty < math.inf:
            return Refused(source, f"{stated_error!r} is no uncertainty; write eV, a standard deviation, or nothing")
        if cells.get("gas") or cells.get("adsorbate", "").casefold() in CLEAN | {""}:
            return Refused(source, "an uncertainty is that of an adsorption energy; write it beside the adsorbate")
    try:
        level = mapped.method(cells.get("method") or method)
    except InputError as error:
        return Refused(source, str(error))
    stated = {name: cells[name] for name in ("site", "adsorbate", "gas", "metals") if cells.get(name)}
    return Run(
        source=source,
        energy=energy,
        atoms=None,
        method=level,
        multiplicity=int(spin) if spin else None,
        stated=stated if "gas" in stated else {"adsorbate": "clean", **stated},
        remarks=("energy and state as stated; there is no structure",),
        uncertainty=uncertainty,
    )
