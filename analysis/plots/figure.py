"""Figure: what all plots share: size, style, colours, how species are written, notes below, the file."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from atomsieve.analysis.labels import NOT_PREDICTIVE, label
from atomsieve.analysis.one_method import of_one_method
from atomsieve.structures import reaction as networks
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.method import Method
from atomsieve.structures.stability import Stability

Document = Mapping[str, Any]

#: The "muted" scheme of P. Tol (SRON/EPS/TN/09-002): told apart with any kind of colour vision.
COLOURS = ("#332288", "#CC6677", "#117733", "#88CCEE", "#882255", "#DDCC77", "#44AA99", "#AA4499", "#999933", "#222222")
# eleven, so that with ten colours 110 families differ
MARKERS = "osD^vPXphd<"
GREY = "#555555"
DASHES = (0, (5, 3))
#: From dark to bright at an even pace, so that its order is seen with any kind of colour vision, and on paper.
COLOURMAP = "viridis"
#: Width of a figure, mm, by how many columns of a journal it takes; those of most publishers lie around these.
WIDTHS = {1: 85.0, 2: 170.0}
MM = 1 / 25.4
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "svg.fonttype": "none",
    "svg.hashsalt": "atomsieve",
    # letters that stay letters
    "pdf.fonttype": 42,
}
_SUFFIXES = (".png", ".svg", ".pdf")
#: What else a file would say of when and by what it was written.
_METADATA = {".png": "Software", ".svg": "Date", ".pdf": "CreationDate"}
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
#: Sites without a limiting potential that are named with the reason, and at all.
REASONS, MISSING = 6, 12
#: Mark of a legend below its plot.
_BELOW = "below"
_CHARGES = {"+": "⁺", "-": "⁻"}


def document(entry: LimitingPotential | AdsorptionEnergy | Stability | Document) -> Document:
    """Return a record as plain data."""
    return entry.to_dict() if isinstance(entry, LimitingPotential | AdsorptionEnergy | Stability) else entry


def sheet(columns: int, height: float) -> Figure:
    """Return an empty figure.

    Parameters
    ----------
    columns : int
        1 or 2 columns of a journal: 85 or 170 mm.
    height : float
        mm, without the notes below.

    Raises
    ------
    InputError
        If it would be as wide as something else.
    """
    if columns not in WIDTHS:
        raise InputError(f"a figure is 1 or 2 columns of a journal wide, not {columns}")
    return Figure(figsize=(WIDTHS[columns] * MM, height * MM), layout="constrained")


def one_reaction(documents: Sequence[Document]) -> networks.Reaction:
    """Return the reaction of limiting potentials of one method; refuse several of either."""
    names = sorted({str(document["reaction"]) for document in documents})
    if len(names) != 1:
        raise InputError(f"a figure shows one reaction, and got {', '.join(names) or 'none'}; select one")
    of_one_method(documents)
    return networks.reaction(names[0])


def determined(documents: Iterable[Document]) -> list[Document]:
    """Return those with a limiting potential, the lowest overpotentials first."""
    known = [d for d in documents if d["limiting_potential"] is not None]
    return sorted(known, key=lambda d: (float(d["overpotential"]), str(d["site"]["label"])))


def target(path: str | Path) -> Path:
    """Return where to write; refuse what is neither PNG, SVG nor PDF."""
    target = Path(path)
    if target.suffix.lower() not in _SUFFIXES:
        raise InputError(unknown(target.suffix, _SUFFIXES, "kind of figure"))
    return target


def species(text: str) -> str:
    """Write a state on lines of its own, with subscripts and charges: ``NO2*`` over ``+ H₂O``, ``* + NO₃⁻``."""
    words = [word if word.isdigit() else _formula(word) for word in text.split()]
    return " ".join(words).replace(" + ", "\n+ ")


def _formula(word: str) -> str:
    """Write a formula: what ends it in signs is its charge, ``Fe++``."""
    bare = word.rstrip("+-") if len(word) > 1 else word
    signs = word[len(bare) :]
    number = str(len(signs)).translate(_SUPERSCRIPTS) if len(signs) > 1 else ""
    return bare.translate(_SUBSCRIPTS) + (number + _CHARGES[signs[0]] if bare and signs else signs)


def math(text: str) -> str:
    """Write symbols with their indices: U_L, E_f, U_diss, ΔG_dem."""
    return re.sub(r"\b(U|E|ΔG)_([A-Za-z]+)\b", r"$\1_\\mathrm{\2}$", text)


def number(document: Document) -> str:
    """Write a limiting potential."""
    return label("limiting_potential").text(document["limiting_potential"]).replace("-", "−")


def notes(documents: Sequence[Document]) -> list[str]:
    """Return the sentences below a plot: what is not determined, and that numbers do not predict."""
    missing = [d for d in documents if d["limiting_potential"] is None]
    notes = []
    if missing:
        # with many the reasons, and then the names, would outgrow the figure; the table has them
        texts = [
            f"{d['site']['label']} ({textwrap.shorten(str(d['undetermined']), 120, placeholder=' …')})"
            if len(missing) <= REASONS
            else str(d["site"]["label"])
            for d in missing[:MISSING]
        ]
        more = f" and {len(missing) - MISSING} more" if len(missing) > MISSING else ""
        notes.append(f"Not determined: {', '.join(texts)}{more}.")
    return [*notes, *remarks(documents)]


def remarks(documents: Sequence[Document]) -> list[str]:
    """Return the remark on numbers of a method that is not DFT."""
    method = documents[0]["method"]
    return [] if Method.from_dict(method).is_predictive else [f"{NOT_PREDICTIVE} ({method['calculator']})"]


def finish(figure: Figure, title: str, handles: Sequence[Artist], heading: str = "", *, below: bool = False) -> None:
    """Write the title, and the legend beside the plot, below it where asked, or where the figure is narrow."""
    width = figure.get_size_inches()[0]
    is_wide = width > (WIDTHS[1] + WIDTHS[2]) / 2 * MM
    lines = textwrap.wrap(title[0].upper() + title[1:], int(width * 13))
    figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=9.5)
    if not handles:
        return
    style: dict[str, Any] = {"frameon": False, "fontsize": 7, "title_fontsize": 7, "title": heading or None}
    if is_wide and not below:
        figure.legend(handles=handles, loc="outside right upper", **style)
        return
    style |= {"ncols": min(3 if is_wide else 2, len(handles)), "alignment": "left", "borderaxespad": 0.0}
    legend = figure.legend(handles=handles, loc="lower left", **style)
    legend.set_gid(_BELOW)
    _grow(figure, _height(figure))
    _reserve(figure, 0.0)


def annotate(figure: Figure, notes: Iterable[str]) -> None:
    """Write sentences below a plot, which grows by their lines."""
    width = figure.get_size_inches()[0]
    lines = [line for note in notes for line in textwrap.wrap(note, int(width * 17), break_on_hyphens=False)]
    if lines:
        room = 0.125 * len(lines) + 0.06
        _grow(figure, room)
        place = 0.03 / figure.get_size_inches()[1]
        figure.text(0.01, place, "\n".join(lines), fontsize=6.5, color=GREY, va="bottom", linespacing=1.25)
        _reserve(figure, room)


def _grow(figure: Figure, inches: float) -> None:
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + inches)


def _height(figure: Figure) -> float:
    """Return the inches that the legend below a plot takes."""
    # without drawing all, which takes long
    FigureCanvasAgg(figure)
    return sum(one.get_window_extent().height for one in figure.legends if one.get_gid() == _BELOW) / figure.dpi


def _reserve(figure: Figure, notes: float) -> None:
    """Keep the plot above the legend, and this above the notes (inches)."""
    height = figure.get_size_inches()[1]
    share = (notes + _height(figure)) / height
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        engine.set(rect=(0.0, share, 1.0, 1.0 - share))
    for legend in figure.legends:
        if legend.get_gid() == _BELOW:
            legend.set_bbox_to_anchor((0.01, notes / height, 0.99, 1.0), figure.transFigure)


def write(figure: Figure, target: Path) -> None:
    """Write the file, the same bytes each time."""
    with rc_context(STYLE):
        figure.savefig(target, dpi=300, metadata={_METADATA[target.suffix.lower()]: None})
