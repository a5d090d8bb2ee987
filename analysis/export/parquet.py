"""Parquet: rows as typed columns, whose units and descriptions stand in the schema."""

from __future__ import annotations

import json
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from atomsieve.analysis.export import Written
from atomsieve.analysis.export.columns import Column, columns_of, title
from atomsieve.analysis.whole import whole_file
from atomsieve.structures.errors import InputError

if TYPE_CHECKING:
    from atomsieve.analysis import Results

#: Rows of a batch, all of which are in memory at a time.
BATCH: Final = 10_000
#: What to type where pyarrow is missing.
MEND: Final = "pip install 'atomsieve[parquet]'"


def write_parquet(results: Results, out: Path) -> Written:
    """Write Parquet; ``pandas.read_parquet(OUT)`` reads it.

    Raises
    ------
    InputError
        If pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise InputError(f"Parquet is written by pyarrow, which is not installed: {MEND}") from error

    columns = columns_of(results)
    schema = pa.schema(
        [pa.field(column.name, _type(pa, column), metadata=_metadata(column)) for column in columns],
        metadata={"title": title(results)},
    )
    rows = (list(row.values()) for row in results.select(*(column.name for column in columns)))
    number = 0
    with whole_file(out) as partial, pq.ParquetWriter(partial, schema, compression="zstd") as writer:
        for first in rows:
            batch = list(chain([first], islice(rows, BATCH - 1)))
            arrays = [
                pa.array([_value(column, row[place]) for row in batch], type=schema.field(place).type)
                for place, column in enumerate(columns)
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            number += len(batch)
    return Written(number, "rows")


def _type(pa: Any, column: Column) -> Any:
    match column.field.kind:
        case "number":
            return pa.int64() if column.label.decimals == 0 else pa.float64()
        case "flag":
            return pa.bool_()
        case "time":
            return pa.timestamp("ms", tz="UTC")
        case "list":
            return pa.list_(pa.string())
    # adsorbates whose names hold a dot are no fields that can be asked for, and their numbers are numbers all the same
    return pa.float64() if column.name.startswith("free_") else pa.string()


def _value(column: Column, value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value


def _metadata(column: Column) -> dict[str, str]:
    return {"description": column.label.label, "unit": column.label.unit, "symbol": column.label.symbol}
