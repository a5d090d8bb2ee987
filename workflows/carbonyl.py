"""Carbonyl: a site with carbon monoxide, and the vibrations by which it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from atomsieve.analysis.database import Database
from atomsieve.analysis.probe import Probe, stretch_of
from atomsieve.builders import catalog
from atomsieve.structures.calculation import Request
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.errors import InputError, StoreError
from atomsieve.structures.section import PROBE
from atomsieve.structures.vibrations import Vibrations, vibrations_request
from atomsieve.workflows.checked import CheckedCampaign


def is_vibrated(checked: CheckedCampaign, recipe: Mapping[str, Any], row: AdsorptionEnergy, database: Database) -> bool:
    """Return whether the vibrations of carbon monoxide are there, or will never be: it is not bound, or they failed.

    Parameters
    ----------
    checked : CheckedCampaign
        A campaign that asks for them.
    recipe : mapping
        Of the site.
    row : AdsorptionEnergy
        Of carbon monoxide there.
    database : Database
        Connected.
    """
    keys = vibration_keys(checked, recipe, row, database)
    known = database.known(keys.values())
    return len(known) == len(keys) and all(map(checked.is_settled, known.values()))


def vibration_keys(
    checked: CheckedCampaign, recipe: Mapping[str, Any], row: AdsorptionEnergy, database: Database
) -> dict[str, str]:
    """Return the request keys of the vibrations of carbon monoxide, ``adsorbed`` and as ``gas``.

    See :func:`is_vibrated`. Empty where it is not bound to the site; without the gas where that failed.
    """
    probe, gas = checked.policy.probe, checked.policy.molecule_request(PROBE)
    assert probe is not None
    bound = row.calculations.get("adsorbed")
    if bound is None:
        return {}
    known = database.known((bound, gas.key))
    if bound not in known:
        raise StoreError(f"the result of {bound} is not in the database; run the campaign again")
    size = len(known[bound]["atoms"]["numbers"])
    metals = catalog.build(recipe).metals if probe["metal"] else ()
    states: dict[str, tuple[Request, Sequence[int]]] = {
        "adsorbed": (Request.from_dict(known[bound]["request"]), (*metals, size - 2, size - 1)),
    }
    if gas.key not in known or known[gas.key]["status"] == "done":
        states["gas"] = (gas, range(2))
    return {
        role: vibrations_request(relaxed, own, probe["displacement"]).key for role, (relaxed, own) in states.items()
    }


def probe_of(
    checked: CheckedCampaign, recipe: Mapping[str, Any], rows: Mapping[str, AdsorptionEnergy], database: Database
) -> Probe | str:
    """Return carbon monoxide on a site against the gas, or why there is nothing to say.

    Parameters
    ----------
    checked : CheckedCampaign
        A campaign, or the last of its stages that knows the site.
    recipe : mapping
        Of the site.
    rows : mapping of str to AdsorptionEnergy
        By adsorbate.
    database : Database
        Connected.
    """
    if checked.policy.probe is None:
        return "not asked for; add `fingerprints: {co_stretch: true}` to the campaign and run it again"
    if PROBE not in rows:
        return "not calculated yet; run the campaign again"
    row = rows[PROBE]
    keys = vibration_keys(checked, recipe, row, database)
    if not keys:
        return f"no carbon monoxide is bound: {row.verdict}: {row.reason}"
    if "gas" not in keys:
        return "the gas could not be calculated, against which it is held"
    known = database.known(keys.values())
    for role, key in keys.items():
        if key not in known:
            return f"the vibrations ({role}) are not calculated yet; run the campaign again"
        if known[key]["status"] != "done":
            return f"the vibrations ({role}) failed: {known[key]['judgement']['reason']}"
    try:
        found = {role: stretch_of(Vibrations.from_dict(known[key])) for role, key in keys.items()}
    except InputError as error:
        return str(error)
    spin = row.multiplicity.get("adsorbed")
    return Probe(found["adsorbed"], found["gas"], checked.policy.method.calculator, spin)
