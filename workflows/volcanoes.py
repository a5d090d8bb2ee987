"""Volcanoes: the line over each descriptor that a report draws its sites on, and how high none can come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from atomsieve.analysis.surroundings import Surroundings
from atomsieve.analysis.trends.activity import Activity
from atomsieve.analysis.trends.fitted import fitted
from atomsieve.analysis.trends.scaling import Array, ScalingRelation
from atomsieve.analysis.trends.textbook import VOLCANOES, textbook
from atomsieve.analysis.trends.top import top
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.errors import InputError
from atomsieve.structures.reaction import reaction
from atomsieve.workflows.dossier import rounded
from atomsieve.workflows.harvest import SiteRows

#: Of the corners of a line.
DECIMALS: Final = 4
#: eV of line beside the top, and beside the outermost sites.
AROUND: Final = 1.5
MARGIN: Final = 0.25
#: eV within a leg that its ends are told: one path may ask for less than the next where they meet.
INSIDE: Final = 1e-6


def volcanoes(names: Sequence[str], sites: Sequence[SiteRows], around: Surroundings) -> dict[str, dict[str, Any]]:
    """Return the volcano of each reaction that has one.

    It is the one of the literature where there is one, else one over the intermediate that explains most of the others
    at these sites.

    Parameters
    ----------
    names : sequence of str
        Reactions.
    sites : sequence of SiteRows
        Those of one stage.
    around : Surroundings
        The conditions.

    Returns
    -------
    dict
        By reaction ``descriptor`` (a column), ``x`` (eV) and ``y`` (V against RHE) of the corners of the line,
        ``ideal`` (V, the thermodynamic limit) and ``source`` of the scaling relations.
    """
    found = {}
    for name in names:
        try:
            activity = _activity(name, sites, around)
        except InputError:
            # too few sites, or a molecule without data
            continue
        found[name] = _line(activity, sites)
    return found


def _activity(name: str, sites: Sequence[SiteRows], around: Surroundings) -> Activity:
    if name in VOLCANOES:
        return textbook(name, around)
    rows: list[AdsorptionEnergy] = [row for site in sites for row in site.rows.values()]
    return fitted(reaction(name), rows, 1, around=around)


def _line(activity: Activity, sites: Sequence[SiteRows]) -> dict[str, Any]:
    (descriptor,) = activity.descriptors
    energies = [{name: row.free for name, row in site.rows.items()} for site in sites]
    known = [own for own in energies if all(own.get(name) is not None for name in descriptor.parts)]
    best = top(activity).position[0]
    ends = [best - AROUND, best + AROUND, *(float(descriptor.of(own)) for own in known)]
    legs = activity.legs(min(ends) - MARGIN, max(ends) + MARGIN)
    corners = np.array([x for leg in legs for x in (leg.low + INSIDE, leg.high - INSIDE)])
    relations = [_told(relation) for relation in activity.relations]
    return {
        "descriptor": descriptor.quantity,
        "x": _written(corners),
        "y": _written(activity.at(corners).limiting_potential),
        "ideal": rounded(activity.equilibrium_potential),
        "source": "; ".join(relations) or "exact: no other intermediate has a say",
    }


def _written(values: Array) -> list[float]:
    return [round(float(value), DECIMALS) + 0.0 for value in values]


def _told(relation: ScalingRelation) -> str:
    slope = "" if relation.slope == 1.0 else f"{relation.slope:.2f} "
    line = f"ΔG({relation.y}*) = {slope}ΔG({relation.x}*) {relation.intercept:+.2f} eV"
    return f"{line} ({relation.source or f'fitted to {relation.n} sites'})"
