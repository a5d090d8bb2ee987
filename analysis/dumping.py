"""Dump: a database as a file of JSON lines, one document a line, that another database takes in.

The first line says what it is, each other holds a document with its collection, in MongoDB's extended JSON, and the
last says how many there are: a file that lacks it was cut short. A name that ends in ``.gz`` makes it compressed.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, TextIO

from bson import json_util

from atomsieve.analysis.away import reported
from atomsieve.analysis.chunks import chunks
from atomsieve.analysis.copying import Merging, Progress
from atomsieve.analysis.database import Database
from atomsieve.analysis.documents.collections import problems
from atomsieve.analysis.documents.common import SCHEMA_VERSION
from atomsieve.analysis.merging import COPIED, documents_of, put
from atomsieve.analysis.whole import whole_file
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

    def told() -> Iterator[tuple[str, dict[str, Any]]]:
        for name in COPIED:
            with reported(database.title):
                for document in documents_of(database, name):
                    yield name, document
                    progress(name, 1)

    return write(path, told())


def write(path: Path, documents: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, int]:
    """Write documents, each with its collection, as a dump, and return how many there are of each collection."""
    counts = dict.fromkeys(COPIED, 0)
    # results are private to the user, as the database is
    with whole_file(path, private=True) as partial, _writing(partial, is_packed=path.suffix == ".gz") as file:
        file.write(json.dumps({MARK: LAYOUT}) + "\n")
        for name, document in documents:
            file.write(json_util.dumps({"collection": name, "document": document}) + "\n")
            counts[name] += 1
        file.write(json.dumps({_END: counts}) + "\n")
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
            name = _name(path, number, entry)
            _check_document(path, number, name, line, entry["document"].get("schema", 1))
            counts[name] += 1
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


def _check_document(path: Path, number: int, name: str, line: str, version: object) -> None:
    """Refuse a document of a version to come, and one that is not what its collection holds; old ones stay readable."""
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise InputError(
            f"{path}: line {number} is of version {version} of the documents, and this atomsieve knows those up to "
            f"{SCHEMA_VERSION}; a newer one takes it in"
        )
    if version < SCHEMA_VERSION or name == "calculations":
        # the records that read them check these
        return
    if found := problems(name, json_util.loads(line)["document"]):
        raise InputError(f"{path}: line {number} does not fit {name}: {'; '.join(found)}; nothing was taken in")


def _cut(path: Path, number: int) -> InputError:
    return InputError(
        f"{path} was cut short at line {number:,}, and nothing of it was taken in; copy it here again, or dump again"
    )


@contextmanager
def _writing(path: Path, *, is_packed: bool) -> Iterator[TextIO]:
    if not is_packed:
        with path.open("w", encoding="utf-8") as file:
            yield file
        return
    # the same documents make the same file: no name and no time in it
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
        io.TextIOWrapper(packed, "utf-8") as file,
    ):
        yield file


@contextmanager
def _reading(path: Path) -> Iterator[TextIO]:
    try:
        with path.open("rb") as file:
            is_packed = file.read(2) == b"\x1f\x8b"
    except (FileNotFoundError, IsADirectoryError):
        raise InputError(f"there is no dump {path}; `atomsieve db dump WHERE FILE` writes one") from None
    with gzip.open(path, "rt", encoding="utf-8") if is_packed else path.open(encoding="utf-8") as file:
        yield file
