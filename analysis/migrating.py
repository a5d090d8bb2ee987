"""Migrating: the documents of a whole database brought to the version of now, where they lie, batch by batch.

Who is stopped goes on where he was: a document says itself of which version it is, and what is derived from a batch is
written before the batch. Others may read and write meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from maggma.core import Store

from atomsieve.analysis.away import reported
from atomsieve.analysis.chunks import chunks
from atomsieve.analysis.database import Database
from atomsieve.analysis.documents.collections import validated
from atomsieve.analysis.documents.common import SCHEMA_VERSION
from atomsieve.analysis.documents.sites import method_document, site_document, structure, unknown_site_document
from atomsieve.analysis.migrations import MIGRATIONS, migrated
from atomsieve.analysis.outcomes import put_failures
from atomsieve.analysis.provenance import Provenance
from atomsieve.analysis.rows import by_key
from atomsieve.analysis.upserts import gather, put_absent, set_fields
from atomsieve.structures.energies import site_label_from_dict
from atomsieve.structures.errors import AtomsieveError
from atomsieve.structures.identity import content_key
from atomsieve.structures.site import ActiveSite

Documents = Sequence[dict[str, Any]]
#: From a recipe to the site.
Build = Callable[[Mapping[str, Any]], ActiveSite]

#: Documents of an older version.
OLDER: Mapping[str, Any] = {"$or": [{"schema": None}, {"schema": {"$lt": SCHEMA_VERSION}}]}
#: Written in one go.
BATCH = 200


def migrate(database: Database, build: Build) -> Iterator[tuple[str, int]]:
    """Bring all documents to the version of now; yield a collection and how many of it were written, by batch.

    Parameters
    ----------
    database : Database
        Connected.
    build : callable
        Builds a site from its recipe; raises where it cannot.

    Raises
    ------
    StoreError
        If the database is away, or a document could not be brought to what it should be; the batches before stay.
    """
    for collection in MIGRATIONS:
        store = getattr(database, collection)
        with reported(database.title):
            for batch in chunks(store.query(OLDER), BATCH):
                _derive(database, collection, batch, build)
                _write(database, collection, store, batch)
                yield collection, len(batch)


def _write(database: Database, collection: str, store: Store, batch: Documents) -> None:
    named = {key for document in batch for key in document.get("adsorption_energies", {}).values()}
    rows = by_key(database.adsorption_energies, named)
    changes = {}
    for document in batch:
        fresh = migrated(collection, document, rows)
        if collection != "calculations":
            validated(collection, fresh)
        changes[document["key"]] = {
            name: value for name, value in fresh.items() if name not in document or document[name] != value
        }
    set_fields(store, changes)


def _derive(database: Database, collection: str, batch: Documents, build: Build) -> None:
    """Write what was no collection of its own."""
    if collection == "calculations":
        _derive_failures(database, [document for document in batch if document["status"] == "failed"])
    elif collection in ("adsorption_energies", "stabilities"):
        methods = {document["method"]["key"]: document["method"] for document in batch}
        put_absent(database.methods, [validated("methods", method_document(method)) for method in methods.values()])
        _derive_sites(database, batch, build)


def _derive_failures(database: Database, failed: Documents) -> None:
    """Keep failures for the campaigns that had them among their tasks, under the names of sites that these say."""
    tasks: dict[str, list[Mapping[str, Any]]] = {document["key"]: [] for document in failed}
    for keys in chunks(tasks):
        for task in database.tasks.store.query({"subject": {"$in": keys}}, ["subject", "campaign", "site"]):
            tasks[task["subject"]].append(task)
    groups: dict[str | None, list[dict[str, Any]]] = {}
    for document in failed:
        for campaign in {task["campaign"] for task in tasks[document["key"]]} or {None}:
            groups.setdefault(campaign, []).append(document)
    labels = {key: str(found[0]["site"]) for key, found in tasks.items() if found}
    for campaign, group in groups.items():
        put_failures(database.failures, database.sites, group, Provenance(campaign), labels)


def _derive_sites(database: Database, rows: Documents, build: Build) -> None:
    """Keep the sites of rows, as far as a clean calculation says how they are made."""
    wanted = {row["site"]["key"]: row for row in rows}
    absent = gather(database.sites, wanted, {})
    clean = {
        site: {wanted[site]["calculations"].get("clean")}
        | {entry["key"] for entry in wanted[site]["considered"] if entry["role"] == "clean"}
        for site in absent
    }
    known = by_key(database.calculations, {key for keys in clean.values() for key in keys if key is not None})
    made = []
    for site, keys in clean.items():
        label = site_label_from_dict(wanted[site]["site"])
        for document in (known[key] for key in sorted(filter(None, keys)) if key in known):
            recipe = _recipe(document, site)
            if recipe is None:
                continue
            try:
                found = site_document(build(recipe), Provenance(), label)
            except AtomsieveError:
                # what a person ingested was never built
                found = unknown_site_document(label, recipe, Provenance())
                found |= structure(document["atoms"]) if document.get("atoms") else {}
            made.append(validated("sites", found))
            break
    put_absent(database.sites, made)


def _recipe(calculation: Mapping[str, Any], site: str) -> dict[str, Any] | None:
    """Return the recipe behind a site's key, from a calculation of the clean site."""
    subject = dict(calculation["request"]["subject"])
    stated = subject.pop("ingested", {})
    by_geometry = {"family": "ingested", "schema": 1, "geometry": stated.get("geometry")}
    candidates = (subject, by_geometry)
    return next((recipe for recipe in candidates if content_key("site", recipe) == site), None)
