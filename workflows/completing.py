"""Completing: what the shell offers at a press of the tab key, read without the libraries that calculate."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from importlib.resources import files
from pathlib import Path
from typing import Final

import typer

from atomsieve.structures.task import KINDS, TaskState
from atomsieve.workflows.engine import ENGINES

#: Names that are offered at a time.
MOST: Final = 200
#: What the catalogs would tell in half a second, which is too long for a tab key; a test holds them together.
FAMILIES: Final = (
    "graphene",
    "graphene-dual",
    "graphene-triple",
    "graphene-pair",
    "ribbon",
    "porphyrin-graphene",
    "porphyrin-sheet",
    "g-C3N4",
    "C2N",
    "graphdiyne",
    "CTF",
    "BN",
    "porphine",
    "tetraphenylporphyrin",
    "tetrabenzoporphyrin",
    "phthalocyanine",
    "catecholate",
    "diimine",
    "dithiolene",
    "salen",
    "EDDA",
    "bipyridine",
    "ethylenediamine",
    "conductive-mof",
    "cof-366",
    "phthalocyanine-cof",
    "zr6-node",
    "paddlewheel",
    "oxo-trimer",
    "Zn4O-node",
    "MFU-4l-node",
    "MOF-74-chain",
    "pore",
    "structure",
)
CALCULATORS: Final = (
    "mock",
    "emt",
    "gfn1-xtb",
    "gfn2-xtb",
    "gpaw",
    "cp2k",
    "espresso",
    "vasp",
    "chgnet",
    "sevennet",
    "mace",
    "fairchem",
)


def campaigns(incomplete: str) -> list[str]:
    """Return the campaigns of the settings' database, and the YAML files here, that begin so."""
    local = [str(path) for path in Path().glob("*.y*ml")]
    return _begun([*_known("campaigns", "key", incomplete), *sorted(local)], incomplete)


def sites(incomplete: str) -> list[str]:
    """Return the labels of sites that begin so."""
    return _known("sites", "label", incomplete)


def workers(incomplete: str) -> list[str]:
    """Return the clusters that the settings' folder describes."""
    from atomsieve.structures.errors import InputError
    from atomsieve.workflows.settings import read_settings

    with suppress(InputError, OSError):
        found = read_settings().workers_folder.expanduser().glob("*.yaml")
        return _begun(sorted(path.stem for path in found), incomplete)
    return []


def families(incomplete: str) -> list[str]:
    """Return the families of sites."""
    return _begun(FAMILIES, incomplete)


def calculators(incomplete: str) -> list[str]:
    """Return the calculators."""
    return _begun(CALCULATORS, incomplete)


def engines(incomplete: str) -> list[str]:
    """Return the engines."""
    return _begun(ENGINES, incomplete)


def kinds(incomplete: str) -> list[str]:
    """Return the kinds of calculations."""
    return _begun(KINDS, incomplete)


def reactions(incomplete: str) -> list[str]:
    """Return the reactions."""
    return _begun(_headings("atomsieve.structures", "reactions.yaml"), incomplete)


def metals(incomplete: str) -> list[str]:
    """Return the symbols of metals; of several with minus signs between them, the last goes on."""
    before, minus, begun = incomplete.rpartition("-")
    found = _headings("atomsieve.structures", "metals.yaml")
    return [f"{before}{minus}{name}" for name in _begun(found, begun)]


def causes(incomplete: str) -> list[str]:
    """Return the causes of failures."""
    return _begun(_headings("atomsieve.workflows.watching", "causes.yaml"), incomplete)


def states(incomplete: str) -> list[str]:
    """Return the states of calculations."""
    return _begun(TaskState, incomplete)


def classes(incomplete: str) -> list[str]:
    """Return what may be done about failures, as words with minus signs."""
    from atomsieve.structures.errors import FailureClass

    return _begun((entry.name.lower().replace("_", "-") for entry in FailureClass), incomplete)


def verdicts(incomplete: str) -> list[str]:
    """Return the verdicts on geometries."""
    from atomsieve.structures.judgement import Verdict

    return _begun(Verdict, incomplete)


def formats(incomplete: str) -> list[str]:
    """Return the formats of exports."""
    from atomsieve.analysis.export import FORMATS

    return _begun(FORMATS, incomplete)


def collections(incomplete: str) -> list[str]:
    """Return what can be asked of a database."""
    from atomsieve.analysis.results.fields import COLLECTIONS

    return _begun(COLLECTIONS, incomplete)


def columns(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the fields that a list with commas can go on with."""
    before, comma, begun = incomplete.rpartition(",")
    minus = "-" if begun.startswith("-") else ""
    return [f"{before}{comma}{minus}{name}" for name in _begun(_fields(ctx), begun.removeprefix("-"))]


def conditions(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the fields that a condition can go on with."""
    before, blank, begun = incomplete.rpartition(" ")
    return [f"{before}{blank}{name}" for name in _begun(_fields(ctx), begun)]


def _begun(names: Iterable[str], incomplete: str) -> list[str]:
    return [str(name) for name in names if name.startswith(incomplete)]


def _headings(package: str, name: str) -> list[str]:
    """Return the outermost keys of a file of data, which needs no parser."""
    text = (files(package) / name).read_text(encoding="utf-8")
    return re.findall(r"^(\w[\w -]*):", text, flags=re.MULTILINE)


def _fields(ctx: typer.Context) -> list[str]:
    """Return the names of the fields of the collection that the command line asks so far."""
    from atomsieve.analysis.results.fields import COLLECTIONS, fields

    stated = ctx.params.get("of") or COLLECTIONS[0]
    return list(fields(stated)) if stated in COLLECTIONS else []


def _known(collection: str, field: str, begun: str) -> list[str]:
    """Return values of a field with an index that begin so; none where there is no answer within a second."""
    from atomsieve.structures.errors import InputError
    from atomsieve.workflows.settings import read_settings

    # whoever presses the tab key wants no error
    with suppress(InputError, sqlite3.Error, OSError):
        settings = read_settings()
        if settings.mongodb_uri is not None:
            return _on_server(
                settings.mongodb_uri.get_secret_value(), settings.mongodb_database, collection, field, begun
            )
        file = settings.folder / "atomsieve.sqlite"
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=1)) as connection:
            sql = f'SELECT DISTINCT "{field}" FROM {collection} WHERE "{field}" >= ? AND "{field}" < ? LIMIT {MOST}'
            return sorted(str(row[0]) for row in connection.execute(sql, (begun, f"{begun}\U0010ffff")))
    return []


def _on_server(uri: str, database: str, collection: str, field: str, begun: str) -> list[str]:
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError

    with suppress(PyMongoError, ValueError):
        client: MongoClient[dict[str, object]] = MongoClient(uri, serverSelectionTimeoutMS=1000)
        wanted = {field: {"$gte": begun, "$lt": f"{begun}\U0010ffff"}}
        with client:
            found = client[database][collection].find(wanted, {field: 1, "_id": 0}, limit=MOST)
            return sorted({str(document[field]) for document in found})
    return []
