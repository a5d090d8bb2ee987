"""Plan: how a database finds what a query asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from maggma.core import Store
from maggma.stores import MongoStore

from atomsieve.analysis.results.reading import Query


def plan(store: Store, query: Query) -> list[str]:
    """Return the steps, a line each, as the database names them."""
    if not isinstance(store, MongoStore):
        return list(store.plan(query.criteria, query.sort or None))
    cursor = store._collection.find(query.criteria)
    cursor = cursor.sort(list(query.sort.items())) if query.sort else cursor
    return list(_stages(cursor.skip(query.skip).limit(query.limit or 0).explain()["queryPlanner"]["winningPlan"]))


def _stages(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield the stages of a server's plan, the last first."""
    name = found.get("indexName")
    yield f"{found.get('stage', '?')}{f' {name}' if name else ''}"
    for inner in ("inputStage", "queryPlan"):
        if inner in found:
            yield from _stages(found[inner])
    for stage in found.get("inputStages", ()):
        yield from _stages(stage)
