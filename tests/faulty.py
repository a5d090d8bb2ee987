"""Run the command line in a process that kills its whole process group at a chosen point.

Usage: faulty.py POINT AFTER ARGUMENT...   POINT is ``relaxation``, ``ingest`` or ``commit``; AFTER counts them.
The process group dies by SIGKILL, as in a power cut: driver, fork server and workers at once.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def die() -> None:
    os.killpg(os.getpgid(0), signal.SIGKILL)


def in_relaxation(after: int) -> None:
    """Die while a calculation has begun and has no result, after a number of starts."""
    folder = Path("atomsieve-data")

    def watch() -> None:
        while True:
            starts = folder / "starts.log"
            lines = starts.read_text().splitlines() if starts.exists() else []
            if len(lines) >= after:
                key = lines[-1].split()[1]
                if not (folder / "results" / key[:2] / key / "result.json").exists():
                    die()
            time.sleep(0.002)

    threading.Thread(target=watch, daemon=True).start()


def before_ingest(after: int) -> None:
    """Die when results are on disk and the driver is about to take them in."""
    from atomsieve.analysis.database import Database

    original = Database.ingest
    seen = 0

    def ingest(self: Database, documents: Any, *more: Any) -> None:
        nonlocal seen
        seen += bool(documents)
        if seen >= after and documents:
            die()
        original(self, documents, *more)

    Database.ingest = ingest  # type: ignore[method-assign]


def in_commit(after: int) -> None:
    """Die inside a transaction, after its rows are written and before it is committed."""
    connect = sqlite3.connect
    seen = 0

    class Killing(sqlite3.Connection):
        carries = False

        def _at(self, sql: str, run: Callable[[], Any]) -> Any:
            nonlocal seen
            words = sql.strip().upper()
            if words.startswith("INSERT") and "CALCULATIONS" in words:
                self.carries = True
            if words.startswith("COMMIT") and self.carries:
                seen += 1
                if seen >= after:
                    die()
                self.carries = False
            return run()

        def executemany(self, sql: str, *arguments: Any) -> Any:
            return self._at(sql, lambda: super(Killing, self).executemany(sql, *arguments))

        def execute(self, sql: str, *arguments: Any) -> Any:
            return self._at(sql, lambda: super(Killing, self).execute(sql, *arguments))

        def commit(self) -> None:
            self._at("COMMIT", super().commit)

        def __exit__(self, *exception: Any) -> Any:
            return self._at(
                "COMMIT" if exception[0] is None else "ROLLBACK", lambda: super(Killing, self).__exit__(*exception)
            )

    def killing(*arguments: Any, **named: Any) -> sqlite3.Connection:
        named["factory"] = Killing
        return connect(*arguments, **named)

    sqlite3.connect = killing


if __name__ == "__main__":
    point, count = sys.argv[1], int(sys.argv[2])
    {"relaxation": in_relaxation, "ingest": before_ingest, "commit": in_commit}[point](count)
    sys.argv = ["atomsieve", *sys.argv[3:]]
    from atomsieve.workflows.cli import main

    main()
