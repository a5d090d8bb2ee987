"""Pull: how fast results are stored and pulled, a page and a stream of all, beside maggma's own stores."""

from __future__ import annotations

import contextlib
import importlib.util
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from maggma.core import Store

from atomsieve.analysis.database import Database
from benchmarks.apart import apart, peak
from benchmarks.rows import FIELDS, PAGE, flat, row
from benchmarks.server import NAME, server
from benchmarks.table import Table

BATCH = 1_000
#: Rows in the stores that keep up with few, with more, and with many.
SMALL, MEDIUM, LARGE = 2_000, 5_000, 100_000


def embedded(where: str) -> Store:
    """Give the embedded store of adsorption energies, as a database opens it."""
    database = Database.embedded(Path(where, "pull.sqlite"))
    return database.__enter__().adsorption_energies


def collection(where: str) -> Store:
    """Give the collection of a server, as a database opens it."""
    uri, name = where.split(" ")
    return Database.mongodb(uri, name).__enter__().adsorption_energies


def json_store(where: str) -> Store:
    """Give maggma's JSONStore, all of which is in memory."""
    from maggma.stores import JSONStore

    store = JSONStore(str(Path(where, "pull.json")), read_only=False, key="key")
    store.connect()
    return store


def monty_store(where: str) -> Store:
    """Give maggma's MontyStore, in SQLite too."""
    from maggma.stores import MontyStore

    store = MontyStore("pull", database_path=where, key="key", storage="sqlite")
    store.connect()
    return store


OPENED: dict[str, Callable[[str], Store]] = {
    "embedded": embedded,
    "server": collection,
    "JSONStore": json_store,
    "MontyStore": monty_store,
}


def page(store: Store) -> int:
    """Read one page; give how many rows it has."""
    values = getattr(store, "values", None)
    if values is not None:
        return len(list(values(FIELDS, PAGE, {"free": 1}, limit=50)))
    return len(list(store.query(PAGE, list(FIELDS), sort={"free": 1}, limit=50)))


def filled(name: str, where: str, rows: int) -> dict[str, float]:
    """Fill a store, then pull from it: rows a second in and out, ms a page, MB that the stream added."""
    store = OPENED[name](where)
    taken = 0.0
    for start in range(0, rows, BATCH):
        documents = [row(number) for number in range(start, min(start + BATCH, rows))]
        begin = time.perf_counter()
        store.update(documents, key="key")
        taken += time.perf_counter() - begin
    store.close()
    store.connect()
    pages = []
    for _ in range(7):
        begin = time.perf_counter()
        found = page(store)
        pages.append(time.perf_counter() - begin)
    before = peak()
    begin = time.perf_counter()
    streamed = sum(1 for _ in flat(store))
    out = time.perf_counter() - begin
    return {
        "rows": rows,
        "insert": rows / taken,
        "first": pages[0] * 1e3,
        "page": sorted(pages)[3] * 1e3,
        "found": found,
        "stream": streamed / out,
        "added": peak() - before,
        "memory": peak(),
    }


def measure(quick: bool) -> Table:
    """Return rows a second in and out, the time of a page and the memory of a stream, against the embedded store."""
    sizes = [("embedded", SMALL), ("JSONStore", SMALL), ("MontyStore", SMALL)]
    sizes += [("embedded", MEDIUM), ("server", MEDIUM), ("embedded", LARGE)]
    if importlib.util.find_spec("montydb") is None:
        sizes.remove(("MontyStore", SMALL))
    ours: dict[int, dict[str, float]] = {}
    rows = []
    for name, size in sizes[:1] if quick else sizes:
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
            where = folder
            if name == "server":
                where = " ".join(stack.enter_context(server(Path(folder))))
            found = apart(filled, name, where, size)
        one = ours.setdefault(size, found)
        cells = []
        for what, digits in (("insert", 0), ("page", 1), ("stream", 0), ("added", 0)):
            ratio = f" ({found[what] / one[what]:.2g}×)" if found is not one and one[what] else ""
            cells.append(f"{found[what]:,.{digits}f}{ratio}")
        rows.append((NAME if name == "server" else name, f"{size:,}", *cells))
    note = "In brackets, times the embedded store of the same size."
    heads = ("", "rows", "in, rows/s", "a page, ms", "out, rows/s", "memory of the stream, MB")
    return Table(heads, tuple(rows), note)
