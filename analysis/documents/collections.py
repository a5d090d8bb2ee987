"""Collections: which documents lie in which, and the refusal of any other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from atomsieve.analysis.documents.campaigns import CampaignDocument
from atomsieve.analysis.documents.common import Document
from atomsieve.analysis.documents.outcomes import CalculationDocument, FailureDocument
from atomsieve.analysis.documents.reactions import ReactionResultDocument
from atomsieve.analysis.documents.rows import AdsorptionEnergyDocument, StabilityDocument
from atomsieve.analysis.documents.sites import MethodDocument, SiteDocument
from atomsieve.structures.errors import StoreError

#: The model of the documents of each collection that is worth asking.
COLLECTIONS: Mapping[str, type[Document]] = {
    "calculations": CalculationDocument,
    "sites": SiteDocument,
    "adsorption_energies": AdsorptionEnergyDocument,
    "reaction_results": ReactionResultDocument,
    "stabilities": StabilityDocument,
    "failures": FailureDocument,
    "methods": MethodDocument,
    "campaigns": CampaignDocument,
}


def problems(collection: str, document: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a document, as ``site.metal_set: Field required``; nothing is well."""
    try:
        # what the database adds of its own
        COLLECTIONS[collection].model_validate({name: value for name, value in document.items() if name != "_id"})
    except ValidationError as error:
        return [f"{'.'.join(map(str, entry['loc']))}: {entry['msg']}" for entry in error.errors(include_url=False)]
    return []


def validated(collection: str, document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a document that fits its collection.

    Raises
    ------
    StoreError
        If it does not fit; names each field that is wrong.
    """
    if found := problems(collection, document):
        raise StoreError(f"{collection}: the document {document.get('key')} is not written: {'; '.join(found)}")
    return document
