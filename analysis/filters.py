"""Filters: the part of a MongoDB filter that SQL decides, by columns, and the part that it leaves to each document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from maggma.core import Sort
from mongomock_ng.filtering import filter_applies, resolve_sort_key

from atomsieve.analysis.columns import BOOL, DATE, NULL, OBJECT_ID, Document, Scalar, column, encoded, is_opaque

_MOST_VALUES = 30_000  # SQLite takes 32,766 parameters a statement
_COMPARISONS = {"$lt": "<", "$lte": "<=", "$gt": ">", "$gte": ">="}
#: Between which values of SQLite's order a comparison stays, as BSON compares values of one type alone.
_BRACKETS: Mapping[type | bytes, tuple[Scalar, Scalar]] = {
    int: (None, ""),
    str: ("", b""),
    **{tag: (tag, bytes([tag[0] + 1])) for tag in (OBJECT_ID, BOOL, DATE)},
}


@dataclass(frozen=True)
class Term:
    """A condition on a field that SQL decides.

    Parameters
    ----------
    field : str
        Its path.
    kind : str
        What an index can do for it: ``equal`` (to one value), ``among`` (equal to one of several), ``range``, or
        ``other``.
    sql : str
        The condition.
    parameters : tuple
        The values of its question marks.
    members : str
        For an array: the query for the rows that fulfil it, of the same parameters.
    """

    field: str
    kind: str
    sql: str
    parameters: tuple[Scalar, ...]
    members: str = ""


@dataclass(frozen=True)
class Narrowing:
    """What SQL does for a filter: its terms, all of which must hold, and the rest of the filter."""

    terms: Sequence[Term]
    rest: Document

    def accepts(self, document: Document) -> bool:
        """Whether a document that fulfils the terms matches the rest of the filter too."""
        return not self.rest or bool(filter_applies(self.rest, document))  # type: ignore[no-untyped-call]


def fields_in(criteria: Any) -> set[str]:
    """Give the fields that a filter asks for."""
    found: set[str] = set()
    for name, condition in criteria.items() if isinstance(criteria, Mapping) else ():
        if not name.startswith("$"):
            found.add(name)
        elif isinstance(condition, list):
            found.update(*map(fields_in, condition))
    return found


def narrow(criteria: Mapping[str, Any], columns: Iterable[str], arrays: Mapping[str, str]) -> Narrowing:
    """Let SQL decide on as much of a filter as it can exactly as MongoDB does.

    Parameters
    ----------
    criteria : mapping
        A MongoDB filter.
    columns : iterable of str
        Fields that have columns, of scalars alone.
    arrays : mapping of str to str
        The (quoted) tables of the elements of array fields, of scalars alone.
    """
    terms: list[Term] = []
    rest: Document = {}
    together: list[Any] = []
    known = _Known(frozenset(columns), arrays)
    for name, condition in criteria.items():
        if name == "$and" and isinstance(condition, list) and all(isinstance(part, Mapping) for part in condition):
            parts = [narrow(part, known.columns, arrays) for part in condition]
            terms += [term for part in parts for term in part.terms]
            together += [part.rest for part in parts if part.rest]
        elif name in ("$or", "$nor") and (term := known.either(name, condition)):
            terms.append(term)
        else:
            found, left = known.split(name, condition)
            terms += found
            if left is not None:
                rest[name] = left
    if together:
        rest["$and"] = together
    filter_applies(rest, {})  # type: ignore[no-untyped-call]  # refuses, without a document too, what it does not know
    if sum(len(term.parameters) for term in terms) > _MOST_VALUES:
        return Narrowing([], dict(criteria))
    return Narrowing(terms, rest)


@dataclass(frozen=True)
class _Known:
    """The fields on which SQL can decide."""

    columns: frozenset[str]
    arrays: Mapping[str, str]

    def split(self, field: str, condition: Any) -> tuple[list[Term], Any]:
        """Turn what can be turned of the condition on a field into terms; also give what is left, None for nothing."""
        if field.startswith("$") or (field not in self.columns and field not in self.arrays):
            return [], condition
        if not isinstance(condition, Mapping) or not any(str(name).startswith("$") for name in condition):
            term = self._equal(field, [condition])
            return ([], condition) if term is None else ([term], None)
        found = {operator: self._terms(field, operator, operand) for operator, operand in condition.items()}
        # ``$options`` belongs to ``$regex``, which is left too
        left = {operator: condition[operator] for operator, terms in found.items() if terms is None}
        return [term for terms in found.values() for term in terms or ()], left or None

    def either(self, operator: str, branches: Any) -> Term | None:
        """Turn ``$or`` or ``$nor`` into a term, if SQL decides on all that it says."""
        if (
            not isinstance(branches, list)
            or not branches
            or not all(isinstance(branch, Mapping) for branch in branches)
        ):
            return None
        found = [narrow(branch, self.columns, self.arrays) for branch in branches]
        if any(branch.rest for branch in found):
            return None
        sql = " OR ".join(f"({conjunction(branch.terms)})" for branch in found)
        parameters = tuple(value for branch in found for term in branch.terms for value in term.parameters)
        return Term("", "other", f"({sql})" if operator == "$or" else f"({sql}) IS NOT TRUE", parameters)

    def _terms(self, field: str, operator: str, operand: Any) -> list[Term] | None:
        """Turn one operator of a condition into terms; None if it cannot be."""
        match operator:
            case "$eq":
                term = self._equal(field, [operand])
            case "$in" if isinstance(operand, list):
                term = self._equal(field, operand)
            case "$ne":
                term = _denied(self._equal(field, [operand]))
            case "$nin" if isinstance(operand, list):
                term = _denied(self._equal(field, operand))
            case "$not" if isinstance(operand, Mapping) and len(operand) == 1 and next(iter(operand)) in _COMPARISONS:
                term = _denied(self._compared(field, *next(iter(operand.items()))))
            case "$all" if (
                isinstance(operand, list) and operand and not any(isinstance(one, Mapping) for one in operand)
            ):
                each = [self._equal(field, [value]) for value in operand]
                return None if None in each else [term for term in each if term]
            case _ if operator in _COMPARISONS:
                term = self._compared(field, operator, operand)
            case _:
                return None
        return None if term is None else [term]

    def _equal(self, field: str, values: list[Any]) -> Term | None:
        scalars = list(dict.fromkeys(encoded(value) for value in values))
        if any(map(is_opaque, scalars)) or len(scalars) > _MOST_VALUES:
            return None
        kind = "equal" if len(scalars) == 1 else "among"
        if field in self.arrays:
            held = tuple(NULL if value is None else value for value in scalars)
            members = self._members(field, f'"#element" IN ({_marks(held)})')
            return Term(field, kind, f'EXISTS ({members} AND "#row" = "#")', held, members)
        name = column(field)
        held = tuple(value for value in scalars if value is not None)
        if held == tuple(scalars):
            # a list of one would cost an index its order
            return Term(field, kind, f"{name} = ?" if kind == "equal" else f"{name} IN ({_marks(held)})", held)
        if not held:
            return Term(field, kind, f"{name} IS NULL", held)
        # no index serves both
        return Term(field, "other", f"({name} IN ({_marks(held)}) OR {name} IS NULL)", held)

    def _compared(self, field: str, operator: str, operand: Any) -> Term | None:
        value = encoded(operand)
        if value is None or is_opaque(value):
            return None
        tag = value[:1] if isinstance(value, bytes) else str if isinstance(value, str) else int
        lowest, beyond = _BRACKETS[tag]
        sign = _COMPARISONS[operator]
        bound, edge = (">=", lowest) if sign.startswith("<") else ("<", beyond)
        name = '"#element"' if field in self.arrays else column(field)
        sql, parameters = f"{name} {sign} ?", (value,)
        if edge is not None:
            sql, parameters = f"({sql} AND {name} {bound} ?)", (value, edge)
        if field in self.arrays:
            return Term(field, "other", f'"#" IN ({self._members(field, sql)})', parameters)
        return Term(field, "range", sql, parameters)

    def _members(self, field: str, condition: str) -> str:
        return f'SELECT "#row" FROM {self.arrays[field]} WHERE {condition}'


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))


def _denied(term: Term | None) -> Term | None:
    return None if term is None else Term(term.field, "other", f"({term.sql}) IS NOT TRUE", term.parameters)


def conjunction(terms: Iterable[Term]) -> str:
    """Write terms as one condition."""
    return " AND ".join(term.sql for term in terms) or "TRUE"


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
