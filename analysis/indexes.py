"""Indexes: what people ask the collections by, the same on a server and in a file.

Where an order follows equality, an index over both, in this order, has the first rows of a page at once. What is
superseded is left out unless it is asked for, so that ``superseded`` is such an equality.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from maggma.core import Store
from maggma.stores import MongoStore
from pymongo import ASCENDING, IndexModel

from atomsieve.structures.stability import ENERGIES

#: By which rows of every kind are asked for.
_OF_A_SITE: Final = ("site.key", "site.label", "site.family", "site.metal_set", "method.key")

#: Fields, or several together in order, that have an index, by collection.
INDEXES: Mapping[str, tuple[str | tuple[str, ...], ...]] = {
    "calculations": ("status",),
    "adsorption_energies": (
        "policy_key",
        *_OF_A_SITE,
        ("adsorbate", "superseded", "free"),
        ("superseded", "free"),
    ),
    "reaction_results": (
        *_OF_A_SITE,
        ("reaction", "superseded", "overpotential"),
        ("superseded", "overpotential"),
    ),
    "stabilities": (
        "policy_key",
        *_OF_A_SITE,
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
    # all in one question and one answer, as a server may be far
    wanted = [
        (entry,) if isinstance(entry, str) else entry for entry in (*INDEXES.get(name, ()), *ARRAYS.get(name, ()))
    ]
    present = {tuple(field for field, _ in index["key"]) for index in store._collection.index_information().values()}
    if missing := [fields for fields in wanted if fields not in present]:
        store._collection.create_indexes([IndexModel([(field, ASCENDING) for field in fields]) for fields in missing])
