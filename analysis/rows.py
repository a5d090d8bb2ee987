"""Rows: what is derived from calculations, as several writers store it: what is there stays, and gathers campaigns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from maggma.core import Store

from atomsieve.analysis.chunks import chunks
from atomsieve.analysis.documents.collections import validated
from atomsieve.analysis.documents.reactions import reaction_document
from atomsieve.analysis.documents.rows import row_document
from atomsieve.analysis.documents.sites import method_document
from atomsieve.analysis.provenance import Provenance
from atomsieve.analysis.superseded import age, mark, mark_older
from atomsieve.analysis.upserts import put_absent
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.structures.stability import Stability


class Rows:
    """The collections of adsorption energies, reaction results, stabilities, and of their methods.

    Parameters
    ----------
    stores : mapping of str to Store
        By collection; connected when this is used.
    """

    def __init__(self, stores: Mapping[str, Store]) -> None:
        self._stores = stores
        self._methods: set[str] = set()

    def push(
        self,
        rows: Sequence[AdsorptionEnergy],
        potentials: Sequence[LimitingPotential],
        stabilities: Sequence[Stability],
        provenance: Provenance,
    ) -> None:
        """Store what is not there, and mark what it supersedes, as ``Database.push`` says."""
        self._put_methods([*rows, *potentials, *stabilities])
        documents = {row.key: row_document(row, provenance) for row in rows}
        self._put("adsorption_energies", documents.values())
        energies, results = self._stores["adsorption_energies"], self._stores["reaction_results"]
        if potentials:
            named = {key for potential in potentials for key in potential.adsorption_energies.values()}
            known = {**by_key(energies, named - documents.keys()), **documents}
            self._put("reaction_results", [reaction_document(one, known, provenance) for one in potentials])
        mark(energies, results, {row.site.key for row in rows} | {potential.site.key for potential in potentials})
        if stabilities:
            self._put("stabilities", [row_document(stability, provenance) for stability in stabilities])
            mark_older(self._stores["stabilities"], {stability.site.key for stability in stabilities})

    def _put_methods(self, rows: Iterable[AdsorptionEnergy | LimitingPotential | Stability]) -> None:
        found = {str(row.method["key"]): row.method for row in rows}
        # few, and the same from one batch to the next
        fresh = found.keys() - self._methods
        if fresh:
            self._put("methods", [method_document(found[key]) for key in fresh])
            self._methods |= fresh

    def _put(self, collection: str, documents: Iterable[Mapping[str, Any]]) -> None:
        put_absent(self._stores[collection], [validated(collection, document) for document in documents])


def by_key(store: Store, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return documents by their keys, as far as they are there."""
    return {document["key"]: document for some in chunks(keys) for document in store.query({"key": {"$in": some}})}


def newest(store: Store, policy_keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the newest document under each policy key, by policy key."""
    found: dict[str, dict[str, Any]] = {}
    for wanted in chunks(policy_keys):
        for document in store.query({"policy_key": {"$in": wanted}}):
            before = found.get(document["policy_key"])
            if before is None or age(document) > age(before):
                found[document["policy_key"]] = document
    return found
