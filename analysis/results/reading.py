"""Reading: what a query asks of a database, and its answer, document by document as it is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from maggma.core import Store

from atomsieve.analysis.away import AWAY, why
from atomsieve.analysis.database import Database
from atomsieve.analysis.results.conditions import Filter, all_of
from atomsieve.analysis.results.field import Field
from atomsieve.analysis.store import SQLiteStore
from atomsieve.structures.errors import StoreError

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Order:
    """A field to sort by, and whether its largest value comes first."""

    field: Field
    is_descending: bool = False

    @property
    def way(self) -> int:
        """As MongoDB writes it: 1 upwards, -1 downwards."""
        return -1 if self.is_descending else 1


@dataclass(frozen=True)
class Query:
    """Which documents, in which order, how many of them.

    Rows without a value of the first field that sorts come last, whichever the direction.
    """

    criteria: Filter
    order: tuple[Order, ...] = ()
    skip: int = 0
    limit: int | None = None

    @property
    def sort(self) -> dict[str, int]:
        """The order as a store takes it."""
        return {entry.field.path: entry.way for entry in self.order}

    @property
    def puts_unknown_first(self) -> bool:
        """Whether a database that takes null for the smallest of all values would begin with rows without one."""
        return bool(self.order) and not self.order[0].is_descending and not self._has_value(self.order[0].field.path)

    @property
    def known(self) -> Query:
        """Only what has a value of the first field that sorts."""
        return replace(self, criteria=all_of([{self.order[0].field.path: {"$ne": None}}, self.criteria]))

    def unknown(self, skip: int, limit: int | None) -> Query:
        """Return a query for what has none, which comes behind it."""
        criteria = all_of([{self.order[0].field.path: None}, self.criteria])
        return Query(criteria, self.order[1:], skip, limit)

    def _has_value(self, path: str) -> bool:
        wanted = self.criteria.get(path)
        if isinstance(wanted, Mapping):
            return bool({"$lt", "$lte", "$gt", "$gte"} & set(wanted)) or wanted.get("$ne", 0) is None
        return wanted is not None


def _in_order(store: Store, query: Query, ask: Callable[[Query], Iterator[Answer]]) -> Iterator[Answer]:
    """Yield what a store answers, first where the field that sorts has a value, then where it has none."""
    if query.limit == 0:
        return
    if not query.puts_unknown_first:
        yield from ask(query)
        return
    number = 0
    for answer in ask(query.known):
        number += 1
        yield answer
    if number == query.limit:
        return
    # only who leaves out all that is known needs to be told how much that is
    before = store.count(query.known.criteria) if query.skip and not number else query.skip
    yield from ask(query.unknown(query.skip - before, query.limit - number if query.limit is not None else None))


def documents(
    database: Database, collection: str, query: Query, paths: Sequence[str] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield documents as they are asked for; all of them, or what lies at some paths.

    Raises
    ------
    StoreError
        If the database does not answer, also midway.
    """
    store = store_of(database, collection)
    # a path within another comes with it, and servers refuse to be told both
    wanted = [path for path in paths or () if not any(path.startswith(f"{other}.") for other in paths or ())]
    properties = list(dict.fromkeys(wanted)) or None

    def ask(part: Query) -> Iterator[dict[str, Any]]:
        found: Iterator[dict[str, Any]] = store.query(
            part.criteria, properties, part.sort or None, skip=part.skip, limit=part.limit or 0
        )
        return found

    with readable(database):
        yield from _in_order(store, query, ask)


def values(database: Database, collection: str, query: Query, fields: Sequence[Field]) -> Iterator[tuple[Any, ...]]:
    """Yield the values of fields of each document, as they are asked for.

    Raises
    ------
    StoreError
        If the database does not answer, also midway.
    """
    store = store_of(database, collection)
    if not isinstance(store, SQLiteStore):
        for document in documents(database, collection, query, [entry.stored for entry in fields]):
            yield tuple(entry.of(document) for entry in fields)
        return
    # what has a column costs no look into the documents
    names = [entry.stored for entry in fields]
    is_held = all(entry.can_be_asked for entry in fields)

    def ask(part: Query) -> Iterator[tuple[Any, ...]]:
        return store.values(names, part.criteria, part.sort or None, part.skip, part.limit or 0)

    with readable(database):
        for found in _in_order(store, query, ask):
            yield found if is_held else tuple(map(Field.within, fields, found))


def store_of(database: Database, collection: str) -> Store:
    """Return the store of a collection."""
    return getattr(database, collection)


@contextmanager
def readable(database: Database) -> Iterator[None]:
    """Turn the many errors of a database that does not answer into one, without the words of the first.

    Raises
    ------
    StoreError
        In their place.
    """
    try:
        yield
    except AWAY as error:
        raise StoreError(f"{database.title} cannot be read ({type(error).__name__}): {why(error)}") from error
