"""Opening: where a database lies, as a person says it, and the database there."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from atomsieve.analysis.database import Database
from atomsieve.structures.errors import InputError

#: The embedded database of a folder.
FILE: Final = "atomsieve.sqlite"
#: The database on a server, where neither the URI nor the caller names one.
NAME: Final = "atomsieve"


def open_where(where: str | Path, read_only: bool = True, database: str | None = None) -> Database:
    """Return the database that lies somewhere, not yet connected: use it in a ``with`` block.

    Parameters
    ----------
    where : str or Path
        A folder of results, the SQLite file of one, or a ``mongodb://`` URI, which may hold credentials.
    read_only : bool
        Whether nothing may be written, indexes included; then it must be there already.
    database : str, optional
        Its name on the server; unless given, that in the URI's path, else ``atomsieve``.

    Raises
    ------
    InputError
        If there is nothing of this name that could be read.
    """
    if str(where).startswith(("mongodb://", "mongodb+srv://")):
        return Database.mongodb(str(where), database or _named(str(where)) or NAME, read_only=read_only)
    if "://" in str(where):
        # what follows may hold a password
        scheme = str(where).partition("://")[0]
        raise InputError(f"no database lies at {scheme}://...; give a folder, a SQLite file or a mongodb:// URI")
    path = Path(where).expanduser()
    file = path / FILE if path.is_dir() or (not path.exists() and not path.suffix) else path
    if read_only and not file.is_file():
        raise InputError(
            f"there is no database {file}; give a folder that holds {FILE}, such a file, or a mongodb:// URI"
        )
    return Database.embedded(file, read_only=read_only)


def _named(uri: str) -> str:
    """Return the name of a database in the path of a URI; empty where there is none."""
    try:
        return unquote(urlsplit(uri).path.strip("/"))
    except ValueError:
        # a malformed URI is told where it is opened, without its words
        return ""
