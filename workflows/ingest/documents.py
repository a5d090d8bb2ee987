"""Document: a run as a calculation of atomsieve, with its request, its verdict and where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from atomsieve.analysis.binding import mode_of
from atomsieve.analysis.geometry import Geometry
from atomsieve.analysis.verdict import judge_adsorbed, judge_clean, judge_molecule
from atomsieve.structures.adsorbate import adsorbates
from atomsieve.structures.calculation import Calculation, Failure, Request, Task
from atomsieve.structures.errors import FailureClass, InputError, unknown
from atomsieve.structures.gate import Participant
from atomsieve.structures.identity import geometry_key
from atomsieve.structures.judgement import Judgement, Verdict
from atomsieve.structures.molecule import molecules
from atomsieve.structures.reference import reference
from atomsieve.structures.site import ActiveSite, atoms_to_dict
from atomsieve.workflows.ingest.matching import match
from atomsieve.workflows.ingest.recognition import FAMILY, adsorbate_in, gas_in
from atomsieve.workflows.ingest.records import Run

#: Decimals of an energy (eV) by which two runs of one geometry and method are told apart.
ENERGY_DECIMALS = 4


@dataclass(frozen=True)
class Taken:
    """A run that has been understood.

    Parameters
    ----------
    source : str
        Where it was found.
    species : str
        ``clean``, or the name of the adsorbate or the gas.
    document : mapping
        The document of its :class:`Calculation` or :class:`Failure`.
    participant : Participant
        What the gate compares.
    uncertainty : float or None
        One standard deviation of the adsorption energy that is made of it, eV; None where nothing states it.
    """

    source: str
    species: str
    document: Mapping[str, Any]
    participant: Participant
    uncertainty: float | None = None

    @property
    def is_usable(self) -> bool:
        """Whether it ended well."""
        return bool(self.document["status"] == "done")

    @property
    def reference(self) -> dict[str, Any]:
        """What rows are made of; a person's run has no parents, so that it stands on any clean run of its site."""
        return {name: value for name, value in reference(self.document).items() if name != "parents"}


def clean(run: Run, site: ActiveSite | None, subject: Mapping[str, Any]) -> Taken:
    """Take a run for one of a clean site.

    Parameters
    ----------
    run : Run
        What was found.
    site : ActiveSite or None
        The site; None where it has no structure.
    subject : mapping
        The recipe of a site without a structure.

    Raises
    ------
    InputError
        If its atoms are not those of the site.
    """
    if run.atoms is None or site is None:
        return _taken("clean", "clean", run, None, subject, _as_stated(Verdict.INTACT))
    matched = match(site.atoms, run.atoms)
    if matched.extra:
        raise InputError("it has more atoms than the clean site")
    atoms = _moved(run.atoms[list(matched.host)], -matched.shift)
    return _taken("clean", "clean", run, matched.host, {"family": FAMILY}, judge_clean(site, atoms))


def adsorbed(run: Run, site: ActiveSite | None, subject: Mapping[str, Any], stated: str | None) -> Taken:
    """Take a run for one of a site with an adsorbate.

    Parameters
    ----------
    run : Run
        What was found.
    site : ActiveSite or None
        The clean site; None where it has no structure.
    subject : mapping
        The recipe of a site without a structure.
    stated : str or None
        The adsorbate that it is said to be.

    Raises
    ------
    InputError
        If the adsorbate is none that is known, or the atoms are not those of the site and one adsorbate.
    """
    if run.atoms is None or site is None:
        if stated is None:
            raise InputError(unknown(run.stated.get("adsorbate", "nothing"), adsorbates(), "adsorbate"))
        if run.atoms is not None:
            raise InputError("the clean site has no structure, with which this one could be compared")
        return _taken("adsorbed", stated, run, None, {**subject, "adsorbate": stated}, _as_stated(Verdict.BOUND))
    matched = match(site.atoms, run.atoms)
    metals = [matched.host[metal] for metal in site.metals]
    name, order = adsorbate_in(run.atoms, matched, metals, stated)
    indices = [*matched.host, *order]
    atoms = _moved(run.atoms[indices], -matched.shift)
    species = adsorbates()[name]
    judgement = judge_adsorbed(site, species, atoms, mode=mode_of(site, species, Geometry(atoms)))
    return _taken("adsorbed", name, run, indices, {"adsorbate": name}, judgement)


def gas(run: Run, stated: str | None) -> Taken:
    """Take a run for a gas molecule.

    Raises
    ------
    InputError
        If it is none that energies refer to, or not the one that is stated.
    """
    if run.atoms is None:
        calculated = [name for name, entry in molecules().items() if entry.is_reference]
        if stated not in calculated:
            raise InputError(unknown(stated, calculated, "gas that energies refer to"))
        return _taken("molecule", stated, run, None, {"molecule": stated}, _as_stated(Verdict.INTACT))
    name, order = gas_in(run.atoms, stated)
    judgement = judge_molecule(molecules()[name], run.atoms[order])
    return _taken("molecule", name, run, order, {"molecule": name}, judgement)


def _as_stated(verdict: Verdict) -> Judgement:
    return Judgement(verdict, "as stated by whoever gave the energy; there is no structure")


def _moved(atoms: Atoms, shift: np.ndarray) -> Atoms:
    atoms.set_positions(atoms.positions + shift)
    return atoms


def _taken(task: Task, species: str, run: Run, order: Any, subject: Mapping[str, Any], judgement: Judgement) -> Taken:
    """Make the document of a run, its atoms in the order of the site and the adsorbate, where they were found."""
    atoms = run.atoms[list(order)] if run.atoms is not None else None
    # of a calculation that somebody made, what came of it tells which it was, in the order in which it was written
    content = {"geometry": _geometry(run.atoms), "energy": round(run.energy, ENERGY_DECIMALS) + 0.0}
    request = Request(
        task=task,
        subject={**subject, FAMILY: content},
        method=run.method,
        fmax=run.fmax,
        multiplicity=run.multiplicity,
        charge=run.charge,
    )
    data = atoms_to_dict(atoms) if atoms is not None else None
    source = {"ingested": str(Path(run.source).absolute()), "remarks": list(run.remarks)}
    outcome: Calculation | Failure
    if run.trouble:
        verdict = Judgement(Verdict.NOT_CONVERGED, run.trouble)
        outcome = Failure(request, FailureClass.GIVE_UP, verdict, run.trouble, data, run.force_calls, provenance=source)
    else:
        moments = run.moments if run.moments is None or order is None else tuple(run.moments[i] for i in order)
        outcome = Calculation(
            request=request,
            energy=run.energy,
            atoms=data or {},
            geometry=_geometry(atoms),
            judgement=judgement,
            force_calls=run.force_calls,
            max_force=run.max_force,
            moments=moments,
            provenance=source,
        )
    participant = Participant(
        name=run.source,
        method=run.method.to_dict(),
        elements=frozenset(map(str, atoms.symbols)) if atoms is not None else None,
        role="gas" if task == "molecule" else "site",
        cell=atoms.cell.array.tolist() if atoms is not None and atoms.pbc.any() else None,
    )
    return Taken(run.source, species, outcome.to_dict(), participant, run.uncertainty)


def _geometry(atoms: Atoms | None) -> str:
    return geometry_key(atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc) if atoms is not None else ""
