"""Jobs: jobflow's view of a calculation, of placing adsorbates on what it left, and of gathering what came out.

Jobs hand each other small references (key, energy, verdict); documents lie on disk under their key, once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ase import Atoms
from ase.constraints import FixAtoms
from jobflow import Flow, Job, Maker, Response, job

from atomsieve.analysis.verdict import judge_adsorbed, judge_clean, judge_molecule
from atomsieve.builders.poses.placement import Placement
from atomsieve.builders.spin import start_moments
from atomsieve.structures.adsorbate import END_ON
from atomsieve.structures.calculation import Request
from atomsieve.structures.definition import described
from atomsieve.structures.judgement import Judgement
from atomsieve.structures.molecule import molecule
from atomsieve.structures.reference import lowest, reference
from atomsieve.structures.site import ActiveSite, atoms_from_dict
from atomsieve.structures.vibrations import displaced_atoms
from atomsieve.workflows.carrying import adsorbed_starts, clean_starts
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.refining import refine_site
from atomsieve.workflows.relaxation import settle
from atomsieve.workflows.requests import Policy
from atomsieve.workflows.settings import read_settings
from atomsieve.workflows.spins import spin_judge


@dataclass
class RelaxMaker(Maker):  # type: ignore[misc]
    """Make jobs that calculate; the calculation that flows take as an argument.

    Parameters
    ----------
    name : str
        Name of the jobs.
    numerics : dict
        ``max_steps``, ``optimizer``, ``ladder`` and what the calculator calls numerics, by the key of the method.
    managers : dict
        What the engine that runs the jobs wants to know of each (jobflow's ``manager_config``), by the calculator.
    """

    name: str = "relax"
    numerics: dict[str, dict[str, Any]] = field(default_factory=dict)
    managers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def make(
        self, request: Request, *, site: ActiveSite | None = None, extra: Atoms | None = None, name: str | None = None
    ) -> Job:
        """Make one job.

        Parameters
        ----------
        request : Request
            What is asked.
        site : ActiveSite, optional
            The site where the relaxation starts: clean, or below an adsorbate. None for a molecule, and for what starts
            from the geometry of its first parent.
        extra : ase.Atoms, optional
            The adsorbate where it starts.
        name : str, optional
            The job's name.
        """
        numerics = self.numerics[request.method.key]
        if request.moves:
            calculation: Job = relax_one(
                request.to_dict(),
                numerics,
                site.to_dict() if site is not None else None,
                _adsorbate_to_dict(extra) if extra is not None else None,
            )
        else:
            calculation = evaluate_one(request.to_dict(), numerics)
        calculation.name = name or self.name
        used = request.method.calculator
        calculation.metadata = {"key": request.key, "task": request.task, "calculator": used}
        calculation.config.manager_config = dict(self.managers.get(used, {}))
        return calculation


def _adsorbate_to_dict(atoms: Atoms) -> dict[str, Any]:
    return {"numbers": atoms.numbers.tolist(), "positions": atoms.positions.tolist()}


@job  # type: ignore[untyped-decorator]
def relax_one(
    request: dict[str, Any],
    numerics: dict[str, Any],
    site: dict[str, Any] | None,
    extra: dict[str, Any] | None,
) -> dict[str, Any]:
    """Settle one relaxation and return its reference."""
    asked = Request.from_dict(request)
    folder = Folder(read_settings().folder)
    judge: Callable[[Atoms], Judgement]
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
            species = described(asked.subject)
            start += Atoms(**extra)

            def judge(relaxed: Atoms) -> Judgement:
                on = Placement.from_dict(asked.subject).host_metals
                return judge_adsorbed(host, species, relaxed, mode=asked.subject.get("mode", END_ON), metals=on)

        start.set_constraint(FixAtoms(host.frozen) if host.frozen else None)
        if asked.moments is not None:
            assert asked.multiplicity is not None
            start.set_initial_magnetic_moments(start_moments(host, start, asked.multiplicity, asked.moments))

    if site is None or extra is not None or asked.moments is None:
        return reference(settle(asked, start, judge, numerics, folder))
    # with an adsorbate a metal may take another oxidation state, so that only clean sites have stated moments
    return reference(settle(asked, start, judge, numerics, folder, spin=spin_judge(host, asked.multiplicity)))


@job  # type: ignore[untyped-decorator]
def evaluate_one(request: dict[str, Any], numerics: dict[str, Any]) -> dict[str, Any]:
    """Settle one evaluation at, or displaced from, the geometry of the first parent and return its reference."""
    asked = Request.from_dict(request)
    folder = Folder(read_settings().folder)
    parent = folder.stored(asked.parents[0])
    atoms = atoms_from_dict(parent["atoms"])
    if asked.task == "displacement":
        atoms = displaced_atoms(atoms, asked)
    if parent["moments"] is not None:
        atoms.set_initial_magnetic_moments(parent["moments"])
    judgement = Judgement.from_dict(parent["judgement"])
    return reference(settle(asked, atoms, lambda _: judgement, numerics, folder))


@job  # type: ignore[untyped-decorator]
def carry_on(
    relax: RelaxMaker,
    policy: dict[str, Any],
    site: dict[str, Any],
    adsorbates: list[str],
    carried: dict[str, Any],
) -> Response:
    """Start clean relaxations where those of another method ended, and go on from there.

    Parameters
    ----------
    relax : RelaxMaker
        The calculation.
    policy : dict
        What is tried.
    site : dict
        The site as built.
    adsorbates : list of str
        Names.
    carried : dict
        ``clean`` and ``adsorbed`` references of the other method.
    """
    asked, built, folder = Policy.from_dict(policy), ActiveSite.from_dict(site), Folder(read_settings().folder)
    starts = [
        relax.make(request, site=start, name=f"clean {built.label}")
        for request, start in clean_starts(asked, built, carried["clean"], folder)
    ]
    end = place_adsorbates(relax, policy, site, adsorbates, [start.output for start in starts], carried["adsorbed"])
    return Response(replace=Flow([*starts, end], output=end.output))


@job  # type: ignore[untyped-decorator]
def place_adsorbates(
    relax: RelaxMaker,
    policy: dict[str, Any],
    site: dict[str, Any],
    adsorbates: list[str],
    clean: list[dict[str, Any]],
    carried: dict[str, list[dict[str, Any]]] | None = None,
) -> Response:
    """Place adsorbates on the lowest clean site as it relaxed, and go on with a job for each pose and spin.

    Where another method has relaxed poses, those that stayed bound are taken in place of the ones as placed.
    """
    parent = lowest(clean)
    asked, folder = Policy.from_dict(policy), Folder(read_settings().folder)
    if parent is None or not (adsorbates or asked.refines):
        return Response(output={"clean": clean, "adsorbed": {name: [] for name in adsorbates}})
    relaxed = ActiveSite.from_dict(site).with_positions(folder.stored(parent["key"])["atoms"]["positions"])
    jobs: dict[str, list[Job]] = {}
    dropped: dict[str, list[dict[str, Any]]] = {}
    for name in adsorbates:
        found, dropped[name] = adsorbed_starts(asked, relaxed, parent, name, (carried or {}).get(name, []), folder)
        jobs[name] = [
            relax.make(request, site=host, extra=extra, name=f"{name}* on {relaxed.label}")
            for request, host, extra in found
        ]
    outputs = {name: [*(made.output for made in group), *dropped[name]] for name, group in jobs.items()}
    end = refine_site(relax, policy, site, clean, outputs)
    return Response(replace=Flow([*(made for group in jobs.values() for made in group), end], output=end.output))
