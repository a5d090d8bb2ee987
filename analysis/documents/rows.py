"""Rows: the documents of ``adsorption_energies`` and ``stabilities``."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from atomsieve.analysis.documents.common import (
    SCHEMA_VERSION,
    Considered,
    Key,
    MethodRef,
    Number,
    Part,
    Shared,
    SiteRef,
    TermPart,
)
from atomsieve.analysis.documents.common import Provenance as ProvenancePart
from atomsieve.analysis.provenance import Provenance
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.method import Method
from atomsieve.structures.stability import Stability


class Row(Shared):
    """What all that is derived from calculations has."""

    key: Annotated[Key, Field(description="Content key of what it says and of what it stands on.")]
    site: Annotated[SiteRef, Field(description="The site.")]
    method: Annotated[MethodRef, Field(description="The one method of all its electronic energies.")]
    predictive: Annotated[
        bool, Field(description="False for a mock, semiempirical or machine-learned method: pre-screening only.")
    ]
    superseded: Annotated[bool, Field(description="Whether a newer or better document has taken its place.")]
    provenance: Annotated[ProvenancePart | None, Field(description="Who wrote it first; null where nobody knows.")]


class Selected(Row):
    """What is chosen among several calculations."""

    slot: Annotated[Key, Field(description="Key of what it is about: of several of a slot one is current.")]
    policy_key: Annotated[Key, Field(description="Key of the slot and the policy, known before anything runs.")]
    policy: Annotated[
        dict[str, Any],
        Field(description="What was tried and added: spin states, poses, corrections, solvation, temperature (K) ..."),
    ]
    verdict: Annotated[str, Field(description="What it turned out to be.")]
    reason: Annotated[str, Field(description="The clause behind the verdict.")]
    calculations: Annotated[dict[str, str], Field(description="Request keys of what it stands on, by role.")]
    considered: Annotated[list[Considered], Field(description="Every calculation that was tried.")]
    warnings: Annotated[
        list[str],
        Field(
            default_factory=list, description="In what the calculations differ that does not forbid to combine them."
        ),
    ]


class AdsorptionEnergyDocument(Selected):
    """The free energy of one adsorbate on one site, or the reason why there is none."""

    adsorbate: Annotated[str, Field(description="Its name: `OH`.")]
    terms: Annotated[list[TermPart], Field(description="All summands; empty without a bound, converged state.")]
    electronic: Annotated[Number | None, Field(description="ΔE, eV; null without a bound state.")]
    free: Annotated[Number | None, Field(description="ΔG at 0 V against RHE, eV; null without a bound state.")]
    multiplicity: Annotated[dict[str, int | None], Field(description="2S + 1 of the `clean` and the `adsorbed` state.")]
    spin_states: Annotated[
        dict[str, int],
        Field(default_factory=dict, description="How many different usable spin states were found of each."),
    ]
    carried: Annotated[
        list[str],
        Field(
            default_factory=list,
            description="Request keys of another method's states at whose geometries it could start.",
        ),
    ]
    uncertainty: Annotated[
        Number | None, Field(description="One standard deviation of ΔG, eV; null where nobody states it.")
    ] = None
    ensemble: Annotated[
        list[Number],
        Field(default_factory=list, description="Deviation of ΔE for each member of an ensemble of functionals, eV."),
    ]


class CriterionPart(Part):
    """One thing that a site must withstand."""

    name: Annotated[str, Field(description="`formation`, `dissolution`, `demetallation`, `aggregation`, `coverage`.")]
    value: Annotated[Number | None, Field(description="What is held against the limit, in `unit`.")]
    unit: Annotated[str, Field(description="`eV` or `V`.")]
    limit: Annotated[Number, Field(description="In the same unit.")]
    passes_below: Annotated[bool, Field(description="Whether the site withstands below the limit; else above.")]
    passes: Annotated[bool | None, Field(description="Whether it withstands; null where that is not known.")]
    reason: Annotated[str, Field(description="One clause.")]
    terms: Annotated[list[TermPart], Field(description="The sum behind the value, where it is one.")]


class StabilityDocument(Selected):
    """What holds one site together, and what becomes of it."""

    formation_energy: Annotated[
        Number | None, Field(description="Against the bulk metal and the vacant site, eV for the whole site.")
    ]
    binding_energy: Annotated[Number | None, Field(description="Against the free atom and the vacant site, eV.")]
    cohesive_energy: Annotated[Number | None, Field(description="Of the bulk metal, against free atoms, eV.")]
    hydrogenation_energy: Annotated[Number | None, Field(description="To put H2 on the vacant site, eV.")]
    aggregation_energy: Annotated[
        Number | None, Field(description="For the metal of one site to move onto that of another, eV.")
    ]
    terms: Annotated[dict[str, list[TermPart]], Field(description="The sums behind these energies.")]
    missing: Annotated[dict[str, str], Field(description="Why the others are not known.")]
    hydrogens: Annotated[int, Field(description="Number of H on the hydrogenated site.")]
    conditions: Annotated[
        dict[str, Any],
        Field(description="Potential (V against its scale), pH, temperature (K), activities, ligands of the criteria."),
    ]
    criteria: Annotated[list[CriterionPart], Field(description="What it must withstand.")]


def row_document(row: AdsorptionEnergy | Stability, provenance: Provenance) -> dict[str, Any]:
    """Return the document of a row as it is first written."""
    return {**row.to_dict(), **of_site(row), **written(provenance)}


def of_site(row: Any) -> dict[str, Any]:
    """Return what the document of anything that has a site and a method says of both."""
    predictive = Method.from_dict(row.method).is_predictive
    return {"site": {**row.site.to_dict(), "metal_set": row.site.metal_set}, "predictive": predictive}


def written(provenance: Provenance) -> dict[str, Any]:
    """Return what every row has when it is first written."""
    return {
        "schema": SCHEMA_VERSION,
        "superseded": False,
        **provenance.gathered,
        "provenance": provenance.to_dict(),
    }
