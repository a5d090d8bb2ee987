"""Credentials: what must not stand in the file of a cluster, and the file apart that they lie in."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from atomsieve.structures.complaint import path_text
from atomsieve.structures.errors import Problem

_CREDENTIAL = re.compile(r"mongodb(\+srv)?://|[a-z][a-z0-9+.-]*://[^/\s'\"]*:[^/\s'\"]*@", re.IGNORECASE)
_CREDENTIAL_NAME = re.compile(
    r"(password|passwd|passphrase|secret|token(?!iz)|api_?key|access_?key|credential|_uri)", re.I
)
#: An assignment in a shell line, ``export NAME=value``; what another variable or a command gives is no credential.
_ASSIGNMENT = re.compile(r"(?:^|[\s;])(\w+)=['\"]?([^\s'\"$`]+)")


def credential_problems(value: Any, location: tuple[int | str, ...] = ()) -> Iterator[Problem]:
    """Yield each entry that looks like a credential, without showing it."""
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from credential_problems(entry, (*location, str(key)))
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from credential_problems(entry, (*location, index))
    elif isinstance(value, str):
        names = [name for name, _ in _ASSIGNMENT.findall(value)]
        if location and location[0] == "environment":
            names.append(str(location[-1]))
        if _CREDENTIAL.search(value) or any(_CREDENTIAL_NAME.search(name) for name in names):
            yield Problem(
                path_text(location),
                "looks like a credential, and whoever reads the file or a job script would have it; write it as "
                "NAME='value' into a file of its own with mode 600 (chmod 600), and name that file under `secrets`",
            )


def secrets_problem(path: Path) -> str | None:
    """Return what is wrong with a file of credentials, and the command that mends it; None if nothing is."""
    try:
        status = path.stat()
    except OSError as error:
        return f"{path} cannot be read here ({error.strerror}); make it, with mode 600"
    if not stat.S_ISREG(status.st_mode):
        return f"{path} is no file"
    if stat.S_IMODE(status.st_mode) & 0o177:
        return f"others may read {path} (mode {stat.S_IMODE(status.st_mode):o}); chmod 600 {path}"
    return None
