"""Cell: how a value of a table is written where it is not a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from atomsieve.analysis.labels import label


def parts(column: str, value: Any) -> list[str]:
    """Write each part of a column of several: a verdict as ``OOH*: dissociated (O-O 2.90 Å)``."""
    return [] if value is None else _WRITTEN[column](value)


def cell_text(column: str, value: Any) -> str:
    """Write what is not a number: lists with a comma, columns of several parts with a semicolon."""
    if column in _WRITTEN:
        return "; ".join(parts(column, value))
    if isinstance(value, list | tuple):
        return ", ".join(str(entry) for entry in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _side_product(entry: Mapping[str, Any]) -> str:
    text, potential = f"{entry['product']} from {entry['leaves']}", entry["limiting_potential"]
    return text if potential is None else f"{text}: {label('limiting_potential').text(potential)}"


#: How columns of several parts are written, part by part; their units stand in the head.
_WRITTEN: Mapping[str, Callable[[Any], list[str]]] = {
    "verdicts": lambda value: [f"{name}*: {entry['verdict']} ({entry['reason']})" for name, entry in value.items()],
    "desorption": lambda value: [f"{value['step']}: {label('free').text(value['free'])}"],
    "alternatives": lambda value: [
        f"{entry['path']}: {label('limiting_potential').text(entry['limiting_potential'])}" for entry in value
    ],
    "side_products": lambda value: [_side_product(entry) for entry in value],
}
