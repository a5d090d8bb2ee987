"""Upsert: documents that several write at once, made where there are none, and added to where there are.

Nothing is read, changed and written back: on a server the server changes it, and in an embedded file one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from maggma.core import Store
from maggma.stores import MongoStore
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from atomsieve.analysis.chunks import chunks
from atomsieve.analysis.columns import as_bson
from atomsieve.structures.clock import utc_now

#: Lists to which each who makes or finds a document adds its own.
GATHERED = ("campaigns", "tags")
#: MongoDB's code for a document that a unique index refuses.
DUPLICATE = 11000

Document = Mapping[str, Any]


def put_absent(store: Store, documents: Sequence[Document]) -> None:
    """Store the documents whose key is not there yet; to those that are there, add what is gathered and nothing else.

    Parameters
    ----------
    store : Store
        Connected, with ``key`` under a unique index.
    documents : sequence of mapping
        Each with its ``key``.
    """
    wanted = {document["key"]: document for document in documents}
    for keys in chunks(list(wanted)):
        for there in store.query({"key": {"$in": keys}}, ["key", *GATHERED]):
            if _has_gathered(there, wanted[there["key"]]):
                del wanted[there["key"]]
    now = {store.last_updated_field: utc_now()}
    fresh: dict[str, dict[str, Any]] = {key: as_bson({**now, **document}) for key, document in wanted.items()}
    if isinstance(store, MongoStore):
        _bulk_write(store, [_upsert("$setOnInsert", document) for document in fresh.values()])
    elif fresh:
        store.amend(fresh, lambda key, there: gathered(there, fresh[key]) if there is not None else fresh[key])


def gather(store: Store, keys: Iterable[str], own: Mapping[str, Sequence[str]]) -> set[str]:
    """Add to the lists of documents; return the keys among these that are not there.

    Parameters
    ----------
    store : Store
        Connected.
    keys : iterable of str
        Of documents.
    own : mapping of str to sequence of str
        What to add, by list: ``campaigns``, ``tags``.
    """
    absent = set(keys)
    behind: list[str] = []
    for wanted in chunks(list(absent)):
        for there in store.query({"key": {"$in": wanted}}, ["key", *GATHERED]):
            absent.discard(there["key"])
            if not _has_gathered(there, own):
                behind.append(there["key"])
    if isinstance(store, MongoStore):
        _bulk_write(store, [UpdateOne({"key": key}, {"$addToSet": _each(own)}) for key in behind])
    elif behind:
        store.amend(behind, lambda _, there: gathered(there, own) if there is not None else None)
    return absent


def set_fields(store: Store, changes: Mapping[str, Document]) -> None:
    """Set fields of documents that are there, by key, but add to what is gathered; nothing else of them changes."""
    if isinstance(store, MongoStore):
        _bulk_write(store, [UpdateOne({"key": key}, _change("$set", fields)) for key, fields in changes.items()])
    elif changes:
        store.amend(changes, lambda key, there: _changed(there, changes[key]) if there is not None else None)


def put(store: Store, documents: Sequence[Document]) -> None:
    """Set fields of documents as :func:`set_fields` does, or make the documents where they are not there.

    Parameters
    ----------
    store : Store
        Connected, with ``key`` under a unique index.
    documents : sequence of mapping
        Each with its ``key``.
    """
    now = {store.last_updated_field: utc_now()}
    fresh: dict[str, dict[str, Any]] = {document["key"]: as_bson({**now, **document}) for document in documents}
    if isinstance(store, MongoStore):
        _bulk_write(store, [_upsert("$set", document) for document in fresh.values()])
    elif fresh:
        store.amend(fresh, lambda key, there: _changed(there or {}, fresh[key]))


def gathered(there: Document, own: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document to whose lists those of another are added."""
    lists = {name: list(dict.fromkeys([*(there.get(name) or ()), *own[name]])) for name in GATHERED if name in own}
    return {**there, **lists}


def _changed(there: Document, fields: Document) -> dict[str, Any]:
    lists = {name: values for name, values in gathered(there, fields).items() if name in GATHERED}
    return {**there, **fields, **lists}


def _has_gathered(there: Document, own: Mapping[str, Any]) -> bool:
    return all(set(there.get(name) or ()).issuperset(own.get(name, ())) for name in GATHERED)


def _each(own: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {"$each": list(own[name])} for name in GATHERED if name in own}


def _rest(document: Document) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in ("key", "_id", *GATHERED)}


def _change(verb: str, fields: Document) -> dict[str, Any]:
    """Return what a server does with a document: set all but its lists, and add to these."""
    changes = {verb: _rest(fields), "$addToSet": _each(fields)}
    return {name: change for name, change in changes.items() if change}


def _upsert(verb: str, document: dict[str, Any]) -> UpdateOne:
    return UpdateOne({"key": document["key"]}, _change(verb, document), upsert=True)


def _bulk_write(store: MongoStore, writes: Sequence[UpdateOne]) -> None:
    if not writes:
        return
    try:
        store._collection.bulk_write(writes, ordered=False)
    except BulkWriteError as error:
        if any(entry["code"] != DUPLICATE for entry in error.details["writeErrors"]):
            raise
        # another made the same document between our look and our write: now it is there for all
        store._collection.bulk_write(writes, ordered=False)
