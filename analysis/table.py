"""Table: a campaign's sites as plain rows, with filters, an order and CSV."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from atomsieve.analysis.cells import cell_text
from atomsieve.analysis.labels import NOT_PREDICTIVE, label
from atomsieve.structures.adsorbate import adsorbates
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.judgement import Verdict
from atomsieve.structures.method import Method

#: The columns of a row before, and after, the free energies of its adsorbates, in their order.
_FIRST = ("site", "family", "metals", "reaction", "spin", "single_start")
_LAST = (
    "limiting_potential",
    "overpotential",
    "error_bar",
    "error_source",
    "path",
    "pds",
    "desorption",
    "alternatives",
    "undetermined_paths",
    "side_products",
    "verdicts",
    "undetermined",
    "warnings",
    "calculator",
    "predictive",
    "label",
)

#: Further ones of a campaign with stages: the last stage that a site entered, and why it fell out there.
STAGE_COLUMNS = ("stage", "rejected")
#: Further ones of a campaign that asks for stability.
STABILITY_COLUMNS = (
    "stability",
    "formation_energy",
    "binding_energy",
    "dissolution_potential",
    "demetallation_energy",
    "aggregation_energy",
    "coverage_energy",
    "stability_reason",
)
#: Further ones of what a site is beside others: its rivals, the covered site, other sites, other methods.
COMPARISON_COLUMNS = (
    "rank",
    "rank_best",
    "rank_worst",
    "top_ten",
    "selectivity",
    "selectivity_against",
    "covered_by_hydrogen",
    "resting_state",
    "limiting_potential_at_rest",
    "not_at_rest",
    "resting_windows",
    "spread",
)

Row = dict[str, Any]


def all_columns() -> tuple[str, ...]:
    """Return the columns of a row, in their order."""
    return (*_FIRST, *(f"free_{name}" for name in adsorbates()), *_LAST)


def rows(
    adsorption_energies: Iterable[Mapping[str, Any]], limiting_potentials: Iterable[Mapping[str, Any]]
) -> list[Row]:
    """Join documents into one row per site, method and reaction.

    Parameters
    ----------
    adsorption_energies : iterable of mapping
        As ``AdsorptionEnergy.to_dict`` gives them. Of two for the same slot the later one counts.
    limiting_potentials : iterable of mapping
        As ``LimitingPotential.to_dict`` gives them.

    Returns
    -------
    list of dict
        Keys are :func:`all_columns`. Energies in eV, potentials in V against RHE, None where unknown. ``metals`` and
        ``pds`` are lists, as is ``single_start``: the states (``*``, ``OH*``) of which fewer than two spin states
        converged, and ``warnings``. ``path`` names the cheapest path, ``desorption`` holds ``step`` and ``free`` (eV)
        of its hardest chemical step, ``alternatives`` and ``side_products`` are those of the limiting potential.
        ``verdicts`` holds ``verdict`` and ``reason`` by adsorbate, for those that are not bound. A site without a
        limiting potential has one row whose ``reaction`` is None.
    """
    by_key = {str(document["key"]): document for document in adsorption_energies}
    by_site: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for document in by_key.values():
        by_site.setdefault(_place(document), {})[str(document["slot"])] = document
    table = []
    seen = set()
    for potential in limiting_potentials:
        place = _place(potential)
        seen.add(place)
        own = {name: by_key[key] for name, key in potential["adsorption_energies"].items() if key in by_key}
        corrections = {document["policy"]["corrections"] for document in own.values()}
        others = {
            document["adsorbate"]: document
            for document in by_site.get(place, {}).values()
            if not corrections or document["policy"]["corrections"] in corrections
        }
        table.append(_row(potential["site"], potential["method"], {**others, **own}, potential))
    for place, slots in by_site.items():
        if place not in seen:
            documents = {document["adsorbate"]: document for document in slots.values()}
            first = next(iter(documents.values()))
            table.append(_row(first["site"], first["method"], documents, None))
    return table


def _place(document: Mapping[str, Any]) -> tuple[str, str]:
    return str(document["site"]["key"]), str(document["method"]["key"])


def _row(
    site: Mapping[str, Any],
    method: Mapping[str, Any],
    energies: Mapping[str, Mapping[str, Any]],
    potential: Mapping[str, Any] | None,
) -> Row:
    spins = (document["multiplicity"].get("clean") for document in energies.values())
    found = potential or {}
    predictive = Method.from_dict(method).is_predictive
    return {
        "site": site["label"],
        "family": site["family"],
        "metals": list(site["metals"]),
        "reaction": found.get("reaction"),
        "spin": next((spin for spin in spins if spin is not None), None),
        "single_start": _single_starts(energies),
        **{f"free_{name}": energies[name]["free"] if name in energies else None for name in adsorbates()},
        "limiting_potential": found.get("limiting_potential"),
        "overpotential": found.get("overpotential"),
        "error_bar": found.get("error_bar"),
        "error_source": found.get("error_source"),
        "path": found.get("path") or None if found.get("limiting_potential") is not None else None,
        "pds": list(found.get("potential_determining_steps", ())),
        "desorption": _desorption(found.get("steps", ())),
        "alternatives": [dict(entry) for entry in found.get("alternatives", ())],
        "undetermined_paths": found.get("undetermined_paths"),
        "side_products": [dict(entry) for entry in found.get("side_products", ())],
        "verdicts": {
            name: {"verdict": document["verdict"], "reason": document["reason"]}
            for name, document in energies.items()
            if document["verdict"] != Verdict.BOUND
        },
        "undetermined": found.get("undetermined"),
        "warnings": list(
            dict.fromkeys(text for document in energies.values() for text in document.get("warnings", ()))
        ),
        "calculator": method["calculator"],
        "predictive": predictive,
        "label": "" if predictive else NOT_PREDICTIVE,
    }


def _desorption(steps: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the hardest of the steps without electrons; older documents know none."""
    chemical = [s for s in steps if not s["electrons"] and not s.get("protons") and s["free"] is not None]
    hardest = max(chemical, key=lambda step: float(step["free"]), default=None)
    return {"step": hardest["text"], "free": hardest["free"]} if hardest is not None else None


def _single_starts(energies: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the clean site as ``*`` and the adsorbates of which fewer than two spin states were found."""
    found: dict[str, int] = {}
    for name, document in energies.items():
        counts = document.get("spin_states", {})
        found |= {state: counts[role] for role, state in (("clean", "*"), ("adsorbed", f"{name}*")) if role in counts}
    return [state for state, count in found.items() if count < 2]


def select(
    table: Iterable[Row],
    *,
    metal: str | None = None,
    reaction: str | None = None,
    family: str | None = None,
    verdict: str | None = None,
    overpotential_max: float | None = None,
    overpotential_min: float | None = None,
) -> list[Row]:
    """Keep the rows that meet all conditions given.

    Parameters
    ----------
    table : iterable of dict
        What :func:`rows` returned.
    metal : str, optional
        Chemical symbol; sites that hold it, among others. Several, as ``Fe-Co``: sites that hold each so often.
    reaction, family : str, optional
        Names.
    verdict : str, optional
        Rows with an adsorbate of this verdict; ``bound`` keeps those where nothing else was found.
    overpotential_max, overpotential_min : float, optional
        V, bounds included; a row without an overpotential never meets a bound.

    Raises
    ------
    InputError
        If there is no such verdict.
    """
    if verdict is not None and verdict not in set(Verdict):
        raise InputError(unknown(verdict, [str(entry) for entry in Verdict], "verdict"))

    wanted = Counter(metal.split("-") if metal is not None else ())

    def fits(row: Row) -> bool:
        overpotential = row["overpotential"]
        found = {entry["verdict"] for entry in row["verdicts"].values()} or {str(Verdict.BOUND)}
        return (
            not wanted - Counter(row["metals"])
            and (reaction is None or row["reaction"] == reaction)
            and (family is None or row["family"] == family)
            and (verdict is None or verdict in found)
            and (overpotential_max is None or (overpotential is not None and overpotential <= overpotential_max))
            and (overpotential_min is None or (overpotential is not None and overpotential >= overpotential_min))
        )

    return [row for row in table if fits(row)]


def ordered(table: Iterable[Row], column: str, *, descending: bool = False) -> list[Row]:
    """Sort rows by a column; rows without a value come last, whichever the direction.

    Raises
    ------
    InputError
        If there is no such column.
    """
    _require_columns([column])
    known: list[Row] = []
    blank: list[Row] = []
    for row in table:
        (known if row.get(column) not in (None, "", [], {}) else blank).append(row)
    return [*sorted(known, key=lambda row: _order(column, row[column]), reverse=descending), *blank]


def _order(column: str, value: Any) -> tuple[float, str]:
    if column == "desorption":
        value = value["free"]
    return (float(value), "") if isinstance(value, int | float) else (0.0, cell_text(column, value).casefold())


def csv_text(table: Iterable[Row], columns: Sequence[str] | None = None) -> str:
    """Write rows as CSV, with symbols and units in the head and numbers to six decimals.

    Parameters
    ----------
    table : iterable of dict
        What :func:`rows` returned.
    columns : sequence of str
        Which, in their order; all of :func:`all_columns` unless given.

    Raises
    ------
    InputError
        If there is no such column.
    """
    columns = all_columns() if columns is None else columns
    _require_columns(columns)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([label(column).header for column in columns])
    for row in table:
        # six decimals of an eV are beyond any method, and hide the noise of the last bits
        writer.writerow(
            [round(row[c], 6) + 0.0 if isinstance(row[c], float) else cell_text(c, row[c]) for c in columns]
        )
    return buffer.getvalue()


def columns_of(table: Sequence[Row], wanted: Iterable[str]) -> list[str]:
    """Return the columns that say something: free energies of adsorbates that are wanted, or of which rows know."""
    own = {f"free_{name}" for name in (*wanted, *(name for row in table for name in row["verdicts"]))}
    return [
        name
        for name in all_columns()
        if not name.startswith("free_") or name in own or any(row[name] is not None for row in table)
    ]


def _require_columns(columns: Iterable[str]) -> None:
    for column in columns:
        if column not in (known := (*all_columns(), *COMPARISON_COLUMNS, *STAGE_COLUMNS, *STABILITY_COLUMNS)):
            raise InputError(unknown(column, known, "column"))
