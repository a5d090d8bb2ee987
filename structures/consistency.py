"""Consistency: what the thermochemistry of a campaign, its conditions and its reactions need of each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from atomsieve.structures.adsorbate import adsorbates
from atomsieve.structures.conditions import ligand_objections, objections, without_data
from atomsieve.structures.correction import TREATMENTS, correction_tables
from atomsieve.structures.errors import InputError, Problem, unknown
from atomsieve.structures.gas_correction import gas_correction
from atomsieve.structures.molecule import molecule
from atomsieve.structures.section import ConditionsSection
from atomsieve.structures.units import CRITICAL_TEMPERATURE, ROOM_TEMPERATURE, TRIPLE_POINT, is_room_temperature

if TYPE_CHECKING:
    from atomsieve.structures.campaign import Campaign


def thermochemistry_problems(campaign: Campaign) -> Iterator[Problem]:
    """Yield what is wrong with the thermochemistry and the conditions of a campaign without stages."""
    yield from _correction_problems(campaign)
    yield from condition_problems(campaign.conditions)
    for name, message in ligand_objections(campaign.conditions.resolved(), campaign.ligands):
        yield Problem(f"stability.ligands.{name}", message)
    thermal = campaign.thermochemistry
    try:
        gas_correction(thermal.gas_corrections)
    except InputError as error:
        yield Problem("thermochemistry.gas_corrections", str(error))
    if thermal.gases == "computed" and thermal.corrections not in TREATMENTS and campaign.all_known:
        names = dict.fromkeys(molecule(name).calculated for name in campaign.all_molecules)
        if without := [name for name in names if name is not None and not molecule(name).thermal]:
            yield Problem(
                "thermochemistry.gases",
                f"'computed', but no vibrational terms of {', '.join(without)} are tabulated; set "
                f"thermochemistry.corrections to {' or '.join(TREATMENTS)}, which calculate them",
            )
    yield from _temperature_problems(campaign)


def condition_problems(conditions: ConditionsSection) -> Iterator[Problem]:
    """Yield what is wrong with the phases, pressures and activities of molecules."""
    for path, message in objections(conditions.phases, conditions.pressures, conditions.activities):
        yield Problem(f"conditions.{path}", message)


def _correction_problems(campaign: Campaign) -> Iterator[Problem]:
    corrections, solvation = campaign.thermochemistry.corrections, campaign.thermochemistry.solvation
    tables = correction_tables()
    if corrections == "none":
        if solvation == "table":
            yield Problem("thermochemistry.solvation", "'table' needs a table; set thermochemistry.corrections")
    elif corrections in TREATMENTS:
        if solvation == "table":
            yield Problem(
                "thermochemistry.solvation", f"'table' comes with a table of corrections, not {corrections!r}"
            )
    elif corrections not in tables:
        allowed = [*tables, *TREATMENTS, "none"]
        yield Problem("thermochemistry.corrections", unknown(corrections, allowed, "correction table or treatment"))
    else:
        needed = list(campaign.stated_adsorbates) if campaign.all_known else []
        missing = [n for n in dict.fromkeys(needed) if n in adsorbates() and n not in tables[corrections].adsorbates]
        if missing:
            fitting = [name for name, table in tables.items() if all(n in table.adsorbates for n in needed)]
            yield Problem(
                "thermochemistry.corrections",
                f"{corrections!r} has no value for {', '.join(missing)}; allowed here: "
                f"{', '.join([*fitting, *TREATMENTS, 'none'])}",
            )


def _temperature_problems(campaign: Campaign) -> Iterator[Problem]:
    temperature, corrections = campaign.conditions.temperature, campaign.thermochemistry.corrections
    if not TRIPLE_POINT <= temperature <= CRITICAL_TEMPERATURE:
        yield Problem(
            "conditions.temperature",
            f"{temperature} K: the reference of oxygen is liquid water; "
            f"allowed {TRIPLE_POINT} to {CRITICAL_TEMPERATURE}",
        )
        return
    if is_room_temperature(temperature):
        return
    if corrections not in (*TREATMENTS, "none") or (campaign.reactions and corrections == "none"):
        yield Problem(
            "conditions.temperature",
            f"{temperature} K, but all tabulated free energies hold at {ROOM_TEMPERATURE} K only; "
            "others need thermochemistry.corrections 'harmonic' or 'quasi-harmonic'",
        )
        return
    names = campaign.all_molecules if campaign.all_known else ()
    if without := without_data(names, campaign.conditions.phases, temperature):
        yield Problem(
            "conditions.temperature",
            f"{temperature} K, but no heat capacity of {', '.join(without)} is known; set it to {ROOM_TEMPERATURE}, or "
            "another phase under conditions.phases",
        )
