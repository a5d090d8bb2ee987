"""Carrying: where relaxations start that follow those of another method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from ase import Atoms

from atomsieve.structures.calculation import USABLE, Request, lowest
from atomsieve.structures.site import ActiveSite, atoms_from_dict
from atomsieve.workflows.requests import Policy

Reference = Mapping[str, Any]


class Reader(Protocol):
    """Where outcomes lie: a folder, or whatever else finds them."""

    def read(self, key: str) -> dict[str, Any] | None:
        """Return the outcome of a calculation, or None if it has none yet."""


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
        document = folder.read(before["key"])
        if document is None:
            found.append((request, site))
            continue
        start = site.with_positions(document["atoms"]["positions"])
        found.append((replace(request, parents=(before["key"],)), start))
    return found


def adsorbed_starts(
    policy: Policy, site: ActiveSite, parent: Reference, adsorbate: str, carried: Sequence[Reference], folder: Reader
) -> list[tuple[Request, ActiveSite, Atoms]]:
    """Return a request for each pose and spin of an adsorbate, with the site and the adsorbate where it starts.

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
    size = len(site.atoms)
    bound = [entry for entry in carried if entry["status"] == "done" and entry["verdict"] in USABLE]
    documents = {entry["key"]: folder.read(entry["key"]) for entry in bound}
    bound = [entry for entry in bound if documents[entry["key"]] is not None]
    asked = policy.adsorbed_requests(site, parent["key"], parent["multiplicity"], adsorbate)
    if not bound:
        return [(request, site, atoms[size:]) for request, atoms in asked]
    found = []
    for spin, request in {request.multiplicity: request for request, _ in asked}.items():
        own = [entry for entry in bound if entry["multiplicity"] == spin] or bound
        for entry in own:
            document = documents[entry["key"]]
            assert document is not None
            atoms = atoms_from_dict(document["atoms"])
            start = site.with_positions(atoms.positions[:size])
            carried_on = replace(request, subject=entry["subject"], parents=(parent["key"], entry["key"]))
            found.append((carried_on, start, atoms[size:]))
    return found


def _same_spin(carried: Sequence[Reference], request: Request) -> Reference | None:
    return lowest(entry for entry in carried if entry["multiplicity"] == request.multiplicity)
