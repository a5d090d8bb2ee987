"""Chunks: keys that are asked for in one query."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

#: Keys that are asked for in one query.
CHUNK = 500


def chunks(values: Iterable[Any], size: int = CHUNK) -> Iterator[list[Any]]:
    """Cut an iterable into lists of a size."""
    source = iter(values)
    while chunk := list(islice(source, size)):
        yield chunk
