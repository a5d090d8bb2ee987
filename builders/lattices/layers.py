"""Layer: a flat framework, drawn as one arm around a centre and repeated by symmetry."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from ase import Atoms

from atomsieve.builders import axial, vectors
from atomsieve.builders.bonding import bonds_of
from atomsieve.builders.cells import folded, nearest_four, vacuum_parameter, vacuum_suffix
from atomsieve.builders.family import Parameter, number_between, written
from atomsieve.structures.errors import InputError, ParameterError
from atomsieve.structures.site import ActiveSite

#: Atoms of a layer: chemical symbols, and positions in Å with the plane of the layer at z = 0.
Atom = tuple[str, tuple[float, float, float]]

AUTO: Final = "auto"
#: Bond lengths of hydrogen, Å: on an aromatic carbon, on an imine nitrogen.
C_H, N_H = 1.08, 1.02
#: Bonds around a benzene ring, Å.
AROMATIC: Final = 1.395
#: Å; a layer is stretched by a lattice constant that differs from its own by this share at most.
_LARGEST_STRAIN = 0.03


def onward(start: float, bond: float, width: float, following: float) -> float:
    """Return where the next pair of atoms stands on an arm.

    An arm along x is a ladder: each rung is a pair of atoms at y = plus and minus half its width.

    Parameters
    ----------
    start, width : float
        Place and width of a rung, Å; 0 wide for a single atom.
    bond : float
        Length of the bonds to the next rung, Å.
    following : float
        Width of the next rung, Å.
    """
    return start + math.sqrt(bond**2 - ((following - width) / 2) ** 2)


def pair(symbol: str, x: float, width: float) -> list[Atom]:
    """Return the two atoms of a rung."""
    return [(symbol, (x, width / 2, 0.0)), (symbol, (x, -width / 2, 0.0))]


def away(length: float, atom: tuple[float, float], *neighbours: tuple[float, float]) -> tuple[float, float]:
    """Return where a hydrogen stands in the plane, at a distance (Å) from its atom and away from the neighbours."""
    x, y = vectors.away(length, atom, *neighbours).tolist()
    return x, y


def hydrogens(length: float, atom: tuple[float, float], *neighbours: tuple[float, float]) -> list[Atom]:
    """Return such a hydrogen and its mirror image across the arm."""
    x, y = away(length, atom, *neighbours)
    return pair("H", x, 2 * y)


def turned(atoms: Sequence[Atom], degrees: float, by: tuple[float, float] = (0.0, 0.0)) -> list[Atom]:
    """Return atoms turned anticlockwise about z, then moved in the plane."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return [(symbol, (x * cos - y * sin + by[0], x * sin + y * cos + by[1], z)) for symbol, (x, y, z) in atoms]


@dataclass(frozen=True)
class Layer:
    """One cell of a layer, as its bond lengths make it.

    Parameters
    ----------
    atoms : sequence of Atom
        The metal that adsorbates bind to comes last, at the origin.
    lattice_constant : float
        Å.
    angle : {90, 120}
        Between the lattice vectors, which are equally long, degrees.
    nodes : int
        How many metals come before the last; they belong to the support.
    """

    atoms: Sequence[Atom]
    lattice_constant: float
    angle: int
    nodes: int = 0

    def site(
        self,
        values: Mapping[str, Any],
        label: str,
        recipe: dict[str, Any],
        ledger: dict[str, int],
        source: str,
        remarks: str,
    ) -> ActiveSite:
        """Put the layer into its cell and attach the axial ligand.

        Parameters
        ----------
        values : mapping
            ``lattice_constant`` (Å; in-plane coordinates are scaled to it), ``vacuum`` (Å) and ``axial``.
        label, recipe, ledger
            As the site has them; the label gets what the three values add to it.
        source : str
            Where the bond lengths come from.
        remarks : str
            What a person should know of the model.

        Returns
        -------
        ActiveSite
            Elements of the support in the order of the alphabet, metals after them, the site's own metal in the middle
            of the cell; the axial ligand last.
        """
        metals = range(len(self.atoms) - 1 - self.nodes, len(self.atoms))
        order = sorted(range(metals[0]), key=lambda atom: self.atoms[atom][0]) + list(metals)
        symbols = [self.atoms[atom][0] for atom in order]
        positions = np.array([self.atoms[atom][1] for atom in order])
        constant = float(values["lattice_constant"])
        positions[:, :2] *= constant / self.lattice_constant
        turn = math.radians(self.angle)
        cell = np.diag([constant, constant * math.sin(turn), values["vacuum"]])
        cell[1, 0] = constant * math.cos(turn)
        fractions = positions @ np.linalg.inv(cell) + 0.5
        fractions[:, :2] = folded(fractions[:, :2])
        atoms = Atoms(symbols, fractions @ cell, cell=cell, pbc=True)
        able = np.flatnonzero(np.isin(atoms.numbers, (7, 8)))
        donors = [nearest_four(atoms, metal, able) for metal in metals]
        held = ((donor, metal) for metal, group in zip(metals, donors, strict=True) for donor in group)
        suffix = f"-a{written(constant)}" if constant != round(self.lattice_constant, 3) else ""
        suffix += vacuum_suffix(values)
        bare = ActiveSite(
            label=f"{label}{axial.suffix(values['axial'])}{suffix}",
            recipe=recipe,
            atoms=atoms,
            kind="layer",
            metals=(metals[-1],),
            donors=(donors[-1],),
            bonds=tuple(sorted({*bonds_of(atoms[: metals[0]]), *held})),
            ledger=ledger,
            provenance={"source": source, "remarks": f"the lattice constant follows from the bond lengths; {remarks}"},
        )
        return axial.attach(bare, values["axial"])


def parameters() -> tuple[Parameter, Parameter, Parameter]:
    """Return the parameters that all layers have: ``lattice_constant``, ``vacuum`` and ``axial``."""
    return (
        Parameter(
            "lattice_constant",
            "lattice constant of the layer, Å",
            AUTO,
            f"{AUTO} (from its bond lengths), or a number within {100 * _LARGEST_STRAIN:.0f} % of that",
            _parse_lattice_constant,
        ),
        vacuum_parameter(),
        axial.parameter(),
    )


def settled(values: Mapping[str, Any], own: float) -> dict[str, Any]:
    """Return values with the lattice constant written out.

    Parameters
    ----------
    values : mapping
        Every parameter.
    own : float
        The lattice constant that the bond lengths make, Å.

    Raises
    ------
    ParameterError
        If the one that is asked for would stretch or squeeze the layer too much.
    """
    own = round(own, 3)
    constant = own if values["lattice_constant"] == AUTO else values["lattice_constant"]
    if abs(constant / own - 1) > _LARGEST_STRAIN:
        low, high = own * (1 - _LARGEST_STRAIN), own * (1 + _LARGEST_STRAIN)
        raise ParameterError(
            "lattice_constant",
            f"{constant:g} Å would break bonds: those of this layer make {own:g} Å; "
            f"allowed: {low:.2f} to {high:.2f} Å, or {AUTO}",
        )
    return {**values, "lattice_constant": constant}


def _parse_lattice_constant(value: Any) -> tuple[str | float]:
    if value == AUTO:
        return (AUTO,)
    if isinstance(value, str):
        raise InputError(f"{value!r} is no lattice constant; write {AUTO}, or a number in Å without quotes")
    return number_between(10.0, 60.0, "Å")(value)
