"""Harvest: from references of calculations to rows, and from a campaign to the rows it stands on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from atomsieve.analysis.adsorption import adsorption_energy, with_electronic
from atomsieve.analysis.chunks import chunks
from atomsieve.analysis.database import Database
from atomsieve.analysis.electrode import limiting_potential
from atomsieve.analysis.surroundings import Surroundings
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.errors import StoreError
from atomsieve.structures.judgement import USABLE
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.reaction import reaction
from atomsieve.structures.section import PROBE
from atomsieve.structures.site import ActiveSite, site_label
from atomsieve.structures.stability import Stability
from atomsieve.structures.vibrations import Vibrations
from atomsieve.workflows.carbonyl import is_vibrated
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.molecules import stored_surroundings, with_molecules


@dataclass(frozen=True)
class SiteRows:
    """What a campaign knows of one site.

    Parameters
    ----------
    recipe : mapping
        The site's recipe.
    rows : mapping of str to AdsorptionEnergy
        By adsorbate; only those that are there.
    potentials : tuple of LimitingPotential
        One a reaction; none before all its adsorbates are there.
    before : SiteRows or None
        What the stage knows at whose geometries relaxations start.
    around : Surroundings or None
        The surroundings of the limiting potentials; None while a molecule is still to be calculated.
    stability : Stability or None
        Under the campaign's conditions; None where that is not asked for, or not yet known.
    """

    recipe: Mapping[str, Any]
    rows: Mapping[str, AdsorptionEnergy]
    potentials: tuple[LimitingPotential, ...]
    before: SiteRows | None = None
    around: Surroundings | None = None
    stability: Stability | None = None

    @cached_property
    def carried(self) -> dict[str, Any]:
        """Request keys of the states of the stage before that relaxations start from, as flows hand on references.

        ``clean`` holds those of the clean site, ``adsorbed`` those with each adsorbate; only states that may be used.
        """
        clean: set[str] = set()
        adsorbed: dict[str, list[str]] = {}
        for name, row in (self.before.rows if self.before is not None else {}).items():
            usable = [entry for entry in row.considered if entry["verdict"] in USABLE]
            clean |= {str(entry["key"]) for entry in usable if entry["role"] == "clean"}
            adsorbed[name] = sorted(str(entry["key"]) for entry in usable if entry["role"] == "adsorbed")
        return {"clean": sorted(clean), "adsorbed": adsorbed}

    def starts(self, adsorbate: str) -> tuple[str, ...]:
        """Return the keys of :attr:`carried` that matter to the row of an adsorbate."""
        return tuple(sorted([*self.carried["clean"], *self.carried["adsorbed"].get(adsorbate, ())]))


def site_rows(
    checked: CheckedCampaign,
    site: ActiveSite,
    output: Mapping[str, Any],
    gases: Mapping[str, Mapping[str, Any]],
    stored: SiteRows,
    variants: Mapping[str, Mapping[str, Any]] | None = None,
) -> SiteRows:
    """Turn the output of a site's flow into rows.

    Parameters
    ----------
    checked : CheckedCampaign
        The campaign.
    site : ActiveSite
        As built.
    output : mapping
        ``clean`` and ``adsorbed`` references, with ``energies``, ``vibrations`` and ``electronic`` by their keys.
    gases : mapping of str to mapping
        The outputs of the flows of the gases.
    stored : SiteRows
        What was known of the site when its flow was made.
    variants : mapping of str to mapping, optional
        The outputs of the flows of what its stability is calculated from, by role.
    """
    policy = checked.policy
    parts = (output, *gases.values(), *(variants or {}).values())
    species = {gas: out["molecule"] for gas, out in gases.items() if out}
    energies = vibrations = None
    if policy.single_point is not None:
        energies = {key: point for part in parts for key, point in part.get("energies", {}).items()}
    if policy.vibrations is not None:
        found = {key: one for part in parts for key, one in part.get("vibrations", {}).items()}
        vibrations = {
            key: Vibrations.from_dict(checked.folder.stored(one["key"]))
            for key, one in found.items()
            if one["status"] == "done"
        }
    tried = {
        name: adsorption_energy(
            site=site_label(site),
            adsorbate=name,
            method=policy.energy_method.to_dict(),
            policy=checked.selections[name],
            clean=output["clean"],
            adsorbed=output["adsorbed"][name],
            gases=species,
            energies=energies,
            vibrations=vibrations,
        )
        for name in checked.campaign.all_adsorbates
    }
    electronic = output.get("electronic", {})
    rows = {
        name: with_electronic(replace(row, carried=stored.starts(name)), electronic.get(row.calculations.get("clean")))
        for name, row in tried.items()
    }
    around = with_molecules(checked, species, energies, vibrations)
    stable = None
    if checked.stability is not None:
        states = {"clean": output["clean"], **{role: one["clean"] for role, one in (variants or {}).items()}}
        stable = checked.stability.of_site(site_label(site), site.recipe, states, species, energies)
    made = SiteRows(site.recipe, rows, potentials(checked, rows, around), stored.before, around, stable)
    return judged(checked, made)


def judged(checked: CheckedCampaign, site: SiteRows) -> SiteRows:
    """Return what is known of a site with its stability judged under the campaign's conditions."""
    if site.stability is None or checked.stability is None or site.around is None:
        return site
    criteria = checked.stability.criteria(site.stability, site.rows, site.around)
    conditions = {**checked.conditions, **checked.stability.conditions}
    return replace(site, stability=site.stability.under(conditions, criteria))


def potentials(
    checked: CheckedCampaign, rows: Mapping[str, AdsorptionEnergy], around: Surroundings | None
) -> tuple[LimitingPotential, ...]:
    """Return the limiting potential of each reaction of which rows tell enough; none without surroundings."""
    found: list[LimitingPotential] = []
    if around is None:
        return ()
    for name in checked.campaign.all_reactions:
        wanted = reaction(name)
        own = {adsorbate: rows[adsorbate] for adsorbate in wanted.adsorbates if adsorbate in rows}
        if checked.can_tell(wanted, own):
            first = next(iter(own.values()))
            found.append(
                limiting_potential(
                    wanted,
                    own,
                    site=first.site,
                    method=first.method,
                    conditions=checked.conditions,
                    around=around,
                )
            )
    return tuple(found)


def stored_rows(checked: CheckedCampaign, database: Database | None, *, tolerant: bool = False) -> Iterator[SiteRows]:
    """Yield what the database knows of each site of a campaign, in the file's order.

    Parameters
    ----------
    checked : CheckedCampaign
        The campaign.
    database : Database or None
        None where there is none yet.
    tolerant : bool
        Take a database that is away for one that knows nothing: what is on disk is found all the same.
    """
    around = [stored_surroundings(one, database, tolerant=tolerant) for one in _origins(checked)]
    for recipes in chunks(checked.recipes(), 100):
        yield from _stored(checked, recipes, database, around, tolerant=tolerant)


def _origins(checked: CheckedCampaign) -> Iterator[CheckedCampaign]:
    """Yield a stage, that at whose geometries its relaxations start, and so on."""
    stage: CheckedCampaign | None = checked
    while stage is not None:
        yield stage
        stage = stage.origin


def _stored(
    checked: CheckedCampaign,
    recipes: list[dict[str, Any]],
    database: Database | None,
    around: Sequence[Surroundings | None],
    *,
    tolerant: bool,
) -> Iterator[SiteRows]:
    wanted: list[dict[str, str]] = [{} for _ in recipes]
    rows: dict[str, AdsorptionEnergy] = {}
    lived = [checked.stability_key(recipe) for recipe in recipes]
    stable: dict[str, Stability] = {}
    if database is not None:
        wanted = [checked.policy_keys(recipe) for recipe in recipes]
        try:
            rows = database.rows(key for keys in wanted for key in keys.values())
            if checked.stability is not None:
                stable = database.known_stabilities(key for key in lived if key is not None)
        except StoreError:
            if not tolerant:
                raise
    before: Iterable[SiteRows | None] = [None] * len(recipes)
    if checked.origin is not None:
        before = _stored(checked.origin, recipes, database, around[1:], tolerant=tolerant)
    for recipe, keys, lives, earlier in zip(recipes, wanted, lived, before, strict=True):
        own = {name: rows[key] for name, key in keys.items() if key in rows}
        known = stable.get(lives) if lives is not None else None
        found = SiteRows(recipe, own, potentials(checked, own, around[0]), earlier, around[0], known)
        yield judged(checked, found)


def has_rows(checked: CheckedCampaign, stored: SiteRows) -> bool:
    """Return whether each adsorbate has its row."""
    return len(stored.rows) == len(checked.campaign.all_adsorbates)


def is_complete(checked: CheckedCampaign, stored: SiteRows, database: Database) -> bool:
    """Return whether nothing is left to do at a site.

    Each adsorbate has its row, all rows stand on the same clean state and start where the stage before ended now, and
    what failed on the way still stands: it has been tried with the campaign's numerics, and nobody has made it succeed
    since.
    """
    rows = stored.rows.values()
    if not has_rows(checked, stored):
        return False
    if checked.computed and len(stored.potentials) < len(checked.campaign.all_reactions):
        # a molecule is still to be calculated
        return False
    if checked.origin is not None and any(row.carried != stored.starts(name) for name, row in stored.rows.items()):
        return False
    clean = {row.calculations.get("clean") for row in rows}
    if len(clean) > 1 or (checked.stability is not None and not checked.stability.is_known(stored, clean)):
        return False
    if checked.policy.probe is not None and not is_vibrated(checked, stored.recipe, stored.rows[PROBE], database):
        return False
    considered = [entry for row in rows for entry in row.considered]
    considered += stored.stability.considered if stored.stability is not None else ()
    failed = {entry["key"] for entry in considered if entry["status"] == "failed"}
    documents = database.known(failed) if failed else {}
    return len(documents) == len(failed) and all(
        document["status"] == "failed" and checked.is_settled(document) for document in documents.values()
    )
