"""Metal: an element as free atom and as bulk, which the energies of a site's stability refer to."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
from ase import Atoms

from atomsieve.structures.adsorbate import load_yaml
from atomsieve.structures.errors import InputError, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Volumes of the bulk that are calculated, as multiples of the experimental one: they hold the minimum of functionals
#: whose lattice constants are from 4 % too short to 4 % too long.
SCALES: Final = (0.88, 0.92, 0.96, 1.0, 1.04, 1.08, 1.12)
#: By how much larger than in experiment moments are at the start, so that the field does not lose them; VASP's wiki
#: (MAGMOM) advises 1.2 to 1.5.
START: Final = 1.5
_NAME: Final = re.compile(r"([A-Z][a-z]?)\((atom|bulk)(?: (\d+(?:\.\d+)?))?\)")
_SOURCE: Final = "metals.yaml"


@dataclass(frozen=True)
class Metal:
    """What is known of an element as a metal.

    Parameters
    ----------
    symbol : str
        Chemical symbol.
    cohesive : float
        Experimental energy that takes the bulk at 0 K apart into free atoms, eV per atom.
    multiplicity : int
        2S + 1 of the free atom.
    moment : float
        Of an atom in the bulk, Bohr magnetons.
    antiferromagnetic : bool
        Whether neighbours point against each other.
    no_bulk : str
        Why the bulk is not calculated; empty where it is.
    """

    symbol: str
    cohesive: float
    multiplicity: int
    moment: float = 0.0
    antiferromagnetic: bool = False
    no_bulk: str = ""

    def crystal(self, scale: float = 1.0) -> Atoms:
        """Return the cell of the bulk with moments to start from.

        Parameters
        ----------
        scale : float
            Its volume as a multiple of the experimental one; the shape stays.

        Raises
        ------
        InputError
            If the bulk of this element is not calculated.
        """
        from ase.build import bulk

        if self.no_bulk:
            raise InputError(f"no bulk of {self.symbol} is calculated: {self.no_bulk}; take the scheme 'cohesive'")
        # with two atoms in its cell a body-centred lattice can be antiferromagnetic
        atoms = bulk(self.symbol, cubic=self.antiferromagnetic)
        signs = [1.0, -1.0] if self.antiferromagnetic else [1.0] * len(atoms)
        atoms.set_initial_magnetic_moments([round(START * self.moment * sign, 2) + 0.0 for sign in signs])
        atoms.set_cell(atoms.cell * scale ** (1 / 3), scale_atoms=True)
        return atoms


@cache
def metals() -> Mapping[str, Metal]:
    """Return all metals whose data are known, by symbol."""
    return MappingProxyType({symbol: Metal(symbol, **entry) for symbol, entry in load_yaml(_SOURCE).items()})


def metal(symbol: str) -> Metal:
    """Return one metal.

    Raises
    ------
    InputError
        If no data of it are known.
    """
    if symbol not in metals():
        raise InputError(unknown(symbol, metals(), "metal with thermochemical data"))
    return metals()[symbol]


def atom_name(symbol: str) -> str:
    """Return what the free atom of a metal is called: ``Fe(atom)``."""
    return f"{symbol}(atom)"


def bulk_name(symbol: str, scale: float = 1.0) -> str:
    """Return what the bulk of a metal at a volume is called: ``Fe(bulk 0.96)``."""
    return f"{symbol}(bulk {scale:.2f})"


def bulk_names(symbol: str) -> dict[float, str]:
    """Return the names of the bulk at all volumes of an equation of state, by :data:`SCALES`."""
    return {scale: bulk_name(symbol, scale) for scale in SCALES}


def free_metal(name: str) -> tuple[str, Atoms, int | None] | None:
    """Return the free atom or the bulk that a name means, ``Fe(atom)``, ``Fe(bulk 0.96)``; None if it means neither.

    ``Fe(bulk)`` is the bulk at its experimental volume.

    Returns
    -------
    tuple of str, ase.Atoms, int or None
        Its whole name; its atoms, of a bulk the cell with moments to start from; 2S + 1 of an atom, None of a bulk.

    Raises
    ------
    InputError
        If no data of the metal are known, its bulk is not calculated, or the volume is not 0.5 to 2 times that of the
        experiment.
    """
    found = _NAME.fullmatch(name)
    if found is None or (found[2] == "atom" and found[3]):
        return None
    symbol = found[1]
    if found[2] == "atom":
        return atom_name(symbol), Atoms(symbol), metal(symbol).multiplicity
    scale = float(found[3] or 1.0)
    if not 0.5 <= scale <= 2.0:
        raise InputError(f"scale {scale:g} of the volume of {symbol} is out of range; allowed: 0.5 to 2")
    scale = round(scale, 2)
    return bulk_name(symbol, scale), metal(symbol).crystal(scale), None


def at_experimental_volume(atoms: Atoms) -> Atoms:
    """Return the cell of a bulk metal at its experimental volume; any other atoms as they are.

    What is chosen by the size of a cell, as meshes of k-points and grids, must not jump along an equation of state.
    """
    symbol = str(atoms.symbols[0])
    known = metals().get(symbol)
    if known is None or known.no_bulk or not atoms.pbc.all() or (atoms.numbers != atoms.numbers[0]).any():
        return atoms
    crystal = known.crystal()
    if len(crystal) != len(atoms):
        return atoms
    stretch = float(math.cbrt(atoms.get_volume() / crystal.get_volume()))
    return crystal if np.allclose(crystal.cell.array * stretch, atoms.cell.array, atol=1e-4) else atoms
