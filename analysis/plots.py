"""Figure: free-energy diagrams and volcanoes of one reaction over many sites."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from atomsieve.analysis.callouts import place_names
from atomsieve.analysis.labels import NOT_PREDICTIVE, label
from atomsieve.analysis.pathways import search
from atomsieve.analysis.surroundings import surroundings
from atomsieve.analysis.table import of_one_method
from atomsieve.structures import reaction as networks
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.method import Method

Document = Mapping[str, Any]

#: Sites in a free-energy diagram; the levels of more cannot be told apart.
MOST_SITES = 10
#: ΔG(OOH*) - ΔG(OH*), eV, known to ±0.2 over metals and oxides (Man et al. 2011, doi 10.1002/cctc.201000397).
OOH_SCALING = 3.2
#: The "muted" scheme of P. Tol (SRON/EPS/TN/09-002): told apart with any kind of colour vision.
COLOURS = ("#332288", "#CC6677", "#117733", "#88CCEE", "#882255", "#DDCC77", "#44AA99", "#AA4499", "#999933", "#222222")
# eleven, so that with ten colours 110 families differ
MARKERS = "osD^vPXphd<"

_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "svg.fonttype": "none",
    "svg.hashsalt": "atomsieve",
}
_GREY = "#555555"
_DASHES = (0, (5, 3))
_SUFFIXES = (".png", ".svg")
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True)
class Descriptor:
    """What limits a reaction, in one number.

    Parameters
    ----------
    quantity : str
        Its name in labels.yaml.
    of : callable
        From ΔG by adsorbate (eV) to the descriptor (eV).
    scaled : callable
        From the descriptor to ΔG by adsorbate, as scaling relations have it.
    assumption : str
        What the scaling assumes.
    """

    quantity: str
    of: Callable[[Mapping[str, float]], float]
    scaled: Callable[[float], dict[str, float]]
    assumption: str


_SCALED = f"scaling: ΔG(OOH*) =\nΔG(OH*) + {OOH_SCALING} eV,\ndoi 10.1002/cctc.201000397"
_EXACT = "legs of this path (exact)"
#: By reaction. For ORR O* lies halfway between OH* and OOH*, where it never limits; for OER ΔG(OH*) lies where neither
#: the first step nor the last one does.
DESCRIPTORS: Mapping[str, Descriptor] = {
    "ORR": Descriptor(
        "free_OH",
        lambda free: free["OH"],
        lambda x: {"OH": x, "O": x + OOH_SCALING / 2, "OOH": x + OOH_SCALING},
        _SCALED,
    ),
    "OER": Descriptor(
        "free_O-OH",
        lambda free: free["O"] - free["OH"],
        lambda x: {"OH": 0.86, "O": 0.86 + x, "OOH": 0.86 + OOH_SCALING},
        _SCALED,
    ),
    "ORR-2e": Descriptor("free_OOH", lambda free: free["OOH"], lambda x: {"OOH": x}, _EXACT),
    "HER": Descriptor("free_H", lambda free: free["H"], lambda x: {"H": x}, _EXACT),
}


def free_energy_diagram(
    potentials: Iterable[LimitingPotential | Document], path: str | Path, *, most: int = MOST_SITES
) -> Figure:
    """Draw the states of one reaction on several sites, at 0 V and at the equilibrium potential.

    Parameters
    ----------
    potentials : iterable of LimitingPotential or mapping
        Of one reaction and one method. Those that are determined are drawn, the lowest overpotentials first; the others
        are named below the plot.
    path : str or Path
        Where to write; ``.png`` or ``.svg``.
    most : int
        How many sites are drawn, at most 10.

    Returns
    -------
    Figure
        What was written.

    Raises
    ------
    InputError
        If there is nothing to draw, reactions or methods differ, or the suffix is another.
    """
    documents = [_document(entry) for entry in potentials]
    target, reaction = _target(path), _one_reaction(documents)
    determined = _determined(documents)
    shown = list(zip(determined[:most], COLOURS, strict=False))
    equilibrium = reaction.equilibrium_potential
    voltages = [0.0] if abs(equilibrium) < 1e-9 else [0.0, equilibrium]
    with rc_context(_STYLE):
        size = (0.95 * len(reaction.states) * len(voltages) + 2.8, 4.2)
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(1, len(voltages), squeeze=False)[0]
        for panel, voltage in zip(panels, voltages, strict=True):
            panel.axhline(0, color="#dddddd", linewidth=0.7, zorder=0)
            for document, colour in shown:
                _draw_levels(panel, reaction, document, voltage, colour)
            at = " (equilibrium)" if voltage == equilibrium or len(voltages) == 1 else ""
            panel.set_title(f"U = {label('potential').text(voltage)} {label('potential').unit}{at}", fontsize=9)
            panel.set_xticks(range(len(reaction.states)), [_species(s.text) for s in reaction.states], fontsize=8)
            panel.set_xlim(-0.5, len(reaction.states) - 0.5)
            panel.tick_params(axis="x", length=0)
        panels[0].set_ylabel(label("free").header)
        handles = [
            Line2D([], [], color=c, linewidth=2.5, label=f"{d['site']['label']}  {_number(d)}") for d, c in shown
        ]
        notes = []
        if len(determined) > len(shown):
            notes.append(f"Shown: the {len(shown)} lowest overpotentials of {len(determined)} sites.")
        _finish(figure, reaction.title, handles, f"site, {_math(label('limiting_potential').header)}")
        _annotate(figure, [*notes, *_notes(documents)])
        _write(figure, target)
    return figure


def volcano(
    potentials: Iterable[LimitingPotential | Document],
    rows: Iterable[AdsorptionEnergy | Document],
    path: str | Path,
    reaction: str,
) -> Figure:
    """Draw limiting potentials against the descriptor of a reaction, with the legs that scaling gives.

    The descriptor is ΔG(OH*) for ORR, ΔG(O*) - ΔG(OH*) for OER, ΔG(OOH*) for ORR-2e and ΔG(H*) for HER.

    Parameters
    ----------
    potentials : iterable of LimitingPotential or mapping
        Of one method; those of other reactions are left out.
    rows : iterable of AdsorptionEnergy or mapping
        The rows that they stand on, found by their keys.
    path : str or Path
        Where to write; ``.png`` or ``.svg``.
    reaction : str
        Its name.

    Returns
    -------
    Figure
        What was written. Better is up: the axis of an oxidation runs downwards.

    Raises
    ------
    InputError
        If the reaction has no volcano, there is nothing to draw, a row is missing, methods differ, or the suffix is
        another.
    """
    if reaction not in DESCRIPTORS:
        raise InputError(unknown(reaction, DESCRIPTORS, "reaction with a volcano"))
    descriptor, target = DESCRIPTORS[reaction], _target(path)
    documents = [d for d in map(_document, potentials) if d["reaction"] == reaction]
    path_of = _one_reaction(documents)
    determined = _determined(documents)
    free = {str(row["key"]): row["free"] for row in map(_document, rows)}
    points = np.array(
        [[descriptor.of(_energies(d, free)), d["limiting_potential"]] for d in determined], dtype=float
    ).reshape(-1, 2)
    curve = _legs(path_of, descriptor, points[:, 0])
    families = sorted({str(d["site"]["family"]) for d in determined})
    equilibrium = path_of.equilibrium_potential
    with rc_context(_STYLE):
        figure = Figure(figsize=(8.6, 5.0), layout="constrained")
        axes = figure.subplots()
        text = f"equilibrium, {label('equilibrium_potential').text(equilibrium)} V"
        handles = [
            *axes.plot(*curve.T, color=_GREY, linewidth=1.2, zorder=1, label=descriptor.assumption),
            axes.axhline(equilibrium, color=_GREY, linewidth=0.9, linestyle=_DASHES, zorder=1, label=text),
        ]
        for number, family in enumerate(families):
            colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
            mine = [i for i, d in enumerate(determined) if d["site"]["family"] == family]
            x, y = points[mine].T
            errors = [float(determined[i]["error_bar"]) for i in mine]
            axes.errorbar(x, y, yerr=errors, fmt="none", ecolor="#dddddd", elinewidth=0.8, zorder=0)
            handles += axes.plot(
                x, y, color=colour, marker=marker, ls="none", ms=6, mec="white", mew=0.5, zorder=3, label=family
            )
        axes.set_xlim(curve[0, 0], curve[-1, 0])
        ends = [*points[:, 1], equilibrium, *np.quantile(curve[:, 1], [0.25, 0.75])]
        bottom, top = min(ends) - 0.25, max(ends) + 0.25
        axes.set_ylim(*((bottom, top) if path_of.is_reduction else (top, bottom)))
        axes.set_xlabel(label(descriptor.quantity).header)
        axes.set_ylabel(_math(label("limiting_potential").header))
        _finish(figure, path_of.title, handles, "")
        names, tail = _short_names([str(d["site"]["label"]) for d in determined])
        notes = [f"Labels are short for …{tail}."] if tail else []
        bars = sorted({label("error_bar").text(d["error_bar"]) for d in determined})
        notes += [f"Vertical bars: ±{' to '.join(bars)} V."] if bars else []
        _annotate(figure, [*notes, *_notes(documents)])
        lines = np.vstack([curve, np.column_stack([curve[:, 0], np.full(len(curve), equilibrium)])])
        if left_out := place_names(figure, axes, points, names, lines):
            axes.set_title(f"{left_out} of {len(names)} points unlabelled for want of room", fontsize=7, loc="right")
        _write(figure, target)
    return figure


def _document(entry: LimitingPotential | AdsorptionEnergy | Document) -> Document:
    return entry.to_dict() if isinstance(entry, LimitingPotential | AdsorptionEnergy) else entry


def _one_reaction(documents: Sequence[Document]) -> networks.Reaction:
    names = sorted({str(document["reaction"]) for document in documents})
    if len(names) != 1:
        raise InputError(f"a figure shows one reaction, and got {', '.join(names) or 'none'}; select one")
    of_one_method(documents)
    return networks.reaction(names[0])


def _determined(documents: Iterable[Document]) -> list[Document]:
    known = [d for d in documents if d["limiting_potential"] is not None]
    return sorted(known, key=lambda d: (float(d["overpotential"]), str(d["site"]["label"])))


def _energies(document: Document, free: Mapping[str, float]) -> dict[str, float]:
    for name, key in document["adsorption_energies"].items():
        if free.get(key) is None:
            raise InputError(
                f"{document['site']['label']}: the row of {name}* ({key[:8]}) is missing; pass every row that the "
                "limiting potentials stand on"
            )
    return {name: free[key] for name, key in document["adsorption_energies"].items()}


def _target(path: str | Path) -> Path:
    target = Path(path)
    if target.suffix.lower() not in _SUFFIXES:
        raise InputError(unknown(target.suffix, _SUFFIXES, "kind of figure"))
    return target


def _legs(reaction: networks.Reaction, descriptor: Descriptor, xs: np.ndarray) -> np.ndarray:
    """Return (x, U_L) along the volcano, over all points and at least 0.8 eV around its top; shape (n, 2)."""

    def at(grid: np.ndarray, attribute: str) -> np.ndarray:
        paths = [search(reaction, descriptor.scaled(float(x)), surroundings()).best for x in grid]
        return np.array([getattr(p, attribute) for p in paths], dtype=float)

    wide = np.linspace(-2, 6, 801)
    top = wide[np.argmin(at(wide, "overpotential"))]
    grid = np.linspace(min([top - 0.8, *xs]) - 0.2, max([top + 0.8, *xs]) + 0.2, 500)
    return np.column_stack([grid, at(grid, "limiting_potential")])


def _draw_levels(panel: Axes, reaction: networks.Reaction, document: Document, voltage: float, colour: str) -> None:
    """Draw bars with dashed connectors; zero is the reduced end of the path."""
    taken = np.cumsum([0, *(step["electrons"] for step in document["steps"])])
    levels = np.array([state["free"] for state in document["states"]], dtype=float) + taken * voltage
    levels -= levels[-1 if reaction.is_reduction else 0]
    for x, level in enumerate(levels):
        # the bare site with its molecules is the same for all
        own = colour if reaction.states[x].adsorbed else _GREY
        panel.plot([x - 0.3, x + 0.3], [level, level], color=own, linewidth=2.5, solid_capstyle="butt")
        if x:
            panel.plot([x - 0.7, x - 0.3], [levels[x - 1], level], color=colour, lw=0.8, ls=(0, (3, 2)), zorder=1)


def _species(text: str) -> str:
    """Write a state on lines of its own, with subscripts: ``O*`` over ``+ H₂O``."""
    words = [w.translate(_SUBSCRIPTS) if not w.isdigit() else w for w in text.split()]
    return " ".join(words).replace(" + ", "\n+ ")


def _math(text: str) -> str:
    return text.replace("U_L", r"$U_\mathrm{L}$")


def _number(document: Document) -> str:
    return label("limiting_potential").text(document["limiting_potential"]).replace("-", "−")


def _short_names(names: Sequence[str]) -> tuple[list[str], str]:
    """Drop what all labels end in from an ``@`` on, to leave room; the note below the plot says it once."""
    tails = {name.partition("@")[2] for name in names}
    tail = f"@{tails.pop()}" if len(tails) == 1 and len(names) > 1 else ""
    return ([name.removesuffix(tail) for name in names], tail) if tail != "@" else (list(names), "")


def _notes(documents: Sequence[Document]) -> list[str]:
    missing = [d for d in documents if d["limiting_potential"] is None]
    notes = []
    if missing:
        # with many the reasons would outgrow the figure; the table has them
        texts = [
            f"{d['site']['label']} ({d['undetermined']})" if len(missing) <= 6 else d["site"]["label"] for d in missing
        ]
        notes.append(f"Not determined: {', '.join(texts)}.")
    method = documents[0]["method"]
    if not Method.from_dict(method).is_predictive:
        notes.append(f"{NOT_PREDICTIVE} ({method['calculator']})")
    return notes


def _finish(figure: Figure, title: str, handles: Sequence[Line2D], heading: str) -> None:
    figure.suptitle(title[0].upper() + title[1:], x=0.01, ha="left", fontsize=11)
    if handles:
        figure.legend(
            handles=handles, title=heading, loc="outside right upper", frameon=False, fontsize=8, title_fontsize=8
        )


def _annotate(figure: Figure, notes: Iterable[str]) -> None:
    width, height = figure.get_size_inches()
    lines = [line for note in notes for line in textwrap.wrap(note, int(width * 15), break_on_hyphens=False)]
    if lines:
        figure.set_size_inches(width, height + 0.14 * len(lines))
        figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=7.5, color=_GREY)


def _write(figure: Figure, target: Path) -> None:
    metadata = {"Date": None} if target.suffix.lower() == ".svg" else {"Software": None}
    figure.savefig(target, dpi=200, metadata=metadata)
