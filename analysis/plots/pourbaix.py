"""Pourbaix: which state covers a site, drawn over pH and potential."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Polygon
from matplotlib.path import Path as Outline
from matplotlib.patheffects import withStroke

from atomsieve.analysis.envelope import Region
from atomsieve.analysis.labels import label, potential_label
from atomsieve.analysis.planes import VACANT
from atomsieve.analysis.plots import figure as common
from atomsieve.analysis.plots.figure import DASHES, GREY, STYLE
from atomsieve.analysis.pourbaix import Diagram
from atomsieve.analysis.resting import BARE
from atomsieve.structures.molecule import molecule
from atomsieve.structures.units import nernst_slope

#: The "light" scheme of P. Tol (SRON/EPS/TN/09-002), made for areas with words on them and told apart with any kind of
#: colour vision; those first that differ most from the ones before.
FILLS = ("#77AADD", "#EE8866", "#EEDD88", "#AAAA00", "#44BB99", "#99DDFF", "#FFAABB", "#BBCC33")
#: What these states have in every diagram.
FIXED = {BARE: "#DDDDDD", "OH*": FILLS[0], "O*": FILLS[1], "H*": FILLS[2]}
#: What tells apart more states than there are colours.
HATCHES = ("", "///", "...", "xxx")
#: Inches of the panel, and of a letter and a line of its labels.
WIDTH, HEIGHT = 4.3, 3.9
LETTER, LINE = 0.078, 0.15
#: Points along each axis that are tried for a label, and the room around it, in halves of its size, that is enough.
TRIED = 60
ENOUGH = 2.0


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
        File to write, PNG, SVG or PDF.
    title : str
        Above it.
    mark : (float, float), optional
        pH and potential (V on the diagram's scale) of the campaign.
    notes : iterable of str
        Below it.

    Returns
    -------
    Figure
        Written already.

    Raises
    ------
    InputError
        If the file is neither PNG, SVG nor PDF.
    """
    target = common.target(path)
    colours = _colours(found)
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH + 2.3, HEIGHT + 0.8), layout="constrained")
        panel = figure.add_subplot()
        beside = []
        water = _water(panel, found)
        for region in found.regions:
            fill, hatch = colours[region.state]
            panel.add_patch(
                Polygon(region.corners, facecolor=fill, hatch=hatch, edgecolor=GREY, linewidth=0.8, joinstyle="round")
            )
            if not _write_inside(panel, region, found, water, fill) and region.state not in beside:
                beside.append(region.state)
        handles: list[Artist] = [_swatch(state, *colours[state]) for state in beside]
        handles += water
        if mark is not None and _is_within(mark, found):
            style: dict[str, Any] = {
                "color": "black",
                "markersize": 6,
                "markeredgecolor": "white",
                "zorder": 4,
                "clip_on": False,
            }
            handles += panel.plot(*mark, "o", label="conditions", **style)
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
    """Return fill and hatch of each state: those of FIXED, so that diagrams compare, the others from the largest on."""
    sizes: dict[str, float] = {}
    for region in found.regions:
        sizes[region.state] = sizes.get(region.state, 0.0) + region.area
    return styles(sorted(sizes, key=lambda state: (-sizes[state], state)))


def styles(states: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return fill and hatch of states, those of FIXED and of others in the order given."""
    fills = [fill for fill in FILLS if fill not in FIXED.values()]
    others = enumerate(state for state in states if state not in FIXED)
    own = {state: (fills[k % len(fills)], HATCHES[k // len(fills) % len(HATCHES)]) for k, state in others}
    return {state: (fill, "") for state, fill in FIXED.items()} | own


def _name(state: str) -> str:
    """Write a state; of a site that has lost its metals, what these are now."""
    bare = state.removesuffix(f" + {VACANT}")
    return common.species(bare if bare == state else f"{bare} (aq)")


def _write_inside(panel: Axes, region: Region, found: Diagram, lines: Sequence[Line2D], fill: str) -> bool:
    """Write a state's name where there is most room for it in its region; tell whether there is any."""
    text = _name(region.state)
    words = text.split("\n")
    half = np.array([max(map(len, words)) * LETTER, len(words) * LINE]) / 2
    scale = np.array([WIDTH / (found.ph[1] - found.ph[0]), HEIGHT / (found.potentials[1] - found.potentials[0])])
    origin = np.array([found.ph[0], found.potentials[0]])
    ring = (np.array(region.corners) - origin) * scale
    axes = [np.linspace(*ends, TRIED + 2)[1:-1] for ends in zip(ring.min(axis=0), ring.max(axis=0), strict=True)]
    middles = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    # the corners of the name and the middles of its sides lie in the region
    outline = Outline([*ring, ring[0]])
    around = np.array([(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)]) * half
    middles = middles[np.all([outline.contains_points(middles + shift) for shift in around], axis=0)]
    if not len(middles):
        return False
    # in units of the name's own size: distances to the sides, and to lines across
    across = [_dense((np.array(own.get_xydata()) - origin) * scale) for own in lines]
    points = np.concatenate([_dense(ring, closed=True), *across])
    room = np.abs((middles[:, None] - points) / half).max(axis=-1).min(axis=1)
    # where there is enough, the middle of the region is better than more of it
    off = np.linalg.norm(middles - ring.mean(axis=0), axis=1)
    place = middles[(np.minimum(room, ENOUGH) - off / (WIDTH + HEIGHT)).argmax()] / scale + origin
    # to be read on hatches too
    halo = [withStroke(linewidth=3, foreground=fill)]
    panel.text(place[0], place[1], text, ha="center", va="center", fontsize=9, path_effects=halo)
    return True


def _dense(line: np.ndarray, *, closed: bool = False) -> np.ndarray:
    """Return points along a line, less than a letter apart."""
    ends = np.concatenate([line[1:], line[:1]]) if closed else line[1:]
    shares = np.linspace(0, 1, 4 * TRIED)[:, None]
    return np.concatenate([a + shares * (b - a) for a, b in zip(line, ends, strict=False)])


def _swatch(state: str, fill: str, hatch: str) -> Patch:
    name = _name(state).replace("\n", " ")
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
