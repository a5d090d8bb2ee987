"""Calculation | Failure: what was asked, what came of it, and whether its geometry is what was meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from atomsieve.structures.errors import FailureClass
from atomsieve.structures.identity import content_key, plain
from atomsieve.structures.judgement import Judgement
from atomsieve.structures.method import Method

#: Raised when a task changes what it does to its input.
SCHEMA = 1

#: Relaxations of a clean site, of one with an adsorbate, of a molecule; energy and forces of one of these displaced by
#: a small step, its energy by another method, and its charges, moments and levels; the vibrations that follow from all
#: its displacements.
Task = Literal["clean", "adsorbed", "molecule", "displacement", "energy", "electronic", "vibrations"]
#: Tasks that move atoms.
RELAXATIONS = frozenset({"clean", "adsorbed", "molecule"})


@dataclass(frozen=True)
class Request:
    """A calculation that is asked for, known before anything runs.

    Parameters
    ----------
    task : {"clean", "adsorbed", "molecule", "displacement", "energy", "electronic", "vibrations"}
        What is calculated.
    subject : mapping
        The site's recipe, the placement's parameters, the molecule's name, or the atom that is displaced.
    method : Method
        Level of theory.
    fmax : float
        Largest force at convergence, eV/Å.
    multiplicity : int or None
        2S + 1; None where the method knows no spin.
    charge : int
        Total charge, e.
    parents : tuple of str
        Request keys of the calculations whose geometry it starts from.
    moments : tuple of float or None
        Magnetic moments of the site's metals at the start, Bohr magnetons; None where the method takes none.
    """

    task: Task
    subject: Mapping[str, Any]
    method: Method
    fmax: float
    multiplicity: int | None = None
    charge: int = 0
    parents: tuple[str, ...] = ()
    moments: tuple[float, ...] | None = None

    @property
    def moves(self) -> bool:
        """Whether atoms are relaxed."""
        return self.task in RELAXATIONS

    @cached_property
    def key(self) -> str:
        """The request key."""
        return content_key("calculation", {"schema": SCHEMA, **self._content(), "method": self.method.key})

    def _content(self) -> dict[str, Any]:
        return {
            "task": self.task,
            "subject": plain(self.subject),
            "fmax": self.fmax,
            "multiplicity": self.multiplicity,
            "charge": self.charge,
            "parents": list(self.parents),
            # a field that came later has a fixed meaning where it is absent
            **({"moments": list(self.moments)} if self.moments is not None else {}),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {**self._content(), "method": self.method.to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Request:
        """Make a request from what :meth:`to_dict` returned."""
        return cls(
            task=data["task"],
            subject=data["subject"],
            method=Method.from_dict(data["method"]),
            fmax=data["fmax"],
            multiplicity=data["multiplicity"],
            charge=data["charge"],
            parents=tuple(data["parents"]),
            moments=tuple(data["moments"]) if data.get("moments") is not None else None,
        )


@dataclass(frozen=True)
class Calculation:
    """A calculation that ended.

    Parameters
    ----------
    request : Request
        What was asked.
    energy : float
        Electronic energy, eV.
    atoms : mapping
        The relaxed geometry as :func:`~atomsieve.structures.site.atoms_to_dict` gives it.
    geometry : str
        Its geometry key.
    judgement : Judgement
        What the geometry is.
    force_calls : int
        Evaluations of the forces.
    max_force : float
        Largest force on an atom at the end, eV/Å.
    moments : tuple of float or None
        Magnetic moments of the atoms, where the method gives them, μB.
    forces : tuple of tuple of float or None
        Those at the end, eV/Å, shape (n, 3); None where atoms were held, whose forces are not known, and in what was
        taken in or is older.
    electronic : mapping or None
        Electronic structure, only where that was the task, and of it only what the calculator gives: ``charges`` (by
        scheme, e for each atom, positive where electrons were lost), ``moments`` (μB for each atom), ``d_band`` (by
        index of a metal, as :meth:`~atomsieve.analysis.dband.DBand.to_dict` gives it) and ``gap`` (eV).
    provenance : mapping
        Host, times, versions, numerics, and each rung of the ladder that was tried under ``attempts``: what cannot
        change the answer.
    """

    request: Request
    energy: float
    atoms: Mapping[str, Any]
    geometry: str
    judgement: Judgement
    force_calls: int
    max_force: float
    moments: tuple[float, ...] | None = None
    forces: Sequence[Sequence[float]] | None = None
    electronic: Mapping[str, Any] | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The request key."""
        return self.request.key

    def to_dict(self) -> dict[str, Any]:
        """Return the document that is stored."""
        return {
            "key": self.key,
            "status": "done",
            "request": self.request.to_dict(),
            "energy": self.energy,
            "atoms": dict(self.atoms),
            "geometry": self.geometry,
            "judgement": self.judgement.to_dict(),
            "force_calls": self.force_calls,
            "max_force": self.max_force,
            "moments": list(self.moments) if self.moments is not None else None,
            **({"forces": [list(force) for force in self.forces]} if self.forces is not None else {}),
            **({"electronic": dict(self.electronic)} if self.electronic is not None else {}),
            "provenance": dict(self.provenance),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Calculation:
        """Make a calculation from its document."""
        return cls(
            request=Request.from_dict(data["request"]),
            energy=data["energy"],
            atoms=data["atoms"],
            geometry=data["geometry"],
            judgement=Judgement.from_dict(data["judgement"]),
            force_calls=data["force_calls"],
            max_force=data["max_force"],
            moments=tuple(data["moments"]) if data["moments"] is not None else None,
            forces=data.get("forces"),
            electronic=data.get("electronic"),
            provenance=data["provenance"],
        )


@dataclass(frozen=True)
class Failure:
    """A calculation that gave no energy that may be used.

    Parameters
    ----------
    request : Request
        What was asked.
    failure_class : FailureClass
        What to do next.
    judgement : Judgement
        Verdict "not converged", with the reason in one line.
    text : str
        What a person needs to know: the error's own words.
    atoms : mapping or None
        The last geometry, where there is one.
    force_calls : int
        Evaluations of the forces.
    tried : tuple of mapping
        All numerics with which it has failed, the last ones last; with others it is tried again.
    provenance : mapping
        As for a calculation.
    """

    request: Request
    failure_class: FailureClass
    judgement: Judgement
    text: str
    atoms: Mapping[str, Any] | None = None
    force_calls: int = 0
    tried: tuple[Mapping[str, Any], ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The request key."""
        return self.request.key

    def to_dict(self) -> dict[str, Any]:
        """Return the document that is stored."""
        return {
            "key": self.key,
            "status": "failed",
            "request": self.request.to_dict(),
            "failure_class": str(self.failure_class),
            "judgement": self.judgement.to_dict(),
            "text": self.text,
            "atoms": dict(self.atoms) if self.atoms is not None else None,
            "force_calls": self.force_calls,
            "tried": [dict(numerics) for numerics in self.tried],
            "provenance": dict(self.provenance),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Failure:
        """Make a failure from its document."""
        return cls(
            request=Request.from_dict(data["request"]),
            failure_class=FailureClass(data["failure_class"]),
            judgement=Judgement.from_dict(data["judgement"]),
            text=data["text"],
            atoms=data["atoms"],
            force_calls=data["force_calls"],
            tried=tuple(data["tried"]),
            provenance=data["provenance"],
        )


def outcome_from_dict(data: Mapping[str, Any]) -> Calculation | Failure:
    """Make a calculation or a failure from its document."""
    return Calculation.from_dict(data) if data["status"] == "done" else Failure.from_dict(data)


def reopened(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of a failure that stands no longer: whoever asks next calculates again.

    What was tried so far is kept under ``retried`` of its provenance.
    """
    provenance = dict(document["provenance"])
    retried = provenance.pop("retried", [])
    before = {
        "failure_class": document["failure_class"],
        "text": document["text"],
        "tried": document["tried"],
        "provenance": provenance,
    }
    return {**document, "tried": [], "provenance": {**provenance, "retried": [*retried, before]}}
