"""How long an update takes as a store grows, beside maggma's own stores, and how fast documents go in by the batch.

Run it as ``python benchmarks/store.py``; it takes about a minute and needs no server.
"""

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

SIZES = (100, 1_000, 10_000)
BATCH = 200
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


def main() -> None:
    """Print the two tables."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        makers: dict[str, tuple[Callable[[int], Store], int]] = {
            "SQLiteStore, durable": (lambda size: SQLiteStore(here / f"durable{size}.db", "c"), 10_000),
            "SQLiteStore": (lambda size: SQLiteStore(here / f"fast{size}.db", "c", durable=False), 10_000),
            "MemoryStore": (lambda _size: MemoryStore(key="key"), 1_000),
            "JSONStore": (lambda size: JSONStore(str(here / f"{size}.json"), read_only=False, key="key"), 100),
        }
        print("ms per update of one 10 kB document (× the durable SQLiteStore of the same size)")
        print(f"{'documents':22}" + "".join(f"{size:>18,}" for size in SIZES))
        ours: dict[int, float] = {}
        for name, (make, largest) in makers.items():
            cells = []
            for size in SIZES:
                if size > largest:
                    cells.append("-")
                    continue
                taken = milliseconds_per_update(make(size), size, repeats=200 if name.startswith("SQLite") else 10)
                ours.setdefault(size, taken)
                cells.append(f"{taken:.2f} ({taken / ours[size]:.1f}×)")
            print(f"{name:22}" + "".join(f"{cell:>18}" for cell in cells))
        documents = [document(number) for number in range(20 * BATCH)]
        for durable in (True, False):
            with SQLiteStore(here / f"bulk{durable}.db", "c", durable=durable) as store:
                begin = time.perf_counter()
                for start in range(0, len(documents), BATCH):
                    store.update(documents[start : start + BATCH])
                taken = time.perf_counter() - begin
            print(f"bulk, {BATCH} a batch, durable={durable}: {len(documents) / taken:,.0f} documents/s")


if __name__ == "__main__":
    main()
