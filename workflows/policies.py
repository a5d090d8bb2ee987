"""Policy of a campaign: what its file says of how calculations are done, as the records that flows are made from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from atomsieve.structures.adsorbate import adsorbate
from atomsieve.structures.campaign import Campaign
from atomsieve.structures.correction import TREATMENTS
from atomsieve.structures.identity import plain
from atomsieve.structures.section import MethodSection, PrerelaxationSection
from atomsieve.workflows.attempts import GEOMETRY
from atomsieve.workflows.calculators import calculator
from atomsieve.workflows.metals import metal_method
from atomsieve.workflows.requests import Policy


def stated_policy(campaign: Campaign) -> Policy:
    """Return what a campaign, or a stage as one, tries at every site, whatever came before it."""
    assert campaign.method is not None
    entry = calculator(campaign.method.calculator)
    policy = Policy(
        method=entry.method(campaign.method.settings),
        fmax=campaign.relaxation.fmax,
        clean=campaign.spin.clean,
        adsorbed=campaign.spin.adsorbed,
        tilts=tuple(campaign.poses.tilts),
        azimuths=campaign.poses.azimuths,
        most=campaign.poses.most,
        torsions=campaign.poses.torsions,
        spin=entry.spin,
        corrections=campaign.thermochemistry.corrections,
        solvation=campaign.thermochemistry.solvation,
        gas_corrections=campaign.thermochemistry.gas_corrections,
        temperature=campaign.conditions.temperature,
        own={
            name: adsorbate(name).definition for name in campaign.all_adsorbates if name in campaign.define.adsorbates
        },
    )
    if campaign.prerelaxation is not None:
        cheap = calculator(campaign.prerelaxation.calculator)
        method = cheap.method(campaign.prerelaxation.settings)
        before = replace(policy, method=method, fmax=campaign.prerelaxation.fmax, spin=cheap.spin)
        policy = replace(policy, before=before, carry=campaign.prerelaxation.keep)
    if campaign.single_point is not None:
        dear = calculator(campaign.single_point.calculator)
        method = dear.method(campaign.single_point.settings)
        policy = replace(policy, single_point=method, single_point_knows_spin=dear.knows_spin)
    policy = replace(policy, electronic=campaign.descriptors.electronic)
    thermal = campaign.thermochemistry
    if thermal.corrections in TREATMENTS:
        floor = thermal.floor if thermal.corrections == "quasi-harmonic" else 0.0
        asked = {"displacement": thermal.displacement, "floor": floor}
        policy = replace(policy, vibrations={**asked, "metal": thermal.metal, "follow": thermal.follow})
    if campaign.fingerprints.co_stretch:
        policy = replace(policy, probe={"displacement": thermal.displacement, "metal": campaign.fingerprints.metal})
    return policy


def stated_numerics(campaign: Campaign) -> dict[str, dict[str, Any]]:
    """Return how the calculations of a campaign get where they get, by the key of their method."""
    assert campaign.method is not None
    sections: list[MethodSection | PrerelaxationSection] = [campaign.method]
    sections += [section for section in (campaign.single_point, campaign.prerelaxation) if section is not None]
    found: dict[str, dict[str, Any]] = {}
    for section in sections:
        entry = calculator(section.calculator)
        steps = section.max_steps if isinstance(section, PrerelaxationSection) else campaign.relaxation.max_steps
        ladder = {"scf": entry.ladder, "geometry": GEOMETRY} if campaign.relaxation.ladder else {}
        method = entry.method(section.settings)
        # bulk metals may be calculated without U
        mixed = campaign.stability is not None and campaign.stability.metals == "mixed"
        for key in dict.fromkeys((method.key, metal_method(method, "mixed").key if mixed else method.key)):
            found[key] = {
                "max_steps": steps,
                "optimizer": campaign.relaxation.optimizer,
                "ladder": plain(ladder),
                **entry.numerics(section.settings),
            }
    return found
