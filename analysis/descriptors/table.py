"""Descriptor: a column of the table of descriptors, with its unit, its meaning and its source."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

import yaml

from atomsieve.structures.errors import InputError, unknown

#: A row of the table: numbers, texts, or None where something is not known.
Row = dict[str, Any]

#: Decimals that are kept: what lies beyond is the noise of the last bits.
DECIMALS: Final = 6
#: Metals of a site up to which each has columns of its own; a slab of metal has dozens.
EACH: Final = 4
_NAMES: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Descriptor:
    """A column.

    Parameters
    ----------
    name : str
        The column, with ``{element}`` and the like where it stands for several.
    title : str
        What it is.
    kind : str
        ``site``, ``geometric``, ``elemental``, ``electronic`` or ``adsorption``.
    symbol : str
        What a narrow head writes; the name where there is nothing shorter.
    unit : str
        Empty where there is none.
    source : str
        DOI of its definition or its data, or the library that holds these.
    per : str
        ``metal`` where each metal of a site has its own, else ``site``.
    decimals : int or None
        On the screen; None for what is not a number.
    pattern : str
        The name of the entry that a column belongs to.
    of_metal : int or None
        Which metal of several it is of; None for the site, and for the mean.
    """

    name: str
    title: str
    kind: str
    symbol: str
    unit: str = ""
    source: str = ""
    per: str = "site"
    decimals: int | None = None
    pattern: str = ""
    of_metal: int | None = None

    def text(self, value: Any) -> str:
        """Write a value with its decimals, a mean of whole numbers with one; a dash for None."""
        if value is None:
            return "–"
        if self.decimals is None:
            return str(value)
        return f"{value:z.{self.decimals or (0 if float(value).is_integer() else 1)}f}"


@cache
def descriptors() -> Mapping[str, Descriptor]:
    """Return all descriptors by name, in the order of the columns."""
    text = (files("atomsieve.analysis.descriptors") / "descriptors.yaml").read_text(encoding="utf-8")
    entries = yaml.safe_load(text)
    return MappingProxyType({name: Descriptor(name, **{"symbol": name, **entry}) for name, entry in entries.items()})


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], Descriptor, int], ...]:
    found = []
    for place, entry in enumerate(descriptors().values()):
        pattern = _NAMES.sub(r"(?P<name>[^_]+)", entry.name) + (r"(?:_(?P<metal>\d+))?" if entry.per == "metal" else "")
        found.append((re.compile(pattern), entry, place))
    return tuple(found)


def descriptor(column: str) -> Descriptor:
    """Return what a column holds.

    Parameters
    ----------
    column : str
        As rows name it: ``bond_mean``, ``bond_N_min``, ``moment_2``, ``free_OH``.

    Raises
    ------
    InputError
        If there is no such column.
    """
    _, entry, name, metal = _found(column)
    title = entry.title + (f": {name}" if name is not None else "") + (f", of metal {metal}" if metal else "")
    symbol = column
    if entry.symbol != entry.name:
        symbol = entry.symbol + (f"({name})" if name is not None else "") + (f" {metal}" if metal else "")
    of = int(metal) if metal else None
    return replace(entry, name=column, title=title, symbol=symbol, pattern=entry.name, of_metal=of)


def _found(column: str) -> tuple[int, Descriptor, str | None, str | None]:
    for pattern, entry, place in _patterns():
        match = pattern.fullmatch(column)
        if match is not None:
            parts = match.groupdict()
            return place, entry, parts.get("name"), parts.get("metal")
    raise InputError(unknown(column, descriptors(), "descriptor"))


def columns_of(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the columns of all rows, in the order of the table, the mean over metals before each of them.

    Parameters
    ----------
    rows : iterable of mapping
        Each may lack columns that others have.
    """
    seen: dict[str, int] = {}
    for row in rows:
        for column in row:
            seen.setdefault(column, len(seen))

    def order(column: str) -> tuple[int, int, int]:
        place, _, name, metal = _found(column)
        # names (of elements, adsorbates, reactions) come as rows bring them
        return place, seen[column] if name is not None else 0, int(metal or 0)

    return sorted(seen, key=order)


def filled(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[Row]:
    """Return the rows with all columns, None where one has nothing."""
    return [{column: row.get(column) for column in columns} for row in rows]


def rounded(value: Any) -> Any:
    """Round a number to the decimals that are kept; leave all else."""
    return round(float(value), DECIMALS) + 0.0 if isinstance(value, float) else value


def over_metals(each: Sequence[Mapping[str, Any]]) -> Row:
    """Return the columns of what each metal of a site has.

    Parameters
    ----------
    each : sequence of mapping
        For each metal its values by name.

    Returns
    -------
    dict
        Of one metal its values. Of several the mean of numbers (None unless all are known), texts joined by a slash
        where they differ, and up to :data:`EACH` metals the values of each with ``_1``, ``_2`` ...
    """
    if len(each) == 1:
        return dict(each[0])
    row: Row = {}
    for name in dict.fromkeys(name for values in each for name in values):
        values = [entry.get(name) for entry in each]
        if any(isinstance(value, str) for value in values):
            row[name] = values[0] if len(set(values)) == 1 else "/".join(str(value) for value in values)
        else:
            numbers = [float(value) for value in values if value is not None]
            row[name] = sum(numbers) / len(values) if len(numbers) == len(values) else None
        if len(values) <= EACH:
            row |= {f"{name}_{number}": value for number, value in enumerate(values, start=1)}
    return row
