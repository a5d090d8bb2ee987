"""Tasks: how far the calculations of campaigns have come, in a collection of small documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from maggma.core import Store
from maggma.stores import MongoStore
from pymongo import UpdateOne

from atomsieve.analysis.away import reported
from atomsieve.structures.clock import utc_now
from atomsieve.structures.task import Task, TaskState, task_key


class Tasks:
    """The collection of tasks, embedded or on a server.

    Parameters
    ----------
    store : Store
        A maggma store that is connected when it is used, with ``key`` as its key.
    title : str
        What its database is called in messages.

    Raises
    ------
    StoreError
        From every method, if the database is away.
    """

    def __init__(self, store: Store, title: str) -> None:
        self.store = store
        self.title = title

    def put(self, tasks: Iterable[Task]) -> None:
        """Store tasks in the place of what was known of them."""
        self._write([task.to_dict() for task in tasks], replace=True)

    def add(self, tasks: Iterable[Task]) -> None:
        """Store those tasks of which nothing is known yet."""
        self._write([task.to_dict() for task in tasks], replace=False)

    def change(self, campaign: str, subjects: Iterable[str], **fields: Any) -> int:
        """Change fields of tasks that are there; return how many there were.

        Naming no field renews their time alone, which is a heartbeat.
        """
        keys = [task_key(campaign, subject) for subject in subjects]
        fields = {name: _plain(value) for name, value in fields.items()}
        with reported(self.title):
            if isinstance(self.store, MongoStore):
                update = {**({"$set": fields} if fields else {}), "$currentDate": {"changed": True}}
                return int(self.store._collection.update_many({"key": {"$in": keys}}, update).matched_count)
            found = list(self.store.query({"key": {"$in": keys}}))
            if found:
                self.store.update([{**document, **fields, "changed": utc_now()} for document in found], key="key")
            return len(found)

    def find(self, campaign: str, **criteria: str | Iterable[str] | None) -> Iterator[Task]:
        """Yield tasks of a campaign; criteria are fields with a value, or with several that are allowed."""
        wanted = {
            name: _plain(value)
            if value is None or isinstance(value, str)
            else {"$in": [_plain(entry) for entry in value]}
            for name, value in criteria.items()
        }
        with reported(self.title):
            for document in self.store.query({"campaign": campaign, **wanted}):
                yield Task.from_dict(document)

    def beginning_with(self, letters: str, campaign: str | None = None) -> list[Task]:
        """Return the tasks whose subject begins with these letters, of one campaign or of all."""
        # what a key is written with comes before "g"
        wanted: dict[str, Any] = {"subject": {"$gte": letters, "$lt": f"{letters}g"}}
        with reported(self.title):
            found = self.store.query(wanted | ({"campaign": campaign} if campaign is not None else {}))
            return [Task.from_dict(document) for document in found]

    def one(self, campaign: str, subject: str) -> Task | None:
        """Return a task, or None."""
        with reported(self.title):
            document = self.store.query_one({"key": task_key(campaign, subject)})
        return Task.from_dict(document) if document is not None else None

    def _write(self, documents: list[dict[str, Any]], *, replace: bool) -> None:
        if not documents:
            return
        with reported(self.title):
            if isinstance(self.store, MongoStore):
                # the clock of the server: those of many hosts do not agree
                writes = [_update(document, replace=replace) for document in documents]
                self.store._collection.bulk_write(writes, ordered=False)
                return
            if not replace:
                keys = [document["key"] for document in documents]
                there = {entry["key"] for entry in self.store.query({"key": {"$in": keys}}, ["key"])}
                documents = [document for document in documents if document["key"] not in there]
            if documents:
                self.store.update([{**document, "changed": utc_now()} for document in documents], key="key")


def _update(document: Mapping[str, Any], *, replace: bool) -> UpdateOne:
    fields = {name: value for name, value in document.items() if name not in ("key", "changed")}
    if replace:
        change: dict[str, Any] = {"$set": fields, "$currentDate": {"changed": True}}
    else:
        change = {"$setOnInsert": {**fields, "changed": utc_now()}}
    return UpdateOne({"key": document["key"]}, change, upsert=True)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, TaskState) else value
