"""Pipeline: a query as the aggregation that answers it on a MongoDB server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from atomsieve.analysis.results.field import Field
from atomsieve.analysis.results.reading import Query


def pipeline(query: Query, fields: Sequence[Field]) -> list[dict[str, Any]]:
    """Return the stages of an aggregation.

    Parameters
    ----------
    query : Query
        Which documents, in which order.
    fields : sequence of Field
        What is shown of each; methods by their keys.
    """
    stages: list[dict[str, Any]] = [{"$match": query.criteria}]
    if query.puts_unknown_first:
        blank = {"$eq": [{"$ifNull": [f"${query.order[0].field.path}", None]}, None]}
        stages += [{"$set": {"unknown_last": blank}}, {"$sort": {"unknown_last": 1, **query.sort}}]
    elif query.order:
        stages.append({"$sort": query.sort})
    stages += [{"$skip": query.skip}] if query.skip else []
    stages += [{"$limit": query.limit}] if query.limit else []
    shown = {entry.name: f"${entry.path}" for entry in fields if "." not in entry.name and entry.can_be_asked}
    return [*stages, {"$project": {"_id": 0, **shown}}]
