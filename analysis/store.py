"""A store: a collection of documents behind maggma's `Store` interface, here in one SQLite file, without a server.

One file holds many collections, a table each. A row is a document: its BSON, and a column for each field that it is
looked up by. What no column decides, mongomock's filter does. Many processes may read and write at once.

Long because it is one class that answers all that maggma asks of a store.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import bson
from maggma.core import DateTimeFormat, Store, StoreError
from pydash import pick

from atomsieve.analysis.columns import Document, as_bson, column, column_value, encoded
from atomsieve.analysis.connections import Connections, warn_if_unsafe
from atomsieve.analysis.layout import Layout, Wishes
from atomsieve.analysis.projections import projection
from atomsieve.analysis.reading import Filter, Order, Reading

Properties = Mapping[str, Any] | Iterable[str] | None
Index = str | Sequence[str]


class SQLiteStore(Store):  # type: ignore[misc]  # maggma has no types
    """A maggma store in a SQLite file, with no limit on the size of a document.

    What `update` has returned from is kept, whatever happens to the process. A column decides on equality, ranges,
    ``$in`` and null, and on their opposites, while no document has an array or object there; the elements of an array
    are known if the field was declared so. Where none decides, it differs from a `MongoStore` in this:
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
    index_fields : Sequence[str | Sequence[str]]
        More fields (dotted paths too), or several together in order, that have an index from the start;
        `ensure_index` gives it later.
    array_fields : Sequence[str]
        Fields that may hold arrays of scalars, whose elements have an index.
    column_fields : Sequence[str]
        Fields that have a column without an index, so that `values` has them without reading documents.
    read_only : bool
        Whether nothing is written or made, no index either: a file that others may not even change will do.
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
        index_fields: Sequence[Index] = (),
        durable: bool = True,
        array_fields: Sequence[str] = (),
        column_fields: Sequence[str] = (),
        read_only: bool = False,
        **kwargs: Any,
    ) -> None:
        if str(path) == ":memory:":
            raise ValueError("path=':memory:' would be empty for every process and thread; use maggma's MemoryStore")
        if not re.fullmatch(r"(?!sqlite_)[\w.-]+", collection_name):
            raise ValueError(f"collection_name={collection_name!r} must consist of letters, digits, '_', '-' and '.'")
        self.path = str(Path(path).expanduser().absolute())
        self.collection_name = collection_name
        self.index_fields = tuple(field if isinstance(field, str) else tuple(field) for field in index_fields)
        self.durable = durable
        self.array_fields = tuple(array_fields)
        self.column_fields = tuple(column_fields)
        self.read_only = read_only
        self.kwargs = kwargs
        self._given_key = key
        self._table = column(collection_name)
        self._connections: Connections | None = None
        self._layout: tuple[int, Layout] | None = None
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
        self._connections = Connections(Path(self.path), durable=self.durable, read_only=self.read_only)
        key = _as_list(self._given_key)
        indexes = [*([field] for field in key[1:]), [self.last_updated_field], *map(_as_list, self.index_fields)]
        try:
            self._prepare(indexes, [["_id"], key], self.column_fields, self.array_fields)
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
        """Give fields an index, together, or refuse two documents that agree in all; False if there are such."""
        try:
            self._prepare([] if unique else [_as_list(key)], [_as_list(key)] if unique else [])
        except sqlite3.IntegrityError:
            return False
        return True

    def count(self, criteria: Filter = None) -> int:
        """Count the documents that match a MongoDB filter."""
        with self._reading() as reading:
            return reading.count(criteria)

    def query(
        self, criteria: Filter = None, properties: Properties = None, sort: Order = None, skip: int = 0, limit: int = 0
    ) -> Iterator[Document]:
        """Yield the documents that match a MongoDB filter, one by one, all as they were when the first was asked for.

        Of a mapping of properties, ``_id`` alone may be 0. SQL sorts (1 ascending, -1 descending) by fields with a
        column; by others, all that match are held in memory. A child process cannot go on reading its parent's query.
        """
        cut, process = projection(properties), os.getpid()
        with self._reading() as reading, closing(reading.documents(criteria, sort, skip, abs(limit))) as found:
            for _, document in found:
                yield cut(document)
                if os.getpid() != process:
                    raise StoreError("this query was begun before a fork; begin it again in the child process")

    def values(
        self, fields: Sequence[str], criteria: Filter = None, sort: Order = None, skip: int = 0, limit: int = 0
    ) -> Iterator[tuple[Any, ...]]:
        """Yield the values of fields (dotted paths too) in the documents that match, None where they are missing.

        Fields with a column cost no look into the documents; see `query` for the rest.
        """
        with self._reading() as reading, closing(reading.values(fields, criteria, sort, skip, abs(limit))) as found:
            yield from found

    def distinct(self, field: str, criteria: Filter = None, all_exist: bool = False) -> list[Any]:
        """List the different values of a field in the documents that match; arrays count by their elements."""
        with self._reading() as reading:
            return reading.distinct(field, criteria)

    def plan(self, criteria: Filter = None, sort: Order = None) -> list[str]:
        """Tell in SQLite's words (EXPLAIN QUERY PLAN) how documents would be found and sorted."""
        with self._reading() as reading:
            return reading.plan(criteria, sort)

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
            self._prepare([[field] for field in fields])
        with self._writing() as (connection, layout):
            for document in documents:
                self._replace(connection, layout, document, self._found(connection, document, fields))

    def amend(self, keys: Iterable[Any], change: Callable[[Any, Document | None], Document | None]) -> None:
        """Replace documents by what a function makes of them; all in one durable transaction, or none.

        Parameters
        ----------
        keys : Iterable
            Values of the store's own key, of one field.
        change : callable
            From a key and its document, None if there is none, to the new document; None leaves it as it is.

        Raises
        ------
        StoreError
            As `update` does.
        """
        (field,) = _as_list(self._given_key)
        with self._writing() as (connection, layout):
            for key in keys:
                found = self._found(connection, {field: key}, [field])
                changed = change(key, found[1] if found else None)
                for document in self._accepted([changed] if changed is not None else []):
                    self._replace(connection, layout, document, found)

    def remove_docs(self, criteria: Mapping[str, Any]) -> None:
        """Remove the documents that match a MongoDB filter, in one durable transaction."""
        with self._writing() as (connection, layout):
            rows = list(Reading(connection, layout, self._leading).documents(criteria))
            connection.executemany(f'DELETE FROM {self._table} WHERE "#" = ?', [(row,) for row, _ in rows])
            for row, document in rows:
                layout.change_elements(connection, row, document, None)

    @property
    def _leading(self) -> list[str]:
        return ["_id", *_as_list(self._given_key)]

    def _file(self) -> Connections:
        if self._connections is None:
            raise StoreError(f"{self.name} is not connected; call connect() first, or use the store in a with block")
        return self._connections

    @contextmanager
    def _reading(self) -> Iterator[Reading]:
        """Lend a snapshot of the collection."""
        with self._file().reading() as connection:
            layout = self._laid_out(connection)
            if not layout.fields:
                # what a file that is only read does not have is empty
                connection.execute(f'CREATE TEMP TABLE {self._table} ("#" INTEGER PRIMARY KEY, "_id", "#body" BLOB)')
                layout = Layout.read(connection, self.collection_name)
            yield Reading(connection, layout, self._leading)

    @contextmanager
    def _writing(self) -> Iterator[tuple[sqlite3.Connection, Layout]]:
        if self.read_only:
            raise StoreError(f"{self.name} was opened to be read only; nothing was written")
        try:
            with self._file().writing() as connection:
                yield connection, self._laid_out(connection)
        except sqlite3.IntegrityError as error:
            raise StoreError(f"{self.name}: nothing was updated, {error}; remove the other document first") from error

    def _laid_out(self, connection: sqlite3.Connection) -> Layout:
        """Give the layout that this transaction sees; another process may have changed it."""
        (version,) = connection.execute("PRAGMA schema_version").fetchone()
        if self._layout is None or self._layout[0] != version:
            self._layout = version, Layout.read(connection, self.collection_name)
        return self._layout[1]

    def _prepare(
        self,
        indexes: Iterable[Sequence[str]],
        unique: Iterable[Sequence[str]] = (),
        columns: Iterable[str] = (),
        arrays: Iterable[str] = (),
    ) -> None:
        """Make the indexes over fields, columns and tables of elements that are missing, in one transaction."""
        with self._file().reading() as connection:
            there = self._laid_out(connection)
            wishes = Wishes.of(self.collection_name, there, indexes, unique, columns, arrays)
            if self.read_only or not there.lacks(wishes):
                return
        with self._file().writing() as connection:
            # another process may have fulfilled some meanwhile
            wishes.fulfil(connection, self.collection_name)
            self._layout = None

    def _found(
        self, connection: sqlite3.Connection, document: Document, key: Sequence[str]
    ) -> tuple[int, Document] | None:
        """Give the row and the document that agrees in the key."""
        sql = f'SELECT "#", "#body" FROM {self._table} WHERE ' + " AND ".join(f"{column(field)} IS ?" for field in key)
        found = connection.execute(sql, [encoded(document[field]) for field in key]).fetchone()
        return (found[0], bson.decode(found[1])) if found else None

    def _replace(
        self, connection: sqlite3.Connection, layout: Layout, document: Document, found: tuple[int, Document] | None
    ) -> None:
        """Put a document in the place of the one that was found, whose ``_id`` it inherits, or insert it."""
        row, before = found or (None, None)
        identity = before["_id"] if before else bson.ObjectId()
        if before and encoded(document.get("_id", identity)) != encoded(identity):
            raise StoreError(f"_id={document['_id']!r} of a document that has _id={identity!r}; leave _id out")
        document = {"_id": identity, **document}
        names = ['"#"', '"#body"', *map(column, layout.fields)]
        cursor = connection.execute(
            f"INSERT INTO {self._table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "
            f'ON CONFLICT ("#") DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in names[1:])}',
            (row, bson.encode(document), *(column_value(document, field) for field in layout.fields)),
        )
        layout.change_elements(connection, row or int(cursor.lastrowid or 0), before, document)

    def _accepted(self, documents: Iterable[Any]) -> Iterator[Document]:
        """Make BSON of what is none, and leave out what the validator refuses."""
        for document in map(as_bson, documents):
            if self.validator is None or self.validator.is_valid(document):
                yield document
            elif self.validator.strict:
                raise ValueError(self.validator.validation_errors(document))
            else:
                self.logger.error(self.validator.validation_errors(document))


def _as_list(key: str | Sequence[str]) -> list[str]:
    return [key] if isinstance(key, str) else list(key)
