"""Dossier: what a report's page says of one site: its sums, its geometries, and where each number comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from atomsieve.analysis.report.structure import compact, formula
from atomsieve.analysis.surroundings import Surroundings
from atomsieve.builders import catalog
from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel, Term
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.site import ActiveSite
from atomsieve.structures.stability import ENERGIES, QUANTITIES, Stability
from atomsieve.structures.state import State
from atomsieve.workflows import sums
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.harvest import SiteRows
from atomsieve.workflows.ingest.collection import Collection

#: Decimals of energies and potentials: what lies beyond is the noise of the last bits.
DECIMALS: Final = 6
#: Other paths of a reaction that are told state by state.
ALTERNATIVES: Final = 3

#: Sites that stability is calculated from.
VARIANTS: Final = ("vacant", "hydrogenated", "stacked")

#: Stored outcomes by request key.
Documents = Mapping[str, Mapping[str, Any]]


def rounded(value: float | None) -> float | None:
    """Return a number as it is written; None stays None."""
    return None if value is None else round(value, DECIMALS) + 0.0


def keys(known: SiteRows) -> set[str]:
    """Return the request keys of the states that a site's page shows."""
    shown = ("clean", "adsorbed", "electronic of clean")
    return {str(row.calculations[role]) for row in known.rows.values() for role in shown if role in row.calculations}


def dossier(stage: CheckedCampaign, known: SiteRows, documents: Documents) -> dict[str, Any]:
    """Return all that is known of a site that has rows.

    Parameters
    ----------
    stage : CheckedCampaign
        The last stage that knows it.
    known : SiteRows
        What it knows.
    documents : mapping of str to mapping
        Stored outcomes by request key, those of :func:`keys` among them.

    Returns
    -------
    dict
        ``key, family, metals, formula, structure`` (of the lowest clean state, None where it is not stored),
        ``adsorbates, potentials, stability`` (where it is known) and ``provenance``. Energies in eV, potentials in V
        against RHE, all to :data:`DECIMALS` decimals.
    """
    first = next(iter(known.rows.values()))
    clean = next((row.calculations["clean"] for row in known.rows.values() if "clean" in row.calculations), None)
    site = None if isinstance(stage, Collection) else catalog.build(known.recipe)
    structure = _structure(documents, clean, site)
    found = {
        **_head(first.site),
        "formula": formula(structure["numbers"]) if structure is not None else None,
        "structure": structure,
        "adsorbates": {
            name: _adsorbate(row, documents, site, whole=structure is None) for name, row in known.rows.items()
        },
        "potentials": {one.reaction: _potential(one, known) for one in known.potentials},
    }
    if known.stability is not None:
        found["stability"] = _stability(known.stability)
    made = [documents[key] for key in sorted(keys(known)) if key in documents]
    variants = known.stability.calculations if known.stability is not None else {}
    found["provenance"] = {
        "method": str(first.method["key"]),
        **({"stage": stage.stage.name} if stage.stage is not None else {}),
        **({"clean": clean} if clean is not None else {}),
        **{role: key for role, key in variants.items() if role in VARIANTS},
        **_made(made),
    }
    return found


def without_results(site: SiteLabel, stage: CheckedCampaign) -> dict[str, Any]:
    """Return what there is to say of a site of which no calculation has come to its end."""
    method = stage.policy.energy_method.key
    return {
        **_head(site),
        "formula": None,
        "structure": None,
        "adsorbates": {},
        "potentials": {},
        "provenance": {"method": method, **({"stage": stage.stage.name} if stage.stage is not None else {})},
    }


def _head(site: SiteLabel) -> dict[str, Any]:
    return {"key": site.key, "family": site.family, "metals": list(site.metals)}


def _structure(
    documents: Documents, key: str | None, site: ActiveSite | None, *, whole: bool = True
) -> dict[str, Any] | None:
    # what was taken in without its geometry has energies alone
    atoms = documents.get(key or "", {}).get("atoms")
    return compact(atoms, site, whole=whole) if atoms else None


def _terms(terms: Iterable[Term]) -> list[list[Any]]:
    """Return terms as ``[name, kind, eV, source]``; of a request key its first letters, by which it is found."""
    return [[term.name, term.kind, rounded(term.value), sums.source_text(term)] for term in terms]


def _adsorbate(row: AdsorptionEnergy, documents: Documents, site: ActiveSite | None, *, whole: bool) -> dict[str, Any]:
    """Return what is said of an adsorbate; of its calculations those that no other part of the page names."""
    structure = _structure(documents, row.calculations.get("adsorbed"), site, whole=whole)
    own = {role: key for role, key in row.calculations.items() if role.endswith("adsorbed")}
    return {
        "free": rounded(row.free),
        "verdict": row.verdict,
        "reason": row.reason,
        "terms": _terms(row.terms),
        **({"multiplicity": row.multiplicity["adsorbed"]} if row.multiplicity.get("adsorbed") else {}),
        **({"warnings": list(row.warnings)} if row.warnings else {}),
        **({"uncertainty": rounded(row.uncertainty)} if row.uncertainty is not None else {}),
        **({"structure": structure} if structure is not None else {}),
        **({"calculations": own} if own else {}),
    }


def _potential(one: LimitingPotential, known: SiteRows) -> dict[str, Any]:
    """Return the states of the cheapest path with all that moves them, and what other paths ask for.

    At a potential U a state lies at ``free`` + ``electrons`` U + ``ph``.
    """
    around = known.around
    assert around is not None  # else there were no potential
    electrons, shifts = [0], [0.0]
    for step in one.steps:
        electrons.append(electrons[-1] + step.electrons)
        moved = (step.free or 0.0) - (step.free_at_zero or 0.0) - step.electrons * around.potential
        shifts.append(shifts[-1] + (moved if step.free is not None else 0.0))
    free = {name: row.free for name, row in known.rows.items()}
    return {
        "states": [str(state["text"]) for state in one.states],
        "free": [rounded(state["free"]) for state in one.states],
        "electrons": electrons,
        **({"ph": list(map(rounded, shifts))} if any(abs(shift) > 1e-9 for shift in shifts) else {}),
        "path": one.path,
        "limiting_potential": rounded(one.limiting_potential),
        "overpotential": rounded(one.overpotential),
        "equilibrium": rounded(one.equilibrium_potential),
        "pds": list(one.potential_determining_steps),
        "error_bar": rounded(one.error_bar),
        **({"undetermined": one.undetermined} if one.undetermined else {}),
        **({"closure": rounded(one.closure)} if one.closure is not None else {}),
        **(
            {"alternatives": [_alternative(entry, free, around) for entry in one.alternatives[:ALTERNATIVES]]}
            if one.alternatives
            else {}
        ),
    }


def _alternative(entry: Mapping[str, Any], free: Mapping[str, float | None], around: Surroundings) -> dict[str, Any]:
    return {
        "path": entry["path"],
        "states": list(entry["states"]),
        "free": [rounded(around.energy(State.parse(text), free)) for text in entry["states"]],
        "limiting_potential": rounded(entry["limiting_potential"]),
        "pds": list(entry["potential_determining_steps"]),
    }


def _stability(one: Stability) -> dict[str, dict[str, Any]]:
    """Return the verdict, the criteria and the energies, each with its ``title`` and ``value``."""
    found: dict[str, dict[str, Any]] = {
        "verdict": {"title": "verdict", "value": str(one.verdict), "reason": one.reason},
    }
    for criterion in one.criteria:
        found[criterion.name] = {
            "title": QUANTITIES[criterion.name],
            "value": rounded(criterion.value),
            "unit": criterion.unit,
            "limit": rounded(criterion.limit),
            "below": criterion.passes_below,
            "passed": criterion.passes,
            "reason": criterion.reason,
            **({"terms": _terms(criterion.terms)} if criterion.terms else {}),
        }
    for name, (title, symbol) in ENERGIES.items():
        if name in one.energies:
            value, terms = rounded(one.energy(name)), _terms(one.energies[name])
            found[name] = {"title": f"{title}, {symbol}", "value": value, "unit": "eV", "terms": terms}
        elif name in one.missing:
            found[name] = {"title": f"{title}, {symbol}", "value": None, "unit": "eV", "reason": one.missing[name]}
    return found


def _made(documents: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return by which versions of programs some calculations were made, and on which days."""
    versions: dict[str, list[str]] = {}
    days = set()
    for document in documents:
        provenance = document.get("provenance", {})
        for name, version in provenance.get("versions", {}).items():
            if version not in versions.setdefault(name, []):
                versions[name].append(version)
        if "began" in provenance:
            days.add(datetime.fromtimestamp(float(provenance["began"]), UTC).date().isoformat())
    found: dict[str, Any] = {}
    if versions:
        found["versions"] = {name: ", ".join(sorted(every)) for name, every in sorted(versions.items())}
    if days:
        found["date"] = min(days) if len(days) == 1 else f"{min(days)} to {max(days)}"
    return found
