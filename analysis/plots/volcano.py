"""Volcano: limiting potentials of many sites against one descriptor, for any reaction."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from atomsieve.analysis.labels import label
from atomsieve.analysis.plots import figure as common
from atomsieve.analysis.plots.figure import DASHES, GREY, Document
from atomsieve.analysis.plots.sites import MANY, descriptor_label, name_sites, places, scatter, short_names
from atomsieve.analysis.trends.activity import Activity
from atomsieve.analysis.trends.scaling import ScalingRelation
from atomsieve.analysis.trends.textbook import textbook
from atomsieve.analysis.trends.top import Top, top
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.errors import InputError
from atomsieve.structures.limiting import LimitingPotential

#: eV that are shown around the top at least, and beyond the outermost sites.
AROUND, MARGIN = 0.8, 0.2
#: Points along the legs.
DENSE = 500
#: Scaling relations that the legend writes out.
MOST_RELATIONS = 4


def volcano(
    potentials: Iterable[LimitingPotential | Document],
    rows: Iterable[AdsorptionEnergy | Document],
    path: str | Path,
    reaction: str,
    activity: Activity | None = None,
    *,
    columns: int = 2,
) -> Figure:
    """Draw limiting potentials against a descriptor, with the legs that scaling gives and the thermodynamic limit.

    Parameters
    ----------
    potentials : iterable of LimitingPotential or mapping
        Of one method; those of other reactions are left out.
    rows : iterable of AdsorptionEnergy or mapping
        The rows that they stand on, found by their keys.
    path : str or Path
        Where to write; ``.png``, ``.svg`` or ``.pdf``.
    reaction : str
        Its name.
    activity : Activity, optional
        Of one descriptor; unless given the one that the literature draws: over ΔG(OH*) for ORR, ΔG(O*) - ΔG(OH*) for
        OER, ΔG(OOH*) for ORR-2e and ΔG(H*) for HER and HOR.
    columns : int
        1 or 2 columns of a journal.

    Returns
    -------
    Figure
        What was written. Better is up: the axis of an oxidation runs downwards.

    Raises
    ------
    InputError
        If there is no activity of the reaction in one descriptor, nothing to draw, a row is missing, methods differ, or
        the suffix is another.
    """
    drawn, target = activity or textbook(reaction), common.target(path)
    if len(drawn.descriptors) != 1 or drawn.reaction.name != reaction:
        given = ", ".join(descriptor.name for descriptor in drawn.descriptors)
        raise InputError(
            f"a volcano of {reaction} takes its own activity over one descriptor, and got {drawn.reaction.name} over "
            f"{given}"
        )
    documents = [d for d in map(common.document, potentials) if d["reaction"] == reaction]
    path_of = common.one_reaction(documents)
    determined = common.determined(documents)
    shown, energies = places(determined, rows, drawn)
    points = np.column_stack([energies, [float(d["limiting_potential"]) for d in shown]]).reshape(-1, 2)
    best = top_near(drawn, points[:, :1])
    ends = [best.position[0] - AROUND, best.position[0] + AROUND, *points[:, 0]]
    xs = np.linspace(min(ends) - MARGIN, max(ends) + MARGIN, DENSE)
    curve = np.column_stack([xs, drawn.at(xs).limiting_potential])
    limit = drawn.equilibrium_potential
    names, notes = short_names(shown)
    with rc_context(common.STYLE):
        figure = common.sheet(columns, 95 if columns == 2 else 78)
        axes = figure.subplots()
        text = f"thermodynamic limit, {label('equilibrium_potential').text(limit)} V"
        handles = [
            *axes.plot(*curve.T, color=GREY, linewidth=1.2, zorder=1, label=assumptions(drawn)),
            axes.axhline(limit, color=GREY, linewidth=0.9, linestyle=DASHES, zorder=1, label=text),
            *axes.plot(
                *_top(best), marker="*", ls="none", ms=9, color="black", mec="white", zorder=2, label=top_text(best)
            ),
            *scatter(axes, shown, points),
        ]
        errors = [float(document["error_bar"]) for document in shown]
        if len(shown) <= MANY:
            axes.errorbar(
                points[:, 0], points[:, 1], yerr=errors, fmt="none", ecolor="#dddddd", elinewidth=0.7, zorder=0
            )
        axes.set_xlim(xs[0], xs[-1])
        seen = [*points[:, 1], limit, *np.quantile(curve[:, 1], [0.25, 0.75])]
        low, high = min(seen) - 0.25, max(seen) + 0.25
        axes.set_ylim(*((low, high) if path_of.is_reduction else (high, low)))
        axes.set_xlabel(descriptor_label(drawn.descriptors[0]))
        axes.set_ylabel(common.math(label("limiting_potential").header))
        common.finish(figure, path_of.title, handles)
        legs = [common.species(leg.step).replace("\n", " ") for leg in drawn.legs(float(xs[0]), float(xs[-1]))]
        notes.append(f"Limiting from left to right: {'; '.join(dict.fromkeys(legs))}.")
        bars = sorted({label("error_bar").text(error) for error in errors})
        what = "Vertical bars" if len(shown) <= MANY else "Error bars, too many to draw"
        notes += [f"{what}: ±{' to '.join(dict.fromkeys([bars[0], bars[-1]]))} V."] if bars else []
        if lacking := len(determined) - len(shown):
            notes.append(f"Without {drawn.descriptors[0].name}: {lacking} sites.")
        common.annotate(figure, [*notes, *common.notes(documents)])
        level = np.column_stack([xs, np.full(len(xs), limit)])
        name_sites(figure, axes, names, points, np.vstack([curve, level]))
        common.write(figure, target)
    return figure


def _top(best: Top) -> tuple[float, float]:
    return best.position[0], best.limiting_potential


def top_near(activity: Activity, points: np.ndarray) -> Top:
    """Return the top of an activity; of one that rises without end, as chemical steps make it, the best near the sites.

    Parameters
    ----------
    activity : Activity
        Of one or two descriptors.
    points : ndarray, shape (n, descriptors)
        Where the sites lie, eV.
    """
    best = top(activity)
    if not len(points) or not (best.is_on_edge or best.overpotential < 0):
        return best
    ends = zip(points.min(axis=0), points.max(axis=0), strict=True)
    return top(activity, [(float(low) - AROUND, float(high) + AROUND) for low, high in ends])


def top_text(best: Top) -> str:
    """Write the top of an activity."""
    measure = label("limiting_potential")
    what = "best shown" if best.is_on_edge else "top"
    return common.math(f"{what}, {measure.symbol} = {measure.text(best.limiting_potential).replace('-', '−')} V")


def assumptions(activity: Activity) -> str:
    """Write the scaling relations that legs stand on, each on a line."""
    if not activity.relations:
        return "legs of this path (exact)"
    lines = ["scaling:"]
    for relation in activity.relations[:MOST_RELATIONS]:
        lines += [relation.text.replace(" = ", " =\n   "), f"   {source_of(relation)}"]
    left = len(activity.relations) - MOST_RELATIONS
    return "\n".join([*lines, *([f"and {left} relations more"] if left > 0 else [])])


def source_of(relation: ScalingRelation) -> str:
    """Write where a relation comes from, or what it is worth."""
    return relation.source or f"n = {relation.n}, MAE {relation.mae or 0.0:.2f} eV"
