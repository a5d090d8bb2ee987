"""Weights: the files that learned potentials read, and the checksums that tell them apart.

They are found and read without loading the packages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from atomsieve.structures.errors import ParameterError
from atomsieve.workflows.settings import read_settings

#: From resolved settings to tags of the method.
Tags = Callable[[Mapping[str, Any]], Mapping[str, Any]]
_Shipped = Mapping[str, Mapping[str, Mapping[str, str]]]


@cache
def _shipped() -> _Shipped:
    """Return the checkpoints that packages bring, by module and model."""
    table: _Shipped = yaml.safe_load((files("atomsieve.workflows") / "weights.yaml").read_text(encoding="utf-8"))
    return table


def shipped_path(module: str, model: str) -> Path | None:
    """Return the file of a checkpoint that a package brings, or None where the package is not installed."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / _shipped()[module][model]["file"]
    return path if path.is_file() else None


def digest(path: Path) -> str:
    """Return the sha256 of a file; it is read again only after it has changed."""
    status = path.stat()
    return _digest(path, status.st_size, status.st_mtime_ns)


@cache
def _digest(path: Path, size: int, changed: int) -> str:
    del size, changed
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def shipped_tags(module: str) -> Tags:
    """Return what makes the tags of a method whose weights come in a package's wheel."""

    def tags(settings: Mapping[str, Any]) -> Mapping[str, Any]:
        entry = _shipped()[module][settings["model"]]
        path = shipped_path(module, settings["model"])
        return {
            "functional": entry["functional"],
            "dispersion": "none",
            "checkpoint": digest(path) if path is not None else entry["sha256"],
        }

    return tags


def own_path(name: str, cure: str, settings: Mapping[str, Any]) -> Path:
    """Return the file of weights that a person got.

    Raises
    ------
    ParameterError
        If none is named, or it is not there; says where to get one.
    """
    from_machine = getattr(read_settings(), f"{name}_weights")
    stated = settings["weights"] or (str(from_machine) if from_machine is not None else "")
    if not stated:
        variable = f"ATOMSIEVE_{name.upper()}_WEIGHTS"
        raise ParameterError("weights", f"no weights are named; {cure}, and name the file here or in {variable}")
    path = Path(stated).expanduser()
    if not (path.is_absolute() and path.is_file()):
        raise ParameterError("weights", f"there is no file {stated!r}; {cure}, and give its full path")
    return path


def own_tags(name: str, cure: str, tags: Tags = lambda settings: {}) -> Tags:
    """Return what makes the tags of a method whose weights a person got, further tags included."""
    return lambda settings: {**tags(settings), "checkpoint": digest(own_path(name, cure, settings))}
