"""Guest: a complex that is put into the pore of a framework."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from atomsieve.builders.bonding import METALS
from atomsieve.builders.families import macrocycles
from atomsieve.builders.family import TRANSITION_METALS
from atomsieve.builders.files.parents import normal_of, parent
from atomsieve.builders.vectors import Array
from atomsieve.structures.errors import InputError

#: M-O in M(acac)3, Å, averages over crystal structures, rounded: Fe 1.99 (J. Iball and C. H. Morgan, Acta Cryst. 23
#: (1967) 239), Cr 1.95 (B. Morosin, doi 10.1107/S0365110X65002876), the others alike; Mn is distorted, a mean.
ACAC: Final[Mapping[str, float]] = MappingProxyType(
    {"Sc": 2.07, "Ti": 2.01, "V": 1.98, "Cr": 1.95, "Mn": 1.99, "Fe": 1.99, "Co": 1.89}
    | {"Mo": 2.07, "Ru": 2.00, "Rh": 1.99, "Ir": 2.01}
)
#: M-C in M(C5H5)2, Å, electron diffraction of the vapours (A. Haaland, Acc. Chem. Res. 12 (1979) 415); Ru and Os from
#: crystals, rounded.
METALLOCENES: Final[Mapping[str, float]] = MappingProxyType(
    {"V": 2.28, "Cr": 2.17, "Mn": 2.38, "Fe": 2.06, "Co": 2.12, "Ni": 2.20, "Ru": 2.19, "Os": 2.20}
)
# 2S + 1 of the free complexes: of M3+ in a weak field but for Co and the heavy ones; of the metallocenes as measured.
_ACAC_SPIN = {"Sc": 1, "Ti": 2, "V": 3, "Cr": 4, "Mn": 5, "Fe": 6, "Co": 1, "Mo": 4, "Ru": 2, "Rh": 1, "Ir": 1}
_METALLOCENE_SPIN = {"V": 4, "Cr": 3, "Mn": 6, "Fe": 1, "Co": 2, "Ni": 3, "Ru": 1, "Os": 1}
# O...O of a ligand, its bonds, and the half angle at its middle carbon, Å and degrees, as in the crystals of Fe and Cr;
# the tilt of a ligand against the threefold axis in a regular octahedron.
_BITE, _C_O, _C_C, _C_METHYL, _C_H, _HALF = 2.78, 1.275, 1.39, 1.50, 1.09, 62.0
_TILT = math.atan(math.sqrt(0.5))
_RING = 1.43


@dataclass(frozen=True, eq=False)
class Guest:
    """A molecule with its metals.

    Parameters
    ----------
    title : str
        What a chemist calls it.
    symbols : tuple of str
        Chemical symbols.
    positions : ndarray of float, shape (n, 3)
        Å.
    bonds : tuple of pair of int
        All bonds.
    metals : tuple of int
        Its metals.
    donors : tuple of tuple of int
        Of each metal.
    normal : tuple of float
        Unit vector across the plane of the donors, or along the axis of the complex.
    ledger : mapping of str to int
        Formal charges, part by part; empty where nothing is stated.
    multiplicity : int or None
        2S + 1 where it is known.
    source : str
        Where its geometry is from.
    """

    title: str
    symbols: tuple[str, ...]
    positions: Array
    bonds: tuple[tuple[int, int], ...]
    metals: tuple[int, ...]
    donors: tuple[tuple[int, ...], ...]
    normal: tuple[float, float, float]
    ledger: Mapping[str, int] = field(default_factory=dict)
    multiplicity: int | None = None
    source: str = ""


def _methyl(carbon: Array, before: Array, towards: Array) -> list[Array]:
    """Return the hydrogens of a methyl, one of them in the plane of three points, on the side of the third."""
    axis = (carbon - before) / np.linalg.norm(carbon - before)
    side = towards - before
    side = side - (side @ axis) * axis
    side /= np.linalg.norm(side)
    third = np.cross(axis, side)
    out, along = _C_H * math.sin(math.radians(109.47)), -_C_H * math.cos(math.radians(109.47))
    turns = [2 * math.pi * k / 3 for k in range(3)]
    return [carbon + along * axis + out * (math.cos(t) * side + math.sin(t) * third) for t in turns]


def _acetylacetonate(metal: str) -> Guest:
    """Return a tris-chelate (D3, the Δ or Λ form that the sign of the tilt gives; its mirror image fits alike)."""
    length = ACAC[metal]
    oxygen = np.array([math.sqrt(length**2 - (_BITE / 2) ** 2), _BITE / 2, 0.0])
    half = math.radians(_HALF)
    y = _C_C * math.sin(half)
    carbon = np.array([oxygen[0] + math.sqrt(_C_O**2 - (oxygen[1] - y) ** 2), y, 0.0])
    middle = np.array([carbon[0] + _C_C * math.cos(half), 0.0, 0.0])
    inward = (oxygen - carbon) / np.linalg.norm(oxygen - carbon) + (middle - carbon) / np.linalg.norm(middle - carbon)
    methyl = carbon - _C_METHYL * inward / np.linalg.norm(inward)
    side = [oxygen, carbon, methyl, *_methyl(methyl, carbon, oxygen)]
    mirror = np.array([1.0, -1.0, 1.0])
    ligand = np.array([*side, *(point * mirror for point in side), middle, middle + np.array([1.08, 0.0, 0.0])])
    symbols = ["O", "C", "C", "H", "H", "H"] * 2 + ["C", "H"]
    pairs = [(0, 1), (1, 2), (2, 3), (2, 4), (2, 5), (1, 12)]
    pairs += [(6, 7), (7, 8), (8, 9), (8, 10), (8, 11), (7, 12), (12, 13)]

    positions, bonds = [np.zeros(3)], []
    for k in range(3):
        turn = 2 * math.pi * k / 3
        x = np.array([math.cos(turn), math.sin(turn), 0.0])
        across = np.array([-math.sin(turn), math.cos(turn), 0.0])
        up = math.cos(_TILT) * np.array([0.0, 0.0, 1.0]) + math.sin(_TILT) * across
        axes, start = np.array([x, up, np.cross(x, up)]), 1 + 14 * k
        positions += list(ligand @ axes)
        bonds += [(start + i, start + j) for i, j in pairs] + [(0, start), (0, start + 6)]
    return Guest(
        title=f"{metal}(acac)3",
        symbols=(metal, *symbols * 3),
        positions=np.array(positions),
        bonds=tuple(sorted(bonds)),
        metals=(0,),
        donors=(tuple(sorted(j for i, j in bonds if i == 0)),),
        normal=(0.0, 0.0, 1.0),
        ledger={f"{metal}3+": 3, "3 acac-": -3},
        multiplicity=_ACAC_SPIN[metal],
        source="bond lengths of crystals of M(acac)3, J. Iball and C. H. Morgan, Acta Cryst. 23 (1967) 239",
    )


def _metallocene(metal: str) -> Guest:
    """Return a metallocene with eclipsed rings (D5h), as ferrocene is in the gas."""
    radius = _RING / (2 * math.sin(math.pi / 5))
    height = math.sqrt(METALLOCENES[metal] ** 2 - radius**2)
    rows, bonds = [np.zeros(3)], []
    for side in (1.0, -1.0):
        start = len(rows)
        angles = [2 * math.pi * k / 5 for k in range(5)]
        rows += [np.array([radius * math.cos(t), radius * math.sin(t), side * height]) for t in angles]
        out = radius + 1.08
        rows += [np.array([out * math.cos(t), out * math.sin(t), side * height]) for t in angles]
        for k in range(5):
            bonds += [(0, start + k), (start + k, start + 5 + k)]
            bonds.append((min(start + k, start + (k + 1) % 5), max(start + k, start + (k + 1) % 5)))
    return Guest(
        title=f"{metal}(Cp)2",
        symbols=(metal, *(["C"] * 5 + ["H"] * 5) * 2),
        positions=np.array(rows),
        bonds=tuple(sorted(bonds)),
        metals=(0,),
        donors=((*range(1, 6), *range(11, 16)),),
        normal=(0.0, 0.0, 1.0),
        ledger={f"{metal}2+": 2, "2 Cp-": -2},
        multiplicity=_METALLOCENE_SPIN[metal],
        source="electron diffraction of metallocenes, A. Haaland, Acc. Chem. Res. 12 (1979) 415",
    )


def _phthalocyanine(metal: str) -> Guest:
    """Return the molecule that the family of phthalocyanines builds."""
    site = macrocycles.build("phthalocyanine", {"metals": [metal], "axial": "none"})
    return Guest(
        title=site.label,
        symbols=tuple(site.atoms.symbols),
        positions=site.atoms.positions,
        bonds=site.bonds,
        metals=site.metals,
        donors=site.donors,
        normal=site.normal,
        ledger=site.ledger,
        source=str(site.provenance["source"]),
    )


@dataclass(frozen=True)
class Kind:
    """A guest by name: what it is made of besides its metal, which metals it is known of, and how it is made."""

    composition: Counter[str]
    metals: tuple[str, ...]
    make: Callable[[str], Guest]


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "M(acac)3": Kind(Counter({"C": 15, "H": 21, "O": 6}), tuple(ACAC), _acetylacetonate),
        "metallocene": Kind(Counter({"C": 10, "H": 10}), tuple(METALLOCENES), _metallocene),
        "phthalocyanine": Kind(Counter({"C": 32, "H": 16, "N": 8}), TRANSITION_METALS[3:], _phthalocyanine),
    }
)


def guest(what: str | Mapping[str, Any], metals: list[str]) -> Guest:
    """Return a guest with its metals.

    Parameters
    ----------
    what : str or mapping
        One of :data:`KINDS`, or a molecule as :func:`atomsieve.builders.files.reading.parse` gives it.
    metals : list of str
        Their symbols, in the order of the molecule's own.

    Raises
    ------
    InputError
        If the guest is not known of this metal, or what was given is no molecule with metals.
    """
    if isinstance(what, str):
        kind = KINDS[what]
        if len(metals) != 1 or metals[0] not in kind.metals:
            raise InputError(f"{'-'.join(metals)} forms no stable {what}; allowed: {', '.join(kind.metals)}")
        return kind.make(metals[0])
    of = parent(what)
    sites = own_metals(what)
    if len(sites) != len(metals) or not set(metals) <= set(METALS):
        raise InputError(f"{of.name} has {len(sites)} metals, but {'-'.join(metals)} were given")
    symbols = list(of.atoms.symbols)
    for site, symbol in zip(sites, metals, strict=True):
        symbols[site] = symbol
    return Guest(
        title=f"{''.join(metals)}-{of.name}" if list(of.atoms.symbols) != symbols else of.name,
        symbols=tuple(symbols),
        positions=of.atoms.positions - of.atoms.positions.mean(axis=0),
        bonds=of.graph.bonds,
        metals=sites,
        donors=tuple(of.graph.donors(site) for site in sites),
        normal=normal_of(of, sites),
        source=f"{of.name}, as a person gave it",
    )


def own_metals(what: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the metals of a molecule that a person gave.

    Raises
    ------
    InputError
        If it is periodic, or has no metal or over three.
    """
    of = parent(what)
    if of.kind != "cluster":
        raise InputError(f"{of.name} is periodic; write the file of a molecule, as XYZ or in a box with 8 Å around it")
    if not 1 <= len(of.metals) <= 3:
        raise InputError(f"{of.name} has {len(of.metals)} metals with donors; a guest has one to three")
    return of.metals
