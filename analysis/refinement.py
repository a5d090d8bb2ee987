"""Refinement: the single points and the vibrations of the states that an adsorption energy stands on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from atomsieve.analysis.thermochemistry import adsorbed_terms, gas_terms, reference_pressure
from atomsieve.structures.energies import Term
from atomsieve.structures.molecule import molecule
from atomsieve.structures.vibrations import Vibrations

State = Mapping[str, Any]
#: By role; None for a clean site of which no atom was displaced.
Modes = Mapping[str, Vibrations | None]


def points_of(states: Mapping[str, State], energies: Mapping[str, State]) -> dict[str, State]:
    """Return the single point at each state that has one that ended well.

    Parameters
    ----------
    states : mapping of str to mapping
        References by role.
    energies : mapping of str to mapping
        References of single points by the keys of the states.
    """
    found = {role: energies.get(str(state["key"])) for role, state in states.items()}
    return {role: point for role, point in found.items() if point is not None and point["status"] == "done"}


def modes_of(states: Mapping[str, State], vibrations: Mapping[str, Vibrations], still: Sequence[str]) -> Modes:
    """Return the vibrations of each state that has them.

    Parameters
    ----------
    states : mapping of str to mapping
        References by role.
    vibrations : mapping of str to Vibrations
        By the keys of the states.
    still : sequence of str
        Roles of the states of which nothing was displaced: the clean site, where its metals were not.
    """
    found: dict[str, Vibrations | None] = {
        role: vibrations[state["key"]] for role, state in states.items() if state["key"] in vibrations
    }
    return found | {role: None for role in still if role in states}


def why_not(state: State, what: str, energies: Mapping[str, State] | None) -> str:
    """Return why a state has no single point or no vibrations."""
    found = (energies or {}).get(str(state["key"])) if what == "single point" else None
    if found is not None:
        return str(found["reason"])
    return "not calculated" if what == "single point" else "not calculated, or a displacement failed"


def vibrational_terms(
    adsorbate: str, amounts: Mapping[str, float], modes: Modes, policy: Mapping[str, Any]
) -> list[Term]:
    """Return the thermal terms of an adsorption energy, all from vibrations.

    Parameters
    ----------
    adsorbate : str
        Its name.
    amounts : mapping of str to float
        How much of each gas is taken off.
    modes : mapping of str to (Vibrations or None)
        Of the ``adsorbed`` and the ``clean`` state and of each gas.
    policy : mapping
        ``temperature`` (K), and under ``vibrations`` the ``floor`` (cm⁻¹).
    """
    temperature, floor = float(policy["temperature"]), float(policy["vibrations"]["floor"])
    terms: list[Term] = []
    bound = modes["adsorbed"]
    if bound is not None:
        terms += adsorbed_terms(adsorbate, bound, modes["clean"], temperature=temperature, floor=floor)
    return [*terms, *free_gas_terms(amounts, modes, temperature)]


def free_gas_terms(amounts: Mapping[str, float], modes: Modes, temperature: float) -> list[Term]:
    """Return the thermal terms of molecules that are taken off, so many of each, at a temperature (K)."""
    terms: list[Term] = []
    for gas, amount in amounts.items():
        own, spin = modes[gas], molecule(gas).multiplicity
        assert own is not None
        assert spin is not None
        terms += gas_terms(
            own,
            gas,
            multiplicity=spin,
            temperature=temperature,
            pressure=reference_pressure(gas, temperature),
            factor=-amount,
        )
    return terms


def imaginary_modes(adsorbate: str, modes: Modes) -> list[str]:
    """Return a sentence for each state that is no minimum."""
    names = {"clean": "the clean site", "adsorbed": f"{adsorbate}*"}
    return [
        f"{names.get(role, role)}: {found.judgement.reason}"
        for role, found in modes.items()
        if found is not None and found.imaginary
    ]
