"""Pareto front: the sites that no other one beats in all that counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from atomsieve.structures.criterion import DECIMALS
from atomsieve.structures.errors import InputError, unknown

Sense = Literal["low", "high"]
SENSES = ("low", "high")
#: Which end of a column of analysis/table.py is the better one.
BETTER: Mapping[str, Sense] = {
    "overpotential": "low",
    "formation_energy": "low",
    "binding_energy": "low",
    "dissolution_potential": "high",
    "demetallation_energy": "high",
    "aggregation_energy": "high",
    "selectivity": "high",
}
#: What is weighed against what: activity against stability, and against selectivity.
TRADES: Mapping[str, tuple[str, str]] = {
    "dissolution": ("overpotential", "dissolution_potential"),
    "formation": ("overpotential", "formation_energy"),
    "selectivity": ("overpotential", "selectivity"),
}


def pareto_front(points: Any, senses: Sequence[Sense]) -> npt.NDArray[np.bool_]:
    """Return which points are dominated by none.

    A point dominates another one if it is at least as good in all criteria and better in one. Equal points are on the
    front together. What lacks a criterion (nan) is not on the front, and dominates nothing.

    Parameters
    ----------
    points : array_like, shape (n, criteria)
        One row a site; values that differ beyond the sixth decimal alone are equal.
    senses : sequence of {"low", "high"}
        Which end of each criterion is the better one.

    Returns
    -------
    array of bool, shape (n,)

    Raises
    ------
    InputError
        If there are fewer than two criteria, not one sense for each, or a sense is another.
    """
    for sense in senses:
        if sense not in SENSES:
            raise InputError(unknown(sense, SENSES, "sense"))
    if len(senses) < 2:
        raise InputError(f"{len(senses)} criteria; a front weighs two or more against each other")
    values = np.asarray(points, dtype=float).reshape(-1, len(senses)) if np.size(points) else np.empty((0, len(senses)))
    if np.shape(points)[:1] not in ((len(values),), (0,)):
        raise InputError(f"points have the shape {np.shape(points)}; give {len(senses)} numbers for each site")
    costs = np.round(values, DECIMALS) * np.array([1.0 if sense == "low" else -1.0 for sense in senses])
    is_front = np.zeros(len(costs), dtype=bool)
    known = np.flatnonzero(~np.isnan(costs).any(axis=1))
    # in this order none is dominated by a later one, and what is dominated is so by one of the front
    for place in known[np.lexsort(costs[known].T[::-1])]:
        front = costs[is_front]
        is_front[place] = not ((front <= costs[place]).all(axis=1) & (front < costs[place]).any(axis=1)).any()
    return is_front


def front_of(
    table: Sequence[Mapping[str, Any]], columns: Sequence[str], senses: Sequence[Sense] | None = None
) -> npt.NDArray[np.bool_]:
    """Return which rows of a table are on the front of some of its columns.

    Parameters
    ----------
    table : sequence of mapping
        Rows as :func:`~atomsieve.analysis.table.rows` gives them, of one reaction, with further columns joined to them.
    columns : sequence of str
        Two or more, as in :data:`TRADES`.
    senses : sequence of {"low", "high"}, optional
        Which end of each is the better one; as in :data:`BETTER` unless given.

    Raises
    ------
    InputError
        If the rows are of several reactions, or it is not known which end of a column is better.
    """
    if len(reactions := sorted({str(row.get("reaction")) for row in table})) > 1:
        raise InputError(f"a front weighs sites of one reaction, and got {', '.join(reactions)}; select one")
    if senses is None:
        for column in columns:
            if column not in BETTER:
                raise InputError(unknown(column, BETTER, "column with a better end") + "; or pass senses")
        senses = [BETTER[column] for column in columns]
    values = [[np.nan if row.get(column) is None else float(row[column]) for column in columns] for row in table]
    return pareto_front(values, senses)
