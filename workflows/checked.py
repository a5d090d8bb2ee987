"""CheckedCampaign: a campaign of which every entry has been found to be usable, and what follows from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from atomsieve.analysis.provenance import Provenance
from atomsieve.analysis.surroundings import Surroundings, surroundings
from atomsieve.builders import catalog
from atomsieve.structures.adsorbate import adsorbate
from atomsieve.structures.campaign import Campaign, read_criteria
from atomsieve.structures.correction import correction_tables
from atomsieve.structures.criterion import Criteria
from atomsieve.structures.energies import policy_key, slot_key
from atomsieve.structures.identity import content_key
from atomsieve.structures.molecule import molecule, reference_amounts
from atomsieve.structures.reaction import Reaction
from atomsieve.structures.section import PROBE, MethodSection
from atomsieve.structures.stability import stability_key
from atomsieve.structures.stage_section import StageSection
from atomsieve.workflows.calculators import calculator
from atomsieve.workflows.entry import CalculatorEntry
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.policies import stated_numerics, stated_policy
from atomsieve.workflows.relaxation import is_settled
from atomsieve.workflows.requests import Policy
from atomsieve.workflows.variants import StabilityPolicy


@dataclass(frozen=True)
class CheckedCampaign:
    """A campaign of which every entry has been found to be usable.

    Parameters
    ----------
    campaign : Campaign
        What the file says.
    source : str
        The file, or the name under which the database keeps it.
    folder : Folder
        Where its results lie.
    stage : StageSection or None
        Which stage it is, where it is one of several.
    previous : CheckedCampaign or None
        The stage before.
    only : frozenset of str or None
        Keys of the sites that enter the stage; None for all.
    """

    campaign: Campaign
    source: str
    folder: Folder
    stage: StageSection | None = None
    previous: CheckedCampaign | None = None
    only: frozenset[str] | None = None

    @cached_property
    def stages(self) -> tuple[CheckedCampaign, ...]:
        """Its stages, each a campaign for all its sites; itself where there are none."""
        if not self.campaign.stages:
            return (self,)
        found: list[CheckedCampaign] = []
        for stage in self.campaign.stages:
            own = replace(self, campaign=self.campaign.at_stage(stage), stage=stage)
            found.append(replace(own, previous=found[-1]) if found else own)
        return tuple(found)

    @property
    def provenance(self) -> Provenance:
        """What is said of the campaign wherever it writes to a database."""
        return Provenance(self.campaign.name, tuple(self.campaign.tags), str(self.folder.root))

    @cached_property
    def criteria(self) -> Criteria:
        """What a site must fulfil to pass on."""
        return read_criteria(self.campaign, self.stage, "")[0] if self.stage is not None else Criteria()

    @cached_property
    def origin(self) -> CheckedCampaign | None:
        """The stage at whose geometries relaxations start; None where they start from the sites as built.

        A stage that relaxes as the one before did finds the same calculations, and starts where that one did.
        """
        if self.previous is None:
            return None
        ours, theirs = self._own, self.previous._own
        same = all(getattr(ours, name) == getattr(theirs, name) for name in ("method", "fmax", "clean", "adsorbed"))
        return self.previous.origin if same else self.previous

    @property
    def method_section(self) -> MethodSection:
        """The method that relaxes."""
        assert self.campaign.method is not None
        return self.campaign.method

    @cached_property
    def entry(self) -> CalculatorEntry:
        """The calculator."""
        return calculator(self.method_section.calculator)

    @cached_property
    def policy(self) -> Policy:
        """What is tried at every site."""
        if self.origin is not None:
            return replace(self._own, before=self.origin.policy)
        if self.previous is not None:
            # a later stage that relaxes as the first does has its pre-relaxation
            first = self.previous.policy
            return replace(self._own, before=first.before, carry=first.carry)
        return self._own

    @cached_property
    def _own(self) -> Policy:
        """What is tried, whatever came before."""
        return stated_policy(self.campaign)

    @cached_property
    def numerics(self) -> dict[str, dict[str, Any]]:
        """How calculations get where they get, by the key of their method."""
        before = self.previous.numerics if self.previous is not None else {}
        return {**before, **stated_numerics(self.campaign)}

    def is_settled(self, document: Mapping[str, Any] | None) -> bool:
        """Return whether an outcome still stands under this campaign's numerics."""
        if document is None:
            return False
        return is_settled(document, self.numerics.get(document["request"]["method"]["key"], {}))

    @property
    def conditions(self) -> dict[str, Any]:
        """Temperature (K), pH, potential (V) and its scale, and what else is stated of the surroundings."""
        return self.campaign.conditions.resolved()

    @cached_property
    def surroundings(self) -> Surroundings:
        """The conditions, resolved, with experimental molecules."""
        return surroundings(self.conditions)

    @cached_property
    def computed(self) -> tuple[str, ...]:
        """The molecules that are calculated so that reactions take their free energies from there."""
        if self.campaign.thermochemistry.gases != "computed":
            return ()
        names = {molecule(name).calculated for name in self.campaign.all_molecules}
        return tuple(sorted(name for name in names if name is not None and not molecule(name).is_reference))

    @cached_property
    def gases(self) -> tuple[str, ...]:
        """The molecules to calculate: the references that the adsorbates need, and what is computed with its own."""
        compositions = [adsorbate(name).composition for name in self.campaign.all_adsorbates]
        compositions += [molecule(name).composition for name in self.computed]
        probe = (PROBE,) if self.policy.probe is not None else ()
        return tuple(sorted({*self.computed, *probe, *(gas for one in compositions for gas in reference_amounts(one))}))

    @cached_property
    def stability(self) -> StabilityPolicy | None:
        """What stability is calculated from; None where the campaign asks for none."""
        section = self.campaign.stability
        return StabilityPolicy(section, self.policy) if section is not None else None

    @cached_property
    def species(self) -> tuple[str, ...]:
        """All that is calculated besides sites: the gases, and the metals that stability refers to."""
        if self.stability is None:
            return self.gases
        metals = {metal for recipe in catalog.recipes(*self.campaign.sites) for metal in recipe["metals"]}
        return tuple(dict.fromkeys((*self.gases, *self.stability.needed(sorted(metals)))))

    def species_policy(self, name: str) -> Policy:
        """Return how one of :attr:`species` is calculated."""
        return self.stability.species_policy(name) if self.stability is not None else self.policy

    def variants(self, recipe: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Return the recipes of what a site's stability is calculated from, by role: the vacant site, and so on."""
        return self.stability.variants(recipe) if self.stability is not None else {}

    def stability_key(self, recipe: Mapping[str, Any]) -> str | None:
        """Return the policy key of a site's stability, known before anything runs."""
        if self.stability is None:
            return None
        return stability_key(site_key(recipe), self.policy.energy_method.key, self.stability.selection)

    @cached_property
    def site_count(self) -> int:
        """Number of different sites."""
        return sum(1 for _ in self.recipes())

    def recipes(self) -> Iterator[dict[str, Any]]:
        """Return the recipe of every site once, in the file's order, each before those with its far face covered."""
        found = catalog.recipes(*self.campaign.sites)
        if self.campaign.resting:
            found = self._with_covered(found)
        return found if self.only is None else (recipe for recipe in found if site_key(recipe) in self.only)

    def _with_covered(self, recipes: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        seen: set[str] = set()
        for recipe in recipes:
            for one in (recipe, *self.covered(recipe).values()):
                if (key := site_key(one)) not in seen:
                    seen.add(key)
                    yield one

    def far_face(self, recipe: Mapping[str, Any]) -> str:
        """Say why the far face of a site cannot be covered; nothing where it can."""
        return catalog.far_face(recipe)

    @cached_property
    def uncovered(self) -> dict[str, int]:
        """How many sites, by the reason, are not built with a covered far face though the campaign asks for it."""
        whys: Counter[str] = Counter()
        for recipe in catalog.recipes(*self.campaign.sites) if self.campaign.resting else ():
            left = [name for name in self.campaign.resting if name not in self.covered(recipe)]
            if left:
                whys[self.far_face(recipe) or f"{', '.join(left)} does not go with its other parameters"] += 1
        return dict(whys)

    def covered(self, recipe: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Return by adsorbate the recipes of a site with it on its far face, as far as the campaign asks for them."""
        found = {name: catalog.covered(recipe, name) for name in self.campaign.resting}
        return {name: one for name, one in found.items() if one is not None}

    @cached_property
    def selections(self) -> dict[str, dict[str, Any]]:
        """What was tried and added, for the row of each adsorbate."""
        found = dict.fromkeys(self.campaign.all_adsorbates, self.policy.selection)
        table = correction_tables().get(self.policy.corrections)
        if self.campaign.probe_alone and table is not None and PROBE not in table.adsorbates:
            # its stretch needs no free energy, and a table that says nothing of it is none for its row
            found[PROBE] = replace(self.policy, corrections="none", solvation="none").selection
        if self.origin is not None:
            for name in found.keys() - set(self.origin.campaign.all_adsorbates):
                # poses stand on a clean site that was carried on, but none of them was
                found[name] = {**found[name], "before": {**found[name]["before"], "states": "clean"}}
        own = self.policy.own
        return {name: {**found[name], "definition": own[name]} if name in own else found[name] for name in found}

    def policy_keys(self, recipe: Mapping[str, Any]) -> dict[str, str]:
        """Return the policy key of each adsorbate's row at a site, known before anything runs."""
        key, method = site_key(recipe), self.policy.energy_method.key
        return {
            name: policy_key(slot_key(key, name, method, selection), selection)
            for name, selection in self.selections.items()
        }

    def can_tell(self, wanted: Reaction, adsorbates: Iterable[str]) -> bool:
        """Return whether the rows of some adsorbates say what a reaction does at a site: all, for the rest is to come.

        Parameters
        ----------
        wanted : Reaction
            The reaction.
        adsorbates : iterable of str
            Those that have a row.
        """
        return set(adsorbates).issuperset(wanted.adsorbates)


def site_key(recipe: Mapping[str, Any]) -> str:
    """Return the key of the site that a recipe makes."""
    return content_key("site", recipe)
