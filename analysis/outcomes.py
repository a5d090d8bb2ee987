"""Outcomes: calculations as several writers store them: the first success stays, and makes good what failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from maggma.core import Store
from maggma.stores import MongoStore
from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError

from atomsieve.analysis.chunks import chunks
from atomsieve.analysis.documents.collections import validated
from atomsieve.analysis.documents.outcomes import failure_document
from atomsieve.analysis.provenance import Provenance
from atomsieve.analysis.upserts import DUPLICATE, put, set_fields
from atomsieve.structures.clock import utc_now
from atomsieve.structures.molecule import molecules


def put_outcomes(
    store: Store, documents: Sequence[Mapping[str, Any]], slim: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> None:
    """Store outcomes so that of several writers the first success stays, whatever their order.

    Parameters
    ----------
    store : Store
        Of calculations.
    documents : sequence of mapping
        Each with ``key`` and ``status``.
    slim : callable
        Makes a document small enough for a server.
    """
    now = {store.last_updated_field: utc_now()}
    if not isinstance(store, MongoStore):
        done = {
            entry["key"]
            for keys in chunks(document["key"] for document in documents)
            for entry in store.query({"key": {"$in": keys}, "status": "done"}, ["key"])
        }
        fresh: dict[str, dict[str, Any]] = {}
        for document in documents:
            if document["key"] not in done and fresh.get(document["key"], {}).get("status") != "done":
                fresh[document["key"]] = {**document, **now}
        # another may have succeeded since we looked
        if fresh:
            store.amend(fresh, lambda key, there: None if there and there["status"] == "done" else fresh[key])
        return
    writes = [
        ReplaceOne({"key": document["key"], "status": {"$ne": "done"}}, {**slim(document), **now}, upsert=True)
        for document in documents
    ]
    try:
        store._collection.bulk_write(writes, ordered=False)
    except BulkWriteError as error:
        # the unique index refuses a second document in the place of a success
        if any(entry["code"] != DUPLICATE for entry in error.details["writeErrors"]):
            raise


def put_failures(
    failures: Store,
    sites: Store,
    documents: Sequence[Mapping[str, Any]],
    provenance: Provenance,
    labels: Mapping[str, str],
) -> None:
    """Store what failed among some outcomes, each with what is known of its site.

    Parameters
    ----------
    failures, sites : Store
        Connected.
    documents : sequence of mapping
        Outcomes.
    provenance : Provenance
        For whom they were calculated.
    labels : mapping of str to str
        Labels of the sites by request key.
    """
    failed = [document for document in documents if document["status"] == "failed"]
    # the flow of a free molecule bears its name
    named = {document["key"]: labels[document["key"]] for document in failed if document["key"] in labels}
    wanted = sorted(set(named.values()) - molecules().keys())
    known: dict[str, dict[str, Any]] = {label: {"label": label} for label in wanted}
    for some in chunks(wanted):
        for site in sites.query({"label": {"$in": some}}, ["label", "family", "metal_set"]):
            known[site["label"]] = site
    made = []
    for document in failed:
        name = named.get(document["key"], "")
        made.append(validated("failures", failure_document(document, provenance, known.get(name), name)))
    put(failures, made)


def resolve(failures: Store, calculations: Store, documents: Sequence[Mapping[str, Any]]) -> None:
    """Mark the failures that a success has made good, among those with the keys of outcomes that were just stored.

    Of a success and a failure that two write at once each writer sees the other's, or is seen by it: both write first,
    and look afterwards.
    """
    done = {document["key"] for document in documents if document["status"] == "done"}
    for keys in chunks({document["key"] for document in documents} - done):
        done |= {entry["key"] for entry in calculations.query({"key": {"$in": keys}, "status": "done"}, ["key"])}
    for keys in chunks(done):
        open_ = failures.query({"key": {"$in": keys}, "resolved": False}, ["key"])
        set_fields(failures, {entry["key"]: {"resolved": True} for entry in open_})
