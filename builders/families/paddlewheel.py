"""Paddlewheel: two metals that four carboxylates bridge, M2(O2CR)4, as in HKUST-1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from atomsieve.builders import ions, oxidation
from atomsieve.builders.clusters import nodes
from atomsieve.builders.clusters.draft import Draft
from atomsieve.builders.family import REQUIRED, Family, Parameter, in_order, recipe
from atomsieve.builders.ions import Ion
from atomsieve.builders.ledger import counted
from atomsieve.structures.errors import ParameterError
from atomsieve.structures.site import ActiveSite

#: Metals whose paddlewheel has been measured.
METALS: Final = tuple(nodes.facts("paddlewheel"))
_ORDER: Final = ("metals", "caps", "caps_frozen", "charge", "multiplicity")
_SCHEMA: Final = 1


def states(metals: list[str], charge: int) -> tuple[Ion, Ion]:
    """Return the metals in the oxidation states that a charge of the node leaves them, as alike as can be.

    Raises
    ------
    ParameterError
        If they do not take such states.
    """
    total = 4 + charge
    pairs = [
        (first, total - first)
        for first in sorted(range(1, 4), key=lambda state: (abs(2 * state - total), -state))
        if abs(2 * first - total) <= 1
        and all(state in oxidation.STATES[metal] for metal, state in zip(metals, (first, total - first), strict=True))
    ]
    if not pairs:
        raise ParameterError(
            "charge",
            f"{charge:+d} leaves {total} positive charges to {' and '.join(metals)}, which they do not take; "
            f"write 0, or {oxidation.AUTO}",
        )
    first, second = pairs[0]
    return Ion(metals[0], first), Ion(metals[1], second)


def unpaired(pair: tuple[Ion, Ion]) -> int:
    """Return the number of unpaired electrons of two metals.

    Metals that are bonded fill σ, two π and δ in pairs, then the nearly equal δ* and two π* one by one, as
    Ru2(O2CR)4 with two and its cation with three unpaired electrons do (Coord. Chem. Rev. 170 (1998) 141, doi
    10.1016/S0010-8545(97)00079-9); others keep the spins of the ions, taken as parallel.

    Parameters
    ----------
    pair : tuple of Ion
        Both metals.
    """
    if not all(nodes.facts("paddlewheel")[one.metal]["bonded"] for one in pair):
        return sum(one.unpaired for one in pair)
    electrons = sum(oxidation.d_electrons(one.metal, one.state) for one in pair)
    if electrons <= 8 or electrons >= 14:
        return electrons % 2
    return 3 - abs(electrons - 11)


def ledger(values: Mapping[str, Any], pair: tuple[Ion, Ion]) -> dict[str, int]:
    """Return the formal charges of the parts of a paddlewheel."""
    first, second = pair
    if first.metal == second.metal and first != second:
        total = first.state + second.state
        metals = {f"{first.metal}2 {total}+": total}
    else:
        metals = counted((1, str(one), one.state) for one in pair)
    return {**metals, f"4 {values['caps']}": -4}


def settle(values: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Fill in charge and multiplicity."""
    charge = 0 if values["charge"] == oxidation.AUTO else values["charge"]
    pair = states(values["metals"], charge)
    return (ions.balanced(values, ledger(values, pair), pair, unpaired(pair)),)


def label(values: Mapping[str, Any]) -> str:
    """Return what a chemist calls a paddlewheel: ``Cu2-paddlewheel``, ``Ru2(5+)-paddlewheel``."""
    first, second = values["metals"]
    metals = f"{first}2" if first == second else f"{first}{second}"
    state = f"({4 + values['charge']}+)" if values["charge"] else ""
    usual = 1 + unpaired(states(values["metals"], values["charge"]))
    return f"{metals}{state}-paddlewheel{nodes.suffix(values, 'formate', usual)}"


def build(values: Mapping[str, Any]) -> ActiveSite:
    """Build a paddlewheel, D4h with two metals alike and C4v with two that differ.

    Parameters
    ----------
    values : mapping
        Every parameter, settled.

    Returns
    -------
    ActiveSite
        Both metals on the z axis, the second above the first, then the carboxylates one by one. An adsorbate binds
        outside, along the axis.
    """
    table, pair = nodes.facts("paddlewheel"), states(values["metals"], values["charge"])
    apart = sum(table[metal]["metal_metal"] for metal in values["metals"]) / 2
    draft = Draft()
    metals = draft.add(values["metals"][0], np.zeros(3)), draft.add(values["metals"][1], np.array([0.0, 0.0, apart]))
    lengths = table[values["metals"][0]]["metal_oxygen"], table[values["metals"][1]]["metal_oxygen"]
    donors: tuple[list[int], list[int]] = ([], [])
    frozen: list[int] = []
    for outward in np.array([[1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]], dtype=float):
        oxygens, cap = nodes.bridge(draft, metals, lengths, outward, values["caps"])
        for held, oxygen in zip(donors, oxygens, strict=True):
            held.append(oxygen)
        frozen += cap
    bonded = all(table[metal]["bonded"] for metal in values["metals"])
    sources = "; ".join(table[metal]["source"] for metal in dict.fromkeys(values["metals"]))
    return nodes.site(
        draft,
        values,
        label=label(values),
        recipe=recipe("paddlewheel", _SCHEMA, values, _ORDER),
        metals=metals,
        donors=(tuple(donors[0]), tuple(donors[1])),
        bonds=[metals] if bonded else (),
        normal=(0.0, 0.0, 1.0),
        provenance={
            "source": f"distances of {sources}; carboxylate {nodes.facts('carboxylate')['source']}",
            "licence": f"{nodes.LICENCE}, or as published",
            **({} if bonded else nodes.coupling(pair)),
        },
        frozen=frozen,
        ledger=ledger(values, pair),
    )


def formula(values: Mapping[str, Any]) -> Counter[str]:
    """Return what a recipe must come to, number of atoms by element."""
    return Counter(values["metals"]) + nodes.carboxylates(4, values["caps"])


FAMILY: Final = Family(
    name="paddlewheel",
    title="two metals bridged by four carboxylates, as in HKUST-1",
    parameters=in_order(
        Parameter(
            "metals",
            "both metals",
            REQUIRED,
            f"one symbol for both, or two as Cu-Ru; of {', '.join(METALS)}",
            ions.alike_or_named(2, METALS),
        ),
        *nodes.parameters("formate", "benzoate"),
    ),
    build=build,
    formula=formula,
    shells=MappingProxyType({"O": (1.90, 2.15)}),
    settle=settle,
    examples=(
        {"metals": "Cu"},
        {"metals": "Mo"},
        {"metals": "Ru", "charge": 1},
        {"metals": "Co-Zn", "caps": "benzoate"},
    ),
    schema=_SCHEMA,
    inseparable="without its metals a paddlewheel is four carboxylates that nothing holds together",
)
