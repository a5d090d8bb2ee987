"""Version: whether this atomsieve knows the documents of a database."""

from __future__ import annotations

from maggma.core import Store

from atomsieve.analysis.documents.common import SCHEMA_VERSION
from atomsieve.structures.errors import StoreError


def refuse_newer(title: str, *stores: Store) -> None:
    """Refuse a database into which a newer atomsieve has written.

    Parameters
    ----------
    title : str
        What it is called in messages.
    *stores : Store
        Its small collections to which whoever runs something writes: campaigns, methods.

    Raises
    ------
    StoreError
        If some document is of a newer version.
    """
    for store in stores:
        for document in store.query({"schema": {"$gt": SCHEMA_VERSION}}, ["schema"], limit=1):
            raise StoreError(
                f"{title} was written by a newer atomsieve: its documents are of version {document['schema']}, and "
                f"this one knows {SCHEMA_VERSION}. Install a newer one: pip install -U atomsieve"
            )
