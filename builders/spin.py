"""Spin: electrons, and the multiplicities that their number allows."""

from __future__ import annotations

from ase import Atoms

from atomsieve.structures.errors import InputError


def electrons(atoms: Atoms, charge: int) -> int:
    """Return the number of electrons, cores included.

    Parameters
    ----------
    atoms : ase.Atoms
        The nuclei.
    charge : int
        Total charge, e.

    Raises
    ------
    InputError
        If the charge takes away more electrons than there are.
    """
    nuclear = int(atoms.numbers.sum())
    if charge > nuclear:
        raise InputError(f"a charge of {charge} is more than the {nuclear} electrons of {_formula(atoms)}")
    return nuclear - charge


def multiplicities(atoms: Atoms, charge: int, number: int) -> tuple[int, ...]:
    """Return the lowest multiplicities (2S + 1) that the electrons allow.

    Parameters
    ----------
    atoms : ase.Atoms
        The nuclei.
    charge : int
        Total charge, e.
    number : int
        How many; fewer come where there are not electrons enough.

    Raises
    ------
    InputError
        If none are asked for.
    """
    _require_some(number)
    total = electrons(atoms, charge)
    lowest = 1 + total % 2
    return tuple(range(lowest, min(lowest + 2 * number, total + 2), 2))


def inherited(parent: int, atoms: Atoms, charge: int) -> tuple[int, ...]:
    """Return the allowed multiplicities next to that of the structure it was made from.

    Where what was added flips the parity these are the two nearest (m - 1 and m + 1; 2 and 4 from a singlet), else
    m - 2, m and m + 2.

    Parameters
    ----------
    parent : int
        Multiplicity (2S + 1) of the parent.
    atoms : ase.Atoms
        The nuclei, those added to the parent included.
    charge : int
        Total charge, e.

    Returns
    -------
    tuple of int
        Closest first; of two equally close the lower one.

    Raises
    ------
    InputError
        If the parent's is below 1.
    """
    if parent < 1:
        raise InputError(f"a multiplicity of {parent} does not exist; it is 2S + 1, so at least 1")
    total = electrons(atoms, charge)
    allowed = range(1 + total % 2, total + 2, 2)
    nearest = sorted(allowed, key=lambda multiplicity: (abs(multiplicity - parent), multiplicity))
    close = [multiplicity for multiplicity in nearest if abs(multiplicity - parent) in (0, 2)]
    return tuple(close or nearest[:2])


def _formula(atoms: Atoms) -> str:
    return str(atoms.get_chemical_formula())


def _require_some(number: int) -> None:
    if number < 1:
        raise InputError(f"{number} multiplicities were asked for; ask for at least 1")
