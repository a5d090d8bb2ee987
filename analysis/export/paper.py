"""Paper's table: for each reaction its sites, what holds them, their free energies, steps and overpotentials."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any, Final

from atomsieve.analysis.chunks import chunks
from atomsieve.analysis.export import Written
from atomsieve.analysis.export.latex import latex
from atomsieve.analysis.export.states import AT_ONCE, clean_keys
from atomsieve.analysis.labels import NOT_PREDICTIVE, UNKNOWN, Label, label
from atomsieve.analysis.whole import whole_file
from atomsieve.structures.identity import canonical
from atomsieve.structures.method import Method
from atomsieve.structures.reaction import reaction

if TYPE_CHECKING:
    from atomsieve.analysis import Results
    from atomsieve.analysis.database import Database

#: Columns before the free energies, and behind them; those of which no site of a table knows anything are left out.
FIRST: Final = ("site", "spin", "moments", "formation_energy", "binding_energy")
LAST: Final = ("pds", "limiting_potential", "overpotential")
#: Bytes of a table in memory; what goes beyond lies in a temporary file.
_SPOOL: Final = 2**20


@dataclass
class Table:
    """One table: one reaction under the same conditions, with the same corrections.

    Parameters
    ----------
    reaction : str
        Its name, with its routes where it is restricted to some.
    conditions : mapping
        As a limiting potential states them.
    corrections, solvation : str or None
        How.
    spool : file
        The rows, a JSON object a line.
    """

    reaction: str
    conditions: Mapping[str, Any]
    corrections: str | None
    solvation: str | None
    spool: IO[str]
    known: set[str] = field(default_factory=set)
    number: int = 0
    undetermined: int = 0
    titles: Counter[str] = field(default_factory=Counter)
    screening: set[str] = field(default_factory=set)
    error_bars: dict[str, tuple[float, float]] = field(default_factory=dict)

    def add(self, document: Mapping[str, Any], row: Mapping[str, Any]) -> None:
        """Take in a row, and what the document behind it says of its method."""
        self.spool.write(json.dumps(row, ensure_ascii=False) + "\n")
        self.known |= {name for name, value in row.items() if value is not None}
        self.number += 1
        self.undetermined += row["limiting_potential"] is None
        title = Method.from_dict(document["method"]).title()
        self.titles[title] += 1
        if not document["predictive"]:
            self.screening.add(title)
        bar = float(document["error_bar"])
        low, high = self.error_bars.get(str(document["error_source"]), (bar, bar))
        self.error_bars[str(document["error_source"])] = min(low, bar), max(high, bar)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that say something, in their order."""
        free = (f"free_{name}" for name in reaction(self.reaction).adsorbates)
        return tuple(name for name in (*FIRST, *free, *LAST) if name in self.known or name in LAST)

    def rows(self) -> Iterator[list[str]]:
        """Yield the cells of each row."""
        self.spool.seek(0)
        for line in self.spool:
            row = json.loads(line)
            yield [_cell(label(name), row.get(name)) for name in self.columns]

    @property
    def title(self) -> str:
        """What the table is of."""
        of = reaction(self.reaction)
        return f"{self.reaction}: {of.title}" if of.title else self.reaction

    @property
    def notes(self) -> list[str]:
        """What a reader must know of the numbers, a sentence each."""
        stated = dict(self.conditions)
        around = [f"T = {stated.pop('temperature'):g} K", f"pH {stated.pop('pH'):g}"]
        # limiting potentials do not depend on the potential at which steps are written
        for name in ("potential", "scale", "potential_rhe"):
            stated.pop(name, None)
        around += [f"{name} {_plain(value)}" for name, value in stated.items() if value not in (None, {}, [])]
        many = len(self.titles) > 1
        methods = [f"{title} ({number} sites)" if many else title for title, number in self.titles.most_common()]
        notes = [
            f"Method: {'; '.join(methods)}.",
            f"Corrections: {self.corrections or 'none'}; solvation: {self.solvation or 'none'}.",
            f"ΔG at 0 V vs RHE; {', '.join(around)}.",
        ]
        notes += [f"{label(name).symbol}: {label(name).label}." for name in FIRST[2:] if name in self.known]
        bars = [
            f"{label('error_bar').text(low)}{'' if low == high else f' to {high:.2f}'} V ({source})"
            for source, (low, high) in self.error_bars.items()
        ]
        notes.append(f"Error bar of U_L: {', '.join(bars)}.")
        if self.undetermined:
            notes.append(f"{UNKNOWN}: not known; {self.undetermined} of {self.number} sites have no U_L.")
        notes += [f"{title}: {NOT_PREDICTIVE}." for title in sorted(self.screening)]
        return notes


def write_markdown(results: Results, out: Path) -> Written:
    """Write a table for each reaction in Markdown."""
    return _write(results, out, _markdown)


def write_latex(results: Results, out: Path) -> Written:
    """Write a table for each reaction in LaTeX, for a document that loads booktabs and longtable."""
    return _write(results, out, _latex)


def _write(results: Results, out: Path, lines: Any) -> Written:
    with ExitStack() as spools:
        tables = _tables(results, spools)
        with whole_file(out) as partial, partial.open("w", encoding="utf-8") as file:
            for table in tables:
                file.writelines(f"{line}\n" for line in lines(table))
    return Written(sum(table.number for table in tables), "rows", tuple(_remarks(tables)))


def _remarks(tables: Sequence[Table]) -> Iterator[str]:
    if not tables:
        yield "there are no results to write; the file is empty"
    if screening := sorted(set().union(*(table.screening for table in tables))):
        yield f"{', '.join(screening)}: {NOT_PREDICTIVE}"


def _tables(results: Results, spools: ExitStack) -> list[Table]:
    """Read the results once, and sort them into tables by what a reader must not compare."""
    tables: dict[str, Table] = {}
    # where methods that do not go together are asked for by name, each has a table of its own
    are_mixed = results.mixed() is not None
    for documents in chunks(results.documents(), AT_ONCE):
        held = _holding(results.database, documents)
        moments = _moments(results.database, documents)
        for document in documents:
            apart = {name: document[name] for name in ("reaction", "conditions", "corrections", "solvation")}
            name = canonical([*apart.values(), document["method"]["key"] if are_mixed else None])
            if name not in tables:
                spool = SpooledTemporaryFile(_SPOOL, "w+", encoding="utf-8")  # noqa: SIM115 - closed by the stack
                tables[name] = Table(**apart, spool=spools.enter_context(spool))
            place = _place(document)
            row = {
                "site": document["site"]["label"],
                "spin": document["multiplicity"],
                "moments": moments.get(place),
                **held.get(place, {}),
                **{f"free_{adsorbate}": free for adsorbate, free in document["free_energies"].items()},
                "pds": list(document["potential_determining_steps"]) or None,
                "limiting_potential": document["limiting_potential"],
                "overpotential": document["overpotential"],
            }
            tables[name].add(document, row)
    return list(tables.values())


def _place(document: Mapping[str, Any]) -> tuple[str, str]:
    return str(document["site"]["key"]), str(document["method"]["key"])


def _holding(database: Database, documents: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what holds the sites, by site and method: the formation energy for each metal, and the binding energy."""
    sites = sorted({document["site"]["key"] for document in documents})
    fields = ["site", "method", "formation_energy", "binding_energy"]
    found = database.stabilities.query({"site.key": {"$in": sites}, "superseded": False}, fields)
    return {
        _place(entry): {
            "formation_energy": _each(entry["formation_energy"], len(entry["site"]["metals"])),
            "binding_energy": entry["binding_energy"],
        }
        for entry in found
    }


def _each(whole: float | None, metals: int) -> float | None:
    return None if whole is None else whole / metals


def _moments(database: Database, documents: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], list[float]]:
    """Return the moments of the metals of the clean sites, μB, by site and method."""
    from ase.data import chemical_symbols

    clean = clean_keys(database, documents)
    states = database.known(set(clean.values()))
    found = {}
    for document in documents:
        state = states.get(clean.get(document["key"], ""))
        if state is not None and state.get("moments") is not None:
            symbols = (chemical_symbols[number] for number in state["atoms"]["numbers"])
            metals = document["site"]["metals"]
            found[_place(document)] = [m for m, s in zip(state["moments"], symbols, strict=True) if s in metals]
    return found


def _cell(of: Label, value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(of.text(entry) for entry in value)
    return of.text(value)


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(entry)}" for name, entry in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)


def _markdown(table: Table) -> Iterator[str]:
    heads = [label(name) for name in table.columns]
    yield f"### {_mark(table.title)}"
    yield ""
    yield _line(head.header for head in heads)
    yield "|" + "|".join("---:" if head.decimals is not None else "---" for head in heads) + "|"
    for cells in table.rows():
        yield _line(cells)
    yield ""
    for note in table.notes:
        yield f"- {_mark(note)}"
    yield ""


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(map(_mark, cells)) + " |"


def _mark(text: str) -> str:
    """Keep Markdown from reading a star, a bar or an underscore of ours as its own."""
    return "".join(f"\\{letter}" if letter in r"\*|_<>[]`" else letter for letter in text)


def _latex(table: Table) -> Iterator[str]:
    return latex(
        heads=[label(name) for name in table.columns],
        rows=table.rows(),
        number=table.number,
        title=table.title,
        notes=table.notes,
        name=table.reaction,
    )
