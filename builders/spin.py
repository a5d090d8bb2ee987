"""Spin: electrons, the multiplicities that their number allows, and start moments of atoms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from ase import Atoms

from atomsieve.builders.spin_centres import spectators
from atomsieve.structures.errors import InputError
from atomsieve.structures.site import ActiveSite
from atomsieve.structures.spin import SpinStart

#: Moment from which on a metal counts as magnetic, μB: half of one unpaired electron.
CARRIES: Final = 0.5


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


def inherited_starts(parent: int, moments: Sequence[float] | None, atoms: Atoms, charge: int) -> tuple[SpinStart, ...]:
    """Return starts next to the state of the structure it was made from, with that one's moments on the metals.

    Multiplicities are those of :func:`inherited`. The difference of the total moment is shared by the metals that carry
    a moment; where none does, it is left to the other atoms.

    Parameters
    ----------
    parent : int
        Multiplicity (2S + 1) of the parent.
    moments : sequence of float or None
        Moments of the parent's metals, μB, in the order of the site's ``metals``; None where they are not known.
    atoms : ase.Atoms
        The nuclei, those added to the parent included.
    charge : int
        Total charge, e.

    Returns
    -------
    tuple of SpinStart
        ``inherited``, then ``inherited -2`` and ``inherited +2`` (of the number of unpaired electrons); by -1 and +1
        where the parity flips.

    Raises
    ------
    InputError
        If the parent's multiplicity is below 1.
    """
    up = None
    if moments is not None:
        up = tuple(float(-moment if sum(moments) < 0 else moment) for moment in moments)
    found = []
    for multiplicity in inherited(parent, atoms, charge):
        change = multiplicity - parent
        name = f"inherited {change:+d}" if change else "inherited"
        found.append(SpinStart(name, multiplicity, _shared(up, change)))
    return tuple(found)


def start_moments(
    site: ActiveSite, atoms: Atoms, multiplicity: int, moments: Sequence[float] | None
) -> tuple[float, ...]:
    """Return a start moment for every atom; they add up to the number of unpaired electrons.

    Metals of the support that are counted in a stated multiplicity get theirs. What is left, as the odd electron of a
    support, is spread over the donors and the heavy atoms of an adsorbate.

    Parameters
    ----------
    site : ActiveSite
        The clean site.
    atoms : ase.Atoms
        Its atoms, and those of an adsorbate after them.
    multiplicity : int
        2S + 1, or 2 Ms + 1.
    moments : sequence of float or None
        Those of the site's metals, μB; None to share all by them.

    Returns
    -------
    tuple of float
        μB, in the order of the atoms.
    """
    values = np.zeros(len(atoms))
    whole = multiplicity - 1
    if site.hole:
        # broken bonds carry what a support without its metals has unpaired
        carriers = sorted({donor for donors in site.hole for donor in donors})
        values[carriers] = whole / len(carriers)
        return tuple(float(value) for value in values)
    own = [whole / len(site.metals)] * len(site.metals) if moments is None else list(moments)
    values[list(site.metals)] = own
    others = spectators(site) if moments is not None else {}
    rest = sum(others.values())
    sign = 1 if abs(sum(own) + rest - whole) <= abs(sum(own) - rest - whole) else -1
    for index, unpaired in others.items():
        values[index] = sign * unpaired
    near = {donor for donors in site.donors for donor in donors}
    near |= {index for index in range(len(site.atoms), len(atoms)) if atoms.numbers[index] > 1}
    spread = sorted(near - set(others)) or list(site.metals)
    values[spread] += (whole - values.sum()) / len(spread)
    return tuple(float(value) for value in values)


def _shared(moments: tuple[float, ...] | None, change: int) -> tuple[float, ...] | None:
    """Return moments with a change of their sum, which those of :data:`CARRIES` and more share; None for None."""
    if moments is None:
        return None
    carriers = [abs(moment) >= CARRIES for moment in moments]
    part = change / max(sum(carriers), 1)
    return tuple(moment + part if carries else moment for moment, carries in zip(moments, carriers, strict=True))
