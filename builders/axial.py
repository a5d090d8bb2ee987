"""Axial ligand: what a metal carries on the face that its adsorbates do not use."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii

from atomsieve.builders.cells import to_nearest_image
from atomsieve.builders.family import Parameter, one_of
from atomsieve.builders.vectors import Array, across
from atomsieve.structures.errors import ParameterError
from atomsieve.structures.site import ActiveSite


@dataclass(frozen=True)
class Ligand:
    """A ligand as it stands on a metal: the binding atom at the origin, the rest away from the metal (+z).

    Parameters
    ----------
    symbols : tuple of str
        The binding atom comes first.
    positions : tuple of (x, y, z)
        Å.
    bonds : tuple of pair of int
        Bonds within the ligand.
    length : float
        Its bond to iron as built, Å; other metals follow by their radius.
    charge : int
        Its formal charge beside the metal, e.
    """

    symbols: tuple[str, ...]
    positions: tuple[tuple[float, float, float], ...]
    bonds: tuple[tuple[int, int], ...]
    length: float
    charge: int = 0

    @property
    def composition(self) -> Counter[str]:
        """Number of atoms by element."""
        return Counter(self.symbols)


def _ring() -> Ligand:
    """Return imidazole, bound by the nitrogen that carries no hydrogen (planar, angles of the free molecule)."""
    # N3, C2, N1, C5, C4, then H on C2, N1, C5, C4; bond lengths of the gas-phase molecule
    symbols = ("N", "C", "N", "C", "C", "H", "H", "H", "H")
    heavy = np.array([[0.0, 0.0], [-1.076, 0.763], [-0.737, 2.065], [0.623, 2.130], [1.127, 0.845]])
    centre = heavy.mean(axis=0)

    def outward(atom: int, length: float) -> Array:
        direction = heavy[atom] - centre
        return np.asarray(heavy[atom] + length * direction / np.linalg.norm(direction))

    flat = [*heavy, outward(1, 1.08), outward(2, 1.01), outward(3, 1.08), outward(4, 1.08)]
    bonds = ((0, 1), (0, 4), (1, 2), (1, 5), (2, 3), (2, 6), (3, 4), (3, 7), (4, 8))
    return Ligand(symbols, tuple((float(x), 0.0, float(z)) for x, z in flat), bonds, 2.05)


def _tripod(binding: str, other: str, length: float, angle: float, bond: float, number: int = 3) -> Ligand:
    """Return a binding atom with others around it at an angle from the metal's axis, in degrees."""
    tilt = math.radians(180.0 - angle)
    spots = [
        (
            length * math.sin(tilt) * math.cos(2 * math.pi * k / number),
            length * math.sin(tilt) * math.sin(2 * math.pi * k / number),
            length * math.cos(tilt),
        )
        for k in range(number)
    ]
    return Ligand(
        (binding, *[other] * number), ((0.0, 0.0, 0.0), *spots), tuple((0, k + 1) for k in range(number)), bond
    )


#: Ligands by name. Bonds to iron: oxo 1.64 and hydroxo 1.84 as in ferryl and ferric porphyrins, the others from
#: six-coordinate iron porphyrins, rounded, that of a hydride the sum of the covalent radii (doi 10.1039/b801115j);
#: start geometries only.
LIGANDS: Final[Mapping[str, Ligand]] = MappingProxyType(
    {
        "O": Ligand(("O",), ((0.0, 0.0, 0.0),), (), 1.65, -2),
        "OH": Ligand(("O", "H"), ((0.0, 0.0, 0.0), (0.92, 0.0, 0.31)), ((0, 1),), 1.84, -1),
        "H2O": _tripod("O", "H", 0.97, 127.5, 2.10, 2),
        "H": Ligand(("H",), ((0.0, 0.0, 0.0),), (), 1.63, -1),
        "F": Ligand(("F",), ((0.0, 0.0, 0.0),), (), 1.80, -1),
        "Cl": Ligand(("Cl",), ((0.0, 0.0, 0.0),), (), 2.22, -1),
        "Br": Ligand(("Br",), ((0.0, 0.0, 0.0),), (), 2.36, -1),
        "CN": Ligand(("C", "N"), ((0.0, 0.0, 0.0), (0.0, 0.0, 1.16)), ((0, 1),), 1.93, -1),
        "CO": Ligand(("C", "O"), ((0.0, 0.0, 0.0), (0.0, 0.0, 1.15)), ((0, 1),), 1.77),
        "NH3": _tripod("N", "H", 1.02, 112.0, 2.05),
        "imidazole": _ring(),
    }
)
#: What the parameter says where there is no ligand.
NONE: Final = "none"


def parameter(*, without: tuple[str, ...] = ()) -> Parameter:
    """Return the parameter ``axial`` of the families whose metals can carry a ligand.

    Parameters
    ----------
    without : tuple of str
        Ligands for which there is no room.
    """
    names = [name for name in LIGANDS if name not in without]
    return Parameter(
        "axial",
        "ligand on the far face",
        NONE,
        f"{NONE}, {', '.join(names)}",
        one_of(NONE, *names, what="axial ligand"),
    )


def composition(name: str, number: int = 1) -> Counter[str]:
    """Return the atoms that a number of ligands bring, by element; nothing for ``none``."""
    if name == NONE:
        return Counter()
    return Counter({symbol: number * count for symbol, count in LIGANDS[name].composition.items()})


def suffix(name: str) -> str:
    """Return what a label says of a ligand: ``-OH``; nothing for ``none``."""
    return "" if name == NONE else f"-{name}"


def attach(site: ActiveSite, name: str) -> ActiveSite:
    """Put a ligand on every metal of a site, against the site's normal.

    The atoms of the ligands come after those of the site. Each ligand is turned about its bond until its atoms are as
    far as they can be from all else.

    Parameters
    ----------
    site : ActiveSite
        As built. The metals stand in or near the plane of their donors.
    name : str
        One of :data:`LIGANDS`, or ``none``, which changes nothing.

    Raises
    ------
    ParameterError
        If no turn of the ligand fits.
    """
    if name == NONE:
        return site
    ligand, atoms = LIGANDS[name], site.atoms.copy()
    bonds, axial = list(site.bonds), []
    down = -np.array(site.normal)
    axes = np.array([*across(down), down])
    for metal in site.metals:
        excess = covalent_radii[atoms.numbers[metal]] - covalent_radii[atomic_numbers["Fe"]]
        height = ligand.length + 0.5 * float(excess)
        best, room = None, 0.0
        for turn in np.radians(np.arange(0.0, 180.0 if name == "imidazole" else 360.0, 15.0)):
            spots = _turned(ligand, float(turn), height) @ axes + atoms.positions[metal]
            nearest = _room(atoms, metal, ligand, spots)
            if nearest > room + 1e-6:
                best, room = spots, nearest
        if best is None or room < 1.0:
            raise ParameterError("axial", f"{name} does not fit on {atoms.symbols[metal]} in {site.label}; use none")
        start = len(atoms)
        atoms += Atoms(ligand.symbols, best)
        bonds += [(start + i, start + j) for i, j in ligand.bonds] + [(metal, start)]
        axial.append((start,))
    return replace(site, atoms=atoms, bonds=tuple(sorted((min(b), max(b)) for b in bonds)), axial=tuple(axial))


def _turned(ligand: Ligand, angle: float, height: float) -> Array:
    x, y, z = np.array(ligand.positions).T
    return np.column_stack(
        [x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle), z + height]
    )


def _room(atoms: Atoms, metal: int, ligand: Ligand, spots: Array) -> float:
    """Return the shortest distance of the ligand from all but its metal, as a share of the covalent contact."""
    vectors = to_nearest_image(spots[:, None] - atoms.positions[None], atoms)
    own = np.array([covalent_radii[atomic_numbers[symbol]] for symbol in ligand.symbols])
    shares = np.linalg.norm(vectors, axis=-1) / (own[:, None] + covalent_radii[atoms.numbers])
    shares[0, metal] = np.inf
    return float(shares.min())
