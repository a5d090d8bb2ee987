"""Plan: what a campaign would run, from building every site, without computing anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ase import Atoms

from atomsieve.analysis.database import Database, chunks
from atomsieve.builders import catalog
from atomsieve.structures.adsorbate import adsorbates, molecule
from atomsieve.structures.calculation import Request
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.identity import canonical
from atomsieve.structures.reaction import reaction
from atomsieve.structures.reference import lowest, reference
from atomsieve.structures.site import ActiveSite
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.harvest import is_complete, stored_rows
from atomsieve.workflows.spins import adsorbed_spins

#: Force calls of a relaxation as seen with GFN1-xTB on M-N4 graphene, by task.
FORCE_CALLS: Mapping[str, int] = {"molecule": 8, "clean": 15, "adsorbed": 28}


@dataclass
class Count:
    """Calculations of one kind.

    Parameters
    ----------
    stored : int
        Done already.
    least, most : int
        Still to run: a range where poses are not yet placed, since they are placed on the relaxed site.
    shared : int
        Those, stored or not, that more than one site or reaction needs; each runs once.
    """

    stored: int = 0
    least: int = 0
    most: int = 0
    shared: int = 0


@dataclass
class Plan:
    """What a campaign would run.

    Parameters
    ----------
    sites : int
        All sites.
    complete : int
        Those of which every row is in the database.
    counts : dict of str to Count
        By task: ``molecule``, ``clean``, ``adsorbed``.
    force_calls, cpu_hours : tuple of float
        Least and most that is still to run, by the calculator's measured cost.
    calculator : str
        Its name.
    closed : list of str
        Sites, as built, where some adsorbate cannot be placed; of those still to run.
    """

    calculator: str
    sites: int = 0
    complete: int = 0
    counts: dict[str, Count] = field(default_factory=lambda: {task: Count() for task in FORCE_CALLS})
    force_calls: tuple[float, float] = (0.0, 0.0)
    cpu_hours: tuple[float, float] = (0.0, 0.0)
    closed: list[str] = field(default_factory=list)

    def _add_cost(self, task: str, least: int, most: int, seconds: float) -> None:
        calls = FORCE_CALLS[task]
        self.force_calls = (self.force_calls[0] + least * calls, self.force_calls[1] + most * calls)
        hours = calls * seconds / 3600
        self.cpu_hours = (self.cpu_hours[0] + least * hours, self.cpu_hours[1] + most * hours)


class Planner:
    """Counts what a campaign would run; memory does not grow with the number of sites.

    Parameters
    ----------
    checked : CheckedCampaign
        The campaign.
    database : Database or None
        Where done work is looked up; None if there is none yet.
    """

    def __init__(self, checked: CheckedCampaign, database: Database | None) -> None:
        self.checked = checked
        self.database = database
        self._pose_counts: dict[tuple[str, str], int] = {}
        self._spin_counts: dict[tuple[int, tuple[str, ...], tuple[int | None, ...], str], set[int]] = {}
        wanted = [reaction(name).adsorbates for name in checked.campaign.reactions]
        #: adsorbates that more than one reaction needs
        self._common = {name for names in wanted for name in names if sum(name in other for other in wanted) > 1}

    def plan(self, on_site: Callable[[ActiveSite], None] = lambda site: None) -> Plan:
        """Build every site, and count.

        Parameters
        ----------
        on_site : callable
            Is shown each site, for pictures and structure files.
        """
        policy, entry = self.checked.policy, self.checked.entry
        plan = Plan(entry.name)
        for group in chunks(stored_rows(self.checked, self.database), 100):
            sites = [catalog.build(stored.recipe) for stored in group]
            clean = [policy.clean_requests(site) for site in sites]
            complete = [self.database is not None and is_complete(self.checked, s, self.database) for s in group]
            todo = [requests for requests, done in zip(clean, complete, strict=True) if not done]
            known = self._known(request.key for requests in todo for request in requests)
            for site, requests, stored, done in zip(sites, clean, group, complete, strict=True):
                on_site(site)
                plan.sites += 1
                self._count_site(plan, site, requests, stored.rows if done else None, known)
        gases = [policy.molecule_request(gas) for gas in self.checked.gases]
        stored = self._known(request.key for request in gases)
        count = plan.counts["molecule"]
        for request in gases:
            is_stored = request.key in stored
            new = 0 if is_stored or plan.complete == plan.sites else 1
            count.stored += is_stored
            count.least += new
            count.most += new
            count.shared += plan.sites > 1
            plan._add_cost("molecule", new, new, entry.cost(len(molecule(str(request.subject["molecule"])).symbols)))
        return plan

    def requests(self) -> Iterator[tuple[str, Request, bool]]:
        """Yield every calculation that a run from nothing may ask for, as (what for, request, is certain).

        Poses are those on the unrelaxed site, for each clean spin start that may turn out lowest; those of one start
        will be run, or fewer or others where relaxing changes the symmetry.
        """
        policy = self.checked.policy
        for gas in self.checked.gases:
            yield gas, policy.molecule_request(gas), True
        for recipe in self.checked.recipes():
            site = catalog.build(recipe)
            clean = policy.clean_requests(site)
            for request in clean:
                yield site.label, request, True
            for name in self.checked.campaign.all_adsorbates:
                for parent in clean:
                    for request, _ in policy.adsorbed_requests(site, parent.key, parent.multiplicity, name):
                        yield f"{name}* on {site.label}", request, False

    def _count_site(
        self,
        plan: Plan,
        site: ActiveSite,
        clean: list[Request],
        rows: Mapping[str, AdsorptionEnergy] | None,
        known: Mapping[str, Mapping[str, Any]],
    ) -> None:
        adsorbates = self.checked.campaign.all_adsorbates
        cost = self.checked.entry.cost(len(site.atoms))
        counts = plan.counts
        if len(self.checked.campaign.reactions) > 1:
            counts["clean"].shared += len(clean)
        if rows is not None:
            plan.complete += 1
            counts["clean"].stored += len(clean)
            for name, row in rows.items():
                tried = sum(entry["role"] == "adsorbed" for entry in row.considered)
                counts["adsorbed"].stored += tried
                counts["adsorbed"].shared += tried if name in self._common else 0
            return
        references = [reference(known[request.key]) for request in clean if request.key in known]
        new = len(clean) - len(references)
        counts["clean"].stored += len(references)
        counts["clean"].least += new
        counts["clean"].most += new
        plan._add_cost("clean", new, new, cost)
        parent = lowest(references) if not new else None
        metals = site.metal_symbols
        alike = [metals.index(metal) for metal in metals]
        host = canonical({**site.recipe, "metals": alike})
        for name in adsorbates:
            least, most, stored = self._count_poses(site, host, clean, name, parent, known)
            counts["adsorbed"].stored += stored
            counts["adsorbed"].least += least
            counts["adsorbed"].most += most
            counts["adsorbed"].shared += most + stored if name in self._common else 0
            plan._add_cost("adsorbed", least, most, cost)
            if not most + stored and site.label not in plan.closed[-1:]:
                plan.closed.append(site.label)

    def _count_poses(
        self,
        site: ActiveSite,
        host: str,
        clean: list[Request],
        adsorbate: str,
        parent: Mapping[str, Any] | None,
        known: Mapping[str, Mapping[str, Any]],
    ) -> tuple[int, int, int]:
        """Return the least and most calculations of an adsorbate that are to run, and those that are stored."""
        policy = self.checked.policy
        if parent is not None:
            relaxed = site.with_positions(known[parent["key"]]["atoms"]["positions"])
            found = policy.adsorbed_requests(relaxed, parent["key"], parent["multiplicity"], adsorbate)
            stored = len(self._known(request.key for request, _ in found))
            return len(found) - stored, len(found) - stored, stored
        if (host, adsorbate) not in self._pose_counts:
            self._pose_counts[host, adsorbate] = policy.count_poses(site, adsorbate)
        placed = self._pose_counts[host, adsorbate]
        spins = self._spins(site, clean, adsorbate)
        return min(1, placed) * min(spins), placed * max(spins), 0

    def _spins(self, site: ActiveSite, clean: list[Request], adsorbate: str) -> set[int]:
        """Return how many spin starts there may be with an adsorbate."""
        parents = tuple(request.multiplicity for request in clean)
        case = (int(site.atoms.numbers.sum()) - site.charge, site.metal_symbols, parents, adsorbate)
        if case not in self._spin_counts:
            atoms, policy = site.atoms + Atoms(adsorbates()[adsorbate].symbols), self.checked.policy
            self._spin_counts[case] = {
                len(adsorbed_spins(policy, site, atoms, adsorbate, None, parent)) for parent in parents
            }
        return self._spin_counts[case]

    def _known(self, keys: Iterator[str] | Any) -> dict[str, dict[str, Any]]:
        """Return the outcomes among these keys that still stand."""
        if self.database is None:
            return {}
        return {key: doc for key, doc in self.database.known(keys).items() if self.checked.is_settled(doc)}
