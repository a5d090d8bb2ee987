"""Zr6 node: the Zr6O4(OH)4 of UiO-66, MOF-808 and NU-1000 as a cluster, with an open zirconium or a grafted metal."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from atomsieve.builders import oxidation
from atomsieve.builders.families import zr6_geometry as geometry
from atomsieve.builders.families.zr6_geometry import Edge, Loose, Node
from atomsieve.builders.family import REQUIRED, Family, Parameter, in_order, one_of, parse_metal, recipe, stretch
from atomsieve.structures.errors import InputError, ParameterError
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
#: Ligands of a grafted metal beside the two oxygens of the node.
TERMINAL: Final = MappingProxyType({"SIM": 3, "AIM": 2})
#: Å; bonds of a grafted metal as built for cobalt: bridging oxide and hydroxide, terminal hydroxide and water. Others
#: follow by their radius, no bond leaving 1.80 to 2.15 Å.
M_MU_O, M_MU_OH, M_OH, M_OH2, LONGEST = 1.86, 2.00, 1.88, 2.08, 2.15
#: Degrees by which the metal is folded from the plane of zirconium and bridges, and its distance to zirconium in Å that
#: goes with it. In the plane the bridges would be opened to 143 degrees; folded so, GFN1-xTB finds Co on UiO-66 and Cu
#: on MOF-808 0.4 eV lower, their shells held.
FOLD, M_ZR = 50.0, 3.5
_NAMES: Final = MappingProxyType({"none": "", "SIM": "-SIM", "AIM": "-AIM"})
_ORDER: Final = (
    "metals", "node", "graft", "oxidation_state", "caps", "caps_frozen", "charge", "multiplicity",
)  # fmt: skip
_SCHEMA: Final = 1


def _parse_node(value: Any) -> tuple[str, ...]:
    # with its linkers cut off the node of UiO-67 is that of UiO-66
    return one_of(*OPEN_EDGES, what="node")("UiO-66" if value == "UiO-67" else value)


def _parse_yes(value: Any) -> tuple[bool, ...]:
    if isinstance(value, bool):
        return (value,)
    raise InputError(f"{value!r} is neither true nor false")


def settle(values: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Fill in oxidation state, charge and multiplicity.

    Raises
    ------
    ParameterError
        If a metal other than zirconium is not grafted, or its charge cannot be balanced.
    """
    (metal,) = values["metals"]
    if values["graft"] == "none" and metal != "Zr":
        raise ParameterError(
            "graft", f"the metal of the node itself is Zr; {metal} is put on it by SIM or AIM, with Zr write none"
        )
    given = values["oxidation_state"]
    state = oxidation.STATES[metal][0] if given == oxidation.AUTO else given
    spin = oxidation.weak_field(metal, state)
    if values["graft"] != "none":
        protons(values["graft"], metal, state)
    yield {
        **values,
        "oxidation_state": state,
        "charge": oxidation.settled("charge", values["charge"], 0),
        "multiplicity": oxidation.settled_multiplicity(values["multiplicity"], spin),
    }


def protons(graft: str, metal: str, state: int) -> tuple[tuple[int, int], tuple[int, ...]]:
    """Return the hydrogens of the oxygens around a grafted metal, such that it replaces a carboxylate's charge.

    The metal's own ligands lose protons first (water to hydroxide), then the bridges (hydroxide to oxide), as the
    strengths of the bonds to zirconium (1/2) and to the metal add up (Pauling's electrostatic valence).

    Parameters
    ----------
    graft : {"SIM", "AIM"}
        Five- or four-coordinate.
    metal : str
        Chemical symbol.
    state : int
        Its oxidation state.

    Returns
    -------
    tuple of int, tuple of int
        Of the two bridges and of the other ligands.

    Raises
    ------
    ParameterError
        If the charge is too high.
    """
    # two bridging hydroxides, and waters, carry -2; -1 - state is needed
    missing, number = state - 1, TERMINAL[graft]
    hydroxides = min(missing, number)
    oxides = missing - hydroxides
    if oxides > 2:
        raise ParameterError(
            "oxidation_state",
            f"{number + 2} oxygens cannot balance {metal}({roman(state)}) in {graft}; lower it, or use SIM",
        )
    return (int(oxides < 2), int(oxides < 1)), (1,) * hydroxides + (2,) * (number - hydroxides)


def roman(state: int) -> str:
    """Write an oxidation state: III."""
    return ("0", "I", "II", "III", "IV", "V", "VI")[state]


def label(values: Mapping[str, Any]) -> str:
    """Return what a chemist calls the site: ``Co@UiO-66-node-SIM``; what is not the default is added."""
    (metal,), state = values["metals"], values["oxidation_state"]
    valence = "" if state == oxidation.STATES[metal][0] else f"({roman(state)})"
    caps = "" if values["caps"] == "formate" else f"-{values['caps']}"
    loose = "" if values["caps_frozen"] else "-free"
    usual = values["multiplicity"] == oxidation.weak_field(metal, state)
    spin = "" if usual else f"-{oxidation.spin_name(values['multiplicity'])}"
    return f"{metal}{valence}@{values['node']}-node{_NAMES[values['graft']]}{caps}{loose}{spin}"


def formula(values: Mapping[str, Any]) -> Counter[str]:
    """Return what a recipe must come to, number of atoms by element."""
    node, graft = values["node"], values["graft"]
    linker = {"formate": Counter("CHOO"), "benzoate": Counter({"C": 7, "H": 5, "O": 2})}[values["caps"]]
    total = Counter({"Zr": 6, "O": 8, "H": 4})
    for symbol, count in linker.items():
        total[symbol] += LINKERS[node] * count
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
    others = [oxygen for edge in node_edges[1:] for oxygen in _pair(node, edge)]
    add = _open_zirconium if values["graft"] == "none" else _grafted
    metal, donors, axial, normal, charges = add(node, values, others)
    shares = {
        "6 Zr4+": 24,
        "4 O2- and 4 OH- of the node": -12,
        f"{LINKERS[values['node']]} {values['caps']}": -LINKERS[values["node"]],
        **({f"{len(node_edges) - 1} OH-": 1 - len(node_edges)} if len(node_edges) > 1 else {}),
        **charges,
    }
    x, y, z = (float(component) for component in normal / np.linalg.norm(normal))
    return ActiveSite(
        label=label(values),
        recipe=recipe("zr6-node", _SCHEMA, values, _ORDER),
        atoms=node.draft.atoms(),
        kind="cluster",
        metals=(metal,),
        donors=(tuple(donors),),
        bonds=tuple(sorted((min(bond), max(bond)) for bond in node.draft.bonds)),
        charge=values["charge"],
        normal=(x, y, z),
        provenance={
            "source": geometry.sites()["source"],
            "remarks": "ordered node; linkers cut off behind the carboxylate (formate) or its ring (benzoate); "
            "open edges without a site carry hydroxide and water in place of a carboxylate; "
            "high-spin metals of the first row, low-spin ones below",
        },
        axial=(tuple(axial),) if axial else (),
        frozen=tuple(node.caps) if values["caps_frozen"] else (),
        ledger=shares,
        multiplicity=values["multiplicity"],
    )


def _pair(node: Node, edge: Edge) -> list[tuple[Loose, int]]:
    """Return hydroxide and water on an edge, with the number of their hydrogens."""
    spots = node.oxygen_spots(edge)
    return [
        (Loose("O", spots[0], {node.zirconium[edge[0]]: geometry.ZR_OH}), 1),
        (Loose("O", spots[1], {node.zirconium[edge[1]]: geometry.ZR_OH2}), 2),
    ]


def _open_zirconium(node: Node, values: Mapping[str, Any], others: list[tuple[Loose, int]]) -> Any:
    edge = OPEN_EDGES[values["node"]][0]
    metal = node.zirconium[edge[1]]
    spots = node.oxygen_spots(edge)
    loose = [(Loose("O", spots[0], {node.zirconium[edge[0]]: geometry.ZR_OH}), 1), *others]
    indices = geometry.settle(node.draft, [atom for atom, _ in loose], [spots[1]])
    node.draft.protonate(zip(indices, [number for _, number in loose], strict=True), [spots[1]])
    donors = [atom for atom in node.draft.neighbours(metal) if node.draft.symbols[atom] == "O"]
    return metal, donors, (), spots[1] - node.draft.positions[metal], {"OH-": -1}


def _grafted(node: Node, values: Mapping[str, Any], others: list[tuple[Loose, int]]) -> Any:
    edge, (metal,), state = OPEN_EDGES[values["node"]][0], values["metals"], values["oxidation_state"]
    bridges, terminal = protons(values["graft"], metal, state)
    straight, along, across = geometry.frame(edge)
    # folded towards the face that is capped by an oxide, away from the hydrogen of the other
    across = across * float(np.sign(np.prod(straight + across)))
    fold = math.radians(FOLD)
    out = math.cos(fold) * straight + math.sin(fold) * across
    across = math.cos(fold) * across - math.sin(fold) * straight
    longer = stretch(metal)

    def bond(base: float) -> float:
        return min(base + longer, LONGEST)

    # bonds from the metal: at right angles to its two bridges, in their plane and across it
    first, second = (-out + along) / math.sqrt(2), (-out - along) / math.sqrt(2)
    lean = math.radians(15.0)
    up, down = (math.cos(lean) * side * across + math.sin(lean) * out for side in (1.0, -1.0))
    if len(terminal) == 2:
        directions = [-second, -first] if _is_planar(metal, state) else [up, down]
        normal = -across if _is_planar(metal, state) else out
    else:
        directions = [-second, -first, across] if _is_planar(metal, state) else [-second, across, -across]
        normal = -across if _is_planar(metal, state) else -first
    spots = node.oxygen_spots(edge)
    held = [bond(M_MU_OH if protonated else M_MU_O) for protonated in bridges]
    lengths = [bond(M_OH if number == 1 else M_OH2) for number in terminal]
    angles = [first, second, *directions]
    distances = [*held, *lengths]
    start = (spots[0] + spots[1]) / 2 + 0.7 * held[0] * out
    zirconium = [
        (node.zirconium[corner], geometry.ZR_MU_OH if protonated else geometry.ZR_MU_O)
        for corner, protonated in zip(edge, bridges, strict=True)
    ]
    loose = [Loose(metal, start, near={index: M_ZR for index, _ in zirconium})]
    for k, (direction, distance) in enumerate(zip(angles, distances, strict=True)):
        apart = {1 + j: float(np.linalg.norm(distance * direction - distances[j] * angles[j])) for j in range(k)}
        held_by = dict([zirconium[k]]) if k < 2 else {}
        loose.append(Loose("O", start + distance * direction, held_by, {0: distance}, apart))
    hydrogens = [0, *bridges, *terminal, *(number for _, number in others)]
    indices = geometry.settle(node.draft, [*loose, *(atom for atom, _ in others)])
    centre = node.draft.positions[indices[0]]
    clear = [centre + 2.0 * normal / np.linalg.norm(normal)]
    node.draft.protonate(zip(indices, hydrogens, strict=True), clear)
    ligands = indices[1 : 1 + len(angles)]
    parts = {f"{metal}{state}+": state}
    for name, charge, number in (
        ("bridging O2-", -2, bridges.count(0)),
        ("bridging OH-", -1, bridges.count(1)),
        ("OH- on the metal", -1, terminal.count(1)),
    ):
        if number:
            parts[f"{number} {name}"] = charge * number
    return indices[0], ligands[:2], ligands[2:], normal, parts


def _is_planar(metal: str, state: int) -> bool:
    """Tell whether four ligands lie in a plane with the metal: d9, and d8 without unpaired electrons."""
    electrons = oxidation.d_electrons(metal, state)
    return electrons == 9 or (electrons == 8 and oxidation.weak_field(metal, state) == 1)


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
            "none: an open zirconium; SIM: five-coordinate, from solution; AIM: four-coordinate, from vapour",
            REQUIRED,
            "none, SIM, AIM",
            one_of(*_NAMES, what="graft"),
        ),
        oxidation.state_parameter(),
        Parameter(
            "caps",
            "what linkers are cut down to",
            "formate",
            "formate, benzoate",
            one_of("formate", "benzoate", what="cap"),
        ),
        Parameter(
            "caps_frozen",
            "carbon and hydrogen of the caps stay where the framework has them",
            True,
            "true, false",
            _parse_yes,
        ),
        oxidation.charge_parameter(),
        oxidation.multiplicity_parameter(),
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
)
