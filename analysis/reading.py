"""Reading: what one collection in a SQLite file answers, in one snapshot."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

import bson
from maggma.core import Sort

from atomsieve.analysis.columns import NULL, Document, Scalar, column, decoded, encoded, is_digest
from atomsieve.analysis.filters import Narrowing, conjunction, fields_in, in_order, narrow, order_by
from atomsieve.analysis.layout import Layout
from atomsieve.analysis.paths import path
from atomsieve.analysis.projections import value_at, values_at

Filter = Mapping[str, Any] | None
Order = Mapping[str, Sort | int] | None
Numbered = Generator[tuple[int, Document], None, None]


class Reading:
    """A collection of a SQLite file, as one transaction sees it.

    Parameters
    ----------
    connection : sqlite3.Connection
        In a transaction.
    layout : Layout
        Of the collection, in this transaction.
    key : sequence of str
        Fields whose index leads wherever a filter names their values.
    """

    def __init__(self, connection: sqlite3.Connection, layout: Layout, key: Sequence[str]) -> None:
        self._connection = connection
        self._layout = layout
        self._key = key

    def count(self, criteria: Filter) -> int:
        """Count the documents that match."""
        narrowing = self._narrowed(criteria)
        if narrowing.rest:
            with closing(self.documents(criteria)) as found:
                return sum(1 for _ in found)
        sql, parameters = self._sql("count(*)", narrowing)
        return int(self._connection.execute(sql, parameters).fetchone()[0])

    def documents(self, criteria: Filter, sort: Order = None, skip: int = 0, limit: int = 0) -> Numbered:
        """Yield the number of its row with each document that matches, of a limit of them if there is one."""
        narrowing, order = self._narrowed(criteria), self._order(sort)
        is_cut = not narrowing.rest and (order is not None or not sort)
        sql, parameters = self._sql('"#"' if order else '"#", "#body"', narrowing, order)
        if is_cut and (skip or limit):
            sql, parameters = f"{sql} LIMIT ? OFFSET ?", (*parameters, limit or -1, skip)
        with closing(self._connection.execute(sql, parameters)) as cursor:
            # SQLite would sort whole documents
            rows: Iterable[tuple[int, bytes]] = ((row, self._body(row)) for (row,) in cursor) if order else cursor
            numbered = ((row, bson.decode(body)) for row, body in rows)
            found = (row for row in numbered if narrowing.accepts(row[1]))
            ordered = found if is_cut or order else in_order(found, sort or {})
            yield from ordered if is_cut else islice(ordered, skip, skip + limit if limit else None)

    def values(
        self, fields: Sequence[str], criteria: Filter, sort: Order = None, skip: int = 0, limit: int = 0
    ) -> Generator[tuple[Any, ...], None, None]:
        """Yield the values of fields in each document that matches, from columns as far as there are such."""
        narrowing, order = self._narrowed(criteria), self._order(sort)
        paths = [field.split(".") for field in fields]
        if narrowing.rest or (sort and order is None):
            with closing(self.documents(criteria, sort, skip, limit)) as found:
                for _, document in found:
                    yield tuple(value_at(document, path) for path in paths)
            return
        held = [field for field in fields if field in self._layout.fields]
        absent = [(place, path) for place, path in enumerate(paths) if fields[place] not in held]
        names = [column(field) if field in held else "NULL" for field in fields]
        # a document is looked for where it is needed, that it need not be sorted
        sql, parameters = self._sql(", ".join(['"#"', *names]), narrowing, order)
        sql, parameters = f"{sql} LIMIT ? OFFSET ?", (*parameters, limit or -1, skip)
        with closing(self._connection.execute(sql, parameters)) as cursor:
            for number, *row in cursor:
                document = bson.decode(self._body(number)) if absent else None
                for place, path in absent:
                    row[place] = value_at(document, path)
                for place, value in enumerate(row):
                    if type(value) is bytes and names[place] != "NULL":
                        if is_digest(value):
                            document = document or bson.decode(self._body(number))
                            row[place] = value_at(document, paths[place])
                        else:
                            row[place] = decoded(value)
                yield tuple(row)

    def distinct(self, field: str, criteria: Filter) -> list[Any]:
        """List the different values of a field in the documents that match, in the order of an index if it has one."""
        narrowing = self._narrowed(criteria)
        layout, connection = self._layout, self._connection
        where, parameters = conjunction(narrowing.terms), [v for term in narrowing.terms for v in term.parameters]
        array = layout.scalar_arrays(connection, [field]).get(field)
        index = next((name for name, fields in layout.indexes.items() if fields[0] == field), None)
        if narrowing.rest or not (array or (index and layout.scalar(connection, [field]))):
            return self._distinct_in_documents(field, criteria)
        if path(connection, layout, narrowing.terms, {}, self._key).is_short:
            return self._distinct_in_documents(field, criteria)
        name = '"#element"' if array else column(field)
        source = f"{layout.table} INDEXED BY {index}"
        if array:
            source = f'{array} CROSS JOIN {layout.table} ON {layout.table}."#" = "#row"'
        some = f"SELECT 1 FROM {source} WHERE {name} = ? AND {where} LIMIT 1"
        found = [
            value
            for value in self._steps(array or source, name)
            if value != NULL and (not narrowing.terms or connection.execute(some, [value, *parameters]).fetchone())
        ]
        return [decoded(value) for value in found] + self._null(field, where, parameters, array)

    def plan(self, criteria: Filter, sort: Order = None) -> list[str]:
        """Tell in SQLite's words how it would find, and sort, the documents that match."""
        sql, parameters = self._sql('"#"', self._narrowed(criteria), self._order(sort))
        return [row[3] for row in self._connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)]

    def _narrowed(self, criteria: Filter) -> Narrowing:
        received = bson.decode(bson.encode(criteria or {}))  # as a server would receive it: milliseconds, no tuples ...
        asked = fields_in(received)
        arrays = self._layout.scalar_arrays(self._connection, asked)
        columns = self._layout.scalar(self._connection, asked.difference(arrays))
        return narrow(received, columns, arrays)

    def _order(self, sort: Order) -> Order:
        """Give the order if SQL can sort by it, else None."""
        return sort if sort and self._layout.scalar(self._connection, sort) == set(sort) else None

    def _sql(self, what: str, narrowing: Narrowing, order: Order = None) -> tuple[str, tuple[Scalar, ...]]:
        found = path(self._connection, self._layout, narrowing.terms, order or {}, self._key)
        by = f" ORDER BY {order_by(order)}" if order else ""
        return f"SELECT {what} FROM {found.source} WHERE {found.where}{by}", found.parameters

    def _body(self, row: int) -> bytes:
        sql = f'SELECT "#body" FROM {self._layout.table} WHERE "#" = ?'
        body: bytes = self._connection.execute(sql, (row,)).fetchone()[0]
        return body

    def _distinct_in_documents(self, field: str, criteria: Filter) -> list[Any]:
        values: dict[Any, Any] = {}
        with closing(self.documents(criteria)) as found:
            for _, document in found:
                for value in values_at(document, field.split(".")):
                    values.setdefault(encoded(value), value)
        return list(values.values())

    def _steps(self, source: str, name: str) -> Iterator[Scalar]:
        """Yield the different values of an index, each found from the one before, whatever lies between them."""
        (value,) = self._connection.execute(f"SELECT min({name}) FROM {source}").fetchone()
        while value is not None:
            yield value
            (value,) = self._connection.execute(
                f"SELECT min({name}) FROM {source} WHERE {name} > ?", [value]
            ).fetchone()

    def _null(self, field: str, where: str, parameters: Sequence[Scalar], array: str | None) -> list[None]:
        """Give one null if some document that matches has it there, which a column does not tell from missing."""
        steps = field.split(".")
        null = f"""{column(field)} IS NULL AND instr("#body", X'{(NULL + steps[-1].encode()).hex()}00')"""
        if array:
            element = f'SELECT 1 FROM {array} WHERE "#element" = X\'{NULL.hex()}\' AND "#row" = "#"'
            null = f"({null} OR {column(field)} IS NOT NULL AND EXISTS ({element}))"
        sql = f'SELECT "#body" FROM {self._layout.table} WHERE {null} AND {where}'
        with closing(self._connection.execute(sql, parameters)) as cursor:
            for (body,) in cursor:
                if None in values_at(bson.decode(body), steps):
                    return [None]
        return []
