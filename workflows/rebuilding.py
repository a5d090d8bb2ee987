"""Rebuilding: what is derived from calculations, derived again from them and the campaigns that are kept.

Each campaign is gone through with what is stored, as its run would be if all had been calculated, in a database of its
own beside; what it derives is then written, and only after that is removed what no campaign derives. Nothing is
calculated, and no working folder is read.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from atomsieve.analysis import dumping, upserts
from atomsieve.analysis.away import reported
from atomsieve.analysis.chunks import chunks
from atomsieve.analysis.database import Database
from atomsieve.analysis.merging import MARKED, collection, documents_of, put
from atomsieve.analysis.superseded import mark, mark_older
from atomsieve.structures.clock import utc_now
from atomsieve.structures.errors import AtomsieveError, StoreError
from atomsieve.workflows.derivation import Shelf, derive
from atomsieve.workflows.ingest.recognition import FAMILY

#: What is derived, in the order in which it is written.
DERIVED: Final = ("failures", "methods", "sites", "adsorption_energies", "reaction_results", "stabilities")
#: What does not belong to what a document says.
_BESIDE: Final = frozenset(("_id", "last_updated", "provenance", "superseded", "resolved", *upserts.GATHERED))
#: Keys that are told of what goes.
_SHOWN: Final = 10


@dataclass
class Outcome:
    """What becomes of one collection.

    Parameters
    ----------
    same : int
        Documents that are as they were.
    changed : int
        Documents that say something else now, or are of more campaigns.
    new : int
        Documents that were not there.
    gone : int
        Documents that no campaign derives.
    kept : int
        Documents that were not derived, and stay: failures, and what belongs to campaigns that are not complete.
    examples : list of str
        Keys of some of those that go.
    """

    same: int = 0
    changed: int = 0
    new: int = 0
    gone: int = 0
    kept: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass
class Rebuilt:
    """What a rebuild did.

    Parameters
    ----------
    collections : dict of str to Outcome
        By name.
    campaigns : list of str
        Those that were gone through.
    incomplete : dict of str to str
        Why not all of a campaign could be derived; what it has stays.
    aside : str or None
        The file that holds what was removed.
    """

    collections: dict[str, Outcome] = field(default_factory=lambda: {name: Outcome() for name in DERIVED})
    campaigns: list[str] = field(default_factory=list)
    incomplete: dict[str, str] = field(default_factory=dict)
    aside: str | None = None


def rebuild(
    database: Database,
    aside: Path,
    *,
    is_dry: bool = False,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Rebuilt:
    """Derive again all that a database derives from calculations.

    Parameters
    ----------
    database : Database
        Connected, for writing unless ``is_dry``.
    aside : Path
        The dump to which goes what is removed, where there is any.
    is_dry : bool
        Only say what would change.
    progress : callable
        Is told what is gone through, and how many of how many campaigns are behind.

    Returns
    -------
    Rebuilt
        What became of what was there.

    Raises
    ------
    StoreError
        If the database does not answer; what was there is there still, and the same again goes on.
    """
    done, began = Rebuilt(), utc_now()
    with tempfile.TemporaryDirectory(prefix="atomsieve-rebuild-") as root:
        folder = Shelf(Path(root))
        with Database.embedded(folder.database) as beside:
            with reported(database.title):
                kept = sorted(database.campaigns.query({}, ["name", "begun", "folder"]), key=_first)
            for index, document in enumerate(kept):
                name = str(document["name"])
                progress(name, index, len(kept))
                try:
                    why = derive(name, database, beside, folder, document.get("folder"))
                except StoreError:
                    raise
                except AtomsieveError as error:
                    why = str(error)
                done.campaigns.append(name)
                if why:
                    done.incomplete[name] = why
            progress("writing", len(kept), len(kept))
            _write(beside, database, done, began, None if is_dry else aside)
    return done


def _first(document: Mapping[str, Any]) -> tuple[str, str]:
    return str(document.get("begun") or ""), str(document["name"])


def _write(beside: Database, target: Database, done: Rebuilt, began: datetime, aside: Path | None) -> None:
    """Bring a database to what was derived: first what is new or changed, then what goes, and the marks at the end."""
    for name in DERIVED:
        for batch in chunks(documents_of(beside, name), 200):
            _write_batch(name, batch, target, done.collections[name], is_dry=aside is None)
    with reported(target.title):
        sites: set[str] = set()
        gone = {name: _gone(name, beside, target, done, began, sites) for name in DERIVED}
        if aside is None:
            return
        if any(gone.values()):
            dumping.write(aside, _documents(target, gone))
            done.aside = str(aside)
            _remove(target, gone, began)
        mark(target.adsorption_energies, target.reaction_results, sites)
        mark_older(target.stabilities, sites)


def _documents(target: Database, gone: Mapping[str, list[str]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, keys in gone.items():
        for some in chunks(keys):
            for document in documents_of(target, name, {"key": {"$in": some}}):
                yield name, document


def _remove(target: Database, gone: Mapping[str, list[str]], began: datetime) -> None:
    for name, keys in gone.items():
        for some in chunks(keys):
            # one that was written again meanwhile is newer
            collection(target, name).remove_docs({"key": {"$in": some}, "last_updated": {"$lt": began}})


def _write_batch(name: str, batch: list[dict[str, Any]], target: Database, outcome: Outcome, *, is_dry: bool) -> None:
    with reported(target.title):
        there = {
            document["key"]: document
            for document in documents_of(target, name, {"key": {"$in": [one["key"] for one in batch]}})
        }
    changed, behind = [], []
    for document in batch:
        before = there.get(document["key"])
        if before is None:
            outcome.new += 1
            changed.append(document)
        elif _content(before) != _content(document):
            outcome.changed += 1
            # who made it first, and that it has been resolved since, no calculation says
            kept: dict[str, Any] = {name: before[name] for name in ("provenance", "resolved") if name in before}
            changed.append({**document, **kept})
        elif any(not set(before.get(one) or ()).issuperset(document.get(one, ())) for one in upserts.GATHERED):
            outcome.changed += 1
            behind.append(document)
        else:
            outcome.same += 1
    if is_dry:
        return
    put(target, name, changed, newer_wins=True)
    put(target, name, behind)


def _gone(name: str, beside: Database, target: Database, done: Rebuilt, began: datetime, sites: set[str]) -> list[str]:
    """Return the keys of what no campaign derives, and add to the sites those of all documents."""
    outcome, gone = done.collections[name], []
    fields = ["key", "last_updated", "campaigns", "family", *(["site.key"] if name in MARKED else [])]
    for batch in chunks(collection(target, name).query({}, fields)):
        keys = [document["key"] for document in batch]
        derived = {document["key"] for document in collection(beside, name).query({"key": {"$in": keys}}, ["key"])}
        if name in MARKED:
            sites.update(document["site"]["key"] for document in batch)
        for document in batch:
            if document["key"] in derived:
                continue
            if _is_lasting(name, document) or document["last_updated"] >= began or _is_open(document, done):
                outcome.kept += 1
            else:
                gone.append(document["key"])
    outcome.gone, outcome.examples = len(gone), gone[:_SHOWN]
    return gone


def _is_lasting(name: str, document: Mapping[str, Any]) -> bool:
    """Return whether a document holds what no calculation and no campaign says.

    These are failures, which a success has taken the place of since, and sites that were ingested without a row.
    """
    return name == "failures" or (name == "sites" and document.get("family") == FAMILY)


def _is_open(document: Mapping[str, Any], done: Rebuilt) -> bool:
    """Return whether a document may belong to a campaign that is not complete."""
    of = document.get("campaigns")
    return bool(done.incomplete) if not of else not done.incomplete.keys().isdisjoint(of)


def _content(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in _BESIDE}
