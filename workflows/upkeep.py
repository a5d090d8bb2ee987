"""Upkeep: a database looked through, and brought to the version of now, as the command line does it."""

from __future__ import annotations

from collections import Counter

from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from atomsieve.analysis import checking
from atomsieve.analysis.database import Database
from atomsieve.analysis.documents.collections import COLLECTIONS
from atomsieve.analysis.documents.common import SCHEMA_VERSION
from atomsieve.analysis.documents.page import fields, json_schema, page
from atomsieve.analysis.migrating import migrate as migrating
from atomsieve.analysis.opening import open_where
from atomsieve.builders import catalog
from atomsieve.structures.errors import InputError, unknown
from atomsieve.workflows import screen
from atomsieve.workflows.campaigns import open_database
from atomsieve.workflows.ending import Code
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.settings import read_settings

#: Lines of what is amiss that are shown.
SHOWN = 40


def _open(where: str | None, *, read_only: bool) -> Database:
    """Return a database that is there, not yet connected."""
    if where is not None:
        database = open_where(where, read_only=read_only)
    else:
        settings = read_settings()
        database = open_database(None, Folder(settings.folder), settings)
    if database.path is not None and not database.path.is_file():
        raise InputError(f"there is no database {database.path}; name another with --database")
    return database


def migrate(where: str | None, *, as_json: bool) -> None:
    """Bring the documents of older versions to the one of now.

    Parameters
    ----------
    where : str or None
        A folder, a SQLite file or a URI; None for the database of the settings.
    as_json : bool
        Print plain data.
    """
    written: Counter[str] = Counter()
    err = screen.console(stderr=True)
    with (
        _open(where, read_only=False) as database,
        Progress(console=err, transient=True, disable=not err.is_terminal) as progress,
    ):
        bar = progress.add_task("migrating", total=None)
        for collection, number in migrating(database, catalog.build):
            written[collection] += number
            progress.advance(bar, number)
        title = database.title
    if as_json:
        screen.print_json({"database": title, "version": SCHEMA_VERSION, "migrated": dict(written)})
        return
    out = screen.console()
    for collection, number in written.items():
        out.print(f"{collection}: {number:,} documents brought to version {SCHEMA_VERSION}")
    if not written:
        out.print(escape(f"{title}: all documents are of version {SCHEMA_VERSION} already"), soft_wrap=True)


def check(where: str | None, *, as_json: bool) -> int:
    """Look through a database; return the exit code.

    Parameters
    ----------
    where : str or None
        A folder, a SQLite file or a URI; None for the database of the settings.
    as_json : bool
        Print plain data.
    """
    with _open(where, read_only=True) as database:
        found = list(checking.check(database))
        title = database.title
    code = Code.INCOMPLETE if any(entry.amiss for entry in found) else Code.DONE
    if as_json:
        data = [
            {
                "collection": entry.collection,
                "versions": {str(version): number for version, number in sorted(entry.versions.items())},
                "amiss": [{"key": key, "problem": text} for key, text in entry.amiss],
            }
            for entry in found
        ]
        screen.print_json({"database": title, "version": SCHEMA_VERSION, "collections": data})
        return code
    out = screen.console()
    table = Table("collection", "documents", "of an older version", "amiss", title=escape(title))
    for column in table.columns[1:]:
        column.justify = "right"
    for entry in found:
        table.add_row(entry.collection, f"{entry.versions.total():,}", f"{entry.older:,}", f"{len(entry.amiss):,}")
    out.print(table)
    lines = [(entry.collection, key, text) for entry in found for key, text in entry.amiss]
    for collection, key, text in lines[:SHOWN]:
        out.print(escape(f"{collection} {key}: {text}"), soft_wrap=True, style="yellow")
    if len(lines) > SHOWN:
        out.print(f"and {len(lines) - SHOWN:,} lines more: --json lists them")
    if any(entry.older for entry in found):
        out.print(
            "older documents can be read; to ask by what only newer ones say: atomsieve db migrate", soft_wrap=True
        )
    return code


def schema(collection: str | None, *, as_json: bool) -> None:
    """Say what the documents of each collection hold.

    Parameters
    ----------
    collection : str or None
        One of them; None for all.
    as_json : bool
        Print JSON schema.

    Raises
    ------
    InputError
        If there is no such collection; names them.
    """
    if collection is not None and collection not in COLLECTIONS:
        raise InputError(unknown(collection, COLLECTIONS, "collection"))
    if as_json:
        found = {name: json_schema(name) for name in COLLECTIONS if collection in (None, name)}
        screen.print_json(found if collection is None else found[collection])
    elif collection is None:
        screen.console().out(page(), end="", highlight=False)
    else:
        table = Table("field", "type", "what it is", title=collection)
        for path, kind, text in fields(collection):
            table.add_row(*map(escape, (path, kind, text)))
        screen.console().print(table)
