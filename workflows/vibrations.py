"""Vibrations: a job for each displacement of an atom, side by side, and one that puts their forces together."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from jobflow import Flow, Job, job

from atomsieve.analysis.hessian import central_differences, normal_modes
from atomsieve.structures.calculation import Calculation, Failure, Request, outcome_from_dict
from atomsieve.structures.errors import FailureClass, StoreError
from atomsieve.structures.judgement import Judgement, Verdict
from atomsieve.structures.reference import reference
from atomsieve.structures.site import atoms_from_dict
from atomsieve.structures.vibrations import (
    DISPLACEMENT,
    Vibrations,
    describe_modes,
    displaced_atoms,
    displacement_requests,
    vibrations_request,
)
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.relaxation import is_settled
from atomsieve.workflows.settings import read_settings

if TYPE_CHECKING:
    from atomsieve.workflows.jobs import RelaxMaker

#: The stiffest mode there is (N2, CO) has 150 eV/Å²: with 200 no displacement on the same electronic state is taken for
#: one on another, which costs more than this margin (eV).
STIFFEST, MARGIN = 200.0, 0.02
#: Å within which a displaced geometry is that which was asked for.
SAME = 1e-6


def vibrations_flow(
    relax: RelaxMaker,
    relaxed: Request,
    atoms: Iterable[int],
    *,
    displacement: float = DISPLACEMENT,
    name: str = "vibrations",
) -> Flow:
    """Make the flow of the vibrations of some atoms; its output is their reference.

    Parameters
    ----------
    relax : RelaxMaker
        The calculation.
    relaxed : Request
        The relaxation about whose geometry they vibrate; finished by the time that the jobs run.
    atoms : iterable of int
        Which to displace: those of the adsorbate, with the metal's on request; all of a molecule.
    displacement : float
        Å.
    name : str
        The flow's, as ``vibrations of OH* on Co-N4@graphene-4x4``.
    """
    asked = vibrations_request(relaxed, atoms, displacement)
    moves = [
        relax.make(request, name=f"{name}: {_describe(request)}") for request in displacement_requests(relaxed, asked)
    ]
    end: Job = put_together(asked.to_dict(), relax.numerics[asked.method.key], [moved.output for moved in moves])
    end.name = name
    end.metadata = {"key": asked.key, "task": asked.task, "calculator": asked.method.calculator}
    return Flow([*moves, end], output=end.output, name=name)


@job  # type: ignore[untyped-decorator]
def put_together(
    request: dict[str, Any], numerics: dict[str, Any], displacements: list[dict[str, Any]]
) -> dict[str, Any]:
    """Settle vibrations whose displacements are finished and return their reference."""
    del displacements  # they are read from disk by their keys; as an argument they come first
    return reference(assemble(Request.from_dict(request), numerics, Folder(read_settings().folder)))


def assemble(asked: Request, numerics: Mapping[str, Any], folder: Folder) -> dict[str, Any]:
    """Return the vibrations that follow from finished displacements.

    Parameters
    ----------
    asked : Request
        What :func:`~atomsieve.structures.vibrations.vibrations_request` returned.
    numerics : mapping
        Those of the displacements.
    folder : Folder
        Where outcomes lie.

    Returns
    -------
    dict
        The document of :class:`Vibrations`, or of a :class:`Failure` where a displacement failed, or fell into another
        electronic state; on disk by then.

    Raises
    ------
    StoreError
        If the relaxation or a displacement is not there, or a displacement starts from another geometry.
    """
    with folder.claim(asked.key) as claim:
        known = folder.read(asked.key)
        if known is not None and is_settled(known, numerics):
            return known
        relaxed = _relaxed(asked, folder)
        began = time.time()
        outcomes = [_outcome(request, relaxed, folder) for request in displacement_requests(relaxed.request, asked)]
        finished = [outcome for outcome in outcomes if isinstance(outcome, Calculation)]
        why = _why_not(outcomes, relaxed, asked)
        provenance = {"numerics": dict(numerics), "began": began, "seconds": time.time() - began}
        outcome: Vibrations | Failure
        if why is None:
            outcome = _vibrations(asked, relaxed, finished, provenance)
        else:
            outcome = Failure(
                request=asked,
                failure_class=why[0],
                judgement=Judgement(Verdict.NOT_CONVERGED, why[1]),
                text=why[1],
                force_calls=sum(one.force_calls for one in outcomes),
                tried=(*(known["tried"] if known is not None else ()), dict(numerics)),
                provenance=provenance,
            )
        return folder.write(outcome.to_dict(), claim)


def _relaxed(request: Request, folder: Folder) -> Calculation:
    (parent,) = request.parents
    document = folder.read(parent)
    if document is None or document["status"] != "done":
        raise StoreError(f"the relaxation {parent} is not finished in {folder.root}; run the campaign again")
    return Calculation.from_dict(document)


def _outcome(request: Request, relaxed: Calculation, folder: Folder) -> Calculation | Failure:
    document = folder.read(request.key)
    if document is None:
        raise StoreError(f"the displacement {request.key} is not in {folder.root}; run the campaign again")
    outcome = outcome_from_dict(document)
    if isinstance(outcome, Calculation):
        expected = displaced_atoms(atoms_from_dict(relaxed.atoms), request)
        if not np.allclose(outcome.atoms["positions"], expected.positions, rtol=0, atol=SAME):
            raise StoreError(
                f"the displacement {request.key} starts from another geometry than the relaxation {relaxed.key} has; "
                f"delete {folder.directory(request.key)} and run the campaign again"
            )
    return outcome


def _why_not(
    outcomes: Sequence[Calculation | Failure], relaxed: Calculation, asked: Request
) -> tuple[FailureClass, str] | None:
    """Return why displacements give no vibrations, None if they do."""
    failed = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    if failed:
        first = failed[0]
        count = f"{len(failed)} of {len(outcomes)} displacements failed"
        return first.failure_class, f"{count}; first: {_describe(first.request)}: {first.judgement.reason}"
    step = float(asked.subject["displacement"])
    for outcome in outcomes:
        assert isinstance(outcome, Calculation)
        change = outcome.energy - relaxed.energy
        # a residual force does work along the step as well
        if abs(change) > STIFFEST * step**2 / 2 + relaxed.max_force * step + MARGIN:
            text = f"{_describe(outcome.request)} changes the energy by {change:+.3f} eV: another electronic state"
            return FailureClass.OTHER_SETTINGS, text
    return None


def _vibrations(
    asked: Request, relaxed: Calculation, displacements: Sequence[Calculation], provenance: Mapping[str, Any]
) -> Vibrations:
    atoms: Atoms = atoms_from_dict(relaxed.atoms)
    indices = list(asked.subject["atoms"])
    count = len(indices)
    forces = np.array([np.asarray(one.forces)[indices] for one in displacements]).reshape(count, 3, 2, count, 3)
    hessian, asymmetry = central_differences(forces, asked.subject["displacement"])
    masses = atoms.get_masses()[indices]
    is_free = relaxed.request.task == "molecule"
    energies, modes = normal_modes(hessian, masses, atoms.positions if is_free else None)
    return Vibrations(
        request=asked,
        atoms=relaxed.atoms,
        masses=tuple(float(mass) for mass in masses),
        energies=tuple(float(energy) for energy in energies),
        modes=tuple(tuple((float(x), float(y), float(z)) for x, y, z in mode) for mode in modes),
        displacements=tuple(one.key for one in displacements),
        asymmetry=asymmetry,
        judgement=Judgement(Verdict.INTACT, describe_modes([float(energy) for energy in energies])),
        force_calls=sum(one.force_calls for one in displacements),
        provenance=provenance,
    )


def _describe(request: Request) -> str:
    subject = request.subject
    sign = "+" if subject["sign"] > 0 else "-"
    return f"atom {subject['atom']} by {sign}{subject['displacement']:g} Å along {subject['axis']}"
