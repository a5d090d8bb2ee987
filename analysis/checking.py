"""Checking: whether the documents of a database are what they should be, and what they name is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from atomsieve.analysis.away import reported
from atomsieve.analysis.chunks import chunks
from atomsieve.analysis.database import Database
from atomsieve.analysis.documents.collections import COLLECTIONS, problems
from atomsieve.analysis.documents.common import SCHEMA_VERSION
from atomsieve.analysis.migrations import migrated, version_of
from atomsieve.structures.errors import AtomsieveError

#: Looked at in one go.
BATCH = 200
Document = Mapping[str, Any]
Named = Callable[[Document], Iterable[str]]


def _calculations(document: Document) -> Iterable[str]:
    return [str(key) for key in document["calculations"].values()]


def _rows(document: Document) -> Iterable[str]:
    return [str(key) for key in document["adsorption_energies"].values()]


def _site(document: Document) -> Iterable[str]:
    return [str(document["site"]["key"])]


def _method(document: Document) -> Iterable[str]:
    return [str(document["method"]["key"])]


#: By collection what its documents name of others.
REFERENCES: Mapping[str, Mapping[str, Named]] = {
    "adsorption_energies": {"calculations": _calculations, "sites": _site, "methods": _method},
    "reaction_results": {"adsorption_energies": _rows, "sites": _site, "methods": _method},
    "stabilities": {"calculations": _calculations, "sites": _site, "methods": _method},
}


@dataclass
class Found:
    """What was found in one collection.

    Parameters
    ----------
    collection : str
        Its name.
    versions : Counter of int
        How many documents there are of each version.
    amiss : list of (str, str)
        Keys of documents, and what is wrong with each.
    """

    collection: str
    versions: Counter[int] = field(default_factory=Counter)
    amiss: list[tuple[str, str]] = field(default_factory=list)

    @property
    def older(self) -> int:
        """How many documents are to be migrated."""
        return sum(number for version, number in self.versions.items() if version < SCHEMA_VERSION)


def check(database: Database) -> Iterator[Found]:
    """Look through a database, collection by collection; nothing is written.

    Older documents are taken as they would be migrated, so that only what is amiss is told.

    Parameters
    ----------
    database : Database
        Connected; to read is enough.
    """
    for collection in COLLECTIONS:
        found = Found(collection)
        with reported(database.title):
            for batch in chunks(getattr(database, collection).query({}), BATCH):
                found.versions.update(version_of(document) for document in batch)
                found.amiss += _amiss(database, collection, batch)
        yield found


def _amiss(database: Database, collection: str, batch: Sequence[Document]) -> Iterator[tuple[str, str]]:
    readable = []
    for document in batch:
        key = str(document.get("key"))
        try:
            fresh = migrated(collection, document)
        except (AtomsieveError, KeyError, TypeError, ValueError, AttributeError) as error:
            text = str(error) if isinstance(error, AtomsieveError) else f"unreadable: {type(error).__name__}: {error}"
            yield key, text
            continue
        wrong = problems(collection, fresh)
        yield from ((key, text) for text in wrong)
        if not wrong and version_of(document) == SCHEMA_VERSION:
            readable.append(document)
    for other, names in REFERENCES.get(collection, {}).items():
        named = {key for document in readable for key in names(document)}
        store = getattr(database, other)
        there = {entry["key"] for keys in chunks(named) for entry in store.query({"key": {"$in": keys}}, ["key"])}
        for document in readable:
            for key in set(names(document)) - there:
                yield str(document["key"]), f"names {key} of {other}, which is not there"
