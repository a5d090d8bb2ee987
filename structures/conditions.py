"""Conditions: phases, pressures and activities of molecules, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from atomsieve.structures.adsorbate import tabulated_adsorbates
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.molecule import molecule, molecules
from atomsieve.structures.phase import PHASES


def phase_of(name: str, phases: Mapping[str, str]) -> str:
    """Return the phase of a molecule: the one that is stated, else the one that reactions mean."""
    return phases.get(name, molecule(name).phase)


def objections(
    phases: Mapping[str, str], pressures: Mapping[str, float], activities: Mapping[str, float]
) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with what is stated of molecules, as (path, message).

    Parameters
    ----------
    phases : mapping of str to str
        One of :data:`~atomsieve.structures.phase.PHASES` by molecule.
    pressures, activities : mapping of str to float
        Of gases, bar; of what is dissolved or liquid.
    """
    known: set[str] = set()
    for field, stated in (("phases", phases), ("pressures", pressures), ("activities", activities)):
        for name in stated:
            if name not in molecules():
                yield f"{field}.{name}", unknown(name, molecules(), "molecule")
            elif field == "phases" and phases[name] not in molecule(name).phases:
                yield f"{field}.{name}", unknown(phases[name], molecule(name).phases, f"phase of {name}")
            else:
                known.add(name)
    for field, stated, is_gas in (("pressures", pressures, True), ("activities", activities, False)):
        for name, value in stated.items():
            if name not in known:
                continue
            phase = phase_of(name, phases)
            if (phase == "g") != is_gas:
                own = "an activity" if is_gas else "a pressure"
                yield f"{field}.{name}", f"{name} is {PHASES[phase]} here and has {own}; state that, or another phase"
            elif not value > 0:
                yield f"{field}.{name}", f"{value:g} does not exist; give a positive number"


def without_data(names: Iterable[str], phases: Mapping[str, str], temperature: float) -> list[str]:
    """Return those molecules of which no free energy is known at a temperature (K)."""
    found = []
    for name in names:
        phase = phase_of(name, phases)
        # what is dissolved may be the acid or the base
        other = molecule(name).conjugate if phase == "aq" else None
        try:
            molecule(name).free(phase, temperature)
            if other is not None and "aq" in molecule(other).phases:
                molecule(other).free("aq", temperature)
        except InputError:
            found.append(name)
    return found


@cache
def ligands() -> Mapping[str, tuple[str, ...]]:
    """Return what may be around a site and cover it, by molecule the adsorbates as which it does.

    What consists of O and H alone is not among them: it comes from water, which is always there.
    """
    found = {
        name: tuple(own for own in entry.binds if own in tabulated_adsorbates()) for name, entry in molecules().items()
    }
    return {name: bound for name, bound in found.items() if bound and molecule(name).composition.keys() - {"O", "H"}}


def with_ligands(conditions: Mapping[str, Any], around: Mapping[str, float]) -> dict[str, Any]:
    """Return conditions with what else is around, each as a pressure or an activity, by the phase that it has.

    Parameters
    ----------
    conditions : mapping
        ``phases``, ``pressures``, ``activities`` and others.
    around : mapping of str to float
        By molecule, bar or mol/kg.
    """
    found: dict[str, Any] = dict(conditions)
    for name, amount in around.items():
        field = "pressures" if phase_of(name, conditions.get("phases", {})) == "g" else "activities"
        found[field] = {**found.get(field, {}), name: amount}
    return found


def ligand_objections(conditions: Mapping[str, Any], around: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with what is stated to be around, as (molecule, message); see :func:`with_ligands`."""
    for name in around:
        if name not in ligands():
            yield name, unknown(name, ligands(), "ligand")
        elif any(name in conditions.get(field, {}) for field in ("pressures", "activities")):
            yield name, f"the amount of {name} is stated under conditions as well; keep one of the two"
        elif (other := molecule(name).conjugate) in around and str(other) < name:
            yield name, f"{name} and {other} turn into each other by a proton; state their total amount as one of them"
