"""Order and Relaxed: what a calculator is asked for, what it answers, and what it needs to do so."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Order:
    """What a calculator is asked for, beside the atoms; start moments sit on these.

    Parameters
    ----------
    settings : mapping
        Physics and numerics of the calculator, all resolved.
    multiplicity : int or None
        2S + 1 to hold the total spin at; None where the method knows no spin.
    charge : int
        Total charge, e.
    directory : Path
        Where it may write; exists.
    fmax : float
        Largest force at convergence, eV/Å.
    steps : int
        At most so many moves; 0 for energy and forces where the atoms are.
    optimizer : {"BFGS", "LBFGS", "FIRE"}
        Of ASE, for calculators without one of their own.
    electronic : bool
        Whether charges, moments and levels are asked for as well.
    """

    settings: Mapping[str, Any]
    multiplicity: int | None
    charge: int
    directory: Path
    fmax: float
    steps: int
    optimizer: str = "BFGS"
    electronic: bool = False


@dataclass
class Relaxed:
    """What a calculator answers.

    Parameters
    ----------
    atoms : ase.Atoms
        Where they came to rest.
    energy : float
        Electronic energy, eV.
    forces : numpy.ndarray of float, shape (n, 3)
        eV/Å; none on atoms that are held.
    converged : bool
        Whether the largest force is small enough; always for an order of no steps.
    force_calls : int
        Evaluations of the forces.
    moments : tuple of float or None
        Magnetic moment of each atom, Bohr magnetons, where the method gives them.
    versions : dict of str to str
        Of the programs that were at work.
    note : str
        What happened on the way that a person should know, as corrections that were made.
    electronic : mapping or None
        What :class:`~atomsieve.structures.calculation.Calculation` keeps of the electronic structure, where it was
        asked for.
    """

    atoms: Atoms
    energy: float
    forces: NDArray[np.float64]
    converged: bool
    force_calls: int
    moments: tuple[float, ...] | None = None
    versions: dict[str, str] = field(default_factory=dict)
    note: str = ""
    electronic: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Requirement:
    """What a calculator needs on a machine.

    Parameters
    ----------
    modules : tuple of str
        Python modules.
    programs : tuple of str
        Executables on the path.
    environment : tuple of str
        Environment variables that must be set.
    mend : str
        The command, or the step, that provides what is missing.
    probe : callable or None
        Returns what else is not there, by name; imports and runs nothing either.
    """

    modules: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    mend: str = ""
    probe: Callable[[], list[str]] | None = None

    def missing(self) -> list[str]:
        """Return what is not there, by name; nothing is imported or run."""
        lacks = [f"Python module {name}" for name in self.modules if find_spec(name) is None]
        lacks += [f"program {name}" for name in self.programs if shutil.which(name) is None]
        lacks += [f"environment variable {name}" for name in self.environment if not os.environ.get(name)]
        return lacks + (self.probe() if self.probe is not None else [])
