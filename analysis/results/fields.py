"""Field: what people ask the database by, and where it lies in the documents of each collection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from atomsieve.analysis.results.field import Field, Kind
from atomsieve.structures.adsorbate import adsorbates
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.judgement import Verdict
from atomsieve.structures.reaction import reactions
from atomsieve.structures.stability import ENERGIES, StabilityVerdict


def _hidden(name: str, path: str, kind: Kind = "text", **more: Any) -> Field:
    return Field(name, path, kind, is_column=False, **more)


def _energy(name: str, path: str = "", quantity: str = "") -> Field:
    return Field(name, path or name, "number", is_energy=True, quantity=quantity)


_VERDICTS = tuple(map(str, Verdict))
_SITE = (
    Field("site", "site.label"),
    Field("family", "site.family"),
    Field("metals", "site.metal_set", "set"),
    _hidden("metal", "site.metals", "list"),
    _hidden("site_key", "site.key"),
)
_METHOD = (
    Field("method", "method.key", "method"),
    _hidden("method_key", "method.key"),
    _hidden("calculator", "method.calculator"),
    Field("predictive", "predictive", "flag"),
)
_SHARED = (
    _hidden("campaign", "campaigns", "list"),
    _hidden("tag", "tags", "list"),
)
_KEPT = (
    _hidden("superseded", "superseded", "flag"),
    _hidden("user", "provenance.user"),
    _hidden("host", "provenance.host"),
    _hidden("folder", "provenance.folder"),
    _hidden("version", "provenance.atomsieve"),
)
_LAST = (_hidden("updated", "last_updated", "time"), _hidden("key", "key"), _hidden("schema", "schema", "number"))

_TABLES: Final[Mapping[str, tuple[Field, ...]]] = {
    "reaction_results": (
        *_SITE,
        Field("reaction", "reaction"),
        Field("spin", "multiplicity", "number"),
        _energy("overpotential"),
        _energy("limiting_potential"),
        Field("pds", "potential_determining_steps", "list"),
        Field("verdict", "verdict_set", "list", choices=_VERDICTS),
        Field("error_bar", "error_bar", "number"),
        _hidden("error_source", "error_source"),
        _hidden("path", "path"),
        _hidden("undetermined", "undetermined"),
        _hidden("equilibrium_potential", "equilibrium_potential", "number"),
        *_METHOD,
        _hidden("corrections", "corrections"),
        _hidden("solvation", "solvation"),
        _hidden("temperature", "conditions.temperature", "number"),
        _hidden("pH", "conditions.pH", "number"),
        _hidden("potential", "conditions.potential", "number", quantity="potential_stated"),
        _hidden("scale", "conditions.scale", choices=("RHE", "SHE")),
        *_SHARED,
        *_KEPT,
        *_LAST,
    ),
    "adsorption_energies": (
        *_SITE,
        Field("adsorbate", "adsorbate"),
        _energy("free_energy", "free", "free"),
        _energy("electronic_energy", "electronic", "electronic"),
        Field("verdict", "verdict", choices=_VERDICTS),
        _hidden("reason", "reason"),
        Field("spin", "multiplicity.clean", "number"),
        Field("adsorbed_spin", "multiplicity.adsorbed", "number"),
        Field("uncertainty", "uncertainty", "number"),
        *_METHOD,
        _hidden("corrections", "policy.corrections"),
        _hidden("gas_corrections", "policy.gas_corrections"),
        _hidden("solvation", "policy.solvation"),
        _hidden("temperature", "policy.temperature", "number"),
        _hidden("warnings", "warnings", "list"),
        *_SHARED,
        *_KEPT,
        *_LAST,
    ),
    "stabilities": (
        *_SITE,
        Field("verdict", "verdict", choices=tuple(map(str, StabilityVerdict))),
        Field("reason", "reason"),
        # elsewhere it is that for each metal
        _energy("formation_energy", quantity="formation_energy_of_site"),
        *(_energy(name) for name in ENERGIES if name != "formation_energy"),
        *_METHOD,
        _hidden("pH", "conditions.pH", "number"),
        _hidden("potential", "conditions.potential", "number", quantity="potential_stated"),
        _hidden("temperature", "conditions.temperature", "number"),
        *_SHARED,
        *_KEPT,
        *_LAST,
    ),
    "sites": (
        Field("site", "label"),
        Field("family", "family"),
        Field("metals", "metal_set", "set"),
        _hidden("metal", "metals", "list"),
        Field("formula", "formula"),
        Field("charge", "charge", "number"),
        _hidden("recipe", "recipe", "mapping"),
        _hidden("geometry", "geometry"),
        *_SHARED,
        *_LAST,
    ),
    "calculations": (
        Field("task", "request.task"),
        Field("status", "status", choices=("done", "failed")),
        _energy("energy"),
        Field("verdict", "judgement.verdict", choices=_VERDICTS),
        Field("reason", "judgement.reason"),
        Field("spin", "request.multiplicity", "number"),
        Field("charge", "request.charge", "number"),
        Field("method", "request.method.key", "method"),
        _hidden("method_key", "request.method.key"),
        _hidden("calculator", "request.method.calculator"),
        Field("force_calls", "force_calls", "number"),
        Field("max_force", "max_force", "number"),
        _hidden("geometry", "geometry"),
        _hidden("host", "provenance.host"),
        *_LAST,
    ),
    "failures": (
        Field("task", "task"),
        Field("site", "site"),
        _hidden("family", "family"),
        Field("metals", "metal_set", "set"),
        Field("adsorbate", "adsorbate"),
        Field("molecule", "molecule"),
        Field("failure_class", "failure_class"),
        Field("reason", "reason"),
        Field("resolved", "resolved", "flag"),
        _hidden("text", "text"),
        Field("method", "method.key", "method"),
        _hidden("method_key", "method.key"),
        _hidden("calculator", "method.calculator"),
        Field("host", "host"),
        Field("force_calls", "force_calls", "number"),
        *_SHARED,
        *_LAST,
    ),
    "methods": (
        Field("title", "title"),
        Field("calculator", "calculator"),
        Field("tier", "tier"),
        Field("predictive", "predictive", "flag"),
        *_LAST,
    ),
    "campaigns": (
        Field("campaign", "name"),
        Field("sites", "sites", "number"),
        _hidden("tag", "tags", "list"),
        Field("user", "user"),
        Field("host", "host"),
        Field("folder", "folder"),
        *_LAST,
    ),
}
#: The collections that can be asked.
COLLECTIONS: Final = tuple(_TABLES)
#: What is summed up of a group of documents unless something else is asked for.
MAIN: Final[Mapping[str, str]] = {
    "reaction_results": "overpotential",
    "adsorption_energies": "free_energy",
    "stabilities": "formation_energy",
    "calculations": "energy",
}


def fields(collection: str) -> Mapping[str, Field]:
    """Return the fields of a collection by name.

    Raises
    ------
    InputError
        If there is no such collection.
    """
    if collection not in _TABLES:
        raise InputError(unknown(collection, COLLECTIONS, "collection"))
    return _fields(collection, tuple(adsorbates()), tuple(reactions()))


@cache
def _fields(collection: str, adsorbed: tuple[str, ...], known: tuple[str, ...]) -> Mapping[str, Field]:
    found = {entry.name: entry for entry in _TABLES[collection]}
    if collection == "adsorption_energies":
        found["adsorbate"] = replace(found["adsorbate"], choices=adsorbed)
    if collection == "reaction_results":
        found["reaction"] = replace(found["reaction"], choices=known)
        for name in adsorbed:
            # the dot of a name would be read as one of the path
            is_askable = "." not in name
            free, verdict = f"free_energies.{name}", f"verdicts.{name}"
            found[f"free_{name}"] = _hidden(
                f"free_{name}", free, "number" if is_askable else "mapping", is_energy=is_askable
            )
            found[f"verdict_{name}"] = _hidden(
                f"verdict_{name}", verdict, "text" if is_askable else "mapping", choices=_VERDICTS
            )
    return MappingProxyType(found)


def field(collection: str, name: str) -> Field:
    """Return a field of a collection.

    Raises
    ------
    InputError
        If it has none of this name; names the nearest.
    """
    found = fields(collection)
    if name in found:
        return found[name]
    # one for each adsorbate would drown all others
    families = ("free_", "verdict_")
    own = next((prefix for prefix in families if name.startswith(prefix)), None)
    listed = [entry for entry in found if (entry.startswith(own) if own else not entry.startswith(families))]
    if not own and collection == "reaction_results":
        listed += ["free_OH", "verdict_OH"]
    more = " ... of each adsorbate" if not own and collection == "reaction_results" else ""
    raise InputError(unknown(name, listed, f"field of {collection}") + more)
