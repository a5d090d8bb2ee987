"""Blobs: what is too large for a document of MongoDB, kept in its GridFS and named in the document's place."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import bson
from gridfs import GridFSBucket
from maggma.stores import MongoStore

from atomsieve.analysis.away import reported
from atomsieve.structures.errors import StoreError

#: MongoDB takes 16 MiB a document; other fields, and what a server adds, need some room.
DOCUMENT_BYTES = 15 * 2**20
#: What a field holds in the place of a text that lies in the store.
MARK = "@blob"


class Blobs:
    """Texts by their digest, in collections ``blobs.files`` and ``blobs.chunks``.

    Parameters
    ----------
    store : MongoStore
        Any collection of the database; connected when this is used.
    title : str
        What the database is called in messages.

    Raises
    ------
    StoreError
        From every method, if the database is away.
    """

    def __init__(self, store: MongoStore, title: str) -> None:
        self.store = store
        self.title = title

    def put(self, text: str) -> dict[str, str]:
        """Keep a text, once however often it comes; return the reference to it."""
        data = text.encode()
        digest = hashlib.sha256(data).hexdigest()
        with reported(self.title):
            bucket = self._bucket()
            if next(iter(bucket.find({"filename": digest}, limit=1)), None) is None:
                bucket.upload_from_stream(digest, data)
        return {MARK: digest}

    def get(self, reference: Mapping[str, str]) -> str:
        """Return the text of a reference.

        Raises
        ------
        StoreError
            Also if the text is not there, or not what was put.
        """
        digest = reference[MARK]
        with reported(self.title):
            data: bytes = self._bucket().open_download_stream_by_name(digest).read()
        if hashlib.sha256(data).hexdigest() != digest:
            raise StoreError(f"the blob {digest} of {self.title} is not what was stored there")
        return data.decode()

    def slim(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return a document with as many of its largest fields replaced by references as it takes to be stored."""
        slim = dict(document)
        if len(bson.encode(slim)) <= DOCUMENT_BYTES:
            return slim
        sizes = {name: len(bson.encode({"": value})) for name, value in slim.items()}
        total = sum(sizes.values())
        for name in sorted(sizes, key=sizes.__getitem__, reverse=True):
            slim[name] = self.put(json.dumps(slim[name]))
            total -= sizes[name]
            if total <= DOCUMENT_BYTES:
                break
        return slim

    def whole(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return a document with its references replaced by what they refer to."""
        return {
            name: json.loads(self.get(value)) if isinstance(value, dict) and value.keys() == {MARK} else value
            for name, value in document.items()
        }

    def _bucket(self) -> GridFSBucket:
        return GridFSBucket(self.store._collection.database, bucket_name="blobs")
