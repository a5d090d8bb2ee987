"""SiteCounter: counts the calculations that one site after another asks for, of each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ase import Atoms

from atomsieve.builders.poses.placement import Placement
from atomsieve.structures.adsorbate import OF_LATTICE, adsorbates
from atomsieve.structures.calculation import Request
from atomsieve.structures.errors import StoreError
from atomsieve.structures.identity import canonical
from atomsieve.structures.judgement import USABLE
from atomsieve.structures.reference import lowest_adsorbed, reference
from atomsieve.structures.section import PROBE
from atomsieve.structures.site import ActiveSite
from atomsieve.structures.vibrations import displacement_requests, vibrations_request
from atomsieve.workflows.carrying import adsorbed_starts, clean_starts
from atomsieve.workflows.count import (
    ADSORBED,
    BEFORE_ADSORBED,
    BEFORE_CLEAN,
    CLEAN,
    DISPLACEMENT,
    ELECTRONIC,
    ENERGY,
    Count,
    total,
)
from atomsieve.workflows.harvest import SiteRows
from atomsieve.workflows.level import Level, Reference
from atomsieve.workflows.requests import Policy
from atomsieve.workflows.spins import Spin, adsorbed_spins

#: From request keys to the outcomes among them that still stand; None where nothing has been stored yet.
Known = Callable[[Iterable[str]], Mapping[str, dict[str, Any]]] | None


class SiteCounter:
    """Counts what a policy asks for at one site after another.

    Parameters
    ----------
    policy : Policy
        What is tried.
    first : Policy or None
        The policy of a pre-relaxation.
    names : sequence of str
        Of the adsorbates.
    common : set of str
        Those that more than one reaction needs, and ``clean`` where there is more than one.
    known : callable or None
        From request keys to the outcomes among them that still stand.
    """

    def __init__(
        self, policy: Policy, first: Policy | None, names: Sequence[str], common: set[str], known: Known
    ) -> None:
        self.policy = policy
        self.first = first
        self.names = names
        self.common = common
        self._known = known
        self._host = ("", "")
        self._poses: dict[tuple[bool, str, str], int] = {}
        self._spin_starts: dict[tuple[Any, ...], tuple[Spin, ...]] = {}

    def stored(self, key: str) -> dict[str, Any]:
        """Return one outcome.

        Raises
        ------
        StoreError
            If it is not there.
        """
        found = self._known([key]).get(key) if self._known is not None else None
        if found is None:
            raise StoreError(f"the result of {key} is not in the database; run the campaign again")
        return found

    def count(self, site: ActiveSite, rows: SiteRows | None, before: Level | None) -> tuple[dict[str, Count], bool]:
        """Return the counts of each kind at a site, and whether some adsorbate cannot be placed there.

        Parameters
        ----------
        site : ActiveSite
            As built.
        rows : SiteRows or None
            Its rows where nothing is left to do there.
        before : Level or None
            What an earlier stage, at whose geometries relaxations start, has left at the site.
        """
        counts: dict[str, Count] = {}
        if self.first is not None:
            before = self.level(self.first, site, None)
            counts |= {BEFORE_CLEAN: before.clean_count, BEFORE_ADSORBED: total(before.adsorbed_counts.values())}
        if rows is not None:
            for count in counts.values():
                count.least = count.most = 0
            return counts | self._of_rows(site, rows), False
        level = self.level(self.policy, site, before)
        counts |= {CLEAN: level.clean_count, ADSORBED: total(level.adsorbed_counts.values())}
        usable = level.clean is None or level.parent is not None
        closed = usable and any(
            count.most + count.stored == 0
            for name, count in level.adsorbed_counts.items()
            if len(adsorbates()[name].fragments) == 1 and adsorbates()[name].modes[0].name not in OF_LATTICE
        )
        return counts | self._refined(site, level), closed

    def _of_rows(self, site: ActiveSite, rows: SiteRows) -> dict[str, Count]:
        clean: set[str] = set()
        counts = {kind: Count() for kind in (CLEAN, ADSORBED, ENERGY, DISPLACEMENT, ELECTRONIC)}
        refined: dict[str, set[str]] = {}
        for name, row in rows.rows.items():
            clean |= {str(entry["key"]) for entry in row.considered if entry["role"] == "clean"}
            tried = sum(entry["role"] == "adsorbed" for entry in row.considered)
            counts[ADSORBED].add(self._share(name, Count(stored=tried)))
            for role in row.calculations:
                what, _, state = role.partition(" of ")
                if state in ("clean", "adsorbed"):
                    refined.setdefault(what, set()).add(CLEAN if state == "clean" else name)
        counts[CLEAN] = self._share(CLEAN, Count(stored=len(clean)))
        for name in refined.get("energy", ()):
            counts[ENERGY].add(self._share(name, Count(stored=1)))
        if "electronic" in refined:
            counts[ELECTRONIC] = self._share(CLEAN, Count(stored=1))
        found = refined.get("vibrations", set())
        if self.policy.probe is not None and "adsorbed" in rows.rows[PROBE].calculations:
            found = found | {PROBE}
        for name in found:
            counts[DISPLACEMENT].add(self._share(name, Count(stored=self._moves(site, name))))
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
        for name in self.names:
            poses = list((before.adsorbed.get(name) if before is not None else None) or ())
            if parent is not None:
                relaxed = site.with_positions(self.stored(str(parent["key"]))["atoms"]["positions"])
                starts, _ = adsorbed_starts(policy, relaxed, parent, name, poses, self)
                requests = [request for request, _, _ in starts]
                level.adsorbed[name], level.adsorbed_counts[name] = self._look_up(requests)
            elif level.clean is not None:
                # no adsorbate is placed where no clean site can be used
                level.adsorbed[name], level.adsorbed_counts[name] = [], Count()
            else:
                level.adsorbed[name] = None
                parents = list(dict.fromkeys(request.multiplicity for request in asked))
                least, most = self._estimate(policy, site, parents, name, before)
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
        fewest = min(map(len, spins))
        carried = before.adsorbed.get(name, []) if before is not None else []
        bound = [entry["multiplicity"] for entry in carried or () if entry["verdict"] in USABLE]
        if bound:
            # at each multiplicity the distinct poses that were bound at it, else all that were bound
            return fewest, max(sum(bound.count(spin.multiplicity) or len(bound) for spin in ours) for ours in spins)
        if before is None or carried is not None:
            placed = self._placed(policy, site, name)
            return min(1, placed) * fewest, placed * max(map(len, spins))
        placed = self._placed(before.policy, site, name)
        starts = dict.fromkeys(request.multiplicity for request in before.policy.clean_requests(site))
        theirs = [[spin.multiplicity for spin in self._spins(before.policy, site, start, name)] for start in starts]
        most = max(sum(own.count(spin.multiplicity) or len(own) for spin in ours) for ours in spins for own in theirs)
        return min(1, placed) * fewest, placed * most

    def _placed(self, policy: Policy, site: ActiveSite, name: str) -> int:
        """Return the number of poses on the site as built, which is the same for sites that differ in metals alone."""
        if self._host[0] != site.key:
            metals = site.metal_symbols
            self._host = (site.key, canonical({**site.recipe, "metals": [metals.index(metal) for metal in metals]}))
        case = (policy is self.policy, self._host[1], name)
        if case not in self._poses:
            self._poses[case] = policy.count_poses(site, name)
        return self._poses[case]

    def _spins(self, policy: Policy, site: ActiveSite, parent: int | None, name: str) -> tuple[Spin, ...]:
        """Return the spin states that are tried with an adsorbate."""
        electrons = int(site.atoms.numbers.sum()) - site.charge
        case = (policy is self.policy, electrons, site.metal_symbols, parent, name)
        if case not in self._spin_starts:
            atoms = site.atoms + Atoms(adsorbates()[name].symbols)
            self._spin_starts[case] = adsorbed_spins(policy, site, atoms, name, None, parent)
        return self._spin_starts[case]

    def _refined(self, site: ActiveSite, level: Level) -> dict[str, Count]:
        """Return the counts of what refines the lowest clean state, and the lowest with each adsorbate."""
        parent = level.parent
        states: dict[str, Reference | None] = {CLEAN: parent}
        for name, found in level.adsorbed.items():
            states[name] = lowest_adsorbed(found or (), str(parent["key"])) if parent is not None else None
        counts = {ENERGY: Count(), DISPLACEMENT: Count()}
        for name, state in states.items():
            placed = level.clean_count if name == CLEAN else level.adsorbed_counts[name]
            known = (level.clean if name == CLEAN else level.adsorbed[name]) is not None
            if known or not placed.most + placed.stored:
                own = self.refine(state, self._moving(site, name, state))
            else:
                # whether a pose stays bound is not known before
                own = {ENERGY: Count(most=1), DISPLACEMENT: Count(most=self._moves(site, name))}
                if name == CLEAN:
                    own = {kind: Count(least=count.most, most=count.most) for kind, count in own.items()}
            for kind, count in own.items():
                counts[kind].add(self._share(name, count))
        return counts | {ELECTRONIC: self._electronic(site, level)}

    def _electronic(self, site: ActiveSite, level: Level) -> Count:
        if not (self.policy.electronic and site.metals):
            return Count()
        if level.clean is None:
            return self._share(CLEAN, Count(least=1, most=1))
        asked = [self.policy.electronic_request(level.parent)] if level.parent is not None else []
        return self._share(CLEAN, self._look_up(asked)[1])

    def refine(self, state: Reference | None, moving: Sequence[int]) -> dict[str, Count]:
        """Return the counts of what refines a state; there is nothing where there is no state.

        Parameters
        ----------
        state : mapping or None
            Its reference.
        moving : sequence of int
            Atoms that are displaced for its vibrations.
        """
        counts: dict[str, Count] = {}
        if state is not None and self.policy.single_point is not None:
            counts[ENERGY] = self._look_up([self.policy.energy_request(state)])[1]
        vibrated = self.policy.vibrations or self.policy.probe
        if state is not None and vibrated is not None and moving:
            relaxed = Request.from_dict(self.stored(str(state["key"]))["request"])
            asked = vibrations_request(relaxed, moving, vibrated["displacement"])
            counts[DISPLACEMENT] = self._look_up(displacement_requests(relaxed, asked))[1]
        return counts

    def _moving(self, site: ActiveSite, name: str, state: Reference | None = None) -> tuple[int, ...]:
        """Return the atoms of a state that are displaced for its vibrations; without it how many they are."""
        asked = [self.policy.vibrations] if self.policy.vibrations is not None else []
        if self.policy.probe is not None and self.policy.is_probed(name):
            # what is displaced for both is displaced once
            asked.append(self.policy.probe)
        if not asked:
            return ()
        if state is not None and name != CLEAN:
            site = Placement.from_dict(self.stored(str(state["key"]))["request"]["subject"]).host(site)
        metals = site.metals if any(one["metal"] for one in asked) else ()
        size = len(site.atoms)
        return tuple(metals) if name == CLEAN else (*metals, *range(size, size + len(adsorbates()[name].symbols)))

    def _moves(self, site: ActiveSite, name: str) -> int:
        """Return the number of displacements of a state: to both sides along three axes."""
        return 6 * len(self._moving(site, name))
