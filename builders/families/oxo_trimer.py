"""Oxo trimer: M3O(O2CR)6 of MIL-88, MIL-100, MIL-101 and PCN-250, one metal open, the others with terminal ligands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from atomsieve.builders import axial, ions, oxidation
from atomsieve.builders.clusters import nodes
from atomsieve.builders.clusters.draft import Draft
from atomsieve.builders.family import REQUIRED, Family, Parameter, in_order, metals, one_of, recipe
from atomsieve.builders.ions import Ion
from atomsieve.builders.ledger import counted
from atomsieve.builders.vectors import unit
from atomsieve.structures.errors import ParameterError
from atomsieve.structures.site import ActiveSite

#: Metals of trimers, by the oxidation state that they have there.
TRIVALENT: Final = ("Al", "Ga", "In", "Sc", "Ti", "V", "Cr", "Fe", "Ru", "Rh")
DIVALENT: Final = ("Mg", "Mn", "Co", "Ni", "Cu", "Zn", "Cd")
#: What the two partners carry; the first of a pair is on the first partner.
TERMINALS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "none": ("none", "none"),
        "H2O": ("H2O", "H2O"),
        "OH": ("OH", "OH"),
        "OH-H2O": ("OH", "H2O"),
        "OH-none": ("OH", "none"),
    }
)
#: Bonds to the terminal ligands of Fe(III), Å, as built; other ions differ by their radius.
_BONDS: Final = MappingProxyType({"OH": 1.85, "H2O": 2.04})
_CHARGES: Final = MappingProxyType({"none": 0, "OH": -1, "H2O": 0})
_IRON: Final = Ion("Fe", 3)
_ORDER: Final = (
    "metals", "partners", "terminals", "oxidation_state", "caps", "caps_frozen", "charge", "multiplicity",
)  # fmt: skip
_SCHEMA: Final = 1


def _usual(metal: str) -> Ion:
    return Ion(metal, 3 if metal in TRIVALENT else 2)


def _trio(values: Mapping[str, Any]) -> list[Ion]:
    metal, state = values["metals"][0], values["oxidation_state"]
    active = ions.ion(metal, state, (3, 2) if metal in TRIVALENT else (2, 3))
    return [active, *sorted((_usual(metal) for metal in values["partners"]), key=lambda one: (-one.state, one.metal))]


def ledger(values: Mapping[str, Any]) -> dict[str, int]:
    """Return the formal charges of the parts of a trimer."""
    parts = [(1, str(one), one.state) for one in _trio(values)]
    terminals = [(1, f"terminal {name}", _CHARGES[name]) for name in TERMINALS[values["terminals"]] if name != "none"]
    return counted([*parts, (1, "O2-", -2), (6, values["caps"], -1), *terminals])


def settle(values: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Fill in oxidation state, terminal ligands, charge and multiplicity.

    Raises
    ------
    ParameterError
        If more than one metal is divalent: no such trimer is held together by an oxide.
    """
    trio = _trio(values)
    if sum(one.state for one in trio) < 8:
        raise ParameterError(
            "partners",
            f"{', '.join(map(str, trio))} are too poor in charge for the oxide; one of the three may be divalent, so "
            f"write partners of {', '.join(TRIVALENT)}",
        )
    terminals = values["terminals"]
    if terminals == oxidation.AUTO:
        terminals = "H2O" if any(one.state == 2 for one in trio) else "OH-H2O"
    values = {**values, "oxidation_state": trio[0].state, "terminals": terminals}
    return (ions.balanced(values, ledger(values), trio),)


def label(values: Mapping[str, Any]) -> str:
    """Return what a chemist calls a trimer: the open metal, then all of them, ``Ni@Fe2NiO-trimer``."""
    trio = _trio(values)
    counts = sorted(Counter(one.metal for one in trio).items(), key=lambda item: (-item[1], item[0]))
    name = trio[0].metal if trio[0] == _usual(trio[0].metal) else trio[0].named
    usual = "H2O" if any(one.state == 2 for one in trio) else "OH-H2O"
    terminals = {usual: "", "none": "-bare"}.get(values["terminals"], f"-{values['terminals']}")
    whole = "".join(f"{metal}{number if number > 1 else ''}" for metal, number in counts)
    rest = nodes.suffix(values, "formate", 1 + sum(one.unpaired for one in trio))
    return f"{name}@{whole}O-trimer{terminals}{rest}"


def build(values: Mapping[str, Any]) -> ActiveSite:
    """Build a trimer, D3h but for the differences of the metals and their terminal ligands.

    Parameters
    ----------
    values : mapping
        Every parameter, settled.

    Returns
    -------
    ActiveSite
        The central oxide at the origin, the open metal on the x axis, its partners, then carboxylates and terminal
        ligands. The normal points from the open metal away from the oxide.
    """
    table, trio = nodes.facts("oxo-trimer"), _trio(values)
    draft = Draft()
    oxide = draft.add("O", np.zeros(3))
    longer = [ions.longer(one, _IRON) for one in trio]
    spokes = [np.array([np.cos(turn), np.sin(turn), 0.0]) for turn in np.radians([0.0, 120.0, 240.0])]
    centres = [
        draft.add(one.metal, (table["metal_oxide"] + more) * spoke, oxide)
        for one, more, spoke in zip(trio, longer, spokes, strict=True)
    ]
    donors, frozen = [oxide], []
    fold = np.radians(table["fold"])
    for i, j in ((0, 1), (0, 2), (1, 2)):
        edge = draft.positions[centres[j]] - draft.positions[centres[i]]
        level = unit(np.cross(edge, [0.0, 0.0, 1.0]))
        level *= np.sign(level @ (spokes[i] + spokes[j]))
        for side in (1.0, -1.0):
            outward = np.cos(fold) * level + side * np.sin(fold) * np.array([0.0, 0.0, 1.0])
            lengths = table["metal_oxygen"] + longer[i], table["metal_oxygen"] + longer[j]
            oxygens, cap = nodes.bridge(draft, (centres[i], centres[j]), lengths, outward, values["caps"])
            donors += [oxygens[0]] if i == 0 else []
            frozen += cap
    wet = []
    for place, name in enumerate(TERMINALS[values["terminals"]], start=1):
        if name != "none":
            position = draft.positions[centres[place]] + (_BONDS[name] + longer[place]) * spokes[place]
            oxygen = draft.add("O", position, centres[place])
            wet.append((oxygen, axial.composition(name)["H"]))
    draft.protonate(wet)
    return nodes.site(
        draft,
        values,
        label=label(values),
        recipe=recipe("oxo-trimer", _SCHEMA, values, _ORDER),
        metals=(centres[0],),
        donors=(tuple(donors),),
        normal=(1.0, 0.0, 0.0),
        provenance={**nodes.measured(table), **nodes.coupling(trio)},
        frozen=frozen,
        ledger=ledger(values),
    )


def formula(values: Mapping[str, Any]) -> Counter[str]:
    """Return what a recipe must come to, number of atoms by element."""
    total = Counter(values["metals"]) + Counter(values["partners"]) + Counter("O")
    for name in TERMINALS[values["terminals"]]:
        total += axial.composition(name)
    return total + nodes.carboxylates(6, values["caps"])


FAMILY: Final = Family(
    name="oxo-trimer",
    title="the oxide-centred M3 node of MIL-88, MIL-100, MIL-101 and PCN-250",
    parameters=in_order(
        Parameter(
            "metals",
            "the metal that is open",
            REQUIRED,
            f"one of {', '.join((*TRIVALENT, *DIVALENT))}",
            metals(1, allowed=(*TRIVALENT, *DIVALENT)),
        ),
        Parameter(
            "partners",
            "the other two metals",
            "Fe",
            f"one symbol for both, or two as Fe-Co; trivalent are {', '.join(TRIVALENT)}",
            ions.alike_or_named(2, (*TRIVALENT, *DIVALENT)),
        ),
        Parameter(
            "terminals",
            "what the other two metals carry",
            oxidation.AUTO,
            f"{oxidation.AUTO}, which makes the node neutral, {', '.join(TERMINALS)}",
            one_of(oxidation.AUTO, *TERMINALS, what="terminal ligands"),
        ),
        oxidation.state_parameter(),
        *nodes.parameters("formate", "benzoate"),
    ),
    build=build,
    formula=formula,
    shells=MappingProxyType({"O": (1.75, 2.35)}),
    settle=settle,
    examples=(
        {"metals": "Fe"},
        {"metals": "Ni"},
        {"metals": "Cr", "partners": "Cr", "caps": "benzoate"},
    ),
    schema=_SCHEMA,
    inseparable="the metal is a part of the node: without it the oxide and its carboxylates would be charged",
)
