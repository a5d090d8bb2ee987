"""Catalog: the families of supports, and the recipes that entries of a campaign file stand for."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from atomsieve.builders import axial
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
from atomsieve.builders.validation import validate
from atomsieve.structures.errors import InputError, ParameterError, Problem, unknown
from atomsieve.structures.identity import canonical, plain
from atomsieve.structures.site import ActiveSite

__all__ = ["REQUIRED", "Family", "Parameter", "build", "check", "covered", "families", "recipes"]

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
    return _wrong_alone(entry) or list(_conflicts(_FAMILIES[entry["family"]], entry))


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
        values, wrong = _expand(parameter, entry)
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
    values = {parameter.name: _settled(parameter, recipe) for parameter in family.parameters.values()}
    try:
        (values["axial"],) = family.parameters["axial"].parse(ligand)
        (settled,) = family.settle(values)
    except InputError:
        return None
    return family_recipe(family.name, family.schema, settled, tuple(family.parameters))


def build(recipe: Mapping[str, Any]) -> ActiveSite:
    """Build and validate the site of a recipe.

    Parameters
    ----------
    recipe : mapping
        As :func:`recipes` gives it.

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
    for key in recipe:
        if key not in ("family", "schema", *family.parameters):
            raise InputError(unknown(key, family.parameters, f"parameter of {name}"))
    if recipe.get("schema") != family.schema:
        raise InputError(
            f"the recipe has schema {recipe.get('schema')!r}, but {name} is built by schema {family.schema}; "
            "make the recipe again from its campaign entry"
        )
    values = {parameter.name: _settled(parameter, recipe) for parameter in family.parameters.values()}
    settled = list(family.settle(values))
    if settled != [values]:
        forms = " or ".join(repr({k: v for k, v in form.items() if v != values[k]}) for form in settled)
        raise InputError(f"the recipe of {name} is not in its final form; there it is written with {forms}")
    site = family.build(values)
    validate(site, family)
    return site


def _combinations(family: Family, entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the values of every combination, each parsed on its own."""
    order = tuple(family.parameters)
    columns = [_expand(parameter, entry)[0] for parameter in family.parameters.values()]
    return (dict(zip(order, combination, strict=True)) for combination in itertools.product(*columns))


def _recipes(entries: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    seen: set[bytes] = set()
    for entry in entries:
        family = _FAMILIES[entry["family"]]
        order = tuple(family.parameters)
        # the combinations of one entry differ, so that independent parameters repeat nothing on their own
        may_repeat = len(entries) > 1 or family.settle is not as_given
        for values in itertools.chain.from_iterable(map(family.settle, _combinations(family, entry))):
            made = family_recipe(family.name, family.schema, values, order)
            if may_repeat:
                mark = hashlib.blake2b(canonical(made).encode(), digest_size=16).digest()
                if mark in seen:
                    continue
                seen.add(mark)
            yield made


def _conflicts(family: Family, entry: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with values that are right on their own but do not go together, each problem once."""
    if family.settle is as_given:
        return
    seen: set[str] = set()
    for combination in _combinations(family, entry):
        try:
            for _ in family.settle(combination):
                pass
        except ParameterError as error:
            if str(error) not in seen:
                seen.add(str(error))
                yield Problem(error.parameter, error.args[0])


def _expand(parameter: Parameter, entry: Mapping[str, Any]) -> tuple[tuple[Any, ...], list[Problem]]:
    """Return the different values that an entry gives a parameter, and what is wrong with them."""
    name = parameter.name
    if name not in entry and parameter.default is REQUIRED:
        return (), [Problem(name, f"is missing; write {parameter.allowed}, or a list")]
    given = entry.get(name, parameter.default)
    if given is None or given == []:
        return (), [Problem(name, f"is empty; write {parameter.allowed}, or a list")]
    listed = isinstance(given, list | tuple)
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for position, scalar in enumerate(given if listed else [given]):
        try:
            if (
                scalar is None
                or isinstance(scalar, list | tuple)
                or (isinstance(scalar, Mapping) and not parameter.is_path)
            ):
                raise InputError(f"{scalar!r} is not one value; write {parameter.allowed}, in a flat list")
            found.update(
                (canonical(value), value) for value in parameter.parse(scalar) if canonical(value) not in found
            )
        except InputError as error:
            problems.append(Problem(f"{name}[{position}]" if listed else name, str(error)))
    return tuple(found.values()), problems


def _settled(parameter: Parameter, recipe: Mapping[str, Any]) -> Any:
    """Return the value that a recipe gives a parameter, refused unless it is in its final form."""
    if parameter.name not in recipe:
        raise InputError(f"the recipe lacks {parameter.name!r}; recipes write out every parameter")
    value = recipe[parameter.name]
    scalar = value[0] if isinstance(value, list | tuple) and len(value) == 1 else value
    parsed = parameter.parse(scalar)
    for form in parsed:
        if plain(form) == plain(value):
            return form
    forms = " or ".join(repr(form) for form in parsed)
    raise InputError(f"{parameter.name} is {value!r} in the recipe; there it is written {forms}")
