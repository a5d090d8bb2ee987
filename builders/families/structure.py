"""Structure: a site in a structure that a person brings along, as it is or cut out as a cluster."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from ase.data import atomic_numbers, chemical_symbols

from atomsieve.builders.bonding import METALS
from atomsieve.builders.family import (
    REQUIRED,
    Family,
    Parameter,
    in_order,
    metals,
    one_of,
    recipe,
    whole_number,
    written,
)
from atomsieve.builders.files import crystals, reading
from atomsieve.builders.files.carving import Carver, Fragment
from atomsieve.builders.files.parents import CHOICES, Parent, normal_of, parent, parse_choice
from atomsieve.structures.errors import InputError, ParameterError
from atomsieve.structures.site import ActiveSite

#: Shortest and longest distance of a metal and a donor, Å, by the element of the donor: a structure is taken as it is,
#: so that only what can be no bond of any metal is refused.
SHELLS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        **dict.fromkeys(("C", "N", "O", "F"), (1.50, 3.10)),
        **dict.fromkeys(("B", "Si", "P", "S", "Cl"), (1.70, 3.40)),
        **dict.fromkeys(("As", "Se", "Br", "Te", "I"), (1.90, 3.80)),
        "H": (1.30, 2.40),
    }
)
_AS_GIVEN = "as given"
_NONE = "none"
_ORDER = ("file", "site", "metals", "carve", "caps", "charge")
_SCHEMA = 1


def parse_file(value: Any) -> tuple[dict[str, Any], ...]:
    """Read a structure, and refuse one that is disordered or lacks hydrogens; see :func:`reading.parse`."""
    (data,) = reading.parse(value)
    wrong = parent(data).complaints
    if wrong:
        raise InputError(f"{value if isinstance(value, str) else data['name']}: " + "; ".join(wrong))
    return (data,)


def parse_metals(value: Any) -> tuple[Any, ...]:
    """Read the metals that stand at the site: those of the file, or one for each of its own, as ``Fe-Co``."""
    if value == _AS_GIVEN:
        return (_AS_GIVEN,)
    if isinstance(value, list | tuple):
        return metals(len(value), allowed=METALS)(value if len(value) > 1 else value[0])
    number = len(re.split(r"[-+/]", value)) if isinstance(value, str) else 1
    if number > 3:
        raise InputError(f"{value!r} names {number} metals; a site has one to three")
    return metals(number, allowed=METALS)(value)


def parse_carve(value: Any) -> tuple[str | float]:
    """Read how much is cut out: nothing, a radius in Å, or a number of bonds."""
    if value == _NONE or value is False:
        return (_NONE,)
    if isinstance(value, int | float) and not isinstance(value, bool) and 1.0 <= value <= 15.0:
        return (float(value),)
    match = re.fullmatch(r"\s*([0-9]{1,2})\s*bonds?\s*", value) if isinstance(value, str) else None
    if match is not None and 1 <= int(match[1]) <= 20:
        return (f"{int(match[1])} bonds",)
    raise InputError(f"{value!r} is no cluster; write none, a radius of 1 to 15 (Å, without quotes), or 1 to 20 bonds")


def settle(values: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Yield a recipe for each metal that the choice stands for, with the metals of the file written out."""
    of = parent(values["file"])
    try:
        chosen = of.choose(values["site"])
    except InputError as error:
        raise ParameterError("site", str(error)) from None
    carve = values["carve"]
    if values["charge"] and of.kind != "cluster" and carve == _NONE:
        raise ParameterError(
            "charge",
            f"{values['charge']:+d} is not possible in a periodic cell; write 0, or carve a cluster that has it",
        )
    for site in chosen:
        given = [of.graph.symbol(metal) for metal in site]
        wanted = given if values["metals"] == _AS_GIVEN else list(values["metals"])
        if len(wanted) != len(site):
            raise ParameterError(
                "metals",
                f"{'-'.join(wanted)} are {len(wanted)}, but the site has {len(site)} ({'-'.join(given)}); write one "
                f"for each, or {_AS_GIVEN}",
            )
        if carve != _NONE:
            _carved(of, site, carve)
        yield {
            **values,
            "site": site[0] if len(site) == 1 else "+".join(map(str, site)),
            "metals": wanted,
            "caps": values["caps"] if carve != _NONE else "frozen",
        }


@lru_cache(maxsize=64)
def _fragment(of: Parent, site: tuple[int, ...], carve: str | float) -> Fragment:
    carver = Carver(of.atoms, of.graph)
    if isinstance(carve, str):
        return carver.around(site, bonds=int(carve.split()[0]))
    return carver.around(site, radius=carve)


def _carved(of: Parent, site: tuple[int, ...], carve: str | float) -> Fragment:
    try:
        return _fragment(of, site, carve)
    except InputError as error:
        raise ParameterError(
            "carve", f"{carve} around {of.graph.symbol(site[0])}{site[0]} of {of.name}: {error}"
        ) from None


def _chosen(values: Mapping[str, Any]) -> tuple[Parent, tuple[int, ...]]:
    return parent(values["file"]), tuple(int(part) for part in str(values["site"]).split("+"))


def build(values: Mapping[str, Any]) -> ActiveSite:
    """Take a structure, put the wanted metals where its own are, and cut out a cluster if one is wanted.

    Nothing else is moved: bonds of a metal that was put in have the length of those before.

    Parameters
    ----------
    values : mapping
        ``file``, ``site``, ``metals``, ``carve``, ``caps`` and ``charge``.

    Returns
    -------
    ActiveSite
        Atoms in the order of the file; of a cluster, the hydrogens that close it last.
    """
    of, site = _chosen(values)
    symbols, carve = list(values["metals"]), values["carve"]
    given = [of.graph.symbol(metal) for metal in site]
    provenance: dict[str, Any] = {
        "source": crystals.source(of.name)
        if reading.comes_along(values["file"])
        else f"{of.name}, as a person gave it",
        "geometry": of.key,
        "remarks": "geometry as given" if symbols == given else f"{'-'.join(symbols)} in place of {'-'.join(given)}",
    }
    label = f"{''.join(symbols)}@{of.name}-" + "".join(f"{s}{i}" for s, i in zip(given, site, strict=True))
    label += f"-{of.shell(*site)}"
    made = ActiveSite(
        label=label,
        recipe=recipe("structure", _SCHEMA, values, _ORDER),
        atoms=of.atoms.copy(),
        kind=of.kind,
        metals=site,
        donors=tuple(of.graph.donors(metal) for metal in site),
        bonds=of.graph.bonds,
        charge=values["charge"],
        normal=normal_of(of, site),
        provenance=provenance,
    )
    if carve != _NONE:
        cut = _carved(of, site, carve)
        made = replace(
            made,
            label=f"{label}-{carve.replace(' ', '') if isinstance(carve, str) else written(carve) + 'A'}"
            + ("-free" if values["caps"] == "free" else ""),
            atoms=cut.atoms.copy(),
            kind="cluster",
            metals=cut.metals,
            donors=cut.donors,
            bonds=cut.bonds,
            frozen=cut.caps if values["caps"] == "frozen" else (),
            provenance={
                **provenance,
                "parent_atoms": list(cut.parents),
                "parent_cells": [list(cell) for cell in cut.cells],
                "caps": list(cut.caps),
            },
        )
    atoms = made.atoms
    atoms.numbers[list(made.metals)] = [atomic_numbers[symbol] for symbol in symbols]
    charge = f"-q{values['charge']:+d}" if values["charge"] else ""
    mark = "" if reading.comes_along(values["file"]) else f"-{of.key[:6]}"
    return replace(made, label=f"{made.label}{charge}{mark}")


def formula(values: Mapping[str, Any]) -> Counter[str]:
    """Return what a recipe must come to: the atoms of the file, or those kept and a hydrogen for each bond cut."""
    of, site = _chosen(values)
    numbers = list(values["file"]["numbers"])
    for metal, symbol in zip(site, values["metals"], strict=True):
        numbers[metal] = atomic_numbers[symbol]
    if values["carve"] == _NONE:
        return Counter(chemical_symbols[number] for number in numbers)
    cut = _carved(of, site, values["carve"])
    kept = [node for position, node in enumerate(zip(cut.parents, cut.cells, strict=True)) if position not in cut.caps]
    inside = set(kept)
    counts = Counter(of.graph.symbol(atom) for atom, _ in kept)
    for atom, (a, b, c) in kept:
        for other, (p, q, r), _ in of.graph.links[atom]:
            counts["H"] += (other, (a + p, b + q, c + r)) not in inside
    counts.subtract(of.graph.symbol(metal) for metal in site)
    counts.update(values["metals"])
    return +counts


FAMILY: Final = Family(
    name="structure",
    title="a site in a structure of your own",
    parameters=in_order(
        Parameter("file", "the structure", REQUIRED, reading.ALLOWED, parse_file, is_path=True),
        Parameter("site", "the metal of the site", "each", CHOICES, parse_choice),
        Parameter(
            "metals",
            "the metals at the site",
            _AS_GIVEN,
            f"{_AS_GIVEN}, or a metal; Fe-Co for a site of two",
            parse_metals,
        ),
        Parameter(
            "carve",
            "the cluster that is cut out around the metal",
            _NONE,
            f"{_NONE}, a radius of 1 to 15 Å, or 1 to 20 bonds; groups that it reaches are kept whole",
            parse_carve,
        ),
        Parameter(
            "caps",
            "whether the hydrogens that close the cluster are held",
            "frozen",
            "frozen, free",
            one_of("frozen", "free", what="treatment of caps"),
        ),
        Parameter("charge", "total charge of a cluster", 0, "a whole number from -12 to 12", whole_number(-12, 12)),
    ),
    build=build,
    formula=formula,
    shells=SHELLS,
    settle=settle,
    examples=(
        {"file": "HKUST-1", "site": "Cu-O4", "carve": 2.5},
        {"file": "HKUST-1", "metals": "Ru"},
    ),
    schema=_SCHEMA,
)
