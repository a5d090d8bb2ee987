"""Practice of a campaign: what was done, gathered from its file and from what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from ase.data import chemical_symbols

from atomsieve.analysis.report.practice import Practice, Theory, Treatment
from atomsieve.builders import catalog
from atomsieve.structures.adsorbate import adsorbate
from atomsieve.structures.judgement import USABLE
from atomsieve.structures.method import Method
from atomsieve.structures.molecule import reference_amounts
from atomsieve.workflows.calculators import CALCULATORS
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.funnel import Level, Sifted
from atomsieve.workflows.harvest import has_rows
from atomsieve.workflows.ingest.collection import Collection


def practice(checked: CheckedCampaign, found: Sequence[Level], sites: Iterable[Mapping[str, Any]]) -> Practice:
    """Return what was done in a campaign.

    Parameters
    ----------
    checked : CheckedCampaign
        The campaign.
    found : sequence of Level
        All that is known of each stage.
    sites : iterable of mapping
        As :func:`~atomsieve.workflows.dossier.dossier` gives them.
    """
    every = list(sites)
    campaign, first = checked.campaign, found[0]
    done, failed, rejected = _outcomes(found)
    families = Counter(_family(str(site["family"])) for site in every)
    metals = sorted({metal for site in every for metal in site["metals"]})
    numbers = {number for site in every if site["structure"] is not None for number in site["structure"]["numbers"]}
    compositions = [adsorbate(name).composition for name in campaign.all_adsorbates]
    references = {gas for one in compositions for gas in reference_amounts(one)}
    days = sorted(day for site in every for day in site["provenance"].get("date", "").split(" to ") if day)
    return Practice(
        treatments=tuple(_treatments(found)),
        families=dict(families),
        metals=tuple(metals),
        elements=tuple(sorted({chemical_symbols[number] for number in numbers} | set(metals))),
        reactions=campaign.all_reactions,
        adsorbates=campaign.all_adsorbates,
        references=tuple(sorted(references)),
        conditions=checked.conditions,
        sites=len(first[1]),
        complete=sum(has_rows(first[0], site) for site in first[1]),
        done=done,
        failed=failed,
        rejected=rejected,
        error_bars=_error_bars(found),
        versions={"atomsieve": version("atomsieve"), **_versions(every)},
        days=" to ".join(dict.fromkeys((days[0], days[-1]))) if days else "",
        probed=campaign.fingerprints.co_stretch,
        ingested=isinstance(checked, Collection),
    )


def methods_of(found: Sequence[Level]) -> list[dict[str, Any]]:
    """Return ``key, title, tier`` and ``predictive`` of each method whose energies are combined, and its ``stage``."""
    listed: dict[str, dict[str, Any]] = {}
    for stage, sites, _ in found:
        for method, geometry in _methods(stage, sites):
            listed[method.key] = {
                "key": method.key,
                "title": method.title(geometry),
                "tier": method.tier,
                "predictive": method.is_predictive,
                "stage": stage.stage.name if stage.stage is not None else None,
            }
    return list(listed.values())


def _methods(stage: CheckedCampaign, sites: Iterable[Any]) -> list[tuple[Method, Method | None]]:
    """Return the methods of energies of a stage, each with that of its geometries."""
    if not isinstance(stage, Collection):
        return [(stage.policy.energy_method, stage.policy.method)]
    known = {str(row.method["key"]): row for site in sites for row in site.rows.values()}
    return [(Method.from_dict(row.method), _geometry(row.policy)) for row in known.values()]


def _geometry(policy: Mapping[str, Any]) -> Method | None:
    return Method.from_dict(policy["geometry_method"]) if "geometry_method" in policy else None


def _theory(method: Method) -> Theory:
    entry = CALCULATORS.get(method.calculator)
    if entry is None:
        # calculated elsewhere, by what no table here holds
        return Theory(method.calculator, method.calculator, method.tier, method.physics)
    title = entry.title.split(" (")[0]
    return Theory(title, entry.name, method.tier, method.physics, entry.source, entry.spin, entry.program is not None)


def _treatments(found: Sequence[Level]) -> Iterable[Treatment]:
    for stage, sites, sifted in found:
        if isinstance(stage, Collection):
            thermal = stage.campaign.thermochemistry
            for method, geometry in _methods(stage, sites):
                yield Treatment(
                    None,
                    _theory(geometry or method),
                    _theory(method),
                    corrections=thermal.corrections,
                    solvation=thermal.solvation,
                    gas_corrections=thermal.gas_corrections,
                    gases=thermal.gases,
                )
        else:
            yield _treatment(stage, sifted)


def _treatment(stage: CheckedCampaign, sifted: Sifted) -> Treatment:
    policy, campaign = stage.policy, stage.campaign
    before = policy.before if stage.origin is None else None
    stable = stage.stability
    metals = sorted({metal for recipe in stage.recipes() for metal in recipe["metals"]}) if stable is not None else []
    return Treatment(
        name=stage.stage.name if stage.stage is not None else None,
        relaxed=_theory(policy.method),
        energies=_theory(policy.energy_method),
        before=_theory(before.method) if before is not None else None,
        fmax=policy.fmax,
        fmax_before=before.fmax if before is not None else 0.0,
        keep=policy.carry,
        optimizer=campaign.relaxation.optimizer,
        max_steps=campaign.relaxation.max_steps,
        clean=policy.clean,
        adsorbed=policy.adsorbed,
        poses=policy.selection["poses"] | {"torsions": policy.torsions},
        corrections=policy.corrections,
        solvation=policy.solvation,
        gas_corrections=policy.gas_corrections,
        gases=campaign.thermochemistry.gases,
        vibrations=policy.vibrations,
        stability=None
        if stable is None
        else {
            "schemes": {metal: stable.scheme(metal) for metal in metals},
            "activity": stable.section.activity,
            "demetallation": stable.section.demetallation,
            "aggregation": stable.section.aggregation,
            "ligands": stable.section.ligands,
        },
        starts=stage.origin.stage.name if stage.origin is not None and stage.origin.stage is not None else None,
        criteria=str(stage.criteria),
        entered=sifted.entered,
        passed=len(sifted.passed),
    )


def _family(name: str) -> str:
    families = catalog.families()
    return families[name].title if name in families else name


def _outcomes(found: Sequence[Level]) -> tuple[int, int, int]:
    """Return how many calculations ended with an energy, without one, and with a geometry that is of no use."""
    known: dict[str, tuple[str, str]] = {}
    for _, sites, _ in found:
        for site in sites:
            records = [row.considered for row in site.rows.values()]
            records += [site.stability.considered] if site.stability is not None else []
            for record in records:
                known |= {str(one["key"]): (str(one["status"]), str(one["verdict"])) for one in record}
    counts = Counter(status for status, _ in known.values())
    rejected = sum(status == "done" and verdict not in USABLE for status, verdict in known.values())
    return counts["done"], counts["failed"], rejected


def _error_bars(found: Sequence[Level]) -> tuple[tuple[float, str], ...]:
    """Return the error bars where they are the same nearly everywhere; others are in the rows."""
    bars = {(one.error_bar, one.error_source) for _, sites, _ in found for site in sites for one in site.potentials}
    return tuple(sorted(bars)) if len(bars) == 1 else ()


def _versions(sites: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    versions: dict[str, dict[str, None]] = {}
    for site in sites:
        for name, text in site["provenance"].get("versions", {}).items():
            versions.setdefault(name, {}).update(dict.fromkeys(text.split(", ")))
    return {name: " and ".join(sorted(every)) for name, every in sorted(versions.items())}
