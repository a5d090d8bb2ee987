"""Bis-chelate: a metal between two linkers of a two-dimensional conductive framework, as a molecule."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from ase import Atoms

from atomsieve.builders import axial
from atomsieve.builders.clusters.ligands import growth
from atomsieve.builders.family import METAL, Family, in_order, recipe
from atomsieve.builders.ledger import neutral
from atomsieve.builders.vectors import Array, away
from atomsieve.structures.site import ActiveSite

#: Å; C-H, N-H, the C-C of benzene, and the C-C that the chelate ring shares with it.
C_H: Final = 1.08
N_H: Final = 1.01
C_C: Final = 1.39
C_C_SHARED: Final = 1.43

_SCHEMA = 1
_ORDER = ("metals", "axial")


@dataclass(frozen=True)
class Linker:
    """A benzene ring with two neighbouring donors, Å.

    Parameters
    ----------
    title : str
        What the complex is.
    ion : str
        Two of them, once oxidised, as a ledger says it.
    donor : str
        Element.
    metal_donor : float
        Distance of cobalt.
    shell : (float, float)
        Shortest and longest distance.
    donor_carbon, donor_donor : float
        Bond length, and the bite.
    source : str
        Of the numbers.
    """

    title: str
    ion: str
    donor: str
    metal_donor: float
    shell: tuple[float, float]
    donor_carbon: float
    donor_donor: float
    source: str


_LINKERS: Final[Mapping[str, Linker]] = MappingProxyType(
    {
        "catecholate": Linker(
            "a metal bis(catecholate), the MO4 unit of M3(HHTP)2",
            "2 semiquinonate-",
            "O",
            1.86,
            (1.80, 2.05),
            1.31,
            2.62,
            "M3(HHTP)2 frameworks, Cu-O 1.90 to 1.96 Å, rounded; other metals follow their size",
        ),
        "diimine": Linker(
            "a metal bis(diimine), the MN4 unit of M3(HITP)2",
            "2 diiminosemiquinonate-",
            "N",
            1.835,
            (1.78, 2.00),
            1.35,
            2.46,
            "Ni3(HITP)2, Ni-N 1.82 to 1.86 Å, rounded; other metals follow their size",
        ),
        "dithiolene": Linker(
            "a metal bis(benzenedithiolate), the MS4 unit of dithiolene frameworks",
            "2 dithiosemiquinonate-",
            "S",
            2.16,
            (2.10, 2.35),
            1.73,
            3.08,
            "square planar bis(benzenedithiolates) of Co and Ni, M-S 2.13 to 2.18 Å, rounded",
        ),
    }
)


def _half(linker: Linker, length: float) -> tuple[list[str], Array, list[tuple[int, int]]]:
    """Return the linker on the side of +x of a metal at the origin; its donors come last."""
    mirror = np.array([1.0, -1.0])
    bite, shared = linker.donor_donor / 2, C_C_SHARED / 2
    donor = np.array([math.sqrt(length**2 - bite**2), bite])
    alpha = np.array([donor[0] + math.sqrt(linker.donor_carbon**2 - (bite - shared) ** 2), shared])
    beta = alpha + C_C * np.array([math.sqrt(3) / 2, 0.5])
    gamma = np.array([beta[0] + math.sqrt(C_C**2 - (beta[1] - C_C / 2) ** 2), C_C / 2])

    rows = [alpha, beta, gamma, away(C_H, beta, alpha, gamma), away(C_H, gamma, beta, gamma * mirror)]
    symbols = ["C", "C", "C", "H", "H"]
    pairs = [(0, 1), (1, 2), (1, 3), (2, 4)]
    if linker.donor == "N":
        rows.append(away(N_H, donor, alpha, np.zeros(2)))
        symbols.append("H")
    rows.append(donor)
    symbols.append(linker.donor)
    last, number = len(rows) - 1, len(rows)
    pairs += [(0, last)] + ([(last - 1, last)] if linker.donor == "N" else [])
    bonds = pairs + [(number + i, number + j) for i, j in pairs] + [(0, number), (2, number + 2)]
    return symbols * 2, np.array([*rows, *(row * mirror for row in rows)]), bonds


def build(name: str, values: Mapping[str, Any]) -> ActiveSite:
    """Build a metal between two linkers: planar (D2h), centred on its metal, neutral, in no cell.

    The linkers are in the oxidation state that they have in the neutral layers of the frameworks, each one electron
    short of the dianion, so that the metal is M(II).

    Parameters
    ----------
    name : str
        The linker.
    values : mapping
        ``metals`` and ``axial``.

    Returns
    -------
    ActiveSite
        Carbon, hydrogen, the donors, the metal, then the axial ligand.
    """
    (metal,) = values["metals"]
    linker = _LINKERS[name]
    symbols, flat, bonds = _half(linker, linker.metal_donor + growth(metal))
    number = len(symbols)
    symbols, flat = symbols * 2, np.vstack([flat, flat * np.array([-1.0, 1.0])])
    bonds += [(number + i, number + j) for i, j in bonds]
    order = sorted(range(len(symbols)), key=lambda atom: ("C", "H", linker.donor).index(symbols[atom]))
    place = {atom: position for position, atom in enumerate(order)}
    centre, donors = len(symbols), tuple(range(len(symbols) - 4, len(symbols)))
    renamed = [(min(place[i], place[j]), max(place[i], place[j])) for i, j in bonds]
    positions = np.zeros((centre + 1, 3))
    positions[:-1, :2] = flat[order]
    site = ActiveSite(
        label=f"{metal}-bis({name}){axial.suffix(values['axial'])}",
        recipe=recipe(name, _SCHEMA, values, _ORDER),
        atoms=Atoms([*(symbols[atom] for atom in order), metal], positions),
        kind="cluster",
        metals=(centre,),
        # around the metal: two of one linker, two of the other
        donors=((donors[0], donors[1], donors[3], donors[2]),),
        bonds=tuple(sorted(renamed + [(donor, centre) for donor in donors])),
        ledger=neutral(metal, linker.ion, -2, {}, values["axial"]),
        provenance={
            "source": linker.source,
            "remarks": "neutral: both linkers are semiquinonates, as in the neutral layers of the frameworks",
        },
    )
    return axial.attach(site, values["axial"])


def formula(name: str, values: Mapping[str, Any]) -> Counter[str]:
    """Return what a recipe must come to, number of atoms by element."""
    donors = {"catecholate": {"O": 4}, "diimine": {"N": 4, "H": 4}, "dithiolene": {"S": 4}}[name]
    rings = Counter({"C": 12, "H": 8})
    return rings + Counter(donors) + Counter(values["metals"]) + axial.composition(values["axial"])


def _family(name: str, example: str) -> Family:
    linker = _LINKERS[name]
    return Family(
        name=name,
        title=linker.title,
        parameters=in_order(
            METAL,
            axial.parameter(),
        ),
        build=partial(build, name),
        formula=partial(formula, name),
        shells=MappingProxyType({linker.donor: linker.shell}),
        examples=({"metals": example}, {"metals": "Co", "axial": "H2O"}),
        schema=_SCHEMA,
        inseparable="without its metal it is two linkers that nothing holds together; a layer of conductive-mof keeps "
        "them in place",
    )


FAMILIES: Final = (_family("catecholate", "Cu"), _family("diimine", "Ni"), _family("dithiolene", "Ni"))
