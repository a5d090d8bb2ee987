"""VASP files: what each of the files of a run tells, by the readers of pymatgen and ASE."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from ase import Atoms

from atomsieve.structures.errors import InputError
from atomsieve.workflows.ingest.vasp_method import Inputs

#: The files that are looked at, plain or compressed.
FILES: Final = ("vasprun.xml", "OUTCAR", "OSZICAR", "INCAR", "KPOINTS", "POSCAR", "CONTCAR", "POTCAR", "POTCAR.spec")
_PACKED: Final = ("", ".gz", ".bz2", ".xz")
#: What makes a directory one of VASP's.
_MARKS: Final = ("vasprun.xml", "OUTCAR", "OSZICAR", "INCAR")
#: eV between the last two steps of a relaxation whose forces are not known, below which it counts as ended.
_LAST_STEP: Final = 2e-3


@dataclass
class Found:
    """What one of the readers gets out of a directory."""

    energy: float
    atoms: Atoms
    inputs: Inputs
    settings: Mapping[str, Any]
    steps: int
    is_self_consistent: bool
    unrelaxed: str = ""
    forces: np.ndarray | None = None
    magnetisation: float | None = None
    moments: tuple[float, ...] | None = None
    remarks: tuple[str, ...] = ()


def files_of(directory: Path, names: Iterable[str]) -> dict[str, Path]:
    """Return the files of a run by their plain names; a plain file goes before a compressed one."""
    there = set(names)
    found = {}
    for name in FILES:
        for packed in _PACKED:
            if name + packed in there:
                found[name] = directory / (name + packed)
                break
    return found


def is_run(files: Mapping[str, Path]) -> bool:
    """Tell whether files are those of a VASP run, finished or not."""
    return any(name in files for name in _MARKS)


def oszicar(path: Path) -> Any:
    """Read an OSZICAR."""
    from pymatgen.io.vasp.outputs import Oszicar

    return Oszicar(str(path))


def atoms_of(path: Path) -> Atoms:
    """Read a POSCAR or CONTCAR."""
    from pymatgen.io.vasp.inputs import Poscar

    return _from_pymatgen(Poscar.from_file(str(path), check_for_potcar=False).structure)


def _from_pymatgen(structure: Any) -> Atoms:
    numbers = [site.specie.Z for site in structure]
    return Atoms(numbers, positions=structure.cart_coords, cell=structure.lattice.matrix, pbc=True)


def _incar(files: Mapping[str, Path]) -> dict[str, Any]:
    from pymatgen.io.vasp.inputs import Incar

    return dict(Incar.from_file(str(files["INCAR"]))) if "INCAR" in files else {}


def _from_vasprun(files: Mapping[str, Path]) -> Found:
    from pymatgen.io.vasp.outputs import Vasprun

    run = Vasprun(
        str(files["vasprun.xml"]),
        parse_dos=False,
        parse_eigen=False,
        parse_projected_eigen=False,
        parse_potcar_file=False,
        separate_spins=False,
    )
    structure = run.final_structure
    forces = np.array(run.ionic_steps[-1]["forces"]) if "forces" in run.ionic_steps[-1] else None
    free = structure.site_properties.get("selective_dynamics")
    if forces is not None and free is not None:
        forces = forces * np.array(free, dtype=float)
    nsw, steps = int(run.parameters.get("NSW", 0)), len(run.ionic_steps)
    found = Found(
        energy=float(run.final_energy),
        atoms=_from_pymatgen(structure),
        inputs=Inputs(
            run.incar,
            tuple(entry["titel"] for entry in run.potcar_spec),
            kpoints=run.kpoints,
            valences=_valences(files),
            cutoff=float(run.parameters["ENMAX"]),
        ),
        settings=run.parameters,
        steps=steps,
        is_self_consistent=bool(run.converged_electronic),
        unrelaxed="" if steps < nsw else f"not relaxed within {nsw} steps",
        forces=forces,
    )
    if (nupdown := float(run.parameters.get("NUPDOWN", -1.0))) >= 0:
        found.magnetisation = nupdown
    elif "OSZICAR" in files and files["OSZICAR"].stat().st_size:
        found.magnetisation = _last_magnetisation(files["OSZICAR"])
    elif "OUTCAR" in files and files["OUTCAR"].stat().st_size:
        from atomsieve.workflows.ingest.outcar import scan

        found.magnetisation = scan(files["OUTCAR"]).magnetisation
    return found


def _valences(files: Mapping[str, Path]) -> tuple[float, ...]:
    """Return the valence electrons of each species from the head of vasprun.xml, which its reader leaves out."""
    from monty.io import zopen

    with zopen(files["vasprun.xml"], mode="rt", encoding="utf-8", errors="replace") as lines:
        inside = False
        found: list[float] = []
        for raw in lines:
            line = str(raw)
            if 'name="atomtypes"' in line:
                inside = True
            elif inside and "</array>" in line:
                break
            elif inside and (cells := re.findall(r"<c>\s*([^<]*?)\s*</c>", line)) and len(cells) >= 4:
                found.append(float(cells[3]))
    return tuple(found)


def _last_magnetisation(path: Path) -> float | None:
    steps = [step for step in oszicar(path).ionic_steps if "mag" in step]
    return float(steps[-1]["mag"]) if steps else None


def _from_outcar(files: Mapping[str, Path]) -> Found:
    from ase.io import read as read_frames
    from pymatgen.io.vasp.inputs import Incar, Kpoints

    from atomsieve.workflows.ingest.outcar import scan

    text = scan(files["OUTCAR"])
    if not text.is_complete:
        raise InputError(f"{files['OUTCAR'].name} stops before its end: the run was cut short, or still goes on")
    incar = _incar(files)
    if not incar and text.echo:
        incar = dict(Incar.from_str("\n".join(f"{name} = {value}" for name, value in text.echo.items())))
    if not incar:
        raise InputError("OUTCAR does not repeat the INCAR, and none lies beside it, so that its method is not known")
    frame: Any = read_frames(files["OUTCAR"], format="vasp-out")
    results = frame.calc.results
    magmoms = results.get("magmoms")
    return Found(
        energy=float(results["energy"]),
        atoms=Atoms(frame.numbers, positions=frame.positions, cell=frame.cell, pbc=True),
        inputs=Inputs(
            incar,
            tuple(dict.fromkeys(text.titles)),
            kpoints=Kpoints.from_file(str(files["KPOINTS"])) if "KPOINTS" in files else None,
            valences=tuple(text.valences[: len(dict.fromkeys(text.titles))]),
            cutoff=text.settings.get("ENCUT"),
        ),
        settings=text.settings,
        steps=text.steps,
        is_self_consistent=text.is_self_consistent,
        unrelaxed="" if text.is_relaxed else f"not relaxed within {text.steps} steps",
        forces=None,  # with constraints, OUTCAR does not tell which forces count; its own word is taken
        magnetisation=text.magnetisation,
        moments=tuple(float(moment) for moment in magmoms) if magmoms is not None and np.any(magmoms) else None,
    )


def _from_oszicar(files: Mapping[str, Path]) -> Found:
    from pymatgen.io.vasp.inputs import Kpoints

    text = oszicar(files["OSZICAR"])
    steps = [step for step in text.ionic_steps if "E0" in step]
    if not steps:
        raise InputError(f"{files['OSZICAR'].name} holds no finished step")
    incar = _incar(files)
    nsw, nelm = int(incar.get("NSW", 0)), int(incar.get("NELM", 60))
    threshold, last = float(incar.get("EDIFFG", 10 * float(incar.get("EDIFF", 1e-4)))), abs(float(steps[-1]["dE"]))
    if nsw > 1 and len(steps) >= nsw:
        unrelaxed = f"not relaxed within {nsw} steps"
    elif nsw > 1 and last > (threshold if threshold > 0 else _LAST_STEP):
        unrelaxed = f"the last of {len(steps)} steps still changed the energy by {last:.4f} eV"
    else:
        unrelaxed = ""
    return Found(
        energy=float(steps[-1]["E0"]),
        atoms=atoms_of(files["CONTCAR"]),
        inputs=Inputs(
            incar,
            _titles(files),
            kpoints=Kpoints.from_file(str(files["KPOINTS"])) if "KPOINTS" in files else None,
        ),
        settings=incar,
        steps=len(steps),
        is_self_consistent=len(text.electronic_steps) <= len(steps) and len(text.electronic_steps[-1]) < nelm,
        unrelaxed=unrelaxed,
        magnetisation=float(steps[-1]["mag"]) if "mag" in steps[-1] else None,
        remarks=("its forces are not known: OSZICAR holds none",) if nsw > 1 and threshold < 0 else (),
    )


def _titles(files: Mapping[str, Path]) -> tuple[str, ...]:
    """Return the titles of a POTCAR, of which nothing else is kept, or what POTCAR.spec names."""
    from monty.io import zopen

    name = "POTCAR" if "POTCAR" in files else "POTCAR.spec"
    if name not in files:
        return ()
    with zopen(files[name], mode="rt", encoding="utf-8", errors="replace") as lines:
        if name == "POTCAR":
            return tuple(str(line).partition("=")[2].strip() for line in lines if "TITEL" in str(line))
        return tuple(word for line in lines if (word := str(line).strip()))


#: The files that each way to read a run needs, the best first.
READERS: tuple[tuple[tuple[str, ...], Callable[[Mapping[str, Path]], Found]], ...] = (
    (("vasprun.xml",), _from_vasprun),
    (("OUTCAR",), _from_outcar),
    (("OSZICAR", "CONTCAR", "INCAR"), _from_oszicar),
)
