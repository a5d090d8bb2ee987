"""MFU-4l node: Zn5X4(triazolate)6 with one of the outer zinc exchanged for the metal."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from atomsieve.builders import ions, oxidation
from atomsieve.builders.clusters import nodes
from atomsieve.builders.clusters.draft import Draft
from atomsieve.builders.family import (
    REQUIRED,
    TRANSITION_METALS,
    Family,
    Parameter,
    in_order,
    metals,
    one_of,
    recipe,
)
from atomsieve.builders.ions import Ion
from atomsieve.builders.ledger import counted
from atomsieve.builders.vectors import Array, unit
from atomsieve.structures.site import ActiveSite

#: Metals with a known radius in one of the states that the site can hold.
METALS: Final = tuple(metal for metal in TRANSITION_METALS if any(ions.takes(metal, state) for state in (1, 2, 3)))
CAPS: Final[Mapping[str, Counter[str]]] = MappingProxyType(
    {"triazolate": Counter({"C": 2, "H": 2, "N": 3}), "benzotriazolate": Counter({"C": 6, "H": 4, "N": 3})}
)
#: What the metal carries, with its bond to zinc as built, Å; hydride and hydroxide rounded, start geometries only.
TERMINALS: Final[Mapping[str, float]] = MappingProxyType(
    {"none": 0.0, "Cl": float(nodes.facts("triazolate")["chlorine"]), "OH": 1.85, "H": 1.56}
)
_CORNERS: Final = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / math.sqrt(3)
_ZINC: Final = Ion("Zn", 2)
# zinc's own state first, so that the node stays as it was
_STATES: Final = (2, 3, 1)
_ORDER: Final = ("metals", "terminal", "oxidation_state", "caps", "caps_frozen", "charge", "multiplicity")
_SCHEMA: Final = 1


def _ion(values: Mapping[str, Any]) -> Ion:
    return ions.ion(values["metals"][0], values["oxidation_state"], _STATES)


def ledger(values: Mapping[str, Any]) -> dict[str, int]:
    """Return the formal charges of the parts of the node."""
    one, terminal = _ion(values), values["terminal"]
    own = [] if terminal == "none" else [(1, f"{terminal}-", -1)]
    return counted([(1, str(one), one.state), (4, str(_ZINC), 2), (3, "Cl-", -1), *own, (6, values["caps"], -1)])


def settle(values: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Fill in oxidation state, charge and multiplicity; ``auto`` is the state of zinc where the metal takes it."""
    values = {**values, "oxidation_state": _ion(values).state}
    return (ions.balanced(values, ledger(values), [_ion(values)]),)


def label(values: Mapping[str, Any]) -> str:
    """Return what a chemist calls the node: ``Ni@MFU-4l-node``, ``Ni@MFU-4l-node-Cl``, ``Cu(I)@MFU-4l-node``."""
    one = _ion(values)
    name = one.metal if one == ions.ion(one.metal, oxidation.AUTO, _STATES) else one.named
    terminal = "" if values["terminal"] == "none" else f"-{values['terminal']}"
    return f"{name}@MFU-4l-node{terminal}{nodes.suffix(values, 'triazolate', 1 + one.unpaired)}"


@cache
def _ring() -> tuple[float, float, float]:
    """Return where the outer nitrogen of a triazolate lies aside of and beyond its middle one, and how far its carbon.

    From the bonds to the middle nitrogen and to the zinc of a corner; that to the carbon fixes the rest.
    """
    table = nodes.facts("triazolate")
    corner = table["outer_central"] / math.sqrt(3)
    zinc = np.array([math.sqrt(2) * corner, corner - table["central_nitrogen"]])
    apart = float(np.linalg.norm(zinc))
    bond, other = table["nitrogen_nitrogen"], table["outer_nitrogen"]
    along = (apart**2 + bond**2 - other**2) / (2 * apart)
    across = math.sqrt(bond**2 - along**2)
    direction = zinc / apart
    aside, beyond = along * direction + across * np.array([-direction[1], direction[0]])
    rise = math.sqrt(table["nitrogen_carbon"] ** 2 - (aside - table["carbon_carbon"] / 2) ** 2)
    return float(aside), float(beyond), float(beyond + rise)


def _triazolate(
    draft: Draft, centre: int, held: tuple[int, int], axis: Array, aside: Array, caps: str
) -> tuple[tuple[int, int], list[int]]:
    """Add a triazolate on an axis, its outer nitrogens on two metals; return these and its carbon and hydrogen."""
    table, (wide, beyond, top) = nodes.facts("triazolate"), _ring()
    base = table["central_nitrogen"] * axis
    middle = draft.add("N", base, centre)
    outer = (
        draft.add("N", base + beyond * axis + wide * aside, middle, held[0]),
        draft.add("N", base + beyond * axis - wide * aside, middle, held[1]),
    )
    half, shape = table["carbon_carbon"] / 2, nodes.facts("carboxylate")
    first = draft.add("C", base + top * axis + half * aside, outer[0])
    second = draft.add("C", base + top * axis - half * aside, outer[1], first)
    if caps == "triazolate":
        # along the bisector of the angle that each carbon has in the ring
        hydrogens = []
        for carbon, nitrogen, sign in ((first, outer[0], 1.0), (second, outer[1], -1.0)):
            here = draft.positions[carbon]
            away = unit(unit(here - draft.positions[nitrogen]) + sign * aside)
            hydrogens.append(draft.add("H", here + shape["ring_hydrogen"] * away, carbon))
        return outer, [first, second, *hydrogens]
    size = 2 * half
    middle_of_ring = base + (top + size * math.sqrt(3) / 2) * axis
    spokes = [
        math.cos(turn) * axis + math.sin(turn) * aside for turn in np.radians([150.0, 90.0, 30.0, -30.0, -90.0, -150.0])
    ]
    carbons = [first]
    for spoke in spokes[1:5]:
        carbons.append(draft.add("C", middle_of_ring + size * spoke, carbons[-1]))
    draft.bonds.append((second, carbons[-1]))
    reach = size + shape["ring_hydrogen"]
    hydrogens = [
        draft.add("H", middle_of_ring + reach * spoke, carbon)
        for spoke, carbon in zip(spokes[1:5], carbons[1:], strict=True)
    ]
    return outer, [second, *carbons, *hydrogens]


def build(values: Mapping[str, Any]) -> ActiveSite:
    """Build the node, Td with zinc and chloride alone and C3v with one zinc exchanged.

    Parameters
    ----------
    values : mapping
        Every parameter, settled.

    Returns
    -------
    ActiveSite
        The central zinc, the metal, three zinc, the triazolates one by one, three chlorides, then what the metal
        carries. The normal points from the metal away from the centre of the node.
    """
    table, one, terminal = nodes.facts("triazolate"), _ion(values), values["terminal"]
    longer = ions.longer(one, _ZINC)
    draft = Draft()
    centre = draft.add("Zn", np.zeros(3))
    outer = [
        draft.add(symbol, table["outer_central"] * corner)
        for symbol, corner in zip((one.metal, "Zn", "Zn", "Zn"), _CORNERS, strict=True)
    ]
    donors, frozen = [], []
    for axis in np.vstack([np.eye(3), -np.eye(3)]):
        i, j = np.flatnonzero(_CORNERS @ axis > 0)
        aside = unit(_CORNERS[i] - (_CORNERS[i] @ axis) * axis)
        nitrogens, cap = _triazolate(draft, centre, (outer[i], outer[j]), axis, aside, values["caps"])
        donors += [nitrogens[0]] if i == 0 else []
        frozen += cap
    # the metal moves along its threefold axis until its own bonds have their length
    nitrogen = draft.positions[donors[0]]
    foot = float(_CORNERS[0] @ nitrogen)
    wanted = table["outer_nitrogen"] + longer
    draft.positions[outer[0]] = (foot + math.sqrt(foot**2 - nitrogen @ nitrogen + wanted**2)) * _CORNERS[0]
    for metal, corner in zip(outer[1:], _CORNERS[1:], strict=True):
        draft.add("Cl", draft.positions[metal] + table["chlorine"] * corner, metal)
    own: tuple[int, ...] = ()
    if terminal != "none":
        position = draft.positions[outer[0]] + (TERMINALS[terminal] + longer) * _CORNERS[0]
        own = (draft.add(terminal[0] if terminal == "OH" else terminal, position, outer[0]),)
        draft.protonate([(own[0], 1)] if terminal == "OH" else [])
    return nodes.site(
        draft,
        values,
        label=label(values),
        recipe=recipe("MFU-4l-node", _SCHEMA, values, _ORDER),
        metals=(outer[0],),
        donors=(tuple(donors),),
        normal=_CORNERS[0],
        provenance=nodes.measured(table),
        axial=(own,) if own else (),
        frozen=frozen,
        ledger=ledger(values),
    )


def formula(values: Mapping[str, Any]) -> Counter[str]:
    """Return what a recipe must come to, number of atoms by element."""
    total = Counter({"Zn": 4, "Cl": 3}) + Counter(values["metals"])
    total += Counter({symbol: 6 * number for symbol, number in CAPS[values["caps"]].items()})
    own = {"none": "", "OH": "OH"}.get(values["terminal"])
    return total + (Counter([values["terminal"]]) if own is None else Counter(own))


FAMILY: Final = Family(
    name="MFU-4l-node",
    title="the Zn5 node of MFU-4l with one outer zinc exchanged",
    parameters=in_order(
        Parameter("metals", "the metal", REQUIRED, f"one of {', '.join(METALS)}", metals(1, allowed=METALS)),
        Parameter(
            "terminal",
            "what the metal carries in the place of zinc's chloride",
            "none",
            ", ".join(TERMINALS),
            one_of(*TERMINALS, what="terminal ligand"),
        ),
        oxidation.state_parameter(),
        *nodes.parameters(*CAPS),
    ),
    build=build,
    formula=formula,
    shells=MappingProxyType({"N": (1.80, 2.30)}),
    settle=settle,
    examples=(
        {"metals": "Ni"},
        {"metals": "Co", "terminal": "Cl"},
        {"metals": "Cu", "oxidation_state": 1, "caps": "benzotriazolate"},
    ),
    schema=_SCHEMA,
    inseparable="the metal is a part of the node: without it the triazolates around it would be charged",
)
