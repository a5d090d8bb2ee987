"""A store: a collection of documents behind maggma's `Store` interface, here in one SQLite file, without a server.

One file holds many collections, a table each. A row is a document: its BSON, and a column with an index for each field
that it is looked up by, so that an update or a lookup costs the same at ten documents and at ten million. What no
column decides, mongomock's filter does. Many processes may read and write at once, and what `update` has returned from
is kept, whatever happens to the process.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import bson
from bson import ObjectId
from bson.errors import InvalidDocument
from maggma.core import DateTimeFormat, Sort, Store, StoreError
from mongomock_ng.filtering import filter_applies, resolve_sort_key
from monty.json import jsanitize
from pydash import get, has, set_

from atomsieve.analysis.connections import Connections, warn_if_unsafe
from atomsieve.analysis.filters import (
    OPAQUE,
    Document,
    column,
    column_value,
    encoded,
    field_of,
    narrow,
    projection,
    values_at,
)

Properties = Mapping[str, Any] | Iterable[str] | None
Order = Mapping[str, Sort | int] | None


class SQLiteStore(Store):  # type: ignore[misc]  # maggma has no types
    """A maggma store in a SQLite file, with no limit on the size of a document.

    It answers as a `MongoStore` does, but for this: where a field has no column, ``True`` equals ``1``, null does not
    stand for a path through a number or a text, objects are equal in any order of their fields, and an array sorts by
    its first element; what mongomock's filter has no operator for is refused.

    Parameters
    ----------
    path : str or Path
        The file; made by `connect` if it is not there (its folder must be). A relative path is taken from the working
        directory of this moment.
    collection_name : str
        The collection: letters, digits, ``_``, ``-`` and ``.``.
    key : str or list[str]
        The field, or the fields, that tell documents apart: the file itself refuses two that agree in all of them.
    last_updated_field, last_updated_type
        As in every maggma store.
    index_fields : Sequence[str]
        More fields (dotted paths too) to give a column and an index at once; `ensure_index` does it later.
    durable : bool
        Whether an acknowledged write survives a power cut too, at the cost of an fsync for each transaction. Without
        it, it survives a crash of the process.
    **kwargs
        ``validator``, as in every maggma store.

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

    @property
    def _file(self) -> Connections:
        if self._connections is None:
            raise StoreError(f"{self.name} is not connected; call connect() first, or use the store in a with block")
        return self._connections

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SQLiteStore) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[str, ...]:
        return self.path, self.collection_name, self.last_updated_field

    def connect(self, force_reset: bool = False) -> None:
        """Open the file, and make it, the collection and its columns where they are missing.

        Parameters
        ----------
        force_reset : bool
            Close and open again where the store is connected already; otherwise nothing is done then.

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
            self._prepare(_as_list(self.key), unique=True)
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
        """Give a field a column and an index, now and for the documents that are there.

        Parameters
        ----------
        key : str or list[str]
            A field (a dotted path too), or a list of which each gets an index.
        unique : bool
            Refuse, from now on, two documents that agree in it (in a list: in all of it).

        Returns
        -------
        bool
            False if ``unique`` is asked and the documents are not.
        """
        try:
            self._prepare(_as_list(key), unique=unique)
        except sqlite3.IntegrityError:
            return False
        return True

    def count(self, criteria: Mapping[str, Any] | None = None) -> int:
        """Count the documents that match a MongoDB filter."""
        with self._file.reading() as connection:
            narrowing = narrow(_received(criteria), self._clear(connection, criteria or ()), self._unique())
            if narrowing.rest:
                return sum(1 for _ in self._matching(connection, criteria))
            sql = f"SELECT count(*) FROM {self._table} WHERE {narrowing.where}"
            return int(connection.execute(sql, narrowing.parameters).fetchone()[0])

    def query(
        self,
        criteria: Mapping[str, Any] | None = None,
        properties: Properties = None,
        sort: Order = None,
        skip: int = 0,
        limit: int = 0,
    ) -> Iterator[Document]:
        """Yield documents, one at a time, all as they were when the first was asked for.

        Parameters
        ----------
        criteria : Mapping or None
            A MongoDB filter.
        properties : Mapping or Iterable[str] or None
            The names of the fields to return, or a mapping of them to 1 (``_id`` to 0 to leave it out); all if empty.
        sort : Mapping or None
            Fields, and 1 for ascending or -1 for descending. By fields with a column SQL sorts, by others all matching
            documents are held in memory.
        skip : int
            How many documents to leave out at the start.
        limit : int
            How many documents to return at most; 0 for all.

        Raises
        ------
        StoreError
            If a child process goes on reading a query of its parent.
        """
        cut, process = projection(properties), os.getpid()
        with self._file.reading() as connection, closing(self._matching(connection, criteria, sort)) as found:
            for _, document in islice(found, skip, skip + abs(limit) if limit else None):
                yield cut(document)
                if os.getpid() != process:
                    raise StoreError("this query was begun before a fork; begin it again in the child process")

    def distinct(self, field: str, criteria: Mapping[str, Any] | None = None, all_exist: bool = False) -> list[Any]:
        """List the different values of a field in the documents that match; arrays count by their elements."""
        values: dict[Any, Any] = {}
        for document in self.query(criteria, [field]):
            for value in values_at(document, field.split(".")):
                values.setdefault(encoded(value), value)
        return list(values.values())

    def groupby(
        self,
        keys: list[str] | str,
        criteria: Mapping[str, Any] | None = None,
        properties: Properties = None,
        sort: Order = None,
        skip: int = 0,
        limit: int = 0,
    ) -> Iterator[tuple[Document, list[Document]]]:
        """Yield the documents of a query (its parameters are those of `query`) in groups of equal values of the keys.

        As in MongoDB, documents without a key are a group too, whose own key lacks the field.
        """
        fields = _as_list(keys)
        kept = dict.fromkeys([*fields, *properties], 1) if properties else None
        groups: dict[bytes, tuple[Document, list[Document]]] = {}
        for document in self.query(criteria, kept, sort, skip, limit):
            group: Document = {}
            for field in fields:
                if has(document, field):
                    set_(group, field, get(document, field))
            groups.setdefault(bson.encode(group), (group, []))[1].append(document)
        yield from groups.values()

    def update(self, docs: list[Document] | Document, key: list[str] | str | None = None) -> None:
        """Replace the documents that agree in the key fields, or insert; all in one durable transaction, or none.

        Parameters
        ----------
        docs : list[dict] or dict
            A document or a list of them; what is no BSON is made so as in a `MongoStore`.
        key : list[str] or str or None
            The fields that must agree; the store's own key if not given.

        Raises
        ------
        KeyError
            If a document lacks a key field.
        StoreError
            If a document would change its ``_id``, or a unique index refuses it.
        """
        documents = [
            document for document in map(_plain, docs if isinstance(docs, list) else [docs]) if self._is_valid(document)
        ]
        fields = _as_list(key or self.key)
        if key is not None and key != self.key:
            self._prepare(fields)
        try:
            with self._file.writing() as connection:
                columns = self._fields(connection)
                for document in documents:
                    self._replace(connection, document, fields, columns)
        except sqlite3.IntegrityError as error:
            raise StoreError(f"{self.name}: nothing was updated, {error}; remove the other document first") from error

    def remove_docs(self, criteria: Mapping[str, Any]) -> None:
        """Remove the documents that match a MongoDB filter, in one durable transaction."""
        with self._file.writing() as connection:
            rows = [(row,) for row, _ in self._matching(connection, criteria)]
            connection.executemany(f'DELETE FROM {self._table} WHERE "#" = ?', rows)

    # ------------------------------------------------------------------------------------------------- in a transaction

    def _prepare(self, fields: Sequence[str], unique: bool = False) -> None:
        """Give fields a column and an index each, and if they shall be unique together, an index over all of them.

        They are filled in the same transaction, and never removed, so that one that exists can be trusted whichever
        process made it. In the table, names that start with ``#`` are those of no field.
        """
        singly = {column(f"{self.collection_name}/{field}"): [field] for field in fields}
        together = column(f"{self.collection_name}/{'+'.join(fields)}!")
        with self._file.reading() as connection:
            present = {f'"{row[1]}"' for row in connection.execute(f"PRAGMA index_list({self._table})")}
            if present.issuperset([*singly, together] if unique else singly):
                return
        with self._file.writing() as connection:
            connection.execute(
                f'CREATE TABLE IF NOT EXISTS {self._table} ("#" INTEGER PRIMARY KEY, "#body" BLOB NOT NULL)'
            )
            for field in set(fields) - set(self._fields(connection)):
                connection.create_function("filled", 1, lambda body, field=field: column_value(bson.decode(body), field))
                connection.execute(f"ALTER TABLE {self._table} ADD COLUMN {column(field)}")
                connection.execute(f'UPDATE {self._table} SET {column(field)} = filled("#body")')
            for index, (field,) in singly.items():
                connection.execute(f"CREATE INDEX IF NOT EXISTS {index} ON {self._table} ({column(field)})")
            if unique:
                columns = ", ".join(map(column, fields))
                connection.execute(f"CREATE UNIQUE INDEX IF NOT EXISTS {together} ON {self._table} ({columns})")

    def _fields(self, connection: sqlite3.Connection) -> list[str]:
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({self._table})")]
        return [field_of(name) for name in names if not name.startswith("#")]
