"""Phthalocyanine COF: a metal in a square layer of phthalocyanines that are linked by boronates or pyrazines."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from atomsieve.builders import axial
from atomsieve.builders.clusters.fourfold import on_diagonal
from atomsieve.builders.family import METAL, Family, Parameter, in_order, one_of, recipe, stretch
from atomsieve.builders.lattices.layers import (
    AROMATIC,
    C_H,
    Atom,
    Layer,
    hydrogens,
    onward,
    pair,
    parameters,
    settled,
    turned,
)
from atomsieve.builders.ledger import neutral
from atomsieve.structures.site import ActiveSite

#: Metal-nitrogen distance as built for cobalt, Å; others follow by their radius, and so does the lattice constant.
METAL_N: Final = 1.92
#: Bonds of the macrocycle outwards from the metal, and from Cα to the bridging nitrogen, Å.
N_CALPHA, CALPHA_CBETA, CBETA_CH, CALPHA_BRIDGE = 1.38, 1.455, 1.395, 1.325
#: Widths of the isoindole, Å: Cα...Cα, Cβ-Cβ, CH...CH.
ALPHAS, BETAS, CHS = 2.22, 1.40, 2.80
#: A benzodioxaborole, Å: CH-C, the bond between the two C, C-O, O...O, O-B, B-C.
CH_CO, CO_CO, C_O, OXYGENS, O_B, B_C = 1.38, 1.39, 1.385, 2.31, 1.39, 1.55
#: A pyrazine and the K region of the pyrene that it is fused to, Å: CH-C, the two C, C-N, N...N, N-C, the two C; then
#: the bonds of pyrene to the next carbon, to the middle of the molecule, and between the two carbons there.
CH_CN, CN_CN, C_N, NITROGENS, N_K, K_K = 1.41, 1.44, 1.345, 2.82, 1.33, 1.44
K_C3A, C3A_C10B, C10B_C10C, C3AS = 1.45, 1.42, 1.42, 2.84
_SCHEMA = 1
#: What each linker adds to the eight-fold substituted C32H8N8 of the macrocycle, two linkers a cell.
LINKERS: Final[Mapping[str, Mapping[str, int]]] = MappingProxyType(
    {
        "PBBA": MappingProxyType({"O": 8, "B": 4, "C": 12, "H": 8}),
        "pz": MappingProxyType({"N": 8, "C": 32, "H": 12}),
    }
)
_SOURCE = (
    "macrocycle: J. F. Kirner, W. Dow, W. R. Scheidt, Inorg. Chem. 15 (1976) 1685; usual bonds of boronates, pyrazines "
    "and pyrenes; topology of the boronate: X. Ding et al., doi 10.1039/c2cc33929c"
)
_REMARKS = {
    "PBBA": "one layer of a stacked COF",
    "pz": "one layer of a stacked COF, tert-butyl groups of the pyrenes replaced by hydrogen",
}


def _isoindole(metal: str) -> tuple[list[Atom], float]:
    """Return a quarter of the macrocycle along x, the bridge after it included, and where its CH are."""
    nitrogen = METAL_N + stretch(metal)
    alpha = onward(nitrogen, N_CALPHA, 0.0, ALPHAS)
    beta = onward(alpha, CALPHA_CBETA, ALPHAS, BETAS)
    ch = onward(beta, CBETA_CH, BETAS, CHS)
    bridge = on_diagonal(alpha, ALPHAS / 2, CALPHA_BRIDGE)
    atoms: list[Atom] = [("N", (nitrogen, 0.0, 0.0)), ("N", (bridge, bridge, 0.0))]
    return [*atoms, *pair("C", alpha, ALPHAS), *pair("C", beta, BETAS), *pair("C", ch, CHS)], ch


def _boronate(ch: float) -> tuple[list[Atom], float]:
    """Return the arm from its CH to the middle of the benzenediboronate, and where the middle is."""
    carbon = onward(ch, CH_CO, CHS, CO_CO)
    oxygen = onward(carbon, C_O, CO_CO, OXYGENS)
    boron = onward(oxygen, O_B, OXYGENS, 0.0)
    ipso = boron + B_C
    ortho, width = ipso + AROMATIC / 2, AROMATIC * math.sqrt(3)
    atoms: list[Atom] = [("B", (boron, 0.0, 0.0)), ("C", (ipso, 0.0, 0.0))]
    atoms += [*pair("C", carbon, CO_CO), *pair("O", oxygen, OXYGENS), *pair("C", ortho, width)]
    atoms += hydrogens(C_H, (ortho, width / 2), (ipso, 0.0), (ortho + AROMATIC, width / 2))
    atoms += hydrogens(C_H, (ch, CHS / 2), (carbon, CO_CO / 2), (ch - CBETA_CH / 2, BETAS / 2))
    return atoms, ipso + AROMATIC


def _pyrazine(ch: float) -> tuple[list[Atom], float]:
    """Return the arm from its CH to the middle of the pyrene, and where the middle is."""
    carbon = onward(ch, CH_CN, CHS, CN_CN)
    nitrogen = onward(carbon, C_N, CN_CN, NITROGENS)
    corner = onward(nitrogen, N_K, NITROGENS, K_K)
    c3a = onward(corner, K_C3A, K_K, C3AS)
    middle = onward(c3a, C3A_C10B, C3AS, C10B_C10C)
    # the ring at the end of the long axis, which runs across the arm: C3 beside it and C2 on it
    c3, c3_height = c3a + 0.02, C3AS / 2 + AROMATIC
    c2_height = c3_height + math.sqrt(AROMATIC**2 - (middle - c3) ** 2)
    atoms = [*pair("C", carbon, CN_CN), *pair("N", nitrogen, NITROGENS), *pair("C", corner, K_K)]
    atoms += [*pair("C", c3a, C3AS), *pair("C", c3, 2 * c3_height)]
    atoms += hydrogens(C_H, (c3, c3_height), (c3a, C3AS / 2), (middle, c2_height))
    atoms += hydrogens(C_H, (ch, CHS / 2), (carbon, CN_CN / 2), (ch - CBETA_CH / 2, BETAS / 2))
    # of what lies on the long axis the arm from the other side brings the other half
    atoms += [("C", (middle, y, 0.0)) for y in (C10B_C10C / 2, c2_height)]
    return [*atoms, ("H", (middle, c2_height + C_H, 0.0))], middle


def _arm(linker: str, metal: str) -> tuple[list[Atom], float]:
    """Return a quarter of the layer without its metal, and half the lattice constant."""
    atoms, ch = _isoindole(metal)
    more, middle = (_boronate if linker == "PBBA" else _pyrazine)(ch)
    return [*atoms, *more], middle


def lattice_constant(linker: str, metal: str) -> float:
    """Return the lattice constant that the bond lengths of a layer make, Å."""
    return 2 * _arm(linker, metal)[1]


def settle(values: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Write out the lattice constant."""
    return (settled(values, lattice_constant(values["linker"], values["metals"][0])),)


def build(values: Mapping[str, Any]) -> ActiveSite:
    """Build one layer of a phthalocyanine COF: planar, square (p4mm in the plane), one metal a cell.

    Parameters
    ----------
    values : mapping
        Every parameter, settled.
    """
    (metal,), linker = values["metals"], values["linker"]
    arm, middle = _arm(linker, metal)
    atoms = [atom for quarter in range(4) for atom in turned(arm, 90 * quarter)]
    return Layer([*atoms, (metal, (0.0, 0.0, 0.0))], 2 * middle, 90).site(
        values,
        f"{metal}Pc-{linker}-COF",
        recipe("phthalocyanine-cof", _SCHEMA, values, tuple(FAMILY.parameters)),
        neutral(metal, "phthalocyanine2-", -2, {}, values["axial"]),
        _SOURCE,
        _REMARKS[linker],
    )


def formula(values: Mapping[str, Any]) -> Counter[str]:
    """Return what a recipe must come to, number of atoms by element."""
    layer = Counter({"C": 32, "H": 8, "N": 8}) + Counter(LINKERS[values["linker"]])
    return layer + Counter(values["metals"]) + axial.composition(values["axial"])


FAMILY: Final = Family(
    name="phthalocyanine-cof",
    title="a metal in a layer of a phthalocyanine COF",
    parameters=in_order(
        METAL,
        Parameter(
            "linker",
            "what joins the macrocycles: benzenediboronate, or pyrazine fused to pyrene",
            "PBBA",
            ", ".join(LINKERS),
            one_of(*LINKERS, what="linker"),
        ),
        *parameters(),
    ),
    build=build,
    formula=formula,
    shells=MappingProxyType({"N": (1.83, 2.12)}),
    settle=settle,
    examples=({"metals": "Co"}, {"metals": "Zn", "linker": "pz"}, {"metals": "Fe", "linker": "pz", "axial": "OH"}),
    schema=_SCHEMA,
)
