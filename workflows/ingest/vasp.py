"""VASP: one directory of a finished run, read from the best of the files that are there."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from atomsieve.structures.errors import InputError
from atomsieve.workflows.ingest.records import Refused, Run
from atomsieve.workflows.ingest.vasp_files import READERS, Found, atoms_of, oszicar
from atomsieve.workflows.ingest.vasp_method import charge_of, method_of

#: What a run does that moves no atom to a minimum, by IBRION.
_OTHER: Final[Mapping[int, str]] = {
    0: "molecular dynamics",
    5: "vibrations",
    6: "vibrations",
    7: "vibrations",
    8: "vibrations",
    44: "a search for a saddle point",
}
#: eV by which the energies of two files of one run may differ.
SAME_ENERGY: Final = 2e-4
#: By how much a force may exceed its threshold where VASP says that it is done: it looks before it symmetrises.
_FORCE_TOLERANCE: Final = 1.1


def read(files: Mapping[str, Path], source: str) -> Run | Refused:
    """Read a run from its files.

    Energies are extrapolated to zero smearing (``energy(sigma->0)``). The best of vasprun.xml, OUTCAR, and OSZICAR with
    CONTCAR that can be read is taken; what else is there must not contradict it.

    Parameters
    ----------
    files : mapping of str to Path
        As :func:`~atomsieve.workflows.ingest.vasp_files.files_of` gives them.
    source : str
        What the run is called.
    """
    troubles = []
    for needed, reader in READERS:
        if missing := [name for name in needed if name not in files]:
            if needed[0] in files:
                troubles.append(f"{needed[0]} is there, but no {' and no '.join(missing)}")
            continue
        if empty := [files[name].name for name in needed if files[name].stat().st_size == 0]:
            troubles.append(f"{' and '.join(empty)} {'is' if len(empty) == 1 else 'are'} empty")
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the readers, on tags they do not know
                found = reader(files)
        except InputError as error:
            troubles.append(str(error))
            continue
        except Exception as error:  # each reader has errors of its own for what is cut short or garbled
            words = (str(error).strip().splitlines() or ["no message"])[0]
            troubles.append(f"{files[needed[0]].name} cannot be read: it is cut short or broken ({words})")
            continue
        try:
            return _run(files, source, found)
        except InputError as error:
            return Refused(source, str(error))
    return Refused(source, "; ".join(troubles) or "it never ran: there is no vasprun.xml, OUTCAR or OSZICAR")


def _run(files: Mapping[str, Path], source: str, found: Found) -> Run:
    _check_together(files, found)
    asked = found.settings
    nsw = int(asked.get("NSW", 0))
    ibrion = int(asked.get("IBRION", 0 if nsw > 0 else -1))
    if ibrion in _OTHER and nsw > 0:
        raise InputError(f"{_OTHER[ibrion]} (IBRION = {ibrion}), neither a relaxation nor a single point")
    charge = charge_of(found.inputs, found.atoms)
    if charge != 0:
        how = f"{charge:+d} e" if charge is not None else "NELECT is set, and no ZVAL tells how many are neutral"
        raise InputError(f"a charged cell ({how}): its energy depends on the cell, and no correction is known here")
    trouble = "" if found.is_self_consistent else "the last electronic loop did not reach EDIFF"
    threshold = float(asked.get("EDIFFG", 0.0))
    strongest = float(np.linalg.norm(found.forces, axis=1).max()) if found.forces is not None else 0.0
    is_relaxation = nsw > 1 and ibrion >= 1
    if is_relaxation and not trouble:
        trouble = found.unrelaxed
        if not trouble and threshold < 0 and strongest > _FORCE_TOLERANCE * -threshold:
            trouble = f"largest force {strongest:.3f} eV/Å after {found.steps} steps, {-threshold:g} wanted"
    if not np.isfinite([found.energy, strongest, *found.atoms.positions.ravel()]).all():
        raise InputError("energy, forces or positions are no finite numbers")
    spin = found.magnetisation
    return Run(
        source=source,
        energy=float(found.energy),
        atoms=found.atoms,
        method=method_of(found.inputs, found.atoms),
        trouble=trouble,
        multiplicity=round(abs(spin)) + 1 if spin is not None and int(asked.get("ISPIN", 1)) == 2 else None,
        moments=found.moments,
        fmax=-threshold if threshold < 0 and is_relaxation else 0.0,
        max_force=strongest,
        force_calls=found.steps,
        remarks=(*found.remarks, *(() if is_relaxation else ("a single point at the geometry given",))),
    )


def _check_together(files: Mapping[str, Path], found: Found) -> None:
    """Refuse a directory in which files of two runs lie."""
    if "CONTCAR" in files and files["CONTCAR"].stat().st_size:
        other = atoms_of(files["CONTCAR"])
        ours, theirs = Counter(found.atoms.symbols), Counter(other.symbols)
        if ours != theirs:
            formulas = [atoms.get_chemical_formula() for atoms in (found.atoms, other)]
            raise InputError(f"mixed: the energy is of {formulas[0]}, CONTCAR holds {formulas[1]}")
    if "OSZICAR" in files and files["OSZICAR"].stat().st_size:
        steps = [step for step in oszicar(files["OSZICAR"]).ionic_steps if "E0" in step]
        if steps and abs(float(steps[-1]["E0"]) - found.energy) > SAME_ENERGY * max(1.0, abs(found.energy) / 100):
            raise InputError(
                f"mixed: OSZICAR ends at {float(steps[-1]['E0']):.6f} eV, the other files at {found.energy:.6f} eV"
            )
