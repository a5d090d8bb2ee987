"""MockCalculator: a calculator that answers at once and behaves like matter, for rehearsing a campaign.

The energy is that of :mod:`atomsieve.workflows.potential`, with a term for the spin of the metals; forces are its exact
gradient. The numbers, here and in ``mock.yaml``, are shaped like chemistry and must never be read as chemistry.

What single metal atoms do on a nitrogen-doped carbon (M-N4), by element:

================  =====================================================================================
metal             behaviour
================  =====================================================================================
Sc ... Zn         ΔE(OH) rises linearly with the group from about -1.0 to 1.8 eV; ΔE(O) is about
                  2 ΔE(OH) + 0.75 and ΔE(OOH) about ΔE(OH) + 3.2; the 4d and 5d rows are steeper; what is
                  bound by C or N follows less steeply, within about 1 eV of where chemistry has it
Ti, V, Cr, Ni     the clean site and O* have different lowest multiplicities (3 -> 1, 4 -> 2, 5 -> 3,
                  1 -> 3); so have the 4d and 5d metals of groups 4, 5 and 6
Hg                OH, O, OOH and H desorb: they come to rest more than 3 Å away
Ta                OOH falls apart into O and OH, both bound to the metal
Tc                a relaxation with O or H bound never converges; the clean site does
Cd                bound O pulls the metal more than 1.2 Å out of its site; OH and H do not
all               the bulk has its experimental cohesive energy and lattice constants
================  =====================================================================================

Limits: no stress; the charge changes only the parity of the electrons; the energy of Tc has a kink on purpose; the
OOH of Ta wants BFGS or FIRE, for LBFGS loses its way while the bond breaks.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from ase.calculators.calculator import Calculator, CalculatorSetupError, all_changes
from ase.data import atomic_numbers

from atomsieve.structures.metal import at_experimental_volume, metal
from atomsieve.workflows.mock_bonds import D_BLOCK, DATA, bond, is_metal
from atomsieve.workflows.potential import QUIRKS, Potential, step

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    from atomsieve.workflows.potential import Array

SPIN_STEP = 0.3  # eV for two unpaired electrons too many or too few on a metal site
SPIN_STEP_MOLECULE = 3.0
STIFFNESS = 40.0  # eV per atom of a bulk metal whose lattice constants are twice as long


def _unpaired(z: int) -> tuple[int, int, int]:
    """Unpaired electrons that an element prefers: bare, with one and with two bonds to an adsorbate."""
    if not is_metal(z):
        return 0, 0, 0
    if z not in D_BLOCK:
        return z % 2, 1 - z % 2, z % 2
    row, group = D_BLOCK[z]
    bare, one, two = DATA["unpaired_3d" if row == 3 else "unpaired_4d_5d"][group - 2]
    return bare, one, two


class _Spin:
    """The spin term: how many unpaired electrons the metals, or a molecule, prefer, and what it costs to differ."""

    def __init__(self, numbers: NDArray[np.int_]) -> None:
        bare, one, two = np.array([_unpaired(int(z)) for z in numbers], dtype=float).T
        self.protons = int(numbers.sum())
        self._bare: Array = bare
        self._first: Array = one - bare
        self._second: Array = two - one
        self._metal: NDArray[np.bool_] = np.array([is_metal(int(z)) for z in numbers])
        self._has_metal = bool(self._metal.any())
        heavy: NDArray[np.bool_] = numbers > min(1, int(numbers.max()) - 1)
        self._even_share: Array = heavy / heavy.sum()
        self._lone_triplet = len(numbers) <= 2 and bool((numbers == 8).all())

    def term(self, bonds: Array, electrons: int, multiplicity: int | None) -> tuple[float, Array, Array]:
        """Return the energy (eV), its slope in each atom's bonds to adsorbates, and the moments, shape (atoms,) both.

        The unpaired electrons sit on the metals by what they prefer, else evenly on the heavy atoms.
        """
        parity = electrons % 2
        if self._has_metal:
            steps, slopes = step(np.array((bonds, bonds - 1.0)))
            preferred = self._bare + self._first * steps[0] + self._second * steps[1]
            slope = self._first * slopes[0] + self._second * slopes[1]
            share = (preferred + 0.05) * self._metal
            wanted, cost, share = float(preferred.sum()), SPIN_STEP, share / share.sum()
        else:
            wanted = 2.0 if self._lone_triplet and not parity else float(parity)
            cost, slope, share = SPIN_STEP_MOLECULE, 0.0 * bonds, self._even_share
        if multiplicity is None:
            lower = max(parity, parity + 2 * math.floor((wanted - parity) / 2.0))
            unpaired = lower if abs(lower - wanted) <= abs(lower + 2 - wanted) else lower + 2
        else:
            unpaired = multiplicity - 1
        away = (unpaired - wanted) / 2.0
        root = math.sqrt(1.0 + 3.0 * away * away)
        return cost * (root - 1.0), -1.5 * cost * away / root * slope, unpaired * share


def _bulk_energy(atoms: Atoms, bulk: Atoms) -> float:
    """Return the energy of the cell of a metal, which pairs do not make: its experimental one at its own volume."""
    stretch = math.cbrt(atoms.get_volume() / bulk.get_volume()) - 1.0
    return len(atoms) * (STIFFNESS * stretch**2 - metal(str(atoms.symbols[0])).cohesive)


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


# What each parameter may be, as a test and in words.
PARAMETERS: dict[str, tuple[Any, str]] = {
    "multiplicity": (lambda x: x is None or (_is_whole(x) and x >= 1), "None or an integer of 1 or more"),
    "charge": (_is_whole, "an integer, in units of e"),
    "seconds_per_force_call": (
        lambda x: isinstance(x, int | float) and 0.0 <= x < math.inf,
        "a time of 0 s or more",
    ),
}


class MockCalculator(Calculator):  # type: ignore[misc]
    """A deterministic calculator for any element, with spin, quick enough to rehearse a campaign.

    Parameters
    ----------
    multiplicity : int or None
        2S + 1 of the whole cell. None takes the lowest state that the number of electrons allows.
    charge : int
        Total charge in e; it counts electrons and changes nothing else.
    seconds_per_force_call : float
        Time to sleep in each calculation, in seconds; it never changes the answer.

    Raises
    ------
    ase.calculators.calculator.CalculatorSetupError
        When a parameter is not allowed, or the multiplicity does not fit the number of electrons.

    Notes
    -----
    Results are energy and free_energy (eV, without a zero of any meaning), forces (eV/Å, shape (atoms, 3)), magmom and
    magmoms (Bohr magnetons, shape (atoms,), summing to multiplicity - 1).
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "free_energy", "forces", "magmom", "magmoms"]
    default_parameters: ClassVar[dict[str, Any]] = {"multiplicity": None, "charge": 0, "seconds_per_force_call": 0.0}
    discard_results_on_any_change = True
    atoms: Any

    def __init__(
        self, *, multiplicity: int | None = None, charge: int = 0, seconds_per_force_call: float = 0.0
    ) -> None:
        self._model: tuple[Potential, _Spin] | None = None
        super().__init__(multiplicity=multiplicity, charge=charge, seconds_per_force_call=seconds_per_force_call)

    def set(self, **parameters: Any) -> dict[str, Any]:
        """Change parameters; results are discarded when one changes. Raises CalculatorSetupError for a bad one."""
        for name, value in parameters.items():
            if name not in PARAMETERS:
                raise CalculatorSetupError(f"unknown parameter {name!r}; it must be one of {', '.join(PARAMETERS)}")
            is_allowed, allowed = PARAMETERS[name]
            if not is_allowed(value):
                raise CalculatorSetupError(f"{name} is {value!r}; it must be {allowed}")
        changed: dict[str, Any] = super().set(**parameters)
        return changed

    def check_state(self, atoms: Atoms, tol: float = 0.0) -> list[str]:
        """Return what has changed since the last calculation, of the four things that the answer depends on."""
        last = self.atoms
        if last is None or len(last) != len(atoms):
            return list(all_changes)
        same = {
            "positions": np.abs(last.positions - atoms.positions).max(initial=0.0) <= tol,
            "numbers": (last.numbers == atoms.numbers).all(),
            "cell": (last.cell.array == atoms.cell.array).all(),
            "pbc": (last.pbc == atoms.pbc).all(),
        }
        return [name for name, unchanged in same.items() if not unchanged]

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Fill ``results`` for the atoms; all properties cost the same and come at once."""
        if atoms is None:
            atoms = self.atoms
        elif self.atoms is None or system_changes:
            self.atoms = atoms.copy()
        if self._model is None or "numbers" in system_changes:
            numbers = atoms.numbers.copy()
            quirks = {name: atomic_numbers[DATA[name]] for name in QUIRKS}
            self._model = Potential(numbers, bond, quirks), _Spin(numbers)
        potential, spin = self._model
        multiplicity, charge = self.parameters["multiplicity"], int(self.parameters["charge"])
        electrons = spin.protons - charge
        if multiplicity is not None and (multiplicity - 1 - electrons) % 2:
            allowed = "even (2, 4, 6 ...)" if electrons % 2 else "odd (1, 3, 5 ...)"
            raise CalculatorSetupError(
                f"multiplicity is {multiplicity}, which {electrons} electrons (charge {charge}) cannot have; it must "
                f"be {allowed}: choose one of these, or None for the lowest"
            )
        energy, forces, moments = potential.evaluate(atoms, lambda bonds: spin.term(bonds, electrons, multiplicity))
        if (bulk := at_experimental_volume(atoms)) is not atoms:
            energy, forces = _bulk_energy(atoms, bulk), np.zeros((len(atoms), 3))
        if self.parameters["seconds_per_force_call"]:
            time.sleep(self.parameters["seconds_per_force_call"])
        self.results = {
            "energy": energy,
            "free_energy": energy,
            "forces": forces,
            "magmom": float(round(moments.sum())),
            "magmoms": moments,
        }
