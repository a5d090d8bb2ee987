"""Store: how long an update takes as a store grows, beside maggma's own stores that need no server."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from maggma.core import Store
from maggma.stores import JSONStore, MemoryStore

from atomsieve.analysis.store import SQLiteStore
from benchmarks.table import Table

SIZES = (100, 1_000, 10_000)
Document = dict[str, Any]


def document(number: int) -> Document:
    """Give a document of about 10 kB, most of it forces."""
    source = random.Random(number)
    forces = [[source.uniform(-1, 1) for _ in range(3)] for _ in range(200)]
    return {"key": f"k{number}", "energy": source.uniform(-300, 0), "forces": forces}


def milliseconds_per_update(store: Store, size: int, repeats: int) -> float:
    """Fill a store to a size, and time updates of one document, ms."""
    with store:
        for start in range(0, size, 1_000):
            store.update([document(number) for number in range(start, min(start + 1_000, size))])
        changed = [document(random.Random(turn).randrange(size)) for turn in range(repeats)]
        begin = time.perf_counter()
        for one in changed:
            store.update(one)
        return (time.perf_counter() - begin) / repeats * 1_000


def measure(quick: bool) -> Table:
    """Return milliseconds of an update, by the size of the store."""
    sizes = SIZES[:1] if quick else SIZES
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        makers: dict[str, tuple[Callable[[int], Store], int, int]] = {
            "atomsieve's SQLiteStore": (lambda size: SQLiteStore(here / f"durable{size}.db", "c"), 10_000, 200),
            "the same, an fsync less": (
                lambda size: SQLiteStore(here / f"fast{size}.db", "c", durable=False),
                10_000,
                200,
            ),
            "maggma's MemoryStore": (lambda _size: MemoryStore(key="key"), 1_000, 10),
            "maggma's JSONStore": (
                lambda size: JSONStore(str(here / f"{size}.json"), read_only=False, key="key"),
                1_000,
                10,
            ),
        }
        rows = []
        ours: dict[int, float] = {}
        for name, (make, largest, repeats) in makers.items():
            cells = []
            for size in sizes:
                if size > largest:
                    cells.append("not tried")
                    continue
                taken = milliseconds_per_update(make(size), size, repeats)
                ours.setdefault(size, taken)
                cells.append(f"{taken:.2f} ({taken / ours[size]:.1f}×)")
            rows.append((name, *cells))
    note = "Milliseconds an update of one document of 10 kB (times the first row)."
    return Table(("", *(f"{size:,} documents" for size in sizes)), tuple(rows), note)
