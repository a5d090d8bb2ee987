"""Geometry: distances, and bond lengths as multiples of the sum of covalent radii."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.geometry import get_distances

# Bond lengths are judged as multiples of the sum of covalent radii (Cordero et al. 2008, doi 10.1039/b801115j).

#: Up to here two atoms are bonded: Zn-OH, Cu-OOH and metal hydrides stay below 1.15, hydrogen bonds begin at 1.5.
BONDED = 1.25
#: Beyond here a bond that was there is broken: peroxo O-O (1.12) and Jahn-Teller M-N (1.25) stay below it.
BROKEN = 1.35
#: Up to here an adsorbate is held weakly; beyond, metal and adsorbate are at van der Waals contact.
WEAK = 1.60
#: By how much longer than the shortest bond, in relation to the radii, that of another atom may be that binds as well.
BESIDE = 1.2
#: Å up to which two hydrogen atoms on a metal are H2: nearly all of its complexes have less (D. M. Heinekey, A. Lledós
#: and J. M. Lluch, Chem. Soc. Rev. 33 (2004) 175).
DIHYDROGEN = 1.0
#: Å by which a metal may move against its donors: an axial ligand pulls it out of an N4 plane by 0.1 to 0.6.
SHIFT = 1.2
#: Low-spin radii, Å. ASE holds the high-spin ones of these three, which would call Co-O bound up to 2.7 Å.
LOW_SPIN_RADII = {"Mn": 1.39, "Fe": 1.32, "Co": 1.26}


class Geometry:
    """Distances and relative bond lengths with the minimum image convention."""

    def __init__(self, atoms: Atoms) -> None:
        self.symbols: list[str] = list(atoms.symbols)
        self.vectors, self.distances = get_distances(atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
        radii = np.array(
            [LOW_SPIN_RADII.get(s, covalent_radii[z]) for s, z in zip(self.symbols, atoms.numbers, strict=True)]
        )
        self.ratios = self.distances / (radii[:, None] + radii[None, :])

    def name(self, i: int) -> str:
        """Return symbol and index, which counts from 0: ``N12``."""
        return f"{self.symbols[i]}{i}"

    def text(self, i: int, j: int) -> str:
        """Return a bond as a reason says it: ``Co-O 1.87 Å``."""
        return f"{self.symbols[i]}-{self.symbols[j]} {self.distances[i, j]:.2f} Å"

    def measure(self, i: int, j: int) -> dict[str, float]:
        """Return a distance by the names of its atoms: ``{"Co30-N12": 1.8812}``."""
        return {f"{self.name(i)}-{self.name(j)}": round(float(self.distances[i, j]), 4)}
