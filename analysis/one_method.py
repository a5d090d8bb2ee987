"""Rows of one method: those that may be ranked against each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from atomsieve.structures.errors import InputError, MethodMismatchError, unknown
from atomsieve.structures.gate import Participant, require_combinable
from atomsieve.structures.method import Method


def of_one_method(documents: Iterable[Mapping[str, Any]], method: str | None = None) -> list[Mapping[str, Any]]:
    """Return documents that may be ranked against each other: those of one method.

    Sites differ in cell, k-points, dipole, and in U where they share no element; all else must agree.

    Parameters
    ----------
    documents : iterable of mapping
        As ``AdsorptionEnergy.to_dict`` or ``LimitingPotential.to_dict`` gives them.
    method : str, optional
        Which method, by its title or by the beginning of its key; needed where there are several.

    Raises
    ------
    MethodMismatchError
        If there are several methods that do not go together and none was asked for; lists them.
    InputError
        If what was asked for is none of them, or more than one.
    """
    found = list(documents)
    counts = Counter(str(document["method"]["key"]) for document in found)
    titles = {str(d["method"]["key"]): Method.from_dict(d["method"]).title() for d in found}
    listed = [f"{title} [{key[:8]}]: {counts[key]}" for key, title in titles.items()]
    if method is not None:
        asked = [key for key, title in titles.items() if method == title or key.startswith(method)]
        if len(asked) != 1:
            raise InputError(
                unknown(method, listed, "method") + "; ask for one by its title or the beginning of its key"
            )
        return [document for document in found if document["method"]["key"] == asked[0]]
    distinct = {(d["method"]["key"], *d["site"]["metals"]): d for d in reversed(found)}
    try:
        require_combinable(map(_participant, distinct.values()), same_site=False)
    except MethodMismatchError as error:
        raise MethodMismatchError(
            f"these rows come from {len(listed)} methods ({', '.join(listed)}); ask for one of them. {error}"
        ) from error
    return found


def _participant(document: Mapping[str, Any]) -> Participant:
    # a row knows its metals; other elements that have a U are named by its method
    elements = frozenset([*document["site"]["metals"], *document["method"]["physics"].get("u", {})])
    return Participant(str(document["site"]["label"]), document["method"], elements)
