"""Field: what people ask by, and where it lies in a document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from atomsieve.analysis.labels import Label, labels

#: How values compare: ``list`` by membership, ``set`` as metals in any order, ``method`` by title, calculator or key.
Kind = Literal["text", "number", "flag", "time", "list", "set", "method", "mapping"]


@dataclass(frozen=True)
class Field:
    """One thing that documents of a collection can be asked for.

    Parameters
    ----------
    name : str
        What people call it.
    path : str
        Dotted path in the document.
    kind : str
        How its values compare.
    is_energy : bool
        Whether it is a sum of electronic energies, so that it ranks rows of one method alone.
    is_column : bool
        Whether it is shown unless other columns are asked for.
    choices : tuple of str
        All values that there are; empty where that is open.
    quantity : str
        Whose label it has, where that is not its name.
    """

    name: str
    path: str
    kind: Kind = "text"
    is_energy: bool = False
    is_column: bool = True
    choices: tuple[str, ...] = ()
    quantity: str = ""

    @property
    def label(self) -> Label:
        """Name, symbol, unit and decimals, as tables write them."""
        words = self.name.replace("_", " ")
        return labels().get(self.quantity or self.name) or Label(words, words, "", None)

    @property
    def can_be_asked(self) -> bool:
        """Whether a condition may name it: a path has no place for a name with a dot, nor for what has parts."""
        return self.kind != "mapping"

    @property
    def stored(self) -> str:
        """The path by which a database finds it, or what holds it."""
        return self.path if self.can_be_asked else self.path.partition(".")[0]

    def within(self, value: Any) -> Any:
        """Return its value in what lies at the path by which a database finds it."""
        name = "" if self.can_be_asked else self.path.partition(".")[2]
        return (value or {}).get(name) if name else value

    def of(self, document: Mapping[str, Any]) -> Any:
        """Return its value in a document; None where there is none."""
        value: Any = document
        for name in self.stored.split("."):
            if not isinstance(value, Mapping):
                return None
            value = value.get(name)
        return self.within(value)
