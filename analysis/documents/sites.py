"""Sites and methods: the documents of ``sites`` and ``methods``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from atomsieve.analysis.documents.common import SCHEMA_VERSION, Document, Key, Number, Part, Shared
from atomsieve.analysis.provenance import Provenance
from atomsieve.structures.energies import SiteLabel
from atomsieve.structures.identity import geometry_key
from atomsieve.structures.method import Method
from atomsieve.structures.site import ActiveSite, atoms_from_dict, atoms_to_dict, site_label


class AtomsPart(Part):
    """Where atoms are."""

    numbers: Annotated[list[int], Field(description="Atomic numbers.")]
    positions: Annotated[list[list[Number]], Field(description="Å, shape (n, 3).")]
    cell: Annotated[list[list[Number]], Field(description="Å, shape (3, 3).")]
    pbc: Annotated[list[bool], Field(description="Periodic directions.")]


class SiteDocument(Shared):
    """A site as it was built, before any calculation."""

    key: Annotated[Key, Field(description="Content key of the recipe.")]
    label: Annotated[str, Field(description="What a chemist calls it; for people only.")]
    family: Annotated[str, Field(description="Family of supports.")]
    metals: Annotated[list[str], Field(description="Chemical symbols of its metal atoms, one for each atom.")]
    metal_set: Annotated[str, Field(description="The different metals, sorted and joined: `Co-Fe`.")]
    recipe: Annotated[dict[str, Any], Field(description="All that fixes the site, defaults written out; lengths in Å.")]
    charge: Annotated[int, Field(description="Total charge, e.")]
    formula: Annotated[str | None, Field(description="Chemical formula; null where the structure is not known.")]
    atoms: Annotated[AtomsPart | None, Field(description="As built; null where the structure is not known.")]
    geometry: Annotated[Key | None, Field(description="Geometry key of these atoms.")]


class MethodDocument(Document):
    """A level of theory of which there are rows."""

    key: Annotated[Key, Field(description="Content key of the calculator and its physics.")]
    title: Annotated[str, Field(description="What a table calls it: `vasp RPBE-D3(BJ)+U(Fe 3.3)`.")]
    calculator: Annotated[str, Field(description="Name of the calculator.")]
    physics: Annotated[
        dict[str, Any],
        Field(description="Every setting that changes an energy: cutoffs and smearing widths in eV, grids in Å."),
    ]
    tier: Annotated[str, Field(description="`mock`, `semiempirical`, `potential` or `dft`.")]
    predictive: Annotated[bool, Field(description="Whether its numbers are more than pre-screening.")]


def site_document(site: ActiveSite, provenance: Provenance, label: SiteLabel | None = None) -> dict[str, Any]:
    """Return the document of a site as it was built, or of what was ingested, of which a label says more."""
    unknown = unknown_site_document(label or site_label(site), site.recipe, provenance)
    return {**unknown, "charge": site.charge, **structure(atoms_to_dict(site.atoms))}


def structure(atoms: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the document of a site says of its atoms, given as plain data."""
    formula = atoms_from_dict(atoms).get_chemical_formula("hill")
    geometry = geometry_key(atoms["numbers"], atoms["positions"], atoms["cell"], atoms["pbc"])
    return {"formula": formula, "atoms": dict(atoms), "geometry": geometry}


def unknown_site_document(label: SiteLabel, recipe: Mapping[str, Any], provenance: Provenance) -> dict[str, Any]:
    """Return the document of a site whose structure nobody knows, as of a line of a table that was ingested."""
    return {
        "key": label.key,
        "schema": SCHEMA_VERSION,
        "label": label.label,
        "family": label.family,
        "metals": list(label.metals),
        "metal_set": label.metal_set,
        "recipe": dict(recipe),
        "charge": 0,
        "formula": None,
        "atoms": None,
        "geometry": None,
        **provenance.gathered,
    }


def method_document(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of a method as rows name it."""
    method = Method.from_dict(data)
    return {
        "key": str(data["key"]),
        "schema": SCHEMA_VERSION,
        "title": method.title(),
        "calculator": method.calculator,
        "physics": dict(method.physics),
        "tier": method.tier,
        "predictive": method.is_predictive,
    }
