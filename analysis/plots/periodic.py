"""Periodic table: a quantity of the best site of each metal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from atomsieve.analysis.labels import Label, label
from atomsieve.analysis.one_method import of_one_method
from atomsieve.analysis.plots import figure as common
from atomsieve.analysis.plots.figure import COLOURMAP, Document
from atomsieve.analysis.trends.pareto import BETTER, Sense
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.errors import InputError
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.stability import Stability

#: Fill of a metal of which nothing is known.
BLANK = "#e6e6e6"
#: Periods that are drawn, and where the rows of the f block begin.
PERIODS, F_BLOCK = range(2, 7), 7.4
#: B and Si are no metals of sites; the metalloids of later periods are.
LIGHT = 3
#: Luminance (0 to 1) below which letters are white.
DARK = 0.2


def periodic_table(
    records: Iterable[LimitingPotential | AdsorptionEnergy | Stability | Document],
    values: Sequence[float | None],
    quantity: str,
    path: str | Path,
    *,
    title: str,
    sense: Sense | None = None,
    notes: Iterable[str] = (),
    columns: int = 2,
) -> Figure:
    """Draw the periodic table with a quantity of the best site of each metal.

    Parameters
    ----------
    records : iterable of LimitingPotential, AdsorptionEnergy, Stability or mapping
        Of one method; one a site. A site of several metals stands in the cell of each.
    values : sequence of (float or None)
        The quantity, in their order; None where it is not known.
    quantity : str
        Its name in labels.yaml.
    path : str or Path
        Where to write; ``.png``, ``.svg`` or ``.pdf``.
    title : str
        Above it.
    sense : {"low", "high"}, optional
        Which of a metal's sites is the best; as :data:`~atomsieve.analysis.trends.pareto.BETTER` has it unless given.
    notes : iterable of str
        What else to say below.
    columns : int
        1 or 2 columns of a journal.

    Returns
    -------
    Figure
        What was written: the value of the best site in each cell, and how many sites of the metal have one where there
        are several. Metals of which nothing is known are grey.

    Raises
    ------
    InputError
        If nothing is known, values are not one a record, methods differ, or the suffix is another.
    """
    documents, target, measure = [common.document(record) for record in records], common.target(path), label(quantity)
    of_one_method(documents)
    if len(values) != len(documents):
        raise InputError(f"{len(documents)} sites have {len(values)} values of {measure.label}; pass one for each")
    is_high_good = (BETTER[quantity] if sense is None else sense) == "high"
    found: dict[str, list[float]] = {}
    for document, value in zip(documents, values, strict=True):
        for metal in dict.fromkeys(document["site"]["metals"]) if value is not None else ():
            found.setdefault(str(metal), []).append(float(value or 0.0))
    if not found:
        raise InputError(f"{measure.label} is known of no site; nothing can be drawn")
    best = {metal: (max(own) if is_high_good else min(own)) for metal, own in found.items()}
    low, high = min(best.values()), max(best.values())
    # a single value has a colour too
    room = 0.05 if high - low < 0.01 else 0.0
    # what is good is bright in each of them
    colours = ScalarMappable(
        Normalize(low - room, high + room), colormaps[COLOURMAP if is_high_good else f"{COLOURMAP}_r"]
    )
    places = {metal: place for metal, place in _places().items() if place[1] < F_BLOCK or _has_f(found)}
    with rc_context(common.STYLE):
        figure = common.sheet(columns, (72 if _has_f(found) else 56) * (1.0 if columns == 2 else 0.55))
        axes = figure.subplots()
        for metal, place in places.items():
            _cell(axes, metal, place, found.get(metal, []), best.get(metal), colours, measure, columns)
        axes.set_xlim(0.9, 19.1)
        axes.set_ylim((8.6 if _has_f(found) else 7.1), 1.9)
        axes.set_aspect("equal")
        axes.axis("off")
        bar = figure.colorbar(colours, ax=axes, shrink=0.6 if columns == 2 else 0.8, aspect=25, pad=0.01)
        bar.set_label(common.math(measure.header))
        bar.outline.set_linewidth(0.5)
        common.finish(figure, title, [])
        several = any(len(own) > 1 for own in found.values())
        below = ["Of several sites of a metal the best is shown; the small number says how many."] if several else []
        if any(len(set(document["site"]["metals"])) > 1 for document in documents):
            below.append("A site of several metals stands in the cell of each.")
        elsewhere = sorted(found.keys() - places.keys())
        below += [f"Not in the table: {', '.join(elsewhere)}."] if elsewhere else []
        common.annotate(figure, [*notes, *below, *common.remarks(documents)])
        common.write(figure, target)
    return figure


def _has_f(found: Iterable[str]) -> bool:
    return any(_places().get(metal, (0.0, 0.0))[1] >= F_BLOCK for metal in found)


def _cell(
    axes: Axes,
    metal: str,
    place: tuple[float, float],
    own: Sequence[float],
    best: float | None,
    colours: ScalarMappable,
    measure: Label,
    columns: int,
) -> None:
    column, row = place
    fill: Any = BLANK if best is None else colours.to_rgba(np.array([best]))[0]
    axes.add_patch(Rectangle((column, row), 0.94, 0.94, facecolor=fill, edgecolor="none"))
    large, small = (6.5, 4.8) if columns == 2 else (4.5, 2.9)
    if best is None:
        axes.text(column + 0.47, row + 0.36, metal, ha="center", va="center", fontsize=large, color="#888888")
        return
    # relative luminance, as WCAG has it but for the linear part
    luminance = float(np.dot(np.asarray(fill[:3]) ** 2.2, [0.2126, 0.7152, 0.0722]))
    ink = "white" if luminance < DARK else "black"
    axes.text(column + 0.47, row + 0.36, metal, ha="center", va="center", fontsize=large, color=ink, fontweight="bold")
    value = measure.text(best).replace("-", "−")
    axes.text(column + 0.47, row + 0.74, value, ha="center", va="center", fontsize=small, color=ink, gid="value")
    if len(own) > 1:
        axes.text(
            column + 0.9, row + 0.05, str(len(own)), ha="right", va="top", fontsize=0.8 * small, color=ink, gid="number"
        )


@cache
def _places() -> dict[str, tuple[float, float]]:
    """Return column and row of each metal, and of the metalloids from Ge on."""
    from pymatgen.core.periodic_table import Element

    found: dict[str, tuple[float, float]] = {}
    for element in Element:
        if element.row not in PERIODS or not (element.is_metal or (element.is_metalloid and element.row > LIGHT)):
            continue
        if element.is_lanthanoid and element.symbol != "La":
            found[element.symbol] = (element.Z - 54.0, F_BLOCK)
        else:
            found[element.symbol] = (float(element.group), float(element.row))
    return found
