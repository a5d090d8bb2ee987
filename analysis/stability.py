"""Stability from finished calculations: the lowest states of a site and its variants, every energy by its terms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from atomsieve.analysis.adsorption import considered, gated, why_unusable
from atomsieve.analysis.bulk import SCHEMES, bulk_energy
from atomsieve.analysis.refinement import points_of, why_not
from atomsieve.structures.energies import SiteLabel, Term
from atomsieve.structures.errors import InputError
from atomsieve.structures.molecule import molecule
from atomsieve.structures.reference import lowest
from atomsieve.structures.stability import Stability

Reference = Mapping[str, Any]


def stability(
    *,
    site: SiteLabel,
    method: Mapping[str, Any],
    policy: Mapping[str, Any],
    tried: Mapping[str, Sequence[Reference]],
    problems: Mapping[str, str],
    species: Mapping[str, Reference],
    schemes: Mapping[str, str],
    hydrogens: int = 0,
    energies: Mapping[str, Reference] | None = None,
) -> Stability:
    """Return what holds a site together, from the lowest usable states.

    E_f = E(site) - E(vacant) - Σ E(bulk metal); E_b is the same against free atoms; E_coh = E(atom) - E(bulk metal);
    E_H = E(hydrogenated) - E(vacant) - n/2 E(H2); E_agg = E(stacked) + E(vacant) - 2 E(site). Negative energies of
    formation and binding bind; a negative energy of aggregation has the metals come together.

    Parameters
    ----------
    site : SiteLabel
        The site.
    method : mapping
        The method of all energies, as ``Method.to_dict`` gives it.
    policy : mapping
        What was tried.
    tried : mapping of str to sequence of mapping
        References of the states of the ``clean``, ``vacant``, ``hydrogenated`` and ``stacked`` site.
    problems : mapping of str to str
        Why a variant of the site does not exist, by role.
    species : mapping of str to mapping
        References of H2 and of free species of the metals, by name.
    schemes : mapping of str to str
        How each bulk metal is known: one of :data:`~atomsieve.analysis.bulk.SCHEMES`, or why it is not.
    hydrogens : int
        Number of H on the hydrogenated site.
    energies : mapping of str to mapping, optional
        References of single points by the keys of the states at whose geometry they were made; where given, all
        energies come from them.

    Raises
    ------
    MethodMismatchError
        If the energies come from methods that cannot be combined.
    """
    metals = Counter(site.metals)
    roles = {**tried, **{name: [one] for name, one in species.items()}}
    # in a free metal nothing moves: it has no geometry of another method than that of the energies
    fixed = {name: roles[name] for name in species if molecule(name).is_metal}
    moved = {role: found for role, found in roles.items() if role not in fixed}
    states = {role: state for role, found in roles.items() if (state := lowest(found)) is not None}
    if energies is None:
        warnings, known = gated(method, roles), states
    else:
        points = {role: [energies[e["key"]] for e in found if e["key"] in energies] for role, found in moved.items()}
        warnings = (*gated(policy.get("geometry_method", method), moved), *gated(method, {**points, **fixed}))
        known = points_of(states, energies) | {role: state for role, state in states.items() if role in fixed}

    def term(role: str, factor: float) -> Term:
        if role not in known:
            raise InputError(_why(role, roles, problems, states, energies))
        name = {"clean": "E(site)", "vacant": "E(vacant)", "hydrogenated": "E(hydrogenated)", "stacked": "E(stacked)"}
        written = name.get(role, f"E({role})")
        sign = {1.0: "", -1.0: "-"}.get(factor, f"{factor:+g} ")
        return Term(f"{sign}{written}", "electronic", factor * float(known[role]["energy"]), str(known[role]["key"]))

    def bulk_terms(factor: float) -> Iterator[Term]:
        for metal, count in metals.items():
            scheme = schemes[metal]
            found = bulk_energy(metal, scheme, species) if scheme in SCHEMES else scheme
            if isinstance(found, str):
                raise InputError(f"bulk {metal}: {found}")
            for one in found.terms:
                name = one.name.removeprefix("-")
                sign = -factor if one.name.startswith("-") else factor
                written = f"{sign * count:+g} " if count > 1 else "-" if sign < 0 else ""
                yield Term(f"{written}{name}", one.kind, factor * count * one.value, one.source)

    def atoms(factor: float) -> tuple[Term, ...]:
        return tuple(term(f"{metal}(atom)", factor * count) for metal, count in metals.items())

    sums: dict[str, Callable[[], tuple[Term, ...]]] = {
        "formation_energy": lambda: (term("clean", 1.0), term("vacant", -1.0), *bulk_terms(-1.0)),
        "binding_energy": lambda: (term("clean", 1.0), term("vacant", -1.0), *atoms(-1.0)),
        "cohesive_energy": lambda: (*atoms(1.0), *bulk_terms(-1.0)),
    }
    if "hydrogenated" in roles or "hydrogenated" in problems:
        sums["hydrogenation_energy"] = lambda: (
            term("hydrogenated", 1.0),
            term("vacant", -1.0),
            term("H2", -hydrogens / 2),
        )
    if "stacked" in roles or "stacked" in problems:
        sums["aggregation_energy"] = lambda: (term("stacked", 1.0), term("vacant", 1.0), term("clean", -2.0))
    found: dict[str, tuple[Term, ...]] = {}
    missing: dict[str, str] = {}
    for name, summed in sums.items():
        try:
            found[name] = summed()
        except InputError as error:
            missing[name] = str(error)
    return Stability(
        site=site,
        method=method,
        policy=policy,
        energies=found,
        missing=missing,
        calculations={role: str(state["key"]) for role, state in states.items()}
        | {f"energy of {role}": str(one["key"]) for role, one in known.items() if one is not states[role]},
        considered=tuple(considered(role, one) for role, found_ in roles.items() for one in found_),
        hydrogens=hydrogens,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def stability_row(one: Stability) -> dict[str, Any]:
    """Return what tables show of a stability, by column; energies in eV, potentials in V against RHE."""
    values = {criterion.name: criterion.value for criterion in one.criteria}
    return {
        "stability": str(one.verdict),
        "formation_energy": one.per_metal,
        "binding_energy": one.energy("binding_energy"),
        "dissolution_potential": values.get("dissolution"),
        "demetallation_energy": values.get("demetallation"),
        "aggregation_energy": one.energy("aggregation_energy"),
        "coverage_energy": values.get("coverage"),
        "stability_reason": one.reason or None,
    }


def _why(
    role: str,
    roles: Mapping[str, Sequence[Reference]],
    problems: Mapping[str, str],
    states: Mapping[str, Reference],
    energies: Mapping[str, Reference] | None,
) -> str:
    """Say why there is no energy of a role."""
    if role in problems:
        return problems[role]
    what = {"clean": "clean site", "vacant": "vacant site", "hydrogenated": "hydrogenated site"}
    name = what.get(role, "site with a second metal atom" if role == "stacked" else role)
    if role in states:
        return f"{name}: single point: {why_not(states[role], 'single point', energies)}"
    if role not in roles:
        return f"{name}: is not calculated by this method"
    verdict, reason = why_unusable(roles[role])
    return f"{name}: {verdict}: {reason}"
