"""Optimization: ASE's optimisers over a calculator, with a checkpoint after each step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from atomsieve.workflows.order import Order, Relaxed

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

#: Name of the optimiser's log in the directory of a calculation.
LOG = "relax.log"

#: Told after each evaluation of the forces.
OnStep = Callable[["Atoms"], None]


def optimize(
    make: Callable[[Order, Atoms], Calculator], order: Order, atoms: Atoms, on_step: OnStep = lambda atoms: None
) -> Relaxed:
    """Move atoms until the forces on them are small.

    Parameters
    ----------
    make : callable
        From an order and the atoms to a calculator.
    order : Order
        What is asked.
    atoms : ase.Atoms
        Moved in place; constraints are kept.
    on_step : callable
        Shown the atoms after each evaluation.
    """
    import ase.optimize

    atoms.calc = make(order, atoms)
    if order.steps == 0:
        forces = atoms.get_forces()
        converged, calls = True, 1
        on_step(atoms)
    else:
        with (order.directory / LOG).open("a", encoding="utf-8") as log:
            optimizer = getattr(ase.optimize, order.optimizer)(atoms, logfile=log)
            optimizer.attach(lambda: on_step(atoms))
            converged = bool(optimizer.run(order.fmax, order.steps))
        calls, forces = optimizer.nsteps + 1, atoms.get_forces()
    results = atoms.calc.results
    moments = results.get("magmoms")
    return Relaxed(
        atoms=atoms,
        energy=float(atoms.get_potential_energy()),
        forces=np.asarray(forces, dtype=float),
        converged=converged,
        force_calls=calls,
        moments=tuple(float(moment) for moment in np.ravel(moments)) if moments is not None else None,
        versions=dict(getattr(atoms.calc, "versions", {})),
    )
