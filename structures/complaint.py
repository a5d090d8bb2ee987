"""Complaint: what is said of an entry of a campaign file that is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from atomsieve.structures.errors import Problem, unknown


def unique(problems: Iterable[Problem]) -> list[Problem]:
    """Drop repeats: both arms of a union complain about the same entry."""
    seen: dict[str, Problem] = {}
    for entry in problems:
        seen.setdefault(entry.path, entry)
    return list(seen.values())


def path_text(location: tuple[int | str, ...]) -> str:
    """Write a path as ``sites[1].metals[0]``.

    Examples
    --------
    >>> path_text(("sites", 1, "metals", 0))
    'sites[1].metals[0]'
    """
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _fields_at(top: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Return the keys that are allowed beside the one at a location."""
    model = top
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part)
        if field is None and model is not top:
            continue  # the key of a mapping that holds models
        below = next(_models(field.annotation), None) if field is not None else None
        if below is None:
            return []
        model = below
    return list(model.model_fields)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models that a type holds, as a list of them or one that may be absent does."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


#: What pydantic calls the arms of a union in a location, which is no part of the file.
_ARM = re.compile(r"^(literal\[|constrained-|int$|str$|float$|function-)")


def problem_of(top: type[BaseModel], error: ErrorDetails) -> Problem:
    """Return what a person reads of an error of pydantic's in a model."""
    location = tuple(p for p in error["loc"] if isinstance(p, int) or not _ARM.match(p))
    path, value, kind = path_text(location), error["input"], error["type"]
    context = error.get("ctx", {})
    if location[-2:] in (("spin", "clean"), ("spin", "adsorbed")):
        words = "'scan', 'fixed'" if location[-1] == "clean" else "'inherit', 'scan', 'fixed'"
        return Problem(path, f"{value!r} is not allowed; allowed: {words}, or a whole number from 1 to 6")
    if kind == "extra_forbidden":
        return Problem(path, unknown(location[-1], _fields_at(top, location), "key"))
    if kind == "missing":
        return Problem(path, f"is missing; add it (allowed here: {', '.join(_fields_at(top, location))})")
    if kind == "literal_error":
        allowed = [text.strip("'") for text in re.split(r", | or ", context["expected"])]
        return Problem(path, unknown(value, allowed))
    if kind == "string_pattern_mismatch":
        return Problem(path, f"{value!r} is not a name; allowed: up to 64 letters, digits, dots, dashes, underscores")
    bounds = {"greater_than_equal": ">=", "less_than_equal": "<=", "greater_than": ">", "less_than": "<"}
    if kind in bounds:
        limit = next(iter(context.values()))
        return Problem(path, f"{value!r} is out of range; allowed: {bounds[kind]} {limit}")
    if kind == "value_error":
        return Problem(path, str(context["error"]))
    if kind in ("too_short", "too_long"):
        return Problem(path, f"has {context['actual_length']} entries; {error['msg'].lower()}")
    return Problem(path, f"{value!r} is not allowed; {error['msg'][0].lower()}{error['msg'][1:]}")
