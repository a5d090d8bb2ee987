"""Network: the states of a reaction as a graph, with the steps as the energies of one site colour them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from atomsieve.analysis.labels import label
from atomsieve.analysis.plots import figure as common
from atomsieve.analysis.plots.figure import GREY, Document
from atomsieve.analysis.sums import Ledger, StepSum
from atomsieve.analysis.surroundings import Surroundings
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.reaction import Reaction
from atomsieve.structures.state import State, Step

#: Downhill is blue, uphill red; told apart with any kind of colour vision.
COLOURS = "RdBu_r"
#: Beyond it colours are full, eV.
FULL = 1.5
#: How often the order within columns is improved.
SWEEPS = 24
#: Inches from column to column, and from row to row.
ACROSS, DOWN = 1.25, 0.62

#: A state, or a place that a step passes on its way over a column.
Place = State | tuple[Step, int]


@dataclass(frozen=True)
class Layout:
    """Where the states of a network are drawn.

    Parameters
    ----------
    columns : tuple of int
        By column, how many (H+ + e-) have been transferred there.
    places : mapping
        Column and height of each state, and of each column that a step passes on its way.
    """

    columns: tuple[int, ...]
    places: Mapping[Place, tuple[int, float]]

    def way(self, step: Step) -> np.ndarray:
        """Return the points that a step passes, shape (n, 2)."""
        first, last = self.places[step.start][0], self.places[step.end][0]
        between: list[Place] = [(step, column) for column in range(first + 1, last)]
        return np.array([self.places[place] for place in (step.start, *between, step.end)], dtype=float)


def layout(reaction: Reaction) -> Layout:
    """Place the states of a network in columns by the pairs of H+ and e- transferred, few lines crossing.

    States that follow each other by other steps get columns of their own between those of the next pairs. Within a
    column each place comes to the mean height of its neighbours, over and over again (Sugiyama et al. 1981, doi
    10.1109/TSMC.1981.4308636).
    """
    rank = _ranks(reaction)
    keys = sorted(set(rank.values()))
    column = {state: keys.index(key) for state, key in rank.items()}
    links: list[tuple[Place, Place]] = []
    members: list[list[Place]] = [[] for _ in keys]
    for state in reaction.states:
        members[column[state]].append(state)
    for step in reaction.steps:
        chain: list[Place] = [step.start]
        for between in range(column[step.start] + 1, column[step.end]):
            members[between].append((step, between))
            chain.append((step, between))
        chain.append(step.end)
        links += pairwise(chain)
    return Layout(tuple(pairs for pairs, _ in keys), _heights(members, links))


def _ranks(reaction: Reaction) -> dict[State, tuple[int, int]]:
    """Return by state the pairs transferred, and how many other steps have been made at that count."""
    start = reaction.start.composition.get("H", 0)
    rank = {state: (abs(state.composition.get("H", 0) - start), 0) for state in reaction.states}
    for _ in reaction.states:
        for step in reaction.steps:
            (pairs, own), (there, others) = rank[step.start], rank[step.end]
            if pairs == there:
                rank[step.end] = (there, max(others, own + 1))
    # what ends the network stands alone
    last = max(rank.values())
    rank[reaction.end] = (last[0], last[1] + (sum(entry == last for entry in rank.values()) > 1))
    return rank


def _heights(members: Sequence[list[Place]], links: Iterable[tuple[Place, Place]]) -> dict[Place, tuple[int, float]]:
    before: dict[Place, list[Place]] = {}
    after: dict[Place, list[Place]] = {}
    for one, other in links:
        after.setdefault(one, []).append(other)
        before.setdefault(other, []).append(one)
    heights = {place: float(n) - (len(own) - 1) / 2 for own in members for n, place in enumerate(own)}
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        for own in members if forward else reversed(members):
            neighbours = before if forward else after
            means = {
                place: float(np.mean([heights[other] for other in near]))
                if (near := neighbours.get(place))
                else heights[place]
                for place in own
            }
            own.sort(key=means.__getitem__)
            for n, place in enumerate(own):
                heights[place] = float(n) - (len(own) - 1) / 2
    return {place: (x, heights[place]) for x, own in enumerate(members) for place in own}


def network(
    potentials: Iterable[LimitingPotential | Document],
    rows: Iterable[AdsorptionEnergy],
    around: Surroundings,
    path: str | Path,
) -> Figure:
    """Draw the network of a reaction with the energies of the best site.

    Parameters
    ----------
    potentials : iterable of LimitingPotential or mapping
        Of one reaction and one method.
    rows : iterable of AdsorptionEnergy
        The rows that they stand on, found by their keys.
    around : Surroundings
        Those they were found in.
    path : str or Path
        Where to write; ``.png``, ``.svg`` or ``.pdf``.

    Returns
    -------
    Figure
        What was written: columns by the pairs of H+ and e- transferred, steps coloured by ΔG at 0 V against RHE, the
        cheapest path bold, and hollow what has no free energy.

    Raises
    ------
    InputError
        If there is nothing to draw, reactions or methods differ, or the suffix is another.
    """
    documents = [common.document(entry) for entry in potentials]
    target, reaction = common.target(path), common.one_reaction(documents)
    best = (common.determined(documents) or documents)[0]
    keys = set(best["adsorption_energies"].values())
    ledger = Ledger({row.adsorbate: row for row in rows if row.key in keys}, around)
    places = layout(reaction)
    cheapest: set[Step] = set()
    if best["limiting_potential"] is not None:
        states = [State.parse(state["text"]) for state in best["states"]]
        cheapest = {Step(one, other) for one, other in pairwise(states)}
    heights = [height for _, height in places.places.values()]
    steps = {step: ledger.step(step) for step in reaction.steps}
    colours = ScalarMappable(Normalize(-FULL, FULL), colormaps[COLOURS])
    with rc_context(common.STYLE):
        size = (ACROSS * len(places.columns) + 2.4, DOWN * (max(heights) - min(heights) + 1) + 1.9)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        for step, own in steps.items():
            _draw_step(axes, places.way(step), own, colours, is_bold=step in cheapest)
        leaving = _leaving(reaction)
        on_path = {state for step in cheapest for state in (step.start, step.end)}
        for state in reaction.states:
            _draw_state(
                axes,
                state,
                places.places[state],
                leaving.get(state, []),
                is_known=ledger.state(state).free is not None,
                is_bold=state in on_path,
            )
        axes.set_xlim(-0.6, len(places.columns) - 0.4)
        axes.set_ylim(min(heights) - 0.8, max(heights) + 0.7)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xticks(range(len(places.columns)), [str(pairs) for pairs in places.columns])
        axes.tick_params(axis="x", length=0)
        axes.set_xlabel(f"H⁺ + e⁻ {'taken up' if reaction.is_reduction else 'given off'}")
        figure.colorbar(colours, ax=axes, label="ΔG of a step at 0 V vs RHE (eV)", extend="both", shrink=0.8, pad=0.01)
        title = f"{reaction.title}: {best['site']['label']}"
        if best["limiting_potential"] is not None:
            title += f", path {best['path']}, U_L\u00a0=\u00a0{common.number(best)} {label('limiting_potential').unit}"
        common.finish(figure, common.math(title), [], "")
        axes.legend(
            handles=_legend(), loc="upper center", bbox_to_anchor=(0.5, 1.1), ncols=4, frameon=False, fontsize=7.5
        )
        others = [document for document in documents if document is not best]
        notes = common.notes([best])
        if others:
            notes = [f"The site with the lowest overpotential of {len(documents)}.", *notes]
        common.annotate(figure, notes)
        common.write(figure, target)
    return figure


def _legend() -> list[Line2D]:
    return [
        Line2D([], [], color=GREY, lw=3.5, label="cheapest path"),
        Line2D([], [], color=GREY, lw=1.4, label="other step"),
        Line2D([], [], color=GREY, lw=1.4, ls=(0, (3, 1.5)), label="step without H⁺ + e⁻"),
        Line2D([], [], color="#aaaaaa", lw=0.9, ls=(0, (1, 2)), label="not determined"),
    ]


def _leaving(reaction: Reaction) -> dict[State, list[str]]:
    """Return by state what leaves there, as it is written below it."""
    found: dict[State, list[str]] = {}
    for chain in reaction.leaves:
        origin = next(state for state in reaction.states if state.species == chain[0].species)
        products = [common.species(name) for name in chain[-1].free if name != "H2O"]
        own = found.setdefault(origin, [])
        own += [product for product in products if product not in own]
    return found


def _draw_step(axes: Axes, way: np.ndarray, own: StepSum, colours: ScalarMappable, *, is_bold: bool) -> None:
    # a curve that leaves and arrives level
    parts = np.linspace(0, 1, 24)[:, None]
    eased = parts * parts * (3 - 2 * parts)
    pieces = [
        np.hstack([one[0] + (other[0] - one[0]) * parts, one[1] + (other[1] - one[1]) * eased])
        for one, other in pairwise(way)
    ]
    x, y = np.vstack(pieces).T
    if own.free_at_zero is None:
        axes.plot(x, y, color="#aaaaaa", lw=0.9, ls=(0, (1, 2)), zorder=1)
        return
    pairs = own.kind == "proton-electron"
    axes.plot(
        x,
        y,
        color=colours.to_rgba(np.array([own.free_at_zero / (abs(own.electrons) if pairs else 1)]))[0],
        lw=3.8 if is_bold else 1.6,
        ls="-" if pairs else (0, (3, 1.5)),
        zorder=3 if is_bold else 2,
        # pale colours near zero need an edge
        path_effects=[withStroke(linewidth=4.8 if is_bold else 2.2, foreground="#999999")] if pairs else None,
    )


def _draw_state(
    axes: Axes, state: State, place: tuple[int, float], leaves: Sequence[str], *, is_known: bool, is_bold: bool
) -> None:
    axes.text(
        *place,
        common.species(state.text),
        ha="center",
        va="center",
        fontsize=7.5,
        fontweight="bold" if is_bold else "normal",
        color="black" if is_known else "#777777",
        bbox={
            "boxstyle": "round,pad=0.25",
            "facecolor": "#eeeeee" if is_known else "white",
            "edgecolor": "black" if is_bold else "#777777",
            "linewidth": 1.3 if is_bold else 0.7,
            "linestyle": "-" if is_known else (0, (2, 2)),
        },
        zorder=5,
    )
    if leaves:
        below = 0.24 + 0.13 * common.species(state.text).count("\n")
        axes.text(
            place[0],
            place[1] - below,
            f"↓ {', '.join(leaves)}",
            ha="center",
            va="top",
            fontsize=6,
            color=GREY,
            zorder=6,
        )
