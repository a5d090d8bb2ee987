"""Descriptors of a campaign: one row for each site and method, for pandas, for files and for the screen."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

from ase import Atoms
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from atomsieve.analysis.chunks import chunks
from atomsieve.analysis.database import Database
from atomsieve.analysis.descriptors.row import descriptors
from atomsieve.analysis.descriptors.table import Descriptor, columns_of, descriptor, filled
from atomsieve.builders import catalog, ledger
from atomsieve.builders.ions import MAIN_GROUP
from atomsieve.structures.calculation import Calculation
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.errors import InputError
from atomsieve.structures.method import Method
from atomsieve.structures.site import ActiveSite, atoms_from_dict
from atomsieve.workflows import screen
from atomsieve.workflows.campaigns import find, stored_database
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.funnel import funnel
from atomsieve.workflows.harvest import SiteRows, stored_rows
from atomsieve.workflows.ingest.collection import Collection
from atomsieve.workflows.ingest.recognition import site_of
from atomsieve.workflows.settings import Settings, read_settings

#: Whose calculations are looked at, by what rows call them.
ROLES: Final = ("clean", "electronic of clean")
#: Sites whose calculations are read at once.
CHUNK: Final = 100
#: What a terminal shows as far as there is room, the most important first.
SHOWN: Final = (
    "coordination", "multiplicity", "bond_mean", "metal_height", "moment", "metal_distance",
    "limiting_potential_{reaction}", "free_{adsorbate}", "charge_{scheme}", "d_band_centre", "tau4",
    "electronegativity", "d_electrons", "spin_gap", "d_band_filling", "oxidation_state", "phi_O", "bond_valence_sum",
)  # fmt: skip
#: Characters that a column takes up beside its longest cell.
BORDER: Final = 3


def descriptor_rows(
    file_or_name: str, settings: Settings | None = None, on_site: Callable[[], None] = lambda: None
) -> Iterator[dict[str, Any]]:
    """Yield the descriptors of each site of a campaign, by each method of its stages.

    Parameters
    ----------
    file_or_name : str
        A campaign file, or the name of a campaign or a collection that the database keeps.
    settings : Settings, optional
        Those of the environment unless given.
    on_site : callable
        Called for each site, whether it has a row or not.

    Yields
    ------
    dict
        By column, as :func:`~atomsieve.analysis.descriptors.table.descriptor` explains them; only sites that have
        results. ``pandas.DataFrame(descriptor_rows("quickstart"))`` is the table.

    Raises
    ------
    InputError
        If there is no such campaign.
    """
    used = settings if settings is not None else read_settings()
    yield from stored_descriptors(find(file_or_name, used), used, on_site)


def stored_descriptors(
    checked: CheckedCampaign, settings: Settings, on_site: Callable[[], None] = lambda: None
) -> Iterator[dict[str, Any]]:
    """Yield the descriptors of each site of a checked campaign; see :func:`descriptor_rows`."""
    with stored_database(checked, settings) as database:
        if database is None:
            return
        entered = [stage for stage, _ in funnel(checked, database)] if checked.campaign.stages else [checked]
        for stage in entered:
            for sites in chunks(stored_rows(stage, database), CHUNK):
                yield from _rows(stage, sites, database, on_site)


def _rows(
    stage: CheckedCampaign, sites: Sequence[SiteRows], database: Database, on_site: Callable[[], None]
) -> Iterator[dict[str, Any]]:
    wanted = {key for site in sites for row in site.rows.values() for key in map(row.calculations.get, ROLES) if key}
    documents = database.known(wanted)
    for site in sites:
        if site.rows:
            yield site_descriptors(stage, site, documents)
        on_site()


def site_descriptors(
    stage: CheckedCampaign, known: SiteRows, documents: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the descriptors of one site that has rows.

    Parameters
    ----------
    stage : CheckedCampaign
        The stage that knows it.
    known : SiteRows
        What it knows.
    documents : mapping of str to mapping
        Stored outcomes by request key, those of :data:`ROLES` among them.
    """
    first = next(iter(known.rows.values()))
    clean, structure = (_document(known, documents, role) for role in ROLES)
    # what was taken in without its geometry has energies alone
    calculation = Calculation.from_dict(clean) if clean is not None and clean["atoms"] else None
    site = _site(stage, known, first, calculation)
    method = Method.from_dict(first.method)
    row = {
        "site": first.site.label,
        "site_key": first.site.key,
        "family": first.site.family,
        "metals": "-".join(site.metal_symbols),
        "method": method.title(),
        "method_key": method.key,
        "predictive": method.is_predictive,
        "reason": _reason(first, calculation),
    }
    if stage.stage is not None:
        row["stage"] = stage.stage.name
    return row | descriptors(
        site,
        calculation,
        states=oxidation_states(site),
        rows=known.rows,
        potentials=known.potentials,
        structure=structure.get("electronic") if structure is not None else None,
    )


def _document(known: SiteRows, documents: Mapping[str, Mapping[str, Any]], role: str) -> Mapping[str, Any] | None:
    keys = (row.calculations[role] for row in known.rows.values() if role in row.calculations)
    return next((documents[key] for key in keys if key in documents), None)


def _reason(row: AdsorptionEnergy, clean: Calculation | None) -> str | None:
    if clean is not None:
        return None
    return "its geometry is not stored" if "clean" in row.calculations else f"{row.verdict}: {row.reason}"


def _site(stage: CheckedCampaign, known: SiteRows, row: AdsorptionEnergy, clean: Calculation | None) -> ActiveSite:
    if not isinstance(stage, Collection):
        return catalog.build(known.recipe)
    if clean is not None:
        return site_of(atoms_from_dict(clean.atoms), row.site.label, row.site.metals)
    metals = row.site.metals
    return ActiveSite(
        row.site.label, known.recipe, Atoms(metals), "cluster", tuple(range(len(metals))), ((),) * len(metals), ()
    )


def oxidation_states(site: ActiveSite) -> dict[str, int]:
    """Return the formal oxidation state of each metal of a site, as far as its formal charges give one and the same."""
    found = {metal: set(states) for metal, states in ledger.states(site.ledger).items()}
    if site.ledger:
        found |= {metal: {state} for metal, state in MAIN_GROUP.items()}
    return {metal: states.pop() for metal, states in found.items() if metal in site.metal_symbols and len(states) == 1}


def show(file_or_name: str, output: Path | None, *, as_csv: bool, as_json: bool) -> None:
    """Print the descriptors of a campaign, or write them to a file.

    Raises
    ------
    InputError
        If the file is to be of a kind that is not written here.
    """
    if output is not None and output.suffix not in (".csv", ".json"):
        raise InputError(
            f"{output} is neither .csv nor .json; for other kinds, in Python: "
            f"pandas.DataFrame(descriptor_rows({file_or_name!r})).to_parquet(...)"
        )
    settings = read_settings()
    checked = find(file_or_name, settings)
    err = screen.console(stderr=True)
    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task("sites", total=None if checked.campaign.stages else checked.site_count)
        rows = list(stored_descriptors(checked, settings, lambda: progress.advance(bar)))
    columns = columns_of(rows)
    table = filled(rows, columns)
    if output is not None:
        with output.open("w", encoding="utf-8", newline="") as file:
            write = _write_csv if output.suffix == ".csv" else _write_json
            write(file, checked.campaign.name, columns, table)
        screen.console().print(f"wrote {output}: {len(table):,} rows, {len(columns)} columns", soft_wrap=True)
    elif as_json:
        _write_json(sys.stdout, checked.campaign.name, columns, table)
    elif as_csv:
        _write_csv(sys.stdout, checked.campaign.name, columns, table)
    else:
        _print(checked, table, columns, file_or_name)


def _write_csv(file: IO[str], name: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    del name
    writer = csv.DictWriter(file, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _write_json(file: IO[str], name: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    described = [
        {"name": column, "title": entry.title, "kind": entry.kind, "unit": entry.unit, "source": entry.source}
        for column, entry in ((column, descriptor(column)) for column in columns)
    ]
    json.dump({"campaign": name, "columns": described, "rows": list(rows)}, file, indent=2, ensure_ascii=False)
    file.write("\n")


def _print(checked: CheckedCampaign, rows: Sequence[Mapping[str, Any]], columns: Sequence[str], name: str) -> None:
    out = screen.console()
    if not rows:
        out.print(f"no results yet; run it: atomsieve run {name}")
        return
    for stage, method in dict.fromkeys((row.get("stage"), str(row["method"])) for row in rows):
        own = [row for row in rows if (row.get("stage"), row["method"]) == (stage, method)]
        title = checked.campaign.name + (f", stage {stage}" if stage is not None else "")
        out.print(_table(f"{title}, {method}", own, columns, out.width))
    for row in rows:
        if row["reason"] is not None:
            out.print(f"  {row['site']}: {row['reason']}", style="yellow", markup=False, soft_wrap=True)
    out.print(f"all {len(columns)} columns: atomsieve descriptors {name} --csv, or --output FILE.csv", soft_wrap=True)


def _table(title: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str], width: int) -> Table:
    table = Table(title=escape(title), title_justify="left")
    table.add_column("site", no_wrap=True)
    room = width - 1 - BORDER - max(len(str(row["site"])) for row in rows)
    chosen: list[tuple[str, Descriptor]] = []
    for wanted in SHOWN:
        for column in columns:
            entry = descriptor(column)
            if entry.pattern != wanted or entry.of_metal or all(row[column] is None for row in rows):
                continue
            cells = [entry.text(row[column]) for row in rows]
            needed = BORDER + max(len(text) for text in (*cells, entry.symbol, entry.unit))
            if needed <= room:
                room -= needed
                chosen.append((column, entry))
    chosen.sort(key=lambda pair: columns.index(pair[0]))
    for _, entry in chosen:
        head = f"{entry.symbol}\n{entry.unit}" if entry.unit else entry.symbol
        table.add_column(head, justify="right" if entry.decimals is not None else "left", no_wrap=True)
    for row in rows:
        table.add_row(escape(str(row["site"])), *(escape(entry.text(row[column])) for column, entry in chosen))
    return table
