"""Rebuilding: what is derived from calculations, derived again from them and the campaigns that are kept.

Each campaign is gone through with what is stored, as its run would be if all had been calculated, in a database of its
own beside; what it derives is then written, and only after that is removed what no campaign derives. Nothing is
calculated, and no working folder is read.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from jobflow import Flow

from atomsieve.analysis import upserts
from atomsieve.analysis.adsorption import adsorption_energy
from atomsieve.analysis.away import reported
from atomsieve.analysis.chunks import chunks
from atomsieve.analysis.copying import MARKED, collection, documents_of, put
from atomsieve.analysis.database import Database
from atomsieve.analysis.documents.sites import site_document, unknown_site_document
from atomsieve.analysis.provenance import Provenance
from atomsieve.analysis.superseded import mark, mark_older
from atomsieve.structures.campaign import campaign_from_data
from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel
from atomsieve.structures.errors import AtomsieveError, StoreError
from atomsieve.structures.identity import content_key
from atomsieve.structures.reference import reference
from atomsieve.structures.site import atoms_from_dict
from atomsieve.workflows.campaigns import check
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.flowrun import FlowRun
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.funnel import Sifted, sift
from atomsieve.workflows.harvest import SiteRows, potentials, stored_rows
from atomsieve.workflows.ingest.cohorts import selection
from atomsieve.workflows.ingest.collection import Collection, is_collection
from atomsieve.workflows.ingest.recognition import FAMILY, SCHEMA, site_of
from atomsieve.workflows.ledger import label_of
from atomsieve.workflows.replay import Replay, Replayed

#: What is derived, in the order in which it is written.
DERIVED: Final = ("failures", "methods", "sites", "adsorption_energies", "reaction_results", "stabilities")
#: What does not belong to what a document says.
_BESIDE: Final = frozenset(("_id", "last_updated", "provenance", "superseded", "resolved", *upserts.GATHERED))
#: Keys that are told of what goes.
_SHOWN: Final = 10


@dataclass
class Outcome:
    """What becomes of one collection.

    Parameters
    ----------
    same : int
        Documents that are as they were.
    changed : int
        Documents that say something else now, or are of more campaigns.
    new : int
        Documents that were not there.
    gone : int
        Documents that no campaign derives.
    kept : int
        Documents that were not derived, and stay: failures, and what belongs to campaigns that are not complete.
    examples : list of str
        Keys of some of those that go.
    """

    same: int = 0
    changed: int = 0
    new: int = 0
    gone: int = 0
    kept: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass
class Rebuilt:
    """What a rebuild did.

    Parameters
    ----------
    collections : dict of str to Outcome
        By name.
    campaigns : list of str
        Those that were gone through.
    incomplete : dict of str to str
        Why not all of a campaign could be derived; what it has stays.
    """

    collections: dict[str, Outcome] = field(default_factory=lambda: {name: Outcome() for name in DERIVED})
    campaigns: list[str] = field(default_factory=list)
    incomplete: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Recorded(CheckedCampaign):
    """A campaign for which every outcome stands, whatever numerics its file asks for now.

    Parameters
    ----------
    whence : str or None
        Folder in which its results lie, or lay, where it was run.
    """

    whence: str | None = None

    @property
    def provenance(self) -> Provenance:
        """What is said of the campaign in what is written."""
        return replace(super().provenance, folder=self.whence)

    def is_settled(self, document: Mapping[str, Any] | None) -> bool:
        """Return whether there is an outcome."""
        return document is not None


class _Shelf(Folder):
    """Results that are in a database too, and need not survive a power cut here."""

    def bring(self, documents: Iterable[Mapping[str, Any]]) -> None:
        for document in documents:
            directory = self.directory(document["key"])
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            plain = {name: value for name, value in document.items() if name not in ("_id", "last_updated", "schema")}
            name = "result.json" if document["status"] == "done" else "failure.json"
            (directory / name).write_text(json.dumps(plain), encoding="utf-8")


class _Silence:
    """Tells nobody anything."""

    def started(self, name: str) -> None: ...
    def finished(self, name: str, task: str, output: dict[str, Any] | None) -> None: ...
    def site(self, label: str, rows: SiteRows | None, *, stored: bool) -> None: ...
    def stage(self, stage: CheckedCampaign, sites: int) -> None: ...
    def passed(self, stage: CheckedCampaign, sifted: Sifted) -> None: ...


class _Derivation(Replay):
    """Goes through one stage with what a database holds.

    Parameters
    ----------
    checked : Recorded
        The stage, for the sites that enter it.
    source : Database
        Holds the calculations; is only read.
    beside : Database
        Takes what is derived.
    found : Replayed
        Is added to.
    """

    def __init__(self, checked: CheckedCampaign, source: Database, beside: Database, found: Replayed) -> None:
        super().__init__(checked, beside, _Silence(), found, lambda parcel: None, lambda keys: iter(()), "", "")
        self._source = source

    def _flows(self) -> Iterator[tuple[Any, Flow]]:
        for tag, flow in super()._flows():
            # failures say of which site they are
            flow.update_metadata({"site": label_of(tag)})
            yield tag, flow

    def _note(self, run: FlowRun, seen: object) -> None:
        self.replayed.open += not run.is_done

    def _stored(self, key: str) -> dict[str, Any] | None:
        return self._source.known([key]).get(key)


def rebuild(
    database: Database, *, is_dry: bool = False, progress: Callable[[str, int, int], None] = lambda *_: None
) -> Rebuilt:
    """Derive again all that a database derives from calculations.

    Parameters
    ----------
    database : Database
        Connected, for writing unless ``is_dry``.
    is_dry : bool
        Only say what would change.
    progress : callable
        Is told what is gone through, and how many of how many campaigns are behind.

    Returns
    -------
    Rebuilt
        What became of what was there.

    Raises
    ------
    StoreError
        If the database does not answer; what was there is there still, and the same again goes on.
    """
    done, began = Rebuilt(), datetime.now(UTC).replace(tzinfo=None)
    with tempfile.TemporaryDirectory(prefix="atomsieve-rebuild-") as root:
        folder = _Shelf(Path(root))
        with Database.embedded(folder.database) as beside:
            with reported(database.title):
                kept = sorted(database.campaigns.query({}, ["name", "begun", "folder"]), key=_first)
            for index, document in enumerate(kept):
                name = str(document["name"])
                progress(name, index, len(kept))
                try:
                    why = _derive(name, database, beside, folder, document.get("folder"))
                except StoreError:
                    raise
                except AtomsieveError as error:
                    why = str(error)
                done.campaigns.append(name)
                if why:
                    done.incomplete[name] = why
            progress("writing", len(kept), len(kept))
            _write(beside, database, done, began, is_dry=is_dry)
    return done


def _first(document: Mapping[str, Any]) -> tuple[str, str]:
    return str(document.get("begun") or ""), str(document["name"])


def _derive(name: str, source: Database, beside: Database, folder: Folder, whence: str | None) -> str:
    """Derive what one campaign does; return why not all of it could be, empty if it could."""
    content = source.campaign(name)
    if content is None:
        return "it was removed meanwhile"
    campaign = campaign_from_data(content, name)
    if is_collection(content):
        return _derive_collection(Collection(campaign, name, folder), source, beside, whence)
    check(campaign, name, folder)
    found, entering = Replayed(), None
    for stage in Recorded(campaign, name, folder, whence=whence).stages:
        own = replace(stage, only=entering)
        _Derivation(own, source, beside, found).run()
        if own.stage is not None:
            entering = frozenset(sift(own, stored_rows(own, beside)).passed)
    left = found.open + found.waiting + len(found.errors)
    if not left:
        return ""
    why = next(iter(found.errors.values()), "their calculations are not all there")
    return f"{left:,} of its {found.entered:,} sites cannot be derived: {why}"


def _derive_collection(kept: Collection, source: Database, beside: Database, whence: str | None) -> str:
    """Derive the sites and the rows of what was ingested."""
    by, left = replace(kept.provenance, folder=whence), 0
    wanted = {site["key"] for site in kept.campaign.sites}
    for site in kept.campaign.sites:
        states = site.get("states", {"clean": [], "adsorbed": {}, "gases": [], "uncertainties": {}})
        named = {*states["clean"], *states["gases"], *(key for keys in states["adsorbed"].values() for key in keys)}
        documents = source.known(named)
        rows = _ingested_rows(kept, site, states, documents) if len(documents) == len(named) else {}
        if {adsorbate: row.policy_key for adsorbate, row in rows.items()} != site["rows"]:
            left += 1
            continue
        made = _ingested_site(kept, site, [documents[key] for key in states["clean"]], by)
        if made is not None:
            beside.push_sites({site["key"]: partial(dict, made)}, by)
            wanted.discard(site["key"])
        beside.ingest(list(documents.values()), by)
        beside.push(list(rows.values()), potentials(kept, rows, kept.surroundings), (), by)
    if not (left or wanted):
        return ""
    return f"{left or len(wanted):,} of its {len(kept.campaign.sites):,} sites do not say what they were made of; ingest them again"


def _ingested_site(
    kept: Collection, site: Mapping[str, Any], clean: Sequence[Mapping[str, Any]], by: Provenance
) -> dict[str, Any] | None:
    """Return the document of a site, from the clean run by whose structure it is known; None if it is another's."""
    label = _label(site)
    recipe = {"family": FAMILY, "schema": SCHEMA, "collection": kept.campaign.name, "site": site["label"]}
    if content_key("site", recipe) == site["key"]:
        return unknown_site_document(label, recipe, by)
    for document in clean:
        if document.get("atoms"):
            built = site_of(atoms_from_dict(document["atoms"]), site["label"], label.metals)
            if built.key == site["key"]:
                return site_document(built, by, label)
    return None


def _label(site: Mapping[str, Any]) -> SiteLabel:
    return SiteLabel(site["label"], site["key"], FAMILY, tuple(site["metals"]))


def _ingested_rows(
    kept: Collection, site: Mapping[str, Any], states: Mapping[str, Any], documents: Mapping[str, Mapping[str, Any]]
) -> dict[str, AdsorptionEnergy]:
    # a person's run has no parents, so that it stands on any clean run of its site
    found = {
        key: {name: value for name, value in reference(document).items() if name != "parents"}
        for key, document in documents.items()
    }
    clean = [found[key] for key in states["clean"]]
    gases = {found[key]["subject"]["molecule"]: found[key] for key in states["gases"]}
    rows = {}
    for adsorbate, keys in states["adsorbed"].items():
        row = adsorption_energy(
            site=_label(site),
            adsorbate=adsorbate,
            method=clean[0]["method"],
            policy=selection(kept.campaign.thermochemistry),
            clean=clean,
            adsorbed=[found[key] for key in keys],
            gases=gases,
        )
        rows[adsorbate] = replace(row, uncertainty=states["uncertainties"].get(adsorbate))
    return rows


def _write(beside: Database, target: Database, done: Rebuilt, began: datetime, *, is_dry: bool) -> None:
    """Bring a database to what was derived: first what is new or changed, then what goes, and the marks at the end."""
    sites: set[str] = set()
    for name in DERIVED:
        outcome = done.collections[name]
        for batch in chunks(documents_of(beside, name), 200):
            if name in MARKED:
                sites.update(document["site"]["key"] for document in batch)
            _write_batch(name, batch, target, outcome, is_dry=is_dry)
    for name in DERIVED:
        sites |= _remove(name, beside, target, done, began, is_dry=is_dry)
    if not is_dry:
        with reported(target.title):
            mark(target.adsorption_energies, target.reaction_results, sites)
            mark_older(target.stabilities, sites)


def _write_batch(name: str, batch: list[dict[str, Any]], target: Database, outcome: Outcome, *, is_dry: bool) -> None:
    with reported(target.title):
        there = {
            document["key"]: document
            for document in documents_of(target, name, {"key": {"$in": [one["key"] for one in batch]}})
        }
    changed, behind = [], []
    for document in batch:
        before = there.get(document["key"])
        if before is None:
            outcome.new += 1
            changed.append(document)
        elif _content(before) != _content(document):
            outcome.changed += 1
            # who made it first, and that it has been resolved since, no calculation says
            kept = {name: before[name] for name in ("provenance", "resolved") if name in before}
            changed.append({**document, **kept})
        elif any(not set(before.get(one) or ()).issuperset(document.get(one, ())) for one in upserts.GATHERED):
            outcome.changed += 1
            behind.append(document)
        else:
            outcome.same += 1
    if is_dry:
        return
    put(target, name, changed, newer_wins=True)
    put(target, name, behind)


def _remove(name: str, beside: Database, target: Database, done: Rebuilt, began: datetime, *, is_dry: bool) -> set[str]:
    """Remove what no campaign derives; return the keys of the sites that it concerned."""
    outcome, sites, store = done.collections[name], set[str](), collection(target, name)
    fields = ["key", "last_updated", "campaigns", "family", *(["site.key"] if name in MARKED else [])]
    with reported(target.title):
        for batch in chunks(list(store.query({}, fields))):
            keys = [document["key"] for document in batch]
            derived = {document["key"] for document in collection(beside, name).query({"key": {"$in": keys}}, ["key"])}
            gone = []
            for document in batch:
                if document["key"] in derived:
                    continue
                if _is_lasting(name, document) or document["last_updated"] >= began or _is_open(document, done):
                    outcome.kept += 1
                    continue
                gone.append(document["key"])
                if name in MARKED:
                    sites.add(document["site"]["key"])
            outcome.gone += len(gone)
            outcome.examples += gone[: _SHOWN - len(outcome.examples)]
            if gone and not is_dry:
                # one that was written again meanwhile is newer
                store.remove_docs({"key": {"$in": gone}, "last_updated": {"$lt": began}})
    return sites


def _is_lasting(name: str, document: Mapping[str, Any]) -> bool:
    """Return whether a document holds what no calculation and no campaign says.

    These are failures, which a success has taken the place of since, and sites that were ingested without a row.
    """
    return name == "failures" or (name == "sites" and document.get("family") == FAMILY)


def _is_open(document: Mapping[str, Any], done: Rebuilt) -> bool:
    """Return whether a document may belong to a campaign that is not complete."""
    of = document.get("campaigns")
    return bool(done.incomplete) if not of else not done.incomplete.keys().isdisjoint(of)


def _content(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in _BESIDE}
