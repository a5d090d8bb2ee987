"""Molecules: the surroundings of a campaign whose free molecules are calculated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from atomsieve.analysis.database import Database
from atomsieve.analysis.gases import free_molecule
from atomsieve.analysis.surroundings import Surroundings, surroundings
from atomsieve.structures.calculation import Request
from atomsieve.structures.errors import StoreError
from atomsieve.structures.reference import lowest, reference
from atomsieve.structures.vibrations import Vibrations, vibrations_request
from atomsieve.workflows.checked import CheckedCampaign

References = Mapping[str, Mapping[str, Any]]


def with_molecules(
    checked: CheckedCampaign,
    gases: References,
    energies: References | None = None,
    vibrations: Mapping[str, Vibrations] | None = None,
) -> Surroundings:
    """Return the surroundings with the molecules that were calculated, where the campaign takes them from there.

    Parameters
    ----------
    checked : CheckedCampaign
        The campaign.
    gases : mapping of str to mapping
        References of all its molecules.
    energies, vibrations : mapping, optional
        As in :func:`~atomsieve.analysis.adsorption.adsorption_energy`.
    """
    if not checked.computed:
        return checked.surroundings
    method, policy = checked.policy.energy_method.to_dict(), checked.policy.selection
    terms = {
        name: free_molecule(name, method=method, policy=policy, gases=gases, energies=energies, vibrations=vibrations)
        for name in checked.computed
    }
    return surroundings(checked.conditions, terms)


def stored_surroundings(
    checked: CheckedCampaign, database: Database | None, *, tolerant: bool = False
) -> Surroundings | None:
    """Return the surroundings from what the database holds; None while a molecule is still to be calculated.

    Parameters
    ----------
    checked : CheckedCampaign
        The campaign.
    database : Database or None
        None where there is none yet.
    tolerant : bool
        Take a database that is away for one that knows nothing.
    """
    if not checked.computed:
        return checked.surroundings
    if database is None:
        return None
    try:
        return _from_database(checked, database)
    except StoreError:
        if not tolerant:
            raise
        return None


def _from_database(checked: CheckedCampaign, database: Database) -> Surroundings | None:
    policy = checked.policy
    requests = {gas: policy.molecule_request(gas).key for gas in checked.gases}
    known = _known(checked, database, requests.values())
    if len(known) < len(requests):
        return None
    gases = {gas: reference(known[key]) for gas, key in requests.items()}
    usable = [state for one in gases.values() if (state := lowest([one])) is not None]
    energies = vibrations = None
    if policy.single_point is not None:
        asked = {str(state["key"]): policy.energy_request(state).key for state in usable}
        points = _known(checked, database, asked.values())
        if len(points) < len(asked):
            return None
        energies = {state: reference(points[key]) for state, key in asked.items()}
    if policy.vibrations is not None:
        asked = {}
        for state in usable:
            document = known[state["key"]]
            atoms = range(len(document["atoms"]["numbers"]))
            relaxed = Request.from_dict(document["request"])
            asked[str(state["key"])] = vibrations_request(relaxed, atoms, policy.vibrations["displacement"]).key
        modes = _known(checked, database, asked.values())
        if len(modes) < len(asked):
            return None
        vibrations = {
            state: Vibrations.from_dict(modes[key]) for state, key in asked.items() if modes[key]["status"] == "done"
        }
    return with_molecules(checked, gases, energies, vibrations)


def _known(checked: CheckedCampaign, database: Database, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the outcomes that still stand."""
    return {key: found for key, found in database.known(list(keys)).items() if checked.is_settled(found)}
