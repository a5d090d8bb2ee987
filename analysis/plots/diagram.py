"""Diagram: the free energies along the cheapest paths of one or several sites, at several potentials."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from atomsieve.analysis.labels import label
from atomsieve.analysis.plots import figure as common
from atomsieve.analysis.plots.figure import COLOURS, GREY, Document
from atomsieve.structures import reaction as networks
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.state import Kind, State, kind_of
from atomsieve.structures.units import nernst_slope

#: Sites in a free-energy diagram; the levels of more cannot be told apart.
MOST_SITES = 10
#: Paths that get panels of their own.
MOST_PATHS = 4
#: mm that a state takes with its name.
STATE = 10.5
#: V within which two potentials are one.
SAME = 0.005
#: How the connector of a step is drawn that moves (H+ + e-), and of any other.
PAIRS, OTHERS = (0, (3, 2)), (0, (1, 1.5))


def free_energy_diagram(
    potentials: Iterable[LimitingPotential | Document],
    path: str | Path,
    *,
    most: int = MOST_SITES,
    at: Sequence[float] | None = None,
    columns: int = 2,
) -> Figure:
    """Draw the cheapest paths of one reaction on several sites, at several potentials.

    Sites with the same path share panels; other paths have panels of their own, so that ticks are true for all that is
    drawn above them.

    Parameters
    ----------
    potentials : iterable of LimitingPotential or mapping
        Of one reaction and one method. Those that are determined are drawn, the lowest overpotentials first; the others
        are named below the plot.
    path : str or Path
        Where to write; ``.png``, ``.svg`` or ``.pdf``.
    most : int
        How many sites are drawn, at most 10.
    at : sequence of float, optional
        V against RHE; 0, the limiting potential of the best site and the equilibrium potential unless given.
    columns : int
        1 or 2 columns of a journal.

    Returns
    -------
    Figure
        What was written.

    Raises
    ------
    InputError
        If there is nothing to draw, reactions or methods differ, or the suffix is another.
    """
    documents = [common.document(entry) for entry in potentials]
    target, reaction = common.target(path), common.one_reaction(documents)
    determined = common.determined(documents)
    paths: dict[tuple[str, ...], list[tuple[Document, str]]] = {}
    shown = list(zip(determined[:most], COLOURS, strict=False))
    for document, colour in shown:
        paths.setdefault(tuple(state["text"] for state in document["states"]), []).append((document, colour))
    if not paths:
        paths[tuple(state["text"] for state in documents[0]["states"])] = []
    left_out = sum(len(own) for own in list(paths.values())[MOST_PATHS:])
    paths = dict(list(paths.items())[:MOST_PATHS])
    voltages = voltages_of((determined or documents)[0], at)
    # as many panels beside each other as there is room for the names of their states
    across = min(len(voltages), max(1, int(common.WIDTHS.get(columns, 0.0) / (STATE * max(map(len, paths))))))
    deep = -(-len(voltages) // across)
    with rc_context(common.STYLE):
        figure = common.sheet(columns, 52 * len(paths) * deep + 12)
        grid = figure.subplots(len(paths) * deep, across, squeeze=False).reshape(len(paths), deep * across)
        for row, (texts, own) in zip(grid, paths.items(), strict=True):
            for panel in row[len(voltages) :]:
                panel.remove()
            for panel, (voltage, what) in zip(row, voltages.items(), strict=False):
                _draw(panel, reaction, texts, own, voltage)
                panel.set_title(_title(documents[0], own, voltage, what, many=len(paths) > 1), fontsize=7)
            for panel in row[: len(voltages) : across]:
                panel.set_ylabel(label("free").header)
        handles = [
            Line2D([], [], color=c, linewidth=2.5, label=f"{d['site']['label']}  {common.number(d)}")
            for own in paths.values()
            for d, c in own
        ]
        if any(len(set(_kinds(document))) > 1 for own in paths.values() for document, _ in own):
            handles += [
                Line2D([], [], color=GREY, lw=0.9, ls=PAIRS, label="H⁺ + e⁻"),
                Line2D([], [], color=GREY, lw=0.9, ls=OTHERS, label="other step"),
            ]
        notes = []
        if len(determined) > len(shown) or left_out:
            drawn = len(shown) - left_out
            notes.append(f"Shown: the {drawn} lowest overpotentials of {len(determined)} sites.")
        heading = f"site, {common.math(label('limiting_potential').header)}"
        common.finish(figure, reaction.title, handles, heading, below=True)
        common.annotate(figure, [*notes, *common.notes(documents)])
        common.write(figure, target)
    return figure


def voltages_of(document: Document, at: Sequence[float] | None = None) -> dict[float, str]:
    """Return the potentials (V against RHE) at which to draw, and what each is; equal ones once."""
    if at is not None:
        return dict.fromkeys(map(float, at), "")
    named = [(0.0, ""), (float(document["equilibrium_potential"]), "equilibrium")]
    if document["limiting_potential"] is not None:
        what = common.math(f"U_L of {document['site']['label']}")
        named.insert(1, (float(document["limiting_potential"]), what))
    found: dict[float, str] = {}
    for value, what in named:
        near = next((other for other in found if abs(other - value) < SAME), value)
        found[near] = what or found.get(near, "")
    return found


def _title(document: Document, own: Sequence[tuple[Document, str]], voltage: float, what: str, *, many: bool) -> str:
    text = f"U = {label('potential').text(voltage)} {label('potential').unit}"
    ph = float(document["conditions"].get("pH", 0.0))
    # only a step with an electron and no proton, or the other way round, feels the pH on this scale
    if ph and any({"electron", "proton"} & set(_kinds(shown)) for shown, _ in own):
        text += f", pH {ph:g}"
    if what:
        text += f"\n({what})" if what != "equilibrium" else " (equilibrium)"
    return f"path {own[0][0]['path']}:\n{text}" if many and own else text


def _kinds(document: Document) -> list[Kind]:
    # older documents know proton-electron steps alone
    return [kind_of(step["electrons"], step.get("protons", step["electrons"])) for step in document["steps"]]


def _draw(
    panel: Axes, reaction: networks.Reaction, texts: Sequence[str], own: Sequence[tuple[Document, str]], voltage: float
) -> None:
    """Draw bars with connectors; zero is the reduced end of the path."""
    panel.axhline(0, color="#dddddd", linewidth=0.7, zorder=0)
    bare = [not State.parse(text).adsorbed for text in texts]
    for document, colour in own:
        conditions = document["conditions"]
        slope = nernst_slope(float(conditions["temperature"])) * float(conditions.get("pH", 0.0))
        moved = [
            step["electrons"] * voltage + (step.get("protons", step["electrons"]) - step["electrons"]) * slope
            for step in document["steps"]
        ]
        levels = np.array([state["free"] for state in document["states"]], dtype=float) + np.cumsum([0, *moved])
        levels -= levels[-1 if reaction.is_reduction else 0]
        kinds = _kinds(document)
        for x, level in enumerate(levels):
            # the bare site with its molecules is the same for all
            ink = GREY if bare[x] else colour
            panel.plot([x - 0.3, x + 0.3], [level, level], color=ink, linewidth=2.0, solid_capstyle="butt", gid="level")
            if x:
                style = PAIRS if kinds[x - 1] == "proton-electron" else OTHERS
                panel.plot([x - 0.7, x - 0.3], [levels[x - 1], level], color=colour, lw=0.9, ls=style, zorder=1)
    panel.set_xticks(range(len(texts)), [common.species(text) for text in texts], fontsize=6)
    panel.set_xlim(-0.5, len(texts) - 0.5)
    panel.tick_params(axis="x", length=0)
