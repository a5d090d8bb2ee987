"""Relaxation: one request in, one outcome on disk; whoever asks twice gets the first answer."""

from __future__ import annotations

import math
import os
import platform
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import CalculatorError, CalculatorSetupError

from atomsieve.structures.calculation import Calculation, Failure, Request
from atomsieve.structures.errors import CalculationError, FailureClass
from atomsieve.structures.identity import geometry_key
from atomsieve.structures.judgement import USABLE, Judgement, Verdict
from atomsieve.structures.site import atoms_to_dict
from atomsieve.workflows.attempts import CHECKPOINT, Course
from atomsieve.workflows.calculators import calculator
from atomsieve.workflows.entry import CalculatorEntry
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.optimization import LOG, optimize
from atomsieve.workflows.order import Order, Relaxed

#: Å by which the atoms of a site are displaced at the start: a symmetric start stays symmetric, at a saddle point too.
DISPLACEMENT = 0.03
#: A calculation that hung so many times is given up.
HANGS = 2

Judge = Callable[[Atoms], Judgement]
#: From the final moments of all atoms to a judgement where they are not those of a stated spin state.
SpinJudge = Callable[[Sequence[float]], Judgement | None]


def is_settled(document: Mapping[str, Any] | None, numerics: Mapping[str, Any]) -> bool:
    """Return whether an outcome still stands.

    Success is final. A failure stands until it is asked for with other numerics: the same would fail again.
    """
    if document is None:
        return False
    return bool(document["status"] == "done" or dict(numerics) in document["tried"])


def settle(
    request: Request,
    start: Atoms,
    judge: Judge,
    numerics: Mapping[str, Any],
    folder: Folder,
    spin: SpinJudge = lambda moments: None,
) -> dict[str, Any]:
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
    spin : callable
        From final moments to a judgement, where they speak against a geometry that is sound.

    Returns
    -------
    dict
        The document of a :class:`Calculation` or a :class:`Failure`, which is on disk by then.

    Raises
    ------
    Interrupted
        If it was asked to stop (:mod:`atomsieve.workflows.interruption`); the next call goes on from there.
    StaleAttemptError
        If this process was silent for so long that another has taken over.
    """
    key = request.key
    with folder.claim(key) as claim:
        known = folder.read(key)
        if known is not None and is_settled(known, numerics):
            return known
        course = Course.resume(claim.directory, claim)
        if len(claim.hangs) < HANGS:
            folder.log_start(key)
            outcome = relax(request, start, judge, numerics, course, spin)
        else:
            outcome = _hung(request, start, numerics, course, claim.hangs)
        if isinstance(outcome, Failure):
            before = known["tried"] if known is not None else ()
            outcome = replace(outcome, tried=(*before, dict(numerics)))
        if known is not None and "retried" in known["provenance"]:
            # failures that a person has set aside
            kept = {"retried": known["provenance"]["retried"]}
            outcome = replace(outcome, provenance={**outcome.provenance, **kept})
        document = folder.write(outcome.to_dict(), claim)
        (claim.directory / CHECKPOINT).unlink(missing_ok=True)
    return document


def relax(
    request: Request,
    start: Atoms,
    judge: Judge,
    numerics: Mapping[str, Any],
    course: Course,
    spin: SpinJudge = lambda moments: None,
) -> Calculation | Failure:
    """Relax, rung by rung of the ladder, and judge what came out; go on where a process that died had come.

    Parameters
    ----------
    course : Course
        How far the calculation has come; the other parameters are those of :func:`settle`.

    Returns
    -------
    Calculation or Failure
        A failure for an error of the calculator, for energies or forces that are no numbers, and for too many steps,
        after the last rung; an error that is nobody's physics (a full disk, a wish to stop) is raised.
    """
    entry = calculator(request.method.calculator)
    (course.directory / LOG).unlink(missing_ok=True)
    atoms = displaced(start, request)
    began, clock, cpu = time.time(), time.perf_counter(), time.process_time()
    versions: dict[str, str] = {}

    def provenance() -> dict[str, Any]:
        return {
            "numerics": dict(numerics),
            "attempts": course.to_list(),
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "began": began,
            "seconds": time.perf_counter() - clock,
            "cpu_seconds": time.process_time() - cpu,
            "versions": {**_versions(entry.requirement.modules), **versions},
            "python": platform.python_version(),
        }

    while True:
        if course.positions is not None:
            # other than assigning to the array, this leaves frozen atoms where they are
            atoms.set_positions(course.positions)
        now = {**numerics, **course.now.changes}
        order = Order(
            settings={**request.method.physics, **{name: now[name] for name in entry.settings if name in now}},
            multiplicity=request.multiplicity,
            charge=request.charge,
            directory=course.directory,
            fmax=request.fmax,
            steps=int(now["max_steps"]) if request.moves else 0,
            optimizer=str(now["optimizer"]),
            electronic=request.task == "electronic",
        )
        result = _attempt(entry, order, atoms, course)
        if isinstance(result, Relaxed):
            versions |= result.versions
            course.converge(largest(result.forces))
            judgement = judge(result.atoms)
            if judgement.verdict in USABLE and result.moments is not None:
                judgement = spin(result.moments) or judgement
            return Calculation(
                request=request,
                energy=result.energy,
                atoms=atoms_to_dict(result.atoms),
                geometry=geometry_key(atoms.numbers, result.atoms.positions, atoms.cell.array, atoms.pbc),
                judgement=judgement,
                force_calls=course.force_calls,
                max_force=largest(result.forces),
                moments=result.moments,
                # those on held atoms are not known, and nothing could be fitted to their zeros
                forces=None if result.atoms.constraints else result.forces.tolist(),
                electronic=result.electronic,
                provenance=provenance() | ({"note": result.note} if result.note else {}),
            )
        course.stop_if_asked()
        if not course.fail(*result, ladder=numerics.get("ladder", {})):
            break
        atoms.calc = None
    kind, text, _ = result
    return _failure(request, start, course, kind, text, provenance())


def _failure(
    request: Request, start: Atoms, course: Course, kind: FailureClass, text: str, provenance: Mapping[str, Any]
) -> Failure:
    line = text.strip().splitlines()[0] if text.strip() else "no message"
    last = None
    if course.positions is not None:
        last = start.copy()
        last.set_positions(course.positions)
    return Failure(
        request=request,
        failure_class=kind,
        judgement=Judgement(Verdict.NOT_CONVERGED, line),
        text=text,
        atoms=atoms_to_dict(last) if last is not None else None,
        force_calls=course.force_calls,
        provenance=provenance,
    )


def _hung(request: Request, start: Atoms, numerics: Mapping[str, Any], course: Course, hangs: Sequence[str]) -> Failure:
    """Return the failure of a calculation that has hung as often as it may."""
    text = (
        f"the calculator hung {len(hangs)} times and was killed: no force call, and no file written, for longer than "
        f"ATOMSIEVE_PATIENCE allows; the last time it was doing this:\n{hangs[-1]}"
    )
    provenance = {"numerics": dict(numerics), "attempts": course.to_list(), "host": socket.gethostname()}
    return _failure(request, start, course, FailureClass.GIVE_UP, text, provenance)


def _attempt(
    entry: CalculatorEntry, order: Order, atoms: Atoms, course: Course
) -> Relaxed | tuple[FailureClass, str, float | None]:
    """Return what came of one attempt: the answer, or the class of its failure, the text and the largest force."""
    try:
        if entry.program is not None:
            result = entry.program(order, atoms)
            course.now.force_calls += result.force_calls
            course.positions = result.atoms.positions.tolist()
        else:
            assert entry.calculator is not None
            result = optimize(entry.calculator, order, atoms, course.step if order.steps else course.evaluated)
            if order.electronic and entry.electronic is not None:
                result.electronic = entry.electronic(order, atoms)
    except CalculatorSetupError as error:
        return FailureClass.GIVE_UP, f"the calculator refuses its input: {error}", None
    except CalculationError as error:
        return error.failure_class, str(error), None
    except (CalculatorError, RuntimeError, ArithmeticError, np.linalg.LinAlgError) as error:
        # an SCF that does not converge; or an optimiser that choked on what is no number
        found = float((atoms.calc.results if atoms.calc is not None else {}).get("energy", 0.0))
        what = f"{type(error).__name__}: {error}" if math.isfinite(found) else f"energy {found} eV"
        return FailureClass.OTHER_SETTINGS, what, None
    force = largest(result.forces)
    if not (math.isfinite(result.energy) and math.isfinite(force) and np.isfinite(result.atoms.positions).all()):
        course.positions = None
        return FailureClass.OTHER_SETTINGS, f"energy {result.energy} eV, largest force {force} eV/Å", None
    if not result.converged:
        text = f"largest force {force:.3f} eV/Å after {order.steps} steps, {order.fmax} wanted; raise max_steps"
        return FailureClass.CONTINUE, text, force
    return result


def largest(forces: Any) -> float:
    """Return the largest force on an atom, eV/Å."""
    return float(np.linalg.norm(forces, axis=1).max())


@cache
def _versions(modules: tuple[str, ...]) -> dict[str, str]:
    found = {name: version(name) for name in ("atomsieve", "ase")}
    for module in modules:
        try:
            found[module] = version(module)
        except PackageNotFoundError:
            # a package that is called otherwise than its module; looking through all packages takes a second
            found |= {name: version(name) for name in packages_distributions().get(module, ())}
    return found


def displaced(start: Atoms, request: Request) -> Atoms:
    """Return a copy whose free atoms are displaced at random, but always in the same way for the same request.

    Molecules are left as they are: their start has no more symmetry than their minimum.
    """
    atoms = start.copy()
    if request.moves and request.task != "molecule":
        rng = np.random.default_rng(int(request.key[:16], 16))
        # set_positions, other than += on the array, leaves frozen atoms where they are
        atoms.set_positions(atoms.positions + rng.uniform(-DISPLACEMENT, DISPLACEMENT, size=atoms.positions.shape))
    return atoms
