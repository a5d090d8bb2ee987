"""A store: a collection of documents behind maggma's `Store` interface, here in one SQLite file, without a server.

One file holds many collections. Each document is a BSON body; the fields that it is looked up by have a column each, so
that an update or a lookup costs the same at ten documents and at ten million. What no column decides, the filter of
`atomsieve.analysis.filters` does. Many processes may read and write at once, and what `update` has returned from is
kept, whatever happens to the process.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import random
import re
import sqlite3
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import bson
from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from maggma.core import DateTimeFormat, Sort, Store, StoreError
from monty.json import jsanitize

from atomsieve.analysis.filters import (
    OPAQUE,
    Document,
    Term,
    column_name,
    column_value,
    compile_filter,
    distinct_values,
    group_key,
    identifier,
    narrow,
    order,
    projector,
    set_value,
    sort_key,
    unescape,
)

_RAW = bson.CodecOptions(document_class=RawBSONDocument)
_PROBED = 200  # rows counted, to learn which of several indexes leaves the fewest
PATIENCE_S = 60.0
_MOST_IDLE = 4
_NETWORKED = frozenset(
    "9p afs beegfs cifs fuse.sshfs gpfs lustre nfs nfs3 nfs4 orangefs panfs pvfs2 smb3 smbfs".split()  # noqa: SIM905
)
_POOLS: weakref.WeakSet[ConnectionPool] = weakref.WeakSet()

T = TypeVar("T")


class UnsafeFilesystemWarning(UserWarning):
    """The database file lies on a file system whose locks SQLite cannot rely on."""


def filesystem_of(path: Path, mounts: str) -> str | None:
    """Give the type of the file system that holds a path.

    Parameters
    ----------
    path
        An absolute path; it need not exist.
    mounts
        The text of ``/proc/mounts``.
    """
    best: tuple[int, str] | None = None
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = Path(re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields[1]))
        if path.is_relative_to(point) and (best is None or len(point.parts) >= best[0]):
            best = len(point.parts), fields[2]
    return None if best is None else best[1]


def warn_if_unsafe(path: Path, mounts: str | None = None) -> None:
    """Warn with `UnsafeFilesystemWarning` if the file would lie on a network file system.

    Parameters
    ----------
    path
        The database file.
    mounts
        The text of ``/proc/mounts``; read from the system if not given (and skipped where there is none).
    """
    if mounts is None:
        try:
            mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return
    kind = filesystem_of(path.resolve(), mounts)
    if kind in _NETWORKED:
        message = (
            f"{path} lies on a {kind} file system, where SQLite's locks do not hold between hosts: two machines that "
            "write at once can destroy the file. Keep it on a local disk, write from one host only, or use MongoDB."
        )
        warnings.warn(message, UnsafeFilesystemWarning, stacklevel=3)


class ConnectionPool:
    """Connections to one SQLite file, each lent to one user at a time.

    Every open cursor has a connection, and so a snapshot, of its own: reading on while writing is safe, and a write
    never waits for a reader.

    Parameters
    ----------
    path
        The file, made if it is not there.
    durable
        Whether a commit survives a power cut (``synchronous=FULL``); without it, it survives a crash of the process.
    """

    def __init__(self, path: Path, durable: bool) -> None:
        self._path = path
        self._synchronous = "FULL" if durable else "NORMAL"
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._lent: set[sqlite3.Connection] = set()
        self._closed = False
        _POOLS.add(self)

    @contextlib.contextmanager
    def borrow(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection, in autocommit mode; an open transaction is rolled back when it returns."""
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = patiently(self._open)
        with self._lock:
            self._lent.add(connection)
        try:
            yield connection
        finally:
            self._take_back(connection)

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection inside a transaction that sees one snapshot of the file."""
        with self.borrow() as connection:
            connection.execute("BEGIN")
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection as the only writer; commits at the end, or rolls back if an error is raised."""
        with self.borrow() as connection:
            patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
            yield connection
            patiently(lambda: connection.execute("COMMIT"))

    def close(self) -> None:
        """Close all connections; one that is still lent is closed when it comes back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=PATIENCE_S, isolation_level=None, check_same_thread=False)
        try:
            if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
                connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={self._synchronous}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _take_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if connection not in self._lent:
                return  # lent before a fork: it is the parent's
            self._lent.discard(connection)
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        with self._lock:
            keep = not self._closed and len(self._idle) < _MOST_IDLE
            if keep:
                self._idle.append(connection)
        if not keep:
            connection.close()

    def forget(self) -> None:
        """Let go of all connections without closing them, as a child must after a fork."""
        for connection in (*self._idle, *self._lent):
            # Even to close an inherited connection can drop the parent's locks, so it must outlive this process.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
        self._lock = threading.Lock()
        self._idle = []
        self._lent = set()


def patiently(attempt: Callable[[], T], patience_s: float = PATIENCE_S) -> T:
    """Repeat a call to SQLite while another process holds the lock.

    Raises
    ------
    sqlite3.OperationalError
        Any other error at once; "database is locked" after ``patience_s`` seconds.
    """
    deadline = time.monotonic() + patience_s
    pause = 0.002
    while True:
        try:
            return attempt()
        except sqlite3.OperationalError as error:
            # The low byte is the error, the rest its variety (BUSY_SNAPSHOT, BUSY_RECOVERY ...).
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            if time.monotonic() > deadline:
                raise
        time.sleep(random.uniform(0.5, 1.0) * pause)
        pause = min(2 * pause, 0.1)


def _after_fork() -> None:
    for pool in list(_POOLS):
        pool.forget()


os.register_at_fork(after_in_child=_after_fork)


class _Schema(NamedTuple):
    version: int
    fields: tuple[str, ...]
    indexes: frozenset[str]


class DocumentTable:
    """A collection of documents in two SQL tables: the columns, slim enough to scan, and the bodies.

    Columns are added, never removed, in the transaction that also fills them, so that one that exists can be trusted
    whichever process made it. Every method wants a connection, and most a transaction, of the caller's.

    Parameters
    ----------
    name
        The name of the collection.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._columns = identifier(name)
        self._bodies = identifier(f"{name}/body")
        self._cached_schema: _Schema | None = None

    def ensure(self, pool: ConnectionPool, fields: Sequence[str], index: bool = True, unique: bool = False) -> None:
        """Make the table, a column for each of the fields and one index over them all, where they are missing.

        Raises
        ------
        sqlite3.IntegrityError
            If ``unique`` is asked and the documents that are there are not.
        """
        index_name = self._index_name(fields, unique)
        with pool.borrow() as connection:
            schema = self._schema(connection)
            if set(fields) <= set(schema.fields) and (not index or index_name in schema.indexes):
                return
        with pool.writing() as connection:
            connection.execute(f"CREATE TABLE IF NOT EXISTS {self._columns} (id INTEGER PRIMARY KEY)")
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {self._bodies} (id INTEGER PRIMARY KEY, body BLOB NOT NULL)"
            )
            connection.create_function("column_value", 2, _value_in_body, deterministic=True)
            present = self._read_schema(connection).fields  # not kept: this transaction may yet be rolled back
            for field in fields:
                if field not in present:
                    column = column_name(field)
                    body = f"(SELECT body FROM {self._bodies} AS b WHERE b.id = {self._columns}.id)"
                    connection.execute(f"ALTER TABLE {self._columns} ADD COLUMN {column}")
                    connection.execute(f"UPDATE {self._columns} SET {column} = column_value({body}, ?)", (field,))
            if index:
                kind, columns = "UNIQUE INDEX" if unique else "INDEX", ", ".join(map(column_name, fields))
                connection.execute(
                    f"CREATE {kind} IF NOT EXISTS {identifier(index_name)} ON {self._columns} ({columns})"
                )

    def size(self, connection: sqlite3.Connection) -> int:
        """Count all documents."""
        return int(connection.execute(f"SELECT count(*) FROM {self._columns}").fetchone()[0])

    def rows(self, connection: sqlite3.Connection, criteria: Mapping[str, Any]) -> Iterator[int]:
        """Yield the row numbers of the documents that match, and read as few documents as the columns allow."""
        for row, _ in self._scan(connection, criteria, load=False):
            yield row

    def replace(self, connection: sqlite3.Connection, criteria: Document, document: Document) -> None:
        """Put a document in the place of one that matches, whose ``_id`` it inherits, or insert it.

        Raises
        ------
        StoreError
            If the document has another ``_id`` than the one in whose place it goes.
        """
        with contextlib.closing(self._scan(connection, criteria, load=False)) as found:
            row, _ = next(found, (None, None))
        identity = document.get("_id", ObjectId())
        if row is not None:
            kept = bson.decode(self._body(connection, row), codec_options=_RAW)["_id"]
            if "_id" in document and order(kept) != order(identity):
                raise StoreError(f"the document with {criteria} has _id={kept!r}, not {identity!r}; leave _id out")
            identity = kept
        self.write(connection, {**document, "_id": identity}, row)

    def write(self, connection: sqlite3.Connection, document: Document, row: int | None) -> None:
        """Write a document into a row, or a new one."""
        body = bson.encode(document)
        fields = self._schema(connection).fields
        values = [column_value(document, field) for field in fields]
        columns = [column_name(field) for field in fields]
        if row is None:
            marks = ", ".join("?" * len(columns))
            sql = f"INSERT INTO {self._columns} ({', '.join(columns)}) VALUES ({marks})"
            row = connection.execute(sql, values).lastrowid
            connection.execute(f"INSERT INTO {self._bodies} (id, body) VALUES (?, ?)", (row, body))
        else:
            assignments = ", ".join(f"{column} = ?" for column in columns)
            connection.execute(f"UPDATE {self._columns} SET {assignments} WHERE id = ?", (*values, row))
            connection.execute(f"UPDATE {self._bodies} SET body = ? WHERE id = ?", (body, row))

    def remove(self, connection: sqlite3.Connection, rows: Sequence[int]) -> None:
        """Remove rows."""
        for table in (self._columns, self._bodies):
            connection.executemany(f"DELETE FROM {table} WHERE id = ?", ((row,) for row in rows))

    def load(self, connection: sqlite3.Connection, row: int) -> Document:
        """Read the document in a row."""
        document: Document = bson.decode(self._body(connection, row))
        return document

    def documents(
        self, connection: sqlite3.Connection, criteria: Mapping[str, Any], sort: Mapping[str, int]
    ) -> Iterator[Document]:
        """Yield the documents that match, sorted by fields in ascending (1) or descending (-1) order."""
        if not sort:
            return (document for _, document in self._scan(connection, criteria))
        if self._sorts_in_sql(connection, sort):
            by = [f"t.{column_name(field)} {'ASC' if way > 0 else 'DESC'}" for field, way in sort.items()]
            return (document for _, document in self._scan(connection, criteria, order_by=", ".join([*by, "t.id"])))
        keyed = [
            ([sort_key(document, field, way < 0) for field, way in sort.items()], row)
            for row, document in self._scan(connection, criteria)
        ]
        for position, way in reversed(list(enumerate(sort.values()))):
            keyed.sort(key=lambda item: item[0][position], reverse=way < 0)
        return (self.load(connection, row) for _, row in keyed)

    def _scan(
        self, connection: sqlite3.Connection, criteria: Mapping[str, Any], load: bool = True, order_by: str = ""
    ) -> Generator[tuple[int, Document], None, None]:
        schema = self._schema(connection)
        narrowing = narrow(criteria, schema.fields)
        opaque = " OR ".join(f"t.{column} >= ?" for column in narrowing.decided)
        sql = f"SELECT t.id, {opaque or '0'} FROM {self._columns} AS t"
        if narrowing.terms:
            best = self._best(connection, narrowing.terms, schema)
            sql += " WHERE " + " AND ".join(term.render(by_index=term is best) for term in narrowing.terms)
        if order_by:
            sql += f" ORDER BY {order_by}"
        parameters = [OPAQUE] * len(narrowing.decided) + [p for term in narrowing.terms for p in term.parameters]
        rest = compile_filter(narrowing.rest) if narrowing.rest else None
        whole = compile_filter(criteria) if narrowing.decided else rest
        with contextlib.closing(connection.cursor()) as cursor:
            for row, is_opaque in cursor.execute(sql, parameters):
                test = whole if is_opaque else rest
                document = self.load(connection, row) if load or test else {}
                if test is None or test(document):
                    yield row, document

    def _best(self, connection: sqlite3.Connection, terms: Sequence[Term], schema: _Schema) -> Term | None:
        """Find the term whose index leaves the fewest rows; SQLite, without statistics, would guess."""
        indexed = {column_name(field) for field in schema.fields if self._has_index(field, schema)}
        candidates = [term for term in terms if indexed.issuperset(term.columns)]
        if len(candidates) < 2:
            return candidates[0] if candidates else None

        def rows_left(term: Term) -> int:
            sql = f"SELECT count(*) FROM (SELECT 1 FROM {self._columns} WHERE {term.render()} LIMIT {_PROBED})"
            return int(connection.execute(sql, term.parameters).fetchone()[0])

        return min(candidates, key=rows_left)

    def _sorts_in_sql(self, connection: sqlite3.Connection, sort: Mapping[str, int]) -> bool:
        if not set(sort) <= set(self._schema(connection).fields):
            return False
        opaque = " OR ".join(f"{column_name(field)} >= ?" for field in sort)
        sql = f"SELECT EXISTS (SELECT 1 FROM {self._columns} WHERE {opaque})"
        return not connection.execute(sql, [OPAQUE] * len(sort)).fetchone()[0]

    def _body(self, connection: sqlite3.Connection, row: int) -> bytes:
        body: bytes = connection.execute(f"SELECT body FROM {self._bodies} WHERE id = ?", (row,)).fetchone()[0]
        return body

    def _schema(self, connection: sqlite3.Connection) -> _Schema:
        schema = self._cached_schema
        if schema is None or schema.version != connection.execute("PRAGMA schema_version").fetchone()[0]:
            schema = self._cached_schema = self._read_schema(connection)
        return schema

    def _read_schema(self, connection: sqlite3.Connection) -> _Schema:
        version = connection.execute("PRAGMA schema_version").fetchone()[0]
        columns = connection.execute(f"PRAGMA table_info({self._columns})").fetchall()
        indexes = connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'").fetchall()
        fields = tuple(unescape(row[1][1:]) for row in columns if row[1] != "id")
        return _Schema(version, fields, frozenset(unescape(row[0]) for row in indexes))

    def _index_name(self, fields: Sequence[str], unique: bool) -> str:
        return f"{self._name}/" + "".join(f"={field}" for field in fields) + ("!" if unique else "")

    def _has_index(self, field: str, schema: _Schema) -> bool:
        return any(self._index_name([field], unique) in schema.indexes for unique in (False, True))


def _value_in_body(body: bytes, field: str) -> Any:
    return column_value(bson.decode(body), field)


class SQLiteStore(Store):  # type: ignore[misc]  # maggma has no types
    """A maggma store in a SQLite file, with the answers of a `MongoStore` and no limit on the size of a document.

    Parameters
    ----------
    path
        The file; made by `connect` if it is not there (its folder must be). A relative path is taken from the working
        directory of this moment.
    collection_name
        The collection: letters, digits, ``_``, ``-`` and ``.``.
    key
        The field, or the list of fields, that tells documents apart. With a list, the file itself refuses two
        documents of the same values.
    last_updated_field, last_updated_type
        As in every maggma store.
    index_fields
        More fields (dotted paths too) to give a column and an index at once; `ensure_index` does it later.
    durable
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
        self._pool: ConnectionPool | None = None
        self._table = DocumentTable(collection_name)
        super().__init__(key=key, last_updated_field=last_updated_field, last_updated_type=last_updated_type, **kwargs)

    @property
    def name(self) -> str:
        """Where the collection lies, as a URL."""
        return f"sqlite://{self.path}/{self.collection_name}"

    @property
    def _collection(self) -> Any:
        raise StoreError(f"{self.name} has no pymongo collection; use the store's own query, update, count ...")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SQLiteStore):
            return False
        fields = ("path", "collection_name", "last_updated_field")
        return all(getattr(self, field) == getattr(other, field) for field in fields)

    def __hash__(self) -> int:
        return hash((self.path, self.collection_name, self.last_updated_field))

    def connect(self, force_reset: bool = False) -> None:
        """Open the file, and make it, the collection and its columns where they are missing.

        Parameters
        ----------
        force_reset
            Close and open again where the store is connected already; otherwise nothing is done then.

        Raises
        ------
        StoreError
            If the file cannot be opened, or is no SQLite file.
        """
        if self._pool is not None:
            if not force_reset:
                return
            self.close()
        warn_if_unsafe(Path(self.path))
        self._pool = ConnectionPool(Path(self.path), self.durable)
        self._table = DocumentTable(self.collection_name)
        keys = _as_list(self.key)
        try:
            self._table.ensure(self._pool, ["_id"], unique=True)
            for field in (keys[0], self.last_updated_field, *self.index_fields):
                self._table.ensure(self._pool, [field])
            if len(keys) > 1:
                self._table.ensure(self._pool, keys, unique=True)
        except sqlite3.Error as error:
            self.close()
            message = f"cannot open {self.path}: {error}; its folder must be there, and the file, if any, a SQLite file"
            raise StoreError(message) from error

    def close(self) -> None:
        """Close the file. A query that is still being read keeps its own connection until it ends."""
        if self._pool is not None:
            self._pool.close()
        self._pool = None

    def ensure_index(self, key: str | list[str], unique: bool = False) -> bool:
        """Give a field a column and an index, now and for the documents that are there.

        Parameters
        ----------
        key
            A field (a dotted path too), or a list of which each gets an index.
        unique
            Refuse, from now on, two documents of the same value.

        Returns
        -------
        bool
            False if ``unique`` is asked and the documents are not.
        """
        try:
            for field in _as_list(key):
                self._table.ensure(self._connected(), [field], unique=unique)
        except sqlite3.IntegrityError:
            return False
        return True

    def count(self, criteria: Mapping[str, Any] | None = None) -> int:
        """Count the documents that match a MongoDB filter."""
        with self._connected().reading() as connection:
            if not criteria:
                return self._table.size(connection)
            return sum(1 for _ in self._table.rows(connection, _through_bson(criteria)))

    def query(
        self,
        criteria: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | Iterable[str] | None = None,
        sort: Mapping[str, Sort | int] | None = None,
        skip: int = 0,
        limit: int = 0,
    ) -> Iterator[Document]:
        """Yield documents, one at a time, all as they were when the first was asked for.

        Parameters
        ----------
        criteria
            A MongoDB filter.
        properties
            The fields to return (a list of names, or a mapping to 1 or 0); all if not given.
        sort
            Fields, and 1 for ascending or -1 for descending. By fields with a column nothing is held in memory,
            otherwise the sort keys are.
        skip
            How many documents to leave out at the start.
        limit
            How many documents to return at most; 0 for all.
        """
        project, process = projector(properties), os.getpid()
        directions = {field: Sort(way).value for field, way in (sort or {}).items()}
        with self._connected().reading() as connection:
            documents = self._table.documents(connection, _through_bson(criteria or {}), directions)
            for document in itertools.islice(documents, skip, skip + abs(limit) if limit else None):
                yield project(document)
                if os.getpid() != process:
                    raise StoreError("this query was begun before a fork; begin it again in the child process")

    def distinct(self, field: str, criteria: Mapping[str, Any] | None = None, all_exist: bool = False) -> list[Any]:
        """List the different values of a field in the documents that match; arrays count by their elements."""
        return distinct_values(self.query(criteria, properties=[field]), field)

    def groupby(
        self,
        keys: list[str] | str,
        criteria: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | Iterable[str] | None = None,
        sort: Mapping[str, Sort | int] | None = None,
        skip: int = 0,
        limit: int = 0,
    ) -> Iterator[tuple[Document, list[Document]]]:
        """Yield the documents of a query (its parameters are those of `query`) in groups of equal values of the keys.

        As in MongoDB, documents without a key are a group too, whose own key lacks the field.
        """
        fields = _as_list(keys)
        kept = [*fields, *properties] if properties else None
        groups: dict[tuple[Any, ...], tuple[Document, list[Document]]] = {}
        for document in self.query(criteria, dict.fromkeys(kept, 1) if kept else None, sort, skip, limit):
            values = dict(group_key(document, fields))
            identity = tuple(order(values[field]) if field in values else () for field in fields)
            if identity not in groups:
                groups[identity] = ({}, [])
                for field, value in values.items():
                    set_value(groups[identity][0], field, value)
            groups[identity][1].append(document)
        yield from groups.values()

    def update(self, docs: list[Document] | Document, key: list[str] | str | None = None) -> None:
        """Replace the documents that agree in the key fields, or insert; all in one durable transaction, or none.

        Parameters
        ----------
        docs
            A document or a list of them; what is no BSON is made so as in a `MongoStore`.
        key
            The fields that must agree; the store's own key if not given.

        Raises
        ------
        KeyError
            If a document lacks a key field.
        StoreError
            If a document would change its ``_id``, or a unique index refuses it.
        """
        documents = [
            document for document in _sanitized(docs if isinstance(docs, list) else [docs]) if self._is_valid(document)
        ]
        fields = _as_list(key or self.key)
        searches = [_through_bson({field: document[field] for field in fields}) for document in documents]
        if not documents:
            return
        self._table.ensure(self._connected(), fields[:1])
        self._table.ensure(self._connected(), fields, index=False)
        try:
            with self._connected().writing() as connection:
                for search, document in zip(searches, documents, strict=True):
                    self._table.replace(connection, search, document)
        except sqlite3.IntegrityError as error:
            raise StoreError(f"{self.name}: nothing was updated, {error}; remove the other document first") from error

    def set_fields(self, criteria: Mapping[str, Any], fields: Mapping[str, Any]) -> int:
        """Set some fields, and leave the others, of all documents that match, in one durable transaction.

        Parameters
        ----------
        criteria
            A MongoDB filter.
        fields
            Dotted paths and their new values.

        Returns
        -------
        int
            How many documents matched.
        """
        if "_id" in fields:
            raise StoreError(f"set_fields({fields!r}): _id cannot be changed; leave it out")
        values = _sanitized(dict(fields))
        with self._connected().writing() as connection:
            rows = list(self._table.rows(connection, _through_bson(criteria)))
            for row in rows:
                document = self._table.load(connection, row)
                for field, value in values.items():
                    set_value(document, field, value)
                self._table.write(connection, document, row)
        return len(rows)

    def remove_docs(self, criteria: Mapping[str, Any]) -> None:
        """Remove the documents that match a MongoDB filter, in one durable transaction."""
        with self._connected().writing() as connection:
            self._table.remove(connection, list(self._table.rows(connection, _through_bson(criteria))))

    def _connected(self) -> ConnectionPool:
        if self._pool is None:
            raise StoreError(f"{self.name} is not connected; call connect() first, or use the store in a with block")
        return self._pool

    def _is_valid(self, document: Document) -> bool:
        if self.validator is None or self.validator.is_valid(document):
            return True
        if self.validator.strict:
            raise ValueError(self.validator.validation_errors(document))
        self.logger.error(self.validator.validation_errors(document))
        return False


def _as_list(key: str | Sequence[str]) -> list[str]:
    return [key] if isinstance(key, str) else list(key)


def _sanitized(value: Any) -> Any:
    return jsanitize(value, allow_bson=True, recursive_msonable=True)


def _through_bson(criteria: Mapping[str, Any]) -> Document:
    """Make of a filter what a server would receive: times in milliseconds, lists for tuples, ``Regex`` for patterns."""
    received: Document = bson.decode(bson.encode(criteria))
    return received
