"""Projections: documents cut down to some of their fields, and the values that a path reaches in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from maggma.core import StoreError

from atomsieve.analysis.columns import Document


def value_at(document: Any, path: Sequence[str]) -> Any:
    """Give the value at the end of a path; None where it does not lead through objects alone."""
    for name in path:
        document = document.get(name) if isinstance(document, Mapping) else None
    return document


def values_at(value: Any, path: list[str]) -> Iterator[Any]:
    """Yield all values that a path reaches, through arrays too, and the elements of an array at its end."""
    if not path:
        yield from value if isinstance(value, list) else [value]
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, Mapping):
                yield from values_at(item, path)
    elif isinstance(value, Mapping) and path[0] in value:
        yield from values_at(value[path[0]], path[1:])


def projection(properties: Mapping[str, Any] | Iterable[str] | None) -> Callable[[Document], Document]:
    """Turn a projection into a function that cuts a document down to it.

    Parameters
    ----------
    properties : Mapping or Iterable[str] or None
        The names (dotted paths too) of the fields to keep, or a mapping of them to 1, besides ``_id``, which
        ``{"_id": 0}`` leaves out; all if empty.

    Raises
    ------
    StoreError
        If a field other than ``_id`` is to be left out, two paths overlap, or the value is an operator.
    """
    if not properties:
        return lambda document: document
    wanted = dict(properties) if isinstance(properties, Mapping) else dict.fromkeys(properties, 1)
    if wanted == {"_id": 0}:
        return lambda document: {name: value for name, value in document.items() if name != "_id"}
    if wanted.setdefault("_id", 1) == 0:
        del wanted["_id"]
    if any(flag != 1 for flag in wanted.values()):
        raise StoreError(f"projection {wanted!r}: give 1 for each field to keep; 0 serves _id alone, and no operators")
    if overlapping := [path for path in wanted for other in wanted if path.startswith(f"{other}.")]:
        raise StoreError(f"projection {sorted(wanted)}: {overlapping} lie within other paths; leave them out")
    tree: Document = {}
    for path in wanted:
        node = tree
        for name in path.split("."):
            node = node.setdefault(name, {})
    return lambda document: _kept(document, tree)


def _kept(value: Any, tree: Document) -> Any:
    """Cut a document, or each in an array, down to a tree of names; an empty tree keeps all."""
    if not tree:
        return value
    if isinstance(value, list):
        return [_kept(item, tree) for item in value if isinstance(item, dict | list)]
    return {
        name: _kept(item, tree[name])
        for name, item in value.items()
        if name in tree and (not tree[name] or isinstance(item, dict | list))
    }
