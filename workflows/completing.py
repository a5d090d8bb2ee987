"""Completing: what the shell offers at a press of the tab key, read without the libraries that calculate."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import typer

#: Names that are offered at a time.
MOST = 200


def campaigns(incomplete: str) -> list[str]:
    """Return the campaigns of the settings' database, and the YAML files here, that begin so."""
    files = [str(path) for path in Path().glob("*.y*ml")]
    return [name for name in [*_known("campaigns", "key", incomplete), *sorted(files)] if name.startswith(incomplete)]


def sites(incomplete: str) -> list[str]:
    """Return the labels of sites that begin so."""
    return _known("sites", "label", incomplete)


def collections() -> list[str]:
    """Return what can be asked of a database."""
    from atomsieve.analysis.results.fields import COLLECTIONS

    return list(COLLECTIONS)


def columns(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the fields that a list with commas can go on with."""
    before, comma, begun = incomplete.rpartition(",")
    minus = "-" if begun.startswith("-") else ""
    return [f"{before}{comma}{minus}{name}" for name in _fields(ctx) if name.startswith(begun.removeprefix("-"))]


def conditions(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the fields that a condition can go on with."""
    before, blank, begun = incomplete.rpartition(" ")
    return [f"{before}{blank}{name}" for name in _fields(ctx) if name.startswith(begun)]


def _fields(ctx: typer.Context) -> list[str]:
    """Return the names of the fields of the collection that the command line asks so far."""
    from atomsieve.analysis.results.fields import COLLECTIONS, fields

    stated = ctx.params.get("of") or COLLECTIONS[0]
    return list(fields(stated)) if stated in COLLECTIONS else []


def _known(collection: str, field: str, begun: str) -> list[str]:
    """Return values of a field with an index that begin so; none where there is no answer within a second."""
    from atomsieve.structures.errors import InputError
    from atomsieve.workflows.settings import read_settings

    # whoever presses the tab key wants no error
    with suppress(InputError, sqlite3.Error, OSError):
        settings = read_settings()
        if settings.mongodb_uri is not None:
            return _on_server(
                settings.mongodb_uri.get_secret_value(), settings.mongodb_database, collection, field, begun
            )
        file = settings.folder / "atomsieve.sqlite"
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=1)) as connection:
            sql = f'SELECT DISTINCT "{field}" FROM {collection} WHERE "{field}" >= ? AND "{field}" < ? LIMIT {MOST}'
            return sorted(str(row[0]) for row in connection.execute(sql, (begun, f"{begun}\U0010ffff")))
    return []


def _on_server(uri: str, database: str, collection: str, field: str, begun: str) -> list[str]:
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError

    with suppress(PyMongoError, ValueError):
        client: MongoClient[dict[str, object]] = MongoClient(uri, serverSelectionTimeoutMS=1000)
        wanted = {field: {"$gte": begun, "$lt": f"{begun}\U0010ffff"}}
        with client:
            found = client[database][collection].find(wanted, {field: 1, "_id": 0}, limit=MOST)
            return sorted({str(document[field]) for document in found})
    return []
