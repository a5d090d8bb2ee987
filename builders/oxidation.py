"""Oxidation state: the charge that a metal has in a site, and the d electrons and the spin that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from ase.data import atomic_numbers

from atomsieve.builders.family import Parameter
from atomsieve.structures.errors import InputError, ParameterError

AUTO: Final = "auto"
#: Oxidation states met with oxygen, nitrogen and halide donors, the usual one first (after N. N. Greenwood and
#: A. Earnshaw, Chemistry of the Elements, 2nd ed., 1997). Oxo anions (Mn(VII), Os(VIII)), carbonyls and states known of
#: metal-metal bonded ions alone (Hg(I)) are left out.
STATES: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {
        "Sc": (3,), "Ti": (4, 3, 2), "V": (4, 5, 3, 2), "Cr": (3, 2, 4, 5, 6), "Mn": (2, 3, 4), "Fe": (3, 2, 4),
        "Co": (2, 3, 4), "Ni": (2, 3, 4), "Cu": (2, 1, 3), "Zn": (2,),
        "Y": (3,), "Zr": (4,), "Nb": (5, 4, 3), "Mo": (6, 5, 4, 3, 2), "Tc": (4, 5, 3), "Ru": (3, 2, 4),
        "Rh": (3, 2, 1), "Pd": (2, 4), "Ag": (1, 2, 3), "Cd": (2,),
        "Hf": (4,), "Ta": (5, 4), "W": (6, 5, 4, 3, 2), "Re": (5, 4, 3, 2), "Os": (4, 3, 2), "Ir": (3, 4, 1),
        "Pt": (2, 4), "Au": (3, 1), "Hg": (2,),
    }
)  # fmt: skip
# Unpaired electrons of d0 ... d10: one by one over five orbitals; and t2g filled first, with d8 square planar.
_HIGH = (0, 1, 2, 3, 4, 5, 4, 3, 2, 1, 0)
_LOW = (0, 1, 2, 3, 2, 1, 0, 1, 0, 1, 0)


def d_electrons(metal: str, oxidation_state: int) -> int:
    """Return the number of d electrons of an ion.

    Parameters
    ----------
    metal : str
        A transition metal of groups 3 to 12.
    oxidation_state : int
        One of :data:`STATES`.

    Returns
    -------
    int
        0 to 10: the group less the oxidation state.

    Raises
    ------
    ParameterError
        If the metal does not take that state.
    """
    if oxidation_state not in STATES[metal]:
        allowed = ", ".join(map(str, sorted(STATES[metal])))
        raise ParameterError(
            "oxidation_state",
            f"{metal} does not take the oxidation state {oxidation_state} in a site; allowed: {allowed}",
        )
    return group(metal) - oxidation_state


def group(metal: str) -> int:
    """Return the group of a transition metal in the periodic table, 3 to 12."""
    number = int(atomic_numbers[metal])
    # counted back from zinc, cadmium and mercury, because hafnium follows the lanthanides
    return 12 - min(last - number for last in (30, 48, 80) if last >= number)


def unpaired(electrons: int) -> tuple[int, ...]:
    """Return the numbers of unpaired electrons that a number of d electrons allows, from low to high spin.

    Parameters
    ----------
    electrons : int
        d electrons, 0 to 10.

    Returns
    -------
    tuple of int
        ``(0, 2, 4)`` for d6: two at a time, up to one in each of the five orbitals.
    """
    return tuple(range(electrons % 2, _HIGH[electrons] + 1, 2))


def low(electrons: int) -> int:
    """Return the unpaired electrons of d electrons in a strong octahedral field, of d8 in a square one."""
    return _LOW[electrons]


def high_spin(metal: str, oxidation_state: int) -> int:
    """Return 2S + 1 of an ion with as many unpaired d electrons as there can be.

    Raises
    ------
    ParameterError
        If the metal does not take that state.
    """
    return 1 + _HIGH[d_electrons(metal, oxidation_state)]


def low_spin(metal: str, oxidation_state: int) -> int:
    """Return 2S + 1 of an ion in a strong octahedral field, of d8 in a square one.

    Raises
    ------
    ParameterError
        If the metal does not take that state.
    """
    return 1 + _LOW[d_electrons(metal, oxidation_state)]


def weak_field(metal: str, oxidation_state: int) -> int:
    """Return 2S + 1 that an ion is expected to have among oxide, hydroxide, water, carboxylate and halide.

    High spin in the first row: these ligands split its d orbitals by less than it costs to pair electrons. Low spin
    below: the splitting grows by about a half from row to row and pairing costs less in larger orbitals, so that 4d and
    5d ions are low-spin with nearly any ligand. A start, not a ground state: six-coordinate Co(III) is low-spin with
    oxygen as well, and ions with several metals couple.

    Parameters
    ----------
    metal : str
        A transition metal of groups 3 to 12.
    oxidation_state : int
        One of :data:`STATES`.

    Raises
    ------
    ParameterError
        If the metal does not take that state.
    """
    return (high_spin if atomic_numbers[metal] <= 30 else low_spin)(metal, oxidation_state)


def state_parameter(default: Any = AUTO) -> Parameter:
    """Return the parameter ``oxidation_state``; ``auto`` stands for the usual state, which ``settle`` fills in."""
    return Parameter(
        "oxidation_state",
        "oxidation state of the metal",
        default,
        f"{AUTO}, or a whole number from 1 to 6",
        _auto_or_integer(1, 6),
    )


def charge_parameter() -> Parameter:
    """Return the parameter ``charge``; ``auto`` stands for the sum of the formal charges, which ``settle`` fills in."""
    return Parameter("charge", "total charge, e", AUTO, f"{AUTO}, or a whole number", _auto_or_integer(-9, 9))


def multiplicity_parameter() -> Parameter:
    """Return the parameter ``multiplicity``; ``auto`` follows from the oxidation states, and ``settle`` fills it in."""
    return Parameter(
        "multiplicity",
        "2S + 1",
        AUTO,
        f"{AUTO}, or a whole number that the electrons allow",
        _auto_or_integer(1, 31),
    )


def settled(parameter: str, given: Any, derived: int) -> int:
    """Return a value that follows from others, filled in for ``auto``.

    Parameters
    ----------
    parameter : str
        Its name.
    given : int or str
        A number, or ``auto``.
    derived : int
        What follows from the others.

    Raises
    ------
    ParameterError
        If another number was given.
    """
    if given not in (AUTO, derived):
        raise ParameterError(
            parameter, f"{given} does not follow from the oxidation states, which give {derived}; write {AUTO}"
        )
    return derived


def settled_multiplicity(given: Any, derived: int) -> int:
    """Return a multiplicity: the derived one for ``auto``, or another that the same number of electrons allows.

    Raises
    ------
    ParameterError
        If the parity of the one given is wrong.
    """
    if given == AUTO:
        return derived
    if (given - derived) % 2:
        lowest = 2 - derived % 2
        raise ParameterError(
            "multiplicity",
            f"the electrons cannot have {given}; allowed: {lowest}, {lowest + 2}, {lowest + 4} ..., "
            f"or {AUTO} for {derived}",
        )
    return int(given)


def spin_name(multiplicity: int) -> str:
    """Return what a multiplicity is called, for labels: ``triplet``."""
    names = ("singlet", "doublet", "triplet", "quartet", "quintet", "sextet", "septet", "octet", "nonet")
    return names[multiplicity - 1] if multiplicity <= len(names) else f"{multiplicity}-plet"


def _auto_or_integer(low: int, high: int) -> Any:
    def parse(value: Any) -> tuple[int | str]:
        if value == AUTO:
            return (AUTO,)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InputError(f"{value!r} is not possible; write {AUTO} or a whole number from {low} to {high}")
        return (value,)

    return parse
