"""Superseded: which rows and limiting potentials a newer or better one has taken the place of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from maggma.core import Store

from atomsieve.analysis.chunks import chunks
from atomsieve.analysis.upserts import set_fields
from atomsieve.structures.energies import rank


def mark(adsorption_energies: Store, reaction_results: Store, sites: set[str]) -> None:
    """Mark what is superseded at some sites, and no longer what is not.

    Parameters
    ----------
    adsorption_energies, reaction_results : Store
        Connected.
    sites : set of str
        Keys.
    """
    for wanted in chunks(sites, 100):
        rows = list(adsorption_energies.query({"site.key": {"$in": wanted}}))
        newest: dict[str, dict[str, Any]] = {}
        for row in sorted(rows, key=age):
            newest[row["policy_key"]] = row
        current: dict[str, dict[str, Any]] = {}
        for row in newest.values():
            if row["slot"] not in current or rank(row) > rank(current[row["slot"]]):
                current[row["slot"]] = row
        keep = {row["key"] for row in current.values()}
        _flag(adsorption_energies, [(row, row["key"] not in keep) for row in rows])
        potentials = reaction_results.query({"site.key": {"$in": wanted}})
        _flag(
            reaction_results,
            [(entry, not keep.issuperset(entry["adsorption_energies"].values())) for entry in potentials],
        )


def mark_older(store: Store, sites: set[str]) -> None:
    """Mark at some sites all but the newest document of each slot.

    Parameters
    ----------
    store : Store
        Connected; of stabilities.
    sites : set of str
        Keys.
    """
    for wanted in chunks(sites, 100):
        documents = sorted(store.query({"site.key": {"$in": wanted}}), key=age)
        keep = set({document["slot"]: document["key"] for document in documents}.values())
        _flag(store, [(document, document["key"] not in keep) for document in documents])


def age(document: Mapping[str, Any]) -> tuple[Any, str]:
    """Return what tells an older document from a newer one."""
    return document["last_updated"], str(document["key"])


def _flag(store: Store, marks: Iterable[tuple[dict[str, Any], bool]]) -> None:
    """Mark documents as superseded or not; the time of their last update stays that of their content."""
    set_fields(
        store,
        {
            document["key"]: {"superseded": superseded}
            for document, superseded in marks
            if document["superseded"] != superseded
        },
    )
