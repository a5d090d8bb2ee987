"""LimitingPotential: the computational hydrogen electrode, from adsorption free energies to U_L."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from atomsieve.analysis.pathways import search, texts
from atomsieve.analysis.surroundings import Surroundings, surroundings
from atomsieve.analysis.uncertainty import ErrorBar, error_bar
from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel
from atomsieve.structures.errors import InputError
from atomsieve.structures.gate import Participant, require_combinable
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.method import Method
from atomsieve.structures.reaction import Reaction

#: Settings of a policy that change what a ΔG means, and must agree along a path.
CONVENTIONS = ("corrections", "solvation", "gas_corrections", "temperature")


def limiting_potential(
    reaction: Reaction,
    rows: Mapping[str, AdsorptionEnergy],
    *,
    site: SiteLabel,
    method: Mapping[str, Any],
    conditions: Mapping[str, Any],
    around: Surroundings | None = None,
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
    around : Surroundings, optional
        What the conditions resolve to, where that is known already.

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
    _require_temperature(used, float(conditions["temperature"]))
    around = surroundings(conditions) if around is None else around
    free = {name: row.free for name, row in used.items()}
    found = search(reaction, free, around)
    best = found.best
    missing = _missing(reaction, used)
    absent = {name for state in reaction.states for name in state.free if name in around.missing}
    missing |= {f"molecule {name}": around.missing[name] for name in sorted(absent)}
    undetermined = _undetermined(reaction.adsorbates, used, missing, is_open=best.limiting_potential is None)
    determined = undetermined is None
    uncertainties = {name: row.uncertainty for name, row in used.items() if row.uncertainty is not None}
    ensembles = {name: row.ensemble for name, row in used.items() if row.ensemble}
    bar = (
        error_bar(reaction, free, around, uncertainties=uncertainties, ensembles=ensembles)
        if determined
        else ErrorBar()
    )
    return LimitingPotential(
        site=site,
        reaction=reaction.name,
        method=method,
        adsorption_energies={name: row.key for name, row in used.items()},
        states=tuple(
            {"text": text, "free": free} for text, free in zip(texts(best.path.states), best.states, strict=True)
        ),
        steps=best.steps,
        equilibrium_potential=around.equilibrium(reaction.overall),
        limiting_potential=best.limiting_potential if determined else None,
        overpotential=best.overpotential if determined else None,
        potential_determining_steps=best.potential_determining_steps if determined else (),
        undetermined=undetermined,
        conditions={**conditions, "potential_rhe": around.potential},
        predictive=Method.from_dict(method).is_predictive,
        error_bar=bar.value,
        error_source=bar.source,
        path=best.path.name,
        alternatives=tuple(
            {
                "path": other.path.name,
                "states": texts(other.path.states),
                "limiting_potential": other.limiting_potential,
                "potential_determining_steps": list(other.potential_determining_steps),
            }
            for other in (found.alternatives if determined else ())
        ),
        undetermined_paths=found.undetermined,
        paths=found.paths,
        missing=missing,
        side_products=found.side_products if determined else (),
        closure=around.closure(reaction.overall),
        definition=reaction.definition if reaction.is_own else None,
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


def _require_temperature(rows: Mapping[str, AdsorptionEnergy], temperature: float) -> None:
    for name, row in rows.items():
        own = float(row.policy.get("temperature", temperature))
        if abs(own - temperature) > 0.01:
            raise InputError(
                f"{name}* is of {own:g} K, and the conditions of {temperature:g} K; recompute the row there"
            )


def _missing(reaction: Reaction, rows: Mapping[str, AdsorptionEnergy]) -> dict[str, str]:
    return {
        name: f"{rows[name].verdict} ({rows[name].reason})" if name in rows else "not calculated"
        for name in reaction.adsorbates
        if name not in rows or rows[name].free is None
    }


def _undetermined(
    adsorbates: Sequence[str], rows: Mapping[str, AdsorptionEnergy], missing: Mapping[str, str], *, is_open: bool
) -> str | None:
    if is_open:
        return "; ".join(f"{name}*: {why}" if name in adsorbates else why for name, why in missing.items())
    clean = {row.calculations["clean"]: f"{name}*" for name, row in rows.items() if row.free is not None}
    if len(clean) > 1:
        return f"{' and '.join(clean.values())} stand on different clean states; recompute their rows together"
    return None
