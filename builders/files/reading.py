"""Structure file: what a person brings along, turned into plain data that a recipe can hold."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from ase import Atoms

from atomsieve.builders.files import crystals, spaces
from atomsieve.structures.errors import InputError
from atomsieve.structures.identity import GEOMETRY_DECIMALS
from atomsieve.structures.site import atoms_from_dict, atoms_to_dict

#: What a person may write.
ALLOWED: Final = (
    "the path of a CIF, POSCAR, XYZ, ASE database or trajectory, or pymatgen JSON file, from the folder of the "
    "campaign file (@0, @1 ... after it picks one of several structures), or HKUST-1, ZIF-8"
)
#: Most atoms that a file may hold.
LARGEST: Final = 5000
_KEYS = ("name", "numbers", "positions", "cell", "pbc")
# Names that say nothing of the structure: that of the folder is taken.
_NAMELESS = re.compile(r"(POSCAR|CONTCAR|geometry|structure|final|relaxed|initial)", re.IGNORECASE)


def parse(value: Any) -> tuple[dict[str, Any], ...]:
    """Read a structure from the path of its file, or take over what an earlier call has read.

    Parameters
    ----------
    value : str or mapping
        See :data:`ALLOWED`; or the plain data of a recipe.

    Returns
    -------
    tuple of dict
        One structure: ``name``, ``numbers``, ``positions`` (Å, rounded to 0.001 as in a geometry key), ``cell`` (Å)
        and ``pbc``. It stands on its own: the file is not needed again.

    Raises
    ------
    InputError
        If there is no such file, it cannot be read or is disordered, or it holds several structures.
    """
    if isinstance(value, Mapping):
        if set(value) != set(_KEYS):
            raise InputError(f"a structure in a recipe has {', '.join(_KEYS)}; this one has {', '.join(value)}")
        return (described(str(value["name"]), atoms_from_dict(value)),)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{value!r} is not a path; write {ALLOWED}")
    if value.strip() in crystals.names():
        return (described(value.strip(), crystals.crystal(value.strip())),)
    path, number = _split(value.strip())
    if not path.is_file():
        raise InputError(f"there is no file {str(path)!r}; write {ALLOWED}")
    state = path.stat()
    try:
        atoms = _read(path, number, (state.st_mtime_ns, state.st_size))
    except InputError as error:
        raise InputError(str(error) if str(path) in str(error) else f"{path}: {error}") from None
    return (described(_name(path, number), atoms),)


def described(name: str, atoms: Atoms) -> dict[str, Any]:
    """Return a structure as a recipe holds it.

    Parameters
    ----------
    name : str
        For labels.
    atoms : ase.Atoms
        Positions and cell are rounded to 0.001 Å.
    """
    data = atoms_to_dict(atoms)
    for key in ("positions", "cell"):
        data[key] = (np.round(np.array(data[key], dtype=float), GEOMETRY_DECIMALS) + 0.0).tolist()
    return {"name": name, **data}


def comes_along(data: Mapping[str, Any]) -> bool:
    """Tell whether a structure is one of the crystals that come along, and not another of its name."""
    return data["name"] in crystals.names() and data == described(data["name"], crystals.crystal(data["name"]))


@lru_cache(maxsize=32)
def _read(path: Path, number: int | None, state: tuple[int, int]) -> Atoms:
    """Read and orient one structure; a file that has changed has another state."""
    return spaces.oriented(_one(path, number))


def _split(text: str) -> tuple[Path, int | None]:
    match = re.fullmatch(r"(.+)@([0-9]+)", text)
    if match is None or Path(text).expanduser().is_file():
        return Path(text).expanduser(), None
    return Path(match[1]).expanduser(), int(match[2])


def _name(path: Path, number: int | None) -> str:
    nameless = _NAMELESS.fullmatch(path.stem) is not None
    name = path.resolve().parent.name if nameless else path.stem
    name = re.sub(r"[^A-Za-z0-9._+()-]+", "-", name).strip("-") or "structure"
    return name if number is None else f"{name}-{number}"


def _one(path: Path, number: int | None) -> Atoms:
    """Read one structure of a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the readers' remarks on settings and symmetry; what matters is checked here
        try:
            frames = _frames(path)
        except InputError:
            raise
        except Exception as error:  # readers of ten formats, each with errors of its own
            raise InputError(f"{path} cannot be read: {type(error).__name__}: {error}; write {ALLOWED}") from None
    if not frames:
        raise InputError(f"{path} holds no structure; write {ALLOWED}")
    if number is None and len(frames) > 1:
        raise InputError(f"{path} holds {len(frames)} structures; write {path.name}@0 to {path.name}@{len(frames) - 1}")
    if number is not None and number >= len(frames):
        raise InputError(
            f"{path} holds {len(frames)} structure(s); there is no @{number}, the last is @{len(frames) - 1}"
        )
    atoms = frames[number or 0]
    if not 0 < len(atoms) <= LARGEST:
        raise InputError(f"{path} holds {len(atoms)} atoms; allowed: 1 to {LARGEST}, so write its primitive cell")
    if 0 in atoms.numbers:
        dummies = ", ".join(str(index) for index in np.flatnonzero(atoms.numbers == 0)[:5])
        raise InputError(f"{path}: atoms {dummies} are of no element; name them or take them out")
    if not (np.isfinite(atoms.positions).all() and np.isfinite(atoms.cell.array).all()):
        raise InputError(f"{path}: there are positions that are no numbers")
    if atoms.pbc.any() and atoms.cell.rank < int(atoms.pbc.sum()):
        raise InputError(f"{path}: it is periodic in {int(atoms.pbc.sum())} directions but has no such cell; add it")
    return Atoms(numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc)


def _frames(path: Path) -> list[Atoms]:
    if path.suffix.lower() == ".cif":
        return _crystals(path)
    if path.suffix.lower() == ".json":
        return _json(path)
    from ase.io import read

    frames = read(path, index=":", do_not_split_by_at_sign=True)
    return list(frames)


def _json(path: Path) -> list[Atoms]:
    import json

    data = json.loads(path.read_text(encoding="utf-8"))
    entries = data if isinstance(data, list) else [data]
    if not all(isinstance(entry, dict) and "@class" in entry for entry in entries):
        from ase.io import read

        return list(read(path, index=":", do_not_split_by_at_sign=True))
    from monty.json import MontyDecoder
    from pymatgen.io.ase import AseAtomsAdaptor

    structures = [MontyDecoder().process_decoded(entry) for entry in entries]
    for structure in structures:
        if not getattr(structure, "is_ordered", True):
            partial = [
                f"{site.species_string} at {index}" for index, site in enumerate(structure) if not site.is_ordered
            ]
            raise InputError(_disordered(path, partial))
    return [AseAtomsAdaptor.get_atoms(structure) for structure in structures]


def _crystals(path: Path) -> list[Atoms]:
    """Read the structures of a CIF, and refuse those of which sites are occupied in part."""
    from ase.io.cif import parse_cif

    frames = []
    for block in parse_cif(str(path)):
        if not (block.has_structure() if hasattr(block, "has_structure") else True):
            continue
        labels = block.get("_atom_site_label") or block.get("_atom_site_type_symbol") or []
        occupancies = block.get("_atom_site_occupancy") or []
        partial = [
            f"{label} ({occupancy:g})"
            for label, occupancy in zip(labels, occupancies, strict=False)
            if isinstance(occupancy, int | float) and occupancy < 0.995
        ]
        if partial:
            raise InputError(_disordered(path, partial))
        # expanding by symmetry compares all pairs of atoms, which a large cell without any can do without
        plain = len(block.get_spacegroup(True).get_symop()) == 1
        frames.append(block.get_unsymmetrized_structure() if plain else block.get_atoms(store_tags=False))
        frames[-1].pbc = True
    return frames


def _disordered(path: Path, partial: list[str]) -> str:
    shown = ", ".join(partial[:8]) + (f" and {len(partial) - 8} more" if len(partial) > 8 else "")
    return (
        f"{path} is disordered: {shown} are occupied in part; keep one of the alternatives in the file, at occupancy 1 "
        "(in a smaller space group if they are related by symmetry), and delete solvent"
    )
