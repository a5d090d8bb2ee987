"""Glance: what the tasks of a campaign come to, in one round trip to the database and with little to import.

A look every few seconds, from the login node of a cluster, must cost neither the server nor whoever waits for it. So
this reads what :class:`~atomsieve.analysis.tasks.Tasks` wrote without the libraries that write.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from atomsieve.analysis.connections import Connections
from atomsieve.structures.clock import utc_now
from atomsieve.structures.errors import AtomsieveError, InputError, StoreError
from atomsieve.structures.task import TaskCount, TaskState

#: How far back a rate looks.
WINDOW = timedelta(hours=1)
#: Groups in one answer, so that there is no second.
MOST = 100_000
#: What a summary tells apart.
GROUPED = ("kind", "state", "stage", "engine", "worker", "cores")


@dataclass(frozen=True)
class Glance:
    """What the tasks of a campaign come to.

    Parameters
    ----------
    counts : tuple of TaskCount
        Together all tasks of the campaign.
    sites : int or None
        Number of sites that its file makes; None if it was never run.
    stages : mapping of str to mapping
        How many sites ``entered`` each stage and ``passed`` it, as far as that is known; in the campaign's order.
    now : datetime
        By the clock of the database.
    """

    counts: tuple[TaskCount, ...]
    sites: int | None
    stages: Mapping[str, Mapping[str, int]]
    now: datetime


#: From the name of a campaign to what there is of it.
Look = Callable[[str], Glance]


@contextmanager
def server_looks(uri: str, database: str) -> Iterator[Look]:
    """Give a way to look at the campaigns of a MongoDB server, again and again.

    Parameters
    ----------
    uri : str
        May hold credentials.
    database : str
        Its name there.

    Raises
    ------
    StoreError
        If the server does not answer, from the looks too.
    """
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError

    def look(name: str) -> Glance:
        try:
            return _summed(list(client[database]["tasks"].aggregate(_pipeline(name), batchSize=MOST)))
        except PyMongoError as error:
            raise unopened(title, error, is_file=False) from error

    title = f"MongoDB database {database!r}"
    try:
        client: MongoClient[dict[str, Any]] = MongoClient(uri, serverSelectionTimeoutMS=5000)
    except (PyMongoError, ValueError) as error:
        raise unopened(title, error, is_file=False) from error
    with client:
        yield look


@contextmanager
def file_looks(path: Path) -> Iterator[Look]:
    """Give a way to look at the campaigns of an embedded database, again and again; looking makes no file."""
    with closing(Connections(path, durable=False)) as connections:

        def look(name: str) -> Glance:
            try:
                return _read(connections, name) if path.exists() else Glance((), None, {}, utc_now())
            except (sqlite3.Error, OSError) as error:
                raise unopened(str(path), error, is_file=True) from error

        yield look


def unopened(title: str, error: Exception, *, is_file: bool) -> AtomsieveError:
    """Return an error for a database that cannot be opened; the words of the first may hold the URI, and a password."""
    # looked at every few seconds, and rarely away
    from atomsieve.analysis.away import why

    # pymongo's InvalidURI is no ValueError
    is_malformed = not is_file and (isinstance(error, ValueError) or type(error).__name__ == "InvalidURI")
    said = f"{title} cannot be opened ({type(error).__name__})"
    if is_malformed:
        return InputError(f"{said}: the URI is malformed (user and password must be percent-escaped)")
    return StoreError(f"{said}: {why(error)}")


def _pipeline(name: str) -> list[dict[str, Any]]:
    recent = {"$gte": ["$changed", {"$subtract": ["$$NOW", int(WINDOW.total_seconds() * 1000)]}]}
    failed = {"$eq": ["$state", str(TaskState.FAILED)]}
    group = {
        "_id": {
            **{field: f"${field}" for field in GROUPED},
            "why": {"$cond": [failed, {"$ifNull": ["$failure_class", "$reason"]}, None]},
        },
        "number": {"$sum": 1},
        "recent": {"$sum": {"$cond": [{"$and": [{"$gt": ["$began", None]}, recent]}, 1, 0]}},
        "seconds": {"$sum": "$seconds"},
        "began": {"$min": "$began"},
        "changed": {"$max": "$changed"},
    }
    kept = [
        {"$match": {"key": name}},
        {"$project": {"sites": 1, "stages": 1, "campaign.stages.name": 1, "now": "$$NOW"}},
    ]
    return [
        {"$match": {"campaign": name}},
        {"$group": group},
        {"$addFields": {"now": "$$NOW"}},
        {"$unionWith": {"coll": "campaigns", "pipeline": kept}},
    ]


def _summed(found: Iterable[Mapping[str, Any]]) -> Glance:
    counts, now, campaign = [], utc_now(), None
    for entry in found:
        now = entry["now"]
        if isinstance(entry["_id"], Mapping):
            counts.append(_count(entry["_id"], entry))
        else:
            campaign = entry
    return _glance(counts, campaign or {}, now)


def _glance(counts: Iterable[TaskCount], kept: Mapping[str, Any], now: datetime) -> Glance:
    """Put tasks together with what is kept of their campaign."""
    names = [stage["name"] for stage in kept.get("campaign", {}).get("stages") or ()]
    stages = {name: dict(kept.get("stages", {}).get(name, {})) for name in names}
    return Glance(tuple(counts), kept.get("sites"), stages, now)


def _read(connections: Connections, name: str) -> Glance:
    """Sum up what an embedded database holds, as a server would."""
    import bson

    now = utc_now()
    sums: dict[tuple[Any, ...], dict[str, Any]] = {}
    with connections.reading() as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}

        def documents(table: str, field: str) -> Iterator[dict[str, Any]]:
            if table in tables:
                for row in connection.execute(f'SELECT "#body" FROM {table} WHERE "{field}" = ?', (name,)):
                    yield bson.decode(row[0])

        kept: Mapping[str, Any] = next(documents("campaigns", "key"), {})
        for task in documents("tasks", "campaign"):
            why = task["failure_class"] or task["reason"] if task["state"] == TaskState.FAILED else None
            key = (*(task[field] for field in GROUPED), why)
            zero = {"number": 0, "recent": 0, "seconds": 0.0, "began": None, "changed": None}
            total, began, changed = sums.setdefault(key, zero), task["began"], task["changed"]
            total["number"] += 1
            total["recent"] += began is not None and changed >= now - WINDOW
            total["seconds"] += task["seconds"]
            total["began"] = min(filter(None, (total["began"], began)), default=None)
            total["changed"] = max(filter(None, (total["changed"], changed)), default=None)
    counts = (_count(dict(zip((*GROUPED, "why"), key, strict=True)), total) for key, total in sums.items())
    return _glance(counts, kept, now)


def _count(group: Mapping[str, Any], sums: Mapping[str, Any]) -> TaskCount:
    names = ("number", "recent", "seconds", "began", "changed")
    told: dict[str, Any] = {name: group.get(name) for name in (*GROUPED, "why")}
    return TaskCount(**{**told, "state": TaskState(told["state"])}, **{name: sums[name] for name in names})
