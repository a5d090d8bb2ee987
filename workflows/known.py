"""Known: all that a database knows of one site, as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from atomsieve.analysis import Results
from atomsieve.analysis.chunks import chunks
from atomsieve.analysis.results.methods import ANY
from atomsieve.analysis.results.reading import readable
from atomsieve.structures.errors import UnknownNameError, unknown
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.sums import LETTERS

#: Sites that an error names, and among which the nearest is looked for.
SHOWN: Final = 12
SEARCHED: Final = 5000
#: Behind all letters.
_LAST: Final = "\U0010ffff"
Document = Mapping[str, Any]


def known(results: Results, key: str, name: str) -> dict[str, Any]:
    """Return all that a database knows of a site.

    Parameters
    ----------
    results : Results
        Open.
    key, name : str
        Of the site: its key and its label.

    Returns
    -------
    dict
        ``site`` (as it was built, if that is known), ``reactions``, ``adsorption_energies``, ``stabilities`` (of these
        the current documents, of all methods), ``failures`` and ``calculations`` (request key, roles, energy in eV,
        host and folder on that).
    """

    def current(collection: str, *order: str) -> list[dict[str, Any]]:
        return list(results.of(collection).where(site_key=key, method=ANY).sort(*order).documents())

    reactions = current("reaction_results", "reaction")
    rows = current("adsorption_energies", "adsorbate")
    stabilities = current("stabilities")
    with readable(results.database):
        site = results.database.sites.query_one({"key": key})
        failures = list(results.database.failures.query({"site": name}))
    for document in (*failures, *([site] if site else [])):
        document.pop("_id", None)
    first: Document = next(iter([*reactions, *rows, *stabilities]), {}).get("site", {})
    return {
        "label": name,
        "key": key,
        "family": (site or first).get("family"),
        "metals": (site or first).get("metals", []),
        "site": site,
        "reactions": reactions,
        "adsorption_energies": rows,
        "stabilities": stabilities,
        "failures": failures,
        "calculations": _calculations(results, [*rows, *stabilities]),
    }


def meant(results: Results, text: str) -> tuple[str, str]:
    """Return key and label of the site that a person means."""
    begun = {"$gte": text, "$lt": f"{text}{_LAST}"}
    for collection, prefix in (("sites", ""), ("adsorption_energies", "site.")):
        store = getattr(results.database, collection)
        name, key = f"{prefix}label", f"{prefix}key"
        for wanted in ({name: text}, {key: text}, {name: begun}, {key: begun}):
            with readable(results.database):
                found = _sites(store.query(wanted, [name, key], limit=SEARCHED), prefix)
            if len(found) > 1:
                listed = [f"{label} [{key[:LETTERS]}]" for key, label in sorted(found.items(), key=lambda one: one[1])]
                more = f" and {len(listed) - SHOWN:,} more" if len(listed) > SHOWN else ""
                raise UnknownNameError(
                    f"{text!r} means {len(found):,} sites; give more of the label, or the beginning of the key: "
                    f"{', '.join(listed[:SHOWN])}{more}"
                )
            if found:
                return next(iter(found.items()))
    labels = _near(results, text)
    raise UnknownNameError(unknown(text, labels or ["none: there are no sites here yet"], "site"))


def _sites(documents: Iterable[Document], prefix: str) -> dict[str, str]:
    found = (document["site"] if prefix else document for document in documents)
    return {site["key"]: site["label"] for site in found}


def _near(results: Results, text: str) -> list[str]:
    """Return labels that begin with the same letters, else any."""
    for collection, name in (("sites", "label"), ("adsorption_energies", "site.label")):
        for letters in (text[:4], text[:2], ""):
            begun = {name: {"$gte": letters, "$lt": f"{letters}{_LAST}"}}
            with readable(results.database):
                documents = getattr(results.database, collection).query(begun, [name], limit=SEARCHED)
                found = {(document.get("site") or document)["label"] for document in documents}
            if found:
                return _nearest(text, sorted(found))
    return []


def _nearest(text: str, labels: list[str]) -> list[str]:
    import difflib

    return difflib.get_close_matches(text, labels, n=SHOWN, cutoff=0.0)


def _calculations(results: Results, rows: Sequence[Document]) -> list[dict[str, Any]]:
    """Return the calculations behind rows, and where they lie on disk."""
    roles: dict[str, dict[str, None]] = {}
    places: dict[str, Document] = {}
    for row in rows:
        own = {entry["key"]: entry["role"] for entry in row["considered"]}
        own |= {key: role for role, key in row["calculations"].items() if key not in own}
        for key, role in own.items():
            name = f"{row['adsorbate']}*" if role == "adsorbed" and "adsorbate" in row else role
            roles.setdefault(key, {})[name] = None
            places.setdefault(key, row.get("provenance") or {})
    chosen = {key for row in rows for key in row["calculations"].values()}
    found: list[dict[str, Any]] = []
    wanted = ["key", "status", "energy", "request.task", "request.method.calculator", "judgement", "provenance.host"]
    with readable(results.database):
        for keys in chunks(roles):
            found += [
                _calculation(document, list(roles[document["key"]]), places[document["key"]], chosen)
                for document in results.database.calculations.query({"key": {"$in": keys}}, wanted)
            ]
    return sorted(found, key=lambda one: (not one["used"], one["roles"], one["key"]))


def _calculation(document: Document, roles: list[str], place: Document, chosen: set[str]) -> dict[str, Any]:
    key, root = str(document["key"]), place.get("folder")
    return {
        "key": key,
        "roles": roles,
        "used": key in chosen,
        "status": document["status"],
        "calculator": document["request"]["method"]["calculator"],
        "energy": document.get("energy"),
        "verdict": document["judgement"]["verdict"],
        "reason": document["judgement"]["reason"],
        "host": document.get("provenance", {}).get("host") or place.get("host"),
        "folder": str(Folder(root).directory(key)) if root else None,
    }
