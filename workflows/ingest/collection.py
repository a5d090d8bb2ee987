"""Collection: sites that were ingested under a name, kept beside the campaigns so that results are found by it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from atomsieve.structures.adsorbate import adsorbates
from atomsieve.structures.campaign import campaign_from_data
from atomsieve.structures.errors import InputError
from atomsieve.structures.reaction import Reaction, reactions
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.ingest.mapping_file import MappingFile
from atomsieve.workflows.ingest.recognition import FAMILY


@dataclass(frozen=True)
class Collection(CheckedCampaign):
    """A campaign that somebody else ran: its sites state the rows that they have, and nothing in it can be run."""

    def recipes(self) -> Iterator[dict[str, Any]]:
        """Yield what is kept of each site."""
        yield from self.campaign.sites

    def policy_keys(self, recipe: Mapping[str, Any]) -> dict[str, str]:
        """Return the policy key of each adsorbate's row at a site."""
        return dict(recipe["rows"])

    def far_face(self, recipe: Mapping[str, Any]) -> str:
        """Say nothing: what the far face of somebody else's site could carry is not known."""
        return ""

    def can_tell(self, wanted: Reaction, adsorbates: Iterable[str]) -> bool:
        """Return whether the rows of some adsorbates say what a reaction does at a site: a path of it is enough."""
        return wanted.is_within(adsorbates)


def is_collection(content: Mapping[str, Any]) -> bool:
    """Tell whether what the database keeps under a name is a collection."""
    return all(site.get("family") == FAMILY for site in content["sites"])


def collection(
    name: str,
    sites: Iterable[Mapping[str, Any]],
    mapping: MappingFile,
    before: Mapping[str, Any] | None,
    folder: Folder,
) -> Collection:
    """Return the collection of some sites and of those that it held before.

    Parameters
    ----------
    name : str
        What it is called.
    sites : iterable of mapping
        ``label``, ``key``, ``method`` (its key) and ``rows`` (policy keys by adsorbate) of each.
    mapping : MappingFile
        Reactions, conditions and thermochemistry.
    before : mapping or None
        What the database keeps under the name.
    folder : Folder
        Where the embedded database lies.

    Raises
    ------
    InputError
        If the name is that of a campaign that was run.
    CampaignError
        If the name cannot be one.
    """
    merged: dict[tuple[str, str], dict[str, Any]] = {}
    if before is not None:
        if not is_collection(before):
            raise InputError(f"{name!r} is a campaign that was run here; ingest under another name")
        merged = {(site["label"], site["method"]): site for site in before["sites"]}
    for site in sites:
        old = merged.get((site["label"], site["method"]))
        # a site that has changed is another; what was known of the other says nothing of this one
        merged[site["label"], site["method"]] = {"family": FAMILY, **site}
        if old and old["key"] == site["key"]:
            rows = {**old["rows"], **site["rows"]}
            merged[site["label"], site["method"]] |= {"rows": rows, "states": _states(old, site)}
    found = {adsorbate for site in merged.values() for adsorbate in site["rows"]}
    known = [adsorbate for adsorbate in adsorbates() if adsorbate in found]
    wanted = [reaction for reaction, entry in reactions().items() if entry.is_within(found)]
    content = {
        "name": name,
        "sites": list(merged.values()),
        "method": {"calculator": FAMILY},
        "reactions": mapping.reactions if mapping.reactions is not None else wanted,
        "adsorbates": known,
        "conditions": mapping.conditions.model_dump(exclude_unset=True),
        "thermochemistry": mapping.thermochemistry.model_dump(exclude_unset=True),
    }
    return Collection(campaign_from_data(content, name), name, folder)


def _states(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the rows of a site are made of, where some are of before."""
    before, after = old.get("states", {}), new["states"]
    gases = list(dict.fromkeys([*before.get("gases", ()), *after["gases"]]))
    united = {name: {**before.get(name, {}), **after[name]} for name in ("adsorbed", "uncertainties")}
    return {"clean": after["clean"], "gases": gases, **united}
