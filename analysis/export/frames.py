"""Frame: the geometry at which a calculation ended, its energy and the forces there, as potentials are fitted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from atomsieve.analysis.chunks import chunks
from atomsieve.analysis.export import Written
from atomsieve.analysis.export.states import AT_ONCE, calculated
from atomsieve.analysis.whole import whole_file
from atomsieve.structures.identity import content_key
from atomsieve.structures.method import Method

if TYPE_CHECKING:
    from atomsieve.analysis import Results
    from atomsieve.analysis.database import Database

Document = Mapping[str, Any]
#: A displacement of an adsorbed state of a clean site: no calculation stands on more others.
_GENERATIONS: Final = 3


def write_xyz(results: Results, out: Path) -> Written:
    """Write an extended XYZ: a frame for each finished calculation, rejected geometries among them.

    Only the last geometry of a relaxation is kept, so that there is one frame of each. Its line holds ``energy`` (eV,
    electronic, with the zero of the code), ``key``, ``task``, ``site`` and ``adsorbate`` or ``molecule``, ``method``,
    ``method_key``, ``multiplicity``, ``charge`` and ``verdict``; its columns the forces (eV/Å) and moments (μB) as far
    as they are kept: there are no forces of relaxations that held atoms in place, of what was taken in from elsewhere,
    and of relaxations older than their being kept. The energies of VASP are those extrapolated to a smearing of zero
    width, its forces those of the free energy.

    Parameters
    ----------
    results : Results
        Of calculations.
    out : Path
        The file.
    """
    from ase.io.extxyz import write_xyz as write

    number = without = 0
    with whole_file(out) as partial, partial.open("w", encoding="utf-8") as file:
        for documents in chunks(results.where(status="done").documents(), AT_ONCE):
            blobs = results.database.blobs
            found = documents if blobs is None else [blobs.whole(document) for document in documents]
            origins = _origins(results.database, found)
            for document in found:
                if document.get("atoms") is None or document.get("energy") is None:
                    continue
                atoms = calculated(document)
                atoms.info = {name: value for name, value in _line(document, origins).items() if value is not None}
                write(file, atoms)
                number += 1
                without += document.get("forces") is None
    notes = [f"{without} frames have an energy and no forces: these were not kept"] if without else []
    return Written(number, "frames", tuple(notes))


def _line(document: Document, origins: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    request = document["request"]
    return {
        "key": document["key"],
        "task": request["task"],
        **origins[document["key"]],
        "method": Method.from_dict(request["method"]).title(),
        "method_key": request["method"]["key"],
        "multiplicity": request["multiplicity"],
        "charge": request["charge"],
        "verdict": document["judgement"]["verdict"],
    }


def _origins(database: Database, documents: Sequence[Document]) -> dict[str, dict[str, str]]:
    """Return for each calculation its site's label, its adsorbate, its molecule, as far as its parents tell."""
    known = {str(document["key"]): document for document in documents}
    for _ in range(_GENERATIONS):
        wanted = {parent for document in known.values() for parent in document["request"]["parents"]} - known.keys()
        known |= database.known(wanted)
    chains = {str(document["key"]): _chain(document, known) for document in documents}
    recipes = {key: _site_key(chain) for key, chain in chains.items()}
    sites = [key for key in set(recipes.values()) if key is not None]
    labels = {site["key"]: site["label"] for site in database.sites.query({"key": {"$in": sites}}, ["key", "label"])}
    found = {}
    for key, chain in chains.items():
        subjects = [document["request"]["subject"] for document in chain]
        stated = {
            name: next((str(subject[name]) for subject in subjects if name in subject), None)
            for name in ("adsorbate", "molecule")
        }
        origin = {"site": labels.get(recipes[key] or ""), **stated}
        found[key] = {name: value for name, value in origin.items() if value is not None}
    return found


def _chain(document: Document, known: Mapping[str, Document]) -> list[Document]:
    """Return a calculation, the one that it stands on, and so on."""
    chain = [document]
    while len(chain) <= _GENERATIONS and (parents := chain[-1]["request"]["parents"]) and parents[0] in known:
        chain.append(known[parents[0]])
    return chain


def _site_key(chain: Sequence[Document]) -> str | None:
    """Return the key of the site at the beginning of a chain: its clean relaxation is asked for by its recipe."""
    request = chain[-1]["request"]
    return content_key("site", request["subject"]) if request["task"] == "clean" else None
