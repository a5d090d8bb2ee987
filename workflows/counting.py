"""Count: the calculations that one site asks for, of each kind: done already, and still to run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ase import Atoms

from atomsieve.builders.spin import inherited, multiplicities
from atomsieve.structures.adsorbate import adsorbates
from atomsieve.structures.calculation import USABLE, Request, lowest, lowest_adsorbed, reference
from atomsieve.structures.identity import canonical
from atomsieve.structures.site import ActiveSite
from atomsieve.workflows.carrying import adsorbed_starts, clean_starts
from atomsieve.workflows.harvest import SiteRows
from atomsieve.workflows.requests import Policy

#: Kinds of calculations: those of a pre-relaxation, the relaxations, and single points.
BEFORE_CLEAN, BEFORE_ADSORBED, CLEAN, ADSORBED, ENERGY = (
    "before clean",
    "before adsorbed",
    "clean",
    "adsorbed",
    "energy",
)
Reference = Mapping[str, Any]
#: From request keys to the outcomes among them that still stand; None where nothing has been stored yet.
Known = Callable[[Iterable[str]], Mapping[str, dict[str, Any]]] | None


@dataclass
class Count:
    """Calculations of one kind.

    Parameters
    ----------
    stored : int
        Done already.
    least, most : int
        Still to run: a range where poses are not yet placed, since they are placed on the relaxed site, and where it is
        not yet known which of them stay bound.
    shared : int
        Those, stored or not, that more than one site or reaction needs; each runs once.
    """

    stored: int = 0
    least: int = 0
    most: int = 0
    shared: int = 0

    def add(self, other: Count) -> None:
        """Add another to it."""
        self.stored += other.stored
        self.least += other.least
        self.most += other.most
        self.shared += other.shared


@dataclass
class Level:
    """What one policy asks for at a site.

    Parameters
    ----------
    policy : Policy
        The policy.
    clean : list of mapping or None
        References of the clean starts; None unless all are known.
    adsorbed : dict of str to (list of mapping or None)
        The same by adsorbate.
    clean_count : Count
        Of the clean starts.
    adsorbed_counts : dict of str to Count
        By adsorbate.
    """

    policy: Policy
    clean: list[Reference] | None = None
    adsorbed: dict[str, list[Reference] | None] = field(default_factory=dict)
    clean_count: Count = field(default_factory=Count)
    adsorbed_counts: dict[str, Count] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        """Whether nothing of it is left to run."""
        return self.clean is not None and None not in self.adsorbed.values()

    @property
    def parent(self) -> Reference | None:
        """The lowest clean state, where that is known."""
        return lowest(self.clean) if self.clean is not None else None


class SiteCounter:
    """Counts what a policy asks for at one site after another.

    Parameters
    ----------
    policy : Policy
        What is tried.
    first : Policy or None
        The policy of a pre-relaxation.
    adsorbates : sequence of str
        Names.
    common : set of str
        Those that more than one reaction needs, and ``clean`` where there is more than one.
    known : callable or None
        From request keys to the outcomes among them that still stand.
    """

    def __init__(
        self, policy: Policy, first: Policy | None, adsorbates: Sequence[str], common: set[str], known: Known
    ) -> None:
        self.policy = policy
        self.first = first
        self.adsorbates = adsorbates
        self.common = common
        self._known = known
        self._host = ("", "")
        self._poses: dict[tuple[bool, str, str], int] = {}
        self._multiplicities: dict[tuple[Any, ...], tuple[int | None, ...]] = {}

    def read(self, key: str) -> dict[str, Any] | None:
        """Return one outcome."""
        return self._known([key]).get(key) if self._known is not None else None

    def count(self, site: ActiveSite, stored: SiteRows | None, before: Level | None) -> tuple[dict[str, Count], bool]:
        """Return the counts of each kind at a site, and whether some adsorbate cannot be placed there.

        Parameters
        ----------
        site : ActiveSite
            As built.
        stored : SiteRows or None
            Its rows where nothing is left to do there.
        before : Level or None
            What an earlier stage, at whose geometries relaxations start, has left at the site.
        """
        counts: dict[str, Count] = {}
        if self.first is not None:
            before = self.level(self.first, site, None)
            counts[BEFORE_CLEAN] = before.clean_count
            counts[BEFORE_ADSORBED] = _total(before.adsorbed_counts.values())
        if stored is not None:
            for count in counts.values():
                count.least = count.most = 0
            return counts | self._of_rows(stored), False
        level = self.level(self.policy, site, before)
        counts |= {CLEAN: level.clean_count, ADSORBED: _total(level.adsorbed_counts.values())}
        if self.policy.single_point is not None:
            counts[ENERGY] = self._single_points(level)
        usable = level.clean is None or level.parent is not None
        return counts, usable and any(count.most + count.stored == 0 for count in level.adsorbed_counts.values())

    def _of_rows(self, stored: SiteRows) -> dict[str, Count]:
        clean: set[str] = set()
        counts = {CLEAN: Count(), ADSORBED: Count()}
        energies = {CLEAN: 0} | dict.fromkeys(stored.rows, 0)
        for name, row in stored.rows.items():
            clean |= {str(entry["key"]) for entry in row.considered if entry["role"] == "clean"}
            tried = sum(entry["role"] == "adsorbed" for entry in row.considered)
            counts[ADSORBED].add(self._share(name, Count(stored=tried)))
            energies[name] = "energy of adsorbed" in row.calculations
            energies[CLEAN] |= "energy of clean" in row.calculations
        counts[CLEAN] = self._share(CLEAN, Count(stored=len(clean)))
        if self.policy.single_point is not None:
            counts[ENERGY] = _total(self._share(name, Count(stored=number)) for name, number in energies.items())
        return counts

    def level(self, policy: Policy, site: ActiveSite, before: Level | None) -> Level:
        """Return what a policy asks for at a site, as far as that is known."""
        level = Level(policy)
        asked = policy.clean_requests(site)
        if before is None or before.is_known:
            carried = list(before.clean or ()) if before is not None else []
            requests = [request for request, _ in clean_starts(policy, site, carried, self)] if carried else asked
            level.clean, level.clean_count = self._look_up(requests)
        else:
            level.clean_count = Count(least=len(asked), most=len(asked))
        parent = level.parent
        for name in self.adsorbates:
            poses = list((before.adsorbed.get(name) if before is not None else None) or ())
            if parent is not None:
                document = self.read(str(parent["key"]))
                assert document is not None
                relaxed = site.with_positions(document["atoms"]["positions"])
                starts = [request for request, _, _ in adsorbed_starts(policy, relaxed, parent, name, poses, self)]
                level.adsorbed[name], level.adsorbed_counts[name] = self._look_up(starts)
            elif level.clean is not None:
                # no adsorbate is placed where no clean site can be used
                level.adsorbed[name], level.adsorbed_counts[name] = [], Count()
            else:
                level.adsorbed[name] = None
                least, most = self._estimate(policy, site, [request.multiplicity for request in asked], name, before)
                level.adsorbed_counts[name] = Count(least=least, most=most)
        self._share(CLEAN, level.clean_count)
        for name, count in level.adsorbed_counts.items():
            self._share(name, count)
        return level

    def _share(self, name: str, count: Count) -> Count:
        count.shared = count.stored + count.most if name in self.common else 0
        return count

    def _look_up(self, requests: Sequence[Request]) -> tuple[list[Reference] | None, Count]:
        if self._known is None:
            return None, Count(0, len(requests), len(requests))
        keys = dict.fromkeys(request.key for request in requests)
        found = self._known(keys)
        new = len(keys) - len(found)
        references: list[Reference] | None = [reference(found[key]) for key in keys] if not new else None
        return references, Count(len(found), new, new)

    def _estimate(
        self, policy: Policy, site: ActiveSite, parents: Sequence[int | None], name: str, before: Level | None
    ) -> tuple[int, int]:
        """Return the least and most relaxations with an adsorbate while it is not known which clean state is lowest."""
        spins = [self._spins(policy, site, parent, name) for parent in parents]
        if before is None or name not in before.adsorbed:
            placed = self._placed(policy, site, name)
            return min(1, placed) * min(map(len, spins)), placed * max(map(len, spins))
        carried = before.adsorbed[name]
        if carried is None:
            # at each multiplicity the poses that were bound at it, else all that were bound
            placed = self._placed(before.policy, site, name)
            starts = [request.multiplicity for request in before.policy.clean_requests(site)]
            theirs = [self._spins(before.policy, site, start, name) for start in starts]
            most = max(
                sum(placed * (1 if spin in own else len(own)) for spin in ours) for ours in spins for own in theirs
            )
            return min(1, placed) * min(map(len, spins)), most
        bound = [entry["multiplicity"] for entry in carried if entry["verdict"] in USABLE]
        if not bound:
            placed = self._placed(policy, site, name)
            return min(1, placed) * min(map(len, spins)), placed * max(map(len, spins))
        numbers = [sum(bound.count(spin) or len(bound) for spin in ours) for ours in spins]
        return min(numbers), max(numbers)

    def _placed(self, policy: Policy, site: ActiveSite, name: str) -> int:
        """Return the number of poses on the site as built, which is the same for sites that differ in metals alone."""
        if self._host[0] != site.key:
            metals = site.metal_symbols
            self._host = (site.key, canonical({**site.recipe, "metals": [metals.index(metal) for metal in metals]}))
        case = (policy is self.policy, self._host[1], name)
        if case not in self._poses:
            self._poses[case] = policy.count_poses(site, name)
        return self._poses[case]

    def _spins(self, policy: Policy, site: ActiveSite, parent: int | None, name: str) -> tuple[int | None, ...]:
        """Return the multiplicities that are tried with an adsorbate."""
        if parent is None:
            return (None,)
        case = (int(site.atoms.numbers.sum()) - site.charge, parent, policy.adsorbed, site.multiplicity, name)
        if case not in self._multiplicities:
            atoms = site.atoms + Atoms(adsorbates()[name].symbols)
            if policy.adsorbed == "inherit":
                self._multiplicities[case] = inherited(parent, atoms, site.charge)
            else:
                found = multiplicities(atoms, site.charge, int(policy.adsorbed), near=site.multiplicity)
                self._multiplicities[case] = found
        return self._multiplicities[case]

    def _single_points(self, level: Level) -> Count:
        """Return the count of the single points at the lowest clean state, and at the lowest with each adsorbate."""
        parent = level.parent
        counts = {CLEAN: Count(least=1, most=1) if level.clean is None else self.energy(parent)}
        for name, found in level.adsorbed.items():
            placed = level.adsorbed_counts[name]
            if found is None:
                # it is not known yet whether one of them stays bound
                counts[name] = Count(most=min(1, placed.most + placed.stored))
            elif parent is not None:
                counts[name] = self.energy(lowest_adsorbed(found, str(parent["key"])))
        return _total(self._share(name, count) for name, count in counts.items())

    def energy(self, state: Reference | None) -> Count:
        """Return the count of the single point at a state; there is none where there is no state."""
        return self._look_up([self.policy.energy_request(state)])[1] if state is not None else Count()


def _total(counts: Iterable[Count]) -> Count:
    total = Count()
    for count in counts:
        total.add(count)
    return total
