"""Provenance: for which campaign a document is written, by whom and where."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from typing import Any


@dataclass(frozen=True)
class Provenance:
    """Who writes, and what for.

    Parameters
    ----------
    campaign : str or None
        Name of the campaign; None where it is for none.
    tags : tuple of str
        What the campaign's file states under ``tags``.
    folder : str or None
        Where results lie on disk.
    """

    campaign: str | None = None
    tags: tuple[str, ...] = ()
    folder: str | None = None

    @property
    def gathered(self) -> dict[str, list[str]]:
        """What documents gather of all who made or found them: ``campaigns`` and ``tags``."""
        return {"campaigns": [self.campaign] if self.campaign is not None else [], "tags": unique(self.tags)}

    def to_dict(self) -> dict[str, Any]:
        """Return what a document keeps of him who made it: atomsieve's version, user, host, folder, time (UTC)."""
        made = datetime.now(UTC).isoformat(timespec="seconds")
        return {
            "atomsieve": _version(),
            "user": user(),
            "host": socket.gethostname(),
            "folder": self.folder,
            "made": made,
        }


def unique(names: Sequence[str]) -> list[str]:
    """Return names in order of first mention, each once."""
    return list(dict.fromkeys(names))


@cache
def user() -> str:
    """Return the login name; the number of a user who has none, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


@cache
def _version() -> str:
    return version("atomsieve")
