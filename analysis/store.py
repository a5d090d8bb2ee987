"""A store: a collection of documents behind maggma's `Store` interface, here in one SQLite file, without a server.

One file holds many collections, a table each. A row is a document: its BSON, and a column with an index for each field
that it is looked up by, so that an update or a lookup costs the same at ten documents and at ten million. What no
column decides, mongomock's filter does. Many processes may read and write at once.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import bson
from maggma.core import DateTimeFormat, Sort, Store, StoreError
from monty.json import jsanitize
from pydash import pick

from atomsieve.analysis.connections import Connections, warn_if_unsafe
from atomsieve.analysis.filters import (
    OPAQUE,
    Document,
    Narrowing,
    column,
    column_value,
    encoded,
    field_of,
    in_order,
    narrow,
    order_by,
    projection,
    values_at,
)

Filter = Mapping[str, Any] | None
Properties = Mapping[str, Any] | Iterable[str] | None
Order = Mapping[str, Sort | int] | None
Numbered = Generator[tuple[int, Document], None, None]


class SQLiteStore(Store):  # type: ignore[misc]  # maggma has no types
    """A maggma store in a SQLite file, with no limit on the size of a document.

    What `update` has returned from is kept, whatever happens to the process. A column decides on equality, ``$in`` and
    null, while no document has an array or object there. Where none does, it differs from a `MongoStore` in this:
    ``True`` equals ``1``; a path that leads through null, a number, a text or an array does not find what is absent,
    nor do ``$gte`` and ``$lte`` null; an empty ``$all`` finds all; ``$size`` takes objects too; arrays in arrays are
    flattened; objects are equal in any order of their fields. Arrays sort by their first element.

    Parameters
    ----------
    path : str or Path
        The file; made by `connect` if it is not there (its folder must be).
    collection_name : str
        The collection: letters, digits, ``_``, ``-`` and ``.``.
    key : str or list[str]
        The field, or the fields, that tell documents apart: the file itself refuses two that agree in all of them.
    index_fields : Sequence[str]
        More fields (dotted paths too) that have an index from the start; `ensure_index` gives it later.
    durable : bool
        Whether an acknowledged write survives a power cut too, at the cost of an fsync for each transaction.
    last_updated_field, last_updated_type, **kwargs
        As in every maggma store; ``validator`` too.

    Warns
    -----
    UnsafeFilesystemWarning
        On `connect`, if the file lies on a network file system.
    """

    def __init__(
        self,
        path: str | Path,
        collection_name: str,
        key: str | list[str] = "key",
        last_updated_field: str = "last_updated",
        last_updated_type: DateTimeFormat | str = DateTimeFormat.DateTime,
        index_fields: Sequence[str] = (),
        durable: bool = True,
        **kwargs: Any,
    ) -> None:
        if str(path) == ":memory:":
            raise ValueError("path=':memory:' would be empty for every process and thread; use maggma's MemoryStore")
        if not re.fullmatch(r"(?!sqlite_)[\w.-]+", collection_name):
            raise ValueError(f"collection_name={collection_name!r} must consist of letters, digits, '_', '-' and '.'")
        self.path = str(Path(path).expanduser().absolute())
        self.collection_name = collection_name
        self.index_fields = tuple(index_fields)
        self.durable = durable
        self.kwargs = kwargs
        self._given_key = key
        self._table = column(collection_name)
        self._connections: Connections | None = None
        super().__init__(key=key, last_updated_field=last_updated_field, last_updated_type=last_updated_type, **kwargs)

    @property
    def name(self) -> str:
        """Where the collection lies, as a URL."""
        return f"sqlite://{self.path}/{self.collection_name}"

    @property
    def _collection(self) -> Any:
        raise StoreError(f"{self.name} has no pymongo collection; use the store's own query, update, count ...")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SQLiteStore) and hash(self) == hash(other) and self.name == other.name

    def __hash__(self) -> int:
        return hash((self.name, self.last_updated_field))

    def as_dict(self) -> dict[str, Any]:
        """Serialise it with the key that it was made with, though a `JobStore` gives it another."""
        return {**super().as_dict(), "key": self._given_key}

    def connect(self, force_reset: bool = False) -> None:
        """Open the file (again, if ``force_reset``), and make it, the table and its columns where they are missing.

        Raises
        ------
        StoreError
            If the file cannot be opened, or is no SQLite file.
        """
        if self._connections is not None and not force_reset:
            return
        self.close()
        warn_if_unsafe(Path(self.path))
        self._connections = Connections(Path(self.path), durable=self.durable)
        try:
            self._prepare(["_id"], unique=True)
            self._prepare(_as_list(self._given_key), unique=True)
            self._prepare([self.last_updated_field, *self.index_fields])
        except sqlite3.Error as error:
            self.close()
            message = f"cannot open {self.path}: {error}; its folder must be there, and the file, if any, a SQLite file"
            raise StoreError(message) from error

    def close(self) -> None:
        """Close the file. A query that is still being read keeps its own connection until it ends."""
        if self._connections is not None:
            self._connections.close()
        self._connections = None

    def ensure_index(self, key: str | list[str], unique: bool = False) -> bool:
        """Give fields an index each, or refuse two documents that agree in all of them; False if there are such."""
        try:
            self._prepare(_as_list(key), unique=unique)
        except sqlite3.IntegrityError:
            return False
        return True

    def count(self, criteria: Filter = None) -> int:
        """Count the documents that match a MongoDB filter."""
        with self._file().reading() as connection:
            narrowing = self._narrowed(connection, criteria)
            if narrowing.rest:
                return sum(1 for _ in self._matching(connection, criteria))
            sql = f"SELECT count(*) FROM {self._table} WHERE {narrowing.where}"
            return int(connection.execute(sql, narrowing.parameters).fetchone()[0])

    def query(
        self, criteria: Filter = None, properties: Properties = None, sort: Order = None, skip: int = 0, limit: int = 0
    ) -> Iterator[Document]:
        """Yield the documents that match a MongoDB filter, one by one, all as they were when the first was asked for.

        Of a mapping of properties, ``_id`` alone may be 0. SQL sorts (1 ascending, -1 descending) by fields with a
        column; by others, all that match are held in memory. A child process cannot go on reading its parent's query.
        """
        cut, process = projection(properties), os.getpid()
        with self._file().reading() as connection, closing(self._matching(connection, criteria, sort)) as found:
            for _, document in islice(found, skip, skip + abs(limit) if limit else None):
                yield cut(document)
                if os.getpid() != process:
                    raise StoreError("this query was begun before a fork; begin it again in the child process")

    def distinct(self, field: str, criteria: Filter = None, all_exist: bool = False) -> list[Any]:
        """List the different values of a field in the documents that match; arrays count by their elements."""
        values: dict[Any, Any] = {}
        for document in self.query(criteria, [field]):
            for value in values_at(document, field.split(".")):
                values.setdefault(encoded(value), value)
        return list(values.values())

    def groupby(
        self, keys: list[str] | str, criteria: Filter = None, properties: Properties = None, **options: Any
    ) -> Iterator[tuple[Document, list[Document]]]:
        """Yield the documents of a query in groups of equal keys; to lack one is a group too, as in MongoDB."""
        kept = dict.fromkeys([*_as_list(keys), *properties], 1) if properties else None
        groups: dict[bytes, tuple[Document, list[Document]]] = {}
        for document in self.query(criteria, kept, **options):
            group = pick(document, [*_as_list(keys)])
            groups.setdefault(bson.encode(group), (group, []))[1].append(document)
        yield from groups.values()

    def update(self, docs: list[Document] | Document, key: list[str] | str | None = None) -> None:
        """Replace the documents that agree in the key fields, or insert; all in one durable transaction, or none.

        The fields are those of ``key``, else the store's own. What is no BSON is made so as in a `MongoStore`.

        Raises
        ------
        KeyError
            If a document lacks a key field.
        StoreError
            If a document would change its ``_id``, or a unique index refuses it.
        """
        documents = list(self._accepted(docs if isinstance(docs, list) else [docs]))
        fields = _as_list(key or self.key)
        if fields != _as_list(self._given_key):
            self._prepare(fields)
        try:
            with self._file().writing() as connection:
                columns = self._fields(connection)
                for document in documents:
                    self._replace(connection, document, fields, columns)
        except sqlite3.IntegrityError as error:
            raise StoreError(f"{self.name}: nothing was updated, {error}; remove the other document first") from error

    def remove_docs(self, criteria: Mapping[str, Any]) -> None:
        """Remove the documents that match a MongoDB filter, in one durable transaction."""
        with self._file().writing() as connection:
            rows = [(row,) for row, _ in self._matching(connection, criteria)]
            connection.executemany(f'DELETE FROM {self._table} WHERE "#" = ?', rows)

    def _file(self) -> Connections:
        if self._connections is None:
            raise StoreError(f"{self.name} is not connected; call connect() first, or use the store in a with block")
        return self._connections

    def _prepare(self, fields: Sequence[str], unique: bool = False) -> None:
        """Give fields a column and an index each, and one index over all of them if they shall be unique.

        They are filled in the transaction that makes them, and never removed: what exists can be trusted, whichever
        process made it. A column whose name begins with ``#`` is that of no field.
        """

        def index(*names: str) -> str:
            return column("/".join([self.collection_name, *names]))

        together = index(*fields, "unique")
        wanted = {together: fields} if unique else {}
        with self._file().reading() as connection:
            present = {f'"{row[1]}"' for row in connection.execute(f"PRAGMA index_list({self._table})")}
        wanted |= {index(field): [field] for field in fields if index(field, "unique") not in {*present, *wanted}}
        if present.issuperset(wanted):
            return
        with self._file().writing() as connection:
            connection.execute(f'CREATE TABLE IF NOT EXISTS {self._table} ("#" INTEGER PRIMARY KEY, "#body" BLOB)')
            connection.create_function("stored", 2, lambda body, field: column_value(bson.decode(body), field))
            for field in set(fields).difference(self._fields(connection)):
                connection.execute(f"ALTER TABLE {self._table} ADD COLUMN {column(field)}")
                connection.execute(f'UPDATE {self._table} SET {column(field)} = stored("#body", ?)', (field,))
            for name, indexed in wanted.items():
                kind, columns = "UNIQUE INDEX" if name == together else "INDEX", ", ".join(map(column, indexed))
                connection.execute(f"CREATE {kind} IF NOT EXISTS {name} ON {self._table} ({columns})")

    def _fields(self, connection: sqlite3.Connection) -> list[str]:
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({self._table})")]
        return [field_of(name) for name in names if not name.startswith("#")]

    def _scalar_fields(self, connection: sqlite3.Connection, among: Iterable[str]) -> set[str]:
        """Give those of the fields that have a column, where no document holds an array or another opaque value."""
        fields = set(among).intersection(self._fields(connection))
        opaque = f"SELECT 1 FROM {self._table} WHERE {{}} >= ?"
        return {field for field in fields if not connection.execute(opaque.format(column(field)), [OPAQUE]).fetchone()}

    def _narrowed(self, connection: sqlite3.Connection, criteria: Filter) -> Narrowing:
        received = bson.decode(bson.encode(criteria or {}))  # as a server would receive it: milliseconds, no tuples ...
        return narrow(received, self._scalar_fields(connection, received), ["_id", *_as_list(self._given_key)])

    def _matching(self, connection: sqlite3.Connection, criteria: Filter, sort: Order = None) -> Numbered:
        """Yield the row number and the document of each that matches."""
        narrowing, sort = self._narrowed(connection, criteria), sort or {}
        sql = f'SELECT "#", "#body" FROM {self._table} WHERE {narrowing.where}'
        sorts_in_sql = bool(sort) and self._scalar_fields(connection, sort) == set(sort)
        if sorts_in_sql:
            sql += f" ORDER BY {order_by(sort)}"
        with closing(connection.execute(sql, narrowing.parameters)) as cursor:
            rows = ((row, bson.decode(body)) for row, body in cursor)
            found = (row for row in rows if narrowing.accepts(row[1]))
            yield from found if sorts_in_sql else in_order(found, sort)

    def _replace(self, connection: sqlite3.Connection, document: Document, key: list[str], fields: list[str]) -> None:
        """Put a document in the place of the one that agrees in the key, whose ``_id`` it inherits, or insert it."""
        sql = f'SELECT "#", "#body" FROM {self._table} WHERE ' + " AND ".join(f"{column(field)} IS ?" for field in key)
        found = connection.execute(sql, [encoded(document[field]) for field in key]).fetchone()
        row, identity = None, bson.ObjectId()
        if found:
            row, identity = found[0], bson.decode(found[1])["_id"]
            if encoded(document.get("_id", identity)) != encoded(identity):
                raise StoreError(f"_id={document['_id']!r} of a document that has _id={identity!r}; leave _id out")
        document = {"_id": identity, **document}
        names = ['"#"', '"#body"', *map(column, fields)]
        connection.execute(
            f"INSERT INTO {self._table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "
            f'ON CONFLICT ("#") DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in names[1:])}',
            (row, bson.encode(document), *(column_value(document, field) for field in fields)),
        )

    def _accepted(self, documents: Iterable[Any]) -> Iterator[Document]:
        """Make BSON of what is none, as a `MongoStore` does (most is), and leave out what the validator refuses."""
        for document in documents:
            try:
                bson.encode(document)
            except (bson.errors.InvalidDocument, TypeError, ValueError):
                document = jsanitize(document, allow_bson=True, recursive_msonable=True)
            if self.validator is None or self.validator.is_valid(document):
                yield document
            elif self.validator.strict:
                raise ValueError(self.validator.validation_errors(document))
            else:
                self.logger.error(self.validator.validation_errors(document))


def _as_list(key: str | Sequence[str]) -> list[str]:
    return [key] if isinstance(key, str) else list(key)
