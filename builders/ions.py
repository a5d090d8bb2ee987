"""Ion: a metal in its oxidation state, with the radius and the unpaired electrons that follow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

import yaml

from atomsieve.builders import oxidation
from atomsieve.builders.family import metals
from atomsieve.builders.ledger import signed
from atomsieve.structures.errors import InputError, ParameterError

#: The oxidation state of main-group metals that stand in for a transition metal in a node; all are closed shells.
MAIN_GROUP: Final[Mapping[str, int]] = MappingProxyType({"Mg": 2, "Al": 3, "Ga": 3, "In": 3})
#: What is said of nodes whose open-shell metals are given parallel spins.
SURROGATE: Final = (
    "the multiplicity is that of parallel spins, a stand-in: the metals couple, most often antiferromagnetically; scan "
    "broken symmetry where the method can"
)
_ROMAN: Final = ("0", "I", "II", "III", "IV", "V", "VI")


@dataclass(frozen=True)
class Ion:
    """A metal in an oxidation state.

    Parameters
    ----------
    metal : str
        Chemical symbol.
    state : int
        Oxidation state.
    """

    metal: str
    state: int

    def __str__(self) -> str:
        return signed(self.metal, self.state)

    @property
    def named(self) -> str:
        """Symbol and state as a label writes them: ``Fe(III)``."""
        return f"{self.metal}({_ROMAN[self.state]})"

    @property
    def radius(self) -> float:
        """Ionic radius for six neighbours, Å; 3d metals in high spin."""
        return _radii()[self.metal][self.state]

    @property
    def unpaired(self) -> int:
        """Number of unpaired electrons expected among oxygen donors."""
        return 0 if self.metal in MAIN_GROUP else oxidation.weak_field(self.metal, self.state) - 1


@cache
def _radii() -> Mapping[str, Mapping[int, float]]:
    text = resources.files("atomsieve.builders").joinpath("ionic_radii.yaml").read_text(encoding="utf-8")
    return MappingProxyType(dict(yaml.safe_load(text)["radii"]))


def takes(metal: str, state: int) -> bool:
    """Return whether a metal takes an oxidation state and its radius in that state is known."""
    known = (MAIN_GROUP[metal],) if metal in MAIN_GROUP else oxidation.STATES[metal]
    return state in known and state in _radii().get(metal, {})


def ion(metal: str, given: Any, possible: tuple[int, ...]) -> Ion:
    """Return a metal in the oxidation state that a recipe gives it.

    Parameters
    ----------
    metal : str
        Chemical symbol.
    given : int or str
        The parameter ``oxidation_state``: a number, or ``auto`` for the first possible one that the metal takes.
    possible : tuple of int
        The states that the site can hold.

    Raises
    ------
    ParameterError
        If the metal does not take the state, or not here.
    """
    allowed = [state for state in possible if takes(metal, state)]
    if given == oxidation.AUTO:
        return Ion(metal, allowed[0])
    if given not in allowed:
        raise ParameterError(
            "oxidation_state",
            f"{metal} does not take the oxidation state {given} here; allowed: {', '.join(map(str, sorted(allowed)))}",
        )
    return Ion(metal, int(given))


def longer(one: Ion, other: Ion) -> float:
    """Return by how much the bonds of an ion are longer than another's, Å.

    The difference of their radii, at most 0.25 Å: larger ions of a low charge have fewer neighbours than six
    and shorter bonds to them.
    """
    return min(one.radius - other.radius, 0.25)


def balanced(
    values: Mapping[str, Any], ledger: Mapping[str, int], ions: Iterable[Ion], unpaired: int | None = None
) -> dict[str, Any]:
    """Return the values of a recipe with charge and multiplicity filled in.

    Parameters
    ----------
    values : mapping
        With ``charge`` and ``multiplicity``, each a number or ``auto``.
    ledger : mapping of str to int
        Formal charges of the parts.
    ions : iterable of Ion
        All metals that may have unpaired electrons.
    unpaired : int or None
        Number of unpaired electrons; None for the sum over the ions.

    Raises
    ------
    ParameterError
        If the charge given is another, or the multiplicity given is impossible.
    """
    ions = tuple(ions)
    derived = 1 + (sum(one.unpaired for one in ions) if unpaired is None else unpaired)
    most = 1 + sum(0 if one.metal in MAIN_GROUP else oxidation.high_spin(one.metal, one.state) - 1 for one in ions)
    multiplicity = oxidation.settled_multiplicity(values["multiplicity"], derived)
    if multiplicity > most:
        raise ParameterError(
            "multiplicity",
            f"{multiplicity} is more than the d electrons of {', '.join(map(str, ions))} allow; write at most {most}, "
            f"or {oxidation.AUTO} for {derived}",
        )
    charge = oxidation.settled("charge", values["charge"], sum(ledger.values()))
    return {**values, "charge": charge, "multiplicity": multiplicity}


def alike_or_named(number: int, allowed: tuple[str, ...]) -> Callable[[Any], tuple[list[str], ...]]:
    """Return a parser of several metals whose order does not matter: ``Cu`` for all alike, or ``Cu-Ru``.

    Parameters
    ----------
    number : int
        How many metals there are.
    allowed : tuple of str
        Chemical symbols.

    Returns
    -------
    callable
        Gives one list of symbols, sorted.
    """
    several, single = metals(number, allowed=allowed), metals(1, allowed=allowed)

    def parse(value: Any) -> tuple[list[str], ...]:
        if isinstance(value, str) and value in allowed:
            return ([value] * number,)
        try:
            return (sorted(several(value)[0]),)
        except InputError:
            if isinstance(value, str) and not any(mark in value for mark in "-+/"):
                single(value)
            raise

    return parse
