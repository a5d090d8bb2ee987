"""Equation: the adsorption behind a row as a reaction of the site with gases, term by term."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from atomsieve.analysis.chunks import chunks
from atomsieve.structures.errors import InputError

if TYPE_CHECKING:
    from atomsieve.analysis.results.results import Results

_TERM = re.compile(r"^([+-][\d.e-]+)? ?(?:(gas correction)|E)\((.+)\)$")


def adsorptions(results: Results) -> Iterator[Mapping[str, Any]]:
    """Yield the documents of adsorption energies; of reactions those that they stand on, each once."""
    if results.collection == "adsorption_energies":
        yield from results.documents()
        return
    seen: set[str] = set()
    for documents in chunks(results.documents()):
        keys = {key for document in documents for key in document["adsorption_energies"].values()} - seen
        seen |= keys
        for some in chunks(sorted(keys)):
            yield from results.database.adsorption_energies.query({"key": {"$in": some}})


@dataclass(frozen=True)
class Summand:
    """One species of a reaction of adsorption.

    Parameters
    ----------
    name : str
        As Catalysis-Hub writes it: ``star``, ``OHstar``, ``H2Ogas``.
    amount : float
        How many: positive for a product, negative for a reactant.
    key : str
        Request key of the calculation of its energy.
    correction : float
        What is added to its energy, eV: a gas correction.
    """

    name: str
    amount: float
    key: str
    correction: float = 0.0


def summands(row: Mapping[str, Any]) -> tuple[Summand, ...]:
    """Return what the electronic energy of an adsorption is summed from.

    Parameters
    ----------
    row : mapping
        Document of a bound AdsorptionEnergy.
    """
    found: dict[str, Summand] = {}
    corrections: dict[str, float] = {}
    for term in row["terms"]:
        match = _TERM.match(term["name"])
        if term["kind"] == "correction" and match is not None and match[2]:
            corrections[match[3]] = float(term["value"]) / float(match[1])
        if term["kind"] != "electronic":
            continue
        if term["name"] == "-E(*)":
            found["star"] = Summand("star", -1.0, term["source"])
        elif term["name"] == f"E({row['adsorbate']}*)":
            name = f"{species_of(row['adsorbate'])}star"
            found[name] = Summand(name, 1.0, term["source"])
        elif match is not None and match[1]:
            found[f"{match[3]}gas"] = Summand(f"{match[3]}gas", float(match[1]), term["source"])
        else:
            raise InputError(f"row {row['key'][:8]} has an electronic term {term['name']!r} that no reaction explains")
    return tuple(
        Summand(one.name, one.amount, one.key, corrections.get(one.name.removesuffix("gas"), 0.0))
        for one in found.values()
    )


def species_of(adsorbate: str) -> str:
    """Return the formula that an adsorbate's equation is written with; how it binds stands under its site."""
    return adsorbate.removesuffix("-side")


def side(species: Iterable[Summand], sign: int) -> str:
    """Return one side of an equation as JSON."""
    found = {one.name: abs(one.amount) for one in species if one.amount * sign > 0}
    return json.dumps({name: int(amount) if amount == int(amount) else amount for name, amount in found.items()})
