"""Campaign: the documents of ``campaigns``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from atomsieve.analysis.documents.common import SCHEMA_VERSION, Document
from atomsieve.analysis.provenance import Provenance


class CampaignDocument(Document):
    """A campaign file as it was last run, or what was ingested under a name."""

    key: Annotated[str, Field(description="The name.")]
    name: Annotated[str, Field(description="The name.")]
    campaign: Annotated[dict[str, Any], Field(description="What the file says.")]
    sites: Annotated[int, Field(description="Number of sites that it makes.")]
    stages: Annotated[
        dict[str, dict[str, int]],
        Field(default_factory=dict, description="How many sites `entered` each stage, and `passed` it."),
    ]
    tags: Annotated[list[str], Field(description="The file's `tags`.")]
    user: Annotated[str | None, Field(description="Login name of who ran it last.")]
    host: Annotated[str | None, Field(description="Machine on which it was run last.")]
    folder: Annotated[str | None, Field(description="Folder in which its results lie there.")]
    begun: Annotated[str | None, Field(description="When it was first run, ISO 8601, UTC.")]
    updated: Annotated[str | None, Field(description="When it was last run, ISO 8601, UTC.")]


def campaign_document(
    name: str, content: Mapping[str, Any], sites: int, provenance: Provenance, begun: str | None
) -> dict[str, Any]:
    """Return the document of a campaign that is run now.

    Parameters
    ----------
    name : str
        Its name.
    content : mapping
        What its file says.
    sites : int
        Number of sites that it makes.
    provenance : Provenance
        Who runs it.
    begun : str or None
        When it was first run, if it was.
    """
    written = provenance.to_dict()
    return {
        "key": name,
        "schema": SCHEMA_VERSION,
        "name": name,
        "campaign": dict(content),
        "sites": sites,
        "tags": list(provenance.gathered["tags"]),
        **{field: written[field] for field in ("user", "host", "folder")},
        "begun": begun or written["made"],
        "updated": written["made"],
    }
