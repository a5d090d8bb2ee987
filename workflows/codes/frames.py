"""Frames: the cell, the mesh of k-points and the start moments that a code gets for atoms."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, CalculatorSetupError, all_changes

from atomsieve.structures.errors import CalculationError, FailureClass

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Å without atoms along z that make a periodic structure a sheet; no framework leaves so wide a slab empty.
SHEET_GAP = 8.0
#: Classes of k-point density that may be asked for: Γ alone, or the largest spacing of the mesh, 1/Å.
DENSITIES = ("Γ", "0.5", "0.4", "0.3", "0.25", "0.2", "0.15", "0.1")
#: Bohr magnetons below which a start moment counts as none.
NO_MOMENT = 1e-6


def mesh(atoms: Atoms, density: str) -> tuple[int, int, int]:
    """Return the numbers of k-points of the Γ-centred mesh along the cell's vectors.

    Parameters
    ----------
    atoms : ase.Atoms
        In their cell.
    density : str
        One of :data:`DENSITIES`. A spacing is that between points, 2π included, as KSPACING in VASP.

    Returns
    -------
    tuple of int
        1 along directions that are not periodic, and across a sheet.
    """
    if density == "Γ" or not atoms.pbc.any():
        return (1, 1, 1)
    lengths = 2 * math.pi * np.linalg.norm(atoms.cell.reciprocal(), axis=1)
    # an exact multiple of the spacing must not be one point more for a rounding error
    counts = [max(1, math.ceil(length / float(density) - 1e-6)) for length in lengths]
    wanted = [count if periodic else 1 for count, periodic in zip(counts, atoms.pbc, strict=True)]
    if is_sheet(atoms):
        wanted[2] = 1
    return (wanted[0], wanted[1], wanted[2])


def is_sheet(atoms: Atoms) -> bool:
    """Return whether atoms are periodic in x and y and leave a wide gap along z."""
    if not (atoms.pbc[0] and atoms.pbc[1]):
        return False
    return not atoms.pbc[2] or gap(atoms)[0] >= SHEET_GAP


def gap(atoms: Atoms) -> tuple[float, float]:
    """Return the widest slab across z without an atom: its thickness in Å, and its middle as a share of the cell."""
    heights = np.sort(atoms.cell.scaled_positions(atoms.positions)[:, 2] % 1)
    gaps = np.append(heights[1:], heights[0] + 1) - heights
    widest = int(gaps.argmax())
    height = 1 / np.linalg.norm(atoms.cell.reciprocal()[2])
    return float(gaps[widest] * height), float((heights[widest] + gaps[widest] / 2) % 1)


def framed(atoms: Atoms, vacuum: float, step: float) -> Atoms:
    """Return a copy with a full cell.

    Parameters
    ----------
    atoms : ase.Atoms
        Periodic or not.
    vacuum : float
        Å on each side along directions that are not periodic.
    step : float
        Å; lengths along these are whole multiples, so that structures of nearly one size share grids.

    Returns
    -------
    ase.Atoms
        With the same periodicity; what is periodic stays where it is.
    """
    copy = atoms.copy()
    if copy.pbc.all():
        return copy
    cell = copy.cell.array.copy()
    free = [axis for axis in range(3) if not copy.pbc[axis]]
    # built structures are periodic along x, or x and y: what is left is upright
    for axis in free:
        extent = float(np.ptp(copy.positions[:, axis])) + 2 * vacuum
        cell[axis] = np.eye(3)[axis] * math.ceil(extent / step - 1e-6) * step
    copy.set_cell(cell)
    copy.center(axis=free)
    return copy


def start_moments(atoms: Atoms, multiplicity: int | None) -> NDArray[np.float64]:
    """Return a start moment for each atom, which add up to the total that is held.

    What the stated moments lack goes to the atoms that have one; where none has, to the metals; where there are none,
    to all but hydrogen.

    Parameters
    ----------
    atoms : ase.Atoms
        With initial magnetic moments, or none.
    multiplicity : int or None
        2S + 1; None takes the moments as they are.

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        Bohr magnetons.
    """
    moments = np.array(atoms.get_initial_magnetic_moments(), dtype=float)
    if multiplicity is None:
        return moments
    lack = multiplicity - 1 - moments.sum()
    if abs(lack) <= NO_MOMENT:
        return moments
    numbers = atoms.numbers
    # Sc-Zn, Y-Cd, La-Hg
    metals = ((numbers > 20) & (numbers < 31)) | ((numbers > 38) & (numbers < 49)) | ((numbers > 56) & (numbers < 81))
    for group in (np.abs(moments) > NO_MOMENT, metals, numbers > 1, numbers > 0):
        if group.any():
            moments[group] += lack / group.sum()
            break
    return moments


class Framed(Calculator):  # type: ignore[misc]
    """Gives a code the atoms in a cell of its own, and hands back energy, forces and moments.

    The cell is that of the first atoms, so that a grid stands still under a relaxation.

    Parameters
    ----------
    cell : ase.Atoms
        Atoms in their cell, with start moments.
    origin : ase.Atoms
        The same atoms as the caller has them.
    make : callable
        From the framed atoms to the code's calculator.
    errors : callable
        From an error of the code to what a person needs to know, or None where it is no failure of the calculation.
    dispersion : ase.calculators.calculator.Calculator or None
        Adds to energy and forces.
    """

    implemented_properties = ["energy", "free_energy", "forces", "magmoms"]  # noqa: RUF012 - ASE wants a list

    def __init__(
        self,
        cell: Atoms,
        origin: Atoms,
        make: Callable[[Atoms], Any],
        errors: Callable[[Exception], str | None],
        dispersion: Calculator | None = None,
    ) -> None:
        super().__init__()
        self._shift = cell.positions[0] - origin.positions[0]
        self._framed = cell
        self._make = make
        self._errors = errors
        self._dispersion = dispersion

    def calculate(self, atoms: Atoms = None, properties: Any = ("energy",), system_changes: Any = all_changes) -> None:
        """Evaluate energy, forces and moments.

        Raises
        ------
        CalculationError
            Where the self-consistent field does not converge or the program ends early.
        """
        super().calculate(atoms, properties, system_changes)
        framed = self._framed
        framed.set_positions(self.atoms.positions + self._shift, apply_constraint=False)
        try:
            if framed.calc is None:
                framed.calc = self._make(framed)
            results = {"energy": framed.get_potential_energy(), "forces": framed.get_forces(apply_constraint=False)}
            results["free_energy"] = framed.get_potential_energy(force_consistent=True)
            results["magmoms"] = np.asarray(framed.get_magnetic_moments(), dtype=float)
        except CalculatorSetupError:
            raise
        except Exception as error:
            text = self._errors(error)
            if text is None:
                raise
            raise CalculationError(text, FailureClass.OTHER_SETTINGS) from error
        if self._dispersion is not None:
            self._dispersion.calculate(framed, ["energy", "forces"], all_changes)
            extra: Mapping[str, Any] = self._dispersion.results
            results["energy"] += extra["energy"]
            results["free_energy"] += extra["energy"]
            results["forces"] = results["forces"] + extra["forces"]
        self.results = results
