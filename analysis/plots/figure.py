"""Figure: what all plots share: style, colours, how species are written, notes below, the file."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.artist import Artist
from matplotlib.figure import Figure

from atomsieve.analysis.labels import NOT_PREDICTIVE, label
from atomsieve.analysis.table import of_one_method
from atomsieve.structures import reaction as networks
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.method import Method

Document = Mapping[str, Any]

#: The "muted" scheme of P. Tol (SRON/EPS/TN/09-002): told apart with any kind of colour vision.
COLOURS = ("#332288", "#CC6677", "#117733", "#88CCEE", "#882255", "#DDCC77", "#44AA99", "#AA4499", "#999933", "#222222")
# eleven, so that with ten colours 110 families differ
MARKERS = "osD^vPXphd<"
GREY = "#555555"
DASHES = (0, (5, 3))
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "svg.fonttype": "none",
    "svg.hashsalt": "atomsieve",
}
_SUFFIXES = (".png", ".svg")
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_CHARGES = {"+": "⁺", "-": "⁻"}


def document(entry: LimitingPotential | AdsorptionEnergy | Document) -> Document:
    """Return a record as plain data."""
    return entry.to_dict() if isinstance(entry, LimitingPotential | AdsorptionEnergy) else entry


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
    """Return where to write; refuse what is neither PNG nor SVG."""
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
    """Write U_L with its index."""
    return text.replace("U_L", r"$U_\mathrm{L}$")


def number(document: Document) -> str:
    """Write a limiting potential."""
    return label("limiting_potential").text(document["limiting_potential"]).replace("-", "−")


def notes(documents: Sequence[Document]) -> list[str]:
    """Return the sentences below a plot: what is not determined, and that numbers do not predict."""
    missing = [d for d in documents if d["limiting_potential"] is None]
    notes = []
    if missing:
        # with many the reasons would outgrow the figure; the table has them
        texts = [
            f"{d['site']['label']} ({textwrap.shorten(str(d['undetermined']), 120, placeholder=' …')})"
            if len(missing) <= 6
            else d["site"]["label"]
            for d in missing
        ]
        notes.append(f"Not determined: {', '.join(texts)}.")
    method = documents[0]["method"]
    if not Method.from_dict(method).is_predictive:
        notes.append(f"{NOT_PREDICTIVE} ({method['calculator']})")
    return notes


def finish(figure: Figure, title: str, handles: Sequence[Artist], heading: str) -> None:
    """Write the title, and the legend beside the plot."""
    figure.suptitle(title[0].upper() + title[1:], x=0.01, ha="left", fontsize=11)
    if handles:
        figure.legend(
            handles=handles, title=heading, loc="outside right upper", frameon=False, fontsize=8, title_fontsize=8
        )


def annotate(figure: Figure, notes: Iterable[str]) -> None:
    """Write sentences below a plot, which grows by their lines."""
    width, height = figure.get_size_inches()
    lines = [line for note in notes for line in textwrap.wrap(note, int(width * 15), break_on_hyphens=False)]
    if lines:
        figure.set_size_inches(width, height + 0.14 * len(lines))
        figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=7.5, color=GREY)


def write(figure: Figure, target: Path) -> None:
    """Write the file, the same bytes each time."""
    metadata = {"Date": None} if target.suffix.lower() == ".svg" else {"Software": None}
    figure.savefig(target, dpi=200, metadata=metadata)
