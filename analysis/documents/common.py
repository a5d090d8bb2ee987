"""Document: what the documents of all collections have in common, and the parts that several of them share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

#: The version of the documents that this atomsieve writes; those without ``schema`` are of version 1.
SCHEMA_VERSION = 2

#: A content key.
Key = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
#: A number that is one.
Number = Annotated[float, Field(allow_inf_nan=False)]


class Part(BaseModel):
    """A mapping within a document."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Document(Part):
    """What every document has."""

    schema_: Annotated[int, Field(alias="schema", description="Version of the document's fields.")]
    last_updated: Annotated[
        datetime | None, Field(description="When its content was written, UTC; marks and tags do not change it.")
    ] = None


class Provenance(Part):
    """Who wrote a document."""

    atomsieve: Annotated[str, Field(description="Version of atomsieve.")]
    user: Annotated[str, Field(description="Login name.")]
    host: Annotated[str, Field(description="Name of the machine.")]
    folder: Annotated[str | None, Field(description="Folder in which results lie on disk there.")]
    made: Annotated[str, Field(description="When, ISO 8601, UTC.")]


class Shared(Document):
    """A document that campaigns share."""

    campaigns: Annotated[list[str], Field(description="Names of the campaigns that made it or found it done.")]
    tags: Annotated[list[str], Field(description="The `tags` that the files of these campaigns state.")]


class SiteRef(Part):
    """What a row says of its site."""

    label: Annotated[str, Field(description="What a chemist calls it; for people only.")]
    key: Annotated[Key, Field(description="Key of the site, see `sites`.")]
    family: Annotated[str, Field(description="Family of supports.")]
    metals: Annotated[list[str], Field(description="Chemical symbols of its metal atoms, one for each atom.")]
    metal_set: Annotated[str, Field(description="The different metals, sorted and joined: `Co-Fe`.")]


class MethodRef(Part):
    """A level of theory, written out."""

    schema_: Annotated[int, Field(alias="schema", description="Version of what the settings mean.")]
    calculator: Annotated[str, Field(description="Name of the calculator.")]
    physics: Annotated[
        dict[str, Any],
        Field(description="Every setting that changes an energy: cutoffs and smearing widths in eV, grids in Å."),
    ]
    tier: Annotated[str, Field(description="`mock`, `semiempirical`, `potential` or `dft`.")]
    key: Annotated[Key, Field(description="Key of the method, see `methods`.")]


class TermPart(Part):
    """One summand of an energy."""

    name: Annotated[str, Field(description="As a chemist writes it: `E(OH*)`, `-1 E(H2O)`.")]
    kind: Annotated[
        str,
        Field(
            description="`electronic`, `correction`, `zpe`, `thermal`, `entropy`, `solvation`; of free molecules also "
            "`experiment`, `acid-base`, `pressure`, `activity`."
        ),
    ]
    value: Annotated[Number, Field(description="eV, with the sign with which it enters the sum.")]
    source: Annotated[str, Field(description="Request key of the calculation, or DOI of the number.")]


class Considered(Part):
    """A calculation that was tried for a row."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    key: Annotated[str, Field(description="Request key.")]
    role: Annotated[str, Field(description="What it was tried for: `clean`, `adsorbed`, a gas, `electronic` ...")]
    status: Annotated[str, Field(description="`done`, `failed`, or `dropped` where it was not gone on with.")]
    reason: Annotated[str, Field(description="The clause behind its verdict.")]
