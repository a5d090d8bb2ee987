"""Column: one field of results as exports write it, with its unit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from atomsieve.analysis.labels import Label
from atomsieve.analysis.results.field import Field
from atomsieve.analysis.results.fields import field, fields
from atomsieve.structures.method import Method
from atomsieve.structures.reaction import reaction

if TYPE_CHECKING:
    from atomsieve.analysis import Results

#: What every export says beside what is shown: under which conditions a row holds, and how it is found again.
_ALWAYS: Final = ("corrections", "solvation", "temperature", "pH", "key")


@dataclass(frozen=True)
class Column:
    """One field of results.

    Parameters
    ----------
    field : Field
        Which.
    """

    field: Field

    @property
    def name(self) -> str:
        """What people ask by."""
        return self.field.name

    @property
    def label(self) -> Label:
        """Name, symbol and unit, as tables write them."""
        return self.field.label

    @property
    def header(self) -> str:
        """Name and unit: ``overpotential (V)``."""
        return f"{self.name} ({self.label.unit})" if self.label.unit else self.name

    @property
    def is_plain(self) -> bool:
        """Whether its values are numbers, flags and texts alone."""
        return self.field.kind not in ("list", "mapping", "time")

    def of(self, document: Mapping[str, Any]) -> Any:
        """Return its value in a whole document; a method by its title."""
        value = self.field.of(document)
        if self.field.kind == "method" and value is not None:
            method = document["method"] if "method" in document else document["request"]["method"]
            return Method.from_dict(method).title()
        return value


def columns_of(results: Results) -> tuple[Column, ...]:
    """Return the columns of an export: those that were chosen, or all that a reader elsewhere will need.

    The latter are those that results show, free energies of all adsorbates of the reactions among them, the conditions,
    and the key.
    """
    names = list(results.names())
    if not results.columns:
        known = fields(results.collection)
        if "reaction" in known:
            own = (name for found in results.distinct("reaction") for name in reaction(found).adsorbates)
            names += [f"free_{name}" for name in own]
        names += [name for name in _ALWAYS if name in known]
    return tuple(Column(field(results.collection, name)) for name in dict.fromkeys(names))


def title(results: Results) -> str:
    """Return what a file says of itself: what it holds, of which methods, and who wrote it."""
    methods = "; ".join(method.title for method in results.methods())
    return f"{results.collection} of atomsieve {version('atomsieve')}{f': {methods}' if methods else ''}"


def plain(value: Any) -> Any:
    """Return a value as JSON has it: times in UTC as ISO 8601 writes them."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC).isoformat()
    return value


def cell(value: Any) -> Any:
    """Return a value as a cell of CSV: elements of lists with a semicolon between them, what has parts as JSON."""
    if isinstance(value, list):
        return "; ".join(map(str, value))
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return plain(value)
