"""Selection: the documents that conditions choose, the methods that these come from, and whether they go together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from atomsieve.analysis.database import Database
from atomsieve.analysis.results import methods as gate
from atomsieve.analysis.results import reading
from atomsieve.analysis.results.conditions import Condition, Filter, all_of, comparisons, criteria
from atomsieve.analysis.results.field import Field
from atomsieve.analysis.results.fields import MAIN, fields
from atomsieve.analysis.results.methods import KnownMethod
from atomsieve.analysis.results.reading import Query
from atomsieve.structures.errors import MethodMismatchError

#: Collections whose energies are only compared within one method.
GATED: Final = tuple(MAIN)


@dataclass(frozen=True)
class Selection:
    """The documents of a collection that meet conditions, as far as one reading goes.

    Parameters
    ----------
    database : Database
        Open.
    collection : str
        Its name.
    conditions : tuple
        All must hold.
    """

    database: Database
    collection: str
    conditions: tuple[Condition, ...]

    @cached_property
    def criteria(self) -> Filter:
        """The conditions as a MongoDB filter, methods told by their keys."""
        kept, _ = gate.split_any(self.conditions)
        asked = [one for condition in kept for one in comparisons(condition)]
        known = self.known if any(one.field.kind == "method" for one in asked) else {}
        found = [criteria(gate.told_by_key(condition, known)) for condition in kept]
        if "superseded" in fields(self.collection) and all(one.field.name != "superseded" for one in asked):
            found.append({"superseded": False})
        return all_of(found)

    @property
    def is_any(self) -> bool:
        """Whether whichever methods are asked for."""
        return gate.split_any(self.conditions)[1]

    @property
    def method(self) -> Field | None:
        """The field that holds the method; None where documents have none."""
        return fields(self.collection).get("method")

    @cached_property
    def known(self) -> Mapping[str, KnownMethod]:
        """All methods of the collection, by key."""
        return {} if self.method is None else gate.known_methods(self.database, self.collection, self.method.path)

    @cached_property
    def present(self) -> list[KnownMethod]:
        """The methods that the documents come from."""
        if self.method is None:
            return []
        return gate.present(self.database, self.collection, self.method.path, self.criteria, self.known.values())

    def counted(self) -> list[KnownMethod]:
        """Return the methods that the documents come from, with their numbers."""
        if self.method is None:
            return []
        return gate.counted(self.database, self.collection, self.method.path, self.criteria, self.known.values())

    @cached_property
    def refusal(self) -> str | None:
        """Why the documents may not be compared; None where they may."""
        if self.method is None or self.collection not in GATED:
            return None
        path, metals = self.method.path, {}
        if "metal" in fields(self.collection) and len(self.present) > 1 and gate.differ_in_u(self.present):
            store, where = reading.store_of(self.database, self.collection), fields(self.collection)["metal"].path
            with reading.readable(self.database):
                for one in self.present:
                    metals[one.key] = store.distinct(where, all_of([{path: one.key}, self.criteria]))
        return gate.refusal(self.present, metals)

    def allowed(self, ranked: Sequence[Field]) -> frozenset[str] | None:
        """Return the keys of the methods that documents may come from; None for all.

        Parameters
        ----------
        ranked : sequence of Field
            What they are sorted or summed up by.

        Raises
        ------
        MethodMismatchError
            If they come from methods that may not be compared, and whichever were not asked for, or are ranked.
        """
        if self.method is None or self.collection not in GATED:
            return None
        if self.is_any and not any(entry.is_energy for entry in ranked):
            return None
        if self.refusal is not None:
            raise gate.mismatch(self.collection, self.counted(), self.refusal)
        return frozenset(one.key for one in self.present)

    def documents(self, query: Query, ranked: Sequence[Field]) -> Iterator[dict[str, Any]]:
        """Yield whole documents; raises what :meth:`allowed` raises."""
        allowed = self.allowed(ranked)
        for document in reading.documents(self.database, self.collection, query):
            document.pop("_id", None)
            if allowed is not None and self.method is not None:
                self._guard(self.method.of(document), allowed)
            yield document

    def values(self, query: Query, wanted: Sequence[Field], ranked: Sequence[Field]) -> Iterator[tuple[Any, ...]]:
        """Yield what documents hold in fields, as rows show it; raises what :meth:`allowed` raises."""
        allowed = self.allowed(ranked)
        titled = [i for i, entry in enumerate(wanted) if entry.kind == "method"]
        told = [*wanted, self.method] if allowed is not None and self.method is not None else wanted
        for values in reading.values(self.database, self.collection, query, told):
            if allowed is not None:
                self._guard(values[-1], allowed)
                values = values[:-1]
            for i in titled:
                values = (*values[:i], self.shown(wanted[i], values[i]), *values[i + 1 :])
            yield values

    def shown(self, entry: Field, value: Any) -> Any:
        """Return a value as a row shows it: a method by its title."""
        if entry.kind != "method" or value is None:
            return value
        return self.known[value].title if value in self.known else str(value)[:8]

    def _guard(self, method: Any, allowed: frozenset[str]) -> None:
        """Refuse a row of a method that came in after the gate had looked, or that ``methods`` does not list."""
        if method not in allowed:
            raise MethodMismatchError(
                f"among {self.collection} there is one of the method {str(method)[:8]}, which `methods` did not list "
                "when they were first looked at; ask again, and if that does not help: atomsieve db check"
            )
