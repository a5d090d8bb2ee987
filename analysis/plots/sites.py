"""Sites: how they are drawn and named in a plot, one or hundreds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from atomsieve.analysis.labels import label, labels
from atomsieve.analysis.plots.callouts import place_names
from atomsieve.analysis.plots.figure import COLOURS, GREY, MARKERS, MM, WIDTHS, Document
from atomsieve.analysis.plots.figure import document as document_of
from atomsieve.analysis.trends.activity import Activity
from atomsieve.analysis.trends.descriptor import Descriptor
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.errors import InputError

#: Families that have a style of their own; the smaller ones of more share one.
MOST_FAMILIES = 10
#: Sites up to which all are named, and how many of the best of more, in a figure of one column and of two.
NAMED, BEST = {1: 10, 2: 30}, {1: 5, 2: 10}
#: Points across a marker, of up to so many sites, and of more.
LARGE, MANY, SMALL = 5.0, 60, 3.5


@dataclass(frozen=True)
class Family:
    """Sites that look alike in a plot.

    Parameters
    ----------
    name : str
        What the legend says.
    colour, marker : str
        Theirs alone.
    members : list of int
        Which of the sites.
    """

    name: str
    colour: str
    marker: str
    members: list[int]


def families(documents: Sequence[Document]) -> list[Family]:
    """Return the families of sites, the largest with a style of their own, with the number of their sites."""
    own = [str(document["site"]["family"]) for document in documents]
    counts = Counter(own)
    kept = sorted(sorted(counts, key=lambda name: (-counts[name], name))[:MOST_FAMILIES])
    found = [
        Family(
            f"{name} ({counts[name]})",
            COLOURS[number % len(COLOURS)],
            MARKERS[number % len(MARKERS)],
            [place for place, other in enumerate(own) if other == name],
        )
        for number, name in enumerate(kept)
    ]
    rest = [place for place, name in enumerate(own) if name not in kept]
    if rest:
        found.append(Family(f"{len(counts) - len(kept)} other families ({len(rest)})", GREY, MARKERS[-1], rest))
    return found


def scatter(axes: Axes, documents: Sequence[Document], points: np.ndarray) -> list[Artist]:
    """Draw a marker for each site in the style of its family; return what the legend shows.

    Parameters
    ----------
    axes : Axes
        Where.
    documents : sequence of mapping
        One a site.
    points : ndarray, shape (n, 2)
        Data coordinates.
    """
    size = LARGE if len(documents) <= MANY else SMALL
    handles: list[Artist] = []
    for family in families(documents):
        x, y = points[family.members].T
        style: dict[str, Any] = {
            "color": family.colour,
            "marker": family.marker,
            "ms": size,
            "mec": "white",
            "mew": 0.4,
        }
        handles += axes.plot(x, y, ls="none", zorder=3, label=family.name, gid="sites", **style)
    return handles


def places(
    documents: Sequence[Document], rows: Iterable[AdsorptionEnergy | Document], activity: Activity
) -> tuple[list[Document], np.ndarray]:
    """Return sites of which the descriptors are known, and where these put them.

    Parameters
    ----------
    documents : sequence of mapping
        Limiting potentials.
    rows : iterable of AdsorptionEnergy or mapping
        The rows that they stand on, found by their keys.
    activity : Activity
        Its descriptors.

    Returns
    -------
    list of mapping, ndarray of shape (n, descriptors)
        Energies in eV.

    Raises
    ------
    InputError
        If a row is missing.
    """
    free = {str(row["key"]): row["free"] for row in map(document_of, rows)}
    parts = {name for descriptor in activity.descriptors for name in descriptor.parts}
    found, points = [], []
    for document in documents:
        own = {name: key for name, key in document["adsorption_energies"].items() if name in parts}
        for name, key in own.items():
            if key not in free:
                raise InputError(
                    f"{document['site']['label']}: the row of {name}* ({key[:8]}) is missing; pass every row that the "
                    "limiting potentials stand on"
                )
        energies = {name: free[key] for name, key in own.items() if free[key] is not None}
        if energies.keys() >= parts:
            found.append(document)
            points.append(activity.place(energies))
    return found, np.array(points, dtype=float).reshape(-1, len(activity.descriptors))


def descriptor_label(descriptor: Descriptor) -> str:
    """Return symbol and unit of a descriptor."""
    if descriptor.quantity in labels():
        return label(descriptor.quantity).header
    symbols = [label(f"free_{name}").symbol for name in descriptor.parts]
    return f"{' - '.join(symbols)} ({label('free').unit})"


def short_names(documents: Sequence[Document]) -> tuple[list[str], list[str]]:
    """Return the labels of sites without what all end in from an ``@`` on, and the note that says what that is."""
    names = [str(document["site"]["label"]) for document in documents]
    tails = {name.partition("@")[2] for name in names}
    tail = f"@{tails.pop()}" if len(tails) == 1 and len(names) > 1 else ""
    if tail in ("", "@"):
        return names, []
    return [name.removesuffix(tail) for name in names], [f"Labels are short for …{tail}."]


def name_sites(
    figure: Figure,
    axes: Axes,
    names: Sequence[str],
    points: np.ndarray,
    lines: np.ndarray,
    first: Sequence[int] = (),
    *,
    halo: bool = False,
) -> None:
    """Write names beside points, of many those of the best alone, and above the plot how many have none.

    Parameters
    ----------
    figure, axes : Figure, Axes
        With their final size and limits.
    names : sequence of str
        One a site, the best first.
    points, lines : ndarray, shape (n, 2)
        Data coordinates; lines as dense points.
    first : sequence of int
        Sites that matter more than the best: outliers, members of a front.
    halo : bool
        Whether names stand on coloured ground.
    """
    columns = 1 if figure.get_size_inches()[0] < (WIDTHS[1] + WIDTHS[2]) / 2 * MM else 2
    wanted = list(dict.fromkeys([*first, *range(len(names) if len(names) <= NAMED[columns] else BEST[columns])]))
    chosen = set(wanted)
    order = [*wanted, *(place for place in range(len(names)) if place not in chosen)]
    # takes its room before places are found
    title = axes.set_title(" ", fontsize=6.5, loc="right", color=GREY)
    left_out = place_names(figure, axes, points[order], [names[place] for place in wanted], lines, size=6.0, halo=halo)
    if missing := len(names) - len(wanted) + left_out:
        title.set_text(f"{missing} of {len(names)} sites are not named")
