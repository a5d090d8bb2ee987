"""Frames: the cell and the start moments in which a code gets atoms."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, CalculatorSetupError, all_changes

from atomsieve.builders.family import TRANSITION_METALS
from atomsieve.structures.errors import CalculationError, FailureClass

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Bohr magnetons below which a start moment counts as none.
NO_MOMENT = 1e-6


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
    metals = np.isin(atoms.symbols, TRANSITION_METALS)
    for group in (np.abs(moments) > NO_MOMENT, metals, atoms.numbers > 1, atoms.numbers > 0):
        if group.any():
            moments[group] += lack / group.sum()
            break
    return moments


def refuse_charge(charge: int) -> None:
    """Refuse a charge in a periodic cell.

    Raises
    ------
    ase.calculators.calculator.CalculatorSetupError
        For any but 0.
    """
    if charge:
        raise CalculatorSetupError(
            f"charge {charge:+d}: the energy of a charged periodic cell depends on the cell; write 0, or carve a "
            "cluster and take gpaw"
        )


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
    version : tuple of (str, Path, str) or None
        Name of the program, its output, and the expression that finds its version there.
    """

    implemented_properties = ["energy", "free_energy", "forces", "magmoms"]  # noqa: RUF012 - ASE wants a list

    def __init__(
        self,
        cell: Atoms,
        origin: Atoms,
        make: Callable[[Atoms], Any],
        errors: Callable[[Exception], str | None],
        dispersion: Calculator | None = None,
        version: tuple[str, Path, str] | None = None,
    ) -> None:
        super().__init__()
        self._shift = cell.positions[0] - origin.positions[0]
        self._framed = cell
        self._make = make
        self._errors = errors
        self._dispersion = dispersion
        self._version = version
        self.versions: dict[str, str] = {}

    @property
    def framed(self) -> Atoms:
        """The atoms in their cell, with the code's calculator once something was evaluated."""
        return self._framed

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
        if self._version is not None and not self.versions:
            program, output, expression = self._version
            found = re.search(expression, output.read_text(encoding="utf-8", errors="replace"))
            self.versions = {program: found.group(1)} if found else {}
