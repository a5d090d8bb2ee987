"""Copying: what one database holds of results, merged into another.

What is there is skipped, and marks follow from what is stored, so that a copy that was cut short is made good by the
next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from atomsieve.analysis import upserts
from atomsieve.analysis.away import reported
from atomsieve.analysis.chunks import chunks
from atomsieve.analysis.database import Database
from atomsieve.analysis.merging import (
    COPIED,
    MARKED,
    Document,
    change,
    collection,
    documents_of,
    head_fields,
    heads_of,
    put,
    whole,
)
from atomsieve.analysis.superseded import mark, mark_older

#: What happened so far: the collection, and documents of it that have been looked at since it was told last.
Progress = Callable[[str, int], None]

#: Documents of calculations are some 20 kB each, those of others a tenth.
_BATCH: Final[Mapping[str, int]] = {"calculations": 100}


@dataclass
class Tally:
    """What became of the documents of one collection.

    Parameters
    ----------
    new : int
        That were not there.
    changed : int
        Where one was there, and took over or gathered something.
    there : int
        Where nothing was to be done.
    """

    new: int = 0
    changed: int = 0
    there: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.new + self.changed + self.there


class Merging:
    """What becomes of documents that come into a database.

    Parameters
    ----------
    target : Database
        Connected, for writing.
    """

    def __init__(self, target: Database) -> None:
        self.target = target
        self.tallies = {name: Tally() for name in COPIED}
        self._sites: set[str] = set()

    def wanted(self, name: str, heads: Sequence[Document]) -> list[str]:
        """Return the keys of the documents that are to be taken, and count the others.

        Parameters
        ----------
        name : str
            Of the collection.
        heads : sequence of mapping
            The fields of the documents that decide.
        """
        self._sites.update(_site(head) for head in heads if name in MARKED)
        there = heads_of(self.target, name, [head["key"] for head in heads])
        found = []
        for head in heads:
            before = there.get(head["key"])
            if change(name, head, before) is None:
                self.tallies[name].there += 1
            else:
                found.append(head["key"])
                self.tallies[name].new += before is None
                self.tallies[name].changed += before is not None
        return found

    def finish(self) -> None:
        """Mark what is superseded at the sites that have been seen, and the failures that a success has resolved."""
        target = self.target
        with reported(target.title):
            mark(target.adsorption_energies, target.reaction_results, self._sites)
            mark_older(target.stabilities, self._sites)
            unresolved = (document["key"] for document in target.failures.query({"resolved": False}, ["key"]))
            for keys in chunks(list(unresolved)):
                done = target.calculations.query({"key": {"$in": keys}, "status": "done"}, ["key"])
                upserts.set_fields(target.failures, {document["key"]: {"resolved": True} for document in done})


def copy(source: Database, target: Database, *, is_dry: bool = False, progress: Progress = lambda *_: None) -> Merging:
    """Copy results.

    Parameters
    ----------
    source : Database
        Connected; is only read.
    target : Database
        Connected, for writing unless ``is_dry``.
    is_dry : bool
        Only count.
    progress : callable
        Is told.

    Returns
    -------
    Merging
        What became of them.

    Raises
    ------
    StoreError
        If one of them does not answer, or does not take more; the next copy goes on from there.
    """
    merging = Merging(target)
    for name in COPIED:
        for heads in chunks(_heads(source, name), _BATCH.get(name, 500)):
            wanted = merging.wanted(name, heads)
            if wanted and not is_dry:
                with reported(source.title):
                    documents = list(documents_of(source, name, {"key": {"$in": wanted}}))
                put(target, name, documents)
            progress(name, len(heads))
    if not is_dry:
        merging.finish()
    return merging


def counts(database: Database) -> dict[str, int]:
    """Return how many documents each collection that is copied has."""
    with reported(database.title):
        return {name: int(collection(database, name).count()) for name in COPIED}


def _heads(source: Database, name: str) -> Iterator[Document]:
    with reported(source.title):
        for document in collection(source, name).query({}, head_fields(name)):
            yield whole(source, document)


def _site(document: Document) -> str:
    return str(document["site"]["key"])
