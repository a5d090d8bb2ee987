"""Conductive MOF: a layer of M3(HITP)2 or M3(HHTP)2, metals between triphenylenes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from atomsieve.builders import axial
from atomsieve.builders.family import METAL, Family, Parameter, excess, in_order, one_of, parse_metal, recipe
from atomsieve.builders.lattices.layers import (
    C_H,
    N_H,
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
from atomsieve.structures.errors import InputError
from atomsieve.structures.site import ActiveSite

#: Bonds of the triphenylene core, Å: of the inner ring within and between the benzo rings, then outwards along a benzo
#: ring (doi 10.1107/S0365110X63001365, rounded).
FUSED, LINKING, INNER_C_CH, CH_CX = 1.42, 1.46, 1.40, 1.40
#: The bond between the carbons of a chelate, Å: between that of a catechol and that of a quinone, as in semiquinonates.
CX_CX: Final = 1.43
_SCHEMA = 1
_SAME = "same"
_SOURCE = (
    "triphenylene: F. R. Ahmed, J. Trotter, doi 10.1107/S0365110X63001365; chelate rings: D. Herebian et al., J. Am. "
    "Chem. Soc. 125 (2003) 9116 (diiminosemiquinonates), S. N. Brown, doi 10.1021/ic202764j (semiquinonates)"
)


@dataclass(frozen=True)
class Ligand:
    """How a triphenylene holds its metals.

    Parameters
    ----------
    donor : {"N", "O"}
        The atom on the metal.
    formula : mapping of str to int
        Atoms of one ligand.
    bond : float
        From carbon to the donor, Å.
    bite : float
        Between the donors of a chelate, Å.
    metal : float
        From Co to a donor, Å; other metals follow by their radius.
    """

    donor: str
    formula: Mapping[str, int]
    bond: float
    bite: float
    metal: float


#: Each ligand has lost six protons and three electrons and is 3-: a tris(semiquinonate), a radical for each chelate.
LIGANDS: Final[Mapping[str, Ligand]] = MappingProxyType(
    {
        "HITP": Ligand("N", MappingProxyType({"C": 18, "H": 12, "N": 6}), 1.35, 2.53, 1.84),
        "HHTP": Ligand("O", MappingProxyType({"C": 18, "H": 6, "O": 6}), 1.30, 2.62, 1.88),
    }
)


def metal_donor(ligand: str, metal: str) -> float:
    """Return the length of a metal's bonds in a layer of its own, Å.

    The lattice gives way, so most of the difference of the covalent radii is seen; filled d shells keep the donors of a
    plane farther off (in porphyrins Zn-N is 0.1 Å longer than Ni-N, and the radii are alike).

    Parameters
    ----------
    ligand : {"HITP", "HHTP"}
    metal : str
        Chemical symbol.
    """
    return LIGANDS[ligand].metal + 0.8 * excess(metal) + (0.10 if metal in ("Zn", "Cd", "Hg") else 0.0)


def _arm(ligand: str, metal: str) -> tuple[list[Atom], list[Atom], float]:
    """Return a third of a ligand, its centre at the origin, and where on the x axis its metal stands.

    The donors, and the hydrogens on them, come apart from the rest.
    """
    kind = LIGANDS[ligand]
    inner = (FUSED + 2 * LINKING) / (2 * math.sqrt(3))
    outer = FUSED + INNER_C_CH
    ch = onward(inner, INNER_C_CH, FUSED, outer)
    cx = onward(ch, CH_CX, outer, CX_CX)
    donor = onward(cx, kind.bond, CX_CX, kind.bite)
    place = onward(donor, metal_donor(ligand, metal), kind.bite, 0.0)
    core = [*pair("C", inner, FUSED), *pair("C", ch, outer), *pair("C", cx, CX_CX)]
    core += hydrogens(C_H, (ch, outer / 2), (inner, FUSED / 2), (cx, CX_CX / 2))
    head = pair(kind.donor, donor, kind.bite)
    if kind.donor == "N":
        head += hydrogens(N_H, (donor, kind.bite / 2), (cx, CX_CX / 2), (place, 0.0))
    return core, head, place


def lattice_constant(ligand: str, node: str) -> float:
    """Return the lattice constant that the bond lengths of a layer make, Å."""
    return 2 * math.sqrt(3) * _arm(ligand, node)[2]


def _layer(ligand: str, node: str, metal: str) -> Layer:
    """Return the cell: two ligands, two nodes, and the metal at the origin between its two ligands.

    The donors of a guest are moved half way to the length that it has in a layer of its own.
    """
    core, head, place = _arm(ligand, node)
    _, (x, y, _) = head[0]
    change = (metal_donor(ligand, metal) / metal_donor(ligand, node) - 1) / 2
    moved = [(symbol, (p[0] + change * (x - place), p[1] + math.copysign(change * y, p[1]), 0.0)) for symbol, p in head]
    # the lattice vectors are along 0 and 120 degrees, and the arms of one ligand along -30, 90 and 210
    centre = (-place * math.cos(math.radians(30)), place * math.sin(math.radians(30)))
    half = turned([*core, *moved], -30, centre)
    nodes: list[Atom] = []
    for angle in (90, 210):
        half += turned([*core, *head], angle, centre)
        nodes += turned([(node, (place, 0.0, 0.0))], angle, centre)
    return Layer(
        [*half, *turned(half, 180), *nodes, (metal, (0.0, 0.0, 0.0))], lattice_constant(ligand, node), 120, nodes=2
    )


def _parse_node(value: Any) -> tuple[str]:
    """Read the metal of the other nodes."""
    if value == _SAME:
        return (_SAME,)
    try:
        ((symbol,),) = parse_metal(value)
    except InputError as error:
        raise InputError(f"{error}, or {_SAME}") from None
    return (str(symbol),)


def settle(values: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Write out the other nodes and the lattice constant."""
    node = values["metals"][0] if values["node"] == _SAME else values["node"]
    return (settled({**values, "node": node}, lattice_constant(values["ligand"], node)),)


def build(values: Mapping[str, Any]) -> ActiveSite:
    """Build one layer of a conductive MOF: planar, hexagonal (p6/mmm), one metal of three the site's own.

    Parameters
    ----------
    values : mapping
        Every parameter, settled.
    """
    (metal,), ligand, node = values["metals"], values["ligand"], values["node"]
    if metal == node and values["axial"] == "none":
        ledger = {f"3 {metal}2+": 6, f"2 {ligand}3-": -6}
    else:
        ledger = neutral(metal, f"2 {ligand}3-", -6, {f"2 {node}2+": 4}, values["axial"])
    return _layer(ligand, node, metal).site(
        values,
        f"{metal}@{node}3({ligand})2",
        recipe("conductive-mof", _SCHEMA, values, tuple(FAMILY.parameters)),
        ledger,
        _SOURCE,
        f"({ligand})3- is a tris(semiquinonate): a radical for each chelate, which couple through the layer",
    )


def formula(values: Mapping[str, Any]) -> Counter[str]:
    """Return what a recipe must come to, number of atoms by element: M3 L2, and the axial ligand."""
    ligands = Counter({element: 2 * number for element, number in LIGANDS[values["ligand"]].formula.items()})
    nodes = Counter({values["node"]: 2}) + Counter(values["metals"])
    return ligands + nodes + axial.composition(values["axial"])


FAMILY: Final = Family(
    name="conductive-mof",
    title="a metal in a layer of M3(HITP)2 or M3(HHTP)2, a conductive two-dimensional MOF",
    parameters=in_order(
        METAL,
        Parameter(
            "ligand",
            "hexaiminotriphenylene or hexahydroxytriphenylene",
            "HITP",
            ", ".join(LIGANDS),
            one_of(*LIGANDS, what="ligand"),
        ),
        Parameter(
            "node",
            "the metal of the two other nodes of the cell",
            _SAME,
            f"{_SAME} (as the metal), or a transition metal of groups 3 to 12",
            _parse_node,
        ),
        *parameters(),
    ),
    build=build,
    formula=formula,
    shells=MappingProxyType({"N": (1.76, 2.45), "O": (1.80, 2.50)}),
    settle=settle,
    examples=(
        {"metals": "Ni"},
        {"metals": "Cu", "ligand": "HHTP"},
        {"metals": "Co", "node": "Ni"},
        {"metals": "Co", "ligand": "HHTP", "node": "Cu", "axial": "OH"},
    ),
    schema=_SCHEMA,
)
