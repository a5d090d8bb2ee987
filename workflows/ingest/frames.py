"""Frame: an energy with its structure in an ASE database or an extended XYZ, read one by one."""

from __future__ import annotations

import math
import sqlite3
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from atomsieve.structures.errors import InputError
from atomsieve.workflows.ingest.mapping import Mapped
from atomsieve.workflows.ingest.records import Refused, Run

#: What a frame may say of itself.
_STATED = ("site", "adsorbate", "gas", "metals")


def read_xyz(path: Path, source: str, mapped: Mapped, method: str | None) -> Iterator[Run | Refused]:
    """Yield the frames of an extended XYZ, plain or compressed.

    Parameters
    ----------
    path : Path
        The file.
    source : str
        What it is called; a frame is called ``source@3``.
    mapped : Mapped
        Says the method.
    method : str or None
        The name of the method of this file, if the mapping gives it one.
    """
    from ase.io import iread

    number = -1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the reader, on properties that it does not know
            for number, frame in enumerate(iread(path, index=":", format="extxyz", do_not_split_by_at_sign=True)):
                results = frame.calc.results if frame.calc is not None else {}
                yield _run(f"{source}@{number}", frame, dict(frame.info), results, mapped, method)
    except Exception as error:  # the reader has errors of its own for each way in which a file can be cut short
        words = (str(error).strip().splitlines() or ["no message"])[0]
        yield Refused(f"{source}@{number + 1}", f"cannot be read, nor can what comes after it ({words})")
        return
    if number < 0:
        yield Refused(source, "is empty")


def read_database(path: Path, source: str, mapped: Mapped, method: str | None) -> Iterator[Run | Refused]:
    """Yield the rows of an ASE database; see :func:`read_xyz`. A row is called ``source@7`` by its id."""
    from ase.db import connect

    if not path.stat().st_size:
        yield Refused(source, "is empty")
        return
    number = 0
    try:
        _require_ase(path)
        for row in connect(path, use_lock_file=False).select():
            number = row.id
            results = {name: row[name] for name in ("energy", "magmom") if name in row}
            if "forces" in row:
                results["forces"] = row.constrained_forces
            if "magmoms" in row:
                results["magmoms"] = row.magmoms
            yield _run(f"{source}@{number}", row.toatoms(), dict(row.key_value_pairs), results, mapped, method)
    except Exception as error:  # SQLite's errors, and those of rows that another version wrote
        words = (str(error).strip().splitlines() or ["no message"])[0]
        yield Refused(source, f"cannot be read after row {number}: {words}")


def _require_ase(path: Path) -> None:
    """Refuse a database that is not ASE's, in which ASE would make its tables."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'systems'").fetchone() is None:
            raise InputError("it is no ASE database: there is no table 'systems'")


def _run(
    source: str, frame: Atoms, info: Mapping[str, Any], results: Mapping[str, Any], mapped: Mapped, method: str | None
) -> Run | Refused:
    energy = results.get("energy", results.get("free_energy"))
    if energy is None or not math.isfinite(float(energy)):
        return Refused(source, "it has no energy" if energy is None else f"its energy is {energy}")
    if not len(frame) or not np.isfinite(frame.positions).all():
        return Refused(source, "it has no atoms" if not len(frame) else "its positions are no finite numbers")
    stated = {name: str(info[name]) for name in _STATED if name in info}
    try:
        level = mapped.method(method or (str(info["method"]) if "method" in info else None))
    except InputError as error:
        return Refused(source, str(error))
    charge = round(float(info.get("charge", 0)))
    if charge and frame.pbc.any():
        return Refused(source, f"a charged cell ({charge:+d} e): no correction for it is known here")
    strongest = _strongest(results)
    trouble = ""
    if info.get("converged") in (False, "False", "F", 0):
        trouble = "it says itself that it has not converged"
    elif strongest > mapped.file.fmax:
        trouble = f"largest force {strongest:.3f} eV/Å, at most {mapped.file.fmax:g} wanted (fmax in the mapping)"
    total = results.get("magmom")
    moments = results.get("magmoms")
    return Run(
        source=source,
        energy=float(energy),
        atoms=Atoms(frame.numbers, positions=frame.positions, cell=frame.cell, pbc=frame.pbc),
        method=level,
        trouble=trouble,
        multiplicity=round(abs(float(total))) + 1 if total is not None else None,
        moments=tuple(float(m) for m in np.ravel(moments)) if moments is not None and np.ndim(moments) == 1 else None,
        charge=charge,
        max_force=strongest,
        stated=stated,
        remarks=() if "forces" in results else ("its forces are not given",),
    )


def _strongest(results: Mapping[str, Any]) -> float:
    forces = results.get("forces")
    return float(np.linalg.norm(np.asarray(forces), axis=1).max()) if forces is not None else 0.0
