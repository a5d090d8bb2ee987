"""Rows as text: CSV and JSON lines, a line a row, written as they are read."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atomsieve.analysis.export import Written
from atomsieve.analysis.export.columns import Column, cell, columns_of, plain
from atomsieve.analysis.whole import whole_file

if TYPE_CHECKING:
    from atomsieve.analysis import Results


def write_csv(results: Results, out: Path) -> Written:
    """Write CSV: names with units in the head, numbers as exact as they are stored, nothing for what is not known."""
    columns = columns_of(results)
    number = 0
    with whole_file(out) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([column.header for column in columns])
        for row in _rows(results, columns, cell):
            writer.writerow(row)
            number += 1
    return Written(number, "rows")


def write_jsonl(results: Results, out: Path) -> Written:
    """Write JSON lines: one object a row, with the names and units of the CSV, and null for what is not known."""
    columns = columns_of(results)
    headers = [column.header for column in columns]
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    number = 0
    with whole_file(out) as partial, partial.open("w", encoding="utf-8") as file:
        for row in _rows(results, columns, plain):
            file.write(encode(dict(zip(headers, row, strict=True))) + "\n")
            number += 1
    return Written(number, "rows")


def _rows(results: Results, columns: tuple[Column, ...], written: Callable[[Any], Any]) -> Iterator[list[Any]]:
    """Yield the values of each row, those that are no plain numbers and texts as they are written."""
    others = [place for place, column in enumerate(columns) if not column.is_plain]
    for row in results.select(*(column.name for column in columns)):
        values = list(row.values())
        for place in others:
            values[place] = written(values[place])
        yield values
