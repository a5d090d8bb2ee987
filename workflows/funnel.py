"""Funnel: which sites pass from one stage of a campaign to the next, and which fall out, where and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from atomsieve.analysis.database import Database
from atomsieve.structures.criterion import Criteria, SiteResult
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.harvest import SiteRows, has_rows, stored_rows


@dataclass(frozen=True)
class Sifted:
    """What became of the sites that entered a stage.

    Parameters
    ----------
    entered : int
        All of them.
    passed : tuple of str
        Keys of those that pass on, in the file's order.
    rejected : mapping of str to str
        Why the others fall out, by key.
    """

    entered: int
    passed: tuple[str, ...]
    rejected: dict[str, str]

    @property
    def missing(self) -> int:
        """Number of sites that have no results yet, of which nothing can be said."""
        return self.entered - len(self.passed) - len(self.rejected)


def sift(stage: CheckedCampaign, sites: Iterable[SiteRows], criteria: Criteria | None = None) -> Sifted:
    """Return which sites pass on.

    Parameters
    ----------
    stage : CheckedCampaign
        The stage.
    sites : iterable of SiteRows
        What it knows of each site that enters it.
    criteria : Criteria or None
        Part of the stage's; None for all.
    """
    entered = 0

    def results() -> Iterator[SiteResult]:
        nonlocal entered
        for site in sites:
            entered += 1
            if has_rows(stage, site):
                first = next(iter(site.rows.values()))
                potentials = {entry.reaction: entry for entry in site.potentials}
                yield SiteResult(first.site, site.rows, potentials, site.stability)

    found = (criteria or stage.criteria).sift(results())
    passed = tuple(key for key, reason in found.items() if reason is None)
    return Sifted(entered, passed, {key: reason for key, reason in found.items() if reason is not None})


def funnel(
    checked: CheckedCampaign, database: Database | None, visit: Callable[[SiteRows], None] = lambda site: None
) -> Iterator[tuple[CheckedCampaign, Sifted]]:
    """Yield each stage for the sites that enter it, and what became of them.

    A campaign without stages is one that lets every site pass.

    Parameters
    ----------
    checked : CheckedCampaign
        The campaign.
    database : Database or None
        None where there is none yet.
    visit : callable
        Is shown what is known of each site before its stage is yielded.
    """
    entering: frozenset[str] | None = None
    for stage in checked.stages:
        own = replace(stage, only=entering)

        def shown(own: CheckedCampaign = own) -> Iterator[SiteRows]:
            for site in stored_rows(own, database):
                visit(site)
                yield site

        sifted = sift(own, shown())
        yield own, sifted
        entering = frozenset(sifted.passed)


#: A stage for the sites that enter it, what it knows of them, and what became of them.
Level = tuple[CheckedCampaign, list[SiteRows], Sifted]


def levels(checked: CheckedCampaign, database: Database | None) -> list[Level]:
    """Return all that is known of each stage."""
    sites: list[SiteRows] = []
    found = []
    for stage, sifted in funnel(checked, database, sites.append):
        found.append((stage, sites.copy(), sifted))
        sites.clear()
    return found
