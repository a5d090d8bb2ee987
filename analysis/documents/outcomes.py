"""Outcomes: the documents of ``calculations`` and ``failures``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from atomsieve.analysis.documents.common import SCHEMA_VERSION, Document, Key, MethodRef, Number, Part, Shared
from atomsieve.analysis.provenance import Provenance
from atomsieve.structures.energies import joined
from atomsieve.structures.molecule import molecules

#: Characters of an error's text that a failure keeps; the whole lies in ``calculations``.
TEXT = 2000


class RequestPart(Part):
    """What was asked."""

    task: Annotated[
        str,
        Field(description="`clean`, `adsorbed`, `molecule`, `displacement`, `energy`, `electronic` or `vibrations`."),
    ]
    subject: Annotated[dict[str, Any], Field(description="The site's recipe, the placement, the molecule, the atom.")]
    fmax: Annotated[Number, Field(description="Largest force at convergence, eV/Å.")]
    multiplicity: Annotated[int | None, Field(description="2S + 1; null where the method knows no spin.")]
    charge: Annotated[int, Field(description="Total charge, e.")]
    parents: Annotated[list[str], Field(description="Request keys of the calculations that it starts from.")]
    moments: Annotated[
        list[Number] | None, Field(description="Magnetic moments of the metals at the start, Bohr magnetons.")
    ] = None
    method: Annotated[MethodRef, Field(description="Level of theory.")]


class JudgementPart(Part):
    """What a geometry is."""

    verdict: Annotated[str, Field(description="`intact`, `bound`, or what else it turned out to be.")]
    reason: Annotated[str, Field(description="One clause with the number that decided.")]
    measures: Annotated[dict[str, Number], Field(description="Distances that were looked at, Å.")]


class CalculationDocument(Document):
    """A calculation that ended, well (`done`) or not (`failed`).

    On a server a field that is too large for a document holds ``{"@blob": digest}``: its JSON lies in GridFS, bucket
    ``blobs``, under that name. Frames of a relaxation are no part of it; they stay in the working folder.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    key: Annotated[Key, Field(description="Request key: what was asked, known before anything ran.")]
    status: Annotated[str, Field(description="`done` or `failed`; a success is never replaced.")]
    request: Annotated[RequestPart, Field(description="What was asked.")]
    judgement: Annotated[JudgementPart, Field(description="What the geometry is.")]
    atoms: Annotated[
        dict[str, Any] | None,
        Field(description="Last geometry: `numbers`, `positions` (Å), `cell` (Å), `pbc`; null where there is none."),
    ]
    force_calls: Annotated[int, Field(description="Evaluations of the forces.")]
    provenance: Annotated[
        dict[str, Any],
        Field(
            description="Host, began (s since 1970, UTC), seconds, cpu_seconds, versions of packages and calculator, "
            "numerics, and each rung of the ladder that was tried; what cannot change the answer."
        ),
    ]
    energy: Annotated[Number | None, Field(description="Electronic energy, eV; of a success.")] = None
    geometry: Annotated[str | None, Field(description="Geometry key of the atoms; of a success.")] = None
    max_force: Annotated[Number | None, Field(description="Largest force on an atom at the end, eV/Å.")] = None
    moments: Annotated[
        list[Number] | dict[str, str] | None, Field(description="Magnetic moments of the atoms, Bohr magnetons.")
    ] = None
    forces: Annotated[
        list[list[Number]] | dict[str, str] | None,
        Field(description="eV/Å, shape (n, 3); only where no atom was moved."),
    ] = None
    electronic: Annotated[
        dict[str, Any] | None,
        Field(description="Charges (e), moments (Bohr magnetons), d band and gap (eV), where that was the task."),
    ] = None
    masses: Annotated[list[Number] | None, Field(description="Of vibrations: of the atoms, u.")] = None
    energies: Annotated[
        list[Number] | None, Field(description="Of vibrations: of the modes, eV; imaginary ones negative.")
    ] = None
    modes: Annotated[
        list[Any] | dict[str, str] | None, Field(description="Of vibrations: displacements, shape (modes, atoms, 3).")
    ] = None
    displacements: Annotated[
        list[str] | None, Field(description="Of vibrations: request keys of the displaced geometries.")
    ] = None
    asymmetry: Annotated[
        Number | None, Field(description="Of vibrations: largest asymmetry of the force constants, eV/Å².")
    ] = None
    failure_class: Annotated[str | None, Field(description="Of a failure: what to do next.")] = None
    text: Annotated[str | None, Field(description="Of a failure: the error's own words.")] = None
    tried: Annotated[
        list[dict[str, Any]] | None, Field(description="Of a failure: the numerics with which it has failed.")
    ] = None


class FailureMethod(Part):
    """The method of what failed."""

    key: Annotated[Key, Field(description="Key of the method.")]
    calculator: Annotated[str, Field(description="Name of the calculator.")]


class FailureDocument(Shared):
    """A calculation that failed, kept when it has succeeded since."""

    key: Annotated[Key, Field(description="Request key, see `calculations`.")]
    task: Annotated[str, Field(description="What was calculated.")]
    failure_class: Annotated[str, Field(description="What to do next.")]
    reason: Annotated[str, Field(description="One clause.")]
    text: Annotated[str, Field(description=f"The first {TEXT:,} characters of the error's own words.")]
    site: Annotated[str | None, Field(description="Label of the site; null of a molecule, or where nobody said.")]
    family: Annotated[str | None, Field(description="Family of supports, where that is known.")]
    metal_set: Annotated[str | None, Field(description="The different metals of the site, sorted and joined.")]
    adsorbate: Annotated[str | None, Field(description="What was placed on the site.")]
    molecule: Annotated[str | None, Field(description="The free molecule that was calculated.")]
    method: Annotated[FailureMethod, Field(description="The method.")]
    host: Annotated[str | None, Field(description="Where it failed.")]
    force_calls: Annotated[int, Field(description="Evaluations of the forces.")]
    resolved: Annotated[bool, Field(description="Whether a success came since.")]


def failure_document(
    document: Mapping[str, Any], provenance: Provenance, site: Mapping[str, Any] | None = None, label: str = ""
) -> dict[str, Any]:
    """Return the document of a failure from that of its calculation.

    Parameters
    ----------
    document : mapping
        As :meth:`~atomsieve.structures.calculation.Failure.to_dict` gives it.
    provenance : Provenance
        For whom it was calculated.
    site : mapping, optional
        ``label`` of the site, and ``family`` and ``metal_set`` where these are known.
    label : str
        What the flow is called: a free molecule, where there is no site.
    """
    request = document["request"]
    subject, method, known = request["subject"], request["method"], site or {}
    if request["task"] == "clean" and "metals" in subject:
        known = {"family": subject["family"], "metal_set": joined(subject["metals"]), **known}
    return {
        "key": document["key"],
        "schema": SCHEMA_VERSION,
        "task": request["task"],
        "failure_class": str(document["failure_class"]),
        "reason": document["judgement"]["reason"],
        "text": document["text"][:TEXT],
        "site": known.get("label"),
        "family": known.get("family"),
        "metal_set": known.get("metal_set"),
        "adsorbate": subject.get("adsorbate"),
        "molecule": subject.get("molecule", label if label in molecules() else None),
        "method": {"key": method["key"], "calculator": method["calculator"]},
        "host": document["provenance"].get("host"),
        "force_calls": document["force_calls"],
        "resolved": False,
        **provenance.gathered,
    }
