"""A MongoDB filter, applied to a document in memory, and split into what SQL can decide by columns and the rest.

The rules are MongoDB's own: a path runs through arrays, null also means missing, comparisons stay within one BSON type,
``True`` is not ``1``. Operators outside the common set (``$expr``, ``$type``, ``$mod`` ...) are left to mongomock.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import bson
from bson import Decimal128, MaxKey, MinKey, ObjectId, Regex
from maggma.core import StoreError
from mongomock_ng.filtering import filter_applies

Document = dict[str, Any]
Predicate = Callable[[Any], bool]


class Missing:
    """The value of a field that a document does not have."""


MISSING = Missing()
_EMPTY_ARRAY = (1,)
_NUMBER, _ARRAY = 10, 25


def values_at(value: Any, parts: list[str]) -> list[Any]:
    """All values that a path reaches; ``MISSING`` for each branch on which it ends early."""
    if not parts:
        return [value]
    head, rest = parts[0], parts[1:]
    if isinstance(value, Mapping):
        return values_at(value[head], rest) if head in value else [MISSING]
    if isinstance(value, list):
        found = values_at(value[int(head)], rest) if head.isdecimal() and int(head) < len(value) else []
        for item in value:
            if isinstance(item, Mapping):
                found.extend(values_at(item, parts))
        return found
    return [MISSING]


def order(value: Any) -> tuple[Any, ...]:
    """Give the place of a value in BSON's order, as a tuple that compares and hashes as the value does."""
    match value:
        case None | Missing():
            return (5,)
        case bool():
            return (40, value)
        case int() | float():
            return (_NUMBER, 0, 0) if value != value else (_NUMBER, 1, value)
        case Decimal128():
            decimal = value.to_decimal()
            return (_NUMBER, 0, 0) if decimal.is_nan() else (_NUMBER, 1, decimal)
        case str():
            return (15, value)
        case Mapping():
            return (20, tuple((order(item)[0], name, order(item)) for name, item in value.items()))
        case list() | tuple():
            return (_ARRAY, tuple(order(item) for item in value))
        case bytes():
            return (30, len(value), getattr(value, "subtype", 0), bytes(value))
        case ObjectId():
            return (35, value.binary)
        case datetime():
            return (45, value)
        case Regex():
            return (50, value.pattern, value.flags)
        case MinKey():
            return (0,)
        case MaxKey():
            return (127,)
        case _:
            return (60, repr(value))


def sort_key(document: Document, field: str, descending: bool = False) -> tuple[Any, ...]:
    """Give what a document is sorted by: of an array its smallest element, or its largest where the order descends."""
    keys: list[tuple[Any, ...]] = []
    for value in values_at(document, field.split(".")):
        if isinstance(value, list):
            keys.extend(order(item) for item in value)
            if not value:
                keys.append(_EMPTY_ARRAY)
        else:
            keys.append(order(value))
    if not keys:
        return order(None)
    return max(keys) if descending else min(keys)


def distinct_values(documents: Iterable[Document], field: str) -> list[Any]:
    """All different values of a field; arrays count by their elements, missing ones do not count."""
    seen: dict[tuple[Any, ...], Any] = {}
    for document in documents:
        for value in values_at(document, field.split(".")):
            for item in value if isinstance(value, list) else [value]:
                if item is not MISSING:
                    seen.setdefault(order(item), item)
    return list(seen.values())


def set_value(document: Document, field: str, value: Any) -> None:
    """Set the field at a dotted path, in place, and make the objects on the way there.

    Raises
    ------
    StoreError
        Where the path runs into a number, a text or the end of an array.
    """
    *parents, last = field.split(".")
    target: Any = document
    try:
        for name in parents:
            target = target[int(name)] if isinstance(target, list) else target.setdefault(name, {})
        target[int(last) if isinstance(target, list) else last] = value
    except (AttributeError, TypeError, ValueError, IndexError) as error:
        message = (
            f"cannot set {field!r}: the path runs into {target!r:.80}; set the field that holds this value instead"
        )
        raise StoreError(message) from error


def compile_filter(criteria: Mapping[str, Any]) -> Predicate:
    """Turn a filter into a function that says whether a document matches.

    Parameters
    ----------
    criteria
        A MongoDB filter that went through BSON once (lists for tuples, ``bson.Regex`` for patterns, UTC milliseconds).

    Raises
    ------
    mongomock_ng.OperationFailure
        If an operator is unknown or its operand makes no sense.
    """
    return _all([_clause(name, operand) for name, operand in criteria.items()])


def is_operators(condition: Any) -> bool:
    """Whether a condition is made of operators (``{"$gt": 1}``) and not a value to be equal to."""
    return isinstance(condition, Mapping) and next(iter(condition), "").startswith("$")


def _all(predicates: list[Predicate]) -> Predicate:
    if len(predicates) == 1:
        return predicates[0]
    return lambda value: all(predicate(value) for predicate in predicates)


def _clause(name: str, operand: Any) -> Predicate:
    if name == "$comment":
        return lambda _document: True
    if name in ("$and", "$or", "$nor") and isinstance(operand, list) and operand:
        predicates = [compile_filter(branch) for branch in operand]
        if name == "$and":
            return _all(predicates)
        wanted = name == "$or"
        return lambda document: any(predicate(document) for predicate in predicates) is wanted
    if name.startswith("$"):
        return _left_to_mongomock({name: operand})
    parts = name.split(".")
    on_values = _condition(operand)
    if on_values is None:
        return _left_to_mongomock({name: operand})
    return lambda document: on_values(values_at(document, parts))


def _left_to_mongomock(criteria: Document) -> Predicate:
    filter_applies(criteria, {})  # type: ignore[no-untyped-call]
    return lambda document: bool(filter_applies(criteria, document))  # type: ignore[no-untyped-call]


def _condition(condition: Any) -> Predicate | None:
    """Test on the list of values that a path reaches; None if it is not ours to judge."""
    if not is_operators(condition):
        return partial(_any_element, _equals(condition))
    options = condition.get("$options", "")
    tests = [_operator(name, operand, options) for name, operand in condition.items() if name != "$options"]
    if not tests or any(test is None for test in tests):
        return None
    return _all([test for test in tests if test is not None])


def _operator(name: str, operand: Any, options: str) -> Predicate | None:  # one return for each operator
    match name, operand:
        case "$eq", _:
            return partial(_any_element, _same(operand))
        case "$ne", _:
            return _negated(partial(_any_element, _same(operand)))
        case "$in", list():
            return partial(_any_element, _is_one_of(operand))
        case "$nin", list():
            return _negated(partial(_any_element, _is_one_of(operand)))
        case (("$gt" | "$gte" | "$lt" | "$lte"), _):
            return partial(_any_element, _compares(name, operand))
        case "$exists", _:
            wanted = bool(operand)
            return lambda values: any(value is not MISSING for value in values) is wanted
        case "$not", _ if is_operators(operand) or isinstance(operand, Regex):
            return _negated(_condition(operand))
        case "$regex", str():
            return partial(_any_element, _matches(Regex(operand, options)))
        case "$regex", Regex():
            return partial(_any_element, _matches(Regex(operand.pattern, options or operand.flags)))
        case "$elemMatch", Mapping():
            return _element_matches(operand)
        case "$size", int() | float():
            return lambda values: any(isinstance(value, list) and len(value) == operand for value in values)
        case "$all", list():
            return _has_all(operand)
        case _:
            return None


def _negated(test: Predicate | None) -> Predicate | None:
    return None if test is None else lambda values: not test(values)


def _any_element(test: Predicate, values: list[Any]) -> bool:
    return any(test(value) or (isinstance(value, list) and any(test(element) for element in value)) for value in values)


def _equals(wanted: Any) -> Predicate:
    return _matches(wanted) if isinstance(wanted, Regex) else _same(wanted)


def _same(wanted: Any) -> Predicate:
    key = order(wanted)
    return lambda value: order(value) == key


def _matches(regex: Regex[Any]) -> Predicate:
    search = re.compile(regex.pattern, regex.flags).search
    return lambda value: value == regex if isinstance(value, Regex) else isinstance(value, str) and bool(search(value))


def _is_one_of(wanted: list[Any]) -> Predicate:
    keys = frozenset(order(value) for value in wanted if not isinstance(value, Regex))
    patterns = [_matches(value) for value in wanted if isinstance(value, Regex)]
    return lambda value: order(value) in keys or any(pattern(value) for pattern in patterns)


def _compares(name: str, limit: Any) -> Predicate:
    bound = order(limit)
    inclusive, upwards = name.endswith("e"), name.startswith("$gt")
    if bound[0] == 5 or bound[:2] == (_NUMBER, 0):  # null and NaN are equal to themselves and comparable to nothing
        return lambda value: inclusive and order(value) == bound

    def test(value: Any) -> bool:
        key = order(value)
        if key[0] != bound[0] or key[:2] == (_NUMBER, 0):
            return False
        return (inclusive and key == bound) or (key > bound if upwards else key < bound)

    return test


def _element_matches(query: Mapping[str, Any]) -> Predicate | None:
    test: Predicate | None
    if is_operators(query) and next(iter(query)) not in ("$and", "$or", "$nor"):
        on_values = _condition(query)
        if on_values is None:
            return None
        test = lambda element: on_values([element])  # noqa: E731
    else:
        on_object = compile_filter(query)
        test = lambda element: isinstance(element, Mapping) and on_object(element)  # noqa: E731
    return lambda values: any(isinstance(value, list) and any(test(element) for element in value) for value in values)


def _has_all(wanted: list[Any]) -> Predicate | None:
    if not wanted:
        return lambda _values: False
    if all(is_operators(item) for item in wanted):
        tests = [_condition(item) for item in wanted]
    else:
        tests = [partial(_any_element, _equals(item)) for item in wanted]
    return None if any(test is None for test in tests) else _all([test for test in tests if test is not None])


def projector(properties: Mapping[str, Any] | Iterable[str] | None) -> Callable[[Document], Document]:
    """Turn a projection into a function that cuts a document down to it.

    Parameters
    ----------
    properties
        Names (dotted paths too), or a mapping of names to 1 (keep only these, and ``_id``) or 0 (keep all but these).

    Raises
    ------
    StoreError
        If inclusion and exclusion are mixed, two paths overlap, or the value is an operator.
    """
    if not properties:
        return lambda document: document
    wanted = dict(properties) if isinstance(properties, Mapping) else dict.fromkeys(properties, 1)
    if any(not isinstance(flag, bool | int | float) for flag in wanted.values()):
        raise StoreError(f"projection {wanted!r}: operators are not supported here; give 1 (keep) or 0 (leave out)")
    keep_id = bool(wanted.pop("_id", True))
    flags = {bool(flag) for flag in wanted.values()} or {keep_id}
    if len(flags) > 1:
        raise StoreError(f"projection {wanted!r} mixes 1 (keep) and 0 (leave out); use one of them for all but _id")
    tree: Document = {}
    for path in wanted:
        *parents, last = path.split(".")
        node = tree
        for name in parents:
            node = node.setdefault(name, {}) if isinstance(node, dict) else node
        if not isinstance(node, dict) or last in node:
            raise StoreError(f"projection {sorted(wanted)}: {path!r} overlaps another path; keep the shorter one")
        node[last] = None
    including = flags.pop()

    def project(document: Document) -> Document:
        cut: Document = {"_id": document["_id"]} if keep_id and "_id" in document else {}
        names = (item for item in document.items() if item[0] != "_id")
        cut.update(_kept(names, tree) if including else _left(names, tree))
        return cut

    return project


def _kept(items: Iterable[tuple[str, Any]], tree: Document) -> Document:
    kept = {}
    for name, value in items:
        if name not in tree:
            continue
        branch = tree[name]
        if branch is None:
            kept[name] = value
        elif isinstance(value, Mapping | list):
            kept[name] = _kept_in(value, branch)
    return kept


def _kept_in(value: Any, tree: Document) -> Any:
    if isinstance(value, Mapping):
        return _kept(value.items(), tree)
    return [_kept_in(item, tree) for item in value if isinstance(item, Mapping | list)]


def _left(items: Iterable[tuple[str, Any]], tree: Document) -> Document:
    return {
        name: value if name not in tree else _left_in(value, tree[name])
        for name, value in items
        if name not in tree or tree[name] is not None
    }


def _left_in(value: Any, tree: Document) -> Any:
    if isinstance(value, Mapping):
        return _left(value.items(), tree)
    return [_left_in(item, tree) for item in value] if isinstance(value, list) else value


def group_key(document: Document, fields: list[str]) -> Iterator[tuple[str, Any]]:
    """Yield those of the fields that a document has, with their values, as MongoDB's ``$group`` sees them."""
    for field in fields:
        value = _expression(document, field.split("."))
        if value is not MISSING:
            yield field, value


def _expression(value: Any, parts: list[str]) -> Any:
    if not parts:
        return value
    if isinstance(value, Mapping):
        return _expression(value[parts[0]], parts[1:]) if parts[0] in value else MISSING
    if isinstance(value, list):
        found = [_expression(item, parts) for item in value]
        return [item for item in found if item is not MISSING]
    return MISSING


# A column holds numbers and texts as they are, NULL for null and missing, and tagged bytes for other scalars, so that
# SQLite compares them in BSON's order. What is no scalar (an array, an object, a path through an array ...) is opaque:
# a digest that only serves uniqueness, and every filter looks into the document itself.
Scalar = int | float | str | bytes | None

OPAQUE = b"\xff"
_OBJECT_ID, _BOOL, _DATE = b"\x23", b"\x28", b"\x2d"  # BSON's order of types: each sorts behind the one before
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_PARAMETERS = 30_000  # SQLite's own limit is 32,766 for a statement
_COMPARISONS = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}


def escape(name: str) -> str:
    """Mark upper case (``A`` becomes ``^a``), because to SQLite ``A`` and ``a`` are one name."""
    return re.sub("[A-Z^]", lambda match: "^" + match[0].lower(), name)


def unescape(name: str) -> str:
    """Undo `escape`."""
    return re.sub(r"\^(.)", lambda match: match[1].upper(), name)


def identifier(name: str) -> str:
    """Escape and quote a name for SQL."""
    return '"' + escape(name).replace('"', '""') + '"'


def column_name(field: str) -> str:
    """Give the quoted name of the column that holds a field."""
    return identifier(f"={field}")


def column_value(document: Any, field: str) -> Scalar:
    """Give what the column of a (dotted) field holds for a document."""
    value = document
    for name in field.split("."):
        if isinstance(value, list):
            return _opaque(value)
        value = value.get(name) if isinstance(value, Mapping) else None
    encoded = encode(value)
    return _opaque(value) if encoded == OPAQUE else encoded


def _opaque(value: Any) -> bytes:
    return OPAQUE + hashlib.sha1(bson.encode({"": value}), usedforsecurity=False).digest()


def encode(value: Any) -> Scalar:
    """Give the value that SQL compares, or ``OPAQUE`` if it is no scalar that SQLite orders as BSON does."""
    if value is None or type(value) is str:
        return value
    if isinstance(value, bool):
        return _BOOL + bytes([value])
    if isinstance(value, int | float):
        return value if value == value else OPAQUE
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, ObjectId):
        return _OBJECT_ID + value.binary
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        milliseconds = (aware - _EPOCH) // timedelta(milliseconds=1)
        return _DATE + (milliseconds + (1 << 63)).to_bytes(8, "big")
    return OPAQUE


@dataclass(frozen=True)
class Term:
    """A condition on one column (or several, for ``$or``); ``{0}`` and so on stand for the columns."""

    sql: str
    columns: tuple[str, ...]
    parameters: tuple[Scalar, ...]

    def render(self, by_index: bool = True) -> str:
        """Give the SQL; without ``by_index`` in a form for which SQLite will not pick an index."""
        return self.sql.format(*(column if by_index else f"+{column}" for column in self.columns))


@dataclass(frozen=True)
class Narrowing:
    """What SQL can do for a filter.

    Attributes
    ----------
    terms
        Conditions that every matching document fulfils.
    decided
        Columns on which the terms decide, for good, wherever the column is not opaque.
    rest
        The part of the filter that is still open where no decided column is opaque.
    """

    terms: tuple[Term, ...]
    decided: tuple[str, ...]
    rest: dict[str, Any]


def narrow(criteria: Mapping[str, Any], fields: Iterable[str]) -> Narrowing:
    """Split a filter into SQL conditions on the columns of these fields, and the rest."""
    known = frozenset(fields)
    terms: list[Term] = []
    decided: list[str] = []
    rest: dict[str, Any] = {}
    for name, operand in criteria.items():
        if name == "$and" and _are_filters(operand):
            inner = [narrow(branch, known) for branch in operand]
            terms += [term for part in inner for term in part.terms]
            decided += [column for part in inner for column in part.decided]
            if still_open := [part.rest for part in inner if part.rest]:
                rest[name] = still_open
        elif name == "$or" and _are_filters(operand):
            rest[name] = operand
            branches = [narrow(branch, known).terms for branch in operand]
            if all(branches):
                terms.append(_any_of(branches))
        elif name in known:
            column = column_name(name)
            found, undecided = _of_field(column, operand)
            terms += found
            if found:
                decided.append(column)
            if undecided is not None:
                rest[name] = undecided
        else:
            rest[name] = operand
    return Narrowing(tuple(terms), tuple(dict.fromkeys(decided)), rest)


def _are_filters(operand: Any) -> bool:
    return isinstance(operand, list) and bool(operand) and all(isinstance(branch, Mapping) for branch in operand)


def _any_of(branches: list[tuple[Term, ...]]) -> Term:
    columns: list[str] = []
    parameters: list[Scalar] = []
    parts = []
    for branch in branches:
        both = []
        for term in branch:
            both.append(term.sql.format(*(f"{{{len(columns) + number}}}" for number in range(len(term.columns)))))
            columns += term.columns
            parameters += term.parameters
        parts.append("(" + " AND ".join(both) + ")")
    return Term("(" + " OR ".join(parts) + ")", tuple(columns), tuple(parameters))


def _of_field(column: str, condition: Any) -> tuple[list[Term], Any]:
    """Terms for one field, and what of its condition they leave open (None: nothing)."""
    operators = condition if is_operators(condition) else {"$eq": condition}
    terms, undecided = [], {}
    for name, operand in operators.items():
        term = _term(column, name, operand)
        if term is None:
            undecided[name] = operand
        else:
            terms.append(term)
    if not terms:
        return [], condition
    return terms, undecided or None


def _term(column: str, name: str, operand: Any) -> Term | None:
    if name in ("$eq", "$ne"):
        name, operand = ("$in" if name == "$eq" else "$nin"), [operand]
    if name in ("$in", "$nin") and isinstance(operand, list):
        return _membership(column, [encode(value) for value in operand], name == "$in")
    if name in _COMPARISONS:
        limit = encode(operand)
        if limit is None or limit == OPAQUE:
            return None
        low, high = _bracket(limit)
        other = ("<", high) if name.startswith("$gt") else (">=", low)
        sql = f"(({{0}} {_COMPARISONS[name]} ? AND {{0}} {other[0]} ?) OR {{0}} >= ?)"
        return Term(sql, (column,), (limit, other[1], OPAQUE))
    return None


def _bracket(limit: float | str | bytes) -> tuple[Scalar, Scalar]:
    """Lowest and highest value that SQLite sorts among those of the same BSON type."""
    if isinstance(limit, str):
        return "", b""
    if isinstance(limit, bytes):
        return limit[:1], bytes([limit[0] + 1])
    return float("-inf"), ""


def _membership(column: str, values: list[Scalar], inside: bool) -> Term | None:
    if OPAQUE in values:
        return None
    present = [value for value in dict.fromkeys(values) if value is not None]
    parameters: tuple[Scalar, ...] = tuple(present)
    marks = ",".join("?" * len(present))
    if len(present) > 1 and (_all_plain_text(present) or all(type(value) is int for value in present)):
        parameters, marks = (json.dumps(present),), "SELECT value FROM json_each(?)"
    if len(parameters) > _MOST_PARAMETERS:
        return None
    if inside:
        sql = f"({{0}} IN ({marks}) OR {{0}} >= ?" + (" OR {0} IS NULL)" if None in values else ")")
        return Term(sql, (column,), (*parameters, OPAQUE))
    null = "AND {0} IS NOT NULL" if None in values else "OR {0} IS NULL"
    return Term(f"({{0}} NOT IN ({marks}) {null})", (column,), parameters)


def _all_plain_text(values: list[Any]) -> bool:
    return all(type(value) is str and "\0" not in value for value in values)
