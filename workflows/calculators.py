"""Calculators: one table, an entry for each way to get an energy."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from ase.data import atomic_numbers, chemical_symbols

from atomsieve.structures.errors import InputError, Problem, unknown
from atomsieve.structures.method import Method, Tier
from atomsieve.workflows.order import Order, Relaxed, Requirement

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

#: What a calculator does with spin: nothing, hold its total, or hold its total from start moments of the atoms.
Spin = Literal["none", "multiplicity", "moments"]


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
    """

    default: Any
    title: str
    lowest: float | None = None
    highest: float | None = None
    is_physics: bool = True
    choices: tuple[str, ...] = ()

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
        CPU seconds per force call of 31 atoms; grows with the square of the number of atoms.
    calculator : callable or None
        From an order and the atoms to an ASE calculator, which ASE's optimisers drive; imports what it needs when
        called.
    program : callable or None
        From an order and the atoms to the answer, for a program with an optimiser of its own.
    requirement : Requirement
        What it needs on a machine.
    ladder : tuple of mapping
        Numerics to try in turn where the self-consistent field does not converge.
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
    ladder: tuple[Mapping[str, Any], ...] = ()

    @property
    def knows_spin(self) -> bool:
        """Whether a multiplicity means anything to it."""
        return self.spin != "none"

    def cost(self, atoms: int) -> float:
        """Return the expected CPU seconds of one force call."""
        return self.seconds * (atoms / 31) ** 2

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
        return found

    def method(self, settings: Mapping[str, Any]) -> Method:
        """Return the method that these settings make."""
        resolved = self.resolve(settings)
        physics = {name: resolved[name] for name, entry in self.settings.items() if entry.is_physics}
        return Method(self.name, MappingProxyType(physics), self.tier)

    def numerics(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings that cannot change the answer."""
        resolved = self.resolve(settings)
        return {name: resolved[name] for name, entry in self.settings.items() if not entry.is_physics}


def _mock(order: Order, atoms: Atoms) -> Calculator:
    from atomsieve.workflows.mock import MockCalculator

    del atoms
    return MockCalculator(multiplicity=order.multiplicity, charge=order.charge, **order.settings)


def _emt(order: Order, atoms: Atoms) -> Calculator:
    from ase.calculators.emt import EMT

    del order, atoms
    return EMT()


def _xtb(hamiltonian: str) -> Callable[[Order, Atoms], Calculator]:
    def make(order: Order, atoms: Atoms) -> Calculator:
        from tblite.ase import TBLite

        del atoms
        return TBLite(
            method=hamiltonian,
            multiplicity=order.multiplicity,
            charge=order.charge,
            verbosity=0,
            cache_api=True,
            **order.settings,
        )

    return make


_XTB_SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "electronic_temperature": Setting(300.0, "electronic temperature, K", 0.0, 10000.0),
        "spin_polarization": Setting(1.0, "scale of the spin-polarisation energy", 0.0, 2.0),
        "accuracy": Setting(1.0, "numerical accuracy of tblite", 1e-4, 100.0),
        "max_iterations": Setting(250, "SCF iterations", 10, 10000, is_physics=False),
        "mixer_damping": Setting(0.4, "damping of the SCF mixer", 0.01, 1.0, is_physics=False),
        "guess": Setting("sad", "first charges of the SCF", is_physics=False, choices=("sad", "eeq")),
    }
)
_XTB_REQUIREMENT = Requirement(modules=("tblite",), mend="pip install tblite")
#: A slower mixer first, then another guess.
_XTB_LADDER: tuple[Mapping[str, Any], ...] = (
    {"mixer_damping": 0.1, "max_iterations": 1000},
    {"mixer_damping": 0.05, "max_iterations": 2000, "guess": "eeq"},
)
_ALL = frozenset(chemical_symbols[1:])
_XTB_ELEMENTS = frozenset(chemical_symbols[1 : atomic_numbers["Rn"] + 1])

_ENTRIES = (
    CalculatorEntry(
        name="mock",
        title="mock (a pair potential shaped like chemistry)",
        tier="mock",
        source="none: numbers mean nothing",
        settings=MappingProxyType(
            {"seconds_per_force_call": Setting(0.0, "sleep, s", 0.0, 60.0, is_physics=False)},
        ),
        elements=_ALL,
        spin="multiplicity",
        seconds=0.0004,
        calculator=_mock,
    ),
    CalculatorEntry(
        name="emt",
        title="EMT",
        tier="mock",
        source="doi 10.1016/0039-6028(96)00816-3",
        settings=MappingProxyType({}),
        elements=frozenset(["Al", "Cu", "Ag", "Au", "Ni", "Pd", "Pt", "H", "C", "N", "O"]),
        spin="none",
        seconds=0.01,
        calculator=_emt,
    ),
    CalculatorEntry(
        name="gfn1-xtb",
        title="GFN1-xTB",
        tier="semiempirical",
        source="doi 10.1021/acs.jctc.7b00118",
        settings=_XTB_SETTINGS,
        elements=_XTB_ELEMENTS,
        spin="multiplicity",
        seconds=0.2,
        calculator=_xtb("GFN1-xTB"),
        requirement=_XTB_REQUIREMENT,
        ladder=_XTB_LADDER,
    ),
    CalculatorEntry(
        name="gfn2-xtb",
        title="GFN2-xTB",
        tier="semiempirical",
        source="doi 10.1021/acs.jctc.8b01176",
        settings=_XTB_SETTINGS,
        elements=_XTB_ELEMENTS,
        spin="multiplicity",
        seconds=0.9,
        calculator=_xtb("GFN2-xTB"),
        requirement=_XTB_REQUIREMENT,
        ladder=_XTB_LADDER,
    ),
)
#: All calculators by name.
CALCULATORS: Mapping[str, CalculatorEntry] = MappingProxyType({entry.name: entry for entry in _ENTRIES})


def calculator(name: str) -> CalculatorEntry:
    """Return one entry of the table.

    Raises
    ------
    InputError
        If there is none of this name.
    """
    if name not in CALCULATORS:
        raise InputError(unknown(name, CALCULATORS, "calculator"))
    return CALCULATORS[name]
