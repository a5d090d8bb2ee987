"""Paths: by which index SQLite finds what a filter and an order ask for.

SQLite, without statistics, guesses which index leaves the fewest rows. It is told one. A few entries of each that could
serve are counted first: an index that leaves few rows is taken; where none does, one that has the rows in order
already, so that the first of them are there at once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from maggma.core import Sort

from atomsieve.analysis.columns import Scalar
from atomsieve.analysis.filters import Term, conjunction
from atomsieve.analysis.layout import Layout

#: Rows that are quicker found, and sorted, than passed over.
FEW = 4_000


@dataclass(frozen=True)
class Path:
    """How SQLite is told to find rows.

    Parameters
    ----------
    source : str
        The table, with the index that leads.
    where : str
        The condition.
    parameters : tuple
        The values of its question marks.
    is_short : bool
        Whether it is known to leave few rows.
    """

    source: str
    where: str
    parameters: tuple[Scalar, ...]
    is_short: bool = False


@dataclass(frozen=True)
class _Candidate:
    """An index, or a table of elements, that could lead, and how."""

    terms: tuple[Term, ...]
    index: str = ""
    equal: int = 0
    is_ordered: bool = False


def path(
    connection: sqlite3.Connection,
    layout: Layout,
    terms: Sequence[Term],
    sort: Mapping[str, Sort | int],
    key: Sequence[str],
) -> Path:
    """Choose the path to the rows that fulfil terms, in an order.

    Parameters
    ----------
    connection : sqlite3.Connection
        In a transaction.
    layout : Layout
        Of the collection.
    terms : sequence of Term
        All must hold.
    sort : mapping of str to int
        Fields that have columns of scalars alone, and their direction.
    key : sequence of str
        Fields whose index leads wherever a filter names their values.
    """
    candidates = [found for name, fields in layout.indexes.items() if (found := _by_index(name, fields, terms, sort))]
    candidates += [_Candidate((term,)) for term in terms if term.members]
    named = [one for one in candidates if one.equal and one.terms[0].field in key]
    if named:
        return _told(layout, terms, max(named, key=lambda one: one.equal), is_short=True)
    leading = [one for one in candidates if one.terms]
    if leading and len(candidates) > 1:
        counted = [(_counted(connection, layout, one), place) for place, one in enumerate(leading)]
        fewest, place = min(counted)
        if fewest <= FEW:
            return _told(layout, terms, leading[place], is_short=True)
    ordered = [one for one in candidates if one.is_ordered]
    best = max(ordered or leading, key=lambda one: (one.equal, len(one.terms)), default=None)
    return _told(layout, terms, best, is_short=False)


def _by_index(
    name: str, fields: Sequence[str], terms: Sequence[Term], sort: Mapping[str, Sort | int]
) -> _Candidate | None:
    """Work out what of some terms an index serves, and whether it has the order."""
    by_field: dict[str, list[Term]] = {}
    for term in terms:
        if not term.members and term.kind != "other":
            by_field.setdefault(term.field, []).append(term)
    used: list[Term] = []
    for field in fields:
        found = next((term for term in by_field.get(field, ()) if term.kind in ("equal", "among")), None)
        if found is None:
            break
        used.append(found)
    equal, is_single = len(used), all(term.kind == "equal" for term in used)
    following = fields[equal : equal + 1]
    wanted = [field for field in sort if not any(term.kind == "equal" for term in by_field.get(field, ()))]
    is_ordered = is_single and bool(sort) and (not wanted or tuple(following) == (wanted[0],))
    used += [term for field in following for term in by_field.get(field, ()) if term.kind == "range"]
    if not used and not is_ordered:
        return None
    return _Candidate(tuple(used), name, equal, is_ordered)


def _counted(connection: sqlite3.Connection, layout: Layout, candidate: _Candidate) -> int:
    """Count the rows that a candidate leaves, as far as they are few."""
    parameters = [value for term in candidate.terms for value in term.parameters]
    if candidate.index:
        told = f"SELECT 1 FROM {layout.table} INDEXED BY {candidate.index} WHERE {conjunction(candidate.terms)}"
    else:
        told = candidate.terms[0].members
    found = connection.execute(f"SELECT count(*) FROM ({told} LIMIT {FEW + 1})", parameters).fetchone()
    return int(found[0])


def _told(layout: Layout, terms: Sequence[Term], best: _Candidate | None, *, is_short: bool) -> Path:
    parameters = tuple(value for term in terms for value in term.parameters)
    if best is None or best.index:
        source = f"{layout.table} INDEXED BY {best.index}" if best else layout.table
        return Path(source, conjunction(terms), parameters, is_short)
    (first,) = best.terms
    where = " AND ".join(f'"#" IN ({term.members})' if term is first else term.sql for term in terms)
    return Path(f"{layout.table} NOT INDEXED", where, parameters, is_short)
