"""Showing: all that a database knows of one site, whichever campaigns it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from atomsieve.analysis.labels import NOT_PREDICTIVE, label
from atomsieve.workflows import screen
from atomsieve.workflows.known import Document, known, meant
from atomsieve.workflows.querying import opened
from atomsieve.workflows.sums import LETTERS

#: Calculations and failures that are listed.
LISTED: Final = 30


def show(text: str, origin: str | None, *, as_json: bool) -> None:
    """Print all that is known of a site.

    Parameters
    ----------
    text : str
        Its label, an unambiguous beginning of that, or of its key.
    origin : str or None
        Folder, SQLite file or MongoDB URI; the settings' database unless given.
    as_json : bool
        Print plain data.

    Raises
    ------
    UnknownNameError
        If there is no such site, or several are meant; names them, or the nearest.
    """
    with opened(origin) as results:
        found = known(results, *meant(results, text))
    if as_json:
        screen.print_json(found)
    else:
        _print(screen.console(), found)


def _print(out: Console, found: Mapping[str, Any]) -> None:
    out.print(f"[bold]{escape(found['label'])}[/bold]", soft_wrap=True)
    for name, value in _head(found):
        out.print(escape(f"  {name}: {value}"), soft_wrap=True)
    titles = {row["method"]["key"]: _title(row) for row in _rows(found)}
    for title, columns, rows in (
        ("reactions", _REACTION, [_reaction(row, titles) for row in found["reactions"]]),
        ("adsorption energies", _ADSORPTION, [_adsorption(row, titles) for row in found["adsorption_energies"]]),
        ("stability", _STABILITY, [_stability(row, titles) for row in found["stabilities"]]),
        ("failures", _FAILURE, [_failure(row) for row in found["failures"][:LISTED]]),
        ("calculations", _CALCULATION, [_line(row) for row in found["calculations"][:LISTED]]),
    ):
        if rows:
            out.print(_table(title, columns, rows))
    for kind in ("failures", "calculations"):
        if len(found[kind]) > LISTED:
            out.print(f"and {len(found[kind]) - LISTED:,} {kind} more: --json")
    if roots := sorted({str(Path(one["folder"]).parents[2]) for one in found["calculations"] if one["folder"]}):
        out.print(
            f"calculations lie in {', '.join(roots)}: results/, the first two letters of the key, the key",
            soft_wrap=True,
        )
    if not all(row["predictive"] for row in _rows(found)):
        out.print(f"[bold yellow]{NOT_PREDICTIVE}[/bold yellow]: numbers of methods that are not DFT")
    if names := _gathered(found, "campaigns"):
        out.print(f"a sum, term by term: atomsieve explain {names[0]} '{found['label']}'", style="dim", soft_wrap=True)


def _head(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    site: Document = found["site"] or {}
    yield "family", str(found["family"])
    yield "metals", ", ".join(found["metals"])
    if site.get("formula"):
        yield "formula", f"{site['formula']}, charge {site['charge']:+d} e" if site["charge"] else site["formula"]
    recipe = {name: value for name, value in site.get("recipe", {}).items() if _is_short(value)}
    if recipe:
        yield "recipe", ", ".join(f"{name}: {value}" for name, value in recipe.items())
    yield "key", found["key"]
    for name in ("campaigns", "tags"):
        if own := _gathered(found, name):
            yield name, ", ".join(own)
    makers = {
        f"{one['user']} on {one['host']} with atomsieve {one['atomsieve']}, {one['made'][:10]}": None
        for row in _rows(found)
        if (one := row.get("provenance"))
    }
    for maker in makers:
        yield "by", maker


def _is_short(value: Any) -> bool:
    return not isinstance(value, Mapping) and len(str(value)) < 60


def _rows(found: Mapping[str, Any]) -> list[Document]:
    return [*found["reactions"], *found["adsorption_energies"], *found["stabilities"]]


def _gathered(found: Mapping[str, Any], name: str) -> list[str]:
    everything = [*_rows(found), *([found["site"]] if found["site"] else [])]
    return sorted({entry for document in everything for entry in document.get(name) or ()})


def _title(row: Document) -> str:
    from atomsieve.structures.method import Method

    return Method.from_dict(row["method"]).title()


_REACTION: Final = ("reaction", "method", "spin", "limiting_potential", "overpotential", "pds", "undetermined")
_ADSORPTION: Final = ("adsorbate", "method", "verdict", "electronic", "free", "adsorbed_spin", "why")
_STABILITY: Final = ("stability", "method", "formation_energy_of_site", "binding_energy", "stability_reason")
_FAILURE: Final = ("task", "of", "what to do", "reason", "resolved", "host", "key")
_CALCULATION: Final = ("for", "method", "verdict", "energy", "used", "host", "key")


def _reaction(row: Document, titles: Mapping[str, str]) -> list[Any]:
    pds = ", ".join(row["potential_determining_steps"])
    numbers = [row.get("multiplicity"), row["limiting_potential"], row["overpotential"]]
    return [row["reaction"], titles[row["method"]["key"]], *numbers, pds, row["undetermined"]]


def _adsorption(row: Document, titles: Mapping[str, str]) -> list[Any]:
    numbers = [row["electronic"], row["free"], row["multiplicity"].get("adsorbed")]
    return [f"{row['adsorbate']}*", titles[row["method"]["key"]], row["verdict"], *numbers, row["reason"]]


def _stability(row: Document, titles: Mapping[str, str]) -> list[Any]:
    numbers = [row["formation_energy"], row["binding_energy"]]
    return [row["verdict"], titles[row["method"]["key"]], *numbers, row["reason"]]


def _failure(row: Document) -> list[Any]:
    of = f"{row['adsorbate']}*" if row.get("adsorbate") else "*"
    resolved = "yes" if row["resolved"] else "no"
    return [row["task"], of, row["failure_class"], row["reason"], resolved, row["host"], row["key"][:LETTERS]]


def _line(row: Document) -> list[Any]:
    used = "yes" if row["used"] else "no"
    roles = ", ".join(row["roles"])
    return [roles, row["calculator"], row["verdict"], row["energy"], used, row["host"], row["key"][:LETTERS]]


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Return a table; quantities are headed and written by their labels."""
    entries = [label(name) if name in _QUANTITIES else None for name in columns]
    table = Table(title=title, title_justify="left")
    for name, entry in zip(columns, entries, strict=True):
        is_number = entry is not None and entry.decimals is not None
        head = escape(entry.header) if entry is not None else name
        table.add_column(head, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        cells = (entry.text(value) if entry else str(value or "") for entry, value in zip(entries, row, strict=True))
        table.add_row(*map(escape, cells))
    return table


_QUANTITIES: Final = {
    "reaction",
    "pds",
    "undetermined",
    "stability",
    "stability_reason",
    "spin",
    "limiting_potential",
    "overpotential",
    "electronic",
    "free",
    "adsorbed_spin",
    "formation_energy_of_site",
    "binding_energy",
    "energy",
}
