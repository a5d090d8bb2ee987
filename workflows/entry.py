"""Entry: one way to get an energy, as the table of calculators lists it, and its settings."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from atomsieve.structures.errors import InputError, ParameterError, Problem, unknown
from atomsieve.structures.method import Method, Tier
from atomsieve.workflows.order import Order, Relaxed, Requirement

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

#: What a calculator does with spin: nothing, hold its total, or hold its total from start moments of the atoms.
Spin = Literal["none", "multiplicity", "moments"]
#: What a calculator tells of the electronic structure.
Gives = Literal["charges", "moments", "d-band", "gap"]


@dataclass(frozen=True)
class Setting:
    """One setting of a calculator.

    Parameters
    ----------
    default : int, float or str
        Its value where a campaign is silent; its type is the type that is asked for.
    title : str
        What it does, with its unit.
    lowest, highest : float or None
        Bounds of a number.
    is_physics : bool
        Whether it changes the answer and so is part of the method; else it is numerics.
    choices : tuple of str
        All values that a text may take; empty for any.
    is_path : bool
        Whether it names a file; in a campaign file it may be relative to that.
    """

    default: Any
    title: str
    lowest: float | None = None
    highest: float | None = None
    is_physics: bool = True
    choices: tuple[str, ...] = ()
    is_path: bool = False

    def check(self, value: Any) -> Any:
        """Return the value in the setting's type.

        Raises
        ------
        InputError
            If it has another type or lies out of bounds.
        """
        kind = type(self.default)
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not (isinstance(value, kind) and not isinstance(value, bool)) and not (kind is float and whole):
            raise InputError(f"{value!r} is not allowed; {self.title}: a {kind.__name__} is wanted")
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"{value!r} is not allowed; {self.title}: a finite number is wanted")
        if self.choices and value not in self.choices:
            raise InputError(f"{unknown(value, self.choices)} ({self.title})")
        if (self.lowest is not None and value < self.lowest) or (self.highest is not None and value > self.highest):
            raise InputError(f"{value!r} is out of range; {self.title}: allowed {self.lowest} to {self.highest}")
        return kind(value)


@dataclass(frozen=True)
class CalculatorEntry:
    """One way to get an energy.

    Parameters
    ----------
    name : str
        What a campaign calls it.
    title : str
        What a paper calls it.
    tier : {"mock", "semiempirical", "potential", "dft"}
        How far its numbers can be trusted.
    source : str
        DOI.
    settings : mapping of str to Setting
        All settings.
    elements : frozenset of str
        What it knows.
    spin : {"none", "multiplicity", "moments"}
        What it does with spin: nothing, hold the total, or hold the total from start moments of the atoms.
    seconds : float
        CPU seconds per force call of 31 atoms.
    calculator : callable or None
        From an order and the atoms to an ASE calculator, which ASE's optimisers drive; imports what it needs when
        called.
    program : callable or None
        From an order and the atoms to the answer, for a program with an optimiser of its own.
    requirement : Requirement
        What it needs on a machine.
    tags : callable or None
        From the resolved settings to what else fixes the physics, as the checksum of weights. Raises ParameterError,
        which names the setting, where they do not go together or name what is not there.
    ladder : tuple of mapping
        Numerics to try in turn where the self-consistent field does not converge.
    scaling : float
        The power of the number of atoms with which the cost grows.
    gives : frozenset of str
        What it tells of the electronic structure: of ``charges``, ``moments``, ``d-band`` and ``gap``.
    electronic : callable or None
        From an order and the atoms, on whose ASE calculator energy and forces have just been evaluated, to the
        electronic structure; a ``program`` puts that into its answer.
    metals : frozenset of {"atom", "bulk"}
        Whether it has a meaningful energy of the free atom and of the bulk of a metal.
    version : str
        Of what a package other than atomsieve declares: part of the method, to be changed whenever its energies do.
    """

    name: str
    title: str
    tier: Tier
    source: str
    settings: Mapping[str, Setting]
    elements: frozenset[str]
    spin: Spin
    seconds: float
    calculator: Callable[[Order, Atoms], Calculator] | None = None
    program: Callable[[Order, Atoms], Relaxed] | None = None
    requirement: Requirement = field(default_factory=Requirement)
    tags: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    ladder: tuple[Mapping[str, Any], ...] = ()
    scaling: float = 2.0
    gives: frozenset[Gives] = frozenset()
    electronic: Callable[[Order, Atoms], Mapping[str, Any]] | None = None
    metals: frozenset[str] = frozenset()
    version: str = ""

    @property
    def knows_spin(self) -> bool:
        """Whether a multiplicity means anything to it."""
        return self.spin != "none"

    def cost(self, atoms: int) -> float:
        """Return the expected CPU seconds of one force call."""
        return float(self.seconds * (atoms / 31) ** self.scaling)

    def resolve(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return all settings, defaults written out.

        Raises
        ------
        InputError
            If a setting is unknown or out of bounds.
        """
        problems = self.problems(settings)
        if problems:
            raise InputError("; ".join(str(problem) for problem in problems))
        return self._with_defaults(settings)

    def _with_defaults(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        return {name: entry.check(settings.get(name, entry.default)) for name, entry in self.settings.items()}

    def problems(self, settings: Mapping[str, Any]) -> list[Problem]:
        """Return what is wrong with settings; paths are relative to them."""
        found = []
        for name, value in settings.items():
            if name not in self.settings:
                allowed = list(self.settings) or ["nothing: this calculator has no settings"]
                found.append(Problem(name, unknown(name, allowed, f"setting of {self.name}")))
                continue
            try:
                self.settings[name].check(value)
            except InputError as error:
                found.append(Problem(name, str(error)))
        if not found and self.tags is not None:
            try:
                self.tags(self._with_defaults(settings))
            except ParameterError as error:
                found.append(Problem(error.parameter, str(error.args[0])))
        return found

    def method(self, settings: Mapping[str, Any]) -> Method:
        """Return the method that these settings make."""
        resolved = self.resolve(settings)
        physics = {name: resolved[name] for name, entry in self.settings.items() if entry.is_physics}
        if self.tags is not None:
            physics |= self.tags(resolved)
        return Method(self.name, MappingProxyType(physics), self.tier)

    def numerics(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings that cannot change the answer."""
        resolved = self.resolve(settings)
        return {name: resolved[name] for name, entry in self.settings.items() if not entry.is_physics}
