"""Entry: what a campaign file gives a family, the values that it stands for, and the site that is built from these."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from atomsieve.builders.family import REQUIRED, Family, Parameter, as_given
from atomsieve.builders.validation import validate
from atomsieve.structures.errors import InputError, ParameterError, Problem, unknown
from atomsieve.structures.identity import canonical, plain
from atomsieve.structures.site import ActiveSite


def combinations(family: Family, entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the values of every combination of an entry, each parsed on its own."""
    order = tuple(family.parameters)
    columns = [expand(parameter, entry)[0] for parameter in family.parameters.values()]
    return (dict(zip(order, combination, strict=True)) for combination in itertools.product(*columns))


def conflicts(family: Family, entry: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with values that are right on their own but do not go together, each problem once."""
    if family.settle is as_given:
        return
    seen: set[str] = set()
    for combination in combinations(family, entry):
        try:
            for _ in family.settle(combination):
                pass
        except ParameterError as error:
            if str(error) not in seen:
                seen.add(str(error))
                yield Problem(error.parameter, error.args[0])


def expand(parameter: Parameter, entry: Mapping[str, Any]) -> tuple[tuple[Any, ...], list[Problem]]:
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


def values_of(family: Family, recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of every parameter that a recipe gives.

    Raises
    ------
    InputError
        If one is missing, or not in its final form.
    """
    return {parameter.name: _settled(parameter, recipe) for parameter in family.parameters.values()}


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


def site_of(family: Family, recipe: Mapping[str, Any]) -> ActiveSite:
    """Build and validate the site of a complete recipe.

    Raises
    ------
    InputError
        If the recipe is not complete or not in its final form.
    BuildError
        If the site came out wrong.
    """
    for key in recipe:
        if key not in ("family", "schema", *family.parameters):
            raise InputError(unknown(key, family.parameters, f"parameter of {family.name}"))
    if recipe.get("schema") != family.schema:
        raise InputError(
            f"the recipe has schema {recipe.get('schema')!r}, but {family.name} is built by schema {family.schema}; "
            "make the recipe again from its campaign entry"
        )
    values = values_of(family, recipe)
    settled = list(family.settle(values))
    if settled != [values]:
        forms = " or ".join(repr({k: v for k, v in form.items() if v != values[k]}) for form in settled)
        raise InputError(f"the recipe of {family.name} is not in its final form; there it is written with {forms}")
    site = family.build(values)
    validate(site, family)
    return site
