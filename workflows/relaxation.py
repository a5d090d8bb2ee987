"""Relaxation: one request in, one outcome on disk; whoever asks twice gets the first answer."""

from __future__ import annotations

import math
import os
import platform
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import CalculatorError, CalculatorSetupError

from atomsieve.structures.calculation import Calculation, Failure, Judgement, Request, Verdict
from atomsieve.structures.errors import CalculationError, FailureClass
from atomsieve.structures.identity import geometry_key
from atomsieve.structures.site import atoms_to_dict
from atomsieve.workflows.calculators import calculator
from atomsieve.workflows.folder import Folder

#: Å by which the atoms of a site are displaced at the start: a symmetric start stays symmetric, at a saddle point too.
DISPLACEMENT = 0.03

Judge = Callable[[Atoms], Judgement]


def is_settled(document: Mapping[str, Any] | None, numerics: Mapping[str, Any]) -> bool:
    """Return whether an outcome still stands.

    Success is final. A failure stands until it is asked for with other numerics: the same would fail again.
    """
    if document is None:
        return False
    return bool(document["status"] == "done" or dict(numerics) in document["tried"])


def settle(request: Request, start: Atoms, judge: Judge, numerics: Mapping[str, Any], folder: Folder) -> dict[str, Any]:
    """Return the outcome of a request; compute it only if nobody has.

    Parameters
    ----------
    request : Request
        What is asked.
    start : ase.Atoms
        Where to start, with constraints on the atoms that are held; not changed.
    judge : callable
        From relaxed atoms to a judgement.
    numerics : mapping
        ``max_steps``, ``optimizer`` and the calculator's own.
    folder : Folder
        Where outcomes lie.

    Returns
    -------
    dict
        The document of a :class:`Calculation` or a :class:`Failure`, which is on disk by then.
    """
    key = request.key
    with folder.lease(key):
        known = folder.read(key)
        if known is not None and is_settled(known, numerics):
            return known
        folder.log_start(key)
        outcome = relax(request, start, judge, numerics, folder.directory(key))
        if isinstance(outcome, Failure):
            before = known["tried"] if known is not None else ()
            outcome = replace(outcome, tried=(*before, dict(numerics)))
        document = outcome.to_dict()
        folder.write(document)
    return document


def relax(
    request: Request, start: Atoms, judge: Judge, numerics: Mapping[str, Any], directory: Path
) -> Calculation | Failure:
    """Relax, and judge what came out.

    Returns
    -------
    Calculation or Failure
        A failure for an error of the calculator, for energies or forces that are no numbers, and for too many steps;
        an error that is nobody's physics (a full disk) is raised.
    """
    from atomsieve.workflows.makers import prepare

    entry = calculator(request.method.calculator)
    own = {name: value for name, value in numerics.items() if name in entry.settings}
    maker = entry.maker({**request.method.physics, **own}, request.multiplicity, request.charge)
    log = directory / "relax.log"
    log.unlink(missing_ok=True)
    prepare(
        maker,
        fmax=request.fmax,
        max_steps=int(numerics["max_steps"]),
        optimizer=str(numerics["optimizer"]),
        logfile=str(log),
    )
    atoms = displaced(start, request)
    began, clock, cpu = time.time(), time.perf_counter(), time.process_time()

    def provenance() -> dict[str, Any]:
        return {
            "numerics": dict(numerics),
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "began": began,
            "seconds": time.perf_counter() - clock,
            "cpu_seconds": time.process_time() - cpu,
            "versions": _versions(),
            "python": platform.python_version(),
        }

    def failure(kind: FailureClass, text: str, *, last: Atoms | None = None) -> Failure:
        line = text.strip().splitlines()[0] if text.strip() else "no message"
        return Failure(
            request=request,
            failure_class=kind,
            judgement=Judgement(Verdict.NOT_CONVERGED, line),
            text=text,
            atoms=atoms_to_dict(last) if last is not None else None,
            force_calls=_force_calls(log),
            provenance=provenance(),
        )

    try:
        result = maker.run_ase(atoms)
        energy = float(atoms.get_potential_energy())
        forces = np.asarray(atoms.get_forces())
    except CalculatorSetupError as error:
        return failure(FailureClass.GIVE_UP, f"the calculator refuses its input: {error}")
    except CalculationError as error:
        return failure(error.failure_class, str(error))
    except (CalculatorError, RuntimeError, ArithmeticError, np.linalg.LinAlgError) as error:
        # an SCF that does not converge; or an optimiser that choked on what is no number
        found = float((atoms.calc.results if atoms.calc is not None else {}).get("energy", 0.0))
        what = f"{type(error).__name__}: {error}" if math.isfinite(found) else f"energy {found} eV"
        return failure(FailureClass.OTHER_SETTINGS, what)
    max_force = float(np.linalg.norm(forces, axis=1).max())
    if not (math.isfinite(energy) and math.isfinite(max_force) and np.isfinite(atoms.positions).all()):
        return failure(FailureClass.OTHER_SETTINGS, f"energy {energy} eV, largest force {max_force} eV/Å")
    if not result.converged:
        steps = numerics["max_steps"]
        text = f"largest force {max_force:.3f} eV/Å after {steps} steps, {request.fmax} wanted; raise max_steps"
        return failure(FailureClass.CONTINUE, text, last=atoms)
    return Calculation(
        request=request,
        energy=energy,
        atoms=atoms_to_dict(atoms),
        geometry=geometry_key(atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc),
        judgement=judge(atoms),
        force_calls=_force_calls(log),
        max_force=max_force,
        moments=_moments(atoms),
        provenance=provenance(),
    )


@cache
def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("atomsieve", "ase", "atomate2", "tblite")}


def displaced(start: Atoms, request: Request) -> Atoms:
    """Return a copy whose free atoms are displaced at random, but always in the same way for the same request.

    Molecules are left as they are: their start has no more symmetry than their minimum.
    """
    atoms = start.copy()
    if request.task != "molecule":
        rng = np.random.default_rng(int(request.key[:16], 16))
        # set_positions, other than += on the array, leaves frozen atoms where they are
        atoms.set_positions(atoms.positions + rng.uniform(-DISPLACEMENT, DISPLACEMENT, size=atoms.positions.shape))
    return atoms


def _force_calls(log: Path) -> int:
    """Count the lines that the optimiser printed, one for each evaluation; its header is no line."""
    try:
        lines = log.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return 0
    return sum(1 for line in lines if ":" in line and "Step" not in line)


def _moments(atoms: Atoms) -> tuple[float, ...] | None:
    results = atoms.calc.results if atoms.calc is not None else {}
    if "magmoms" not in results:
        return None
    return tuple(float(moment) for moment in np.ravel(results["magmoms"]))
