"""Crystal: a structure that comes along, made from its published site parameters."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml
from ase import Atoms


@lru_cache(maxsize=1)
def _data() -> Mapping[str, Any]:
    text = files("atomsieve.builders.files").joinpath("crystals.yaml").read_text(encoding="utf-8")
    data: Mapping[str, Any] = yaml.safe_load(text)
    return data


def names() -> tuple[str, ...]:
    """Return the crystals that come along."""
    return tuple(_data())


def source(name: str) -> str:
    """Return where the site parameters of a crystal are from."""
    return str(_data()[name]["source"])


def crystal(name: str) -> Atoms:
    """Return a crystal that comes along, in its primitive cell.

    Parameters
    ----------
    name : str
        One of :func:`names`.

    Returns
    -------
    ase.Atoms
        Element by element in the order of the data.
    """
    from ase.spacegroup import crystal as expand

    entry = _data()[name]
    a = float(entry["a"])
    atoms = expand(
        [site[0] for site in entry["sites"]],
        [site[1:] for site in entry["sites"]],
        spacegroup=int(entry["space_group"]),
        cellpar=[a, a, a, 90.0, 90.0, 90.0],
        primitive_cell=True,
    )
    return Atoms(numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=True)
