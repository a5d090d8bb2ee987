"""Jobs: jobflow's view of a relaxation, of placing adsorbates on what it left, and of gathering what came out.

Jobs hand each other small references (key, energy, verdict); documents lie on disk under their key, once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ase import Atoms
from ase.constraints import FixAtoms
from jobflow import Flow, Job, Maker, Response, job

from atomsieve.analysis.verdict import judge_adsorbed, judge_clean, judge_molecule
from atomsieve.structures.adsorbate import END_ON, adsorbate, molecule
from atomsieve.structures.calculation import Judgement, Request, lowest, reference
from atomsieve.structures.errors import StoreError
from atomsieve.structures.site import ActiveSite
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.relaxation import settle
from atomsieve.workflows.requests import Policy
from atomsieve.workflows.settings import Settings


@dataclass
class RelaxMaker(Maker):  # type: ignore[misc]
    """Make jobs that relax; the calculation that flows take as an argument.

    Parameters
    ----------
    name : str
        Name of the jobs.
    numerics : dict
        ``max_steps``, ``optimizer`` and what the calculator calls numerics.
    """

    name: str = "relax"
    numerics: dict[str, Any] = field(default_factory=dict)

    def make(
        self, request: Request, *, site: ActiveSite | None = None, extra: Atoms | None = None, name: str | None = None
    ) -> Job:
        """Make one job.

        Parameters
        ----------
        request : Request
            What is asked.
        site : ActiveSite, optional
            The site, as built for a clean one, relaxed for one with an adsorbate; none for a molecule.
        extra : ase.Atoms, optional
            The adsorbate where it starts.
        name : str, optional
            The job's name.
        """
        relaxation: Job = relax_one(
            request.to_dict(),
            self.numerics,
            site.to_dict() if site is not None else None,
            _adsorbate_to_dict(extra) if extra is not None else None,
        )
        relaxation.name = name or self.name
        relaxation.metadata = {"key": request.key, "task": request.task}
        return relaxation


def _adsorbate_to_dict(atoms: Atoms) -> dict[str, Any]:
    return {"numbers": atoms.numbers.tolist(), "positions": atoms.positions.tolist()}


@job  # type: ignore[untyped-decorator]
def relax_one(
    request: dict[str, Any],
    numerics: dict[str, Any],
    site: dict[str, Any] | None,
    extra: dict[str, Any] | None,
) -> dict[str, Any]:
    """Settle one request and return its reference."""
    asked = Request.from_dict(request)
    folder = Folder(Settings().folder)
    if site is None:
        gas = molecule(asked.subject["molecule"])

        def judge(relaxed: Atoms) -> Judgement:
            return judge_molecule(gas, relaxed)

        start = gas.atoms
    else:
        host = ActiveSite.from_dict(site)
        start = host.atoms.copy()
        if extra is None:

            def judge(relaxed: Atoms) -> Judgement:
                return judge_clean(host, relaxed)
        else:
            species = adsorbate(asked.subject["adsorbate"])
            start += Atoms(**extra)

            def judge(relaxed: Atoms) -> Judgement:
                return judge_adsorbed(host, species, relaxed, mode=asked.subject.get("mode", END_ON))

        start.set_constraint(FixAtoms(host.frozen) if host.frozen else None)

    return reference(settle(asked, start, judge, numerics, folder))


@job  # type: ignore[untyped-decorator]
def place_adsorbates(
    relax: RelaxMaker,
    policy: dict[str, Any],
    site: dict[str, Any],
    adsorbates: list[str],
    clean: list[dict[str, Any]],
) -> Response:
    """Place adsorbates on the lowest clean site as it relaxed, and go on with a job for each pose and spin."""
    parent = lowest(clean)
    if parent is None or not adsorbates:
        return Response(output={"clean": clean, "adsorbed": {name: [] for name in adsorbates}})
    document = Folder(Settings().folder).read(parent["key"])
    if document is None:
        raise StoreError(f"the result of {parent['key']} is not in {Settings().folder}; run the campaign again")
    relaxed = ActiveSite.from_dict(site).with_positions(document["atoms"]["positions"])
    asked = Policy.from_dict(policy)
    jobs: dict[str, list[Job]] = {}
    for name in adsorbates:
        found = asked.adsorbed_requests(relaxed, parent["key"], parent["multiplicity"], name)
        jobs[name] = [
            relax.make(request, site=relaxed, extra=atoms[len(relaxed.atoms) :], name=f"{name}* on {relaxed.label}")
            for request, atoms in found
        ]
    end = gather(clean, {name: [made.output for made in group] for name, group in jobs.items()})
    return Response(replace=Flow([*(made for group in jobs.values() for made in group), end], output=end.output))


@job  # type: ignore[untyped-decorator]
def gather(clean: list[dict[str, Any]], adsorbed: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Return the references of all that was tried at one site."""
    return {"clean": clean, "adsorbed": adsorbed}
