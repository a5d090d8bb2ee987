"""CheckedCampaign: a campaign of which every entry has been found to be usable, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from atomsieve.builders import catalog
from atomsieve.structures.adsorbate import adsorbate, reference_amounts
from atomsieve.structures.campaign import Campaign, MethodSection, PrerelaxationSection
from atomsieve.structures.correction import TREATMENTS
from atomsieve.structures.energies import policy_key, slot_key
from atomsieve.structures.identity import content_key, plain
from atomsieve.workflows.attempts import GEOMETRY
from atomsieve.workflows.calculators import calculator
from atomsieve.workflows.entry import CalculatorEntry
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.relaxation import is_settled
from atomsieve.workflows.requests import Policy


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
    """

    campaign: Campaign
    source: str
    folder: Folder

    @cached_property
    def entry(self) -> CalculatorEntry:
        """The calculator."""
        return calculator(self.campaign.method.calculator)

    @cached_property
    def policy(self) -> Policy:
        """What is tried at every site."""
        c = self.campaign
        policy = Policy(
            method=self.entry.method(c.method.settings),
            fmax=c.relaxation.fmax,
            clean=c.spin.clean,
            adsorbed=c.spin.adsorbed,
            tilts=tuple(c.poses.tilts),
            azimuths=c.poses.azimuths,
            most=c.poses.most,
            torsions=c.poses.torsions,
            spin=self.entry.spin,
            corrections=c.thermochemistry.corrections,
            solvation=c.thermochemistry.solvation,
            temperature=c.conditions.temperature,
        )
        if c.prerelaxation is not None:
            cheap = calculator(c.prerelaxation.calculator)
            method = cheap.method(c.prerelaxation.settings)
            before = replace(policy, method=method, fmax=c.prerelaxation.fmax, spin=cheap.spin)
            policy = replace(policy, before=before, carry=c.prerelaxation.keep)
        if c.single_point is not None:
            dear = calculator(c.single_point.calculator)
            method = dear.method(c.single_point.settings)
            policy = replace(policy, single_point=method, single_point_knows_spin=dear.knows_spin)
        thermal = c.thermochemistry
        if thermal.corrections in TREATMENTS:
            floor = thermal.floor if thermal.corrections == "quasi-harmonic" else 0.0
            asked = {"displacement": thermal.displacement, "floor": floor}
            policy = replace(policy, vibrations={**asked, "metal": thermal.metal, "follow": thermal.follow})
        return policy

    @cached_property
    def numerics(self) -> dict[str, dict[str, Any]]:
        """How calculations get where they get, by the key of their method."""
        c = self.campaign
        sections: list[MethodSection | PrerelaxationSection] = [c.method]
        sections += [section for section in (c.single_point, c.prerelaxation) if section is not None]
        found: dict[str, dict[str, Any]] = {}
        for section in sections:
            entry = calculator(section.calculator)
            steps = section.max_steps if isinstance(section, PrerelaxationSection) else c.relaxation.max_steps
            ladder = {"scf": entry.ladder, "geometry": GEOMETRY} if c.relaxation.ladder else {}
            found[entry.method(section.settings).key] = {
                "max_steps": steps,
                "optimizer": c.relaxation.optimizer,
                "ladder": plain(ladder),
                **entry.numerics(section.settings),
            }
        return found

    def is_settled(self, document: Mapping[str, Any] | None) -> bool:
        """Return whether an outcome still stands under this campaign's numerics."""
        if document is None:
            return False
        return is_settled(document, self.numerics.get(document["request"]["method"]["key"], {}))

    @property
    def conditions(self) -> dict[str, Any]:
        """Temperature (K), pH, potential (V) and its scale."""
        return self.campaign.conditions.model_dump()

    @cached_property
    def gases(self) -> tuple[str, ...]:
        """The gas references that the adsorbates need."""
        amounts = [reference_amounts(adsorbate(name).composition) for name in self.campaign.all_adsorbates]
        return tuple(sorted({gas for amount in amounts for gas in amount}))

    @cached_property
    def site_count(self) -> int:
        """Number of different sites."""
        return sum(1 for _ in self.recipes())

    def recipes(self) -> Iterator[dict[str, Any]]:
        """Return the recipe of every site once, in the file's order."""
        return catalog.recipes(*self.campaign.sites)

    def policy_keys(self, recipe: Mapping[str, Any]) -> dict[str, str]:
        """Return the policy key of each adsorbate's row at a site, known before anything runs."""
        key, policy = site_key(recipe), self.policy
        return {
            name: policy_key(slot_key(key, name, policy.energy_method.key, policy.selection), policy.selection)
            for name in self.campaign.all_adsorbates
        }


def site_key(recipe: Mapping[str, Any]) -> str:
    """Return the key of the site that a recipe makes."""
    return content_key("site", recipe)
