"""LaTeX: a table with its caption and notes, and formulas and symbols as it writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from atomsieve.analysis.labels import UNKNOWN, Label

#: A table with more rows breaks across pages.
LONG: Final = 40

_LETTERS: Final = {
    **{letter: f"\\{letter}" for letter in "#$%&_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "→": r"$\rightarrow$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "°": r"$^{\circ}$",
    "−": "$-$",
    "–": "--",
    "Å": r"\AA{}",
    "Δ": r"$\Delta$",
    "Γ": r"$\Gamma$",
    "ε": r"$\varepsilon$",
    "η": r"$\eta$",
    "μ": r"$\mu$",
    "ν": r"$\nu$",
    "σ": r"$\sigma$",
}
#: An index of a symbol: ``U_L``.
_INDEXED: Final = re.compile(r"\b([A-Z])_([A-Za-z]+)")
#: A formula with its star or its charge: ``*``, ``OOH*``, ``NO3-``, ``Fe(CO)2``.
_FORMULA: Final = re.compile(r"\*|(?:[A-Z][a-z]?\d*|[().-](?=[A-Z(\d])|\)\d*)+\*?[+-]*")
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")


def latex(
    heads: Sequence[Label], rows: Iterable[Sequence[str]], number: int, title: str, notes: Sequence[str], name: str
) -> Iterator[str]:
    """Yield the lines of a table: booktabs' rules, symbols over units, notes below.

    Parameters
    ----------
    heads : sequence of Label
        One a column.
    rows : iterable of sequence of str
        The cells of each row.
    number : int
        Of rows; more than :data:`LONG` make a longtable.
    title : str
        The caption.
    notes : sequence of str
        A sentence each.
    name : str
        What the label of the table ends in.
    """
    columns = "".join("r" if head.decimals is not None else "l" for head in heads)
    symbols = " & ".join(symbol(head.symbol) for head in heads) + r" \\"
    units = " & ".join(f"({text(head.unit)})" if head.unit else "" for head in heads) + r" \\"
    caption = rf"\caption{{{words(title)}}}\label{{tab:{re.sub(r'[^A-Za-z0-9]+', '-', name)}}}"
    is_long = number > LONG
    yield f"% needs \\usepackage{{booktabs{',longtable' if is_long else ''}}}"
    if is_long:
        yield rf"\begin{{longtable}}{{{columns}}}"
        yield rf"{caption} \\"
    else:
        yield r"\begin{table}"
        yield r"\centering"
        yield caption
        yield rf"\begin{{tabular}}{{{columns}}}"
    yield from (r"\toprule", symbols, units, r"\midrule")
    if is_long:
        yield r"\endhead"
        yield r"\bottomrule"
        yield r"\endfoot"
    for cells in rows:
        yield " & ".join(map(cell, cells)) + r" \\"
    if is_long:
        yield r"\end{longtable}"
    else:
        yield r"\bottomrule"
        yield r"\end{tabular}"
        yield r"\par\smallskip"
    yield rf"{{\footnotesize {' '.join(map(text, notes))}\par}}"
    if not is_long:
        yield r"\end{table}"
    yield ""


def cell(value: str) -> str:
    """Write a cell: the minus of a number is a minus."""
    if value == UNKNOWN:
        return "--"
    return ", ".join(f"${part}$" if _NUMBER.fullmatch(part) else words(part) for part in value.split(", "))


def symbol(value: str) -> str:
    """Write a symbol: ``ΔG(OH*)``, ``U_L``, ``2S+1``."""
    if found := re.fullmatch(r"ΔG\((.+)\)", value):
        return rf"$\Delta G$({words(found[1])})"
    return f"${value}$" if value == "2S+1" else text(value)


def words(value: str) -> str:
    """Write a step or a title: subscripts in formulas, the star of a site and charges above the line."""
    return " ".join(_species(word) if _FORMULA.fullmatch(word) else text(word) for word in value.split(" "))


def text(value: str) -> str:
    """Write what is no formula, with the indices of symbols: ``U_L``."""
    parts = _INDEXED.split(value)
    found = [_escaped(parts[0])]
    for letter, index, rest in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        found.append(rf"${letter}_{{\mathrm{{{index}}}}}$" + _escaped(rest))
    return "".join(found)


def _species(value: str) -> str:
    bare = value.rstrip("*+-")
    lower = re.sub(r"(?<=[A-Za-z)])(\d+)", r"$_{\1}$", bare)
    if value == bare:
        return lower
    # one formula after another would be read as one that is displayed
    return f"{lower.removesuffix('$')}{'' if lower.endswith('$') else '$'}^{{{value[len(bare) :]}}}$"


def _escaped(value: str) -> str:
    return "".join(_LETTERS.get(letter, letter) for letter in value)
