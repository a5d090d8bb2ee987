"""Reference: the small part of a stored outcome that jobs hand to each other, and the lowest of several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ase.data import chemical_symbols

from atomsieve.structures.judgement import USABLE


def reference(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the small part of a stored outcome that jobs hand to each other.

    Parameters
    ----------
    document : mapping
        What :func:`~atomsieve.structures.calculation.outcome_from_dict` takes.

    Returns
    -------
    dict
        ``key, status, energy`` (eV, None for a failure), ``verdict, reason, multiplicity, charge, subject, parents,
        method, elements`` (chemical symbols, None without a geometry) and ``cell`` (Å, shape (3, 3); None for what is
        not periodic).
    """
    atoms = document.get("atoms")
    return {
        "key": document["key"],
        "status": document["status"],
        "energy": document.get("energy"),
        "verdict": document["judgement"]["verdict"],
        "reason": document["judgement"]["reason"],
        "multiplicity": document["request"]["multiplicity"],
        "charge": document["request"]["charge"],
        "subject": document["request"]["subject"],
        "parents": document["request"]["parents"],
        "method": document["request"]["method"],
        "elements": sorted({chemical_symbols[number] for number in atoms["numbers"]}) if atoms else None,
        "cell": atoms["cell"] if atoms and any(atoms["pbc"]) else None,
    }


def lowest_adsorbed(references: Iterable[Mapping[str, Any]], clean: str | None) -> Mapping[str, Any] | None:
    """Return the lowest usable state with an adsorbate among those that were placed on one clean state.

    Parameters
    ----------
    references : iterable of mapping
        References of relaxations with one adsorbate.
    clean : str or None
        Request key of the clean state that is subtracted.
    """
    return lowest(entry for entry in references if clean in entry.get("parents", [clean]))


def lowest(references: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the reference of lowest energy among those whose energy may be used, None if there is none.

    Equal energies (symmetry-equivalent starts) go by key, so that the choice never depends on order.
    """
    usable = [entry for entry in references if entry["status"] == "done" and entry["verdict"] in USABLE]
    return min(usable, key=lambda entry: (round(entry["energy"], 6), entry["key"]), default=None)
