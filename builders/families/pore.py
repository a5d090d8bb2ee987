"""Pore: a complex in the largest cavity of a framework, with the fit stated."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, chemical_symbols
from ase.geometry import find_mic

from atomsieve.builders.families.structure import SHELLS, parse_file, parse_metals
from atomsieve.builders.family import Family, Parameter, in_order, recipe
from atomsieve.builders.files import crystals, reading
from atomsieve.builders.files.parents import parent
from atomsieve.builders.pores.cavities import Cavity, Host, cavity, radii
from atomsieve.builders.pores.fitting import CONTACT, ORIENTATIONS, Pose, fitted
from atomsieve.builders.pores.guests import KINDS, Guest, guest, own_metals
from atomsieve.structures.errors import InputError, ParameterError
from atomsieve.structures.identity import canonical
from atomsieve.structures.site import ActiveSite

_AS_GIVEN = "as given"
_ORDER = ("guest", "metals", "cage")
_SCHEMA = 1
#: Formal charges of the frameworks that come along, in their primitive cells.
_LEDGERS: Final[Mapping[str, Mapping[str, int]]] = {
    "ZIF-8": {"6 Zn2+": 12, "12 mIm-": -12},
    "HKUST-1": {"12 Cu2+": 24, "8 btc3-": -24},
}


def parse_guest(value: Any) -> tuple[Any, ...]:
    """Read a guest: its name, or the path of a molecule with metals."""
    if isinstance(value, str) and value in KINDS:
        return (value,)
    if isinstance(value, str) and value in crystals.names():
        raise InputError(f"{value!r} is a framework; write {', '.join(KINDS)}, or the path of a molecule")
    try:
        (data,) = parse_file(value)
    except InputError as error:
        raise InputError(f"{error}; guests by name: {', '.join(KINDS)}") from None
    own_metals(data)
    return (data,)


def parse_cage(value: Any) -> tuple[dict[str, Any], ...]:
    """Read a framework: one that comes along, or the path of a crystal."""
    (data,) = parse_file(value)
    if parent(data).kind != "bulk":
        raise InputError(f"{data['name']} is no crystal; write ZIF-8, HKUST-1, or the path of the CIF of a framework")
    return (data,)


@lru_cache(maxsize=8)
def _host(cage: str) -> tuple[Host, Cavity]:
    host = Host(parent(json.loads(cage)).atoms)
    return host, cavity(host)


@dataclass(frozen=True, eq=False)
class _Placed:
    """A guest in its cavity, and how it would do in the window."""

    guest: Guest
    cavity: Cavity
    pose: Pose
    window: Pose | None
    middle: np.ndarray


@lru_cache(maxsize=64)
def _placed(what: str, metals: tuple[str, ...], cage: str) -> _Placed:
    host, hole = _host(cage)
    inside = guest(json.loads(what), list(metals))
    numbers = [atomic_numbers[symbol] for symbol in inside.symbols]
    middle = (inside.positions.max(axis=0) + inside.positions.min(axis=0)) / 2
    pose = fitted(host, inside.positions - middle, numbers, hole.centre)
    passing = None
    if hole.window_centre is not None:
        passing = fitted(host, inside.positions - middle, numbers, hole.window_centre, hole.window_axis)
    return _Placed(inside, hole, pose, passing, middle)


def _place(values: Mapping[str, Any]) -> _Placed:
    return _placed(canonical(values["guest"]), tuple(values["metals"]), canonical(values["cage"]))


def settle(values: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Write out the metals, and refuse a guest that is not known of them or has no room."""
    what, metals = values["guest"], values["metals"]
    if metals == _AS_GIVEN:
        if isinstance(what, str):
            raise ParameterError("metals", f"{what} needs a metal; write one of {', '.join(KINDS[what].metals)}")
        metals = [parent(what).graph.symbol(metal) for metal in own_metals(what)]
    settled = {**values, "metals": list(metals)}
    try:
        placed = _place(settled)
    except InputError as error:
        raise ParameterError("metals", str(error)) from None
    if placed.pose.contact < CONTACT:
        bare, whole = _diameters(placed.guest)
        raise ParameterError(
            "guest",
            f"{placed.guest.title} does not fit into {values['cage']['name']}: of {ORIENTATIONS} orientations the best "
            f"leaves {placed.pose.contact:.2f} of the van der Waals distance, {CONTACT:g} is needed (it is "
            f"{bare:.1f} Å long, {whole:.1f} Å with radii; the cavity is {placed.cavity.diameter:.1f} Å wide); write a "
            "smaller guest or a wider cage",
        )
    yield settled


def _diameters(inside: Guest) -> tuple[float, float]:
    """Return the longest distance of two atoms of a guest, without and with their van der Waals radii, Å."""
    own = radii([atomic_numbers[symbol] for symbol in inside.symbols])
    gaps = np.linalg.norm(inside.positions[:, None] - inside.positions, axis=-1)
    return float(gaps.max()), float((gaps + own[:, None] + own).max())


def fit(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a guest fits: diameters (Å), contacts (shares of the van der Waals distance), what follows.

    Whether it enters, and whether it stays, is told by the contacts of its atoms at the narrowest place of the window,
    in the best of all orientations, never by diameters. The framework is rigid here: ZIF-8 opens a little, so that a
    contact just below the limit does not exclude that a guest passes.
    """
    placed = _place(values)
    bare, whole = _diameters(placed.guest)
    hole, window = placed.cavity, placed.window
    passes = window is not None and window.contact >= CONTACT
    return {
        "guest_length": round(bare, 2),
        "guest_length_with_radii": round(whole, 2),
        "cavity_diameter": round(hole.diameter, 2),
        "window_diameter": round(hole.window, 2),
        "contact": round(placed.pose.contact, 3),
        "orientations_that_fit": f"{placed.pose.fitting} of {ORIENTATIONS}",
        "contact_in_window": None if window is None else round(window.contact, 3),
        "enters": "through the window" if passes else "no: it is made inside, or the framework around it",
        "stays": "no: it leaves through the window" if passes else "yes: it does not pass the window",
        "needed_contact": CONTACT,
    }


def build(values: Mapping[str, Any]) -> ActiveSite:
    """Put a guest into the largest cavity of a framework.

    Parameters
    ----------
    values : mapping
        ``guest``, ``metals`` and ``cage``.

    Returns
    -------
    ActiveSite
        The framework in the order of its own structure, its atoms in the cells nearest to the guest, then the guest.
    """
    of, placed = parent(values["cage"]), _place(values)
    inside, pose, count = placed.guest, placed.pose, len(of.atoms)
    positions = (inside.positions - placed.middle) @ pose.rotation.T + pose.centre
    atoms = of.atoms + Atoms(inside.symbols, positions)
    # the cage around its guest, both in the middle of the cell
    atoms.positions[:count] = pose.centre + find_mic(of.atoms.positions - pose.centre, of.atoms.cell)[0]
    atoms.positions += of.atoms.cell.array.sum(axis=0) / 2 - pose.centre
    known = reading.comes_along(values["cage"])
    label = f"{inside.title}@{of.name}" + ("" if known else f"-{of.key[:6]}")
    if not isinstance(values["guest"], str):
        label += f"-{parent(values['guest']).key[:6]}"
    x, y, z = (float(component) for component in pose.rotation @ np.array(inside.normal))
    stated = known and bool(inside.ledger)
    saturated = (
        "; its metal is saturated: nothing binds before a ligand leaves" if values["guest"] == "M(acac)3" else ""
    )
    return ActiveSite(
        label=label,
        recipe=recipe("pore", _SCHEMA, values, _ORDER),
        atoms=atoms,
        kind="bulk",
        metals=tuple(count + metal for metal in inside.metals),
        donors=tuple(tuple(count + donor for donor in group) for group in inside.donors),
        bonds=(*of.graph.bonds, *((count + i, count + j) for i, j in inside.bonds)),
        normal=(x, y, z),
        provenance={
            "source": f"guest: {inside.source}; cage: "
            + (crystals.source(of.name) if known else f"{of.name}, as a person gave it"),
            "remarks": f"one guest in the largest cavity, one cavity a cell{saturated}",
            "fit": fit(values),
        },
        ledger={**_LEDGERS[of.name], **inside.ledger} if stated else {},
        multiplicity=inside.multiplicity if known and of.name == "ZIF-8" else None,
    )


def formula(values: Mapping[str, Any]) -> Counter[str]:
    """Return what a recipe must come to, number of atoms by element."""
    counts = Counter(chemical_symbols[number] for number in values["cage"]["numbers"])
    what = values["guest"]
    if isinstance(what, str):
        return counts + KINDS[what].composition + Counter(values["metals"])
    numbers = Counter(chemical_symbols[number] for number in what["numbers"])
    numbers.subtract(parent(what).graph.symbol(metal) for metal in own_metals(what))
    return counts + numbers + Counter(values["metals"])


FAMILY: Final = Family(
    name="pore",
    title="a complex in the cavity of a framework",
    parameters=in_order(
        Parameter(
            "guest",
            "the complex",
            "M(acac)3",
            f"{', '.join(KINDS)}, or the path of a molecule with one to three metals",
            parse_guest,
            is_path=True,
        ),
        Parameter(
            "metals",
            "the metals of the guest",
            _AS_GIVEN,
            f"a metal of which the guest is known; {_AS_GIVEN} for a molecule of your own",
            parse_metals,
        ),
        Parameter(
            "cage",
            "the framework",
            "ZIF-8",
            "ZIF-8, HKUST-1, or the path of the CIF of a framework",
            parse_cage,
            is_path=True,
        ),
    ),
    build=build,
    formula=formula,
    shells=SHELLS,
    settle=settle,
    examples=(
        {"guest": "M(acac)3", "metals": "Fe", "cage": "ZIF-8"},
        {"guest": "metallocene", "metals": "Fe", "cage": "ZIF-8"},
        {"guest": "phthalocyanine", "metals": "Co", "cage": "HKUST-1"},
    ),
    schema=_SCHEMA,
    inseparable="the guest holds its metal on its own and leaves the pore as a whole: its ligands are no support",
)
