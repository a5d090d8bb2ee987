"""Assessment: what a site must withstand under the conditions of a campaign, and whether it does."""

from __future__ import annotations

from collections.abc import Mapping

from atomsieve.analysis.pourbaix import covering, planes
from atomsieve.analysis.surroundings import Surroundings
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.stability import Criterion, Stability


def criteria(
    one: Stability,
    rows: Mapping[str, AdsorptionEnergy],
    around: Surroundings,
    *,
    activity: float,
    ligands: Mapping[str, float],
) -> tuple[Criterion, ...]:
    """Return what a site must withstand, as far as the campaign asks.

    Its formation energy from the bulk metal must be negative; it must not dissolve at the potential, nor exchange its
    metal for protons, nor give it up to another site; and no ligand may cover it.

    Parameters
    ----------
    one : Stability
        What holds the site together.
    rows : mapping of str to AdsorptionEnergy
        By adsorbate.
    around : Surroundings
        Potential, pH, temperature, and the free energies of molecules.
    activity : float
        Of the dissolved metals, mol/kg.
    ligands : mapping of str to float
        What may cover the site, with its pressure (bar) or activity.
    """
    found = [_formation(one)]
    if one.policy["aggregation"]:
        found.append(_aggregation(one))
    if ligands:
        found.append(_coverage(rows, around, ligands))
    return tuple(found)


def _formation(one: Stability) -> Criterion:
    value = one.per_metal
    if value is None:
        reason = one.missing["formation_energy"]
    elif value < 0:
        reason = f"{-value:.2f} eV for each metal below the bulk metal and the vacant site"
    else:
        reason = f"the bulk metal and the vacant site lie {value:.2f} eV for each metal lower"
    return Criterion("formation", value, "eV", 0.0, True, reason)


def _aggregation(one: Stability) -> Criterion:
    value = one.energy("aggregation_energy")
    if value is None:
        reason = one.missing["aggregation_energy"]
    elif value > 0:
        reason = f"two metals on one site cost {value:.2f} eV"
    else:
        reason = f"two metals on one site lie {-value:.2f} eV below two sites: it aggregates"
    return Criterion("aggregation", value, "eV", 0.0, False, reason)


def _coverage(rows: Mapping[str, AdsorptionEnergy], around: Surroundings, ligands: Mapping[str, float]) -> Criterion:
    """Hold the strongest ligand against what else covers the site."""
    states = planes({name: row.terms for name, row in rows.items()}, around, ligands)
    found = covering(states, around.potential, around.ph)
    if found.margin is None:
        known = (
            ", ".join(f"{name}*: {row.verdict}" for name, row in rows.items() if row.free is None) or "none is placed"
        )
        return Criterion("coverage", None, "eV", 0.0, False, f"no ligand has a free energy ({known})")
    side = "below" if found.margin < 0 else "above"
    what = "the bare site" if found.without == "*" else found.without
    reason = f"{found.poison} of {found.ligand} lies {abs(found.margin):.2f} eV {side} {what}"
    return Criterion("coverage", found.margin, "eV", 0.0, False, reason, found.poison_terms)
