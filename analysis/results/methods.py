"""Methods: which methods stand behind a selection, and the gate that keeps apart what may not be compared."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from atomsieve.analysis.database import Database
from atomsieve.analysis.results.conditions import Combination, Comparison, Condition, Filter, all_of
from atomsieve.analysis.results.reading import readable, store_of
from atomsieve.structures.errors import InputError, MethodMismatchError, unknown
from atomsieve.structures.gate import Participant, require_combinable
from atomsieve.structures.method import SCHEMA, Method

#: Instead of a method: whichever, side by side.
ANY: Final = "any"


@dataclass(frozen=True)
class KnownMethod:
    """A method, and how many documents of a selection are of it.

    Parameters
    ----------
    key : str
        Its content key.
    title : str
        What a table calls it.
    calculator : str
        Name of the calculator.
    physics : mapping
        Every setting that changes an energy.
    predictive : bool
        Whether its numbers are more than pre-screening.
    count : int or None
        None where nobody counted.
    """

    key: str
    title: str
    calculator: str
    physics: Mapping[str, Any]
    predictive: bool
    count: int | None = None

    def __str__(self) -> str:
        number = f": {self.count:,}" if self.count is not None else ""
        return f"{self.title} [{self.key[:8]}]{number}"


def known_methods(database: Database, collection: str, path: str) -> dict[str, KnownMethod]:
    """Return the methods of which a collection has documents, by key; of an older database by a look at all of them.

    Parameters
    ----------
    database : Database
        Open.
    collection : str
        Its name.
    path : str
        Where its documents have the key of their method.
    """
    with readable(database):
        found = {document["key"]: _known(document) for document in database.methods.query({})}
        store, parent = store_of(database, collection), path.rpartition(".")[0]
        if not found:
            for key in store.distinct(path):
                document = store.query_one({path: key}, [parent])
                for name in parent.split("."):
                    document = document[name]
                found[key] = _known(document)
    return found


def _known(document: Mapping[str, Any]) -> KnownMethod:
    physics = document.get("physics", {})
    method = Method(document["calculator"], physics, document.get("tier", "mock"))
    return KnownMethod(document["key"], method.title(), method.calculator, physics, method.is_predictive)


def told_by_key(condition: Condition, methods: Mapping[str, KnownMethod]) -> Condition:
    """Return a condition that names methods by their keys instead of title, calculator or the beginning of a key.

    Raises
    ------
    InputError
        If there is no such method; lists those that there are.
    """
    if isinstance(condition, Combination):
        return Combination(condition.word, tuple(told_by_key(part, methods) for part in condition.parts))
    if condition.field.kind != "method" or not condition.values:
        return condition
    keys = [key for value in condition.values for key in _meant(str(value), methods)]
    is_wanted = condition.operator in ("=", "in")
    if len(set(keys)) == 1:
        return Comparison(condition.field, "=" if is_wanted else "!=", (keys[0],))
    return Comparison(condition.field, "in" if is_wanted else "not in", tuple(dict.fromkeys(keys)))


def _meant(name: str, methods: Mapping[str, KnownMethod]) -> list[str]:
    by_title = [key for key, method in methods.items() if method.title == name]
    found = by_title or [key for key, method in methods.items() if method.calculator == name or key.startswith(name)]
    if not found:
        listed = list(map(str, methods.values())) or ["none: there are no results yet"]
        raise InputError(unknown(name, listed, "method") + "; ask for one by title, calculator or beginning of its key")
    return found


def present(
    database: Database, collection: str, path: str, criteria: Filter, methods: Iterable[KnownMethod]
) -> list[KnownMethod]:
    """Return those of some methods of which a selection has documents."""
    store = store_of(database, collection)
    with readable(database):
        return [method for method in methods if _some(store, all_of([{path: method.key}, criteria]))]


def _some(store: Any, criteria: Filter) -> bool:
    return next(iter(store.query(criteria, ["key"], limit=1)), None) is not None


def counted(
    database: Database, collection: str, path: str, criteria: Filter, methods: Iterable[KnownMethod]
) -> list[KnownMethod]:
    """Return those of some methods of which a selection has documents, with how many it has of each."""
    store = store_of(database, collection)
    with readable(database):
        numbers = [(method, int(store.count(all_of([{path: method.key}, criteria])))) for method in methods]
    return [KnownMethod(**{**vars(method), "count": number}) for method, number in numbers if number]


def refusal(found: Sequence[KnownMethod], metals: Mapping[str, Collection[str]]) -> str | None:
    """Return why energies of methods may not be compared; None where they may.

    Parameters
    ----------
    found : sequence of KnownMethod
        All of them.
    metals : mapping of str to collection of str
        Chemical symbols of the sites, by key of the method; those without an entry are judged by what they state.
    """
    taking_part = [
        Participant(
            method.title,
            {"calculator": method.calculator, "schema": SCHEMA, "physics": method.physics},
            frozenset({*method.physics.get("u", {}), *metals.get(method.key, ())}),
        )
        for method in found
    ]
    try:
        require_combinable(taking_part, same_site=False)
    except MethodMismatchError as error:
        return str(error)
    return None


def differ_in_u(found: Sequence[KnownMethod]) -> bool:
    """Whether it depends on the metals of the sites if methods may be compared."""
    return len({str(sorted(method.physics.get("u", {}).items())) for method in found}) > 1


def mismatch(collection: str, found: Sequence[KnownMethod], why: str) -> MethodMismatchError:
    """Return the error that lists methods, and says how to ask for one."""
    asked = found[0].calculator if len({method.calculator for method in found}) == len(found) else found[0].key[:8]
    return MethodMismatchError(
        f"these {collection} come from {len(found)} methods that may not be compared ({'; '.join(map(str, found))}); "
        f'ask for one by title, calculator or beginning of its key: "method = {asked}", in Python '
        f"where(method={asked!r}); or look at all without ranking: method = {ANY}. {why}"
    )


def split_any(conditions: Iterable[Condition]) -> tuple[list[Condition], bool]:
    """Return conditions without ``method = any``, and whether that was among them.

    Raises
    ------
    InputError
        If it stands where it means nothing: below ``or`` or ``not``.
    """
    kept: list[Condition] = []
    found = False
    for condition in conditions:
        if isinstance(condition, Combination) and condition.word == "and":
            parts, inner = split_any(condition.parts)
            found |= inner
            kept += parts
        elif _is_any(condition):
            found = True
        else:
            kept.append(condition)
    return kept, found


def _is_any(condition: Condition) -> bool:
    if isinstance(condition, Combination):
        if any(map(_is_any, condition.parts)):
            raise InputError(f"method = {ANY} cannot stand within or, or not; add it with and")
        return False
    is_meant = condition.field.kind == "method" and ANY in condition.values
    if is_meant and (condition.operator != "=" or len(condition.values) > 1):
        raise InputError(f"method {condition.operator} {ANY} means nothing; write method = {ANY}")
    return is_meant
