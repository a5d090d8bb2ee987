"""Volcano: limiting potentials of many sites against the descriptor of a reaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from atomsieve.analysis.labels import label
from atomsieve.analysis.pathways import search
from atomsieve.analysis.plots import figure as common
from atomsieve.analysis.plots.callouts import place_names
from atomsieve.analysis.plots.figure import COLOURS, DASHES, GREY, MARKERS, Document
from atomsieve.analysis.surroundings import surroundings
from atomsieve.structures import reaction as networks
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.limiting import LimitingPotential

#: ΔG(OOH*) - ΔG(OH*), eV, known to ±0.2 over metals and oxides (Man et al. 2011, doi 10.1002/cctc.201000397).
OOH_SCALING = 3.2


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
    "HOR": Descriptor("free_H", lambda free: free["H"], lambda x: {"H": x}, _EXACT),
}


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
    descriptor, target = DESCRIPTORS[reaction], common.target(path)
    documents = [d for d in map(common.document, potentials) if d["reaction"] == reaction]
    path_of = common.one_reaction(documents)
    determined = common.determined(documents)
    free = {str(row["key"]): row["free"] for row in map(common.document, rows)}
    points = np.array(
        [[descriptor.of(_energies(d, free)), d["limiting_potential"]] for d in determined], dtype=float
    ).reshape(-1, 2)
    curve = _legs(path_of, descriptor, points[:, 0])
    families = sorted({str(d["site"]["family"]) for d in determined})
    equilibrium = path_of.equilibrium_potential
    with rc_context(common.STYLE):
        figure = Figure(figsize=(8.6, 5.0), layout="constrained")
        axes = figure.subplots()
        text = f"equilibrium, {label('equilibrium_potential').text(equilibrium)} V"
        handles = [
            *axes.plot(*curve.T, color=GREY, linewidth=1.2, zorder=1, label=descriptor.assumption),
            axes.axhline(equilibrium, color=GREY, linewidth=0.9, linestyle=DASHES, zorder=1, label=text),
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
        axes.set_ylabel(common.math(label("limiting_potential").header))
        common.finish(figure, path_of.title, handles, "")
        names, tail = _short_names([str(d["site"]["label"]) for d in determined])
        notes = [f"Labels are short for …{tail}."] if tail else []
        bars = sorted({label("error_bar").text(d["error_bar"]) for d in determined})
        notes += [f"Vertical bars: ±{' to '.join(bars)} V."] if bars else []
        common.annotate(figure, [*notes, *common.notes(documents)])
        lines = np.vstack([curve, np.column_stack([curve[:, 0], np.full(len(curve), equilibrium)])])
        if left_out := place_names(figure, axes, points, names, lines):
            axes.set_title(f"{left_out} of {len(names)} points unlabelled for want of room", fontsize=7, loc="right")
        common.write(figure, target)
    return figure


def _energies(document: Document, free: Mapping[str, float]) -> dict[str, float]:
    for name, key in document["adsorption_energies"].items():
        if free.get(key) is None:
            raise InputError(
                f"{document['site']['label']}: the row of {name}* ({key[:8]}) is missing; pass every row that the "
                "limiting potentials stand on"
            )
    return {name: free[key] for name, key in document["adsorption_energies"].items()}


def _legs(reaction: networks.Reaction, descriptor: Descriptor, xs: np.ndarray) -> np.ndarray:
    """Return (x, U_L) along the volcano, over all points and at least 0.8 eV around its top; shape (n, 2)."""
    around = surroundings()

    def at(grid: np.ndarray, attribute: str) -> np.ndarray:
        paths = [search(reaction, descriptor.scaled(float(x)), around).best for x in grid]
        return np.array([getattr(p, attribute) for p in paths], dtype=float)

    wide = np.linspace(-2, 6, 801)
    top = wide[np.argmin(at(wide, "overpotential"))]
    grid = np.linspace(min([top - 0.8, *xs]) - 0.2, max([top + 0.8, *xs]) + 0.2, 500)
    return np.column_stack([grid, at(grid, "limiting_potential")])


def _short_names(names: Sequence[str]) -> tuple[list[str], str]:
    """Drop what all labels end in from an ``@`` on, to leave room; the note below the plot says it once."""
    tails = {name.partition("@")[2] for name in names}
    tail = f"@{tails.pop()}" if len(tails) == 1 and len(names) > 1 else ""
    return ([name.removesuffix(tail) for name in names], tail) if tail != "@" else (list(names), "")
