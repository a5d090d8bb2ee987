"""MOF-74 chain: three metals of the M-O chain of M2(dobdc), the middle one with five oxygens and an open site."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from atomsieve.builders import ions
from atomsieve.builders.clusters import nodes
from atomsieve.builders.clusters.draft import Draft
from atomsieve.builders.family import REQUIRED, Family, Parameter, in_order, metals, one_of, recipe
from atomsieve.builders.ions import Ion
from atomsieve.builders.ledger import counted
from atomsieve.builders.vectors import Array, unit
from atomsieve.structures.site import ActiveSite

#: Metals of which a MOF-74 is known.
METALS: Final = ("Mg", "Mn", "Fe", "Co", "Ni", "Cu", "Zn")
_AS_METAL: Final = "same"
_ORDER: Final = ("metals", "host", "caps_frozen", "charge", "multiplicity")
_SCHEMA: Final = 1
# Å; up to here an oxygen of the crystal holds a metal.
_REACH: Final = 2.30


def _trio(values: Mapping[str, Any]) -> list[Ion]:
    return [Ion(values["metals"][0], 2), Ion(values["host"], 2), Ion(values["host"], 2)]


def ledger(values: Mapping[str, Any]) -> dict[str, int]:
    """Return the formal charges of the parts of the fragment."""
    parts = [(1, str(one), 2) for one in _trio(values)]
    return counted([*parts, (2, "2-oxidobenzoate", -2), (2, "hydrogen 2-oxidobenzoate", -1), (2, "H2O", 0)])


def settle(values: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Fill in the metal of the chain, charge and multiplicity."""
    host = values["metals"][0] if values["host"] == _AS_METAL else values["host"]
    values = {**values, "host": host}
    return (ions.balanced(values, ledger(values), _trio(values)),)


def label(values: Mapping[str, Any]) -> str:
    """Return what a chemist calls the fragment: ``Mg-MOF-74-chain``, ``Fe@Mg-MOF-74-chain``."""
    (metal,), host = values["metals"], values["host"]
    name = f"{metal}-MOF-74" if metal == host else f"{metal}@{host}-MOF-74"
    return f"{name}-chain{nodes.suffix(values, None, 1 + sum(one.unpaired for one in _trio(values)))}"


@cache
def _placed() -> Callable[[str, int, tuple[int, int, int]], Array]:
    """Return the function that gives the position of an image of a site, Å; a prime marks the other half."""
    table = nodes.facts("MOF-74")
    length, height = table["cell"]
    cell = np.array([[length, 0, 0], [-length / 2, length * math.sqrt(3) / 2, 0], [0, 0, height]])
    turn = np.array([[0, -1, 0], [1, -1, 0], [0, 0, 1]])
    origin = np.array(table["sites"]["M"])

    def place(site: str, turns: int, shift: tuple[int, int, int]) -> Array:
        fraction = np.array(table["sites"][site.rstrip("'")])
        if site.endswith("'"):
            fraction = 2 * np.array(table["centre"]) - fraction
        image = np.linalg.matrix_power(turn, turns) @ fraction + np.array(shift) / 3
        return np.asarray((image - origin) @ cell)

    return place


def _linker(draft: Draft, image: tuple[int, tuple[int, int, int]]) -> tuple[dict[str, int], list[int]]:
    """Add half a linker with its whole ring; return its oxygens by their sites, and its carbon and hydrogen."""
    place = _placed()
    index = {"C1": draft.add("C", place("C1", *image))}
    for site, held in (("C2", "C1"), ("C3'", "C2"), ("C1'", "C3'"), ("C2'", "C1'"), ("C3", "C2'"), ("C4", "C2")):
        index[site] = draft.add("C", place(site, *image), index[held])
    draft.bonds.append((index["C1"], index["C3"]))
    # what is cut off is replaced by hydrogen along its bond
    beyond = {"C3": "H3", "C3'": "H3'", "C1'": "O1'", "C2'": "C4'"}
    for carbon, site in beyond.items():
        here = draft.positions[index[carbon]]
        away = unit(place(site, *image) - here)
        index[site] = draft.add("H", here + nodes.facts("carboxylate")["ring_hydrogen"] * away, index[carbon])
    oxygens = {
        site: draft.add("O", place(site, *image), index[carbon])
        for site, carbon in (("O1", "C1"), ("O2", "C4"), ("O3", "C4"))
    }
    return oxygens, list(index.values())


def _opposite(bonds: list[Array]) -> Array:
    """Return the way against the apex of a square pyramid: of those against a bond the farthest from all others."""
    return -min(bonds, key=lambda bond: max(float(-bond @ other) for other in bonds))


def build(values: Mapping[str, Any]) -> ActiveSite:
    """Build the fragment: three metals, the four linkers of the middle one, two of them with a proton, two waters.

    Every atom of the framework stands where cobalt's framework has it, whatever the metal: the distances of others
    differ by their ionic radii, at most 0.09 Å (Mn) from those of cobalt's.

    Parameters
    ----------
    values : mapping
        Every parameter, settled.

    Returns
    -------
    ActiveSite
        The middle metal at the origin, its neighbours, the linkers one by one, waters and protons. The normal points
        from the middle metal away from its oxygens, into the channel.
    """
    table, place, trio = nodes.facts("MOF-74"), _placed(), _trio(values)
    draft = Draft()
    chain = [
        draft.add(one.metal, place("M", turns, tuple(shift)))
        for one, (turns, shift) in zip(trio, table["metals"], strict=True)
    ]
    donors: list[int] = []
    frozen: list[int] = []
    oxygens: list[dict[str, int]] = []
    for turns, shift in table["linkers"]:
        held, cap = _linker(draft, (turns, tuple(shift)))
        oxygens.append(held)
        frozen += cap
        for metal in chain:
            for oxygen in held.values():
                if np.linalg.norm(draft.positions[oxygen] - draft.positions[metal]) < _REACH:
                    draft.bonds.append((metal, oxygen))
                    donors += [oxygen] if metal == chain[0] else []
    wet = [
        (draft.add("O", place(site, turns, tuple(shift)), chain[metal]), 2)
        for site, turns, shift, metal in table["waters"]
    ]
    outward = _opposite([unit(draft.positions[oxygen]) for oxygen in donors])
    draft.protonate([(oxygens[linker][site], 1) for linker, site in table["protons"]] + wet, [2.0 * outward])
    return nodes.site(
        draft,
        values,
        label=label(values),
        recipe=recipe("MOF-74-chain", _SCHEMA, values, _ORDER),
        metals=(chain[0],),
        donors=(tuple(donors),),
        normal=outward,
        provenance={
            "source": f"sites of {table['source']}",
            "licence": nodes.LICENCE,
            **nodes.coupling(trio),
        },
        frozen=sorted(frozen),
        ledger=ledger(values),
    )


def formula(values: Mapping[str, Any]) -> Counter[str]:
    """Return what a recipe must come to, number of atoms by element."""
    # four 2-oxidobenzoates C7H4O3, two protons, two waters
    return Counter([*values["metals"], values["host"], values["host"]]) + Counter({"C": 28, "H": 22, "O": 14})


FAMILY: Final = Family(
    name="MOF-74-chain",
    title="three metals of the chain of MOF-74, the middle one open",
    parameters=in_order(
        Parameter("metals", "the metal", REQUIRED, f"one of {', '.join(METALS)}", metals(1, allowed=METALS)),
        Parameter(
            "host",
            "the metal of the chain",
            _AS_METAL,
            f"{_AS_METAL}, {', '.join(METALS)}",
            one_of(_AS_METAL, *METALS, what="metal of the chain"),
        ),
        *nodes.parameters(),
    ),
    build=build,
    formula=formula,
    shells=MappingProxyType({"O": (1.93, 2.20)}),
    settle=settle,
    examples=(
        {"metals": "Mg"},
        {"metals": "Co"},
        {"metals": "Fe", "host": "Mg"},
    ),
    schema=_SCHEMA,
    inseparable="the metal is a part of the chain: without it its phenolates and carboxylates would be charged",
)
