"""Columns: what SQLite holds of a field's value beside the document, so that it compares values as BSON does.

A column holds numbers and texts as they are, null for null and missing, and tagged bytes for other scalars. What is no
scalar (an array, an object, a path through an array ...) is opaque: SQL cannot decide on it. A short array is held
whole, that it may be read without its document; of all else there is a digest, which serves uniqueness alone.

An array's elements stand in a table of their own, one row each, if the field was declared so.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import bson
from bson import ObjectId

Document = dict[str, Any]
Scalar = int | float | str | bytes | None

#: Where the values of a column that are no scalars begin, in SQLite's order; and those of which there is a digest.
OPAQUE, DIGEST = b"\xfe", b"\xff"
#: BSON's order of types, where SQLite does not have it already.
NULL, OBJECT_ID, BOOL, DATE = b"\x0a", b"\x23", b"\x28", b"\x2d"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHORT = 1_000  # bytes of an array that a column holds


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
        case str() | None:
            return value
        case bool():
            return BOOL + bytes([value])
        case int():
            return value
        case float() if value == value:
            return value
        case ObjectId():
            return OBJECT_ID + value.binary
        case datetime():
            aware = value if value.tzinfo else value.replace(tzinfo=UTC)
            milliseconds = (aware - _EPOCH) // timedelta(milliseconds=1)
            return DATE + (milliseconds + (1 << 63)).to_bytes(8, "big")
        case _:
            return DIGEST + hashlib.sha256(bson.encode({"": value})).digest()


def decoded(scalar: Scalar) -> Any:
    """Give the value for which a column holds this; a digest has none and is left as it is."""
    if not isinstance(scalar, bytes):
        return scalar
    match scalar[:1]:
        case tag if tag == BOOL:
            return scalar[1:] == b"\x01"
        case tag if tag == NULL:
            return None
        case tag if tag == DATE:
            milliseconds = int.from_bytes(scalar[1:], "big") - (1 << 63)
            return (_EPOCH + timedelta(milliseconds=milliseconds)).replace(tzinfo=None)
        case tag if tag == OBJECT_ID:
            return ObjectId(scalar[1:])
        case tag if tag == OPAQUE:
            return bson.decode(scalar[1:])[""]
    return scalar


def is_opaque(scalar: Scalar) -> bool:
    """Whether a column holds this for a value that is no scalar."""
    return isinstance(scalar, bytes) and scalar >= OPAQUE


def is_digest(scalar: Scalar) -> bool:
    """Whether a column holds this for a value that only the document has."""
    return isinstance(scalar, bytes) and scalar[:1] == DIGEST


def column_value(document: Any, field: str) -> Scalar:
    """Give what the column of a (dotted) field holds for a document."""
    value, is_whole = _reached(document, field)
    if is_whole and isinstance(value, list | tuple):
        body = bson.encode({"": value})
        if len(body) <= _SHORT:
            return OPAQUE + body
    return encoded(value)


def element_values(document: Any, field: str) -> set[Scalar]:
    """Give what the table of an array's elements holds for a document; a scalar counts as the one element."""
    value, is_whole = _reached(document, field)
    elements = value if is_whole and isinstance(value, list | tuple) else [value]
    return {NULL if element is None else encoded(element) for element in elements}


def _reached(document: Any, field: str) -> tuple[Any, bool]:
    """Follow a path as far as the first array; also tell whether that is its end."""
    value = document
    for name in field.split("."):
        if isinstance(value, list | tuple):
            return value, False
        value = value.get(name) if isinstance(value, Mapping) else None
    return value, True
