"""Migrations: from documents of an older version to those of the next, one named function for each step.

A document says by ``schema`` of which version it is; one that says nothing is of version 1. Who reads documents through
the records (:class:`~atomsieve.structures.energies.AdsorptionEnergy` ...) reads those of all versions. To migrate them
is to have what only newer documents say, and with it can be asked for, written into the older ones too. Keys stay.

======= ===============================================================================================================
version what is new
======= ===============================================================================================================
1       calculations, adsorption energies, limiting potentials, stabilities, campaigns
2       ``schema``, ``site.metal_set``, ``predictive``, ``campaigns``, ``tags``, ``provenance``; of a reaction also free
        energies, verdicts, multiplicity, corrections and solvation; the collection ``limiting_potentials`` is called
        ``reaction_results``; the collections ``sites``, ``failures`` and ``methods``
======= ===============================================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from atomsieve.analysis.documents.common import SCHEMA_VERSION
from atomsieve.analysis.documents.reactions import of_rows
from atomsieve.analysis.documents.rows import of_site
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.errors import StoreError
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.stability import Stability

Document = dict[str, Any]
#: Documents of adsorption energies by their keys.
Rows = Mapping[str, Mapping[str, Any]]


def calculation_1_to_2(document: Document, rows: Rows) -> Document:
    """Say of which version a calculation is; nothing else of it is new."""
    del rows
    return {**document, "schema": 2}


def adsorption_energy_1_to_2(document: Document, rows: Rows) -> Document:
    """Say of an adsorption energy what its metals are together, how far its method goes, and that none claims it."""
    del rows
    return _row_1_to_2(document, AdsorptionEnergy.from_dict(document))


def stability_1_to_2(document: Document, rows: Rows) -> Document:
    """Say of a stability what its metals are together, how far its method goes, and that none claims it."""
    del rows
    return _row_1_to_2(document, Stability.from_dict(document))


def reaction_result_1_to_2(document: Document, rows: Rows) -> Document:
    """Say of a limiting potential as well what the rows say that it stands on."""
    known = LimitingPotential.from_dict(document)
    own = {name: rows[key] for name, key in known.adsorption_energies.items() if key in rows}
    # the oldest know proton-electron steps alone
    steps = known.to_dict()["steps"]
    return {**_row_1_to_2(document, known), "steps": steps, **of_rows(own)}


def campaign_1_to_2(document: Document, rows: Rows) -> Document:
    """Say of a campaign that nobody knows who ran it."""
    del rows
    unknown = dict.fromkeys(("user", "host", "folder", "begun", "updated"))
    return {"tags": list(document["campaign"].get("tags", ())), **unknown, **document, "schema": 2}


def _row_1_to_2(document: Document, known: AdsorptionEnergy | Stability | LimitingPotential) -> Document:
    fresh: Document = {"campaigns": [], "tags": [], "provenance": None, "superseded": False}
    # what the record would say anew, its keys above all, stays as it was said
    return {**fresh, **known.to_dict(), **document, **of_site(known), "schema": 2}


#: The steps of each collection, from version 1 on.
MIGRATIONS: Final[Mapping[str, tuple[Callable[[Document, Rows], Document], ...]]] = {
    "calculations": (calculation_1_to_2,),
    "adsorption_energies": (adsorption_energy_1_to_2,),
    "reaction_results": (reaction_result_1_to_2,),
    "stabilities": (stability_1_to_2,),
    "campaigns": (campaign_1_to_2,),
}


def version_of(document: Mapping[str, Any]) -> int:
    """Return of which version a document is."""
    return int(document.get("schema") or 1)


def migrated(collection: str, document: Mapping[str, Any], rows: Rows | None = None) -> Document:
    """Return a document as this version of atomsieve would have written it.

    Parameters
    ----------
    collection : str
        Where it lies.
    document : mapping
        Of any version; that of now is returned as it is.
    rows : mapping of str to mapping, optional
        Documents of adsorption energies by their keys, among them those that a reaction result stands on.

    Raises
    ------
    StoreError
        If a newer version of atomsieve wrote it.
    """
    found, version = dict(document), version_of(document)
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{collection}: the document {found.get('key')} is of version {version}, and this atomsieve knows "
            f"{SCHEMA_VERSION}; install a newer one"
        )
    for step in MIGRATIONS.get(collection, ())[version - 1 :]:
        found = step(found, rows or {})
    return found
