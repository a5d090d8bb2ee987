"""Structure: the atoms of a state as a page draws them, in as few characters as will do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from ase.data import chemical_symbols, covalent_radii
from ase.formula import Formula
from numpy.typing import NDArray

from atomsieve.analysis.geometry import BONDED, LOW_SPIN_RADII
from atomsieve.structures.site import ActiveSite

#: Decimals of positions and cells, Å: what a picture can show.
DECIMALS: Final = 3

_RADII: Final = np.array(
    [LOW_SPIN_RADII.get(symbol, radius) for symbol, radius in zip(chemical_symbols, covalent_radii, strict=False)]
)


def compact(atoms: Mapping[str, Any], site: ActiveSite | None = None, *, whole: bool = True) -> dict[str, Any]:
    """Return a geometry for a page.

    Parameters
    ----------
    atoms : mapping
        As :func:`~atomsieve.structures.site.atoms_to_dict` gives it.
    site : ActiveSite, optional
        The site whose atoms come first, with its own bonds; atoms behind them are bonded to all that is near. Unless
        it is given, or where one of its atoms is gone, all bonds go by covalent radii (doi 10.1039/b801115j).
    whole : bool
        Whether to write out what a state shares with the site.

    Returns
    -------
    dict
        ``numbers``; ``positions``, Å, one flat list of 3 n; ``cell``, Å, nine numbers in one flat list, None for what
        is not periodic; ``bonds``, one flat list of indices two by two. In place of all but ``positions`` a state that
        is not written out has ``added``, with the ``numbers`` and ``bonds`` that come behind those of the site.
    """
    numbers = [int(number) for number in atoms["numbers"]]
    positions = np.asarray(atoms["positions"], dtype=float).reshape(-1, 3)
    size = len(site.atoms) if site is not None else 0
    own: list[int] = []
    if site is not None and numbers[:size] == site.atoms.numbers.tolist():
        own = [index for bond in site.bonds for index in bond]
    else:
        size, whole = 0, True
    added = _near(numbers, positions, size)
    if not whole:
        return {"positions": _written(positions), "added": {"numbers": numbers[size:], "bonds": added}}
    return {
        "numbers": numbers,
        "positions": _written(positions),
        "cell": _written(np.asarray(atoms["cell"], dtype=float)) if any(atoms["pbc"]) else None,
        "bonds": own + added,
    }


def formula(numbers: Iterable[int]) -> str:
    """Return the formula of some atoms in the order of Hill: ``C26CoN4``."""
    return f"{Formula.from_list([chemical_symbols[number] for number in numbers]).convert('hill')}"


def _written(values: NDArray[np.float64]) -> list[float]:
    # adding zero makes 0.0 of -0.0
    return [float(value) for value in np.round(values.ravel(), DECIMALS) + 0.0]


def _near(numbers: list[int], positions: NDArray[np.float64], first: int) -> list[int]:
    """Return the bonds of all atoms from one on, by covalent radii, with those before them and each other."""
    radii = _RADII[numbers]
    own = np.arange(first, len(numbers))
    distances = np.linalg.norm(positions[:, None, :] - positions[None, own, :], axis=2)
    near = distances <= BONDED * (radii[:, None] + radii[None, own])
    return [int(index) for i, j in np.argwhere(near) if i < own[j] for index in (i, own[j])]
