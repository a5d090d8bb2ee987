"""Dump: a database as a file of JSON lines, one document a line, that another database takes in.

The first line says what it is, each other holds a document with its collection, in MongoDB's extended JSON, and the
last says how many there are: a file that lacks it was cut short. A name that ends in ``.gz`` makes it compressed.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import zlib
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, TextIO

from bson import json_util

from atomsieve.analysis.away import reported
from atomsieve.analysis.chunks import chunks
from atomsieve.analysis.copying import COPIED, Merging, Progress, documents_of, put
from atomsieve.analysis.database import Database
from atomsieve.structures.errors import InputError

#: The first line of a dump holds this, with the version of its layout.
MARK: Final = "atomsieve dump"
LAYOUT: Final = 1
_END: Final = "end"


def dump(database: Database, path: Path, progress: Progress = lambda *_: None) -> dict[str, int]:
    """Write all results of a database to a file, which is there when it is complete, or not at all.

    Parameters
    ----------
    database : Database
        Connected; is only read.
    path : Path
        The file; what is there is replaced.
    progress : callable
        Is told.

    Returns
    -------
    dict of str to int
        Documents of each collection.
    """
    counts = dict.fromkeys(COPIED, 0)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with _writing(partial, is_packed=path.suffix == ".gz") as file:
            file.write(json.dumps({MARK: LAYOUT}) + "\n")
            for name in COPIED:
                with reported(database.title):
                    for document in documents_of(database, name):
                        file.write(json_util.dumps({"collection": name, "document": document}) + "\n")
                        counts[name] += 1
                        progress(name, 1)
            file.write(json.dumps({_END: counts}) + "\n")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return counts


def check(path: Path) -> dict[str, int]:
    """Read a dump to its end; return how many documents of each collection it holds.

    Raises
    ------
    InputError
        If it is no dump, or not a whole one.
    """
    counts: Counter[str] = Counter()
    end: Any = None
    number = 0
    for number, line in _lines(path):
        if end is not None:
            raise InputError(f"{path}: line {number} comes after the end of the dump; is it two dumps in one file?")
        entry = _entry(path, number, line)
        if number == 1:
            _check_head(path, entry)
        elif _END in entry:
            end = entry[_END]
        else:
            counts[_name(path, number, entry)] += 1
    if end is None:
        raise _cut(path, number)
    if end != {name: counts[name] for name in COPIED}:
        raise InputError(f"{path}: lines are missing, or too many; it holds {dict(counts)}, and should hold {end}")
    return {name: counts[name] for name in COPIED}


def load(path: Path, target: Database, progress: Progress = lambda *_: None, *, is_dry: bool = False) -> Merging:
    """Take a dump into a database, without what is there already; nothing of a file that :func:`check` refuses.

    Parameters
    ----------
    path : Path
        The file.
    target : Database
        Connected, for writing unless ``is_dry``.
    progress : callable
        Is told.
    is_dry : bool
        Only count.

    Raises
    ------
    InputError
        If it is no dump, or not a whole one.
    StoreError
        If the database does not take more; the same again goes on from there.
    """
    check(path)
    merging = Merging(target)
    with closing(_documents(path)) as documents:
        for name, group in groupby(documents, key=itemgetter(0)):
            for batch in chunks((document for _, document in group), 100):
                wanted = set(merging.wanted(name, batch))
                if not is_dry:
                    put(target, name, [document for document in batch if document["key"] in wanted])
                progress(name, len(batch))
    if not is_dry:
        merging.finish()
    return merging


def _documents(path: Path) -> Generator[tuple[str, dict[str, Any]]]:
    for _, line in _lines(path):
        entry = json_util.loads(line)
        if "collection" in entry:
            yield entry["collection"], entry["document"]


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    number = 0
    try:
        with _reading(path) as file:
            for number, line in enumerate(file, 1):
                if not line.endswith("\n"):
                    raise _cut(path, number)
                yield number, line
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise _cut(path, number + 1) from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is no dump: it is no text; `atomsieve db dump WHERE FILE` writes one") from None


def _entry(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        raise InputError(f"{path}: line {number} is no JSON; nothing of the file was taken in") from None
    if not isinstance(entry, dict):
        raise InputError(f"{path}: line {number} holds no document; nothing of the file was taken in")
    return entry


def _check_head(path: Path, entry: dict[str, Any]) -> None:
    if MARK not in entry:
        raise InputError(f"{path} is no dump of a database; `atomsieve db dump WHERE FILE` writes one")
    if entry[MARK] != LAYOUT:
        raise InputError(f"{path} is a dump of layout {entry[MARK]}; this version of atomsieve reads layout {LAYOUT}")


def _name(path: Path, number: int, entry: dict[str, Any]) -> str:
    name, document = entry.get("collection"), entry.get("document")
    if name not in COPIED:
        raise InputError(f"{path}: line {number} is of the collection {name!r}; there are {', '.join(COPIED)}")
    if not isinstance(document, dict) or not isinstance(document.get("key"), str) or "last_updated" not in document:
        raise InputError(f"{path}: line {number} holds no document with a key and a time; nothing was taken in")
    return str(name)


def _cut(path: Path, number: int) -> InputError:
    return InputError(
        f"{path} was cut short at line {number:,}, and nothing of it was taken in; copy it here again, or dump again"
    )


@contextmanager
def _writing(path: Path, *, is_packed: bool) -> Iterator[TextIO]:
    """Write a text that is on the disk in the end; results are private to the user, as the database is."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as raw:
        if is_packed:
            with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed, io.TextIOWrapper(packed, "utf-8") as file:
                yield file
        else:
            with io.TextIOWrapper(raw, "utf-8", write_through=False) as file:
                yield file
                file.flush()
                os.fsync(raw.fileno())
            return
        raw.flush()
        os.fsync(raw.fileno())


@contextmanager
def _reading(path: Path) -> Iterator[TextIO]:
    try:
        with path.open("rb") as file:
            is_packed = file.read(2) == b"\x1f\x8b"
    except (FileNotFoundError, IsADirectoryError):
        raise InputError(f"there is no dump {path}; `atomsieve db dump WHERE FILE` writes one") from None
    with gzip.open(path, "rt", encoding="utf-8") if is_packed else path.open(encoding="utf-8") as file:
        yield file
