"""Method of a VASP run, in the vocabulary that all DFT entries share, from its inputs."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms

from atomsieve.structures.method import Method
from atomsieve.structures.vasp_tags import canonical_tags

#: LEXCH of a set of POTCARs, by the first word of their titles.
_LEXCH: Mapping[str, str] = {"PAW_PBE": "PE", "PAW_GGA": "91", "PAW": "CA", "US": "CA"}


@dataclass
class Inputs:
    """What a run was asked for.

    Parameters
    ----------
    incar : mapping
        The tags that a person wrote.
    titles : tuple of str
        Of the POTCARs, ``PAW_PBE Fe_pv 02Aug2007``; or the symbols alone where nothing else is known.
    kpoints : pymatgen.io.vasp.Kpoints or None
        The mesh.
    valences : tuple of float
        Valence electrons of each species.
    cutoff : float or None
        The cutoff that was used where the INCAR sets none, eV.
    """

    incar: Mapping[str, Any]
    titles: tuple[str, ...]
    kpoints: Any = None
    valences: tuple[float, ...] = ()
    cutoff: float | None = None


def blocks(atoms: Atoms) -> list[tuple[str, int]]:
    """Return the species of a POSCAR in their order, with the number of atoms of each block."""
    return [(symbol, len(list(group))) for symbol, group in itertools.groupby(atoms.symbols)]


def method_of(inputs: Inputs, atoms: Atoms) -> Method:
    """Return the method of a run.

    Parameters
    ----------
    inputs : Inputs
        What it was asked for.
    atoms : ase.Atoms
        In the order of the POSCAR, with its cell in Å.
    """
    incar = dict(inputs.incar)
    if "ENCUT" not in incar and inputs.cutoff is not None:
        incar["ENMAX"] = inputs.cutoff
    species = [symbol for symbol, _ in blocks(atoms)]
    lexch = _LEXCH.get(inputs.titles[0].split()[0], "PE") if inputs.titles else "PE"
    physics = canonical_tags(incar, species, lexch=lexch, electrons=_electrons(inputs, atoms))
    if inputs.titles:
        physics["pseudopotentials"] = {_element(title): title for title in inputs.titles}
    if (mesh := _mesh(inputs.kpoints, atoms)) is not None:
        physics["kpoints"] = mesh
    return Method("vasp", physics, "dft")


def charge_of(inputs: Inputs, atoms: Atoms) -> int | None:
    """Return the total charge of a run in e; None where NELECT is set and nothing tells how many are neutral."""
    if "NELECT" not in inputs.incar:
        return 0
    electrons = _electrons(inputs, atoms)
    return None if electrons is None else round(electrons - float(inputs.incar["NELECT"]))


def _electrons(inputs: Inputs, atoms: Atoms) -> float | None:
    """Return the valence electrons of the neutral cell."""
    species = blocks(atoms)
    if len(inputs.valences) != len(species):
        return None
    return sum(valence * number for valence, (_, number) in zip(inputs.valences, species, strict=True))


def _element(title: str) -> str:
    """Return the element of a title, ``PAW_PBE Fe_pv 02Aug2007``, or of a symbol, ``Fe_pv``."""
    words = title.split()
    return words[min(1, len(words) - 1)].partition("_")[0]


def _mesh(kpoints: Any, atoms: Atoms) -> str | float | None:
    """Return Γ, or the largest distance of two k-points (1/Å, with 2π) along the directions that have several.

    A direction with one k-point is vacuum, or a cell so long that one is enough.
    """
    if kpoints is None:
        return None
    style = str(kpoints.style).lower()
    if "gamma" not in style and "monkhorst" not in style:
        if "reciprocal" in style and len(kpoints.kpts) == 1 and not np.any(kpoints.kpts[0]):
            return "Γ"
        return f"{len(kpoints.kpts)} points as listed" if kpoints.num_kpts else f"{style} {kpoints.kpts[0]}"
    divisions = np.array(kpoints.kpts[0], dtype=float)
    if (divisions == 1).all():
        return "Γ"
    lengths = 2 * np.pi * np.linalg.norm(np.linalg.inv(atoms.cell.array), axis=0)
    return round(float((lengths / divisions)[divisions > 1].max()), 4)
