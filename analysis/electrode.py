"""LimitingPotential: the computational hydrogen electrode, from adsorption free energies to U_L."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from atomsieve.structures.energies import AdsorptionEnergy, LimitingPotential, SiteLabel, StepEnergy
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.gate import Participant, require_combinable
from atomsieve.structures.method import Method
from atomsieve.structures.reaction import Reaction, free_formation
from atomsieve.structures.units import nernst_slope, require_room_temperature

#: eV within which two steps count as equally hard.
TIE = 0.05
#: What a potential may be measured against.
SCALES = ("RHE", "SHE")
#: Settings of a policy that change what a ΔG means, and must agree along a path.
CONVENTIONS = ("corrections", "solvation", "temperature")


@dataclass(frozen=True)
class Path:
    """A reaction with numbers.

    Parameters
    ----------
    states : tuple of (float or None)
        Free energy of each state at 0 V against RHE, eV; None where an intermediate is missing.
    steps : tuple of StepEnergy
        All steps, at 0 V and at the potential asked for.
    limiting_potential : float or None
        V against RHE; None where a state is missing.
    overpotential : float or None
        V.
    potential_determining_steps : tuple of str
        The hardest electron step and those within 0.05 eV of it.
    """

    states: tuple[float | None, ...]
    steps: tuple[StepEnergy, ...]
    limiting_potential: float | None
    overpotential: float | None
    potential_determining_steps: tuple[str, ...]


def steps_from_states(reaction: Reaction, free: Mapping[str, float | None], *, potential: float = 0.0) -> Path:
    """Return the steps of a reaction and its limiting potential from free energies of adsorption.

    ΔG(U) = ΔG(0) + n U for a step that takes up n (H+ + e-) (doi 10.1021/jp047349j). A reduction runs downhill below
    U_L = -max ΔG(0)/n, an oxidation above U_L = max ΔG(0)/(-n); chemical steps (n = 0) do not depend on U and never
    enter.

    Parameters
    ----------
    reaction : Reaction
        The path.
    free : mapping of str to (float or None)
        ΔG of each adsorbate at 0 V against RHE, against H2O and H2, eV; absent or None where it is not known.
    potential : float
        V against RHE at which ΔG(U) is given.

    Returns
    -------
    Path
        With ``limiting_potential`` None as soon as one state is missing: the rest says nothing about it.

    Raises
    ------
    InputError
        If the reaction moves no electrons, or a step moves them against the direction of the whole.
    """
    direction = reaction.electrons
    if direction == 0 or any(step.electrons * direction < 0 for step in reaction.steps):
        raise InputError(
            f"{reaction.name}: its steps take up {[step.electrons for step in reaction.steps]} electrons; a limiting "
            "potential needs steps that all reduce, or all oxidise; split the reaction"
        )
    states = tuple(_state_energy(state.adsorbed, free_formation(state), free) for state in reaction.states)
    steps = []
    for step, start, end in zip(reaction.steps, states, states[1:], strict=False):
        change = end - start if start is not None and end is not None else None
        at_potential = change + step.electrons * potential if change is not None else None
        steps.append(StepEnergy(step.text, step.electrons, change, at_potential))
    if None in states:
        return Path(states, tuple(steps), None, None, ())

    hardness = {
        step.text: step.free_at_zero / abs(step.electrons)
        for step in steps
        if step.electrons and step.free_at_zero is not None
    }
    worst = max(hardness.values())
    limiting = -worst if reaction.is_reduction else worst
    equilibrium = reaction.equilibrium_potential
    return Path(
        states,
        tuple(steps),
        limiting,
        equilibrium - limiting if reaction.is_reduction else limiting - equilibrium,
        tuple(text for text, value in hardness.items() if value >= worst - TIE),
    )


def _state_energy(adsorbed: Mapping[str, int], molecules: float, free: Mapping[str, float | None]) -> float | None:
    total = molecules
    for name, number in adsorbed.items():
        value = free.get(name)
        if value is None:
            return None
        total += number * value
    return total


def potential_rhe(conditions: Mapping[str, Any]) -> float:
    """Return the potential of some conditions, V against RHE.

    U(RHE) = U(SHE) + kT ln(10)/e pH.

    Parameters
    ----------
    conditions : mapping
        ``temperature`` (K), ``pH``, ``potential`` (V) and ``scale`` (``RHE`` or ``SHE``).

    Raises
    ------
    InputError
        If the scale is unknown, or the temperature is not that of the tabulated free energies.
    """
    temperature, scale = float(conditions["temperature"]), conditions["scale"]
    if scale not in SCALES:
        raise InputError(unknown(scale, SCALES, "potential scale"))
    require_room_temperature(temperature, "the free energies of the molecules")
    shift = nernst_slope(temperature) * float(conditions["pH"]) if scale == "SHE" else 0.0
    return float(conditions["potential"]) + shift


def limiting_potential(
    reaction: Reaction,
    rows: Mapping[str, AdsorptionEnergy],
    *,
    site: SiteLabel,
    method: Mapping[str, Any],
    conditions: Mapping[str, Any],
) -> LimitingPotential:
    """Return what a reaction does on a site.

    Parameters
    ----------
    reaction : Reaction
        The path.
    rows : mapping of str to AdsorptionEnergy
        By adsorbate; those that the reaction does not need are left alone.
    site : SiteLabel
        The site.
    method : mapping
        The one method of all energies, as ``Method.to_dict`` gives it.
    conditions : mapping
        ``temperature`` (K), ``pH``, ``potential`` (V) and ``scale`` (``RHE`` or ``SHE``); ``potential_rhe`` is added.

    Returns
    -------
    LimitingPotential
        Undetermined, with the reason, where an intermediate is missing or the rows stand on different clean states.

    Raises
    ------
    MethodMismatchError
        If the rows come from methods that cannot be combined with each other or with this one.
    InputError
        If a row belongs to another site, the rows mix conventions, or the conditions cannot be used.
    """
    used = {name: rows[name] for name in reaction.adsorbates if name in rows}
    rows_and_reaction = [Participant(f"{name}*", row.method) for name, row in used.items()]
    require_combinable([Participant("the reaction", method), *rows_and_reaction])
    _require_one_network(site, used)
    rhe = potential_rhe(conditions)
    path = steps_from_states(reaction, {name: row.free for name, row in used.items()}, potential=rhe)
    undetermined = _undetermined(reaction, used)
    determined = undetermined is None
    return LimitingPotential(
        site=site,
        reaction=reaction.name,
        method=method,
        adsorption_energies={name: row.key for name, row in used.items()},
        states=tuple(
            {"text": state.text, "free": free} for state, free in zip(reaction.states, path.states, strict=True)
        ),
        steps=path.steps,
        equilibrium_potential=reaction.equilibrium_potential,
        limiting_potential=path.limiting_potential if determined else None,
        overpotential=path.overpotential if determined else None,
        potential_determining_steps=path.potential_determining_steps if determined else (),
        undetermined=undetermined,
        conditions={**conditions, "potential_rhe": rhe},
        predictive=Method.from_dict(method).is_predictive,
    )


def _require_one_network(site: SiteLabel, rows: Mapping[str, AdsorptionEnergy]) -> None:
    first: tuple[str, AdsorptionEnergy] | None = None
    for name, row in rows.items():
        if row.site.key != site.key:
            raise InputError(f"{name}* belongs to the site {row.site.label}, not to {site.label}; pass its own rows")
        if row.adsorbate != name:
            raise InputError(f"the row passed as {name}* is of {row.adsorbate}*; pass rows by their adsorbate")
        first = first or (name, row)
        for setting in CONVENTIONS:
            ours, theirs = first[1].policy.get(setting), row.policy.get(setting)
            if ours != theirs:
                raise InputError(
                    f"{first[0]}* and {name}* differ in {setting} ({ours!r} and {theirs!r}): one path, one convention; "
                    "recompute one of the rows"
                )


def _undetermined(reaction: Reaction, rows: Mapping[str, AdsorptionEnergy]) -> str | None:
    missing = [
        f"{name}*: {rows[name].verdict} ({rows[name].reason})" if name in rows else f"{name}*: not calculated"
        for name in reaction.adsorbates
        if name not in rows or rows[name].free is None
    ]
    if missing:
        return "; ".join(missing)
    clean = {row.calculations["clean"]: f"{name}*" for name, row in rows.items()}
    if len(clean) > 1:
        return f"{' and '.join(clean.values())} stand on different clean states; recompute their rows together"
    return None
