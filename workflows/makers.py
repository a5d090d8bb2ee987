"""Makers: atomate2's ASE makers as the table of calculators uses them.

Importing atomate2 takes seconds, so only worker processes import this module, and only when they relax.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from atomate2.ase.jobs import AseRelaxMaker, EmtRelaxMaker, GFNxTBRelaxMaker

from atomsieve.workflows.mock import MockCalculator


@dataclass
class MockRelaxMaker(AseRelaxMaker):  # type: ignore[misc]
    """Relax with the mock calculator; see :mod:`atomsieve.workflows.mock`."""

    name: str = "mock relaxation"

    def _get_calculator(self) -> MockCalculator:
        return MockCalculator(**self.calculator_kwargs)


def xtb_maker(hamiltonian: str, settings: dict[str, Any], multiplicity: int | None, charge: int) -> Any:
    """Return a maker for GFN1-xTB or GFN2-xTB through tblite, spin-polarised.

    Parameters
    ----------
    hamiltonian : {"GFN1-xTB", "GFN2-xTB"}
        doi 10.1021/acs.jctc.7b00118, 10.1021/acs.jctc.8b01176.
    settings : dict
        As in the table of calculators.
    multiplicity : int or None
        2S + 1.
    charge : int
        e.
    """
    return GFNxTBRelaxMaker(
        calculator_kwargs={
            "method": hamiltonian,
            "multiplicity": multiplicity,
            "charge": charge,
            "verbosity": 0,
            "cache_api": True,
            **settings,
        }
    )


def emt_maker(settings: dict[str, Any], multiplicity: int | None, charge: int) -> Any:
    """Return a maker for ASE's effective medium theory; it knows neither spin nor charge."""
    del multiplicity, charge
    return EmtRelaxMaker(calculator_kwargs=settings)


def mock_maker(settings: dict[str, Any], multiplicity: int | None, charge: int) -> Any:
    """Return a maker for the mock calculator."""
    return MockRelaxMaker(calculator_kwargs={"multiplicity": multiplicity, "charge": charge, **settings})


def prepare(maker: Any, *, fmax: float, max_steps: int, optimizer: str, logfile: str) -> Any:
    """Set a maker to relax positions alone.

    atomate2's defaults relax the cell as well and stop at 0.1 eV/Å, both wrong for a sheet in vacuum. The trajectory
    observer converts every frame it keeps, so it keeps only the first and the last.
    """
    maker.relax_cell = False
    maker.steps = max_steps
    maker.optimizer_kwargs = {"optimizer": optimizer}
    maker.relax_kwargs = {
        "fmax": fmax,
        "interval": 10**9,
        "final_atoms_object_file": None,
        "logfile": logfile,
    }
    return maker
