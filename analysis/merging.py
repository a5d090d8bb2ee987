"""Merging: documents put into a database that has others under their keys, so that nothing of worth is lost.

A success is never replaced by a failure; of two failures, and of two versions of a campaign, the newer stays; whatever
else is there stays as it is and gathers campaigns and tags.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from maggma.core import Store
from maggma.stores import MongoStore
from pymongo import InsertOne, ReplaceOne, UpdateOne
from pymongo.errors import BulkWriteError

from atomsieve.analysis import upserts
from atomsieve.analysis.away import reported
from atomsieve.analysis.database import Database
from atomsieve.structures.errors import StoreError

Document = Mapping[str, Any]

#: What is copied, in this order, so that no row ever points at a calculation that is not there. Who works on what now
#: (tasks, leases, the outputs of jobs) concerns the machine where it is done.
COPIED: Final = (
    "calculations",
    "failures",
    "methods",
    "sites",
    "adsorption_energies",
    "reaction_results",
    "stabilities",
    "campaigns",
)
#: The collections whose documents say of a site what is superseded.
MARKED: Final = ("adsorption_energies", "reaction_results", "stabilities")
#: The collections with documents that may be too large for a server.
_LARGE: Final = ("calculations", "campaigns")
#: What decides what becomes of two documents under one key; of the few campaigns, all of it.
_HEAD: Final = ("key", "status", "resolved", "last_updated", "campaigns", "tags")
#: Another writer may come between looking and writing; that it does so again and again means something else.
_TRIES: Final = 20


@dataclass(frozen=True)
class Change:
    """What becomes of a document.

    Parameters
    ----------
    fields : mapping
        New values.
    is_whole : bool
        Whether they take the place of all that is there.
    """

    fields: Document
    is_whole: bool = False


def put(target: Database, name: str, documents: Iterable[Document], *, newer_wins: bool = False) -> None:
    """Store what is new of some documents of a collection, whatever others write meanwhile.

    Parameters
    ----------
    target : Database
        Connected, for writing.
    name : str
        Of the collection.
    documents : iterable of mapping
        Whole ones.
    newer_wins : bool
        Whether a newer document takes the place of an older one in every collection.
    """
    store = collection(target, name)
    open_ = {document["key"]: _stored(target, name, document) for document in documents}

    def changed(key: str, there: Document | None) -> Change | None:
        return change(name, open_[key], there, newer_wins=newer_wins)

    with reported(target.title):
        if not isinstance(store, MongoStore):
            store.amend(open_, lambda key, there: _after(changed(key, there), there))
            return
        for _ in range(_TRIES):
            there = heads_of(target, name, list(open_))
            found = [(key, there.get(key), changed(key, there.get(key))) for key in open_]
            writes = [_write(key, before, news) for key, before, news in found if news is not None]
            if not writes:
                return
            _bulk_write(store, writes)
    raise StoreError(f"{target.title}: others write the same documents of {name} all the time; try it again")


def _bulk_write(store: MongoStore, writes: list[Any]) -> None:
    try:
        store._collection.bulk_write(writes, ordered=False)
    except BulkWriteError as error:
        # another has made the same document since we looked, which we do again
        if any(entry["code"] != upserts.DUPLICATE for entry in error.details["writeErrors"]):
            raise


def heads_of(target: Database, name: str, keys: Sequence[str]) -> dict[str, Document]:
    """Return what decides, by key, of the documents that are there under some keys."""
    with reported(target.title):
        found = collection(target, name).query({"key": {"$in": list(keys)}}, head_fields(name))
        return {document["key"]: whole(target, document) for document in found}


def documents_of(database: Database, name: str, criteria: Document | None = None) -> Iterator[dict[str, Any]]:
    """Yield whole documents of a collection: with what lies in blobs, and without what a database adds of its own."""
    for document in collection(database, name).query(criteria or {}):
        found = whole(database, document)
        found.pop("_id", None)
        yield found


def collection(database: Database, name: str) -> Store:
    """Return the store of one of the collections that are copied."""
    store: Store = getattr(database, name)
    return store


def change(name: str, ours: Document, theirs: Document | None, *, newer_wins: bool = False) -> Change | None:
    """Return what becomes of a document when another of its key comes; None if nothing.

    Parameters
    ----------
    name : str
        Of the collection.
    ours : mapping
        What comes.
    theirs : mapping or None
        What is there.
    newer_wins : bool
        Whether a newer document takes the place of an older one in every collection.
    """
    if theirs is None:
        return Change(ours, is_whole=True)
    is_newer = ours["last_updated"] > theirs["last_updated"]
    if name == "calculations":
        if theirs["status"] == "done" or (ours["status"] != "done" and not is_newer):
            return None
        return Change(ours, is_whole=True)
    lists = {
        field: list(dict.fromkeys([*(theirs.get(field) or ()), *(ours.get(field) or ())])) for field in upserts.GATHERED
    }
    united: dict[str, Any] = {field: value for field, value in lists.items() if field in ours or field in theirs}
    if name == "failures":
        united["resolved"] = bool(ours.get("resolved") or theirs.get("resolved"))
    if name == "campaigns" and (sites := _ingested(*((ours, theirs) if is_newer else (theirs, ours)))):
        newer = ours if is_newer else theirs
        united |= {"campaign": {**newer["campaign"], "sites": sites}, "sites": len(sites)}
    if is_newer and (newer_wins or name in ("campaigns", "failures")):
        return Change({**ours, **united}, is_whole=True)
    news = {field: value for field, value in united.items() if value != theirs.get(field)}
    return Change(news) if news else None


def _ingested(newer: Document, older: Document) -> list[Document]:
    """Return the sites of two collections of one name, each once; none of campaigns that were run."""
    both = [document["campaign"].get("sites") or () for document in (older, newer)]
    if not all(isinstance(site, dict) and "rows" in site for sites in both for site in sites):
        return []
    return list({(site["label"], site["method"]): site for sites in both for site in sites}.values())


def head_fields(name: str) -> list[str] | None:
    """Return the fields of a collection that decide what becomes of its documents; None for all."""
    return None if name == "campaigns" else [*_HEAD, *(["site.key"] if name in MARKED else [])]


def whole(database: Database, document: Document) -> dict[str, Any]:
    """Return a document with what lies in blobs."""
    return dict(document) if database.blobs is None else database.blobs.whole(document)


def _stored(database: Database, name: str, document: Document) -> dict[str, Any]:
    # rows are asked for what is in them
    if database.blobs is None or name not in _LARGE:
        return dict(document)
    return database.blobs.slim(document)


def _after(found: Change | None, there: Document | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return dict(found.fields) if found.is_whole else {**(there or {}), **found.fields}


def _write(key: str, there: Document | None, news: Change) -> Any:
    """Return the write of a change, which does nothing if another has written meanwhile."""
    rest = {field: value for field, value in news.fields.items() if field not in ("_id", "key")}
    if there is None:
        return InsertOne({"key": key, **rest})
    seen = {field: there.get(field) for field in _HEAD}
    return ReplaceOne(seen, {"key": key, **rest}) if news.is_whole else UpdateOne(seen, {"$set": rest})
