"""Pourbaix: which state covers a site, drawn over pH and potential."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Polygon
from matplotlib.path import Path as Outline

from atomsieve.analysis.envelope import Region
from atomsieve.analysis.labels import label, potential_label
from atomsieve.analysis.plots import figure as common
from atomsieve.analysis.plots.figure import DASHES, GREY, STYLE
from atomsieve.analysis.pourbaix import Diagram
from atomsieve.analysis.resting import BARE
from atomsieve.structures.molecule import molecule
from atomsieve.structures.units import nernst_slope

#: The "light" scheme of P. Tol (SRON/EPS/TN/09-002), made for areas with words on them and told apart with any kind of
#: colour vision; its grey is for the bare site.
FILLS = ("#77AADD", "#EE8866", "#EEDD88", "#FFAABB", "#99DDFF", "#44BB99", "#BBCC33", "#AAAA00")
BARE_FILL = "#DDDDDD"
#: What tells apart more states than there are colours.
HATCHES = ("", "///", "...", "xxx")
#: Inches of the panel, and of a letter and a line of its labels.
WIDTH, HEIGHT = 4.3, 3.9
LETTER, LINE = 0.078, 0.15
#: Points along each axis that are tried for a label.
TRIED = 60


def pourbaix_plot(
    found: Diagram,
    path: str | Path,
    *,
    title: str,
    mark: tuple[float, float] | None = None,
    notes: Iterable[str] = (),
) -> Figure:
    """Draw a Pourbaix diagram, with the lines between which water is stable.

    Parameters
    ----------
    found : Diagram
        The regions.
    path : str or Path
        File to write, PNG or SVG.
    title : str
        Above it.
    mark : (float, float), optional
        pH and potential (V on the diagram's scale) of the campaign.
    notes : iterable of str
        Below it.

    Raises
    ------
    InputError
        If the file is neither PNG nor SVG.
    """
    target = common.target(path)
    colours = _colours(found)
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH + 2.3, HEIGHT + 0.8), layout="constrained")
        panel = figure.add_subplot()
        beside = []
        for region in found.regions:
            fill, hatch = colours[region.state]
            panel.add_patch(
                Polygon(region.corners, facecolor=fill, hatch=hatch, edgecolor=GREY, linewidth=0.8, joinstyle="round")
            )
            if not _write_inside(panel, region, found) and region.state not in beside:
                beside.append(region.state)
        handles: list[Artist] = [_swatch(state, *colours[state]) for state in beside]
        handles += _water(panel, found)
        if mark is not None and _is_within(mark, found):
            handles += panel.plot(*mark, "o", color="black", markersize=5, markeredgecolor="white", label="campaign")
        panel.set_xlim(*found.ph)
        panel.set_ylim(*found.potentials)
        panel.set_xlabel(label("pH").header)
        panel.set_ylabel(potential_label(found.scale).header)
        panel.spines[["top", "right"]].set_visible(True)
        common.finish(figure, title, handles, "")
        common.annotate(figure, notes)
        common.write(figure, target)
    return figure


def _colours(found: Diagram) -> dict[str, tuple[str, str]]:
    """Return fill and hatch of each state: grey for the bare one, colours from the largest region on."""
    sizes: dict[str, float] = {}
    for region in found.regions:
        sizes[region.state] = sizes.get(region.state, 0.0) + region.area
    others = sorted((state for state in sizes if state != BARE), key=lambda state: (-sizes[state], state))
    colours = {
        state: (FILLS[k % len(FILLS)], HATCHES[k // len(FILLS) % len(HATCHES)]) for k, state in enumerate(others)
    }
    return {BARE: (BARE_FILL, ""), **colours}


def _write_inside(panel: Axes, region: Region, found: Diagram) -> bool:
    """Write a state's name where there is most room for it in its region; tell whether there is any."""
    text = common.species(region.state)
    lines = text.split("\n")
    half = np.array([max(map(len, lines)) * LETTER, len(lines) * LINE]) / 2
    scale = np.array([WIDTH / (found.ph[1] - found.ph[0]), HEIGHT / (found.potentials[1] - found.potentials[0])])
    origin = np.array([found.ph[0], found.potentials[0]])
    ring = (np.array(region.corners) - origin) * scale
    low, high = ring.min(axis=0), ring.max(axis=0)
    axes = [np.linspace(a, b, TRIED + 2)[1:-1] for a, b in zip(low, high, strict=True)]
    middles = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    outline = Outline([*ring, ring[0]])
    # the label's corners and the middles of its sides lie in the region
    around = np.array([(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)]) * half
    inside = np.all([outline.contains_points(middles + shift) for shift in around], axis=0)
    if not inside.any():
        return False
    start, end = ring, np.roll(ring, -1, axis=0)
    along = end - start
    share = ((middles[inside, None] - start) * along).sum(-1) / (along**2).sum(-1)
    nearest = start + np.clip(share, 0, 1)[..., None] * along
    distances = np.linalg.norm((middles[inside, None] - nearest) / half, axis=-1).min(axis=1)
    place = middles[inside][distances.argmax()] / scale + origin
    panel.text(place[0], place[1], text, ha="center", va="center", fontsize=9)
    return True


def _swatch(state: str, fill: str, hatch: str) -> Patch:
    name = common.species(state).replace("\n", " ")
    return Patch(facecolor=fill, hatch=hatch, edgecolor=GREY, label=name)


def _water(panel: Axes, found: Diagram) -> list[Line2D]:
    """Draw the lines at which water is in equilibrium with its gases at 1 bar."""
    slope = nernst_slope(found.temperature) if found.scale == "SHE" else 0.0
    ends = np.array(found.ph)
    lines = []
    oxygen = molecule("O2").free(temperature=found.temperature) / 4
    for text, at_zero, style in (("O₂ / H₂O", oxygen, DASHES), ("H₂O / H₂", 0.0, (0, (1.5, 2)))):
        lines += panel.plot(ends, at_zero - slope * ends, color="black", linewidth=1.1, linestyle=style, label=text)
    return lines


def _is_within(mark: tuple[float, float], found: Diagram) -> bool:
    return all(low <= value <= high for value, (low, high) in zip(mark, (found.ph, found.potentials), strict=True))
