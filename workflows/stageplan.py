"""StagePlan: what each stage of a campaign would run, and how many sites enter it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from atomsieve.analysis.database import Database
from atomsieve.structures.criterion import Criteria
from atomsieve.structures.site import ActiveSite
from atomsieve.workflows.checked import CheckedCampaign, site_key
from atomsieve.workflows.funnel import sift
from atomsieve.workflows.harvest import is_complete, stored_rows
from atomsieve.workflows.plan import Plan, Planner


@dataclass(frozen=True)
class StagePlan:
    """What one stage would run.

    Parameters
    ----------
    stage : str
        Its name.
    entering : tuple of int
        Least and most sites that enter it; the same where that is known.
    criteria : str
        What a site must fulfil to pass on; empty where all pass.
    plan : Plan
        What it would run.
    """

    stage: str
    entering: tuple[int, int]
    criteria: str
    plan: Plan


def plan_stages(
    checked: CheckedCampaign, database: Database | None, on_site: Callable[[ActiveSite], None] = lambda site: None
) -> Iterator[StagePlan]:
    """Yield the plan of each stage, as exact as the results of the stages before allow.

    Parameters
    ----------
    checked : CheckedCampaign
        A campaign with stages.
    database : Database or None
        Where done work is looked up; None if there is none yet.
    on_site : callable
        Is shown each site once.
    """
    entering: frozenset[str] | None = None
    bound: int | None = None
    for stage in checked.stages:
        own = replace(stage, only=entering)
        plan = Planner(own, database, bound).plan(on_site if entering is None else lambda site: None)
        assert own.stage is not None
        least, most = (plan.sites, plan.sites) if bound is None else (0, bound)
        yield StagePlan(own.stage.name, (least, most), str(own.criteria), plan)
        complete = (
            stored
            for stored in stored_rows(own, database)
            if database is not None and is_complete(own, stored, database)
        )
        # a place in a ranking is lost for good where all sites that enter are known
        criteria = own.criteria if bound is None else Criteria(own.criteria.conditions)
        sifted = sift(own, complete, criteria)
        entering = frozenset(site_key(recipe) for recipe in own.recipes()) - sifted.rejected.keys()
        ranking = own.criteria.ranking
        most = min(most, len(entering), ranking.number if ranking is not None else most)
        bound = None if bound is None and plan.complete == plan.sites else most
