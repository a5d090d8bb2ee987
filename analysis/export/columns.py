"""Column: one field of results as exports write it, with its unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from atomsieve.analysis.labels import Label
from atomsieve.structures.method import Method

if TYPE_CHECKING:
    from atomsieve.analysis.results import Results
    from atomsieve.analysis.results.fields import Field


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

    def of(self, document: Mapping[str, Any]) -> Any:
        """Return its value in a document as plain data; a method by its title."""
        value = self.field.of(document)
        if self.field.kind == "method" and value is not None:
            method = document["method"] if "method" in document else document["request"]["method"]
            return Method.from_dict(method).title()
        return value
