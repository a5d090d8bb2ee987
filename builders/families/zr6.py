"""Zr6 node: the Zr6O4(OH)4 of UiO-66, MOF-808 and NU-1000 as a cluster, with an open zirconium or a grafted metal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from atomsieve.builders import oxidation
from atomsieve.builders.clusters import nodes
from atomsieve.builders.clusters import zr6_geometry as geometry
from atomsieve.builders.clusters.zr6_geometry import Edge, Node
from atomsieve.builders.clusters.zr6_site import TERMINAL, grafted, open_zirconium, pair, protons
from atomsieve.builders.family import REQUIRED, Family, Parameter, in_order, one_of, parse_metal, recipe
from atomsieve.builders.ions import Ion
from atomsieve.structures.errors import ParameterError
from atomsieve.structures.site import ActiveSite

_X, _Y, _Z = (1, 0, 0), (0, 1, 0), (0, 0, 1)


def _opposite(corner: tuple[int, int, int]) -> tuple[int, int, int]:
    return (-corner[0], -corner[1], -corner[2])


def _ring(*corners: tuple[int, int, int]) -> tuple[Edge, ...]:
    return tuple((corner, corners[(k + 1) % len(corners)]) for k, corner in enumerate(corners))


#: Edges of the octahedron without a linker, the one of the site first: one that is missing in UiO-66; the four around
#: the equator of NU-1000 (doi 10.1021/ja4050828); the six that zigzag around MOF-808 (doi 10.1021/ja500330a). Each runs
#: to where the next begins, so that every zirconium of a ring has one hydroxide and one water.
OPEN_EDGES: Final[Mapping[str, tuple[Edge, ...]]] = MappingProxyType(
    {
        "UiO-66": ((_Y, _Z),),
        "MOF-808": _ring(_X, _opposite(_Y), _Z, _opposite(_X), _Y, _opposite(_Z)),
        "NU-1000": _ring(_Y, _Z, _opposite(_Y), _opposite(_Z)),
    }
)
#: Linkers that a node keeps; UiO-66 has lost one of twelve.
LINKERS: Final = MappingProxyType({"UiO-66": 11, "MOF-808": 6, "NU-1000": 8})
_NAMES: Final = MappingProxyType({"none": "", "SIM": "-SIM", "AIM": "-AIM"})
_ORDER: Final = (
    "metals", "node", "graft", "oxidation_state", "caps", "caps_frozen", "charge", "multiplicity",
)  # fmt: skip
_SCHEMA: Final = 1


def _parse_node(value: Any) -> tuple[str, ...]:
    # with its linkers cut off the node of UiO-67 is that of UiO-66
    return one_of(*OPEN_EDGES, what="node")("UiO-66" if value == "UiO-67" else value)


def settle(values: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Fill in graft, oxidation state, charge and multiplicity.

    Raises
    ------
    ParameterError
        If a metal other than zirconium is not grafted, or its charge cannot be balanced.
    """
    (metal,), graft, given = values["metals"], values["graft"], values["oxidation_state"]
    if graft == oxidation.AUTO:
        graft = "none" if metal == "Zr" else "SIM"
    if graft == "none" and metal != "Zr":
        raise ParameterError(
            "graft", f"the metal of the node itself is Zr; {metal} is put on it by SIM or AIM, with Zr write none"
        )
    state = oxidation.STATES[metal][0] if given == oxidation.AUTO else given
    spin = oxidation.weak_field(metal, state)
    if graft != "none":
        protons(graft, metal, state)
    yield {
        **values,
        "graft": graft,
        "oxidation_state": state,
        "charge": oxidation.settled("charge", values["charge"], 0),
        "multiplicity": oxidation.settled_multiplicity(values["multiplicity"], spin),
    }


def label(values: Mapping[str, Any]) -> str:
    """Return what a chemist calls the site: ``Co@UiO-66-node-SIM``; what is not the default is added."""
    (metal,), state = values["metals"], values["oxidation_state"]
    name = metal if state == oxidation.STATES[metal][0] else Ion(metal, state).named
    rest = nodes.suffix(values, "formate", oxidation.weak_field(metal, state))
    return f"{name}@{values['node']}-node{_NAMES[values['graft']]}{rest}"


def formula(values: Mapping[str, Any]) -> Counter[str]:
    """Return what a recipe must come to, number of atoms by element."""
    node, graft = values["node"], values["graft"]
    total = Counter({"Zr": 6, "O": 8, "H": 4}) + nodes.carboxylates(LINKERS[node], values["caps"])
    # HO-...H2O on every other edge; on the site's own a hydroxide alone, or the grafted metal
    total += Counter({"O": 2 * (len(OPEN_EDGES[node]) - 1), "H": 3 * (len(OPEN_EDGES[node]) - 1)})
    if graft == "none":
        return total + Counter("OH")
    # as many positive charges as there are hydrogens and metal, one fewer than twice the oxygens
    oxygens = 2 + TERMINAL[graft]
    hydrogens = 2 * oxygens - 1 - values["oxidation_state"]
    return total + Counter(values["metals"]) + Counter({"O": oxygens, "H": hydrogens})


def build(values: Mapping[str, Any]) -> ActiveSite:
    """Build the node: linkers cut off to formate or benzoate, neutral, the site on its first open edge.

    Parameters
    ----------
    values : mapping
        Every parameter, settled.

    Returns
    -------
    ActiveSite
        Zirconium, oxides and hydroxides of the node, caps, then what stands on the open edges. The normal points from
        the metal away from the node, to where an adsorbate binds.
    """
    node_edges = OPEN_EDGES[values["node"]]
    node = Node.bare()
    closed = {frozenset(edge) for edge in geometry.edges()} - {frozenset(edge) for edge in node_edges}
    for edge in geometry.edges():
        if frozenset(edge) in closed:
            node.cap(edge, values["caps"])
    others = [oxygen for edge in node_edges[1:] for oxygen in pair(node, edge)]
    if values["graft"] == "none":
        placed = open_zirconium(node, node_edges[0], others)
    else:
        placed = grafted(
            node,
            node_edges[0],
            others,
            metal=values["metals"][0],
            state=values["oxidation_state"],
            graft=values["graft"],
        )
    shares = {
        "6 Zr4+": 24,
        "4 O2- and 4 OH- of the node": -12,
        f"{LINKERS[values['node']]} {values['caps']}": -LINKERS[values["node"]],
        **({f"{len(node_edges) - 1} OH-": 1 - len(node_edges)} if len(node_edges) > 1 else {}),
        **placed.charges,
    }
    return nodes.site(
        node.draft,
        values,
        label=label(values),
        recipe=recipe("zr6-node", _SCHEMA, values, _ORDER),
        metals=(placed.metal,),
        donors=(placed.donors,),
        normal=placed.normal / np.linalg.norm(placed.normal),
        provenance={
            "source": nodes.facts("zr6")["source"],
            "remarks": "ordered node; linkers cut off behind the carboxylate (formate) or its ring (benzoate); "
            "open edges without a site carry hydroxide and water in place of a carboxylate; "
            "high-spin metals of the first row, low-spin ones below",
        },
        axial=(placed.axial,) if placed.axial else (),
        frozen=node.caps,
        ledger=shares,
    )


FAMILY: Final = Family(
    name="zr6-node",
    title="the Zr6 node of UiO-66, MOF-808 or NU-1000 as a cluster, its own open zirconium or a grafted metal on it",
    parameters=in_order(
        Parameter(
            "metals",
            "the metal: Zr of a missing linker, or the one that is grafted",
            REQUIRED,
            "a transition metal of groups 3 to 12",
            parse_metal,
        ),
        Parameter(
            "node",
            "framework: UiO-66 with a linker missing (11 left, UiO-67 is the same), MOF-808 (6), NU-1000 (8)",
            "UiO-66",
            f"{', '.join(OPEN_EDGES)}",
            _parse_node,
        ),
        Parameter(
            "graft",
            "none: an open zirconium; SIM: five-coordinate, from solution; AIM: four-coordinate, from vapour; "
            "auto: none for Zr, SIM for other metals",
            oxidation.AUTO,
            "auto, none, SIM, AIM",
            one_of(oxidation.AUTO, *_NAMES, what="graft"),
        ),
        oxidation.state_parameter(),
        *nodes.parameters("formate", "benzoate"),
    ),
    build=build,
    formula=formula,
    # to 2.15 Å where grafted; 2.256 Å to the bridging hydroxides where the metal is the node's own
    shells=MappingProxyType({"O": (1.80, 2.31)}),
    settle=settle,
    examples=(
        {"metals": "Zr", "node": "UiO-66", "graft": "none"},
        {"metals": "Co", "node": "UiO-66", "graft": "SIM"},
        {"metals": "V", "node": "NU-1000", "graft": "AIM"},
        {"metals": "Cu", "node": "MOF-808", "graft": "AIM"},
    ),
    schema=_SCHEMA,
    inseparable="the metal is a part of the node, or stands on it in place of protons: without it the oxygens would be "
    "charged, and how many protons they take nothing settles",
)
