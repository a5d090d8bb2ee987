"""Layout: the columns, indexes and tables of elements that a collection has in a SQLite file; read, made and filled."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import bson

from atomsieve.analysis.columns import OPAQUE, Document, column, column_value, element_values, field_of

#: In SQL, not as a parameter, so that SQLite sees that a partial index serves.
_IS_OPAQUE = f">= X'{OPAQUE.hex()}'"
Index = tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """What a collection has in a file, whichever process made it: it is never removed, so that it can be trusted.

    Parameters
    ----------
    table : str
        Its table, quoted; a column whose name begins with ``#`` is that of no field.
    fields : tuple of str
        Those with a column.
    indexes : mapping of str to tuple of str
        The fields of each (quoted) index over whole columns, in order.
    partial : frozenset of str
        The (quoted) indexes of what is opaque in a column that begins no other.
    arrays : mapping of str to str
        The (quoted) tables of the elements of fields.
    """

    table: str
    fields: tuple[str, ...]
    indexes: Mapping[str, Index]
    partial: frozenset[str]
    arrays: Mapping[str, str]

    @classmethod
    def read(cls, connection: sqlite3.Connection, collection: str) -> Layout:
        """Read it from the file; without fields if the collection is not there."""
        table = column(collection)
        names = [row[0] for row in connection.execute("SELECT name FROM pragma_table_info(?)", [table[1:-1]])]
        listed = connection.execute(
            "SELECT l.name, l.partial, i.name FROM pragma_index_list(?) l, pragma_index_info(l.name) i "
            "ORDER BY l.name, i.seqno",
            [table[1:-1]],
        ).fetchall()
        indexes: dict[str, Index] = {}
        for index, is_partial, name in listed:
            if not is_partial:
                indexes[_quoted(index)] = (*indexes.get(_quoted(index), ()), field_of(name))
        prefix = _elements_of(collection, "")[1:-1]
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        arrays = {field_of(name[len(prefix) :]): _quoted(name) for (name,) in tables if name.startswith(prefix)}
        fields = tuple(field_of(name) for name in names if not name.startswith("#"))
        return cls(table, fields, indexes, frozenset(_quoted(row[0]) for row in listed if row[1]), arrays)

    def scalar(self, connection: sqlite3.Connection, fields: Iterable[str]) -> set[str]:
        """Give those of the fields that have a column, where no document holds an array or another opaque value."""
        opaque = f"SELECT 1 FROM {self.table} WHERE {{}} {_IS_OPAQUE} LIMIT 1"
        known = set(self.fields).intersection(fields)
        return {field for field in known if not connection.execute(opaque.format(column(field))).fetchone()}

    def scalar_arrays(self, connection: sqlite3.Connection, fields: Iterable[str]) -> dict[str, str]:
        """Give the tables of elements of those of the fields that have one, where no element is opaque."""
        opaque = f'SELECT 1 FROM {{}} WHERE "#element" {_IS_OPAQUE} LIMIT 1'
        known = {field: self.arrays[field] for field in fields if field in self.arrays}
        return {
            field: table for field, table in known.items() if not connection.execute(opaque.format(table)).fetchone()
        }

    def lacks(self, wished: Wishes) -> bool:
        """Whether something of what is wished for is missing."""
        return not (
            set(self.fields).issuperset(wished.fields)
            and {*self.indexes, *self.partial}.issuperset({**wished.indexes, **wished.partial})
            and set(self.arrays).issuperset(wished.arrays)
        )

    def change_elements(
        self, connection: sqlite3.Connection, row: int, before: Document | None, after: Document | None
    ) -> None:
        """Keep the tables of elements with a document that was replaced, inserted or removed."""
        for field, table in self.arrays.items():
            old = element_values(before, field) if before is not None else set()
            new = element_values(after, field) if after is not None else set()
            for sql, elements in (
                (f'DELETE FROM {table} WHERE "#element" = ? AND "#row" = ?', old - new),
                (f"INSERT INTO {table} VALUES (?, ?)", new - old),
            ):
                if elements:
                    connection.executemany(sql, [(element, row) for element in elements])


@dataclass(frozen=True)
class Wishes:
    """What a collection shall have.

    Parameters
    ----------
    fields : tuple of str
        Those that need a column, as a new table has them, in order.
    indexes, partial : mapping of str to str
        The statement that makes each (quoted) index.
    arrays : tuple of str
        Fields whose elements have a table.
    """

    fields: tuple[str, ...]
    indexes: Mapping[str, str]
    partial: Mapping[str, str]
    arrays: tuple[str, ...]

    @classmethod
    def of(
        cls,
        collection: str,
        there: Layout,
        indexes: Iterable[Sequence[str]],
        unique: Iterable[Sequence[str]],
        columns: Iterable[str],
        arrays: Iterable[str],
    ) -> Wishes:
        """Work out what serves indexes over fields, unique ones, columns without an index, and fields of arrays."""

        def name(*parts: str) -> str:
            return column("/".join([collection, *parts]))

        def over(fields: Sequence[str]) -> str:
            return f"{column(collection)} ({', '.join(map(column, fields))})"

        unique, indexes, columns, arrays = list(unique), list(indexes), list(columns), list(arrays)
        made = {name(*fields, "unique"): f"UNIQUE INDEX {{}} ON {over(fields)}" for fields in unique}
        begun = {fields[0] for fields in [*unique, *indexes]}
        begun |= {fields[0] for fields in there.indexes.values()}
        for fields in indexes:
            if name(*fields, "unique") not in {*made, *there.indexes}:
                made[name(*fields)] = f"INDEX {{}} ON {over(fields)}"
        every = tuple(
            dict.fromkeys([*(field for fields in [*unique, *indexes] for field in fields), *columns, *arrays])
        )
        partial = {
            name(field, "#opaque"): f"INDEX {{}} ON {over([field])} WHERE {column(field)} {_IS_OPAQUE}"
            for field in every
            if field not in begun
        }
        return cls(every, made, partial, tuple(arrays))

    def fulfil(self, connection: sqlite3.Connection, collection: str) -> None:
        """Make and fill what is missing, in the transaction of a connection."""
        table = column(collection)
        # the document comes last: SQLite reads a long row from its beginning
        listed = "".join(f"{column(field)}, " for field in self.fields)
        connection.execute(f'CREATE TABLE IF NOT EXISTS {table} ("#" INTEGER PRIMARY KEY, {listed}"#body" BLOB)')
        there = Layout.read(connection, collection)
        connection.create_function("stored", 2, lambda body, field: column_value(bson.decode(body), field))
        for field in set(self.fields).difference(there.fields):
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {column(field)}")
            connection.execute(f'UPDATE {table} SET {column(field)} = stored("#body", ?)', (field,))
        for field in set(self.arrays).difference(there.arrays):
            elements = _elements_of(collection, field)
            connection.execute(
                f'CREATE TABLE {elements} ("#element", "#row" INTEGER, PRIMARY KEY ("#element", "#row")) WITHOUT ROWID'
            )
            connection.executemany(f"INSERT INTO {elements} VALUES (?, ?)", _all_elements(connection, table, field))
        for index, statement in {**self.indexes, **self.partial}.items():
            if index not in there.indexes and index not in there.partial:
                connection.execute(f"CREATE {statement.format(index)}")


def _all_elements(connection: sqlite3.Connection, table: str, field: str) -> Iterator[tuple[object, int]]:
    for row, body in connection.execute(f'SELECT "#", "#body" FROM {table}'):
        for element in element_values(bson.decode(body), field):
            yield element, row


def _elements_of(collection: str, field: str) -> str:
    # no collection has a name with #
    return f'"#{column(collection)[1:-1]}#{column(field)[1:-1]}"'


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
