"""Plan: what a campaign, or a stage of one, would run, from building every site, without computing anything."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from atomsieve.analysis.chunks import chunks
from atomsieve.analysis.database import Database
from atomsieve.builders import catalog
from atomsieve.structures.calculation import Request
from atomsieve.structures.molecule import molecule
from atomsieve.structures.reaction import reaction
from atomsieve.structures.reference import lowest, reference
from atomsieve.structures.site import ActiveSite
from atomsieve.workflows.calculators import CalculatorEntry, calculator
from atomsieve.workflows.checked import CheckedCampaign, site_key
from atomsieve.workflows.count import (
    ADSORBED,
    BEFORE_ADSORBED,
    BEFORE_CLEAN,
    CLEAN,
    DISPLACEMENT,
    ELECTRONIC,
    ENERGY,
    FORCE_CALLS,
    MOLECULE,
    Count,
)
from atomsieve.workflows.counting import SiteCounter
from atomsieve.workflows.harvest import SiteRows, has_rows, is_complete, stored_rows
from atomsieve.workflows.level import Level


@dataclass
class Plan:
    """What a campaign, or one of its stages, would run.

    Parameters
    ----------
    calculator : str
        The calculator's name, or those of several that work together.
    sites : int
        All sites.
    complete : int
        Those of which every row is in the database.
    counts : dict of str to Count
        By kind: ``molecule``, ``clean``, ``adsorbed``; ``before clean`` and ``before adsorbed`` with a pre-relaxation,
        ``energy`` with single points, ``displacement`` with vibrations, ``electronic`` with electronic descriptors.
    force_calls, cpu_hours : tuple of float
        Least and most that is still to run, by the calculators' measured cost.
    closed : list of str
        Sites, as built, where some adsorbate cannot be placed; of those still to run.
    """

    calculator: str
    sites: int = 0
    complete: int = 0
    counts: dict[str, Count] = field(default_factory=dict)
    force_calls: tuple[float, float] = (0.0, 0.0)
    cpu_hours: tuple[float, float] = (0.0, 0.0)
    closed: list[str] = field(default_factory=list)

    def add(self, counts: Mapping[str, Count], seconds: Mapping[str, float]) -> None:
        """Add what is counted, each force call of a kind taking so many seconds."""
        for task in self.counts.keys() & counts.keys():
            count = counts[task]
            self.counts[task].add(count)
            calls = FORCE_CALLS[task]
            self.force_calls = (self.force_calls[0] + count.least * calls, self.force_calls[1] + count.most * calls)
            hours = calls * seconds[task] / 3600
            self.cpu_hours = (self.cpu_hours[0] + count.least * hours, self.cpu_hours[1] + count.most * hours)

    def add_most(self, sites: Sequence[tuple[Mapping[str, Count], Mapping[str, float]]], bound: int) -> None:
        """Add what so many of these sites ask for at most, where it is not known which; at least that is nothing."""
        for task, total in self.counts.items():
            own = [counts.get(task, Count()) for counts, _ in sites]
            total.stored += sum(count.stored for count in own)
            total.most += sum(heapq.nlargest(bound, (count.most for count in own)))
            total.shared += sum(heapq.nlargest(bound, (count.shared for count in own)))
        calls = [
            {task: counts[task].most * FORCE_CALLS[task] for task in self.counts.keys() & counts.keys()}
            for counts, _ in sites
        ]
        self.force_calls = (
            self.force_calls[0],
            self.force_calls[1] + sum(heapq.nlargest(bound, (sum(own.values()) for own in calls))),
        )
        seconds = (sum(own[task] * cost[task] for task in own) for own, (_, cost) in zip(calls, sites, strict=True))
        self.cpu_hours = (self.cpu_hours[0], self.cpu_hours[1] + sum(heapq.nlargest(bound, seconds)) / 3600)


class Planner:
    """Counts what a campaign without stages, or one stage, would run.

    Memory does not grow with the number of sites, unless it is not known which of them enter the stage.

    Parameters
    ----------
    checked : CheckedCampaign
        The campaign.
    database : Database or None
        Where done work is looked up; None if there is none yet.
    bound : int or None
        At most so many of the sites will enter; None where all do.
    """

    def __init__(self, checked: CheckedCampaign, database: Database | None, bound: int | None = None) -> None:
        self.checked = checked
        self.database = database
        self.bound = bound
        wanted = [reaction(name).adsorbates for name in checked.campaign.all_reactions]
        common = {name for names in wanted for name in names if sum(name in other for other in wanted) > 1}
        if len(wanted) > 1:
            common.add(CLEAN)
        known = self._known if database is not None else None
        self._batch: dict[str, dict[str, Any] | None] = {}
        #: of a pre-relaxation
        self._first = checked.policy.before if checked.origin is None else None
        self._counter = SiteCounter(checked.policy, self._first, checked.campaign.all_adsorbates, common, known)
        #: what has no adsorbates, and starts as built whatever stage it is
        self._bare = SiteCounter(checked.policy, checked.policy.before, (), set(), known)
        self._seen: set[str] = set()

    def plan(self, on_site: Callable[[ActiveSite], None] = lambda site: None) -> Plan:
        """Build every site, and count.

        Parameters
        ----------
        on_site : callable
            Is shown each site, for pictures and structure files.
        """
        entries = self._calculators()
        plan = Plan(" + ".join(dict.fromkeys(entry.name for entry in entries.values())))
        plan.counts = {task: Count() for task in FORCE_CALLS if task in entries}
        uncertain: list[tuple[dict[str, Count], dict[str, float]]] = []
        for group in chunks(stored_rows(self.checked, self.database), 100):
            sites = [catalog.build(stored.recipe) for stored in group]
            complete = [self.database is not None and is_complete(self.checked, s, self.database) for s in group]
            self._fetch(site for site, done in zip(sites, complete, strict=True) if not done)
            for site, stored, done in zip(sites, group, complete, strict=True):
                on_site(site)
                plan.sites += 1
                plan.complete += done
                before = self._before(stored) if not done else None
                counts, closed = self._counter.count(site, stored if done else None, before)
                if closed:
                    plan.closed.append(site.label)
                asked = [(site, counts)]
                if not done:
                    # shared ones come with the first site that needs them
                    asked += [(one, self._bare.count(one, None, None)[0]) for one in self._variants(stored.recipe)]
                for one, counts in asked:
                    seconds = {task: entry.cost(len(one.atoms)) for task, entry in entries.items()}
                    if self.bound is None:
                        plan.add(counts, seconds)
                    else:
                        uncertain.append((counts, seconds))
        if self.bound is not None:
            plan.add_most(uncertain, self.bound)
        self._add_gases(plan)
        return plan

    def _variants(self, recipe: Mapping[str, Any]) -> Iterator[ActiveSite]:
        """Yield what a site's stability is calculated from, but for what was yielded before."""
        for one in self.checked.variants(recipe).values():
            if (key := site_key(one)) not in self._seen:
                self._seen.add(key)
                yield catalog.build(one)

    def _add_gases(self, plan: Plan) -> None:
        requests = [self.checked.species_policy(gas).molecule_request(gas) for gas in self.checked.species]
        found = self._known(request.key for request in requests)
        wanted = plan.complete < plan.sites and self.bound != 0
        for request in requests:
            new = int(wanted and request.key not in found)
            least = new if self.bound is None else 0
            atoms = len(molecule(str(request.subject["molecule"])).symbols)
            counts = {MOLECULE: Count(int(request.key in found), least, new, int(plan.sites > 1))}
            policy, name = self.checked.policy, str(request.subject["molecule"])
            moving = range(atoms if policy.vibrations is not None or policy.is_probed(name, gas=True) else 0)
            if request.key in found:
                counts |= self._counter.refine(lowest([reference(found[request.key])]), moving)
            else:
                moves = 6 * len(moving)
                counts |= {ENERGY: Count(0, least, new), DISPLACEMENT: Count(0, least * moves, new * moves)}
            plan.add(counts, {task: entry.cost(atoms) for task, entry in self._calculators().items()})

    def _calculators(self) -> dict[str, CalculatorEntry]:
        """Return what calculates each kind."""
        campaign, entry = self.checked.campaign, self.checked.entry
        found = dict.fromkeys((MOLECULE, CLEAN, ADSORBED), entry)
        if self._first is not None:
            cheap = calculator(self._first.method.calculator)
            found |= {BEFORE_CLEAN: cheap, BEFORE_ADSORBED: cheap}
        if campaign.single_point is not None:
            found[ENERGY] = calculator(campaign.single_point.calculator)
        if self.checked.policy.vibrations is not None or self.checked.policy.probe is not None:
            found[DISPLACEMENT] = entry
        if self.checked.policy.electronic:
            found[ELECTRONIC] = calculator(self.checked.policy.energy_method.calculator)
        return found

    def _before(self, stored: SiteRows) -> Level | None:
        """Return what the stage, at whose geometries relaxations start, has left at a site."""
        origin = self.checked.origin
        if origin is None:
            return None
        names = origin.campaign.all_adsorbates
        keys = stored.carried
        found = self._known([*keys["clean"], *(key for own in keys["adsorbed"].values() for key in own)])
        if stored.before is None or not has_rows(origin, stored.before):
            return Level(origin.policy, adsorbed=dict.fromkeys(names))
        return Level(
            origin.policy,
            clean=[reference(found[key]) for key in keys["clean"] if key in found],
            adsorbed={
                name: [reference(found[key]) for key in keys["adsorbed"][name] if key in found] for name in names
            },
        )

    def requests(self) -> Iterator[tuple[str, Request, bool]]:
        """Yield every calculation that a run from nothing may ask for, as (what for, request, is certain).

        Poses are those on the unrelaxed site, for each clean spin start that may turn out lowest; those of one start
        will be run, or fewer or others where relaxing changes the symmetry. What starts from the geometry of another
        calculation than the clean site's is left out: with a pre-relaxation, all that follows it.
        """
        policy = self.checked.policy
        for gas in self.checked.species:
            yield gas, self.checked.species_policy(gas).molecule_request(gas), True
        first = self._first or policy
        for recipe in self.checked.recipes():
            site = catalog.build(recipe)
            for variant in self._variants(recipe):
                for request in first.clean_requests(variant):
                    yield variant.label, request, True
            clean = first.clean_requests(site)
            for request in clean:
                yield site.label, request, True
            for name in self.checked.campaign.all_adsorbates:
                for parent in clean:
                    for request, _ in first.adsorbed_requests(site, parent.key, parent.multiplicity, name):
                        yield f"{name}* on {site.label}", request, False

    def _fetch(self, sites: Iterable[ActiveSite]) -> None:
        """Ask for the first calculations of many sites at once."""
        self._batch.clear()
        if self.database is not None and self.checked.origin is None:
            first = self._first or self.checked.policy
            keys = [request.key for site in sites for request in first.clean_requests(site)]
            self._batch = {**dict.fromkeys(keys), **self.database.known(keys)}

    def _known(self, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the outcomes among these keys that still stand."""
        if self.database is None:
            return {}
        wanted = list(keys)
        found = {key: self._batch[key] for key in wanted if key in self._batch}
        found |= self.database.known(key for key in wanted if key not in found)
        return {key: doc for key, doc in found.items() if doc is not None and self.checked.is_settled(doc)}
