"""Condition: what rows are asked to be, however it was written, and the MongoDB filter that it comes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from atomsieve.analysis.results.field import Field
from atomsieve.structures.errors import InputError, unknown

#: How the conditions of :meth:`Results.where` end, and what that means.
SUFFIXES: Final[Mapping[str, str]] = {
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "ne": "!=",
    "in": "in",
    "not_in": "not in",
    "null": "is null",
}
#: What is left of each comparison when it is turned round, where that is a comparison itself.
_TURNED: Final[Mapping[str, str]] = {
    "=": "!=",
    "!=": "=",
    "in": "not in",
    "not in": "in",
    "is null": "is not null",
    "is not null": "is null",
}
_RANGES: Final[Mapping[str, str]] = {"<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}
_FLAGS: Final[Mapping[str, bool]] = {"true": True, "yes": True, "false": False, "no": False}
Filter = dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """A field held against values.

    Parameters
    ----------
    field : Field
        Of which.
    operator : str
        ``=``, ``!=``, ``<``, ``<=``, ``>``, ``>=``, ``in``, ``not in``, ``is null`` or ``is not null``.
    values : tuple
        As documents hold them; one but for ``in`` and ``not in``, none for ``is null``.
    """

    field: Field
    operator: str
    values: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Combination:
    """Conditions of which ``and``: all, ``or``: at least one must hold; or ``not``: the one must not."""

    word: str
    parts: tuple[Condition, ...]


Condition = Comparison | Combination


def comparison(field: Field, operator: str, values: Iterable[Any]) -> Comparison:
    """Hold a field against values, each made what the documents hold.

    Raises
    ------
    InputError
        If the field cannot be asked so, or a value is none that it could have; says which are.
    """
    if not field.can_be_asked:
        raise InputError(f"{field.name} is shown, but cannot be asked for; ask adsorption_energies, or its parts")
    if operator in _RANGES and field.kind in ("flag", "list", "set", "method"):
        raise InputError(f"{field.name} has no order, so that {operator!r} means nothing; use =, !=, in or not in")
    return Comparison(field, operator, tuple(_value(field, operator, value) for value in values))


def stated(field: Field, suffix: str, value: Any) -> Condition:
    """Make a condition of what was written in Python: ``overpotential__lt=0.4``, ``metal=["Fe", "Co"]``.

    Raises
    ------
    InputError
        If there is no such suffix, or the value does not go with it.
    """
    if suffix and suffix not in SUFFIXES:
        raise InputError(unknown(suffix, SUFFIXES, f"ending of {field.name}__{suffix}"))
    operator = SUFFIXES.get(suffix, "=")
    several = not isinstance(value, str | bytes) and isinstance(value, Iterable)
    if operator == "is null":
        if not isinstance(value, bool):
            raise InputError(f"{field.name}__null={value!r}; give True or False")
        return comparison(field, "is null" if value else "is not null", ())
    if value is None and operator in ("=", "!="):
        return comparison(field, "is null" if operator == "=" else "is not null", ())
    if several and operator in ("=", "!="):
        operator = "in" if operator == "=" else "not in"
    if several != (operator in ("in", "not in")):
        raise InputError(f"{field.name}__{suffix}={value!r}; give {'one value' if several else 'a list'}")
    return comparison(field, operator, value if several else (value,))


def criteria(condition: Condition, *, holds: bool = True) -> Filter:
    """Write a condition as a MongoDB filter, flat wherever that is possible, so that indexes serve it.

    Parameters
    ----------
    condition : Comparison or Combination
        With methods told by their keys.
    holds : bool
        Whether it must hold, or must not.
    """
    if isinstance(condition, Comparison):
        return _filter(condition) if holds else _filter_of_not(condition)
    if condition.word == "not":
        return criteria(condition.parts[0], holds=not holds)
    parts = [criteria(part, holds=holds) for part in condition.parts]
    return all_of(parts) if (condition.word == "and") is holds else {"$or": parts}


def all_of(parts: Iterable[Filter]) -> Filter:
    """Return a filter that asks for all of these: side by side where they name different fields, or bounds of one."""
    merged: Filter = {}
    rest: list[Filter] = []
    for part in parts:
        for path, wanted in part.items():
            if path == "$and":
                rest += wanted
            elif path not in merged and path != "$or":
                merged[path] = wanted
            elif (both := _together(merged.get(path), wanted)) is not None:
                merged[path] = both
            elif {path: wanted} not in rest and merged.get(path) != wanted:
                rest.append({path: wanted})
    if "$and" not in merged and len(rest) == 1 and "$or" in rest[0]:
        return {**merged, **rest[0]}
    return {**merged, "$and": rest} if rest else merged


def comparisons(condition: Condition) -> Iterable[Comparison]:
    """Yield all comparisons of a condition."""
    if isinstance(condition, Comparison):
        yield condition
    else:
        for part in condition.parts:
            yield from comparisons(part)


def required(conditions: Iterable[Condition], name: str) -> set[str]:
    """Return the values to one of which conditions want a field to be equal; none where they leave it open."""
    for condition in conditions:
        if isinstance(condition, Combination) and condition.word == "and":
            if found := required(condition.parts, name):
                return found
        elif isinstance(condition, Comparison) and condition.field.name == name and condition.operator in ("=", "in"):
            return set(condition.values)
    return set()


def _value(field: Field, operator: str, value: Any) -> Any:
    """Make of what a person wrote what documents hold."""
    match field.kind:
        case "number":
            return _number(field, value)
        case "flag":
            found = _FLAGS.get(str(value).casefold())
            if found is None:
                raise InputError(unknown(value, _FLAGS, f"value of {field.name}"))
            return found
        case "time":
            return _time(field, value)
        case "set":
            return "-".join(sorted(set(str(value).split("-"))))
    text = str(value)
    if field.choices and operator not in _RANGES and text.partition(":")[0] not in field.choices:
        raise InputError(unknown(text, field.choices, field.name))
    return text


def _number(field: Field, value: Any) -> float | int:
    if isinstance(value, int | float) and not isinstance(value, bool):
        number: float | int = value
    else:
        try:
            number = float(str(value))
        except ValueError:
            unit = field.label.unit
            raise InputError(f"{field.name} is a number{f' in {unit}' if unit else ''}, not {str(value)!r}") from None
    if number != number or number in (float("inf"), -float("inf")):
        raise InputError(f"{field.name} is a finite number, not {number!r}")
    return number


def _time(field: Field, value: Any) -> datetime:
    """Return a time in UTC as databases hold it, without its zone."""
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise InputError(f"{field.name} is a time in UTC as 2026-01-31 or 2026-01-31T12:00, not {value!r}") from None
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo is not None else found


def _filter(one: Comparison) -> Filter:
    path = one.field.path
    match one.operator:
        case "=":
            return {path: one.values[0]}
        case "!=":
            return {path: {"$ne": one.values[0]}}
        case "in":
            return {path: {"$in": list(one.values)}}
        case "not in":
            return {path: {"$nin": list(one.values)}}
        case "is null" | "is not null":
            if one.field.kind == "list":
                # to have none is to have an empty list, too
                return {f"{path}.0": {"$exists": one.operator == "is not null"}}
            return {path: None if one.operator == "is null" else {"$ne": None}}
    return {path: {_RANGES[one.operator]: one.values[0]}}


def _filter_of_not(one: Comparison) -> Filter:
    if one.operator in _TURNED:
        return _filter(Comparison(one.field, _TURNED[one.operator], one.values))
    # what has no value fulfils no range, and so it fulfils that it does not
    return {one.field.path: {"$not": {_RANGES[one.operator]: one.values[0]}}}


def _together(one: Any, other: Any) -> Any:
    """Return the bounds of both, where both are bounds of different kinds; None if they are not."""
    bounds = [set(wanted) if isinstance(wanted, dict) else {""} for wanted in (one, other)]
    if not all(kinds <= set(_RANGES.values()) for kinds in bounds) or bounds[0] & bounds[1]:
        return None
    return {**one, **other}
