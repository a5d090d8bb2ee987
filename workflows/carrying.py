"""Carrying: where relaxations start that follow those of another method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Any, Protocol

from ase import Atoms

from atomsieve.analysis.poses import RelaxedPose, distinct_poses
from atomsieve.builders.poses.placement import Placement
from atomsieve.structures.calculation import Request
from atomsieve.structures.judgement import USABLE
from atomsieve.structures.reference import lowest
from atomsieve.structures.site import ActiveSite, atoms_from_dict
from atomsieve.workflows.requests import Policy

#: eV within which cheaply relaxed poses of one geometry are the same: they stop at larger forces than the dear ones.
SAME_ENERGY = 0.02

Reference = Mapping[str, Any]


class Reader(Protocol):
    """Where outcomes lie: a folder, or whatever else finds them."""

    def stored(self, key: str) -> dict[str, Any]:
        """Return the outcome of a calculation that others start from."""


def clean_starts(
    policy: Policy, site: ActiveSite, carried: Sequence[Reference], folder: Reader
) -> list[tuple[Request, ActiveSite]]:
    """Return a request for each spin start of a clean site, and the site where it starts.

    That is where the other method came to rest at the same multiplicity, else at its lowest one, else as built.
    """
    found = []
    for request in policy.clean_requests(site):
        before = _same_spin(carried, request) or lowest(carried)
        if before is None:
            found.append((request, site))
            continue
        start = site.with_positions(folder.stored(before["key"])["atoms"]["positions"])
        found.append((replace(request, parents=(before["key"],)), start))
    return found


def adsorbed_starts(
    policy: Policy, site: ActiveSite, parent: Reference, adsorbate: str, carried: Sequence[Reference], folder: Reader
) -> tuple[list[tuple[Request, ActiveSite, Atoms]], list[dict[str, Any]]]:
    """Return a request for each pose and spin of an adsorbate, with the site and the adsorbate where it starts.

    Also returned are the references of poses that are not carried on, under the status ``dropped``, with the reason.

    Poses that another method relaxed stand for those as placed: at each multiplicity the distinct ones among those that
    stayed bound at it, or at any where none did. Where none stayed bound at all, the other method has nothing to say.

    Parameters
    ----------
    policy : Policy
        What is tried.
    site : ActiveSite
        The relaxed clean site.
    parent : mapping
        Its reference.
    adsorbate : str
        Name.
    carried : sequence of mapping
        References of the other method's poses.
    folder : Folder
        Where their documents lie.
    """
    known = {entry["key"]: folder.stored(entry["key"]) for entry in carried}
    bound = [entry for entry in carried if entry["status"] == "done" and entry["verdict"] in USABLE]
    moments = metal_moments(site, folder.stored(parent["key"])["moments"])
    asked = policy.adsorbed_requests(site, parent["key"], parent["multiplicity"], adsorbate, moments)
    if not bound:
        hosts = [Placement.from_dict(request.subject).host(site) for request, _ in asked]
        placed = zip(asked, hosts, strict=True)
        return [(request, host, atoms[len(host.atoms) :]) for (request, atoms), host in placed], []
    poses = {
        entry["key"]: RelaxedPose(
            entry["key"], atoms_from_dict(known[entry["key"]]["atoms"]), entry["energy"], entry["multiplicity"]
        )
        for entry in bound
    }
    found, taken = [], set()
    reasons: dict[str, str] = {}
    for request in {(request.multiplicity, request.moments): request for request, _ in asked}.values():
        own = [poses[entry["key"]] for entry in bound if entry["multiplicity"] == request.multiplicity]
        tolerance = SAME_ENERGY
        if not own:
            # the geometries of other spins are starts as well, and their energies tell none of them apart
            own, tolerance = [replace(pose, multiplicity=None) for pose in poses.values()], inf
        groups = distinct_poses(own, len(site.atoms), energy_tolerance=tolerance)
        for place, group in enumerate(groups):
            kept = group.kept
            for pose in group.folded:
                reasons.setdefault(pose.key, f"fell together with {kept.key[:8]}")
            if policy.carry is not None and place >= policy.carry:
                above = float(kept.energy or 0.0) - float(groups[0].kept.energy or 0.0)
                text = f"{above:.3f} eV above the lowest of its spin, and {policy.carry} of these are carried on"
                reasons.setdefault(kept.key, text)
                continue
            parents = (parent["key"], kept.key)
            subject = known[kept.key]["request"]["subject"]
            carried_on = replace(request, subject=subject, parents=parents)
            host = Placement.from_dict(subject).host(site)
            size = len(host.atoms)
            found.append((carried_on, host.with_positions(kept.atoms.positions[:size]), kept.atoms[size:]))
            taken.add(kept.key)
    return found, [_dropped(entry, reasons) for entry in carried if entry["key"] not in taken]


def _dropped(entry: Reference, reasons: Mapping[str, str]) -> dict[str, Any]:
    """Return the reference of a pose that is not carried on, with the reason."""
    reason = reasons.get(entry["key"], f"{entry['verdict']}: {entry['reason']}")
    return {**entry, "status": "dropped", "energy": None, "reason": reason}


def metal_moments(site: ActiveSite, moments: Sequence[float] | None) -> tuple[float, ...] | None:
    """Return the moments of a site's metals among those of all atoms."""
    return tuple(moments[metal] for metal in site.metals) if moments is not None else None


def _same_spin(carried: Sequence[Reference], request: Request) -> Reference | None:
    return lowest(entry for entry in carried if entry["multiplicity"] == request.multiplicity)
