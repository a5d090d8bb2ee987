"""Calculators: one table, an entry for each way to get an energy."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ase.data import atomic_numbers, chemical_symbols

from atomsieve.structures.errors import InputError, Problem, unknown
from atomsieve.structures.method import Method, Tier


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
    """

    default: Any
    title: str
    lowest: float | None = None
    highest: float | None = None
    is_physics: bool = True

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
    knows_spin : bool
        Whether a multiplicity means anything to it.
    seconds : float
        CPU seconds per force call of 31 atoms; grows with the square of the number of atoms.
    maker : callable
        ``(settings, multiplicity, charge)`` to an atomate2 maker; imports what it needs when called.
    """

    name: str
    title: str
    tier: Tier
    source: str
    settings: Mapping[str, Setting]
    elements: frozenset[str]
    knows_spin: bool
    seconds: float
    maker: Callable[[dict[str, Any], int | None, int], Any]

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


def _mock(settings: dict[str, Any], multiplicity: int | None, charge: int) -> Any:
    from atomsieve.workflows.makers import mock_maker

    return mock_maker(settings, multiplicity, charge)


def _emt(settings: dict[str, Any], multiplicity: int | None, charge: int) -> Any:
    from atomsieve.workflows.makers import emt_maker

    return emt_maker(settings, multiplicity, charge)


def _xtb(hamiltonian: str) -> Callable[[dict[str, Any], int | None, int], Any]:
    def maker(settings: dict[str, Any], multiplicity: int | None, charge: int) -> Any:
        from atomsieve.workflows.makers import xtb_maker

        return xtb_maker(hamiltonian, settings, multiplicity, charge)

    return maker


_XTB_SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "electronic_temperature": Setting(300.0, "electronic temperature, K", 0.0, 10000.0),
        "spin_polarization": Setting(1.0, "scale of the spin-polarisation energy", 0.0, 2.0),
        "accuracy": Setting(1.0, "numerical accuracy of tblite", 1e-4, 100.0),
        "max_iterations": Setting(250, "SCF iterations", 10, 10000, is_physics=False),
        "mixer_damping": Setting(0.4, "damping of the SCF mixer", 0.01, 1.0, is_physics=False),
    }
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
        knows_spin=True,
        seconds=0.0004,
        maker=_mock,
    ),
    CalculatorEntry(
        name="emt",
        title="EMT",
        tier="mock",
        source="doi 10.1016/0039-6028(96)00816-3",
        settings=MappingProxyType({}),
        elements=frozenset(["Al", "Cu", "Ag", "Au", "Ni", "Pd", "Pt", "H", "C", "N", "O"]),
        knows_spin=False,
        seconds=0.01,
        maker=_emt,
    ),
    CalculatorEntry(
        name="gfn1-xtb",
        title="GFN1-xTB",
        tier="semiempirical",
        source="doi 10.1021/acs.jctc.7b00118",
        settings=_XTB_SETTINGS,
        elements=_XTB_ELEMENTS,
        knows_spin=True,
        seconds=0.2,
        maker=_xtb("GFN1-xTB"),
    ),
    CalculatorEntry(
        name="gfn2-xtb",
        title="GFN2-xTB",
        tier="semiempirical",
        source="doi 10.1021/acs.jctc.8b01176",
        settings=_XTB_SETTINGS,
        elements=_XTB_ELEMENTS,
        knows_spin=True,
        seconds=0.9,
        maker=_xtb("GFN2-xTB"),
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
