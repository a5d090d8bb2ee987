"""Calculators: one table, an entry for each way to get an energy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ase.data import atomic_numbers, chemical_symbols

from atomsieve.structures.errors import InputError, unknown
from atomsieve.workflows import electronic, learned
from atomsieve.workflows.codes import cp2k, espresso, gpaw, vasp
from atomsieve.workflows.declared import Table
from atomsieve.workflows.entry import CalculatorEntry, Gives, Setting
from atomsieve.workflows.order import Order, Requirement

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

__all__ = ["CALCULATORS", "CalculatorEntry", "Setting", "calculator"]


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
#: A quicker mixer first, which is cheap to try, then slower ones and another guess.
_XTB_LADDER: tuple[Mapping[str, Any], ...] = (
    # what a free Mn atom needs of GFN1-xTB
    {"mixer_damping": 0.8, "max_iterations": 500},
    {"mixer_damping": 0.1, "max_iterations": 1000},
    {"mixer_damping": 0.05, "max_iterations": 2000, "guess": "eeq"},
)
_XTB_GIVES: frozenset[Gives] = frozenset({"charges", "moments", "d-band", "gap"})
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
        gives=frozenset({"charges", "moments"}),
        electronic=electronic.of_mock,
        metals=frozenset({"atom", "bulk"}),
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
        # its energies are those against the bulk
        metals=frozenset({"bulk"}),
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
        gives=_XTB_GIVES,
        electronic=electronic.of_xtb,
        # at Γ alone no bulk of a metal
        metals=frozenset({"atom"}),
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
        gives=_XTB_GIVES,
        electronic=electronic.of_xtb,
        # at Γ alone no bulk of a metal
        metals=frozenset({"atom"}),
    ),
    gpaw.ENTRY,
    cp2k.ENTRY,
    espresso.ENTRY,
    vasp.ENTRY,
)
#: All calculators by name, those that other packages declare included.
CALCULATORS = Table((*_ENTRIES, *learned.ENTRIES))


def calculator(name: str) -> CalculatorEntry:
    """Return one entry of the table.

    Parameters
    ----------
    name : str
        What a campaign calls it.

    Raises
    ------
    InputError
        If there is none of this name, or what a package declares under it cannot be used.
    """
    if name not in CALCULATORS:
        raise InputError(no_calculator(name))
    return CALCULATORS[name]


def no_calculator(name: str) -> str:
    """Say that there is no calculator of a name, and how one of a person's own comes in."""
    return f"{unknown(name, CALCULATORS, 'calculator')}; or install the package that declares it"
