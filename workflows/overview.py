"""Overview: the table of a report, a row for each site and reaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from atomsieve.analysis import table
from atomsieve.analysis.cells import cell_text
from atomsieve.analysis.descriptors.table import descriptor
from atomsieve.analysis.labels import label
from atomsieve.analysis.trends.descriptor import Descriptor
from atomsieve.workflows.dossier import rounded

Row = dict[str, Any]

#: The columns that every report has, in their order.
FIRST: Final = (
    "site", "family", "metals", "reaction", "limiting_potential", "overpotential", "pds", "verdict", "rejected",
)  # fmt: skip
#: Further ones, those of which any row says something.
FURTHER: Final = (
    "verdicts", "undetermined", "rank", "rank_best", "rank_worst", "top_ten", "error_bar", "error_source", "path",
    "desorption", "selectivity", "selectivity_against", "covered_by_hydrogen", "resting_state",
    "limiting_potential_at_rest", "spread", "side_products", *table.STABILITY_COLUMNS, "spin", "single_start", "stage",
    "calculator", "warnings",
)  # fmt: skip
#: Descriptors that are columns of the table as well, so that sites can be sorted by them.
SORTED_BY: Final = (
    "coordination", "bond_mean", "metal_height", "metal_distance", "moment", "d_band_centre", "d_electrons",
    "electronegativity", "oxidation_state", "spin_gap",
)  # fmt: skip
#: Columns whose cells are lists.
LISTS: Final = frozenset({"metals", "pds"})
#: Columns that a page shows at once.
SHOWN: Final = frozenset({*FIRST, "rank", "error_bar", "selectivity", "resting_state", "stability", "stage"})


def overview(rows: Sequence[Row], adsorbates: Sequence[str], drawn: Iterable[Row]) -> Row:
    """Return the columns that say something, and the rows in their order.

    Parameters
    ----------
    rows : sequence of dict
        By column; what volcanoes stand on is added to them.
    adsorbates : sequence of str
        Of which each row has a free energy, or none.
    drawn : iterable of dict
        The volcanoes.

    Returns
    -------
    dict
        ``columns``, each with its name, header, title, unit, decimals and kind, and whether a page shows it at once;
        ``rows``, lists in the order of the columns.
    """
    _place(rows, drawn)
    free = dict.fromkeys(f"free_{name}" for name in adsorbates)
    # and differences, which volcanoes stand on
    free |= dict.fromkeys(name for row in rows for name in row if name.startswith("free_") and row[name] is not None)
    known = {name for row in rows for name, value in row.items() if value not in (None, "", [], {}, False)}
    wanted = [*FIRST, *free, *(name for name in (*FURTHER, *SORTED_BY, "co_stretch") if name in known)]
    columns = [_column(name) for name in wanted]
    kinds = {column["name"]: column["kind"] for column in columns}
    return {"columns": columns, "rows": [[_cell(name, kinds[name], row) for name in wanted] for row in rows]}


def _column(name: str) -> Row:
    # a descriptor has its own label; "verdict" and "stage" are both, and mean the row's
    entry = descriptor(name) if name in SORTED_BY else label(name)
    unit = entry.unit
    return {
        "name": name,
        "header": f"{entry.symbol} ({unit})" if unit else entry.symbol,
        "title": getattr(entry, "title", None) or label(name).label,
        "unit": unit,
        "decimals": entry.decimals,
        "kind": "text" if entry.decimals is None else "number",
        "shown": name in SHOWN or name.startswith("free_"),
    }


def _cell(name: str, kind: str, row: Row) -> Any:
    value = row.get(name)
    if name == "verdict":
        return _verdict(row)
    if kind == "number":
        return rounded(value) if isinstance(value, float) else value
    if name in LISTS:
        return list(value) if value else None
    return cell_text(name, value) or None


def _verdict(row: Row) -> str:
    """Return what became of the adsorbates of a site, in a few words; the reasons have a column of their own."""
    found = [f"{name}* {entry['verdict']}" for name, entry in row.get("verdicts", {}).items()]
    if found or "verdicts" not in row:
        return ", ".join(found) or "no results"
    return "all bound"


def _place(rows: Iterable[Row], drawn: Iterable[Row]) -> None:
    """Add the descriptors of volcanoes to the rows."""
    names = {str(volcano["descriptor"]) for volcano in drawn}
    for name, entry in ((name, Descriptor.parse(name.removeprefix("free_"))) for name in names):
        for row in rows:
            free = {part: row.get(f"free_{part}") for part in entry.parts}
            row[name] = None if None in free.values() else entry.of(free)
