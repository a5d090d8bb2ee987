"""Node: measured numbers of the nodes of frameworks, and the caps that their linkers are cut down to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import yaml

from atomsieve.builders import oxidation
from atomsieve.builders.clusters.draft import Draft
from atomsieve.builders.family import Parameter, one_of, true_or_false
from atomsieve.builders.ions import SURROGATE, Ion
from atomsieve.builders.vectors import Array, unit
from atomsieve.structures.site import ActiveSite

#: Where the numbers of nodes.yaml come from and may be used.
LICENCE: Final = "numbers measured in CoRE MOF 2019 (CC BY 4.0), doi 10.1021/acs.jced.9b00835"
CARBOXYLATES: Final[Mapping[str, Counter[str]]] = MappingProxyType(
    {"formate": Counter({"C": 1, "H": 1, "O": 2}), "benzoate": Counter({"C": 7, "H": 5, "O": 2})}
)


@cache
def _data() -> Mapping[str, Mapping[str, Any]]:
    text = files("atomsieve.builders.clusters").joinpath("nodes.yaml").read_text(encoding="utf-8")
    data: Mapping[str, Mapping[str, Any]] = yaml.safe_load(text)
    return data


def facts(node: str) -> Mapping[str, Any]:
    """Return the measured numbers of a node with their sources, Å and degrees."""
    return _data()[node]


def parameters(*caps: str) -> tuple[Parameter, ...]:
    """Return the last parameters of a node: ``caps`` where there is a choice, then those that every node has.

    Parameters
    ----------
    *caps : str
        What linkers may be cut down to; the first is the default.
    """
    title = "what linkers are cut down to"
    kinds = (Parameter("caps", title, caps[0], ", ".join(caps), one_of(*caps, what="cap")),) if caps else ()
    frozen = Parameter(
        "caps_frozen",
        "carbon and hydrogen of the caps stay where the framework has them",
        True,
        "true, false",
        true_or_false,
    )
    return (*kinds, frozen, oxidation.charge_parameter(), oxidation.multiplicity_parameter())


def site(
    draft: Draft,
    values: Mapping[str, Any],
    *,
    label: str,
    recipe: Mapping[str, Any],
    metals: tuple[int, ...],
    donors: tuple[tuple[int, ...], ...],
    normal: Iterable[float],
    provenance: Mapping[str, str],
    frozen: Iterable[int],
    ledger: Mapping[str, int],
    axial: tuple[tuple[int, ...], ...] = (),
    bonds: Iterable[tuple[int, int]] = (),
) -> ActiveSite:
    """Return a node as a site, with the charge, the multiplicity and the frozen caps of its recipe.

    Parameters
    ----------
    draft : Draft
        All its atoms and bonds.
    values : mapping
        Every parameter, settled.
    frozen : iterable of int
        Carbon and hydrogen of the caps, which stay where they are if the recipe says so.
    bonds : iterable of pair of int
        Those that are not in the draft.
    label, recipe, metals, donors, normal, provenance, ledger, axial
        As a site has them.
    """
    x, y, z = (float(component) for component in normal)
    return ActiveSite(
        label=label,
        recipe=recipe,
        atoms=draft.atoms(),
        kind="cluster",
        metals=metals,
        donors=donors,
        bonds=tuple(sorted([*draft.bonds, *bonds])),
        charge=values["charge"],
        normal=(x, y, z),
        provenance=provenance,
        axial=axial,
        frozen=tuple(frozen) if values["caps_frozen"] else (),
        ledger=ledger,
        multiplicity=values["multiplicity"],
    )


def measured(table: Mapping[str, Any]) -> dict[str, str]:
    """Return the provenance of a node that is built by distances, of :func:`facts`, and by the radii of its ions."""
    source = f"distances of {table['source']}; other ions by their radius, doi 10.1107/S0567739476001551"
    return {"source": source, "licence": LICENCE}


def carboxylates(number: int, caps: str) -> Counter[str]:
    """Return the atoms of a number of capped carboxylates, by element."""
    return Counter({symbol: number * count for symbol, count in CARBOXYLATES[caps].items()})


def suffix(values: Mapping[str, Any], caps: str | None, multiplicity: int) -> str:
    """Return what a label says of caps and spin where they are not the usual ones."""
    kind = f"-{values['caps']}" if caps is not None and values["caps"] != caps else ""
    spin = f"-{oxidation.spin_name(values['multiplicity'])}" if values["multiplicity"] != multiplicity else ""
    return kind + ("" if values["caps_frozen"] else "-free") + spin


def coupling(ions: Iterable[Ion]) -> dict[str, str]:
    """Return the remark that belongs to metals whose spins couple; nothing where there are not two."""
    return {"spin": SURROGATE} if sum(one.unpaired > 0 for one in ions) > 1 else {}


def bridge(
    draft: Draft, metals: tuple[int, int], lengths: tuple[float, float], outward: Array, caps: str
) -> tuple[tuple[int, int], list[int]]:
    """Put a carboxylate over two metals.

    Metals, carboxylate and ring lie in one plane. The oxygens keep their distance, each stands at its bond length from
    its metal and as far along the line of the metals as the other.

    Parameters
    ----------
    draft : Draft
        Holds the metals.
    metals : tuple of int
        Their indices.
    lengths : tuple of float
        Metal-oxygen bond of each, Å.
    outward : ndarray of float, shape (3,)
        To the side on which the carboxylate stands; what is along the line of the metals does not count.
    caps : str
        One of :data:`CARBOXYLATES`.

    Returns
    -------
    (int, int), list of int
        The oxygens in the order of their metals; carbon and hydrogen.
    """
    shape = facts("carboxylate")
    first, second = (draft.positions[metal] for metal in metals)
    along, apart = unit(second - first), float(np.linalg.norm(second - first))
    out = unit(outward - (outward @ along) * along)
    half = math.radians(shape["angle"] / 2)
    span = 2 * shape["carbon_oxygen"] * math.sin(half)
    # the slant that different bond lengths give shortens the span along the metals a little
    slant = 0.0
    for _ in range(20):
        shift = (apart - span * math.cos(slant)) / 2
        heights = [math.sqrt(length**2 - shift**2) for length in lengths]
        slant = math.asin((heights[1] - heights[0]) / span)
    oxygens = (
        draft.add("O", first + shift * along + heights[0] * out, metals[0]),
        draft.add("O", second - shift * along + heights[1] * out, metals[1]),
    )
    across = unit(draft.positions[oxygens[1]] - draft.positions[oxygens[0]])
    away = unit(out - (out @ across) * across)
    middle = (draft.positions[oxygens[0]] + draft.positions[oxygens[1]]) / 2
    carbon = draft.add("C", middle + shape["carbon_oxygen"] * math.cos(half) * away, *oxygens)
    return oxygens, [carbon, *_cap(draft, carbon, away, across, caps)]


def _cap(draft: Draft, carbon: int, away: Array, across: Array, caps: str) -> list[int]:
    shape, start = facts("carboxylate"), draft.positions[carbon]
    if caps == "formate":
        return [draft.add("H", start + shape["formyl_hydrogen"] * away, carbon)]
    middle = start + (shape["carbon_carbon"] + shape["ring"]) * away
    spokes = [math.cos(turn) * away + math.sin(turn) * across for turn in np.radians(np.arange(180.0, 540.0, 60.0))]
    return ring(draft, middle, spokes, carbon, shape["ring"])


def ring(draft: Draft, middle: Array, spokes: Sequence[Array], held: int, radius: float) -> list[int]:
    """Add a benzene ring, all but its first carbon with hydrogen.

    Parameters
    ----------
    draft : Draft
        Takes the atoms.
    middle : ndarray of float, shape (3,)
        Å.
    spokes : sequence of ndarray of float, shape (3,)
        Six unit vectors from the middle, neighbours following each other.
    held : int
        What the first carbon is bonded to.
    radius : float
        Å.

    Returns
    -------
    list of int
        All its atoms.
    """
    carbons: list[int] = []
    for spoke in spokes:
        carbons.append(draft.add("C", middle + radius * spoke, carbons[-1] if carbons else held))
    draft.bonds.append((carbons[0], carbons[-1]))
    reach = radius + facts("carboxylate")["ring_hydrogen"]
    rim = zip(spokes[1:], carbons[1:], strict=True)
    return [*carbons, *(draft.add("H", middle + reach * spoke, carbon) for spoke, carbon in rim)]
