"""Results: what a database holds, asked step by step and read row by row.

Long because it is one class, whose every step says what it takes and raises.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from atomsieve.analysis.database import Database
from atomsieve.analysis.opening import open_where
from atomsieve.analysis.results import methods as gate
from atomsieve.analysis.results import reading
from atomsieve.analysis.results.conditions import Condition, required, stated
from atomsieve.analysis.results.field import Field
from atomsieve.analysis.results.fields import MAIN, field, fields
from atomsieve.analysis.results.language import parse
from atomsieve.analysis.results.methods import KnownMethod
from atomsieve.analysis.results.pipeline import pipeline
from atomsieve.analysis.results.plans import plan
from atomsieve.analysis.results.reading import Order, Query
from atomsieve.analysis.results.selection import Selection
from atomsieve.analysis.results.summary import summary
from atomsieve.structures.errors import InputError
from atomsieve.structures.reaction import reaction, reactions

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]
    from ase import Atoms

#: Rows of a page unless the caller says otherwise.
PAGE: Final = 50
Row = dict[str, Any]


@dataclass(frozen=True)
class Results:
    """A question to a database, not answered before it is read.

    Each step gives a new question and leaves the old one as it is. What is read comes row by row, so that memory does
    not grow. Rows that a newer one has taken the place of are left out unless a condition names
    ``superseded``; rows of methods that may not be compared are refused unless a condition names one of them.

    Parameters
    ----------
    database : Database
        Open; :meth:`open` opens it.
    collection : str
        One of :data:`~atomsieve.analysis.results.fields.COLLECTIONS`.
    conditions : tuple
        All must hold.
    order : tuple of Order
        What to sort by.
    columns : tuple of str
        Fields of a row; empty for those that the collection shows by itself.
    skipped : int
        So many rows are left out at the beginning.
    most : int or None
        At most so many rows.
    """

    database: Database
    collection: str = "reaction_results"
    conditions: tuple[Condition, ...] = ()
    order: tuple[Order, ...] = ()
    columns: tuple[str, ...] = ()
    skipped: int = 0
    most: int | None = None

    @classmethod
    def open(cls, where: str | Path, of: str = "reaction_results", database: str | None = None) -> Results:
        """Open a database to read from, and ask for all of a collection.

        Parameters
        ----------
        where : str or Path
            A folder of results, the SQLite file of one, or a ``mongodb://`` URI.
        of : str
            The collection.
        database : str, optional
            Its name on a server; unless given, that in the URI's path, else ``atomsieve``.

        Raises
        ------
        InputError
            If there is nothing there, or no such collection.
        StoreError
            If the database does not answer.
        """
        fields(of)
        return cls(open_where(where, read_only=True, database=database).__enter__(), of)

    def __enter__(self) -> Results:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database, for all questions that came of the one that opened it."""
        self.database.close()

    def of(self, collection: str) -> Results:
        """Ask another collection of the same database, without any condition.

        Raises
        ------
        InputError
            If there is no such collection.
        """
        fields(collection)
        return Results(self.database, collection)

    def where(self, text: str | None = None, **conditions: Any) -> Results:
        """Ask for less: all conditions must hold, and those of before.

        Parameters
        ----------
        text : str, optional
            ``metal in Fe,Co and overpotential < 0.4``; see :mod:`atomsieve.analysis.results.language`.
        **conditions
            ``reaction="ORR"``, ``metal=["Fe", "Co"]``, ``overpotential__lt=0.4``; endings are ``lt``, ``le``, ``gt``,
            ``ge``, ``ne``, ``in``, ``not_in`` and ``null`` (True or False). ``method`` is a title, a calculator, the
            beginning of a key, or ``any``.

        Raises
        ------
        InputError
            If a field is unknown, or a value is none that it could have; says where, what was allowed and what is near.
        """
        more = [] if text is None else [parse(text, self._field)]
        for name, value in conditions.items():
            # no field has two underscores in its name
            base, _, suffix = name.partition("__")
            more.append(stated(self._field(base), suffix, value))
        gate.split_any(more)
        return replace(self, conditions=(*self.conditions, *more))

    def sort(self, *names: str) -> Results:
        """Sort by fields, upwards, or downwards where a minus stands before the name.

        Rows without a value of the first field come last, whichever the direction; among equals, rows without a value
        of a further one are the smallest.

        Raises
        ------
        InputError
            If there is no such field, or it has no order.
        """
        order = []
        for name in names:
            entry = self._field(name.removeprefix("-"))
            if entry.kind in ("list", "mapping", "method"):
                raise InputError(f"{entry.name} has no order; sort by a number, a text, a time or a flag")
            order.append(Order(entry, name.startswith("-")))
        return replace(self, order=tuple(order))

    def limit(self, number: int | None) -> Results:
        """Ask for at most so many rows."""
        return replace(self, most=_natural("limit", number) if number is not None else None)

    def skip(self, number: int) -> Results:
        """Leave out so many rows at the beginning."""
        return replace(self, skipped=_natural("skip", number))

    def select(self, *names: str) -> Results:
        """Choose the fields of a row, in their order.

        Raises
        ------
        InputError
            If there is no such field.
        """
        return replace(self, columns=tuple(self._field(name).name for name in names))

    def names(self) -> tuple[str, ...]:
        """Return the fields of a row: those chosen, or those shown by themselves.

        The latter have a free energy for each adsorbate of the reactions that conditions name.
        """
        if self.columns:
            return self.columns
        shown = [entry.name for entry in fields(self.collection).values() if entry.is_column]
        if self.collection == "reaction_results":
            named = [name for name in required(self.conditions, "reaction") if name in reactions()]
            shown += dict.fromkeys(f"free_{own}" for name in sorted(named) for own in reaction(name).adsorbates)
        return tuple(shown)

    def __iter__(self) -> Iterator[Row]:
        """Read row by row: values by the names of fields; energies in eV, potentials in V, None where unknown.

        Raises
        ------
        MethodMismatchError
            Before the first row, if the rows come from methods that may not be compared; lists them.
        InputError
            If there is no such method.
        StoreError
            If the database does not answer.
        """
        names = self.names()
        for entry in self._values([self._field(name) for name in names]):
            yield dict(zip(names, entry, strict=True))

    def documents(self) -> Iterator[dict[str, Any]]:
        """Read whole documents, one by one, as the schema describes them; raises what iteration raises."""
        return self._selection.documents(self._query, self._ranked)

    def count(self) -> int:
        """Return how many rows there are, of whichever methods."""
        with reading.readable(self.database):
            found = int(reading.store_of(self.database, self.collection).count(self._selection.criteria))
        return min(max(0, found - self.skipped), self.most if self.most is not None else found)

    def first(self) -> Row | None:
        """Return the first row, or None; raises what iteration raises."""
        return next(iter(self.limit(1 if self.most is None else min(1, self.most))), None)

    def page(self, number: int, size: int = PAGE) -> list[Row]:
        """Return one page of the rows, the first of which is number 1; raises what iteration raises.

        Raises
        ------
        InputError
            If there is no such page.
        """
        if number < 1 or size < 1:
            raise InputError(f"page {number} of {size} rows; pages begin at 1 and have at least one row")
        before = (number - 1) * size
        left = size if self.most is None else max(0, min(size, self.most - before))
        return list(self.skip(self.skipped + before).limit(left))

    def distinct(self, name: str) -> list[Any]:
        """Return the different values of a field, sorted; of lists their elements, of methods their titles."""
        entry = self._field(name)
        if entry.kind == "mapping":
            raise InputError(f"{entry.name} has parts; ask for one of its parts")
        with reading.readable(self.database):
            found = reading.store_of(self.database, self.collection).distinct(entry.path, self._selection.criteria)
        shown = {self._selection.shown(entry, value) for value in found if value is not None}
        return sorted(shown, key=lambda value: (isinstance(value, str), value))

    def group(self, name: str, of: str | None = None) -> list[Row]:
        """Return what the rows come to for each value of a field; raises what iteration raises.

        Parameters
        ----------
        name : str
            The field; a row counts for each element of a list.
        of : str, optional
            The number that is summed up; unless given, the one that the collection is about.

        Returns
        -------
        list of dict
            The field, ``rows``, ``known`` (how many have a number), ``lowest``, ``mean`` and ``highest``; the last
            four only where there is a number to sum up: none for whichever methods. Sorted by the field.
        """
        entry, number = self._field(name), of or MAIN.get(self.collection)
        by_method = entry.kind == "method"
        if of is None and self._selection.is_any and not by_method:
            number = None
        wanted = [entry] if number is None else [entry, self._field(number)]
        if number is not None and wanted[1].kind != "number":
            raise InputError(f"{number} is no number, so that it has no mean; give another field")
        # no sum is taken over methods where each has its own
        ranked = [*self._ranked, *wanted] if not by_method else []
        chosen = replace(self, conditions=(*self.conditions, stated(entry, "", gate.ANY))) if by_method else self
        values = chosen._selection.values(self._query, wanted, ranked)
        return summary(entry.name, values, with_number=number is not None)

    def methods(self) -> list[KnownMethod]:
        """Return the methods that the rows come from, with the number of rows of each, the commonest first."""
        return sorted(self._selection.counted(), key=lambda method: (-(method.count or 0), method.title))

    def mixed(self) -> str | None:
        """Return why the rows may not be compared, as they come from several methods; None where they may."""
        return self._selection.refusal

    def to_pandas(self) -> pd.DataFrame:
        """Return the rows as a pandas DataFrame, a column for each field; raises what iteration raises."""
        import pandas as pd

        names = self.names()
        found = list(self._values([self._field(name) for name in names]))
        return pd.DataFrame.from_records(found, columns=list(names))

    def structures(self, of: str | None = None) -> Iterator[tuple[Row, Atoms]]:
        """Read rows with geometries, each fetched when it is wanted; rows without one are left out.

        Parameters
        ----------
        of : str, optional
            Of a reaction result ``clean`` or an adsorbate (``OH``); of an adsorption energy ``adsorbed`` or ``clean``;
            of a stability ``clean``, ``vacant`` ... Unless given, the site with the adsorbate where there is one in the
            row, else the clean one. Calculations and sites have one geometry each.

        Yields
        ------
        row : dict
            As iteration gives it.
        atoms : ase.Atoms
            As relaxed, Å; of sites as built.

        Raises
        ------
        InputError
            If documents of the collection have no geometry.
        """
        from atomsieve.analysis.results.geometries import geometries

        entries = [self._field(name) for name in self.names()]
        for document, atoms in geometries(self.database, self.collection, self.documents(), of):
            yield {entry.name: self._selection.shown(entry, entry.of(document)) for entry in entries}, atoms

    def pipeline(self) -> list[dict[str, Any]]:
        """Return the aggregation that gives these rows on a MongoDB server, as plain data."""
        return pipeline(self._query, [self._field(name) for name in self.names()])

    def explain_plan(self) -> list[str]:
        """Return how the database finds the rows, a line for each step: by which index, or by looking at all."""
        store = reading.store_of(self.database, self.collection)
        with reading.readable(self.database):
            return plan(store, self._query.known if self._query.puts_unknown_first else self._query)

    def _field(self, name: str) -> Field:
        return field(self.collection, name)

    @cached_property
    def _selection(self) -> Selection:
        return Selection(self.database, self.collection, self.conditions)

    @property
    def _query(self) -> Query:
        return Query(self._selection.criteria, self.order, self.skipped, self.most)

    @property
    def _ranked(self) -> list[Field]:
        return [entry.field for entry in self.order]

    def _values(self, wanted: Sequence[Field]) -> Iterator[tuple[Any, ...]]:
        return self._selection.values(self._query, wanted, self._ranked)


def _natural(name: str, number: int) -> int:
    if number < 0:
        raise InputError(f"{name} {number}; give 0 or more")
    return number
