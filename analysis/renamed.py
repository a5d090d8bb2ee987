"""Renamed: a collection that had another name in older versions, and what lies there under it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from maggma.core import Store
from maggma.stores import MongoStore

from atomsieve.analysis.chunks import chunks
from atomsieve.analysis.upserts import put_absent

#: Collections by the name that they had.
RENAMED: Final[Mapping[str, str]] = {"limiting_potentials": "reaction_results"}


def take_over(old: str, new: Store, make: Callable[[str], Store]) -> None:
    """Move the documents of a collection that had another name, as they are; what is cut short is gone on with.

    Parameters
    ----------
    old : str
        The name that it had.
    new : Store
        Connected.
    make : callable
        From a collection's name to a store of the same database, not yet connected.
    """
    if not _is_there(old, new):
        return
    with make(old) as store:
        for documents in chunks(store.query({}, {"_id": 0})):
            put_absent(new, documents)
            # a writer of an older version may add more meanwhile: only what has been moved goes
            store.remove_docs({"key": {"$in": [document["key"] for document in documents]}})


def under_old_name(old: str, new: Store, make: Callable[[str], Store]) -> Store | None:
    """Return the connected collection under the name that it had, where all of it lies there still; else None.

    For those who only read, and so cannot move it.
    """
    if next(iter(new.query({}, ["key"], limit=1)), None) is not None or not _is_there(old, new):
        return None
    store = make(old)
    store.connect()
    return store


def _is_there(name: str, beside: Store) -> bool:
    if isinstance(beside, MongoStore):
        return name in beside._collection.database.list_collection_names(filter={"name": name})
    with beside._file().reading() as connection:
        sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        return connection.execute(sql, [name]).fetchone() is not None
