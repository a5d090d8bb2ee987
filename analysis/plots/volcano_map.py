"""Volcano map: the limiting potential of a reaction over two descriptors, with sites on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from atomsieve.analysis.labels import label
from atomsieve.analysis.plots import figure as common
from atomsieve.analysis.plots.figure import COLOURMAP, Document
from atomsieve.analysis.plots.sites import descriptor_label, name_sites, places, scatter, short_names
from atomsieve.analysis.plots.volcano import AROUND, MARGIN, source_of, top_near, top_text
from atomsieve.analysis.trends.activity import Activity, Landscape
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.errors import InputError
from atomsieve.structures.limiting import LimitingPotential

#: Points along each descriptor.
DENSE = 241
#: V below the top at which colours end, and between two of them.
DEPTH, STEP = 2.0, 0.1
#: Points of the grid that a region has around its name, and along each side of the name, that others keep clear of it.
ROOM, LETTERS = 12, 25
#: Pixels around a name of a region that others keep clear of.
EDGE = 3.0


def volcano_map(
    potentials: Iterable[LimitingPotential | Document],
    rows: Iterable[AdsorptionEnergy | Document],
    path: str | Path,
    activity: Activity,
    *,
    columns: int = 2,
) -> Figure:
    """Draw the limiting potential over two descriptors as colours, what limits where, and sites.

    Parameters
    ----------
    potentials : iterable of LimitingPotential or mapping
        Of the reaction and of one method.
    rows : iterable of AdsorptionEnergy or mapping
        The rows that they stand on, found by their keys.
    path : str or Path
        Where to write; ``.png``, ``.svg`` or ``.pdf``.
    activity : Activity
        Of two descriptors.
    columns : int
        1 or 2 columns of a journal.

    Returns
    -------
    Figure
        What was written: bright is good, the top a star, the thermodynamic limit a line in the colour bar.

    Raises
    ------
    InputError
        If the activity has not two descriptors or another reaction, no site has both descriptors, a row is missing,
        methods differ, or the suffix is another.
    """
    documents, target = [common.document(entry) for entry in potentials], common.target(path)
    reaction = common.one_reaction(documents)
    if len(activity.descriptors) != 2 or activity.reaction.name != reaction.name:
        names_of = ", ".join(descriptor.name for descriptor in activity.descriptors)
        raise InputError(
            f"a map of {reaction.name} takes its own activity over two descriptors, and got {activity.reaction.name} "
            f"over {names_of}"
        )
    determined = common.determined(documents)
    shown, points = places(determined, rows, activity)
    if not shown:
        raise InputError(f"no site with a limiting potential of {reaction.name} has both descriptors of the map")
    best = top_near(activity, points)
    axes_of = []
    for place in (0, 1):
        # a top on the edge of its range has nothing to show beyond
        around = 0.0 if best.is_on_edge else AROUND
        ends = [best.position[place] - around, best.position[place] + around, *points[:, place]]
        axes_of.append(np.linspace(min(ends) - MARGIN, max(ends) + MARGIN, DENSE))
    xs, ys = np.meshgrid(*axes_of)
    there = activity.at(xs, ys)
    limit, good = activity.equilibrium_potential, best.limiting_potential
    ends = [limit + STEP, good + STEP] if reaction.is_reduction else [limit - STEP, good - STEP]
    ends += [good - DEPTH if reaction.is_reduction else good + DEPTH]
    low, high = min(ends), max(ends)
    colours = ScalarMappable(Normalize(low, high), colormaps[COLOURMAP if reaction.is_reduction else f"{COLOURMAP}_r"])
    levels = np.arange(np.floor(low / STEP), np.ceil(high / STEP) + 1) * STEP
    names, notes = short_names(shown)
    with rc_context(common.STYLE):
        figure = common.sheet(columns, 100 if columns == 2 else 80)
        axes = figure.subplots()
        filled = np.clip(there.limiting_potential, levels[0], levels[-1])
        axes.contourf(xs, ys, filled, levels, cmap=colours.get_cmap(), norm=colours.norm)
        borders = _regions(axes, axes_of, there, points)
        style: dict[str, Any] = {
            "marker": "*",
            "ms": 11,
            "color": "#EE6677",
            "mec": "black",
            "mew": 0.6,
            "ls": "none",
            "zorder": 4,
        }
        handles: list[Artist] = [*axes.plot(*best.position, label=top_text(best), **style)]
        handles += scatter(axes, shown, points)
        axes.set_xlim(axes_of[0][0], axes_of[0][-1])
        axes.set_ylim(axes_of[1][0], axes_of[1][-1])
        axes.spines[["top", "right"]].set_visible(True)
        axes.set_xlabel(descriptor_label(activity.descriptors[0]))
        axes.set_ylabel(descriptor_label(activity.descriptors[1]))
        bar = figure.colorbar(colours, ax=axes, extend="min" if reaction.is_reduction else "max", pad=0.01)
        bar.set_label(common.math(label("limiting_potential").header))
        text = f"thermodynamic limit, {label('equilibrium_potential').text(limit)} V"
        handles.append(bar.ax.axhline(limit, color="black", lw=2.5, label=text))
        bar.ax.axhline(good, color="#EE6677", lw=2.5)
        if not reaction.is_reduction:
            bar.ax.invert_yaxis()
        common.finish(figure, reaction.title, handles, below=columns == 1)
        off = np.abs(activity.at(*points.T).limiting_potential - [float(d["limiting_potential"]) for d in shown])
        notes.append(f"Sites lie {off.mean():.2f} V off the colours on average.")
        scaled = [f"{relation.text} ({source_of(relation)})" for relation in activity.relations]
        notes += [f"Scaling: {'; '.join(scaled)}."] if scaled else []
        if lacking := len(determined) - len(shown):
            notes.append(f"Without both descriptors: {lacking} sites.")
        common.annotate(figure, [*notes, *common.notes(documents)])
        clear = np.vstack([borders, _letters(figure, axes), np.array([best.position])])
        name_sites(figure, axes, names, points, clear, halo=True)
        common.write(figure, target)
    return figure


def _regions(axes: Axes, grid: Sequence[np.ndarray], there: Landscape, points: np.ndarray) -> np.ndarray:
    """Outline where each step limits, and write it where there is room; return what names are to keep clear of."""
    from scipy.ndimage import distance_transform_edt

    taken = []
    for number in np.unique(there.step):
        own = there.step == number
        outlines = axes.contour(*grid, own.astype(float), [0.5], colors="white", linewidths=1.0)
        taken += [part for parts in outlines.allsegs for part in parts]
        # distances to what is not the region, the frame and sites among it
        own[np.searchsorted(grid[1], points[:, 1]), np.searchsorted(grid[0], points[:, 0])] = False
        room = distance_transform_edt(np.pad(own, 1))[1:-1, 1:-1]
        row, column = np.unravel_index(int(room.argmax()), room.shape)
        if room[row, column] >= ROOM:
            axes.text(
                grid[0][column],
                grid[1][row],
                common.species(there.steps[number]).replace("\n", " ").replace("→ ", "→\n"),
                ha="center",
                va="center",
                fontsize=6.5,
                style="italic",
                path_effects=[withStroke(linewidth=1.8, foreground="white")],
                gid="region",
            )
    return np.vstack(taken) if taken else np.empty((0, 2))


def _letters(figure: Figure, axes: Axes) -> np.ndarray:
    """Return points that cover the names of regions, in data coordinates."""
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    found = [np.empty((0, 2))]
    for text in axes.texts:
        box = text.get_window_extent().padded(EDGE)
        across, up = np.meshgrid(np.linspace(box.x0, box.x1, LETTERS), np.linspace(box.y0, box.y1, LETTERS))
        found.append(axes.transData.inverted().transform(np.column_stack([across.ravel(), up.ravel()])))
    return np.vstack(found)
