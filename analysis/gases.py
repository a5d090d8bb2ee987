"""Gas: what molecules add to a free energy, by tables, and the free energy of a molecule that is calculated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from atomsieve.analysis.refinement import free_gas_terms, modes_of, points_of, why_not
from atomsieve.analysis.thermochemistry import SYMBOLS
from atomsieve.structures.energies import Term
from atomsieve.structures.errors import InputError
from atomsieve.structures.gas_correction import gas_correction
from atomsieve.structures.gate import Participant, require_combinable
from atomsieve.structures.molecule import molecule, reference_amounts
from atomsieve.structures.reference import lowest
from atomsieve.structures.units import require_room_temperature
from atomsieve.structures.vibrations import Vibrations


def tabulated_terms(amounts: Mapping[str, float]) -> list[Term]:
    """Return the tabulated thermal terms of molecules that are taken off, so many of each.

    Raises
    ------
    InputError
        If none are tabulated of one of them.
    """
    terms = []
    for gas, amount in amounts.items():
        entry = molecule(gas)
        if not entry.thermal:
            raise InputError(
                f"no vibrational terms of {gas} are tabulated; set thermochemistry.corrections to harmonic, which "
                "calculates them"
            )
        for kind, value in entry.thermal.items():
            # the table holds -TS, so that taking it off adds TS
            factor = amount if kind == "entropy" else -amount
            name = f"{factor:+g} {SYMBOLS[kind]}({gas})"
            terms.append(Term(name, kind, -amount * float(value), entry.source))
    return terms


def correction_terms(amounts: Mapping[str, float], method: Mapping[str, Any], policy: Mapping[str, Any]) -> list[Term]:
    """Return what mends the errors of a functional for molecules that are taken off, so many of each.

    Parameters
    ----------
    amounts : mapping of str to float
        How many of each are taken off.
    method : mapping
        The method of their energies.
    policy : mapping
        ``gas_corrections`` names a table; there is none without it.

    Raises
    ------
    InputError
        If there is no such table, or it does not hold the method's functional.
    """
    table = gas_correction(policy.get("gas_corrections", "none"))
    if table is None:
        return []
    values = table.values(method)
    return [
        Term(f"{-amount:+g} gas correction({gas})", "correction", -amount * values[gas], table.source)
        for gas, amount in amounts.items()
        if gas in values
    ]


def free_molecule(
    name: str,
    *,
    method: Mapping[str, Any],
    policy: Mapping[str, Any],
    gases: Mapping[str, Mapping[str, Any]],
    energies: Mapping[str, Mapping[str, Any]] | None = None,
    vibrations: Mapping[str, Vibrations] | None = None,
) -> tuple[Term, ...] | str:
    """Return the terms of the free energy of a calculated molecule, as a gas at 1 bar, or why there is none.

    G = E - Σ n E(gas) + thermal terms against H2, H2O (l), CO2 and N2: calculated where there are vibrations, else
    tabulated, whatever the corrections of adsorbates are.

    Parameters
    ----------
    name : str
        Its name.
    method, policy : mapping
        Those of the rows beside which it stands.
    gases : mapping of str to mapping
        References of the molecules, it among them.
    energies, vibrations : mapping, optional
        As in :func:`~atomsieve.analysis.adsorption.adsorption_energy`.

    Raises
    ------
    InputError
        If no thermal terms are known.
    MethodMismatchError
        If the energies come from methods that cannot be combined.
    """
    references = dict(sorted(reference_amounts(molecule(name).composition).items(), reverse=True))
    # taken off, so that it comes in itself; a reference is zero against itself
    taken = {name: references.pop(name, 0.0) - 1.0, **references}
    amounts = {gas: n for gas, n in taken.items() if n}
    found = {gas: lowest([gases[gas]]) for gas in amounts if gas in gases}
    states = {gas: state for gas, state in found.items() if state is not None}
    for gas in amounts:
        if gas not in gases:
            return f"{gas} not calculated"
        if gas not in states:
            return f"{gas} {gases[gas]['verdict']}, {gases[gas]['reason']}"
    points = states if energies is None else points_of(states, energies)
    modes = {} if vibrations is None else modes_of(states, vibrations, ())
    for what, there in (("single point", points), ("vibrations", modes if vibrations is not None else states)):
        for gas, state in states.items():
            if gas not in there:
                return f"{what} of {gas}: {why_not(state, what, energies)}"
    members = [
        Participant(f"{gas} {str(point['key'])[:8]}", point["method"], role="gas")
        for gas, point in points.items()
        if point.get("method") is not None
    ]
    require_combinable([Participant("the row", method), *members])
    terms = [
        Term(f"{-n:+g} E({gas})", "electronic", -n * float(points[gas]["energy"]), str(points[gas]["key"]))
        for gas, n in amounts.items()
    ]
    if vibrations is not None:
        terms += free_gas_terms(amounts, modes, float(policy["temperature"]))
    else:
        require_room_temperature(float(policy["temperature"]), "all tabulated free energies")
        terms += tabulated_terms(amounts)
    return (*terms, *correction_terms(amounts, method, policy))
