"""Comparison: what a reaction at a site amounts to beside its rivals, the covered site, other sites, other methods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from atomsieve.analysis.one_method import of_one_method
from atomsieve.analysis.ranking import ranking
from atomsieve.analysis.resting import BARE, Candidate, at_rest, candidates, windows
from atomsieve.analysis.selectivity import selectivity
from atomsieve.analysis.spread import Agreement, Spread, agreements, spreads
from atomsieve.analysis.surroundings import Surroundings
from atomsieve.structures.conditions import with_ligands
from atomsieve.structures.errors import MethodMismatchError
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.method import Method
from atomsieve.structures.reaction import Reaction, reaction
from atomsieve.workflows.checked import CheckedCampaign, site_key
from atomsieve.workflows.funnel import Level
from atomsieve.workflows.harvest import SiteRows

#: A site, a method and a reaction, each by its key or name.
Place = tuple[str, str, str]
#: ΔG by adsorbate, eV.
Free = Mapping[str, float | None]

#: The places for which a probability is shown.
TOP = 10


def compare(found: Sequence[Level]) -> dict[Place, dict[str, Any]]:
    """Return the comparison columns of every limiting potential, those of its latest stage.

    Parameters
    ----------
    found : sequence of Level
        All that is known of a campaign.
    """
    columns: dict[Place, dict[str, Any]] = {}
    for stage, sites, _ in found:
        by_key = {next(iter(site.rows.values())).site.key: site for site in sites if site.rows}
        for site in sites:
            if site.around is not None:
                free = {name: row.free for name, row in site.rows.items()}
                covered = {name: by_key.get(site_key(one)) for name, one in stage.covered(site.recipe).items()}
                for potential in site.potentials:
                    rivals = _rivals(site, potential, free, site.around)
                    resting = _at_rest(stage, site, potential, free, site.around, covered)
                    columns[place_of(potential)] = rivals | resting
        for group in _groups(potential for site in sites for potential in site.potentials):
            for place, entry in _ranks(group):
                columns[place] |= entry
    widths = {(spread.site, spread.reaction): spread.width for spread in methods_beside(found)}
    for (site_of, _, name), entry in columns.items():
        entry["spread"] = widths.get((site_of, name))
    return columns


def place_of(potential: LimitingPotential) -> Place:
    """Return where a limiting potential belongs."""
    return potential.site.key, str(potential.method["key"]), potential.reaction


def _rivals(site: SiteRows, potential: LimitingPotential, free: Free, around: Surroundings) -> dict[str, Any]:
    wanted = reaction(potential.reaction)
    states = {state.text: state for state in wanted.states}
    found = selectivity(
        wanted,
        free,
        around,
        limits={other.reaction: other.limiting_potential for other in site.potentials},
        path=[states[str(state["text"])] for state in potential.states],
    )
    rival = found.strongest
    return {
        "selectivity": rival.difference if rival is not None else None,
        "selectivity_against": rival.name if rival is not None else None,
        "covered_by_hydrogen": found.is_covered,
    }


def resting_states(stage: CheckedCampaign, wanted: Reaction, free: Free, around: Surroundings) -> tuple[Candidate, ...]:
    """Return the states in which a site may rest while a reaction runs, with the ligands of its campaign.

    Parameters
    ----------
    stage : CheckedCampaign
        The stage.
    wanted : Reaction
        The reaction.
    free : mapping of str to (float or None)
        ΔG of each adsorbate, eV.
    around : Surroundings
        Those of the site.
    """
    ligands = stage.campaign.ligands
    there = around.at(**with_ligands(around.stated, ligands)) if ligands else around
    return candidates(free, there, {*wanted.molecules, *ligands})


def _at_rest(
    stage: CheckedCampaign,
    site: SiteRows,
    potential: LimitingPotential,
    free: Free,
    around: Surroundings,
    covered: Mapping[str, SiteRows | None],
) -> dict[str, Any]:
    wanted = reaction(potential.reaction)
    states = resting_states(stage, wanted, free, around)
    limits: dict[str, float | None] = {BARE: potential.limiting_potential}
    for name, other in covered.items():
        limits[f"{name}*"] = next(
            (p.limiting_potential for p in (other.potentials if other is not None else ()) if _is_same(p, potential)),
            None,
        )
    # 0 V against RHE is what a campaign has that asks for no potential
    conditions = stage.campaign.conditions
    stated = conditions.scale != "RHE" or conditions.potential != 0.0
    found = at_rest(
        states,
        limits,
        is_reduction=wanted.is_reduction,
        equilibrium=potential.equilibrium_potential,
        potential=around.potential if stated else None,
    )
    return {
        "resting_state": found.state,
        "limiting_potential_at_rest": found.limiting_potential,
        "not_at_rest": (stage.far_face(site.recipe) or found.reason) if found.limiting_potential is None else None,
        "resting_windows": [window.text for window in windows(states)],
    }


def _is_same(one: LimitingPotential, other: LimitingPotential) -> bool:
    return (one.reaction, one.method["key"]) == (other.reaction, other.method["key"])


def _groups(potentials: Iterable[LimitingPotential]) -> Iterable[list[LimitingPotential]]:
    """Yield what may be ranked: one reaction, one method."""
    by_reaction: dict[str, list[LimitingPotential]] = {}
    for potential in potentials:
        by_reaction.setdefault(potential.reaction, []).append(potential)
    for group in by_reaction.values():
        by_method: dict[str, list[LimitingPotential]] = {}
        for potential in group:
            by_method.setdefault(str(potential.method["key"]), []).append(potential)
        try:
            of_one_method({"site": {"label": p.site.label, "metals": p.site.metals}, "method": p.method} for p in group)
            yield group
        except MethodMismatchError:
            yield from by_method.values()


def _ranks(group: Sequence[LimitingPotential]) -> Iterable[tuple[Place, dict[str, Any]]]:
    places = ranking([p.overpotential for p in group], [p.error_bar for p in group], top=TOP)
    for potential, place in zip(group, places, strict=True):
        yield (
            place_of(potential),
            {
                "rank": place.rank if place is not None else None,
                "rank_best": place.best if place is not None else None,
                "rank_worst": place.worst if place is not None else None,
                "top_ten": place.probability if place is not None else None,
            },
        )


def methods_beside(found: Sequence[Level]) -> list[Spread]:
    """Return what the methods of a campaign's stages, or of a collection, say of the same site and reaction."""
    by_method: dict[str, list[LimitingPotential]] = {}
    for _, sites, _ in found:
        for site in sites:
            for potential in site.potentials:
                method = Method.from_dict(potential.method)
                by_method.setdefault(f"{method.title()} [{method.key[:8]}]", []).append(potential)
    return spreads(by_method)


def method_agreements(found: Sequence[Level]) -> list[Agreement]:
    """Return for each reaction and each two methods how far they order the same sites alike."""
    return agreements(methods_beside(found))
