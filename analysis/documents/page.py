"""Page: what the documents of all collections hold, for people in Markdown and for programs as JSON schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from atomsieve.analysis.documents.collections import COLLECTIONS
from atomsieve.analysis.documents.common import SCHEMA_VERSION

_HEAD: Final = """\
# What lies in the database

The documents of version {version}. This page is what `atomsieve db schema` prints, made from the models in
`analysis/documents`, by which every derived document is checked before it is written;
`atomsieve db schema --json` prints the same as JSON schema.

- Every document has a `key` under a unique index, so that writing it again changes nothing, and `schema`, its version.
  One without `schema` is of version 1. It can be read as it is; what only newer ones say, it cannot be asked by.
  `atomsieve db migrate` writes it into the older ones too: nothing else of them changes, their keys least of all.
- Energies are in eV, potentials in V, lengths in Å, temperatures in K, pressures in bar, times in s.
- `campaigns` and `tags` gather: a campaign that finds a result done adds its name and the `tags` of its file.
- What is derived is never deleted: what a newer or better document has taken the place of is `superseded`.
- `null` says that there is no such value; where a field has a default, older documents may lack it.

```sh
atomsieve db check
atomsieve db migrate
```
"""


def json_schema(collection: str) -> dict[str, Any]:
    """Return the JSON schema of the documents of a collection."""
    return COLLECTIONS[collection].model_json_schema()


def page() -> str:
    """Return the whole page, Markdown."""
    parts = [_HEAD.format(version=SCHEMA_VERSION)]
    for name in COLLECTIONS:
        schema = json_schema(name)
        said = "\n".join(line.strip() for line in schema["description"].splitlines())
        lines = ["| field | type | what it is |", "|---|---|---|"]
        lines += [f"| `{path}` | {kind} | {text} |" for path, kind, text in fields(name)]
        parts.append(f"## `{name}`\n\n{said}\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def fields(collection: str) -> Iterator[tuple[str, str, str]]:
    """Yield path, type and description of every field; those within lists as ``terms[].value``."""
    schema = json_schema(collection)
    yield from _fields(schema, schema.get("$defs", {}), "")


def _fields(schema: Mapping[str, Any], known: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str, str]]:
    for name, entry in schema["properties"].items():
        path = f"{prefix}{name}"
        parts = list(_parts(entry, known))
        # what is said of the field is left out where it is what is said of all such documents
        said = entry.get("description") or (parts[0][1]["description"] if parts else "")
        yield path, _kind(entry, known), str(said)
        for mark, part in parts:
            yield from _fields(part, known, f"{path}{mark}.")


def _parts(
    entry: Mapping[str, Any], known: Mapping[str, Any], mark: str = ""
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the documents within a field, with how they are reached."""
    if "$ref" in entry:
        yield mark, known[entry["$ref"].rpartition("/")[2]]
    for choice in entry.get("anyOf", ()):
        yield from _parts(choice, known, mark)
    if isinstance(items := entry.get("items"), Mapping):
        yield from _parts(items, known, f"{mark}[]")
    if isinstance(values := entry.get("additionalProperties"), Mapping):
        yield from _parts(values, known, f"{mark}.*")


def _kind(entry: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    if "$ref" in entry:
        return "object"
    if "anyOf" in entry:
        return " or ".join(dict.fromkeys(_kind(choice, known) for choice in entry["anyOf"]))
    kind = str(entry.get("type", "any"))
    if kind == "array":
        return f"list of {_kind(entry.get('items', {}), known)}"
    if kind == "object" and isinstance(values := entry.get("additionalProperties"), Mapping):
        return f"mapping to {_kind(values, known)}"
    return {"string": "date" if entry.get("format") == "date-time" else "text"}.get(kind, kind)
