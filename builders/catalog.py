"""Catalog: the families of supports, and the recipes that entries of a campaign file stand for."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from atomsieve.builders import axial, vacancy
from atomsieve.builders.entries import combinations, conflicts, expand, site_of, values_of
from atomsieve.builders.families import (
    bischelates,
    boron_nitride,
    carbon_nitride,
    chelates,
    cof366,
    conductive,
    graphdiyne,
    graphene,
    graphene_pair,
    macrocycles,
    mfu4l,
    mof74,
    oxo_trimer,
    paddlewheel,
    phthalocyanine_cof,
    pore,
    porphyrin_graphene,
    porphyrin_sheet,
    ribbon,
    structure,
    triazine,
    zinc_oxo,
    zr6,
)
from atomsieve.builders.family import REQUIRED, Family, Parameter, as_given
from atomsieve.builders.family import recipe as family_recipe
from atomsieve.structures.errors import InputError, Problem, unknown
from atomsieve.structures.identity import canonical
from atomsieve.structures.site import ActiveSite

__all__ = [
    "REQUIRED",
    "Family",
    "Parameter",
    "build",
    "check",
    "covered",
    "families",
    "hydrogenated",
    "recipes",
    "stacked",
    "vacancy_problem",
    "vacant",
]

_FAMILIES: Final[Mapping[str, Family]] = MappingProxyType(
    {
        family.name: family
        for family in (
            *graphene.FAMILIES,
            graphene_pair.FAMILY,
            ribbon.FAMILY,
            porphyrin_graphene.FAMILY,
            porphyrin_sheet.FAMILY,
            carbon_nitride.HEPTAZINE,
            carbon_nitride.C2N,
            graphdiyne.FAMILY,
            triazine.FAMILY,
            boron_nitride.FAMILY,
            *macrocycles.FAMILIES,
            *bischelates.FAMILIES,
            *chelates.FAMILIES,
            conductive.FAMILY,
            cof366.FAMILY,
            phthalocyanine_cof.FAMILY,
            zr6.FAMILY,
            paddlewheel.FAMILY,
            oxo_trimer.FAMILY,
            zinc_oxo.FAMILY,
            mfu4l.FAMILY,
            mof74.FAMILY,
            pore.FAMILY,
            structure.FAMILY,
        )
    }
)
#: At most so many combinations in one entry: each is looked at before anything runs.
LARGEST: Final = 2_000_000


def families() -> Mapping[str, Family]:
    """Return all families by name."""
    return _FAMILIES


def check(entry: Any) -> list[Problem]:
    """Return everything that is wrong with an entry.

    Parameters
    ----------
    entry : mapping
        ``family``, and for each parameter one value or a list of values.

    Returns
    -------
    list of Problem
        Empty where the entry can be used; paths are relative to the entry.
    """
    return _wrong_alone(entry) or list(conflicts(_FAMILIES[entry["family"]], entry))


def _wrong_alone(entry: Any) -> list[Problem]:
    """Return what is wrong with an entry before its values are seen together."""
    if not isinstance(entry, Mapping):
        return [Problem("", f"{entry!r} is not an entry; write 'family:' and its parameters, one a line")]
    if "family" not in entry:
        return [Problem("family", f"is missing; allowed: {', '.join(_FAMILIES)}")]
    if not isinstance(entry["family"], str) or entry["family"] not in _FAMILIES:
        return [Problem("family", unknown(entry["family"], _FAMILIES, "family"))]
    parameters = _FAMILIES[entry["family"]].parameters
    problems = [
        Problem(str(key), unknown(key, ("family", *parameters), "key"))
        for key in entry
        if key != "family" and key not in parameters
    ]
    number = 1
    for parameter in parameters.values():
        values, wrong = expand(parameter, entry)
        problems, number = problems + wrong, number * len(values)
    if number > LARGEST:
        problems.append(Problem("", f"stands for {number:,} combinations; allowed: {LARGEST:,}; take fewer values"))
    return problems


def recipes(*entries: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the recipe of every combination, one by one.

    Parameters
    ----------
    *entries : mapping
        Each as for :func:`check`.

    Yields
    ------
    dict
        Family, schema and every parameter, defaults written out. Values come in the order of the file, the last
        parameter of the family changing fastest; no recipe comes twice, nor one that is a symmetry copy of another.

    Raises
    ------
    InputError
        At once if a value cannot be used; on reaching them, for values that do not go together (:func:`check` finds
        both).
    """
    problems = [problem for entry in entries for problem in _wrong_alone(entry)]
    if problems:
        raise InputError("\n".join(map(str, problems)))
    return _recipes(entries)


def far_face(recipe: Mapping[str, Any]) -> str:
    """Say why no ligand can come on the far face of a site; nothing where one can.

    Parameters
    ----------
    recipe : mapping
        As :func:`recipes` gives it.
    """
    if "axial" not in _FAMILIES[recipe["family"]].parameters:
        return f"{recipe['family']} takes no ligand on the far face"
    if recipe["axial"] != axial.NONE:
        return f"its far face carries {recipe['axial']} already"
    return "each of its metals would carry a ligand" if len(recipe["metals"]) > 1 else ""


def covered(recipe: Mapping[str, Any], ligand: str) -> dict[str, Any] | None:
    """Return the recipe of a site with a ligand on the far face of its metal.

    Parameters
    ----------
    recipe : mapping
        As :func:`recipes` gives it.
    ligand : str
        One of :data:`~atomsieve.builders.axial.LIGANDS`.

    Returns
    -------
    dict or None
        None where there is no such site, see :func:`far_face`, or the ligand does not go with the site's parameters.
    """
    family = _FAMILIES[recipe["family"]]
    if far_face(recipe):
        return None
    values = values_of(family, recipe)
    try:
        (values["axial"],) = family.parameters["axial"].parse(ligand)
        (settled,) = family.settle(values)
    except InputError:
        return None
    return family_recipe(family.name, family.schema, settled, tuple(family.parameters))


def vacant(recipe: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the recipe of a site's support without its metals, and without the ligands that these carry.

    Parameters
    ----------
    recipe : mapping
        As :func:`recipes` gives it.

    Returns
    -------
    dict or None
        One and the same for all metals of a support; None where there is none, see :func:`vacancy_problem`.
    """
    return _variant(recipe, vacancy.VACANT)


def hydrogenated(recipe: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the recipe of a site's support with two hydrogens in place of each metal; as :func:`vacant`."""
    return _variant(recipe, vacancy.HYDROGENATED)


def stacked(recipe: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the recipe of a site with a second atom of its metal on the first; None where there is none."""
    return _variant(recipe, vacancy.STACKED)


def vacancy_problem(recipe: Mapping[str, Any], variant: str = vacancy.VACANT) -> str:
    """Say why a site has no variant; nothing where it has.

    Parameters
    ----------
    recipe : mapping
        As :func:`recipes` gives it.
    variant : {"vacant", "hydrogenated", "stacked"}
        Which one.
    """
    return vacancy.problem(_FAMILIES.get(recipe["family"]), recipe, variant)


def _variant(recipe: Mapping[str, Any], variant: str) -> dict[str, Any] | None:
    return None if vacancy_problem(recipe, variant) else vacancy.recipe_of(_FAMILIES[recipe["family"]], recipe, variant)


def build(recipe: Mapping[str, Any]) -> ActiveSite:
    """Build and validate the site of a recipe.

    Parameters
    ----------
    recipe : mapping
        As :func:`recipes`, :func:`vacant`, :func:`hydrogenated` or :func:`stacked` gives it.

    Returns
    -------
    ActiveSite
        As built, before any relaxation.

    Raises
    ------
    InputError
        If it is not a complete recipe of a known family.
    BuildError
        If the site came out wrong.
    """
    name = recipe.get("family")
    if not isinstance(name, str) or name not in _FAMILIES:
        raise InputError(unknown(name, _FAMILIES, "family"))
    family = _FAMILIES[name]
    return vacancy.build(family, recipe) if vacancy.KEY in recipe else site_of(family, recipe)


def _recipes(entries: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    seen: set[bytes] = set()
    for entry in entries:
        family = _FAMILIES[entry["family"]]
        order = tuple(family.parameters)
        # the combinations of one entry differ, so that independent parameters repeat nothing on their own
        may_repeat = len(entries) > 1 or family.settle is not as_given
        for values in itertools.chain.from_iterable(map(family.settle, combinations(family, entry))):
            made = family_recipe(family.name, family.schema, values, order)
            if may_repeat:
                mark = hashlib.blake2b(canonical(made).encode(), digest_size=16).digest()
                if mark in seen:
                    continue
                seen.add(mark)
            yield made
