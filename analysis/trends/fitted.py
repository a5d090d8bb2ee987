"""Fitted: the activity of a reaction as the sites of a campaign have it, over the descriptors that explain most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from atomsieve.analysis.surroundings import Surroundings
from atomsieve.analysis.trends.activity import Activity
from atomsieve.analysis.trends.pairs import scalings
from atomsieve.analysis.trends.scaling import LEAST, NOISE, Array
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.errors import InputError
from atomsieve.structures.judgement import Verdict
from atomsieve.structures.reaction import Reaction


def fitted(
    reaction: Reaction,
    rows: Iterable[AdsorptionEnergy | Mapping[str, Any]],
    count: int,
    *,
    around: Surroundings | None = None,
) -> Activity:
    """Return the activity of a reaction over the intermediates that leave least of the others unexplained.

    Every choice of descriptors is tried. Each other intermediate is fitted to that one of them about whose line it
    spreads least; the choice with the least mean square of these spreads is taken, the first of equal ones.

    Parameters
    ----------
    reaction : Reaction
        Any network.
    rows : iterable of AdsorptionEnergy or mapping
        Of one method and one convention; those of other adsorbates are left out.
    count : int
        How many descriptors, 1 or 2.
    around : Surroundings, optional
        Free energies of the molecules, and pH; the standard state unless given.

    Raises
    ------
    InputError
        If fewer intermediates are known than descriptors are asked for, or those that at least three sites have make no
        path.
    """
    names = list(dict.fromkeys(name for path in reaction.paths for name in path.adsorbates))
    documents = [
        document
        for row in rows
        if (document := row.to_dict() if isinstance(row, AdsorptionEnergy) else row)["adsorbate"] in names
    ]
    energies = _energies(documents, names)
    known = [name for name in names if np.isfinite(energies[name]).any()]
    if len(known) < count:
        raise InputError(
            f"{reaction.name}: {len(known)} of its intermediates are known; {count} descriptors take as many"
        )
    spreads = {(x, y): _spread(energies[x], energies[y]) for x in known for y in known if x != y}
    best: tuple[float, tuple[str, ...], list[tuple[str, str]]] | None = None
    for chosen in combinations(known, count):
        pairs = [min(((x, y) for x in chosen), key=spreads.__getitem__) for y in known if y not in chosen]
        usable = [pair for pair in pairs if np.isfinite(spreads[pair])]
        if not reaction.is_within([*chosen, *(y for _, y in usable)]):
            continue
        # what no line reaches counts as much as all that is known of it
        squares = [spreads[pair] ** 2 if pair in usable else float(np.nanvar(energies[pair[1]])) for pair in pairs]
        left = float(np.mean(squares)) if squares else 0.0
        if best is None or left < best[0] - NOISE:
            best = left, chosen, usable
    if best is None:
        raise InputError(
            f"{reaction.name}: no path consists of {count} descriptor{'s' * (count > 1)} and of intermediates that "
            f"{LEAST} sites share with one of them; calculate more sites, or state scaling relations"
        )
    _, chosen, pairs = best
    relations = scalings(documents, pairs).relations if pairs else ()
    return Activity(reaction, chosen, relations, around=around)


def _energies(documents: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, Array]:
    """Return ΔG of each adsorbate over the sites, eV; nan where it does not bind."""
    keys = dict.fromkeys(str(document["site"]["key"]) for document in documents)
    places = {key: place for place, key in enumerate(keys)}
    found = {name: np.full(len(places), np.nan) for name in names}
    for document in documents:
        if document["free"] is not None and document["verdict"] == Verdict.BOUND:
            found[document["adsorbate"]][places[str(document["site"]["key"])]] = float(document["free"])
    return found


def _spread(x: Array, y: Array) -> float:
    """Return the standard deviation of y about its line over x, eV; infinite where there is no line."""
    both = np.isfinite(x) & np.isfinite(y)
    if both.sum() < LEAST or np.ptp(x[both]) < NOISE:
        return float("inf")
    design = np.column_stack([x[both], np.ones(both.sum())])
    coefficients = np.linalg.lstsq(design, y[both], rcond=None)[0]
    return float(np.sqrt(np.sum((y[both] - design @ coefficients) ** 2) / (both.sum() - 2)))
