"""Geometries: the atoms behind rows, fetched from the calculations some at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from atomsieve.analysis.chunks import chunks
from atomsieve.analysis.database import Database
from atomsieve.structures.errors import InputError
from atomsieve.structures.site import atoms_from_dict

if TYPE_CHECKING:
    from ase import Atoms

#: Geometries that are held at a time.
AT_ONCE: Final = 50
#: The collections whose documents have geometries.
HAVE_GEOMETRIES: Final = (
    "reaction_results",
    "adsorption_energies",
    "stabilities",
    "sites",
    "calculations",
    "failures",
)
Document = Mapping[str, Any]


def geometries(
    database: Database, collection: str, documents: Iterable[Document], of: str | None
) -> Iterator[tuple[Document, Atoms]]:
    """Yield documents with their geometries; those without one are left out.

    Parameters
    ----------
    database : Database
        Open.
    collection : str
        What the documents are of.
    documents : iterable of mapping
        Whole ones.
    of : str or None
        Which geometry, as :meth:`Results.structures` takes it.

    Raises
    ------
    InputError
        If documents of the collection have no geometry.
    """
    if collection not in HAVE_GEOMETRIES:
        raise InputError(f"{collection} have no geometries; ask one of {', '.join(HAVE_GEOMETRIES)}")
    for some in chunks(documents, AT_ONCE):
        yield from _with_atoms(some, _of_each(database, collection, some, of))


def _with_atoms(documents: Sequence[Document], found: Sequence[Document | None]) -> Iterator[tuple[Document, Atoms]]:
    """Yield documents with the atoms of those that have any."""
    for document, data in zip(documents, found, strict=True):
        if data is not None:
            yield document, atoms_from_dict(data)


def _of_each(database: Database, collection: str, some: Sequence[Document], of: str | None) -> list[Document | None]:
    if collection == "sites":
        return [document.get("atoms") for document in some]
    if collection in ("calculations", "failures"):
        keys: list[str | None] = [str(document["key"]) for document in some]
    elif collection in ("adsorption_energies", "stabilities"):
        keys = [_key(document, of) for document in some]
    else:
        keys = _of_results(database, some, of or "clean")
    known = database.known({key for key in keys if key is not None})
    return [known[key].get("atoms") if key in known else None for key in keys]


def _key(row: Document, of: str | None) -> str | None:
    """Return the key of the calculation that a row has its geometry from."""
    calculations: Mapping[str, str] = row["calculations"]
    return calculations.get(of) if of is not None else calculations.get("adsorbed", calculations.get("clean"))


def _of_results(database: Database, some: Sequence[Document], of: str) -> list[str | None]:
    """Return the key of the calculation behind each reaction result, by the rows that it stands on."""
    adsorbate = of.removesuffix("*")
    wanted = [
        list(document["adsorption_energies"].values())
        if of == "clean"
        else [key for name, key in document["adsorption_energies"].items() if name == adsorbate]
        for document in some
    ]
    rows: dict[str, Document] = {}
    for keys in chunks({key for own in wanted for key in own}):
        found = database.adsorption_energies.query({"key": {"$in": keys}}, ["key", "calculations"])
        rows |= {row["key"]: row for row in found}
    role = "clean" if of == "clean" else "adsorbed"
    own = [[_key(rows[key], role) for key in keys if key in rows] for keys in wanted]
    return [next((key for key in keys if key is not None), None) for keys in own]
