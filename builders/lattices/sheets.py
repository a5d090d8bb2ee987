"""Sheet: a two-dimensional crystal, repeated around the pocket that takes the metal."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from ase import Atoms

from atomsieve.builders import axial
from atomsieve.builders.bonding import bonds_of
from atomsieve.builders.cells import folded, vacuum_parameter, vacuum_suffix
from atomsieve.builders.family import (
    REQUIRED,
    TRANSITION_METALS,
    Family,
    Parameter,
    in_order,
    metals,
    one_of,
    recipe,
)
from atomsieve.builders.lattices.supercell import parse_supercell, size_of
from atomsieve.builders.vectors import Array
from atomsieve.structures.site import ActiveSite

#: Elements of a sheet come in this order, the metal last.
ORDER: Final = ("B", "C", "H", "N")
#: Degrees from the first lattice vector; a pocket's metal moves off its centre this way, which lies on the mirror that
#: exchanges the lattice vectors, so that ``2x3`` and ``3x2`` are one site.
OFF_CENTRE: Final = 150.0


@dataclass(frozen=True, eq=False)
class Unit:
    """The smallest cell of a bare sheet.

    Parameters
    ----------
    symbols : tuple of str
        Chemical symbols.
    positions : ndarray of float, shape (n, 2)
        Å.
    vectors : ndarray of float, shape (2, 2)
        Lattice vectors as rows, Å.
    """

    symbols: tuple[str, ...]
    positions: Array
    vectors: Array


Seat = Callable[[str, Atoms], tuple[Array, tuple[int, ...]]]


@dataclass(frozen=True)
class Pocket:
    """Where a sheet takes a metal.

    Parameters
    ----------
    middle : tuple of float
        What comes in the middle of the cell, as fractions of the lattice vectors.
    seat : callable
        From the metal's symbol and the host to the place of the metal from the middle of the cell, shape (3,), Å, and
        the indices of its donors.
    tag : str
        What the label says of it.
    edit : callable, optional
        Takes atoms out of the repeated sheet, or exchanges them.
    change : mapping of str to int
        How many atoms that adds, by element.
    """

    middle: tuple[float, float]
    seat: Seat
    tag: str = ""
    edit: Callable[[Atoms], Atoms] | None = None
    change: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Sheet:
    """A two-dimensional crystal with the pockets that take a metal.

    Parameters
    ----------
    name, title : str
        As of the family.
    unit : callable
        Makes the smallest cell.
    contents : mapping of str to int
        Atoms of the smallest cell by element, told from the chemistry.
    pockets : mapping of str to Pocket
        By the value of the parameter that chooses among them; the first is the default.
    choice : tuple of (str, str)
        Name and title of that parameter; not looked at where there is one pocket.
    supercell : tuple of (int, int, int)
        Smallest, usual and largest number of cells along a lattice vector.
    shells : mapping of str to (float, float)
        As of the family, Å.
    ligands : bool
        A ligand on the far face makes sense.
    metals : tuple of str
        Those that fit.
    source : mapping of str to str
        Provenance.
    examples : tuple of mapping
        As of the family, without its name.
    """

    name: str
    title: str
    unit: Callable[[], Unit]
    contents: Mapping[str, int]
    pockets: Mapping[str, Pocket]
    supercell: tuple[int, int, int]
    shells: Mapping[str, tuple[float, float]]
    source: Mapping[str, str]
    examples: tuple[Mapping[str, Any], ...]
    choice: tuple[str, str] = ("", "")
    ligands: bool = True
    metals: tuple[str, ...] = TRANSITION_METALS


def apex(first: Any, second: Any, length: float, towards: Any) -> Array:
    """Return the point of the plane at a distance from two others, shape (2,).

    Parameters
    ----------
    first, second, towards : array_like of float, shape (2,)
        The two points, and one on the side where it lies, Å.
    length : float
        Å.
    """
    first, second, towards = (np.asarray(point, dtype=float) for point in (first, second, towards))
    middle, across = (first + second) / 2, second - first
    normal = np.array([-across[1], across[0]]) / np.linalg.norm(across)
    rise = math.sqrt(length**2 - float(across @ across) / 4)
    return np.asarray(middle + math.copysign(rise, float((towards - middle) @ normal)) * normal)


def in_element_order(atoms: Atoms) -> Atoms:
    """Sort atoms by element as :data:`ORDER` says, otherwise as they come."""
    return atoms[sorted(range(len(atoms)), key=lambda atom: ORDER.index(atoms.symbols[atom]))]


def repeated(unit: Unit, size: tuple[int, int], vacuum: float, middle: tuple[float, float]) -> Atoms:
    """Repeat a smallest cell, with a chosen point of it in the middle of the cell that comes.

    Parameters
    ----------
    unit : Unit
        The smallest cell.
    size : tuple of int
        Cells along each lattice vector.
    vacuum : float
        Height of the cell, Å.
    middle : tuple of float
        The point, as fractions of the lattice vectors.
    """
    fractions = unit.positions @ np.linalg.inv(unit.vectors) - np.array(middle)
    steps = [(i, j) for i in range(size[0]) for j in range(size[1])]
    spots = folded(np.vstack([fractions + np.array(step) for step in steps]) / np.array(size) + 0.5)
    cell = np.zeros((3, 3))
    cell[:2, :2] = np.array(size)[:, None] * unit.vectors
    cell[2, 2] = vacuum
    positions = np.column_stack([spots, np.full(len(spots), 0.5)]) @ cell
    return Atoms(list(unit.symbols) * len(steps), positions, cell=cell, pbc=True)


def from_middle(host: Atoms) -> Array:
    """Return the places of atoms from the middle of the cell in the plane, shape (n, 2), Å."""
    return np.asarray((host.positions - host.cell.array.sum(axis=0) / 2)[:, :2])


def nearest(host: Atoms, place: Any, number: int, element: str | None = None) -> tuple[int, ...]:
    """Return the atoms that are nearest to a place, which is told from the middle of the cell, Å."""
    distances = np.linalg.norm(from_middle(host) - np.asarray(place)[:2], axis=1)
    if element is not None:
        distances[np.array(host.symbols) != element] = np.inf
    order = np.argsort(np.round(distances, 6), kind="stable")
    return tuple(sorted(int(atom) for atom in order[:number]))


def family(sheet: Sheet) -> Family:
    """Return the family of a sheet: its metals in its pockets, in any supercell.

    Supercells that are mirror images are one: a recipe writes the smaller number first.
    """
    smallest, usual, largest = sheet.supercell
    chosen = sheet.choice[0]
    first = next(iter(sheet.pockets))
    fit = "a transition metal of groups 3 to 12" if sheet.metals == TRANSITION_METALS else ", ".join(sheet.metals)
    parameters = [Parameter("metals", "the metal", REQUIRED, fit, metals(1, allowed=sheet.metals))]
    if len(sheet.pockets) > 1:
        names = tuple(sheet.pockets)
        parse = one_of(*names, what=chosen)
        parameters.append(Parameter(chosen, sheet.choice[1], first, ", ".join(names), parse))
    parameters.append(
        Parameter(
            "supercell",
            "cells along both lattice vectors",
            f"{usual}x{usual}",
            f"{smallest}x{smallest} to {largest}x{largest}",
            parse_supercell(smallest, largest),
        )
    )
    parameters.append(vacuum_parameter())
    if sheet.ligands:
        parameters.append(axial.parameter())
    by_name = in_order(*parameters)

    @lru_cache(maxsize=16)
    def host(choice: str, supercell: str, vacuum: float) -> tuple[Atoms, tuple[tuple[int, int], ...]]:
        pocket = sheet.pockets[choice]
        atoms = repeated(sheet.unit(), size_of(supercell), vacuum, pocket.middle)
        atoms = in_element_order(atoms if pocket.edit is None else pocket.edit(atoms))
        return atoms, bonds_of(atoms)

    def build(values: Mapping[str, Any]) -> ActiveSite:
        (metal,) = values["metals"]
        choice, ligand = values.get(chosen, first), values.get("axial", "none")
        atoms, bonds = host(choice, values["supercell"], values["vacuum"])
        pocket = sheet.pockets[choice]
        place, donors = pocket.seat(metal, atoms)
        whole = atoms + Atoms([metal], [atoms.cell.array.sum(axis=0) / 2 + place])
        label = f"{metal}{axial.suffix(ligand)}@{sheet.name}{pocket.tag}"
        label += f"-{values['supercell']}" if values["supercell"] != f"{usual}x{usual}" else ""
        label += vacuum_suffix(values)
        site = ActiveSite(
            label=label,
            recipe=recipe(sheet.name, 1, values, tuple(by_name)),
            atoms=whole,
            kind="sheet",
            metals=(len(atoms),),
            donors=(donors,),
            bonds=tuple(sorted({*bonds, *((donor, len(atoms)) for donor in donors)})),
            provenance=dict(sheet.source),
        )
        return axial.attach(site, ligand)

    def formula(values: Mapping[str, Any]) -> Counter[str]:
        n, m = size_of(values["supercell"])
        count = Counter({element: n * m * number for element, number in sheet.contents.items()})
        count.update(sheet.pockets[values.get(chosen, first)].change)
        return count + Counter(values["metals"]) + axial.composition(values.get("axial", "none"))

    return Family(
        name=sheet.name,
        title=sheet.title,
        parameters=by_name,
        build=build,
        formula=formula,
        shells=MappingProxyType(dict(sheet.shells)),
        examples=sheet.examples,
    )
