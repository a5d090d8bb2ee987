"""Reporting: what the report of a campaign shows, gathered from all that is known of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from typing import Any, Final

from atomsieve.analysis.chunks import chunks
from atomsieve.analysis.database import Database
from atomsieve.analysis.descriptors.table import columns_of, descriptor
from atomsieve.analysis.report.discretion import discreet
from atomsieve.analysis.report.methods import Writing
from atomsieve.analysis.report.prose import counted, listed
from atomsieve.builders import catalog
from atomsieve.structures.energies import SiteLabel
from atomsieve.structures.errors import InputError
from atomsieve.structures.method import Method
from atomsieve.structures.reaction import reaction
from atomsieve.structures.section import PROBE
from atomsieve.structures.site import site_label
from atomsieve.structures.task import FLOWS, TaskState
from atomsieve.workflows.carbonyl import probe_of
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.comparison import method_agreements
from atomsieve.workflows.descriptors import site_descriptors
from atomsieve.workflows.display import Latest, latest
from atomsieve.workflows.dossier import Documents, dossier, keys, rounded, without_results
from atomsieve.workflows.funnel import Level
from atomsieve.workflows.harvest import SiteRows, has_rows
from atomsieve.workflows.ingest.collection import Collection
from atomsieve.workflows.overview import SORTED_BY, overview
from atomsieve.workflows.practice import methods_of, practice
from atomsieve.workflows.screen import stage_state
from atomsieve.workflows.sums import LETTERS
from atomsieve.workflows.volcanoes import volcanoes

Row = dict[str, Any]

#: Raised when a part of the data changes its meaning.
SCHEMA: Final = 1
#: Sites whose calculations are read at once.
CHUNK: Final = 100
#: What the table of descriptors says of a site that the report says elsewhere.
ELSEWHERE: Final = frozenset({"site", "adsorption"})


def report_data(checked: CheckedCampaign, found: Sequence[Level], database: Database | None) -> dict[str, Any]:
    """Return what the report of a campaign shows.

    Parameters
    ----------
    checked : CheckedCampaign
        The campaign.
    found : sequence of Level
        All that is known of each stage.
    database : Database or None
        Where geometries are read from, those of a hundred sites at once; None where there is none yet.

    Returns
    -------
    dict
        Plain data: ``schema, campaign, reactions, columns, rows, sites, descriptors, methods_text, references, bibtex,
        plots``. Energies in eV, potentials in V against RHE. It names no host, person, folder or address.
    """
    entries = latest(found)
    rows: list[Row] = []
    sites: dict[str, Row] = {}
    for some in chunks(zip(_names(entries), entries, strict=True), CHUNK):
        documents = database.known({key for _, (_, known, _) in some for key in keys(known)}) if database else {}
        for name, (stage, known, own) in some:
            more = _described(stage, known, documents)
            probed = _fingerprint(stage, known, database)
            beside = {"site": name, **{column: more.get(column) for column in SORTED_BY}}
            beside["co_stretch"] = probed.get("estimate")
            rows += [row | beside | _incomplete(stage, known, row) for row in own]
            sites[name] = dossier(stage, known, documents) | {"descriptors": more}
            if probed:
                sites[name]["fingerprint"] = probed
            sites[name] |= _resting(own, is_asked=bool(stage.campaign.resting))
    for stage, site, why in _without_results(checked, found, database):
        name = site.label if site.label not in sites else f"{site.label} [{site.key[:LETTERS]}]"
        rows.append({"site": name, "family": site.family, "metals": site.metals, "undetermined": why})
        sites[name] = without_results(site, stage)
    drawn = _volcanoes(checked, found)
    done = practice(checked, found, sites.values())
    written = Writing(done)
    return {
        "schema": SCHEMA,
        "campaign": discreet(_campaign(checked, found)),
        "reactions": [_reaction(checked, name) for name in checked.campaign.all_reactions],
        **discreet(overview(rows, checked.campaign.all_adsorbates, drawn.values())),
        "descriptors": _listed(sites.values()),
        "sites": discreet(sites),
        "methods_text": discreet(written.text),
        "references": written.references,
        "bibtex": written.bibtex,
        "plots": {"volcanoes": drawn} if drawn else {},
    }


def _volcanoes(checked: CheckedCampaign, found: Sequence[Level]) -> dict[str, Row]:
    """Return the volcanoes of the last stage that has results."""
    sites = next((level[1] for level in reversed(found) if any(site.potentials for site in level[1])), [])
    around = next((site.around for site in sites if site.around is not None), None)
    return volcanoes(checked.campaign.all_reactions, sites, around) if around is not None else {}


def _names(entries: Iterable[Latest]) -> list[str]:
    """Return what each site is called, so that no two are called the same."""
    sites = [next(iter(known.rows.values())) for _, known, _ in entries]
    labels = Counter(row.site.label for row in sites)
    names = [
        row.site.label if labels[row.site.label] == 1 else f"{row.site.label} [{row.site.key[:LETTERS]}]"
        for row in sites
    ]
    twice = Counter(names)
    # a collection may hold a site by several methods
    return [
        name
        if twice[name] == 1
        else f"{name} by {Method.from_dict(row.method).title()} [{row.method['key'][:LETTERS]}]"
        for name, row in zip(names, sites, strict=True)
    ]


def _described(stage: CheckedCampaign, known: SiteRows, documents: Documents) -> Row:
    """Return the descriptors of a site that the report does not hold elsewhere."""
    found = site_descriptors(stage, known, documents)
    return {name: value for name, value in found.items() if value is not None and _kind(name) not in ELSEWHERE}


@cache
def _kind(column: str) -> str:
    return descriptor(column).kind


def _fingerprint(stage: CheckedCampaign, known: SiteRows, database: Database | None) -> Row:
    if database is None or not stage.campaign.fingerprints.co_stretch or PROBE not in known.rows:
        return {}
    found = probe_of(stage, known.recipe, known.rows, database)
    return {"reason": found} if isinstance(found, str) else found.to_dict()


def _resting(rows: Sequence[Row], *, is_asked: bool) -> Row:
    """Return what covers a site where, which its rows share, and why nothing is known of a reaction there if asked."""
    windows: list[str] = next((row["resting_windows"] for row in rows if row["resting_windows"]), [])
    whys = {row["reaction"]: row["not_at_rest"] for row in rows if is_asked and row["not_at_rest"]}
    return ({"resting": windows} if windows else {}) | ({"not_at_rest": whys} if whys else {})


def _incomplete(stage: CheckedCampaign, known: SiteRows, row: Row) -> Row:
    """Return why a site has no limiting potential where calculations are still to come."""
    missing = [f"{name}*" for name in stage.campaign.all_adsorbates if name not in known.rows]
    if row["reaction"] is not None or not stage.campaign.all_reactions or not missing:
        return {}
    return {"undetermined": f"not calculated yet: {', '.join(missing)}"}


def _without_results(
    checked: CheckedCampaign, found: Sequence[Level], database: Database | None
) -> Iterator[tuple[CheckedCampaign, SiteLabel, str]]:
    """Yield each site of which nothing is known, and why."""
    if isinstance(checked, Collection) or not found:
        return
    stage, sites, _ = found[0]
    bare = [catalog.build(known.recipe) for known in sites if not known.rows]
    reasons: dict[str, str] = {}
    if database is not None and bare:
        failed = database.tasks.find(checked.campaign.name, kind=sorted(FLOWS), state=TaskState.FAILED)
        reasons = {task.site: task.reason for task in failed if task.reason}
    for site in bare:
        why = f"could not be completed: {reasons[site.label]}" if site.label in reasons else "not calculated yet"
        yield stage, site_label(site), why


def _campaign(checked: CheckedCampaign, found: Sequence[Level]) -> Row:
    stages = [
        {**stage_state(stage, sifted), "name": stage.stage.name}
        for stage, _, sifted in found
        if stage.stage is not None
    ]
    for stage in stages:
        del stage["stage"]
    first, last = found[0], found[-1]
    return {
        "name": checked.campaign.name,
        "title": _title(checked, len(first[1])),
        "methods": methods_of(found),
        "conditions": checked.conditions,
        "sites": len(first[1]),
        "complete": sum(has_rows(first[0], site) for site in first[1]),
        "passed": len(last[2].passed),
        "stages": stages,
        "agreements": [vars(one) for one in method_agreements(found)],
        "versions": {"atomsieve": version("atomsieve")},
        "generated": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _title(checked: CheckedCampaign, sites: int) -> str:
    what = [*checked.campaign.reactions] or [f"{name}*" for name in checked.campaign.adsorbates]
    return f"{listed(what)} at {counted(sites, 'site')}"


def _reaction(checked: CheckedCampaign, name: str) -> Row:
    wanted = reaction(name)
    try:
        equilibrium = rounded(checked.surroundings.equilibrium(wanted.overall))
    except InputError:
        # a molecule without data under these conditions
        equilibrium = None
    return {
        "name": name,
        "title": wanted.title,
        "equilibrium": equilibrium,
        "is_reduction": wanted.is_reduction,
        "electrons": wanted.electrons,
        "states": [state.text for state in wanted.routes[next(iter(wanted.routes))]],
        "routes": {route: [state.text for state in chain] for route, chain in wanted.routes.items()},
        "source": wanted.source,
    }


def _listed(sites: Iterable[Row]) -> list[Row]:
    """Make each site's descriptors a list of values, and return what these are."""
    every = [site for site in sites if "descriptors" in site]
    columns = columns_of(site["descriptors"] for site in every)
    for site in every:
        site["descriptors"] = [site["descriptors"].get(column) for column in columns]
    return [_descriptor(column) for column in columns]


def _descriptor(column: str) -> Row:
    entry = descriptor(column)
    fields = ("name", "title", "symbol", "unit", "decimals", "kind", "source")
    return {field: getattr(entry, field) for field in fields}
