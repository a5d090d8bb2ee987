"""Map: what sites do against what else is asked of them, with those that no other site beats in both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from atomsieve.analysis.labels import label
from atomsieve.analysis.plots import figure as common
from atomsieve.analysis.plots.figure import DASHES, GREY, Document
from atomsieve.analysis.plots.sites import name_sites, scatter, short_names
from atomsieve.analysis.trends.pareto import BETTER, Sense, pareto_front
from atomsieve.structures.errors import InputError
from atomsieve.structures.limiting import LimitingPotential

#: Points drawn along each piece of the front, which names keep clear of.
DENSE = 300
#: Members of a front that are listed below.
MEMBERS = 20
#: Colour of the front.
FRONT = "#AA4499"


def activity_map(
    potentials: Iterable[LimitingPotential | Document],
    values: Sequence[float | None],
    quantity: str,
    path: str | Path,
    *,
    sense: Sense | None = None,
    limit: float | None = None,
    limit_name: str = "limit",
    notes: Iterable[str] = (),
    columns: int = 2,
) -> Figure:
    """Draw limiting potentials against a stability or a selectivity, with the Pareto front.

    A site is on the front if no other is at least as good in both and better in one.

    Parameters
    ----------
    potentials : iterable of LimitingPotential or mapping
        Of one reaction and one method.
    values : sequence of (float or None)
        What each site has of the other quantity, in their order and by the same method; None where it is not known.
    quantity : str
        Its name in labels.yaml.
    path : str or Path
        Where to write; ``.png``, ``.svg`` or ``.pdf``.
    sense : {"low", "high"}, optional
        Which values are wanted; as :data:`~atomsieve.analysis.trends.pareto.BETTER` has it unless given.
    limit : float, optional
        Value that a site has to pass, drawn as a line.
    limit_name : str
        What the legend calls it.
    notes : iterable of str
        What else to say below.
    columns : int
        1 or 2 columns of a journal.

    Returns
    -------
    Figure
        What was written. Better is up and to the right.

    Raises
    ------
    InputError
        If no site has both, values are not one a site, reactions or methods differ, or the suffix is another.
    """
    documents = [common.document(entry) for entry in potentials]
    target, reaction, measure = common.target(path), common.one_reaction(documents), label(quantity)
    if len(values) != len(documents):
        raise InputError(f"{len(documents)} sites have {len(values)} values of {measure.label}; pass one for each")
    wanted = BETTER[quantity] if sense is None else sense
    by_key = {id(document): value for document, value in zip(documents, values, strict=True)}
    determined = common.determined(documents)
    shown = [document for document in determined if by_key[id(document)] is not None]
    if not shown:
        raise InputError(f"no site has both a limiting potential of {reaction.name} and {measure.label}")
    points = np.array([[by_key[id(d)], d["limiting_potential"]] for d in shown], dtype=float)
    senses: list[Sense] = [wanted, "high" if reaction.is_reduction else "low"]
    on_front = np.flatnonzero(pareto_front(points, senses))
    front = [int(place) for place in on_front[np.argsort(points[on_front, 0])]]
    names, below = short_names(shown)
    with rc_context(common.STYLE):
        figure = common.sheet(columns, 95 if columns == 2 else 75)
        axes = figure.subplots()
        handles = scatter(axes, shown, points)
        border = _corners(points[front], np.where([one == "high" for one in senses], 1.0, -1.0))
        ring: dict[str, Any] = {"marker": "o", "ms": 8, "mfc": "none", "mec": FRONT, "mew": 0.9}
        axes.plot(*points[front].T, ls="none", zorder=2, **ring)
        axes.plot(*border.T, color=FRONT, lw=0.9, zorder=2)
        handles.append(Line2D([], [], color=FRONT, lw=0.9, label=f"Pareto front ({len(front)})", **ring))
        if limit is not None:
            text = f"{limit_name}, {measure.text(limit)} {measure.unit}".rstrip()
            handles.append(axes.axvline(limit, color=GREY, lw=0.9, ls=DASHES, zorder=1, label=text))
        axes.margins(0.12)
        axes.autoscale_view()
        if wanted == "low":
            axes.invert_xaxis()
        if not reaction.is_reduction:
            axes.invert_yaxis()
        axes.set_xlabel(common.math(measure.header))
        axes.set_ylabel(common.math(label("limiting_potential").header))
        common.finish(figure, f"{reaction.title}: {measure.label}", handles)
        members = ", ".join(names[place] for place in front[:MEMBERS])
        more = f" and {len(front) - MEMBERS} more" if len(front) > MEMBERS else ""
        below.append(f"Pareto front: {members}{more}.")
        lacking = len(determined) - len(shown)
        below += [f"{measure.label[0].upper() + measure.label[1:]} is not known of {lacking} sites."] if lacking else []
        common.annotate(figure, [*notes, *below, *common.notes(documents)])
        lines = _dense(border)
        if limit is not None:
            lines = np.vstack([lines, _dense(np.array([[limit, end] for end in axes.get_ylim()]))])
        name_sites(figure, axes, names, points, lines, front[:MEMBERS])
        common.write(figure, target)
    return figure


def _corners(front: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Return the border of what a front beats; the front sorted, with the signs that make high good."""
    corners = [front[0]]
    for one, other in pairwise(front):
        corners += [signs * np.minimum(signs * one, signs * other), other]
    return np.array(corners)


def _dense(border: np.ndarray) -> np.ndarray:
    shares = np.linspace(0, 1, DENSE)[:, None]
    return np.vstack([border, *(one + shares * (other - one) for one, other in pairwise(border))])
