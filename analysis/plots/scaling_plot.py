"""Scaling plot: one adsorption free energy over another, with the line through all sites and those far off it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from atomsieve.analysis.labels import label
from atomsieve.analysis.plots import figure as common
from atomsieve.analysis.plots.figure import DASHES, GREY, Document
from atomsieve.analysis.plots.sites import name_sites, scatter, short_names
from atomsieve.analysis.trends.pairs import scalings
from atomsieve.analysis.trends.scaling import BAND_LEVEL, ScalingRelation
from atomsieve.structures.adsorbate import adsorbate
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.errors import InputError

#: Colour of the rings around outliers.
OUTLIER = "#CC3311"
#: Fills of the band of the line, and of that of another site.
BANDS = ("#bbbbbb", "#e8e8e8")
#: Points along the line.
DENSE = 200
#: eV beyond the outermost sites.
MARGIN = 0.25


def scaling_plot(
    rows: Iterable[AdsorptionEnergy | Document],
    x: str,
    y: str,
    path: str | Path,
    *,
    stated: ScalingRelation | None = None,
    columns: int = 1,
) -> Figure:
    """Draw the free energies of two adsorbates over each other, with their scaling relation.

    Parameters
    ----------
    rows : iterable of AdsorptionEnergy or mapping
        Of one method and one convention; those of other adsorbates are left out.
    x, y : str
        Adsorbates.
    path : str or Path
        Where to write; ``.png``, ``.svg`` or ``.pdf``.
    stated : ScalingRelation, optional
        One of the literature, to compare.
    columns : int
        1 or 2 columns of a journal.

    Returns
    -------
    Figure
        What was written: sites, the line with its confidence band (dark) and the band in which another site is expected
        (light), outliers ringed and named. Sites too few for a line are drawn without one.

    Raises
    ------
    InputError
        If no site has both, rows mix conventions, or the suffix is another.
    MethodMismatchError
        If rows come from methods that do not go together.
    """
    target, names = common.target(path), (adsorbate(x).name, adsorbate(y).name)
    documents = [document for row in rows if (document := common.document(row))["adsorbate"] in names]
    found = scalings(documents, [names])
    lacking = found.left_out[names]
    free = {(str(row["site"]["key"]), str(row["adsorbate"])): row["free"] for row in documents}
    sites = {str(row["site"]["key"]): row for row in documents if str(row["site"]["label"]) not in lacking}
    if not sites:
        raise InputError(f"no site has both {names[0]}* and {names[1]}*: {'; '.join(lacking.values()) or 'no rows'}")
    relation = found.relations[0] if found.relations else None
    # outliers first, then what lies farthest from the line
    order = _far_first(sites, relation)
    shown = [sites[key] for key in order]
    points = np.array([[free[key, name] for name in names] for key in order], dtype=float)
    texts, notes = short_names(shown)
    with rc_context(common.STYLE):
        figure = common.sheet(columns, 80)
        axes = figure.subplots()
        ends = points[:, 0].min() - MARGIN, points[:, 0].max() + MARGIN
        xs = np.linspace(*ends, DENSE)
        handles = scatter(axes, shown, points)
        lines = np.empty((0, 2))
        if relation is not None:
            handles += _draw(axes, xs, relation)
            lines = np.column_stack([xs, relation.predict(xs)])
        else:
            notes = [*found.refused.values(), *notes]
        if stated is not None:
            text = stated.text + (f", {stated.source}" if stated.source else "")
            handles += axes.plot(xs, stated.predict(xs), color=GREY, lw=0.9, ls=DASHES, zorder=1, label=text)
        outliers = range(len(relation.outliers) if relation is not None else 0)
        if outliers:
            ring: dict[str, Any] = {"marker": "o", "ms": 8.0, "mfc": "none", "mec": OUTLIER, "mew": 0.9, "ls": "none"}
            axes.plot(*points[list(outliers)].T, zorder=2, gid="outliers", **ring)
            handles.append(Line2D([], [], label=f"outlier ({len(outliers)})", **ring))
        axes.set_xlim(*ends)
        axes.margins(y=0.08)
        axes.set_xlabel(label(f"free_{names[0]}").header)
        axes.set_ylabel(label(f"free_{names[1]}").header)
        common.finish(figure, f"Scaling of {names[1]}* with {names[0]}*", handles)
        if lacking:
            many = f"{len(lacking)} sites" if len(lacking) > 1 else f"{next(iter(lacking))}"
            notes.append(f"Without one of both energies: {many}.")
        common.annotate(figure, [*notes, *common.remarks(documents)])
        name_sites(figure, axes, texts, points, lines, list(outliers))
        common.write(figure, target)
    return figure


def _far_first(sites: Iterable[str], relation: ScalingRelation | None) -> list[str]:
    """Return the keys of sites in the order in which they deserve a name."""
    keys = list(sites)
    if relation is None:
        return keys
    # points are in the order of sites
    outliers = {id(point) for point in relation.outliers}
    far = [(id(point) not in outliers, -abs(point.studentised or point.residual)) for point in relation.points]
    return [keys[place] for place in sorted(range(len(keys)), key=far.__getitem__)]


def _draw(axes: Axes, xs: np.ndarray, relation: ScalingRelation) -> list[Artist]:
    """Draw the line with its bands; return what the legend shows."""
    line = relation.predict(xs)
    handles: list[Artist] = [
        *axes.plot(xs, line, color="black", lw=1.0, zorder=2, label=_text(relation)),
    ]
    for half, fill, order, text in (
        (relation.confidence(xs), BANDS[0], 0.5, "line"),
        (relation.prediction(xs), BANDS[1], 0.2, "another site"),
    ):
        axes.fill_between(xs, line - half, line + half, color=fill, lw=0, zorder=order)
        handles.append(Patch(color=fill, label=f"{BAND_LEVEL:.0%}: {text}"))
    return handles


def _text(relation: ScalingRelation) -> str:
    """Write a line with its errors."""
    slope = f"slope {relation.slope:.2f} ± {relation.slope_error or 0.0:.2f} (n = {relation.n})"
    intercept = f"intercept {relation.intercept:.2f} ± {relation.intercept_error or 0.0:.2f} eV"
    quality = f"R² {relation.r2:.2f}, " if relation.r2 is not None else ""
    return f"{slope}\n{intercept}\n{quality}MAE {relation.mae or 0.0:.2f} eV"
