"""Derivation: a campaign, or what was ingested under a name, gone through with the calculations of a database.

Nothing is calculated, and no working folder is read: what is derived goes to a database of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from jobflow import Flow

from atomsieve.analysis.adsorption import adsorption_energy
from atomsieve.analysis.database import Database
from atomsieve.analysis.documents.sites import site_document, unknown_site_document
from atomsieve.analysis.provenance import Provenance
from atomsieve.structures.campaign import campaign_from_data
from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel
from atomsieve.structures.identity import content_key
from atomsieve.structures.reference import reference
from atomsieve.structures.site import atoms_from_dict
from atomsieve.workflows.campaign_check import check
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.flowrun import FlowRun
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.funnel import sift
from atomsieve.workflows.harvest import potentials, stored_rows
from atomsieve.workflows.ingest.cohorts import selection
from atomsieve.workflows.ingest.collection import Collection, is_collection
from atomsieve.workflows.ingest.recognition import FAMILY, SCHEMA, site_of
from atomsieve.workflows.ledger import Ledger, label_of
from atomsieve.workflows.outbox import Outbox
from atomsieve.workflows.replay import Replay, Replayed
from atomsieve.workflows.watch import Watch


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


class Shelf(Folder):
    """Results that are in a database too, and need not survive a power cut here."""

    def bring(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Write outcomes."""
        for document in documents:
            directory = self.directory(document["key"])
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            plain = {name: value for name, value in document.items() if name not in ("_id", "last_updated", "schema")}
            name = "result.json" if document["status"] == "done" else "failure.json"
            (directory / name).write_text(json.dumps(plain), encoding="utf-8")


class _Outbox(Outbox):
    """Asks for outcomes where they are, and puts what is derived from them beside it."""

    def __init__(self, checked: CheckedCampaign, beside: Database, ledger: Ledger, source: Database) -> None:
        super().__init__(checked, beside, ledger)
        self._source = source

    def _stored(self, key: str) -> dict[str, Any] | None:
        return self._source.known([key]).get(key)


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
        super().__init__(checked, beside, Watch(), found, lambda parcel: None, lambda keys: iter(()), "", "")
        self.outbox = _Outbox(checked, beside, self.ledger, source)

    def _flows(self) -> Iterator[tuple[Any, Flow]]:
        for tag, flow in super()._flows():
            # failures say of which site they are
            flow.update_metadata({"site": label_of(tag)})
            yield tag, flow

    def _note(self, run: FlowRun, seen: object) -> None:
        self.replayed.open += not run.is_done


def derive(name: str, source: Database, beside: Database, folder: Shelf, whence: str | None) -> str:
    """Derive what one campaign does; return why not all of it could be, empty if it could.

    Parameters
    ----------
    name : str
        Of the campaign.
    source : Database
        Holds the calculations and the campaign; is only read.
    beside : Database
        Takes what is derived.
    folder : Shelf
        Takes the calculations, for the jobs that read them from disk.
    whence : str or None
        Folder in which its results lie, or lay, where it was run.

    Raises
    ------
    AtomsieveError
        If this version or this machine can make nothing of the campaign's file.
    """
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
    number, of = left or len(wanted), len(kept.campaign.sites)
    return f"{number:,} of its {of:,} sites do not say what they were made of; ingest them again"


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
