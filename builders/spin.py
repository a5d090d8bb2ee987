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


def multiplicities(atoms: Atoms, charge: int, number: int, near: int | None = None) -> tuple[int, ...]:
    """Return multiplicities (2S + 1) that the electrons allow: the lowest, or those nearest to a given one.

    Parameters
    ----------
    atoms : ase.Atoms
        The nuclei.
    charge : int
        Total charge, e.
    number : int
        How many; fewer come where there are not electrons enough.
    near : int or None
        Where to start; None for the lowest.

    Returns
    -------
    tuple of int
        Closest first; of two equally close the lower one.

    Raises
    ------
    InputError
        If none are asked for, or those near one below 1.
    """
    if number < 1:
        raise InputError(f"{number} multiplicities were asked for; ask for at least 1")
    return _nearest(atoms, charge, 1 if near is None else near, number)


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
    nearest = _nearest(atoms, charge, parent, 3)
    close = tuple(multiplicity for multiplicity in nearest if abs(multiplicity - parent) in (0, 2))
    return close or nearest[:2]


def _nearest(atoms: Atoms, charge: int, near: int, number: int) -> tuple[int, ...]:
    """Return so many multiplicities that the electrons allow, the closest to a given one first."""
    if near < 1:
        raise InputError(f"a multiplicity of {near} does not exist; it is 2S + 1, so at least 1")
    total = electrons(atoms, charge)
    lowest, highest = 1 + total % 2, total + 1
    # all that can be among the closest; the electrons may be too few for the given one
    around = range(min(near, highest) - 2 * number, min(near, highest) + 2 * number + 1)
    allowed = [found for found in around if lowest <= found <= highest and (found - lowest) % 2 == 0]
    return tuple(sorted(allowed, key=lambda found: (abs(found - near), found))[:number])


def _formula(atoms: Atoms) -> str:
    return str(atoms.get_chemical_formula())
