"""Reaction result: the documents of ``reaction_results``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from atomsieve.analysis.documents.common import Number, Part
from atomsieve.analysis.documents.rows import Row, of_site, written
from atomsieve.analysis.provenance import Provenance
from atomsieve.structures.judgement import Verdict
from atomsieve.structures.limiting import LimitingPotential


class StatePart(Part):
    """A state on the path of a reaction."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    text: Annotated[str, Field(description="As a chemist writes it: `OH* + H2O`.")]
    free: Annotated[Number | None, Field(description="eV at 0 V against RHE; null where unknown.")]


class StepPart(Part):
    """A step of a reaction."""

    text: Annotated[str, Field(description="`OH* → * + H2O`.")]
    electrons: Annotated[int, Field(description="Taken up; negative where given off.")]
    protons: Annotated[int, Field(description="Taken up; negative where given off.")]
    free_at_zero: Annotated[Number | None, Field(description="ΔG at 0 V against RHE and pH 0, eV.")]
    free: Annotated[Number | None, Field(description="ΔG at the potential and the pH of the conditions, eV.")]


class SideProductPart(Part):
    """Where a side product leaves."""

    product: Annotated[str, Field(description="The molecule.")]
    leaves: Annotated[str, Field(description="The adsorbate that it comes from.")]
    steps: Annotated[list[str], Field(description="The way from there.")]
    free_at_zero: Annotated[Number | None, Field(description="ΔG of the last step at 0 V against RHE, eV.")]
    free: Annotated[Number | None, Field(description="ΔG of the last step at the conditions, eV.")]
    limiting_potential: Annotated[
        Number | None, Field(description="V against RHE at which the way to it is downhill; null where undetermined.")
    ]


class ReactionResultDocument(Row):
    """What one reaction does on one site, along the cheapest path through its network."""

    reaction: Annotated[str, Field(description="Its name: `ORR`.")]
    adsorption_energies: Annotated[
        dict[str, str], Field(description="Keys of the rows that it stands on, by adsorbate.")
    ]
    free_energies: Annotated[
        dict[str, Number | None],
        Field(description="ΔG of these rows at 0 V against RHE, eV, by adsorbate; null without a bound state."),
    ]
    verdicts: Annotated[dict[str, str], Field(description="The verdicts of these rows, by adsorbate.")]
    verdict_set: Annotated[
        list[str], Field(description="The different verdicts that are not `bound`; `bound` alone where there is none.")
    ]
    multiplicity: Annotated[int | None, Field(description="2S + 1 of the clean site; null for a method without spin.")]
    corrections: Annotated[
        str | None, Field(description="Where zero-point energies and thermal terms come from, or the treatment.")
    ]
    solvation: Annotated[str | None, Field(description="How solvation is accounted for.")]
    states: Annotated[list[StatePart], Field(description="The states of the path.")]
    steps: Annotated[list[StepPart], Field(description="The steps of the path.")]
    equilibrium_potential: Annotated[Number, Field(description="V against RHE.")]
    limiting_potential: Annotated[Number | None, Field(description="V against RHE; null if undetermined.")]
    overpotential: Annotated[Number | None, Field(description="V; null if undetermined.")]
    potential_determining_steps: Annotated[list[str], Field(description="Steps within 0.05 eV of the worst.")]
    undetermined: Annotated[str | None, Field(description="Why there is no limiting potential.")]
    conditions: Annotated[
        dict[str, Any],
        Field(description="Temperature (K), pH, potential (V against `scale`), potential_rhe (V), molecules around."),
    ]
    error_bar: Annotated[Number, Field(description="One standard deviation of the limiting potential, V.")]
    error_source: Annotated[str, Field(description="`assumed`, `propagated` from the rows, or an `ensemble`.")]
    path: Annotated[str, Field(description="Route that the cheapest path follows, or `mixed`.")]
    alternatives: Annotated[
        list[dict[str, Any]], Field(description="Other paths that ask for at most 0.1 eV more; at most ten.")
    ]
    undetermined_paths: Annotated[int, Field(description="How many paths lack an intermediate.")]
    paths: Annotated[int, Field(description="How many paths there are.")]
    missing: Annotated[dict[str, str], Field(description="By adsorbate why it has no free energy.")]
    side_products: Annotated[list[SideProductPart], Field(description="Where they leave.")]
    closure: Annotated[
        Number | None,
        Field(description="Free energy of the reaction with calculated molecules less the experimental one, eV."),
    ]
    definition: Annotated[
        dict[str, Any] | None,
        Field(description="Title, routes, source of a reaction that a campaign defines; null for those of the table."),
    ] = None


def reaction_document(
    potential: LimitingPotential, rows: Mapping[str, Mapping[str, Any]], provenance: Provenance
) -> dict[str, Any]:
    """Return the document of what a reaction does as it is first written.

    Parameters
    ----------
    potential : LimitingPotential
        The result.
    rows : mapping of str to mapping
        Documents of adsorption energies by their keys, among them those that it stands on.
    provenance : Provenance
        Who writes.
    """
    own = {name: rows[key] for name, key in potential.adsorption_energies.items() if key in rows}
    return {**potential.to_dict(), **of_site(potential), **of_rows(own), **written(provenance)}


def of_rows(own: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what a reaction result says of the rows that it stands on, given as documents by adsorbate."""
    policies = [document["policy"] for document in own.values()]
    verdicts = {name: document["verdict"] for name, document in own.items()}
    spins = (document["multiplicity"].get("clean") for document in own.values())
    return {
        "free_energies": {name: document["free"] for name, document in own.items()},
        "verdicts": verdicts,
        "verdict_set": sorted(set(verdicts.values()) - {Verdict.BOUND}) or sorted(set(verdicts.values())),
        "multiplicity": next((spin for spin in spins if spin is not None), None),
        "corrections": next((policy.get("corrections") for policy in policies), None),
        "solvation": next((policy.get("solvation") for policy in policies), None),
    }
