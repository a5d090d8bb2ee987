"""Assessment: what a site must withstand under the conditions of a campaign, and whether it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from atomsieve.analysis.dissolution import Dissolution, demetallation, dissolution
from atomsieve.analysis.planes import planes
from atomsieve.analysis.pourbaix import covering
from atomsieve.analysis.surroundings import Surroundings
from atomsieve.structures.aqueous import AqueousSpecies
from atomsieve.structures.conditions import with_ligands
from atomsieve.structures.energies import AdsorptionEnergy, Term
from atomsieve.structures.errors import InputError
from atomsieve.structures.stability import Criterion, Stability

#: eV that H on a nitrogen of the support has in G - E beyond 1/2 H2: a zero-point energy of 0.31 (harmonic modes of H
#: at 570-1160 and 3050-3350 cm-1 of free-base porphine and of a hole in graphene, GFN1-xTB), less half of 0.274 + 0.090
#: - 0.404 of H2. H on other donors differs by some hundredths.
ON_NITROGEN: Final = 0.33
VIBRATIONS: Final = "harmonic modes of N-H by GFN1-xTB; H2 by the tables of the gases"


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
    found = [_formation(one), _dissolution(one, around, activity)]
    if one.policy["demetallation"]:
        found.append(_demetallation(one, around, activity))
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
    there = around.at(**with_ligands(around.stated, ligands))
    states = planes({name: row.terms for name, row in rows.items()}, there, ligands)
    found = covering(states, around.potential, around.ph)
    if found.margin is None:
        known = (
            ", ".join(f"{name}*: {row.verdict}" for name, row in rows.items() if row.free is None) or "none is placed"
        )
        return Criterion("coverage", None, "eV", 0.0, False, f"no ligand has a free energy ({known})")
    side = "below" if found.margin < 0 else "above"
    what = "the bare site" if found.without == "*" else found.without
    reason = f"{found.poison} of {found.ligand} lies {abs(found.margin):.2f} eV {side} {what}"
    return Criterion("coverage", found.margin, "eV", 0.0, False, reason, found.margin_terms)


def _dissolution(one: Stability, around: Surroundings, activity: float) -> Criterion:
    energy = one.energy("formation_energy")
    limit = around.potential
    if energy is None:
        return Criterion("dissolution", None, "V", limit, False, one.missing["formation_energy"])
    try:
        found = dissolution(one.site.metals, energy, ph=around.ph, activity=activity, temperature=around.temperature)
    except InputError as error:
        return Criterion("dissolution", None, "V", limit, False, str(error))
    species = _named(found.species)
    reason = f"dissolves as {species} above {found.potential:.2f} V; the potential is {limit:.2f} V"
    return Criterion("dissolution", found.potential, "V", limit, False, reason, _per_electron(found))


def _demetallation(one: Stability, around: Surroundings, activity: float) -> Criterion:
    energies = [one.energy(name) for name in ("formation_energy", "hydrogenation_energy")]
    if energies[0] is None or energies[1] is None:
        why = one.missing.get("formation_energy") or one.missing["hydrogenation_energy"]
        return Criterion("demetallation", None, "eV", 0.0, False, why)
    try:
        found = demetallation(
            one.site.metals,
            energies[0],
            energies[1],
            one.hydrogens,
            potential=around.potential,
            ph=around.ph,
            activity=activity,
            temperature=around.temperature,
        )
    except InputError as error:
        return Criterion("demetallation", None, "eV", 0.0, False, str(error))
    vibrations = Term(f"G - E of {one.hydrogens} H on N", "zpe", one.hydrogens * ON_NITROGEN, VIBRATIONS)
    energy = found.energy + vibrations.value
    verb = "costs" if energy > 0 else "gains"
    reason = f"putting H in the metal's place {verb} {abs(energy):.2f} eV, with {_named(found.species)} dissolved"
    return Criterion("demetallation", energy, "eV", 0.0, False, reason, (*found.terms, vibrations))


def _per_electron(found: Dissolution) -> tuple[Term, ...]:
    """Return the sum behind a dissolution potential against RHE."""
    n = found.electrons
    own = [replace(term, name=f"{term.name} / {n:g} e", value=term.value / n) for term in found.terms]
    scale = found.potential - found.potential_she
    return (*own, *([Term("SHE to RHE", "pH", scale, "kT ln(10) pH / e")] if scale else []))


def _named(species: Sequence[AqueousSpecies]) -> str:
    return " and ".join(dict.fromkeys(one.name for one in species))
