"""Callout: names beside the points of a plot, none upon another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

#: Distances from the point that are tried, in points; the first that fits is taken.
RADII = (7, 12, 19, 28, 40, 54, 72, 95)
#: Directions that are tried, degrees: to the right first, as a reader expects.
ANGLES = (0, 40, -40, 180, 140, -140, 90, -90, 65, -65, 115, -115, 20, -20, 160, -160)
#: Beyond this distance (points) a thin line leads from the name to its point.
LEADER = 10
#: Half the width that a point takes up, in points.
POINT = 3.5
#: Leaders that come nearer than this cross, in points.
CROSSING = 1.0
#: Points between two names on a line.
GAP = 2.5
#: Points beyond which a leader may pass over others: there is no way between them.
CROWD = 60
#: From the side of a name that its leader ends at to the fraction of its box.
_RELATIVE = {"left": 0.0, "bottom": 0.0, "center": 0.5, "right": 1.0, "top": 1.0}


@dataclass(frozen=True)
class _Place:
    box: Bbox
    offset: tuple[float, float]
    horizontal: str
    vertical: str
    leader: np.ndarray


def place_names(
    figure: Figure,
    axes: Axes,
    points: np.ndarray,
    names: Sequence[str],
    lines: np.ndarray,
    *,
    size: float = 7.0,
    halo: bool = False,
) -> int:
    """Write a name beside each point, clear of points, lines and other names.

    Parameters
    ----------
    figure : Figure
        With its final size and limits.
    axes : Axes
        Where the points are drawn.
    points, lines : ndarray, shape (n, 2)
        Data coordinates; lines are given as dense points. Earlier points choose their place first.
    names : sequence of str
        One for each point.
    size : float
        Size of the font, points.
    halo : bool
        Whether letters have a white edge, to be read on colours.

    Returns
    -------
    int
        Names that found no place and are left out.
    """
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    pixels = figure.dpi / 72
    frame = axes.get_window_extent()
    spots = axes.transData.transform(points) if len(points) else np.empty((0, 2))
    taken: list[Bbox] = []
    leaders: list[np.ndarray] = [np.empty((0, 2))]
    drawn = axes.transData.transform(lines)
    left_out = 0
    for number, name in enumerate(names):
        text = axes.annotate(name, points[number], fontsize=size, color="#222222", zorder=4)
        text.set_in_layout(False)
        extent = text.get_window_extent()
        others = np.delete(spots, number, axis=0)
        found = None
        for place in _places(spots[number], extent.width, extent.height, pixels):
            led = np.vstack(leaders)
            inside = frame.x0 <= place.box.x0 and place.box.x1 <= frame.x1
            inside = inside and frame.y0 <= place.box.y0 and place.box.y1 <= frame.y1
            if (
                inside
                and not any(place.box.overlaps(box) for box in taken)
                and not _holds(place.box.padded(POINT * pixels), spots)
                and (len(place.leader) or _away(place.box, others) > _away(place.box, spots[number : number + 1]))
                and not _holds(place.box, drawn)
                and not _holds(place.box, led)
                and not any(_holds(box, place.leader) for box in taken)
                and (len(spots) > CROWD or not _touches(place.leader, others, POINT * pixels))
                and not _touches(place.leader, led, CROSSING * pixels)
            ):
                found = place
                break
        text.remove()
        if found is None:
            left_out += 1
            continue
        taken.append(found.box.padded(GAP * pixels, 0))
        leaders.append(found.leader)
        arrow = {
            "arrowstyle": "-",
            "linewidth": 0.4,
            "color": "#222222" if halo else "#999999",
            "shrinkA": 0,
            "relpos": (_RELATIVE[found.horizontal], _RELATIVE[found.vertical]),
        }
        note = axes.annotate(
            name,
            points[number],
            xytext=found.offset,
            textcoords="offset points",
            ha=found.horizontal,
            va=found.vertical,
            fontsize=size,
            color="#222222",
            zorder=4,
            arrowprops=arrow if len(found.leader) else None,
        )
        note.set_in_layout(False)
        if halo:
            note.set_path_effects([withStroke(linewidth=1.8, foreground="white")])
    return left_out


def _places(spot: np.ndarray, width: float, height: float, pixels: float) -> list[_Place]:
    places = []
    for radius in RADII:
        for angle in ANGLES:
            dx, dy = radius * np.cos(np.radians(angle)), radius * np.sin(np.radians(angle))
            horizontal = "center" if abs(dx) < 0.3 * radius else "left" if dx > 0 else "right"
            vertical = "center" if abs(dy) < 0.3 * radius else "bottom" if dy > 0 else "top"
            x, y = spot + np.array([dx, dy]) * pixels
            x -= {"left": 0.0, "center": width / 2, "right": width}[horizontal]
            y -= {"bottom": 0.0, "center": height / 2, "top": height}[vertical]
            end = spot + np.array([dx, dy]) * pixels
            leader = np.linspace(spot, end, 60)[6:] if radius > LEADER else np.empty((0, 2))
            places.append(
                _Place(Bbox.from_bounds(x, y, width, height), (float(dx), float(dy)), horizontal, vertical, leader)
            )
    return places


def _holds(box: Bbox, points: np.ndarray) -> bool:
    x, y = points[:, 0], points[:, 1]
    return bool(np.any((x > box.x0) & (x < box.x1) & (y > box.y0) & (y < box.y1)))


def _away(box: Bbox, points: np.ndarray) -> float:
    """Return how far the nearest point is from a box; a name without a leader belongs to the nearest."""
    beyond = np.maximum(np.maximum(box.min - points, points - box.max), 0.0)
    return float(np.linalg.norm(beyond, axis=1).min(initial=np.inf))


def _touches(leader: np.ndarray, spots: np.ndarray, distance: float) -> bool:
    gaps = np.linalg.norm(leader[:, None] - spots[None, :], axis=-1)
    return bool(np.any(gaps < distance))
