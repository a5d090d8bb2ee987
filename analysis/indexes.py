"""Indexes: what people ask the collections by, the same on a server and in a file.

Where an order follows equality, an index over both has the first rows of a page at once; ``superseded`` comes last in
it, so that it serves whoever asks for all rows too.
"""

from __future__ import annotations

from collections.abc import Mapping

from maggma.core import Store
from maggma.stores import MongoStore
from pymongo import ASCENDING

from atomsieve.structures.stability import ENERGIES

#: Fields, or several together in order, that have an index, by collection.
INDEXES: Mapping[str, tuple[str | tuple[str, ...], ...]] = {
    "calculations": ("status",),
    "adsorption_energies": (
        "policy_key",
        "site.key",
        "site.label",
        "site.family",
        "site.metal_set",
        "method.key",
        ("adsorbate", "free", "superseded"),
        ("free", "superseded"),
        "superseded",
    ),
    "reaction_results": (
        "site.key",
        "site.label",
        "site.family",
        "site.metal_set",
        "method.key",
        ("reaction", "overpotential", "superseded"),
        ("overpotential", "superseded"),
        "superseded",
    ),
    "stabilities": (
        "policy_key",
        "site.key",
        "site.label",
        "site.family",
        "site.metal_set",
        "method.key",
        "verdict",
        "superseded",
    ),
    "sites": ("label", "family", "metal_set"),
    "failures": ("site", "family", "metal_set", "method.key", "failure_class", "resolved"),
    "methods": (),
    "campaigns": (),
    "tasks": ("campaign", "subject", "state", "flow"),
    "leases": (),
}
_SHARED = ("campaigns", "tags")
#: Fields of arrays whose elements have an index, by collection.
ARRAYS: Mapping[str, tuple[str, ...]] = {
    "adsorption_energies": ("site.metals", *_SHARED),
    "reaction_results": ("site.metals", "verdict_set", "potential_determining_steps", *_SHARED),
    "stabilities": ("site.metals", *_SHARED),
    "sites": ("metals", *_SHARED),
    "failures": _SHARED,
}
_ROW = ("method.calculator", "predictive", "conditions.temperature", "conditions.pH", "conditions.potential", "schema")
_KEPT = ("provenance.user", "provenance.host", "provenance.folder", "provenance.atomsieve")
#: Fields that are read from a file without their documents, by collection.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "adsorption_energies": (
        "electronic",
        "verdict",
        "reason",
        "multiplicity.clean",
        "multiplicity.adsorbed",
        "uncertainty",
        "method.calculator",
        "predictive",
        "policy.corrections",
        "policy.gas_corrections",
        "policy.solvation",
        "policy.temperature",
        "schema",
        *_KEPT,
    ),
    "reaction_results": (
        "limiting_potential",
        "multiplicity",
        "error_bar",
        "error_source",
        "path",
        "equilibrium_potential",
        "corrections",
        "solvation",
        "conditions.scale",
        *_ROW,
        *_KEPT,
    ),
    "stabilities": ("reason", *ENERGIES, *_ROW, *_KEPT),
    "sites": ("formula", "charge", "geometry", "schema"),
    "calculations": ("request.task", "request.method.key", "energy", "geometry", "force_calls", "max_force"),
}


def ensure(store: Store, name: str) -> None:
    """Make sure of the indexes of a collection.

    Parameters
    ----------
    store : Store
        Connected; of a file it has made sure of its own.
    name : str
        Of the collection.
    """
    store.ensure_index("key", unique=True)
    if not isinstance(store, MongoStore):
        return
    for entry in (*INDEXES.get(name, ()), *ARRAYS.get(name, ())):
        if isinstance(entry, str):
            store.ensure_index(entry)
        else:
            store._collection.create_index([(field, ASCENDING) for field in entry])
