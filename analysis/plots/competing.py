"""Competing paths: the cheapest path of a reaction on one site, its alternatives, and the paths of its rivals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from atomsieve.analysis.labels import label
from atomsieve.analysis.pathways import search
from atomsieve.analysis.plots import figure as common
from atomsieve.analysis.plots.callouts import place_names
from atomsieve.analysis.plots.diagram import OTHERS, PAIRS, voltages_of
from atomsieve.analysis.plots.figure import COLOURS, Document
from atomsieve.analysis.surroundings import Surroundings
from atomsieve.structures import reaction as networks
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.errors import InputError
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.state import State, Step

#: Alternatives of the cheapest path that are drawn.
MOST = 3
#: Half the width of a level, in columns, and points along a line that names keep clear of.
HALF, DENSE = 0.2, 40

Column = tuple[int, int]


@dataclass(frozen=True)
class Way:
    """A path as it is drawn.

    Parameters
    ----------
    name : str
        What the legend says.
    states : tuple of State
        From the reactants on.
    is_rival : bool
        Whether it belongs to another reaction.
    """

    name: str
    states: tuple[State, ...]
    is_rival: bool = False

    @property
    def columns(self) -> tuple[Column, ...]:
        """By state the pairs of H+ and e- transferred, and the other steps made since."""
        found: list[Column] = [(0, 0)]
        for one, other in pairwise(self.states):
            step, (pairs, others) = Step(one, other), found[-1]
            is_pair = step.kind == "proton-electron"
            found.append((pairs + abs(step.electrons), 0) if is_pair else (pairs, others + 1))
        return tuple(found)


def competing_paths(
    potential: LimitingPotential | Document,
    rows: Iterable[AdsorptionEnergy | Document],
    around: Surroundings,
    path: str | Path,
    *,
    at: Sequence[float] | None = None,
    columns: int = 2,
) -> Figure:
    """Draw the free energies along the paths that compete on one site, at several potentials.

    Parameters
    ----------
    potential : LimitingPotential or mapping
        Of the reaction on the site.
    rows : iterable of AdsorptionEnergy or mapping
        Of the site, by the same method; others are left out.
    around : Surroundings
        Free energies of the molecules, and pH.
    path : str or Path
        Where to write; ``.png``, ``.svg`` or ``.pdf``.
    at : sequence of float, optional
        V against RHE; 0, the limiting potential and the equilibrium potential unless given.
    columns : int
        1 or 2 columns of a journal.

    Returns
    -------
    Figure
        What was written: the cheapest path, the alternatives that the limiting potential lists, at most three, and the
        cheapest path of each reaction that competes, all from the bare site on.

    Raises
    ------
    InputError
        If the limiting potential is undetermined, or the suffix is another.
    """
    document, target = common.document(potential), common.target(path)
    reaction, site = networks.reaction(str(document["reaction"])), document["site"]
    if document["limiting_potential"] is None:
        raise InputError(f"{reaction.name} on {site['label']} is undetermined: {document['undetermined']}")
    free = {
        str(row["adsorbate"]): row["free"]
        for row in map(common.document, rows)
        if (row["site"]["key"], row["method"]["key"]) == (site["key"], document["method"]["key"])
    }
    ways = _ways(document, reaction, free, around)
    keys = sorted({column for way in ways for column in way.columns})
    voltages = voltages_of(document, at)
    with rc_context(common.STYLE):
        figure = common.sheet(columns, 58 * len(voltages) + 12)
        panels = figure.subplots(len(voltages), 1, squeeze=False)[:, 0]
        drawn = [
            _draw(panel, ways, keys, _levels(ways, free, around, voltage))
            for panel, voltage in zip(panels, voltages, strict=True)
        ]
        for panel, (voltage, what) in zip(panels, voltages.items(), strict=True):
            text = f"U = {label('potential').text(voltage)} {label('potential').unit}"
            panel.set_title(f"{text} ({what})" if what else text, fontsize=7, loc="left")
            panel.set_ylabel(label("free").header)
            panel.set_xticks(range(len(keys)), [str(pairs) if not others else "" for pairs, others in keys])
            panel.margins(y=0.15)
        panels[-1].set_xlabel(f"H⁺ + e⁻ {'taken up' if reaction.is_reduction else 'given off'}")
        handles = [
            Line2D([], [], color=colour, lw=2.0, label=way.name, ls="-" if not way.is_rival else (0, (2, 1)))
            for way, colour in zip(ways, COLOURS, strict=False)
        ]
        common.finish(figure, f"{reaction.title}: {site['label']}", handles, below=True)
        common.annotate(figure, common.remarks([document]))
        for panel, (points, names, lines) in zip(panels, drawn, strict=True):
            place_names(figure, panel, points, names, lines, size=6.0)
        common.write(figure, target)
    return figure


def _ways(
    document: Document, reaction: networks.Reaction, free: Mapping[str, float | None], around: Surroundings
) -> list[Way]:
    measure = label("limiting_potential")

    def name(path: str, value: float) -> str:
        return common.math(f"{path}, {measure.symbol} = {measure.text(value).replace('-', '−')} V")

    def states(texts: Iterable[str]) -> tuple[State, ...]:
        return tuple(map(State.parse, texts))

    own = states(str(state["text"]) for state in document["states"])
    ways = [Way(name(f"cheapest: {document['path']}", float(document["limiting_potential"])), own)]
    ways += [
        Way(name(f"alternative: {entry['path']}", entry["limiting_potential"]), states(entry["states"]))
        for entry in document["alternatives"][:MOST]
    ]
    for other in reaction.competes:
        best = search(networks.reaction(other), free, around).best
        if best.limiting_potential is not None:
            ways.append(Way(name(other, best.limiting_potential), best.path.states, is_rival=True))
    return ways


def _levels(
    ways: Sequence[Way], free: Mapping[str, float | None], around: Surroundings, voltage: float
) -> list[np.ndarray]:
    """Return the free energy of each state against the first, eV."""
    found = []
    for way in ways:
        start = way.states[0]
        steps = [Step(start, state) for state in way.states]
        found.append(np.array([around.change(step, free) + around.shift(step, voltage) for step in steps], dtype=float))
    return found


def _draw(
    panel: Axes, ways: Sequence[Way], keys: Sequence[Column], levels: Sequence[np.ndarray]
) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Draw levels with connectors; return points to name, their names, and what names keep clear of."""
    panel.axhline(0, color="#dddddd", linewidth=0.7, zorder=0)
    named: dict[tuple[int, float, str], None] = {}
    lines = []
    # the cheapest path lies on top
    for order, (way, own, colour) in enumerate(zip(ways, levels, COLOURS, strict=False)):
        places = [keys.index(column) for column in way.columns]
        for x, level, state in zip(places, own, way.states, strict=True):
            panel.plot(
                [x - HALF, x + HALF],
                [level, level],
                color=colour,
                lw=2.6 if not order else 1.8,
                ls=(0, (2, 1)) if way.is_rival else "-",
                solid_capstyle="butt",
                zorder=9 - order,
            )
            if x or not way.is_rival:
                named[x, round(float(level), 3), common.species(state.text).replace("\n", " ")] = None
            lines.append(np.column_stack([np.linspace(x - HALF, x + HALF, DENSE), np.full(DENSE, level)]))
        for (one, other), (low, high), pair in zip(pairwise(places), pairwise(own), pairwise(way.states), strict=True):
            style = PAIRS if Step(*pair).kind == "proton-electron" else OTHERS
            ends = one + HALF, other - HALF
            panel.plot(ends, [low, high], color=colour, lw=0.8, ls=style, zorder=3 - 0.1 * order)
            lines.append(np.column_stack([np.linspace(*ends, DENSE), np.linspace(low, high, DENSE)]))
    return np.array([(x, y) for x, y, _ in named]), [text for *_, text in named], np.vstack(lines)
