"""Filters: the part of a MongoDB filter that SQL decides, by columns, and the part that it leaves; and projections.

A column holds numbers and texts as they are, null for null and missing, and tagged bytes for other scalars, so that
SQLite compares them as BSON does. What is no scalar (an array, an object, a path through an array ...) is opaque: its
digest serves uniqueness alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import bson
from bson import ObjectId
from maggma.core import Sort, StoreError
from mongomock_ng.filtering import filter_applies, resolve_sort_key

Document = dict[str, Any]
Scalar = int | float | str | bytes | None

#: Where the values of a column that are no scalars begin, in SQLite's order.
OPAQUE = b"\xff"
_OBJECT_ID, _BOOL, _DATE = b"\x23", b"\x28", b"\x2d"  # BSON's order of types
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_VALUES = 30_000  # SQLite takes 32,766 parameters a statement


def column(field: str) -> str:
    """Give the quoted name of a field's column; ``A`` becomes ``^a``, as ``A`` and ``a`` are one name to SQLite."""
    escaped = re.sub("[A-Z^#]", lambda match: "^" + match[0].lower(), field)
    return '"' + escaped.replace('"', '""') + '"'


def field_of(name: str) -> str:
    """Give the field whose column has this (unquoted) name."""
    return re.sub(r"\^(.)", lambda match: match[1].upper(), name)


def encoded(value: Any) -> Scalar:
    """Give what a column holds for a value."""
    match value:
        case bool():
            return _BOOL + bytes([value])
        case None | str() | int():
            return value
        case float() if value == value:
            return value
        case ObjectId():
            return _OBJECT_ID + value.binary
        case datetime():
            aware = value if value.tzinfo else value.replace(tzinfo=UTC)
            milliseconds = (aware - _EPOCH) // timedelta(milliseconds=1)
            return _DATE + (milliseconds + (1 << 63)).to_bytes(8, "big")
        case _:
            return OPAQUE + hashlib.sha256(bson.encode({"": value})).digest()


def is_opaque(scalar: Scalar) -> bool:
    """Whether a column holds this for a value that is no scalar."""
    return isinstance(scalar, bytes) and scalar >= OPAQUE


def column_value(document: Any, field: str) -> Scalar:
    """Give what the column of a (dotted) field holds for a document."""
    value = document
    for name in field.split("."):
        if isinstance(value, list | tuple):
            break
        value = value.get(name) if isinstance(value, Mapping) else None
    return encoded(value)


def values_at(value: Any, path: list[str]) -> Iterator[Any]:
    """Yield all values that a path reaches, through arrays too, and the elements of an array at its end."""
    if not path:
        yield from value if isinstance(value, list) else [value]
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, Mapping):
                yield from values_at(item, path)
    elif isinstance(value, Mapping) and path[0] in value:
        yield from values_at(value[path[0]], path[1:])


@dataclass(frozen=True)
class Narrowing:
    """What SQL does for a filter: its condition, the values of the question marks there, and the rest of the filter."""

    where: str
    parameters: Sequence[Scalar]
    rest: Document

    def accepts(self, document: Document) -> bool:
        """Whether a document that fulfils the condition matches the rest of the filter too."""
        return not self.rest or bool(filter_applies(self.rest, document))  # type: ignore[no-untyped-call]


def narrow(criteria: Mapping[str, Any], columns: Collection[str], key: Iterable[str]) -> Narrowing:
    """Let SQL decide on equality, ``$in`` and null at the top of a filter, where fields have columns of scalars alone.

    SQLite, without statistics, would guess which index leaves the fewest rows. It is shown one: that of the first field
    of the key that the filter names, else of the filter's first.
    """
    wanted = {field: _values(condition) for field, condition in criteria.items() if field in columns}
    decided = {field: values for field, values in wanted.items() if values is not None}
    leading = next((field for field in (*key, *decided) if field in decided), None)
    terms = [
        _term(column(field) if field == leading else f"+{column(field)}", values) for field, values in decided.items()
    ]
    rest = {field: condition for field, condition in criteria.items() if field not in decided}
    filter_applies(rest, {})  # type: ignore[no-untyped-call]  # refuses, without a document too, what it does not know
    parameters = [value for values in decided.values() for value in values if value is not None]
    return Narrowing(" AND ".join(terms) or "TRUE", parameters, rest)


def _values(condition: Any) -> list[Scalar] | None:
    """Give the values to one of which a condition wants a field to be equal; None if it wants something else."""
    values = [condition]
    if isinstance(condition, Mapping) and len(condition) == 1:
        operator, operand = next(iter(condition.items()))
        if operator == "$eq":
            values = [operand]
        elif operator == "$in" and isinstance(operand, list):
            values = operand
    scalars = list(dict.fromkeys(encoded(value) for value in values))
    return None if len(scalars) > _MOST_VALUES or any(map(is_opaque, scalars)) else scalars


def _term(name: str, values: list[Scalar]) -> str:
    some = f"{name} IN ({', '.join('?' for value in values if value is not None)})"
    return f"({some} OR {name} IS NULL)" if None in values else some


def order_by(sort: Mapping[str, Sort | int]) -> str:
    """Write in SQL the order of fields that have columns of scalars alone."""
    return ", ".join(f"{column(field)} {'ASC' if Sort(way).value > 0 else 'DESC'}" for field, way in sort.items())


def in_order(found: Iterable[tuple[int, Document]], sort: Mapping[str, Sort | int]) -> Iterable[tuple[int, Document]]:
    """Sort numbered documents by fields, ascending (1) or descending (-1)."""
    for field, way in reversed(list(sort.items())):
        found = sorted(found, key=partial(_place, field), reverse=Sort(way).value < 0)
    return found


def _place(field: str, found: tuple[int, Document]) -> Any:
    return resolve_sort_key(field, found[1])  # type: ignore[no-untyped-call]


def projection(properties: Mapping[str, Any] | Iterable[str] | None) -> Callable[[Document], Document]:
    """Turn a projection into a function that cuts a document down to it.

    Parameters
    ----------
    properties : Mapping or Iterable[str] or None
        The names (dotted paths too) of the fields to keep, or a mapping of them to 1, besides ``_id``, which
        ``{"_id": 0}`` leaves out; all if empty.

    Raises
    ------
    StoreError
        If a field other than ``_id`` is to be left out, two paths overlap, or the value is an operator.
    """
    if not properties:
        return lambda document: document
    wanted = dict(properties) if isinstance(properties, Mapping) else dict.fromkeys(properties, 1)
    if wanted == {"_id": 0}:
        return lambda document: {name: value for name, value in document.items() if name != "_id"}
    if wanted.setdefault("_id", 1) == 0:
        del wanted["_id"]
    if any(flag != 1 for flag in wanted.values()):
        raise StoreError(f"projection {wanted!r}: give 1 for each field to keep; 0 serves _id alone, and no operators")
    if overlapping := [path for path in wanted for other in wanted if path.startswith(f"{other}.")]:
        raise StoreError(f"projection {sorted(wanted)}: {overlapping} lie within other paths; leave them out")
    tree: Document = {}
    for path in wanted:
        node = tree
        for name in path.split("."):
            node = node.setdefault(name, {})
    return lambda document: _kept(document, tree)


def _kept(value: Any, tree: Document) -> Any:
    """Cut a document, or each in an array, down to a tree of names; an empty tree keeps all."""
    if not tree:
        return value
    if isinstance(value, list):
        return [_kept(item, tree) for item in value if isinstance(item, dict | list)]
    return {
        name: _kept(item, tree[name])
        for name, item in value.items()
        if name in tree and (not tree[name] or isinstance(item, dict | list))
    }
