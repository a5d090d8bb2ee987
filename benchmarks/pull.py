"""How fast results are pulled: a page, a stream of all, and what is held in memory, beside maggma's own stores.

``python benchmarks/pull.py`` fills an embedded store with a million adsorption energies (--rows), and others with as
many as they keep up with; about twenty minutes. A server is that of ATOMSIEVE_MONGODB_URI, else a SecantusDB where it
is installed, which sorts in memory: it gets --server-rows. Each store works in a process of its own, for its memory.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import random
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from maggma.core import Store

BATCH = 1_000
METALS = "Sc Ti V Cr Mn Fe Co Ni Cu Zn Y Zr Nb Mo Tc Ru Rh Pd Ag Cd Hf Ta W Re Os Ir Pt Au".split()  # noqa: SIM905
ADSORBATES = ("H", "O", "OH", "OOH", "CO", "COOH", "CHO", "N2H", "NH2", "N")
FIELDS = ("site.label", "site.family", "site.metal_set", "adsorbate", "free", "electronic", "verdict", "method.key")
#: The page: who asks this wants the ten best sites of two metals.
PAGE: dict[str, Any] = {
    "site.metals": {"$in": ["Fe", "Co"]},
    "adsorbate": "OH",
    "free": {"$gte": 0.2, "$lte": 1.4},
    "superseded": False,
}
Document = dict[str, Any]


def row(number: int) -> Document:
    """Give a document as `adsorption_energies` has them, about 3 kB."""
    source = random.Random(number)
    metals = source.sample(METALS, source.choice((1, 1, 1, 2)))

    def key(what: object) -> str:
        return f"{random.Random(f'{what}').getrandbits(256):064x}"

    electronic, zero, entropy = source.gauss(-1, 1), source.uniform(0.2, 0.5), source.uniform(-0.4, 0)
    site, tried = number // len(ADSORBATES), [key((number, turn)) for turn in range(6)]
    terms = (("E(OH*)", "electronic", electronic), ("ZPE", "zpe", zero), ("-TS", "entropy", entropy))
    return {
        "key": key(number),
        "schema": 2,
        "slot": key(("slot", number)),
        "policy_key": key(("policy", number)),
        "site": {
            "label": f"{'-'.join(metals)}-N4@graphene-{site}",
            "key": key(("site", site)),
            "family": source.choice(("graphene", "porphine", "phthalocyanine", "MOF node")),
            "metals": metals,
            "metal_set": "-".join(sorted(metals)),
        },
        "adsorbate": ADSORBATES[number % len(ADSORBATES)],
        "method": {"key": key("method"), "calculator": "vasp", "physics": {"xc": "RPBE", "encut": 520}, "tier": "dft"},
        "policy": {"corrections": "table", "solvation": None, "temperature": 298.15, "poses": 3},
        "terms": [{"name": name, "kind": kind, "value": value, "source": tried[0]} for name, kind, value in terms],
        "electronic": electronic,
        "free": electronic + zero + entropy,
        "verdict": "bound" if source.random() < 0.9 else "desorbed",
        "reason": "the shortest bond to the metal is 1.84 Å",
        "calculations": {"clean": tried[1], "adsorbed": tried[0]},
        "considered": [
            {"key": one, "role": "adsorbed", "status": "done", "reason": "converged", "energy": electronic - 310.2}
            for one in tried
        ],
        "multiplicity": {"clean": 3, "adsorbed": 2},
        "spin_states": {"clean": 2, "adsorbed": 2},
        "warnings": [],
        "predictive": True,
        "superseded": source.random() < 0.1,
        "campaigns": [f"screen-{number % 7}"],
        "tags": ["paper"] if number % 50 == 0 else [],
        "provenance": {"user": "someone", "host": "cluster", "folder": "/scratch/someone", "atomsieve": "0.1"},
        "last_updated": datetime(2026, 1, 1),
    }


def embedded(where: str) -> Store:
    """Give the embedded store of adsorption energies, as a database opens it."""
    from atomsieve.analysis.database import Database

    database = Database.embedded(Path(where, "pull.sqlite"))
    return database.__enter__().adsorption_energies


def server(where: str) -> Store:
    """Give the collection of a server, as a database opens it."""
    from atomsieve.analysis.database import Database

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
    "MongoDB server": server,
    "JSONStore": json_store,
    "MontyStore": monty_store,
}


def flat(store: Store) -> Iterator[Any]:
    """Give all rows that are current, cut to a few fields."""
    values = getattr(store, "values", None)
    if values is not None:
        return iter(values(FIELDS, {"superseded": False}))
    return iter(store.query({"superseded": False}, list(FIELDS)))


def page(store: Store) -> int:
    """Read one page; give how many rows it has."""
    values = getattr(store, "values", None)
    if values is not None:
        return len(list(values(FIELDS, PAGE, {"free": 1}, limit=50)))
    return len(list(store.query(PAGE, list(FIELDS), sort={"free": 1}, limit=50)))


def measure(name: str, where: str, rows: int) -> dict[str, float]:
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


def peak() -> float:
    """Give the most memory that this process has had, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextlib.contextmanager
def mongo(folder: Path) -> Iterator[str | None]:
    """Give the URI and database of a server; None where there is none."""
    name = f"atomsieve_pull_{uuid.uuid4().hex[:8]}"
    if uri := os.environ.get("ATOMSIEVE_MONGODB_URI"):
        from pymongo import MongoClient

        try:
            yield f"{uri} {name}"
        finally:
            with MongoClient(uri) as client:
                client.drop_database(name)
        return
    beside = Path(sys.executable).parent / "secantusd-py"
    program = str(beside) if beside.exists() else shutil.which("secantusd-py")
    if program is None:
        yield None
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, "--host", "127.0.0.1", "--port", str(port), "--storage-path", str(folder / "mongo")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
    try:
        yield f"mongodb://127.0.0.1:{port}/?retryWrites=false&journal=true&serverSelectionTimeoutMS=30000 {name}"
    finally:
        process.terminate()
        process.wait(30)


def apart(name: str, where: str, rows: int, seconds: float) -> dict[str, float] | None:
    """Measure in a process of its own; None if that takes too long."""
    command = [sys.executable, __file__, "--one", name, where, str(rows)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        print(f"{name}: {rows:,} rows took longer than {seconds:.0f} s")
        return None
    if done.returncode:
        print(f"{name}: {done.stderr.strip().splitlines()[-1]}")
        return None
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="in the embedded store")
    parser.add_argument("--server-rows", type=int, default=100_000, help="in the server")
    parser.add_argument("--small-rows", type=int, default=2_000, help="in JSONStore and MontyStore")
    parser.add_argument("--seconds", type=float, default=3_600, help="after which a store is given up")
    parser.add_argument("--folder", type=Path, help="where the files lie for as long as it takes")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        name, where, rows = given.one
        print(json.dumps(measure(name, where, int(rows))))
        return
    heads = ("rows", "in, rows/s", "page, ms", "(first)", "out, rows/s", "peak, MB", "by the stream")
    print(f"{'':16}" + "".join(f"{head:>15}" for head in heads))
    # the small ones are compared with an embedded store as small
    sizes = [("embedded", given.small_rows), ("JSONStore", given.small_rows), ("MontyStore", given.small_rows)]
    sizes += [("embedded", given.server_rows), ("MongoDB server", given.server_rows), ("embedded", given.rows)]
    ours: dict[int, dict[str, float]] = {}
    for name, rows in sizes if importlib.util.find_spec("montydb") else (s for s in sizes if s[0] != "MontyStore"):
        with tempfile.TemporaryDirectory(dir=given.folder) as folder, contextlib.ExitStack() as stack:
            where = folder if name != "MongoDB server" else stack.enter_context(mongo(Path(folder)))
            found = apart(name, where, rows, given.seconds) if where else None
        if found is None:
            continue
        one = ours.setdefault(rows, found)
        cells = [f"{rows:,}"]
        for what, digits in (("insert", 0), ("page", 1), ("first", 1), ("stream", 0), ("memory", 0), ("added", 0)):
            ratio = f" ({found[what] / one[what]:.2g}×)" if found is not one and one[what] else ""
            cells.append(f"{found[what]:,.{digits}f}{ratio}")
        print(f"{name:16}" + "".join(f"{cell:>15}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
