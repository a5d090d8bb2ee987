"""Vacancy: a site without its metals, with hydrogens in their place, or with a second atom on its metal.

They are what the stability of a site is told against: the support that a metal leaves behind, what protons make of it,
and the smallest cluster that the metal may grow into.
"""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii

from atomsieve.builders import hole
from atomsieve.builders.bonding import is_metal
from atomsieve.builders.cells import to_nearest_image
from atomsieve.builders.entries import site_of, values_of
from atomsieve.builders.family import Family
from atomsieve.builders.family import recipe as family_recipe
from atomsieve.builders.poses.faces import open_directions
from atomsieve.builders.validation import validate
from atomsieve.builders.vectors import Array, across
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.identity import canonical
from atomsieve.structures.site import ActiveSite

#: The key that a recipe has more than that of the site.
KEY: Final = "variant"
VACANT, HYDROGENATED, STACKED = "vacant", "hydrogenated", "stacked"
VARIANTS: Final = (VACANT, HYDROGENATED, STACKED)
#: Which metals a hole is drawn with. The bond lengths of all families are stated for cobalt, and larger metals widen
#: their holes; the others stand in for metals that differ where a recipe names dopants by which metals are alike.
_DRAWN_WITH: Final = ("Co", "Ni", "Cu")
#: What a metal carries, by the parameter that says so, and the value that a hole is drawn with.
_CARRIED: Final[Mapping[str, str]] = MappingProxyType({"axial": "none", "anions": "Cl", "shape": "square-planar"})
_AUTO: Final = "auto"
#: Degrees by which a second metal leans from the open direction of the first, and by which the way that it leans to is
#: turned from a donor: so that no symmetry of the start holds it.
_TILT, _TURN = 20.0, 20.0


def problem(family: Family | None, recipe: Mapping[str, Any], variant: str) -> str:
    """Say why a site has no such variant; nothing where it has.

    Parameters
    ----------
    family : Family or None
        The one of the recipe; None for one that no builder knows.
    recipe : mapping
        Of the site.
    variant : {"vacant", "hydrogenated", "stacked"}
        Which one.

    Raises
    ------
    InputError
        If the variant is unknown, or the recipe not complete.
    """
    if variant not in VARIANTS:
        raise InputError(unknown(variant, VARIANTS, "variant"))
    if family is None:
        return f"no builder makes sites of {recipe['family']}, so that their support without a metal is not known"
    if KEY in recipe:
        return f"it is a {recipe[KEY]} site itself"
    if family.inseparable:
        return family.inseparable
    try:
        drawn = _drawn_with(family, recipe)
        if family.name == "structure" or variant == HYDROGENATED:
            _made(family, canonical(drawn), VACANT if variant == STACKED else variant)
        if variant == STACKED:
            _made(family, canonical(dict(recipe)), STACKED)
    except InputError as error:
        return str(error)
    return ""


def recipe_of(family: Family, recipe: Mapping[str, Any], variant: str) -> dict[str, Any]:
    """Return the recipe of a variant that a site has; the same for all metals of a support unless they are stacked."""
    return {**(dict(recipe) if variant == STACKED else _drawn_with(family, recipe)), KEY: variant}


def build(family: Family, recipe: Mapping[str, Any]) -> ActiveSite:
    """Build and validate a variant.

    Parameters
    ----------
    family : Family
        The one of the recipe.
    recipe : mapping
        As :func:`recipe_of` gives it.

    Raises
    ------
    InputError
        If there is no such site, or its recipe is not in its final form.
    BuildError
        If the site came out wrong.
    """
    own = {key: value for key, value in recipe.items() if key != KEY}
    if wrong := problem(family, own, recipe[KEY]):
        raise InputError(f"there is no {recipe[KEY]} site of {family.name}: {wrong}")
    final = recipe_of(family, own, recipe[KEY])
    if canonical(final) != canonical(dict(recipe)):
        changed = {key: value for key, value in final.items() if recipe.get(key) != value}
        raise InputError(f"the recipe of the {recipe[KEY]} {family.name} is drawn with {changed}; write it so")
    site = _made(family, canonical(own), recipe[KEY])
    validate(site, replace(family, formula=partial(_formula, family)))
    return replace(site, atoms=site.atoms.copy(), recipe=final)


def _drawn_with(family: Family, recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return the recipe of the site that a support without metals is drawn from.

    Raises
    ------
    InputError
        If the family has no such site.
    """
    values = values_of(family, recipe)
    kinds = sorted(set(values["metals"]), key=lambda symbol: atomic_numbers[symbol])
    # dopants are named by the symmetry that the metals leave, and so by which of them are alike
    alike = str(values.get("dopants", "none")) == "none"
    stand_in = {symbol: _DRAWN_WITH[0 if alike else place] for place, symbol in enumerate(kinds)}
    drawn = {**values, "metals": [stand_in[symbol] for symbol in values["metals"]]}
    drawn |= {name: value for name, value in _CARRIED.items() if name in values}
    follows = "lattice_constant" in values and family.parameters["lattice_constant"].default == _AUTO
    # a lattice constant that follows from the metal follows from the one that the hole is drawn with
    if follows and list(family.settle({**values, "lattice_constant": _AUTO})) == [values]:
        drawn["lattice_constant"] = _AUTO
    settled = list(family.settle(drawn))
    if len(settled) != 1:
        raise InputError(f"without its metals the site stands for {len(settled)} different supports")
    return family_recipe(family.name, family.schema, settled[0], tuple(family.parameters))


@lru_cache(maxsize=128)
def _made(family: Family, recipe: str, variant: str) -> ActiveSite:
    """Make a variant from the recipe of its site; shared by all callers, so never to be changed.

    Raises
    ------
    InputError
        Says why there is none.
    """
    site = site_of(family, json.loads(recipe))
    made_of = {**json.loads(recipe), KEY: variant}
    if variant == STACKED:
        return replace(_on_top(site), recipe=made_of)
    if site.charge:
        raise InputError(f"{site.label} is charged ({site.charge:+d}), and what charge its support has is not known")
    parts = hole.pieces(site)
    carried = parts[1:] if "anions" in site.recipe else []
    if len(parts) > 1 + len(carried):
        raise InputError(f"without its metal {site.label} falls into {len(parts)} pieces")
    if family.name == "structure":
        _require_clear(site)
    if variant == HYDROGENATED and carried:
        raise InputError("its ligand is neutral: the metal leaves with its anions, and no proton takes its place")
    number = hole.HYDROGENS * len(site.metals)
    made = hole.emptied(site) if variant == VACANT else hole.closed(site)
    return replace(
        made,
        label=_label(site, f"H{number}" if variant == HYDROGENATED else ""),
        recipe=made_of,
        provenance={**site.provenance, "remarks": "; ".join(_remarks(site, variant))},
    )


def _remarks(site: ActiveSite, variant: str) -> list[str]:
    """Say what a person should know of a support without its metals."""
    symbols = "-".join(dict.fromkeys(site.metal_symbols))
    found = [f"drawn around {symbols}, which is taken out: one support for all metals"]
    anions = [f"{part} ({charge:+d})" for part, charge in site.ledger.items() if charge < 0]
    if anions and variant == VACANT:
        found.append(f"neutral: {', '.join(anions)} without the electrons that the metal gave, a radical or oxidised")
    if variant == HYDROGENATED:
        found.append(f"{hole.HYDROGENS} H in place of each metal, which leaves as M2+; they may move to other donors")
    return found


def _require_clear(site: ActiveSite) -> None:
    """Refuse a structure of a person's own unless it is plain what its support is without the metal.

    Raises
    ------
    InputError
        Says why it is not.
    """
    atoms = site.atoms
    if site.recipe["carve"] != "none":
        raise InputError("a cluster cut out of a structure has no charge of its own to settle the support's by")
    metals = {int(atom) for atom in np.flatnonzero(is_metal(atoms.numbers)) if int(atom) not in site.metals}
    for donor in itertools.chain.from_iterable(site.donors):
        if atoms.symbols[donor] not in ("N", "C", "S", "P", "B"):
            raise InputError(
                f"{atoms.symbols[donor]}{donor} holds the metal: whether it is an oxide, a carboxylate or water, and "
                "what is left of it without the metal, the structure does not say"
            )
        if any(donor in bond and metals & set(bond) for bond in site.bonds):
            raise InputError(f"{atoms.symbols[donor]}{donor} holds another metal too: the metal is a part of a node")


def _formula(family: Family, recipe: Mapping[str, Any]) -> Counter[str]:
    """Return what the recipe of a variant must come to, number of atoms by element."""
    own = {key: value for key, value in recipe.items() if key != KEY}
    metals, count = Counter(recipe["metals"]), family.formula(own)
    if recipe[KEY] == STACKED:
        return count + metals
    anions = Counter({recipe["anions"]: 2}) if "anions" in recipe else Counter()
    closing = Counter(hole.composition(recipe["metals"]) if recipe[KEY] == HYDROGENATED else {})
    return count - metals - anions + closing


def _label(site: ActiveSite, instead: str) -> str:
    """Return the label of a site with something in place of its metals, nothing for a hole."""
    if "anions" in site.recipe and not instead:
        return site.family
    together = "".join(site.metal_symbols)
    symbols = together if together in site.label else site.metal_symbols[0]
    # what comes after @ names a support; where it names metals too, it is not plain that one of them is missing
    of_metals = site.family == "structure" or is_metal(site.atoms.numbers).sum() > len(site.metals)
    if site.label.startswith(f"{symbols}@") and of_metals:
        instead = instead or "vacant"
    return site.label.replace(symbols, instead, 1).strip("-@").replace("--", "-")


def _on_top(site: ActiveSite) -> ActiveSite:
    """Put a second atom of its metal on an open face of a site.

    It stands off by the sum of the covalent radii (doi 10.1039/b801115j), on the side that the site's normal points to
    if that is open, and leans to where it has most room.

    Raises
    ------
    InputError
        If the site has several metals, or its metal no open face.
    """
    if len(site.metals) != 1:
        raise InputError(f"it has {len(site.metals)} metals, and a cluster of one of them is no site of two atoms")
    (metal,), atoms = site.metals, site.atoms
    directions = open_directions(site)
    if not directions:
        raise InputError(f"its {atoms.symbols[metal]} has no open face for a second atom")
    spot = _leaning(site, np.array(directions[0].vector))
    count, symbol = len(atoms), str(atoms.symbols[metal])
    return replace(
        site,
        label=_label(site, f"{symbol}2"),
        atoms=atoms + Atoms([symbol], [spot]),
        metals=(metal, count),
        donors=(*site.donors, ()),
        bonds=tuple(sorted({*site.bonds, (metal, count)})),
        ledger={**site.ledger, f"{symbol} on top": 0} if site.ledger else {},
        multiplicity=None,
        provenance={
            **site.provenance,
            "remarks": f"a second {symbol} on the first, at the sum of their covalent radii (doi 10.1039/b801115j), "
            f"{_TILT:g} degrees off the open direction",
        },
    )


def _leaning(site: ActiveSite, axis: Array) -> Array:
    """Return the place of a second metal off an open direction of the first, shape (3,), Å."""
    (metal,), atoms = site.metals, site.atoms
    seen = to_nearest_image(atoms.positions - atoms.positions[metal], atoms)
    donor = seen[site.donors[0][0]]
    first, second = across(axis)
    start = math.atan2(float(donor @ second), float(donor @ first)) + math.radians(_TURN)
    radii = covalent_radii[atoms.numbers]
    length, tilt = 2 * float(radii[metal]), math.radians(_TILT)
    others = np.arange(len(atoms)) != metal
    best, room = axis, -math.inf
    for turn in start + np.radians(np.arange(0.0, 360.0, 30.0)):
        way = math.cos(tilt) * axis + math.sin(tilt) * (math.cos(turn) * first + math.sin(turn) * second)
        shares = np.linalg.norm(seen[others] - length * way, axis=1) / (radii[others] + radii[metal])
        if float(shares.min()) > room + 1e-6:
            best, room = way, float(shares.min())
    return np.asarray(atoms.positions[metal] + length * best)
