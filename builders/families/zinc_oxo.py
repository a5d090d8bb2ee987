"""Zinc-oxo node: Zn4O(O2CR)6 of MOF-5 with one zinc exchanged for the metal."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from atomsieve.builders import ions, oxidation
from atomsieve.builders.clusters import nodes
from atomsieve.builders.clusters.draft import Draft
from atomsieve.builders.family import REQUIRED, TRANSITION_METALS, Family, Parameter, in_order, metals, recipe
from atomsieve.builders.ions import Ion
from atomsieve.builders.ledger import counted
from atomsieve.structures.site import ActiveSite

#: Metals with an ion of two or three charges and a known radius.
METALS: Final = tuple(metal for metal in TRANSITION_METALS if ions.takes(metal, 2) or ions.takes(metal, 3))
# zinc's own state first, so that the node stays as it was
_STATES: Final = (2, 3)
_ZINC: Final = Ion("Zn", 2)
_ORDER: Final = ("metals", "oxidation_state", "caps", "caps_frozen", "charge", "multiplicity")
_SCHEMA: Final = 1


def _ion(values: Mapping[str, Any]) -> Ion:
    return ions.ion(values["metals"][0], values["oxidation_state"], _STATES)


def ledger(values: Mapping[str, Any]) -> dict[str, int]:
    """Return the formal charges of the parts of the node."""
    one = _ion(values)
    return counted([(1, str(one), one.state), (3, str(_ZINC), 2), (1, "O2-", -2), (6, values["caps"], -1)])


def settle(values: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Fill in oxidation state, charge and multiplicity; ``auto`` is the state of zinc where the metal takes it."""
    values = {**values, "oxidation_state": _ion(values).state}
    return (ions.balanced(values, ledger(values), [_ion(values)]),)


def label(values: Mapping[str, Any]) -> str:
    """Return what a chemist calls the node: ``Co@Zn4O-node``."""
    one = _ion(values)
    usual = ions.ion(one.metal, oxidation.AUTO, _STATES)
    name = one.metal if one == usual else one.named
    return f"{name}@Zn4O-node{nodes.suffix(values, 'formate', 1 + one.unpaired)}"


def build(values: Mapping[str, Any]) -> ActiveSite:
    """Build the node, Td with zinc alone and C3v with one zinc exchanged.

    Parameters
    ----------
    values : mapping
        Every parameter, settled.

    Returns
    -------
    ActiveSite
        The central oxide, the metal, three zinc, then the carboxylates one by one. The normal points from the metal
        away from the oxide, between three carboxylates: the metal is saturated as built, and only a large one has room
        there for a fifth ligand before the carboxylates give way.
    """
    table, one = nodes.facts("zinc-oxo"), _ion(values)
    draft = Draft()
    oxide = draft.add("O", np.zeros(3))
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
    extra = (ions.longer(one, _ZINC), 0.0, 0.0, 0.0)
    centres = [
        draft.add(symbol, (table["metal_oxide"] + more) * corner, oxide)
        for symbol, corner, more in zip((one.metal, "Zn", "Zn", "Zn"), corners, extra, strict=True)
    ]
    donors, frozen = [oxide], []
    for i, j in itertools.combinations(range(4), 2):
        lengths = table["metal_oxygen"] + extra[i], table["metal_oxygen"] + extra[j]
        oxygens, cap = nodes.bridge(draft, (centres[i], centres[j]), lengths, corners[i] + corners[j], values["caps"])
        donors += [oxygens[0]] if i == 0 else []
        frozen += cap
    return nodes.site(
        draft,
        values,
        label=label(values),
        recipe=recipe("Zn4O-node", _SCHEMA, values, _ORDER),
        metals=(centres[0],),
        donors=(tuple(donors),),
        normal=corners[0],
        provenance=nodes.measured(table),
        frozen=frozen,
        ledger=ledger(values),
    )


def formula(values: Mapping[str, Any]) -> Counter[str]:
    """Return what a recipe must come to, number of atoms by element."""
    return Counter({"Zn": 3, "O": 1}) + Counter(values["metals"]) + nodes.carboxylates(6, values["caps"])


FAMILY: Final = Family(
    name="Zn4O-node",
    title="the Zn4O node of MOF-5 with one zinc exchanged; most metals in it are closed to adsorbates",
    parameters=in_order(
        Parameter("metals", "the metal", REQUIRED, f"one of {', '.join(METALS)}", metals(1, allowed=METALS)),
        oxidation.state_parameter(),
        *nodes.parameters("formate", "benzoate"),
    ),
    build=build,
    formula=formula,
    shells=MappingProxyType({"O": (1.70, 2.20)}),
    settle=settle,
    examples=(
        {"metals": "Co"},
        {"metals": "Zn", "caps": "benzoate"},
        {"metals": "Ni"},
    ),
    schema=_SCHEMA,
    inseparable="the metal is a part of the node: without it the oxide and its carboxylates would be charged",
)
