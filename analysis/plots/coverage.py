"""Coverage: which state of each site rests at which potential, as bars."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from atomsieve.analysis.labels import label
from atomsieve.analysis.plots import figure as common
from atomsieve.analysis.plots.figure import DASHES, GREY, Document
from atomsieve.analysis.plots.pourbaix import styles
from atomsieve.analysis.resting import Window
from atomsieve.structures.errors import InputError
from atomsieve.structures.limiting import LimitingPotential

#: Sites that are drawn; names of more cannot be read.
MOST_SITES = 30
#: V that are shown beyond 0 V, the limiting potentials and the equilibrium.
MARGIN = 0.5
#: mm that a bar takes.
BAR = 4.2


def coverage(
    potentials: Iterable[LimitingPotential | Document],
    resting: Mapping[str, Sequence[Window]],
    path: str | Path,
    *,
    most: int = MOST_SITES,
    columns: int = 2,
) -> Figure:
    """Draw what rests on each site over the potential, with the limiting potential of a reaction.

    Parameters
    ----------
    potentials : iterable of LimitingPotential or mapping
        Of one reaction and one method, one a site.
    resting : mapping of str to sequence of Window
        What rests where, by the key of the site; see :func:`~atomsieve.analysis.resting.windows`.
    path : str or Path
        Where to write; ``.png``, ``.svg`` or ``.pdf``.
    most : int
        How many sites are drawn, those of the lowest overpotentials.
    columns : int
        1 or 2 columns of a journal.

    Returns
    -------
    Figure
        What was written: a bar for each site, the best on top, coloured as Pourbaix diagrams are.

    Raises
    ------
    InputError
        If nothing is known of any site, reactions or methods differ, or the suffix is another.
    """
    documents = [common.document(entry) for entry in potentials]
    target, reaction = common.target(path), common.one_reaction(documents)
    determined = common.determined(documents)
    known = [*determined, *(d for d in documents if d["limiting_potential"] is None)]
    known = [document for document in known if resting.get(str(document["site"]["key"]))]
    if not known:
        raise InputError(f"of no site of {reaction.name} is known what rests on it; it takes O*, OH* or H*")
    shown = known[:most]
    spans = [resting[str(document["site"]["key"])] for document in shown]
    equilibrium = float(shown[0]["equilibrium_potential"])
    limiting = [document["limiting_potential"] for document in shown]
    ends = [0.0, equilibrium, *(float(value) for value in limiting if value is not None)]
    low, high = min(ends) - MARGIN, max(ends) + MARGIN
    states = {window.state for own in spans for window in own if window.low < high and window.high > low}
    fills = {state: style for state, style in styles(sorted(states)).items() if state in states}
    with rc_context(common.STYLE):
        figure = common.sheet(columns, 26 + BAR * len(shown))
        axes = figure.subplots()
        for row, own in enumerate(spans):
            for window in own:
                left, right = max(window.low, low), min(window.high, high)
                if window.state in fills and left < right:
                    fill, hatch = fills[window.state]
                    axes.barh(
                        row, right - left, 0.8, left, color=fill, hatch=hatch, edgecolor="white", lw=0.6, gid="window"
                    )
        handles: list[Artist] = [
            Patch(facecolor=fill, hatch=hatch, edgecolor="white", label=common.species(state))
            for state, (fill, hatch) in fills.items()
        ]
        marked = [(value, row) for row, value in enumerate(limiting) if value is not None]
        if marked:
            mark: dict[str, Any] = {
                "ls": "none",
                "marker": "D",
                "ms": 4.0,
                "color": "black",
                "mec": "white",
                "mew": 0.5,
            }
            axes.plot(*np.array(marked, dtype=float).T, zorder=4, gid="sites", **mark)
            text = common.math(f"{label('limiting_potential').symbol} of {reaction.name}")
            handles.append(Line2D([], [], label=f"{text}, bare site", **mark))
        text = f"equilibrium, {label('equilibrium_potential').text(equilibrium)} V"
        handles.append(axes.axvline(equilibrium, color=GREY, lw=0.9, ls=DASHES, zorder=3, label=text))
        axes.set_xlim(low, high)
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.set_yticks(range(len(shown)), [str(document["site"]["label"]) for document in shown], fontsize=6.5)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(label("potential").header)
        common.finish(figure, f"{reaction.title}: resting states", handles, below=columns == 1)
        notes = []
        if len(known) > len(shown):
            notes.append(f"Shown: the {len(shown)} lowest overpotentials of {len(known)} sites.")
        common.annotate(figure, [*notes, *common.remarks(documents)])
        common.write(figure, target)
    return figure
